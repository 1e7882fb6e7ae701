/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as repodata and a request, a NUL between: a solution that reads back, or why not. */
#include <stdlib.h>
#include <string.h>

#include "cenv.h"
#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1 << 26, POLLS = 2000 };

static const struct cenv_index_source source = {
    .channel = "c",
    .channel_url = "https://host/c",
    .subdir = "linux-64",
    .repodata_url = "https://host/c/linux-64/repodata.json",
    .path = "repodata.json",
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* A search may be long; one that does not poll is found by libFuzzer's time limit. */
static int count_polls(void *ctx)
{
    return ++*(int *)ctx > POLLS;
}

static bool is_expected(int rc)
{
    return rc == CENV_EUSAGE || rc == CENV_ESPEC || rc == CENV_EUNSAT ||
           rc == CENV_EINTEGRITY || rc == CENV_ECHANNEL || rc == CENV_ECANCELLED;
}

static void check_reply(int rc, const struct cenv_buf *out,
                        const struct cenv_error *err)
{
    struct cenv_error bad = CENV_ERROR_INIT;
    struct cenv_json *reply = NULL;

    if (rc < 0) {
        require(is_expected(rc) && err->message[0] && out->len == 0);
        return;
    }
    require(cenv_json_parse(&reply, cenv_buf_str(out), "the reply", &bad) == 0);
    require(cenv_json_type(cenv_json_get(reply, "records")) == CENV_JSON_ARRAY);
    cenv_json_free(reply);
}

static void solve(const struct cenv_index *index, struct cenv_str request)
{
    char *text = strndup(request.data ? request.data : "", request.len);
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;
    struct cenv_buf out;
    int polls = 0;

    require(text != NULL);
    cenv_task_init(&task, count_polls, &polls);
    cenv_buf_init(&out, ROOM);
    check_reply(cenv_solve(index, text, &task, &out, &err), &out, &err);
    cenv_buf_release(&out);
    cenv_error_release(&err);
    cenv_task_release(&task);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cenv_str request = cenv_str_n(size ? (const char *)data : "", size);
    struct cenv_str repodata = cenv_str_cut(&request, '\0');
    struct cenv_index_source given = source;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_index *index = NULL;
    struct cenv_task task;

    cenv_task_init(&task, NULL, NULL);
    given.data = repodata.data;
    given.len = repodata.len;
    int rc = cenv_index_open(&index, &given, 1, NULL, &task, &err);
    if (rc == 0)
        solve(index, request);
    else
        require(is_expected(rc) && err.message[0]);
    cenv_index_free(index);
    cenv_error_release(&err);
    cenv_task_release(&task);
    return 0;
}
