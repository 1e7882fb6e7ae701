/* SPDX-License-Identifier: BSD-3-Clause */
/* codec/options: what a table reads, and what it refuses by name. */
#include "codec/options.h"

#include "check.h"

struct wanted {
    bool replace;
    int64_t owner;
    double solved;
    const char *cmd;
    const struct cenv_json *ids, *network;
    size_t letters;
};

static int set_letters(void *out, const struct cenv_json *value, struct cenv_error *err)
{
    struct wanted *wanted = out;

    wanted->letters = cenv_json_str(value).len;
    return wanted->letters ? 0 : cenv_error_set(err, CENV_EUSAGE, "no letters");
}

static const struct cenv_option table[] = {
    {"replace", CENV_OPTION_BOOL, offsetof(struct wanted, replace), NULL},
    {"owner", CENV_OPTION_INT, offsetof(struct wanted, owner), NULL},
    {"solved", CENV_OPTION_DOUBLE, offsetof(struct wanted, solved), NULL},
    {"cmd", CENV_OPTION_TEXT, offsetof(struct wanted, cmd), NULL},
    {"ids", CENV_OPTION_LIST, offsetof(struct wanted, ids), NULL},
    {"network", CENV_OPTION_OBJECT, offsetof(struct wanted, network), NULL},
    {"letters", CENV_OPTION_SET, 0, set_letters},
};
static const struct cenv_options options = CENV_OPTIONS("export", table);

static void test_options__read_every_type(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct wanted wanted = {.owner = 1};
    struct cenv_json *doc;
    int rc = cenv_options_parse(
        &options, &doc,
        "{\"replace\": true, \"owner\": 12, \"solved\": 1.5, \"cmd\": \"make\","
        " \"ids\": [1, 2], \"network\": {\"a\": 1}, \"letters\": \"abc\"}",
        &wanted, &err);

    if (CHECK_INT(rc, 0)) {
        CHECK(wanted.replace);
        CHECK_INT(wanted.owner, 12);
        CHECK(wanted.solved == 1.5);
        CHECK_STR(wanted.cmd, "make");
        CHECK_INT(cenv_json_len(wanted.ids), 2);
        CHECK_INT(cenv_json_get_int(wanted.network, "a", 0), 1);
        CHECK_INT(wanted.letters, 3);
    }
    cenv_json_free(doc);
}

static void test_options__leave_what_is_not_given(void)
{
    static const char *const texts[] = {NULL, "", "{}",
                                        "{\"owner\": null, \"letters\": null}"};

    for (size_t i = 0; i < CHECK_NR(texts); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct wanted wanted = {.owner = 7, .letters = 9};
        struct cenv_json *doc;

        check_case(texts[i]);
        CHECK_INT(cenv_options_parse(&options, &doc, texts[i], &wanted, &err), 0);
        CHECK_INT(wanted.owner, 7);
        CHECK_INT(wanted.letters, 9);
        CHECK(!wanted.cmd);
        cenv_json_free(doc);
    }
}

static void test_options__refuse(void)
{
    static const struct {
        const char *text;
        int status;
        const char *message, *hint;
    } cases[] = {
        {"{\"ownerr\": 1}", CENV_EUSAGE, "export has no option 'ownerr'",
         "did you mean 'owner'?"},
        {"{\"xyzzy\": 1}", CENV_EUSAGE, "export has no option 'xyzzy'", ""},
        {"{\"replace\": 1}", CENV_EUSAGE,
         "the option 'replace' of export must be true or false", ""},
        {"{\"owner\": 1.5}", CENV_EUSAGE,
         "the option 'owner' of export must be a whole number", ""},
        {"{\"solved\": \"1\"}", CENV_EUSAGE,
         "the option 'solved' of export must be a number", ""},
        {"{\"cmd\": []}", CENV_EUSAGE, "the option 'cmd' of export must be a string",
         ""},
        {"{\"ids\": {}}", CENV_EUSAGE, "the option 'ids' of export must be a list", ""},
        {"{\"network\": []}", CENV_EUSAGE,
         "the option 'network' of export must be an object", ""},
        {"{\"letters\": \"\"}", CENV_EUSAGE, "no letters", ""},
        {"[]", CENV_EUSAGE, "the options of export must be an object", ""},
        {"{", CENV_EINTEGRITY, NULL, ""},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct wanted wanted = {0};
        struct cenv_json *doc;

        check_case(cases[i].text);
        CHECK_INT(cenv_options_parse(&options, &doc, cases[i].text, &wanted, &err),
                  cases[i].status);
        if (cases[i].message)
            CHECK_STR(err.message, cases[i].message);
        CHECK_STR(err.hint, cases[i].hint);
        cenv_json_free(doc);
        cenv_error_release(&err);
    }
}

int main(void)
{
    RUN(test_options__read_every_type);
    RUN(test_options__leave_what_is_not_given);
    RUN(test_options__refuse);
    return check_report();
}
