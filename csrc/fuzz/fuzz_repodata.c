/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as repodata: refused, or every record is read or skipped with a reason. */
#include <stdlib.h>

#include "cenv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct cenv_index_source source = {
    .channel = "c",
    .channel_url = "https://host/c",
    .subdir = "linux-64",
    .repodata_url = "https://host/c/linux-64/repodata.json",
    .path = "repodata.json",
};

static void read_whole(const struct cenv_index *index, struct cenv_task *task)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;

    cenv_buf_init(&out, 1 << 26);
    if (cenv_index_inspect(index, task, &out, &err) != 0 || out.data[0] != '[')
        abort();
    cenv_buf_release(&out);
    cenv_error_release(&err);
}

/* What it says of other channels is given or refused, whatever its records are. */
static void read_relations(const struct cenv_index *index, struct cenv_task *task)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;

    cenv_buf_init(&out, 1 << 26);
    int rc = cenv_index_relations(index, task, &out, &err);
    if (rc == 0 ? out.data[0] != '[' : !err.message[0])
        abort();
    if (rc != 0 && rc != CENV_EINTEGRITY && rc != CENV_ECHANNEL)
        abort();
    cenv_buf_release(&out);
    cenv_error_release(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cenv_index_source given = source;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_index *index = NULL;
    struct cenv_task task;

    cenv_task_init(&task, NULL, NULL);
    given.data = size ? (const char *)data : "";
    given.len = size;
    int rc = cenv_index_open(&index, &given, 1, NULL, &task, &err);
    if (rc == 0) {
        read_whole(index, &task);
        read_relations(index, &task);
    } else if (rc != CENV_EINTEGRITY && rc != CENV_ECHANNEL)
        abort();
    if ((rc == 0) != (err.status == 0) || (rc == 0) != (index != NULL))
        abort();
    cenv_index_free(index);
    cenv_error_release(&err);
    cenv_task_release(&task);
    return 0;
}
