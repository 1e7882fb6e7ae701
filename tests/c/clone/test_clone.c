/* SPDX-License-Identifier: BSD-3-Clause */
/* Clones of small environments that the test builds: bytes, metadata, refusals, failures. */
#include "check.h"
#include "scratch.h"

#include <errno.h>
#include <sys/xattr.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "cenv.h"
#include "manifest/manifest_build.h"
#include "os/fs.h"

#define P \
    "/opt/placehold_placehold_placehold_placehold_placehold_placehold_placehold_placehold_" \
    "placehold_placehold_placehold_placehold_placehold_placehold"
#define SP "lib/python3.12/site-packages"

/* What the package ships; `mode` as paths.json has it. */
static const struct {
    const char *path;
    const char *text;
    size_t len;
    bool binary;
} shipped[] = {
#define FILE_OF(path, text, binary) \
    { \
        path, text, sizeof(text) - 1, binary \
    }
    FILE_OF("bin/tool", "#!" P "/bin/python3 -s\nhome = '" P "/share'\n", false),
    FILE_OF("lib/libx.so", "\177ELF\0\0" P "/lib:" P "/lib64\0tail\0\1\2" P "/etc\0",
            true),
    FILE_OF(SP "/m.py", "P = '" P "'\n", false),
    FILE_OF("lib/x.pc", "prefix=" P "\nlibdir=" P "/lib\n", false),
#undef FILE_OF
};

struct env {
    struct scratch s;
    char src[400], dst[400];
};

static struct cenv_buf report;

/* ---- building ---- */

static void write_bytes(const struct env *e, const char *path, const char *data,
                        size_t len)
{
    int fd = openat(e->s.fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, data, len) != (ssize_t)len)
        perror(path);
    close(fd);
}

static void set_time(const struct env *e, const char *path, time_t s, long ns)
{
    struct timespec at[2] = {{s, ns}, {s, ns}};
    if (utimensat(e->s.fd, path, at, AT_SYMLINK_NOFOLLOW) < 0)
        perror(path);
}

static void dirs_of(const struct env *e, const char *root)
{
    static const char *const dirs[] = {"",
                                       "/bin",
                                       "/lib",
                                       "/lib/python3.12",
                                       "/" SP,
                                       "/" SP "/w-1.dist-info",
                                       "/etc",
                                       "/share",
                                       "/empty",
                                       "/conda-meta",
                                       "/" SP "/__pycache__"};
    char path[512];
    for (size_t i = 0; i < CHECK_NR(dirs); i++) {
        snprintf(path, sizeof(path), "%s%s", root, dirs[i]);
        if (mkdirat(e->s.fd, path, 0755) < 0)
            perror(path);
    }
}

/* The file as installed at `prefix`; valid until the next call. */
static struct cenv_str installed(size_t i, const char *prefix)
{
    static struct cenv_buf out;
    struct cenv_error err = CENV_ERROR_INIT;
    cenv_buf_release(&out);
    cenv_buf_init(&out, 1 << 20);
    if (!prefix)
        return cenv_str("");
    CHECK_INT(cenv_relocate(cenv_str_n(shipped[i].text, shipped[i].len), CENV_STR(P),
                            cenv_str(prefix), shipped[i].binary, &out, &err),
              0);
    return cenv_buf_str(&out);
}

static void add_path(struct cenv_buf *json, size_t i, const char *prefix)
{
    char pristine[CENV_DIGEST_HEX_MAX], linked[CENV_DIGEST_HEX_MAX];
    cenv_sha256_hex(cenv_str_n(shipped[i].text, shipped[i].len), pristine);
    cenv_sha256_hex(installed(i, prefix), linked);
    cenv_buf_addf(
        json,
        "%s{\"_path\": \"%s\", \"path_type\": \"hardlink\", \"sha256\": \"%s\", "
        "\"sha256_in_prefix\": \"%s\", \"size_in_bytes\": %zu, \"file_mode\": \"%s\", "
        "\"prefix_placeholder\": \"%s\", \"mine\": [1, {\"x\": \"]}\"}]}",
        i ? ", " : "", shipped[i].path, pristine, linked, shipped[i].len,
        shipped[i].binary ? "binary" : "text", P);
}

/* The record as conda writes it, of an install at `prefix`; valid until the next call. */
static const char *record(const struct env *e, const char *prefix)
{
    static struct cenv_buf json;
    cenv_buf_release(&json);
    cenv_buf_init(&json, 1 << 20);
    if (!prefix)
        return "";
    cenv_buf_puts(
        &json,
        "{\"name\": \"pkg\", \"version\": \"1\", \"build\": \"0\", \"files\": [");
    for (size_t i = 0; i < CHECK_NR(shipped); i++)
        cenv_buf_addf(&json, "%s\"%s\"", i ? ", " : "", shipped[i].path);
    cenv_buf_addf(
        &json,
        "], \"link\": {\"source\": \"%s/pkg\", \"type\": 1}, \"unknown\": null, ",
        e->s.path);
    cenv_buf_puts(&json, "\"paths_data\": {\"paths_version\": 1, \"paths\": [");
    for (size_t i = 0; i < CHECK_NR(shipped); i++)
        add_path(&json, i, prefix);
    cenv_buf_puts(&json, "]}}");
    return json.data;
}

/* An environment at `root` (relative) as installed there, with nothing that pip or users add. */
static void install(const struct env *e, const char *root)
{
    char path[1024], prefix[1024];
    snprintf(prefix, sizeof(prefix), "%s/%s", e->s.path, root);
    dirs_of(e, root);
    for (size_t i = 0; i < CHECK_NR(shipped); i++) {
        struct cenv_str text = installed(i, prefix);
        snprintf(path, sizeof(path), "%s/%s", root, shipped[i].path);
        write_bytes(e, path, text.data, text.len);
        set_time(e, path, 1600000000, 123456789);
    }
    fchmodat(e->s.fd, "env/bin/tool", 0755, 0);
    snprintf(path, sizeof(path), "%s/conda-meta/pkg-1-0.json", root);
    scratch_file(&e->s, path, record(e, prefix), 0644);
    snprintf(path, sizeof(path), "%s/conda-meta/history", root);
    scratch_file(&e->s, path, "", 0644);
}

static void pristine(const struct env *e)
{
    char path[512];
    dirs_of(e, "pkg");
    for (size_t i = 0; i < CHECK_NR(shipped); i++) {
        snprintf(path, sizeof(path), "pkg/%s", shipped[i].path);
        write_bytes(e, path, shipped[i].text, shipped[i].len);
    }
}

static struct env env_open(void)
{
    struct env e = {.s = scratch_open()};
    snprintf(e.src, sizeof(e.src), "%s/env", e.s.path);
    snprintf(e.dst, sizeof(e.dst), "%s/clone", e.s.path);
    pristine(&e);
    install(&e, "env");
    return e;
}

static int clone_to(const char *src, const char *dst, const char *mode,
                    struct cenv_error *err)
{
    struct cenv_task task;
    char options[64];
    snprintf(options, sizeof(options), "{\"mode\": \"%s\", \"threads\": 2}", mode);
    cenv_buf_release(&report);
    cenv_buf_init(&report, 1 << 20);
    cenv_task_init(&task, NULL, NULL);
    int rc = cenv_clone(NULL, src, dst, options, &task, &report, err);
    cenv_task_release(&task);
    return rc;
}

/* Clones or tells why not. */
static bool cloned(const char *src, const char *dst, const char *mode)
{
    struct cenv_error err = CENV_ERROR_INIT;
    bool ok = CHECK_INT(clone_to(src, dst, mode, &err), 0);
    if (!ok)
        fprintf(stderr, "    %s\n", err.message);
    cenv_error_release(&err);
    return ok;
}

static bool reported(const char *text)
{
    return report.data && strstr(report.data, text);
}

/* ---- bytes ---- */

static void check_installed(const struct env *e, const char *prefix)
{
    for (size_t i = 0; i < CHECK_NR(shipped); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_buf got;
        char path[1024];
        cenv_buf_init(&got, 1 << 20);
        snprintf(path, sizeof(path), "%s/%s", prefix, shipped[i].path);
        check_case(shipped[i].path);
        struct cenv_str want = installed(i, prefix);
        if (CHECK_INT(cenv_fs_read_file(CENV_CWD, path, &got, &err), 0) &&
            CHECK_INT(got.len, want.len))
            CHECK_MEM(got.data, want.data, want.len);
        cenv_buf_release(&got);
    }
    char path[1024];
    struct cenv_buf got;
    struct cenv_error err = CENV_ERROR_INIT;
    check_case("record");
    cenv_buf_init(&got, 1 << 20);
    snprintf(path, sizeof(path), "%s/conda-meta/pkg-1-0.json", prefix);
    CHECK_INT(cenv_fs_read_file(CENV_CWD, path, &got, &err), 0);
    CHECK_STR(got.data, record(e, prefix));
    cenv_buf_release(&got);
}

/* A clone is what an install there would have been, also of clones, whatever lies between. */
static void test_clone__equals_install(void)
{
    static const char *const names[] = {
        "c",
        "a-clone-whose-name-is-so-long-that-no-first-line-can-name-its-python-so-that-it-is-"
        "written-in-two",
        "env2", "with space", "d"};
    struct env e = env_open();
    char src[1024], dst[1024];
    snprintf(src, sizeof(src), "%s", e.src);
    for (size_t i = 0; i < CHECK_NR(names); i++) {
        snprintf(dst, sizeof(dst), "%s/%s", e.s.path, names[i]);
        if (cloned(src, dst, i % 2 ? "hardlink" : "copy"))
            check_installed(&e, dst);
        CHECK(reported("\"relocated\":4"));
        memcpy(src, dst, sizeof(src));
    }
    check_installed(&e, e.src);
    scratch_close(&e.s);
}

/* Without the package cache: the record's placeholder still tells the room in binaries. */
static void test_clone__without_pristine_files(void)
{
    struct env e = env_open();
    char longer[600];
    CHECK_INT(renameat(e.s.fd, "pkg", e.s.fd, "gone"), 0);
    snprintf(longer, sizeof(longer), "%s/somewhat-longer", e.s.path);
    if (cloned(e.src, longer, "copy"))
        check_installed(&e, longer);
    if (cloned(longer, e.dst, "copy"))
        check_installed(&e, e.dst);
    scratch_close(&e.s);
}

static void test_clone__prefix_too_long(void)
{
    struct env e = env_open();
    struct cenv_error err = CENV_ERROR_INIT;
    char dst[600];
    size_t room = strlen(P) - strlen(e.s.path) - 1;
    snprintf(dst, sizeof(dst), "%s/%.*s", e.s.path, (int)room, P P P + 1);
    for (char *c = dst + strlen(e.s.path) + 1; *c; c++)
        *c = *c == '/' ? 'x' : *c;
    CHECK_INT(strlen(dst), strlen(P));
    cloned(e.src, dst, "copy");
    strcat(dst, "y");
    CHECK_INT(clone_to(e.src, dst, "copy", &err), CENV_EPREFIX);
    CHECK(strstr(err.message, "lib/libx.so"));
    CHECK(access(dst, F_OK) < 0);
    cenv_error_release(&err);
    scratch_close(&e.s);
}

/* ---- what no package vouches for ---- */

static const char *text_at(const struct env *e, const char *format, ...)
{
    char path[512];
    va_list args;
    va_start(args, format);
    vsnprintf(path, sizeof(path), format, args);
    va_end(args);
    return scratch_text(&e->s, path);
}

static void put(const struct env *e, const char *path, mode_t mode, const char *format,
                ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    scratch_file(&e->s, path, text, mode);
}

static void test_clone__unmanaged_text(void)
{
    struct env e = env_open();
    const char *t = e.src;
    char d[400];
    snprintf(d, sizeof(d), "%s/my clone", e.s.path);
    put(&e, "env/etc/a", 0644,
        "%s %s2 %s-old %s.bak %s. -I%s/include x%s /srv%s $R%s ../%s\n", t, t, t, t, t,
        t, t, t, t, t);
    put(&e, "env/etc/install.cmake", 0644, "$ENV{DESTDIR}%s/x $(DESTDIR)%s ${D}%s\n", t,
        t, t);
    put(&e, "env/etc/u.json", 0644,
        "{\"url\": \"file://%s/src\", \"o\": \"file:///else\"}", t);
    put(&e, "env/bin/pip3", 0755,
        "#!/bin/sh\n'''exec' %s/bin/python \"$0\" \"$@\"\n' '''\nx\n", t);
    put(&e, "env/bin/short", 0755, "#!%s/bin/perl -w\nuse lib '%s';\n", t, t);
    if (cloned(e.src, d, "copy")) {
        char want[4096];
        snprintf(want, sizeof(want),
                 "%s %s2 %s-old %s.bak %s. -I%s/include x%s /srv%s $R%s ../%s\n", d, t,
                 t, t, d, d, t, t, t, t);
        CHECK_STR(text_at(&e, "my clone/etc/a"), want);
        snprintf(want, sizeof(want), "$ENV{DESTDIR}%s/x $(DESTDIR)%s ${D}%s\n", d, d,
                 t);
        CHECK_STR(text_at(&e, "my clone/etc/install.cmake"), want);
        snprintf(want, sizeof(want),
                 "{\"url\": \"file://%s/my%%20clone/src\", \"o\": \"file:///else\"}",
                 e.s.path);
        CHECK_STR(text_at(&e, "my clone/etc/u.json"), want);
        snprintf(want, sizeof(want),
                 "#!/bin/sh\n'''exec' \"%s/bin/python\" \"$0\" \"$@\"\n' '''\nx\n", d);
        CHECK_STR(text_at(&e, "my clone/bin/pip3"), want);
        snprintf(want, sizeof(want), "#!/usr/bin/env perl -w\nuse lib '%s';\n", d);
        CHECK_STR(text_at(&e, "my clone/bin/short"), want);
    }
    scratch_close(&e.s);
}

static void test_clone__wheel_record(void)
{
    struct env e = env_open();
    char script[600], want[600], hex[CENV_DIGEST_HEX_MAX];
    snprintf(script, sizeof(script), "#!%s/bin/python\nprint()\n", e.src);
    put(&e, "env/bin/w", 0755, "%s", script);
    put(&e, "env/" SP "/w.py", 0644, "x = 1\n");
    put(&e, "env/" SP "/w-1.dist-info/RECORD", 0644,
        "../../../bin/w,sha256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,%zu\n"
        "w.py,sha256=BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB,6\nw-1.dist-info/RECORD,,\n",
        strlen(script));
    if (cloned(e.src, e.dst, "hardlink")) {
        const char *got = text_at(&e, "clone/" SP "/w-1.dist-info/RECORD");
        snprintf(script, sizeof(script), "#!%s/bin/python\nprint()\n", e.dst);
        cenv_sha256_hex(cenv_str(script), hex);
        char first[8], *comma = strrchr(strcpy(want, got), ',');
        CHECK(comma && strstr(got, "BBBBBBBBBB,6\nw-1.dist-info/RECORD,,\n"));
        CHECK(strncmp(got, "../../../bin/w,sha256=", 22) == 0 &&
              !strstr(got, "AAAAAA"));
        /* The first three bytes in base64 and hex say the same. */
        unsigned bits = 0;
        for (int i = 0; i < 4; i++) {
            const char *digits =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            bits = bits << 6 | (unsigned)(strchr(digits, got[22 + i]) - digits);
        }
        snprintf(first, sizeof(first), "%06x", bits);
        CHECK(strncmp(first, hex, 6) == 0);
        snprintf(want, sizeof(want), ",%zu\nw.py", strlen(script));
        CHECK(strstr(got, want));
    }
    scratch_close(&e.s);
}

static void test_clone__unmanaged_binaries(void)
{
    struct env e = env_open();
    char so[1024] = "\177ELF", pickle[1024] = "\x80\x04\x95\x10", longer[600];
    size_t t = strlen(e.src);
    memcpy(so + 6, e.src, t);
    memcpy(so + 6 + t, "/lib", 4);
    memcpy(pickle + 8, "\x8c\x20", 2);
    memcpy(pickle + 10, e.src, t);
    memcpy(pickle + 10 + t, "\x94.", 2);
    write_bytes(&e, "env/lib/own.so", so, t + 64);
    write_bytes(&e, "env/lib/own.pkl", pickle, t + 64);
    write_bytes(&e, "env/lib/own.gz", "\x1f\x8b", 2);
    pickle[9] = '+'; /* a length that reads as a letter */
    write_bytes(&e, "env/lib/letter.pkl", pickle, t + 64);
    pickle[8] = pickle[9] = '/'; /* another path */
    pickle[7] = 'x';
    write_bytes(&e, "env/lib/other.pkl", pickle, t + 64);
    char table[1024] = "SQLite format 3";
    memcpy(table + 100, "23", 2);
    memcpy(table + 102, e.src, t);
    memcpy(table + 102 + t, "17", 2);
    write_bytes(&e, "env/lib/own.table", table, t + 200);
    char shorter[600];
    snprintf(shorter, sizeof(shorter), "%s/e", e.s.path);
    if (cloned(e.src, shorter, "copy")) {
        struct cenv_buf got;
        struct cenv_error err = CENV_ERROR_INIT;
        cenv_buf_init(&got, 4096);
        CHECK_INT(cenv_fs_read_file(e.s.fd, "e/lib/own.so", &got, &err), 0);
        CHECK_INT(got.len, t + 64);
        CHECK(memmem(got.data, got.len, "/e/lib\0\0", 8));
        CHECK(!memmem(got.data, got.len, "/env", 4));
        cenv_buf_release(&got);
        CHECK(reported("own.pkl") && !reported("own.so") && !reported("own.gz"));
        CHECK(reported("letter.pkl") && reported("own.table") &&
              !reported("other.pkl"));
    }
    snprintf(longer, sizeof(longer), "%s/longer", e.s.path);
    if (cloned(e.src, longer, "copy"))
        CHECK(reported("own.so") && reported("without room"));
    scratch_close(&e.s);
}

static void test_clone__replaced_by_pip(void)
{
    struct env e = env_open();
    char want[600];
    put(&e, "env/lib/x.pc", 0644, "other=%s\n", e.src);
    put(&e, "env/lib/libx.so", 0644, "now a text: %s\n", e.src);
    if (cloned(e.src, e.dst, "copy")) {
        snprintf(want, sizeof(want), "other=%s\n", e.dst);
        CHECK_STR(text_at(&e, "clone/lib/x.pc"), want);
        snprintf(want, sizeof(want), "now a text: %s\n", e.dst);
        CHECK_STR(text_at(&e, "clone/lib/libx.so"), want);
    }
    scratch_close(&e.s);
}

/* ---- files ---- */

static struct stat stat_at(const struct env *e, const char *path)
{
    struct stat st = {0};
    if (fstatat(e->s.fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        perror(path);
    return st;
}

static void make_odd_files(const struct env *e)
{
    char target[500];
    put(e, "env/share/plain", 0444, "plain\n");
    put(e, "env/share/twin", 0644, "twin\n");
    linkat(e->s.fd, "env/share/twin", e->s.fd, "env/etc/twin", 0);
    linkat(e->s.fd, "env/share/twin", e->s.fd, "env/share/twin2", 0);
    put(e, "env/share/caf\xe9", 0644, "latin\n");
    put(e, "env/share/big", 0644, "x");
    if (truncate(scratch_path(&e->s, "env/share/big"), 1 << 20) < 0)
        perror("truncate");
    symlinkat("plain", e->s.fd, "env/share/relative");
    snprintf(target, sizeof(target), "%s/share/plain", e->src);
    symlinkat(target, e->s.fd, "env/share/absolute");
    symlinkat(e->src, e->s.fd, "env/share/whole");
    snprintf(target, sizeof(target), "%s2/share", e->src);
    symlinkat(target, e->s.fd, "env/share/neighbour");
    symlinkat("/nowhere", e->s.fd, "env/share/dangling");
    mkfifoat(e->s.fd, "env/share/fifo", 0644);
    fchmodat(e->s.fd, "env/share/plain", 04755, 0);
    setxattr(scratch_path(&e->s, "env/etc/twin"), "user.cenv", "v", 1, 0);
    set_time(e, "env/share/plain", 1500000000, 7);
    set_time(e, "env/share/relative", 1500000001, 8);
    fchmodat(e->s.fd, "env/empty", 0555, 0);
    set_time(e, "env/empty", 1400000000, 9);
    set_time(e, "env/share", 1400000000, 10);
    set_time(e, "env", 1400000000, 11);
}

static void check_link(const struct env *e, const char *path, const char *want)
{
    char target[600] = "";
    CHECK(readlinkat(e->s.fd, path, target, sizeof(target) - 1) > 0);
    CHECK_STR(target, want);
}

static void check_odd_files(const struct env *e)
{
    char want[600], value[4] = "";
    check_link(e, "clone/share/relative", "plain");
    check_link(e, "clone/share/dangling", "/nowhere");
    check_link(e, "clone/share/whole", e->dst);
    snprintf(want, sizeof(want), "%s/share/plain", e->dst);
    check_link(e, "clone/share/absolute", want);
    snprintf(want, sizeof(want), "%s2/share", e->src);
    check_link(e, "clone/share/neighbour", want);
    CHECK(faccessat(e->s.fd, "clone/share/fifo", F_OK, 0) < 0);
    CHECK(reported("share/fifo"));
    CHECK_INT(stat_at(e, "clone/share/plain").st_mode & 07777, 04755);
    CHECK_INT(stat_at(e, "clone/share/plain").st_mtim.tv_sec, 1500000000);
    CHECK_INT(stat_at(e, "clone/share/plain").st_mtim.tv_nsec, 7);
    CHECK_INT(stat_at(e, "clone/share/relative").st_mtim.tv_nsec, 8);
    CHECK_INT(stat_at(e, "clone/empty").st_mode & 07777, 0555);
    CHECK_INT(stat_at(e, "clone/empty").st_mtim.tv_nsec, 9);
    CHECK_INT(stat_at(e, "clone/share").st_mtim.tv_nsec, 10);
    CHECK_INT(stat_at(e, "clone").st_mtim.tv_nsec, 11);
    CHECK_INT(stat_at(e, "clone/share/twin").st_ino,
              stat_at(e, "clone/etc/twin").st_ino);
    CHECK_INT(stat_at(e, "clone/share/twin").st_ino,
              stat_at(e, "clone/share/twin2").st_ino);
    CHECK(stat_at(e, "clone/share/twin").st_ino != stat_at(e, "env/share/twin").st_ino);
    CHECK_INT(stat_at(e, "clone/share/big").st_size, 1 << 20);
    CHECK(stat_at(e, "clone/share/big").st_blocks < 64);
    CHECK_STR(text_at(e, "clone/share/caf\xe9"), "latin\n");
    if (getxattr(scratch_path(&e->s, "env/etc/twin"), "user.cenv", value, 1) == 1)
        CHECK_INT(
            getxattr(scratch_path(&e->s, "clone/etc/twin"), "user.cenv", value, 1), 1);
}

static void test_clone__files_of_all_kinds(void)
{
    static const char *const modes[] = {"copy", "hardlink", "auto"};
    for (size_t i = 0; i < CHECK_NR(modes); i++) {
        struct env e = env_open();
        check_case(modes[i]);
        make_odd_files(&e);
        if (cloned(e.src, e.dst, modes[i]))
            check_odd_files(&e);
        CHECK(reported(i == 1 ? "\"mode\":\"hardlink\"" : "\"mode\":"));
        bool shared = stat_at(&e, "clone/share/big").st_ino ==
                      stat_at(&e, "env/share/big").st_ino;
        CHECK_INT(shared,
                  i == 1); /* auto never shares with a source outside the store */
        CHECK(stat_at(&e, "clone/conda-meta/history").st_ino !=
              stat_at(&e, "env/conda-meta/history").st_ino);
        scratch_close(&e.s);
    }
}

static void test_clone__bytecode(void)
{
    struct env e = env_open();
    static const char timed[16] = "cccc\0\0\0\0", unchecked[16] = "cccc\1\0\0\0";
    write_bytes(&e, "env/" SP "/__pycache__/m.cpython-312.pyc", timed, 16);
    write_bytes(&e, "env/" SP "/__pycache__/m.cpython-313.pyc", unchecked, 16);
    write_bytes(&e, "env/" SP "/__pycache__/mm.cpython-312.pyc", unchecked, 16);
    if (cloned(e.src, e.dst, "hardlink")) {
        /* Another second than any bytecode of it can claim; never in the future. */
        CHECK_INT(stat_at(&e, "clone/" SP "/m.py").st_mtim.tv_sec, 1599999999);
        CHECK_INT(stat_at(&e, "clone/lib/x.pc").st_mtim.tv_sec, 1600000000);
        CHECK(text_at(&e, "clone/" SP "/__pycache__/m.cpython-312.pyc"));
        CHECK(!text_at(&e, "clone/" SP "/__pycache__/m.cpython-313.pyc"));
        CHECK(text_at(&e, "clone/" SP "/__pycache__/mm.cpython-312.pyc"));
        CHECK(reported("m.cpython-313.pyc"));
    }
    scratch_close(&e.s);
}

/* ---- destination ---- */

static int entries_of(const char *path)
{
    int nr = 0, fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct cenv_dir dir;
    struct cenv_dirent entry;
    if (fd < 0 || cenv_dir_init(&dir, fd) < 0)
        return -1;
    while (cenv_dir_next(&dir, &entry) == 1)
        nr++;
    cenv_dir_release(&dir);
    close(fd);
    return nr;
}

static void test_clone__refusals(void)
{
    static const struct {
        const char *name, *src, *dst;
        int status;
    } cases[] = {
        {"not empty", "env", "pkg", CENV_EPREFIX},
        {"a file", "env", "file", CENV_EPREFIX},
        {"inside the source", "env", "env/share/new/clone", CENV_EPREFIX},
        {"the source", "env", "env", CENV_EPREFIX},
        {"colon", "env", "a:b", CENV_EPREFIX},
        {"newline", "env", "a\nb", CENV_EPREFIX},
        {"no environment", "pkg", "new", CENV_EPREFIX},
        {"no source", "nothing", "new", CENV_EOS},
        {"below a file", "env", "file/new", CENV_EOS},
    };
    struct env e = env_open();
    put(&e, "file", 0644, "x");
    int before = entries_of(e.s.path),
        inside = entries_of(scratch_path(&e.s, "env/share"));
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        check_case(cases[i].name);
        CHECK_INT(clone_to(scratch_path(&e.s, cases[i].src),
                           scratch_path(&e.s, cases[i].dst), "copy", &err),
                  cases[i].status);
        CHECK(err.message[0]);
        CHECK_INT(entries_of(e.s.path), before);
        CHECK_INT(entries_of(scratch_path(&e.s, "env/share")), inside);
        CHECK_INT(report.len, 0);
        cenv_error_release(&err);
    }
    scratch_close(&e.s);
}

/* Above all an owner that is misspelt: nobody would sweep the clone. */
static void test_clone__wrong_options(void)
{
    static const struct {
        const char *text, *message, *hint;
    } cases[] = {
        {"{\"mode\":\"fast\"}", "'fast' is not a clone mode",
         "use one of: auto, reflink, hardlink, copy, overlay"},
        {"{\"mode\":3}", "'' is not a clone mode", ""},
        {"{\"owners\":3}", "clone has no option 'owners'", "did you mean 'owner'?"},
        {"{\"owner\":\"3\"}", "the option 'owner' of clone must be a whole number", ""},
        {"[]", "the options of clone must be an object", ""},
    };
    struct env e = env_open();
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_task task;
        check_case(cases[i].text);
        cenv_task_init(&task, NULL, NULL);
        CHECK_INT(cenv_clone(NULL, e.src, e.dst, cases[i].text, &task, &report, &err),
                  CENV_EUSAGE);
        CHECK_STR(err.message, cases[i].message);
        CHECK(strstr(err.hint ? err.hint : "", cases[i].hint));
        CHECK(access(e.dst, F_OK) < 0);
        cenv_task_release(&task);
        cenv_error_release(&err);
    }
    scratch_close(&e.s);
}

static void test_clone__replaces_an_empty_directory(void)
{
    struct env e = env_open();
    mkdirat(e.s.fd, "clone", 0700);
    fchmodat(e.s.fd, "clone", 02750, 0);
    if (cloned(e.src, e.dst, "copy"))
        CHECK_INT(stat_at(&e, "clone").st_mode & 07777, 02750);
    char deep[600];
    snprintf(deep, sizeof(deep), "%s/new/and/deep", e.s.path);
    if (cloned(e.src, deep, "copy"))
        check_installed(&e, deep);
    scratch_close(&e.s);
}

/* ---- failures ---- */

static int cancel_later(void *ctx)
{
    return --*(int *)ctx < 0;
}

static void test_clone__cancelled(void)
{
    struct env e = env_open();
    int before = entries_of(e.s.path);
    for (int n = 0; n < 3; n++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_task task;
        struct cenv_buf out;
        int left = n;
        cenv_buf_init(&out, 4096);
        cenv_task_init(&task, cancel_later, &left);
        if (n == 2)
            cenv_task_cancel(&task);
        int rc = cenv_clone(NULL, e.src, e.dst, "{\"threads\": 2}", &task, &out, &err);
        if (n != 1) /* polls are 50 ms apart: the second may never come */
            CHECK_INT(rc, CENV_ECANCELLED);
        if (rc < 0)
            CHECK_INT(entries_of(e.s.path), before);
        else
            cenv_fs_discard_tree(e.s.fd, "clone");
        cenv_task_release(&task);
        cenv_error_release(&err);
        cenv_buf_release(&out);
    }
    scratch_close(&e.s);
}

static void test_clone__no_memory(void)
{
    struct env e = env_open();
    int before = entries_of(e.s.path);
    bool done = false;
    for (long n = 1; n < 4000 && !done; n += n < 40 ? 1 : 7) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_task task;
        struct cenv_buf out;
        cenv_task_init(&task, NULL, NULL);
        cenv_buf_init(&out, 1 << 16);
        long live = cenv_alloc_live();
        cenv_alloc_fail_nth(n);
        int rc = cenv_clone(NULL, e.src, e.dst, "{\"threads\": 1}", &task, &out, &err);
        cenv_alloc_fail_nth(0);
        if (rc < 0) {
            CHECK_INT(entries_of(e.s.path), before);
        } else {
            check_installed(&e, e.dst);
            cenv_fs_discard_tree(e.s.fd, "clone");
            done = n > 500;
        }
        cenv_task_release(&task);
        cenv_buf_release(&out);
        cenv_error_release(&err);
        CHECK_INT(cenv_alloc_live() <= live, 1);
    }
    scratch_close(&e.s);
}

/* ---- the store's manifests ---- */

static void test_clone__manifest_is_kept_and_checked(void)
{
    struct env e = env_open();
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_store *store = NULL;
    char want[600], dst[600];
    CHECK_INT(cenv_store_open(&store, scratch_path(&e.s, "store"), &err), 0);
    put(&e, "env/etc/mine", 0644, "%s\n", e.src);
    for (int i = 0; i < 4; i++) {
        struct cenv_task task;
        cenv_buf_release(&report);
        cenv_buf_init(&report, 1 << 16);
        cenv_task_init(&task, NULL, NULL);
        snprintf(dst, sizeof(dst), "%s/c%d", e.s.path, i);
        CHECK_INT(cenv_clone(store, e.src, dst, NULL, &task, &report, &err), 0);
        for (size_t s = 0; s < task.nr_spans; s++)
            if (task.spans[s].stage == CENV_STAGE_PROCESS_MANIFEST)
                CHECK_INT(task.spans[s].hits, i == 1);
        snprintf(want, sizeof(want), i < 2 ? "%s\n" : "new %s\n", dst);
        CHECK_STR(text_at(&e, "c%d/etc/mine", i), want);
        CHECK_INT(text_at(&e, "c%d/share/new", i) != NULL, i > 2);
        check_installed(&e, dst);
        cenv_task_release(&task);
        if (i == 1)
            put(&e, "env/etc/mine", 0644, "new %s\n", e.src);
        if (i == 2)
            put(&e, "env/share/new", 0644, "new\n");
    }
    cenv_store_free(store);
    cenv_error_release(&err);
    scratch_close(&e.s);
}

/* Every flipped bit of a manifest is found, or does no harm. */
static void test_clone__damaged_manifest(void)
{
    struct env e = env_open();
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;
    struct cenv_manifest *m = NULL;
    cenv_task_init(&task, NULL, NULL);
    int root = cenv_fs_open_root(e.src, &err);
    CHECK_INT(cenv_manifest_of_environment(&m, root, e.src, NULL, &task, &err), 0);
    size_t total = m->header->total;
    for (size_t at = 0; at < total; at += at < 600 ? 1 : 97) {
        struct cenv_manifest *bad = NULL;
        char *block = cenv_memdup(m->header, total);
        block[at] = (char)(block[at] ^ 0x41);
        CHECK_INT(cenv_manifest_from_block(&bad, block, total, &err), CENV_EINTEGRITY);
        cenv_error_release(&err);
    }
    /* With a right sum over wrong content only the checks are left. */
    for (size_t at = sizeof(*m->header); at < total; at += 3) {
        struct cenv_manifest *bad = NULL;
        char *block = cenv_memdup(m->header, total);
        block[at] = (char)(block[at] ^ 0xff);
        cenv_manifest_seal(block);
        if (cenv_manifest_from_block(&bad, block, total, &err) == 0)
            cenv_manifest_free(bad);
        cenv_error_release(&err);
    }
    CHECK(total > 1000);
    cenv_manifest_free(m);
    cenv_fd_close(root);
    cenv_task_release(&task);
    scratch_close(&e.s);
}

int main(void)
{
    umask(022);
    RUN(test_clone__equals_install);
    RUN(test_clone__without_pristine_files);
    RUN(test_clone__prefix_too_long);
    RUN(test_clone__unmanaged_text);
    RUN(test_clone__wheel_record);
    RUN(test_clone__unmanaged_binaries);
    RUN(test_clone__replaced_by_pip);
    RUN(test_clone__files_of_all_kinds);
    RUN(test_clone__bytecode);
    RUN(test_clone__refusals);
    RUN(test_clone__wrong_options);
    RUN(test_clone__replaces_an_empty_directory);
    RUN(test_clone__cancelled);
    RUN(test_clone__no_memory);
    RUN(test_clone__manifest_is_kept_and_checked);
    RUN(test_clone__damaged_manifest);
    installed(0, NULL);
    record(NULL, NULL);
    cenv_buf_release(&report);
    return check_report();
}
