/* SPDX-License-Identifier: BSD-3-Clause */
/* What channels say of other channels: given as it stands, refused where it makes no sense. */
#include "check.h"

#include "base/alloc.h"
#include "cenv.h"

/* Opens a source for each text, and asks; *reply is released by the caller. */
static int ask(const char *const *texts, size_t nr, struct cenv_buf *reply,
               struct cenv_error *err)
{
    struct cenv_index_source sources[4];
    struct cenv_index *index = NULL;
    struct cenv_task task;

    memset(sources, 0, sizeof(sources));
    for (size_t i = 0; i < nr; i++)
        sources[i] = (struct cenv_index_source){.channel = "bio",
                                                .channel_url = "https://host/bio",
                                                .subdir = i ? "noarch" : "linux-64",
                                                .path = "some/repodata.json",
                                                .data = texts[i],
                                                .len = strlen(texts[i])};
    cenv_buf_init(reply, 1 << 20);
    cenv_task_init(&task, NULL, NULL);
    int rc = cenv_index_open(&index, sources, nr, NULL, &task, err);
    if (rc == 0)
        rc = cenv_index_relations(index, &task, reply, err);
    cenv_index_free(index);
    cenv_task_release(&task);
    return rc;
}

#define SAID(text) "{\"info\":{\"channel_relations\": " text " },\"packages\":{}}"

static void test_relations__are_given_as_they_stand(void)
{
    static const char *const texts[] = {
        SAID(
            "{\"base\" : \"../bas\\u0065\", \"later\": [{}], \"overrides\":\"../..\"}"),
        "{\"packages\":{}}",
        SAID("{}"),
        SAID("null"),
    };
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf reply;

    CHECK_INT(ask(texts, CHECK_NR(texts), &reply, &err), 0);
    CHECK_STR(reply.data,
              "[{\"base\":\"../base\",\"overrides\":\"../..\"},null,{},null]");
    cenv_buf_release(&reply);
}

static void test_relations__of_another_shape_are_refused(void)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {SAID("[]"),
         "channel_relations of https://host/bio/linux-64 are not an object"},
        {SAID("\"../forge\""), "are not an object"},
        {SAID("{\"base\":7}"), "have a base or overrides that is no text"},
        {SAID("{\"base\":\"../x\",\"overrides\":{}}"), "that is no text"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_buf reply;

        check_case(cases[i].text);
        CHECK_INT(ask(&cases[i].text, 1, &reply, &err), CENV_ECHANNEL);
        if (!CHECK(strstr(err.message, cases[i].message)))
            fprintf(stderr, "    %s\n", err.message);
        CHECK(strstr(err.hint, "channel_relations_max_depth: 0"));
        cenv_buf_release(&reply);
        cenv_error_release(&err);
    }
}

static void test_relations__are_bounded(void)
{
    static char text[80000];
    const char *texts[] = {text};
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf reply;

    strcpy(text, "{\"info\":{\"channel_relations\":{\"x\":\"");
    memset(text + strlen(text), 'y', 65536);
    strcat(text, "\"}}}");
    CHECK_INT(ask(texts, 1, &reply, &err), CENV_ECHANNEL);
    CHECK(strstr(err.message, "longer than 64 KiB"));
    cenv_buf_release(&reply);
    cenv_error_release(&err);
}

#ifdef CENV_FAULTS
static void test_relations__out_of_memory(void)
{
    static const char *const texts[] = {SAID("{\"base\":\"../forge\"}")};
    long before = cenv_alloc_live();
    int rc = CENV_ENOMEM;

    for (long n = 1; rc != 0; n++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_buf reply;
        cenv_alloc_fail_nth(n);
        rc = ask(texts, 1, &reply, &err);
        cenv_alloc_fail_nth(0);
        if (rc != 0 && !CHECK_INT(rc, CENV_ENOMEM))
            rc = 0;
        cenv_buf_release(&reply);
        cenv_error_release(&err);
        CHECK_INT(cenv_alloc_live(), before);
    }
}
#endif

int main(void)
{
    RUN(test_relations__are_given_as_they_stand);
    RUN(test_relations__of_another_shape_are_refused);
    RUN(test_relations__are_bounded);
#ifdef CENV_FAULTS
    RUN(test_relations__out_of_memory);
#endif
    return check_report();
}
