/* SPDX-License-Identifier: BSD-3-Clause */
/* Prefixes of conda, mamba, rattler and ourselves against their records. */
#include "base/alloc.h"
#include "cenv.h"
#include "check.h"
#include "package.h"

static struct scratch s;
static struct cenv_error err = CENV_ERROR_INIT;
static struct cenv_task task;
static struct cenv_buf out;

static void begin(void)
{
    s = scratch_open();
    cenv_task_init(&task, NULL, NULL);
    cenv_buf_init(&out, 1 << 20);
    mkdirat(s.fd, "conda-meta", 0755);
    scratch_file(&s, "conda-meta/history", "", 0644);
}

static void end(void)
{
    cenv_buf_release(&out);
    cenv_error_release(&err);
    cenv_task_release(&task);
    scratch_close(&s);
}

static const char *sha(const char *text)
{
    static char ring[4][CENV_DIGEST_HEX_MAX];
    static unsigned turn;
    char *hex = ring[turn++ % 4];
    cenv_digest_sha256_hex(cenv_str(text), hex);
    return hex;
}

/* A record of one path; `keys` of its entry start with a comma, or are "". */
static void put_record(const char *name, const char *path, const char *type,
                       const char *keys)
{
    char file[128], text[2048];
    snprintf(file, sizeof(file), "conda-meta/%s-1-0.json", name);
    snprintf(text, sizeof(text),
             "{\"name\":\"%s\",\"version\":\"1\",\"build\":\"0\",\"files\":[\"%s\"],"
             "\"paths_data\":{\"paths_version\":1,\"paths\":[{\"_path\":\"%s\","
             "\"path_type\":\"%s\"%s}]}}",
             name, path, path, type, keys);
    scratch_file(&s, file, text, 0644);
}

static void put_hashed(const char *name, const char *path, const char *type,
                       const char *key, const char *content)
{
    char keys[512];
    snprintf(keys, sizeof(keys), ",\"%s\":\"%s\"", key, sha(content));
    put_record(name, path, type, keys);
}

/* All of these records can be used. */
static void check_verify(const char *want)
{
    const char *counts = strstr(want, "\"checked\"");
    char whole[4096];
    snprintf(whole, sizeof(whole), "%.*s\"warnings\":[],%s", (int)(counts - want), want,
             counts);
    cenv_buf_clear(&out);
    if (CHECK_INT(cenv_verify(s.path, &task, &out, &err), 0))
        CHECK_STR(out.data, whole);
    else
        fprintf(stderr, "    %s\n", err.message);
    cenv_error_release(&err);
}

static void check_one(const char *key, const char *path)
{
    char want[512];
    bool ok = strcmp(key, "ok") == 0;
    snprintf(want, sizeof(want),
             "{\"ok\":%s,\"missing\":[%s%s%s],\"altered\":[%s%s%s],\"unmanaged\":[],"
             "\"checked\":1}",
             ok ? "true" : "false", *key == 'm' ? "\"" : "", *key == 'm' ? path : "",
             *key == 'm' ? "\"" : "", *key == 'a' ? "\"" : "", *key == 'a' ? path : "",
             *key == 'a' ? "\"" : "");
    check_verify(want);
}

/* What each writer says about a file, and what lies there. */
static void test_verify__takes_each_writers_word(void)
{
    static const struct {
        const char *label, *type, *keys, *text, *verdict;
    } cases[] = {
        {"plain", "hardlink", ",\"sha256\":\"%P\"", "pkg", "ok"},
        {"plain, altered", "hardlink", ",\"sha256\":\"%P\"", "new", "altered"},
        {"plain, gone", "hardlink", ",\"sha256\":\"%P\"", NULL, "missing"},
        {"conda, relocated", "hardlink",
         ",\"sha256\":\"%P\",\"sha256_in_prefix\":\"%I\",\"prefix_placeholder\":\"/p\","
         "\"file_mode\":\"text\"",
         "env", "ok"},
        {"conda, as in the package", "hardlink",
         ",\"sha256\":\"%P\",\"sha256_in_prefix\":\"%I\"", "pkg", "altered"},
        {"rattler, placeholder not met", "hardlink",
         ",\"sha256\":\"%P\",\"prefix_placeholder\":\"/p\",\"file_mode\":\"text\"",
         "pkg", "ok"},
        {"no hash told", "hardlink", "", "any", "ok"},
        {"bytecode, other", "pyc_file", ",\"sha256\":\"%P\"", "any", "ok"},
        {"bytecode, gone", "pyc_file", "", NULL, "ok"},
        {"entry point", "unix_python_entry_point", "", "any", "ok"},
        {"entry point, gone", "unix_python_entry_point", "", NULL, "missing"},
        {"rattler's entry point", "unix_python_entry_point", ",\"sha256\":\"%P\"",
         "new", "altered"},
        {"link that is a file", "softlink", "", "any", "altered"},
        {"directory that is a file", "directory", "", "any", "altered"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        char keys[1024] = "";
        size_t n = 0;
        begin();
        check_case(cases[i].label);
        for (const char *at = cases[i].keys; *at; at++) {
            bool hash = at[0] == '%';
            n += (size_t)snprintf(keys + n, sizeof(keys) - n, hash ? "%s" : "%.1s",
                                  hash ? sha(at[1] == 'P' ? "pkg" : "env") : at);
            at += hash;
        }
        put_record("a", "lib/f", cases[i].type, keys);
        mkdirat(s.fd, "lib", 0755);
        if (cases[i].text)
            scratch_file(&s, "lib/f", cases[i].text, 0644);
        check_one(cases[i].verdict, "lib/f");
        end();
    }
}

/* conda tells no hash of a link, rattler that of its text, mamba that of what it leads to. */
static void test_verify__links(void)
{
    static const struct {
        const char *label, *key, *content, *verdict;
    } cases[] = {
        {"conda", "sha256", "anything", "ok"},
        {"rattler", "sha256_in_prefix", "conda-meta/history", "ok"},
        {"mamba", "sha256_in_prefix", "", "ok"},
        {"other", "sha256_in_prefix", "else", "altered"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        begin();
        check_case(cases[i].label);
        put_hashed("a", "l", "softlink", cases[i].key, cases[i].content);
        symlinkat("conda-meta/history", s.fd, "l");
        check_one(cases[i].verdict, "l");
        end();
    }
    begin();
    put_hashed("a", "l", "softlink", "sha256_in_prefix",
               ""); /* mamba, of a broken link */
    symlinkat("none", s.fd, "l");
    check_one("ok", "l");
    end();
}

static void test_verify__any_claim_will_do(void)
{
    begin();
    put_hashed("a", "f", "hardlink", "sha256", "one");
    put_hashed("b", "f", "hardlink", "sha256", "two");
    scratch_file(&s, "f", "two", 0644);
    check_one("ok", "f");
    scratch_file(&s, "f", "one", 0644);
    check_one("ok", "f");
    scratch_file(&s, "f", "six", 0644);
    check_one("altered", "f");
    end();
}

static void test_verify__lists_what_nobody_claims(void)
{
    static const char *const files[] = {"lib/m.py",
                                        "lib/__pycache__/m.cpython-312.pyc",
                                        "lib/__pycache__/gone.cpython-312.pyc",
                                        "CACHEDIR.TAG",
                                        ".trash/x",
                                        "pkgs/y",
                                        "conda-meta/state",
                                        "lib/pkgs/z",
                                        "b\"q"};
    begin();
    put_hashed("a", "lib/m.py", "hardlink", "sha256", "x");
    for (size_t i = 0; i < CHECK_NR(files); i++) {
        make_parents(&s, files[i]);
        scratch_file(&s, files[i], "x", 0644);
    }
    symlinkat("/etc", s.fd, "lib/etc");
    check_verify("{\"ok\":true,\"missing\":[],\"altered\":[],\"unmanaged\":[\"b\\\"q\","
                 "\"lib/__pycache__/gone.cpython-312.pyc\",\"lib/etc\",\"lib/pkgs/z\"],"
                 "\"checked\":1}");
    end();
}

/* conda writes the package's paths of noarch python files, the others the prefix's. */
static void test_verify__noarch_paths_of_conda(void)
{
    static const char python[] =
        "{\"name\":\"python\",\"version\":\"3.12.1\",\"build\":\"0\",\"files\":[]}";
    char text[2048];
    begin();
    scratch_file(&s, "conda-meta/python-3.12.1-0.json", python, 0644);
    snprintf(
        text, sizeof(text),
        "{\"name\":\"a\",\"version\":\"1\",\"build\":\"0\",\"noarch\":\"python\",\"files\":"
        "[\"lib/python3.12/site-packages/a.py\"],\"paths_data\":{\"paths_version\":1,"
        "\"paths\":[{\"_path\":\"site-packages/a.py\",\"path_type\":\"hardlink\","
        "\"sha256\":\"%s\",\"sha256_in_prefix\":\"%s\"}]}}",
        sha("a"), sha("a"));
    scratch_file(&s, "conda-meta/a-1-0.json", text, 0644);
    make_parents(&s, "lib/python3.12/site-packages/a.py");
    scratch_file(&s, "lib/python3.12/site-packages/a.py", "a", 0644);
    check_one("ok", "");
    scratch_file(&s, "lib/python3.12/site-packages/a.py", "b", 0644);
    check_one("altered", "lib/python3.12/site-packages/a.py");
    end();
}

static void test_verify__needs_an_environment(void)
{
    begin();
    CHECK_INT(cenv_verify(scratch_path(&s, "none"), &task, &out, &err), CENV_EOS);
    cenv_error_release(&err);
    unlinkat(s.fd, "conda-meta/history", 0);
    CHECK_INT(cenv_verify(s.path, &task, &out, &err), CENV_EPREFIX);
    CHECK(err.hint[0] && strstr(err.message, s.path));
    CHECK_INT(out.len, 0);
    end();
}

/* Many files over threads; nothing opens a FIFO, nothing leaks when memory is short. */
static void test_verify__whole_link_and_failing_allocations(void)
{
    struct package p;
    char path[64];
    begin();
    p = package_begin(&s, "a", "1", "");
    for (int i = 0; i < 100; i++) {
        snprintf(path, sizeof(path), "share/f%d", i);
        package_data(&p, path, PLACEHOLDER "/x", PLACEHOLDER_LEN + 2, 0644, TEXT_KEYS);
    }
    struct cenv_link_package package = package_end(&p);
    struct cenv_link_options options = {.mode = CENV_PLACE_COPY};
    struct linked l = link_packages(&s, "env", "/some/prefix", &package, 1, options);
    CHECK_INT(l.rc, 0);
    linked_release(&l);
    int rc = CENV_ENOMEM;
    for (long n = 1; rc == CENV_ENOMEM && n < 20000; n++) {
        cenv_buf_release(&out);
        long before = cenv_alloc_live();
        cenv_alloc_fail_nth(n);
        rc = cenv_verify(scratch_path(&s, "env"), &task, &out, &err);
        cenv_alloc_fail_nth(0);
        CHECK(cenv_alloc_live() - before <=
              2); /* the reply, and the spans of the task */
        cenv_error_release(&err);
    }
    CHECK_INT(rc, 0);
    CHECK(out.data && strncmp(out.data, "{\"ok\":true", 10) == 0);
    CHECK(out.data && strstr(out.data, "\"checked\":100}"));
    unlinkat(s.fd, "env/share/f7", 0);
    mkfifoat(s.fd, "env/share/f7", 0600);
    unlinkat(s.fd, "env/share/f8", 0);
    cenv_buf_clear(&out);
    CHECK_INT(cenv_verify(scratch_path(&s, "env"), &task, &out, &err), 0);
    CHECK(out.data &&
          strstr(out.data, "\"missing\":[\"share/f8\"],\"altered\":[\"share/f7\"]"));
    end();
}

int main(void)
{
    umask(022);
    RUN(test_verify__takes_each_writers_word);
    RUN(test_verify__links);
    RUN(test_verify__any_claim_will_do);
    RUN(test_verify__lists_what_nobody_claims);
    RUN(test_verify__noarch_paths_of_conda);
    RUN(test_verify__needs_an_environment);
    RUN(test_verify__whole_link_and_failing_allocations);
    return check_report();
}
