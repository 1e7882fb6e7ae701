/* SPDX-License-Identifier: BSD-3-Clause */
/* What becomes of one file: texts and binaries that no package vouches for, odd kinds of files. */
#include <errno.h>
#include <sys/xattr.h>

#include "clone_env.h"
#include "elf_file.h"

static void test_clone_file__unmanaged_text(void)
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
        char word[400]; /* a blank would end it */
        snprintf(word, sizeof(word), "%s/my\\ clone", e.s.path);
        snprintf(want, sizeof(want), "$ENV{DESTDIR}%s/x $(DESTDIR)%s ${D}%s\n", word,
                 word, t);
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

static void test_clone_file__wheel_record(void)
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
        cenv_digest_sha256_hex(cenv_str(script), hex);
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

static bool has_bytes(struct env *e, const char *path, const char *bytes, size_t len)
{
    struct cenv_buf got;
    struct cenv_error err = CENV_ERROR_INIT;
    cenv_buf_init(&got, 4096);
    CHECK_INT(cenv_fs_read_file(e->s.fd, path, &got, &err), 0);
    bool has = got.len == len && memcmp(got.data, bytes, len) == 0;
    cenv_buf_release(&got);
    cenv_error_release(&err);
    return has;
}

/* Nothing moves where nobody says that it may; an equal length is replaced. */
static void test_clone_file__unmanaged_binaries(void)
{
    struct env e = env_open();
    char so[1024] = "\177ELF", pickle[1024] = "\x80\x04\x95\x10", other[600], path[600];
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
    static const char *const names[] = {"e", "longer", "eq3"}; /* "env" has three */
    for (size_t i = 0; i < CHECK_NR(names); i++) {
        bool equal = strlen(names[i]) == 3;
        snprintf(other, sizeof(other), "%s/%s", e.s.path, names[i]);
        check_case(names[i]);
        if (!cloned(e.src, other, "copy"))
            continue;
        CHECK(reported("own.so") == !equal && reported("own.pkl") == !equal);
        CHECK(reported("letter.pkl") && reported("own.table"));
        CHECK(!reported("other.pkl") && !reported("own.gz"));
        if (equal)
            memcpy(so + 6, other, t);
        snprintf(path, sizeof(path), "%s/lib/own.so", names[i]);
        CHECK(has_bytes(&e, path, so, t + 64));
        snprintf(path, sizeof(path), "%s/lib/letter.pkl", names[i]);
        memcpy(pickle + 7, "\0\x8c+", 3);
        CHECK(has_bytes(&e, path, pickle, t + 64));
    }
    scratch_close(&e.s);
}

/* The path by which a library finds others moves where the length lets it. */
static void test_clone_file__unmanaged_elf(void)
{
    struct env e = env_open();
    char runpath[600], other[600];
    snprintf(runpath, sizeof(runpath), "%s/lib", e.src);
    struct elf_file elf = elf_file(true, false, runpath, "libx.so");
    write_bytes(&e, "env/lib/own.so", elf.data, elf.len);
    snprintf(other, sizeof(other), "%s/e", e.s.path);
    if (cloned(e.src, other, "copy")) {
        CHECK(!reported("own.so"));
        size_t room = strlen(runpath);
        memset(elf.data + elf.runpath, 0, room);
        snprintf(elf.data + elf.runpath, room, "%s/lib", other);
        CHECK(has_bytes(&e, "e/lib/own.so", elf.data, elf.len));
    }
    snprintf(other, sizeof(other), "%s/longer", e.s.path);
    if (cloned(e.src, other, "copy"))
        CHECK(reported("own.so") && reported("without room"));
    scratch_close(&e.s);
}

static void test_clone_file__replaced_by_pip(void)
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

static void test_clone_file__files_of_all_kinds(void)
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

static void test_clone_file__bytecode(void)
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

int main(void)
{
    umask(022);
    RUN(test_clone_file__unmanaged_text);
    RUN(test_clone_file__wheel_record);
    RUN(test_clone_file__unmanaged_binaries);
    RUN(test_clone_file__unmanaged_elf);
    RUN(test_clone_file__replaced_by_pip);
    RUN(test_clone_file__files_of_all_kinds);
    RUN(test_clone_file__bytecode);
    clone_env_release();
    return check_report();
}
