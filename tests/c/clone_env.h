/* SPDX-License-Identifier: BSD-3-Clause */
/* A small environment that a test builds as an installer would, to clone it and look at it. */
#ifndef CLONE_ENV_H
#define CLONE_ENV_H

#include "check.h"
#include "scratch.h"

#include "base/digest.h"
#include "cenv.h"
#include "os/dir.h"
#include "os/fs_data.h"

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

/* What the last clone reported. */
__attribute__((unused)) static struct cenv_buf report;

/* ---- building ---- */

__attribute__((unused)) static void write_bytes(const struct env *e, const char *path,
                                                const char *data, size_t len)
{
    int fd = openat(e->s.fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, data, len) != (ssize_t)len)
        perror(path);
    close(fd);
}

__attribute__((unused)) static void set_time(const struct env *e, const char *path,
                                             time_t s, long ns)
{
    struct timespec at[2] = {{s, ns}, {s, ns}};
    if (utimensat(e->s.fd, path, at, AT_SYMLINK_NOFOLLOW) < 0)
        perror(path);
}

__attribute__((unused)) static void dirs_of(const struct env *e, const char *root)
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
__attribute__((unused)) static struct cenv_str installed(size_t i, const char *prefix)
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

__attribute__((unused)) static void add_path(struct cenv_buf *json, size_t i,
                                             const char *prefix)
{
    char pristine[CENV_DIGEST_HEX_MAX], linked[CENV_DIGEST_HEX_MAX];
    cenv_digest_sha256_hex(cenv_str_n(shipped[i].text, shipped[i].len), pristine);
    cenv_digest_sha256_hex(installed(i, prefix), linked);
    cenv_buf_addf(
        json,
        "%s{\"_path\": \"%s\", \"path_type\": \"hardlink\", \"sha256\": \"%s\", "
        "\"sha256_in_prefix\": \"%s\", \"size_in_bytes\": %zu, \"file_mode\": \"%s\", "
        "\"prefix_placeholder\": \"%s\", \"mine\": [1, {\"x\": \"]}\"}]}",
        i ? ", " : "", shipped[i].path, pristine, linked, shipped[i].len,
        shipped[i].binary ? "binary" : "text", P);
}

/* The record as conda writes it, of an install at `prefix`; valid until the next call. */
__attribute__((unused)) static const char *record(const struct env *e,
                                                  const char *prefix)
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
__attribute__((unused)) static void install(const struct env *e, const char *root)
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

__attribute__((unused)) static void pristine(const struct env *e)
{
    char path[512];
    dirs_of(e, "pkg");
    for (size_t i = 0; i < CHECK_NR(shipped); i++) {
        snprintf(path, sizeof(path), "pkg/%s", shipped[i].path);
        write_bytes(e, path, shipped[i].text, shipped[i].len);
    }
}

__attribute__((unused)) static struct env env_open(void)
{
    struct env e = {.s = scratch_open()};
    snprintf(e.src, sizeof(e.src), "%s/env", e.s.path);
    snprintf(e.dst, sizeof(e.dst), "%s/clone", e.s.path);
    pristine(&e);
    install(&e, "env");
    return e;
}

__attribute__((unused)) static int clone_to(const char *src, const char *dst,
                                            const char *mode, struct cenv_error *err)
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
__attribute__((unused)) static bool cloned(const char *src, const char *dst,
                                           const char *mode)
{
    struct cenv_error err = CENV_ERROR_INIT;
    bool ok = CHECK_INT(clone_to(src, dst, mode, &err), 0);
    if (!ok)
        fprintf(stderr, "    %s\n", err.message);
    cenv_error_release(&err);
    return ok;
}

__attribute__((unused)) static bool reported(const char *text)
{
    return report.data && strstr(report.data, text);
}

/* ---- bytes ---- */

__attribute__((unused)) static void check_installed(const struct env *e,
                                                    const char *prefix)
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

__attribute__((unused)) static const char *text_at(const struct env *e,
                                                   const char *format, ...)
{
    char path[512];
    va_list args;
    va_start(args, format);
    vsnprintf(path, sizeof(path), format, args);
    va_end(args);
    return scratch_text(&e->s, path);
}

__attribute__((unused)) static void put(const struct env *e, const char *path,
                                        mode_t mode, const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    scratch_file(&e->s, path, text, mode);
}

__attribute__((unused)) static struct stat stat_at(const struct env *e,
                                                   const char *path)
{
    struct stat st = {0};
    if (fstatat(e->s.fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        perror(path);
    return st;
}

__attribute__((unused)) static int entries_of(const char *path)
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

/* Before check_report(): what the functions here keep. */
__attribute__((unused)) static void clone_env_release(void)
{
    installed(0, NULL);
    record(NULL, NULL);
    cenv_buf_release(&report);
}

#endif
