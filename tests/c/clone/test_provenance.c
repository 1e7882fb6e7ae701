/* SPDX-License-Identifier: BSD-3-Clause */
/* What a clone tells of its request: records, history, URLs; also when memory runs out. */
#include <sys/stat.h>

#include "base/alloc.h"
#include "check.h"
#include "clone/provenance.h"
#include "scratch.h"

#define OLD "https://old.invalid/c/linux-64"
#define FIRST \
    "==> 2020-01-01 00:00:00 <==\n# cmd: first\n+" OLD \
    "::b-1-0\n# update specs: [\"b\"]\n"
#define HEAD "==> 2021-01-01 00:00:00 <==\n# cmd: second\n"
#define A    "+" OLD "::a-1-0\n"
#define B    "+" OLD "::b-1-0\n"
#define REST "  \"version\": \"1\"\n}"

#define RECORD(name, where, url, requested) \
    "{\n  \"name\": \"" name "\",\n  \"channel\": \"" where \
    "\",\n  \"depends\": [\n    " \
    "\"requested_spec\"\n  ],\n" requested "  \"url\": \"" url "\",\n" REST
#define AT_OLD(name, requested) RECORD(name, OLD, OLD "/" name "-1-0.conda", requested)
#define NONE                    "  \"requested_specs\": [],\n"
#define ONE(spec) \
    "  \"requested_spec\": \"" spec "\",\n  \"requested_specs\": [\n    \"" spec \
    "\"\n  ],\n"

struct files {
    const char *history, *a, *b;
};

static const struct files made = {
    FIRST HEAD A B "# update specs: ['a']\n",
    AT_OLD("a", ONE("a")),
    AT_OLD("b", NONE),
};

static const struct {
    const char *what, *provenance;
    struct files want;
} cases[] = {
    {"nothing", "", {NULL, NULL, NULL}},
    {"an empty request", "{}", {NULL, NULL, NULL}},
    {"the same request", "{\"specs\":[\"a\"],\"was\":[\"a\"]}", {NULL, NULL, NULL}},
    {"another spec of another name",
     "{\"specs\":[\"b >=1\"],\"was\":[\"a\"]}",
     {FIRST HEAD A B "# update specs: ['b >=1']\n", AT_OLD("a", NONE),
      AT_OLD("b", ONE("b >=1"))}},
    {"several specs of one name",
     "{\"specs\":[\"a\",\"a <3\"],\"was\":[\"a\"]}",
     {FIRST HEAD A B "# update specs: ['a', 'a <3']\n",
      AT_OLD("a",
             "  \"requested_spec\": \"a <3\",\n  \"requested_specs\": [\n    \"a\",\n"
             "    \"a <3\"\n  ],\n"),
      NULL}},
    {"another channel, which sorts before",
     "{\"urls\":{\"b-1-0\":\"https://new.invalid/c/linux-64/b-1-0.conda\"}}",
     {FIRST HEAD "+https://new.invalid/c/linux-64::b-1-0\n" A "# update specs: ['a']\n",
      NULL,
      RECORD("b", "https://new.invalid/c/linux-64",
             "https://new.invalid/c/linux-64/b-1-0.conda", NONE)}},
    {"secrets in a URL",
     "{\"urls\":{\"a-1-0\":\"https://me:word@old.invalid/t/to-ken-1/c/linux-64/"
     "a-1-0.conda\"}}",
     {NULL, NULL, NULL}},
    {"an IPv6 host",
     "{\"urls\":{\"a-1-0\":\"http://[::1]:8/c/linux-64/a-1-0.conda\"}}",
     {FIRST HEAD "+http://[::1]:8/c/linux-64::a-1-0\n" B "# update specs: ['a']\n",
      RECORD("a", "http://[::1]:8/c/linux-64", "http://[::1]:8/c/linux-64/a-1-0.conda",
             ONE("a")),
      NULL}},
};

static const char *text_of(const struct files *files, const struct files *other, int i)
{
    const char *const texts[] = {files->history, files->a, files->b};
    return texts[i] || !other ? texts[i] : text_of(other, NULL, i);
}

static const char *const paths[] = {"conda-meta/history", "conda-meta/a-1-0.json",
                                    "conda-meta/b-1-0.json"};

static void put_files(const struct scratch *s)
{
    struct timespec then[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    mkdirat(s->fd, "conda-meta", 0755);
    for (int i = 0; i < 3; i++) {
        scratch_file(s, paths[i], text_of(&made, NULL, i), 0640);
        utimensat(s->fd, paths[i], then, 0);
    }
    utimensat(s->fd, "conda-meta", then, 0);
}

/* Every file as it was (`want` NULL), or as wanted; with its mode and time. */
static void check_files(const struct scratch *s, const char *what,
                        const struct files *want)
{
    struct stat st;
    for (int i = 0; i < 3; i++) {
        const char *text = text_of(want ? want : &made, &made, i);
        if (!CHECK_STR(scratch_text(s, paths[i]), text))
            fprintf(stderr, "    %s: %s\n", what, paths[i]);
        CHECK_INT(fstatat(s->fd, paths[i], &st, 0), 0);
        CHECK_INT(st.st_mode & 07777, 0640);
        CHECK_INT(st.st_mtim.tv_sec, 1000);
    }
    CHECK_INT(fstatat(s->fd, "conda-meta", &st, 0), 0);
    CHECK_INT(st.st_mtim.tv_sec, 1000);
}

static void test_provenance__as_installed_for_the_request(void)
{
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct scratch s = scratch_open();
        put_files(&s);
        for (int again = 0; again < 2; again++) { /* which changes nothing */
            CHECK_INT(cenv_provenance_apply(s.fd, cases[i].provenance, &err), 0);
            check_files(&s, cases[i].what, &cases[i].want);
        }
        CHECK_INT(cenv_provenance_apply_at(s.path, cases[i].provenance, &err), 0);
        check_files(&s, cases[i].what, &cases[i].want);
        cenv_error_release(&err);
        scratch_close(&s);
    }
}

/* A set-up may have written records as it likes: valid ones, and those of no package. */
static void test_provenance__leaves_records_of_another_form(void)
{
    static const char *const forms[] = {
        "{\"name\": \"a\", \"url\": \"" OLD
        "/a-1-0.conda\", \"requested_spec\": \"a\"}",
        "{\n    \"name\": \"a\",\n    \"url\": \"x\",\n    \"requested_specs\": []\n}\n",
        "{\n  \"requested_specs\": [\n    \"a\"",
        "{\n  \"url\": \"cut",
        "{}",
        "",
        "no JSON\n  \"",
    };
    for (size_t i = 0; i < CHECK_NR(forms); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct scratch s = scratch_open();
        put_files(&s);
        scratch_file(&s, "conda-meta/a-1-0.json", forms[i], 0640);
        CHECK_INT(
            cenv_provenance_apply(s.fd,
                                  "{\"specs\":[\"a >=1\"],\"urls\":{\"a-1-0\":"
                                  "\"https://n.invalid/c/linux-64/a-1-0.conda\"}}",
                                  &err),
            0);
        CHECK_STR(scratch_text(&s, "conda-meta/a-1-0.json"), forms[i]);
        cenv_error_release(&err);
        scratch_close(&s);
    }
}

/* Each file is as it was or as it is to be, and a second run ends it. */
static void test_provenance__no_memory(void)
{
    static const char provenance[] =
        "{\"specs\":[\"a\",\"b >=1\"],\"was\":[\"a\"],\"urls\":{\"b-1-0\":"
        "\"https://new.invalid/c/linux-64/b-1-0.conda\"}}";
    const struct files want = {FIRST HEAD "+https://new.invalid/c/linux-64::b-1-0\n" A
                                          "# update specs: ['a', 'b >=1']\n",
                               NULL,
                               RECORD("b", "https://new.invalid/c/linux-64",
                                      "https://new.invalid/c/linux-64/b-1-0.conda",
                                      ONE("b >=1"))};
    int rc = -1;
    long n = 1;
    for (; n < 2000 && rc < 0; n++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct scratch s = scratch_open();
        put_files(&s);
        long live = cenv_alloc_live();
        cenv_alloc_fail_nth(n);
        rc = cenv_provenance_apply(s.fd, provenance, &err);
        cenv_alloc_fail_nth(0);
        CHECK(rc == 0 || rc == CENV_ENOMEM);
        for (int i = 0; i < 3; i++) {
            const char *got = scratch_text(&s, paths[i]);
            CHECK(strcmp(got, text_of(&made, NULL, i)) == 0 ||
                  strcmp(got, text_of(&want, &made, i)) == 0);
        }
        cenv_error_release(&err);
        CHECK_INT(cenv_alloc_live() <= live, 1);
        CHECK_INT(cenv_provenance_apply(s.fd, provenance, &err), 0);
        for (int i = 0; i < 3; i++)
            CHECK_STR(scratch_text(&s, paths[i]), text_of(&want, &made, i));
        cenv_error_release(&err);
        scratch_close(&s);
    }
    CHECK_INT(rc, 0);
    CHECK(n > 30);
}

static void test_provenance__wrong_requests(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct scratch s = scratch_open();
    put_files(&s);
    CHECK(cenv_provenance_apply(s.fd, "{\"specs\":", &err) < 0);
    cenv_error_release(&err);
    CHECK_INT(cenv_provenance_apply(s.fd, "{\"specs\":3,\"urls\":[]}", &err), 0);
    cenv_error_release(&err);
    CHECK(cenv_provenance_apply_at("/nowhere/at/all", "{\"urls\":{}}", &err) < 0);
    cenv_error_release(&err);
    scratch_close(&s);
}

int main(void)
{
    umask(022);
    RUN(test_provenance__as_installed_for_the_request);
    RUN(test_provenance__leaves_records_of_another_form);
    RUN(test_provenance__no_memory);
    RUN(test_provenance__wrong_requests);
    return check_report();
}
