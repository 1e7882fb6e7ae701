/* SPDX-License-Identifier: BSD-3-Clause */
/* What activation does with an environment: its scripts and variables, as conda finds them. */
#include <errno.h>
#include <string.h>

#include "cenv.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/fs_dir.h"

enum { FILE_MAX = 1 << 20, PATHNAME_MAX = 8192 };

static bool has_ending(struct cenv_str name, struct cenv_str ending)
{
    return name.len >= ending.len &&
           cenv_str_eq(cenv_str_slice(name, name.len - ending.len, name.len), ending);
}

static int read_text(const char *path, struct cenv_buf *text, struct cenv_error *err)
{
    int fd = cenv_fs_open_named(path, NULL, err);
    if (fd < 0)
        return fd;
    int rc = cenv_fs_read_fd(fd, path, text, err);
    cenv_fd_close(fd);
    return rc;
}

/* Links are followed, as conda does; what is not there is no part of it. */
static int add_file(const char *path, const char *below, struct cenv_buf *out,
                    struct cenv_error *err)
{
    struct cenv_error failed = CENV_ERROR_INIT;
    struct cenv_buf text;
    cenv_buf_init(&text, FILE_MAX);
    int rc = read_text(path, &text, &failed);
    if (rc == 0) {
        cenv_buf_addf(out, "%s%c%zu%c", below, 0, text.len, 0);
        cenv_buf_add_str(out, cenv_buf_str(&text));
    } else if (failed.os_errno == ENOENT) {
        rc = 0;
    }
    if (rc != 0)
        cenv_error_move(err, &failed);
    cenv_error_release(&failed);
    cenv_buf_release(&text);
    return rc;
}

/* `path` is the prefix, put back on return; what is below it is in `out` relative to it. */
static int add_below(struct cenv_buf *path, const char *directory, const char *name,
                     struct cenv_buf *out, struct cenv_error *err)
{
    size_t prefix = path->len;
    cenv_buf_addf(path, "/%s/%s", directory, name);
    int rc = path->failed ? cenv_error_oom(err)
                          : add_file(path->data, path->data + prefix + 1, out, err);
    path->len = prefix;
    return rc;
}

static int list_directory(struct cenv_buf *path, const char *directory,
                          struct cenv_listing *listing)
{
    size_t prefix = path->len;
    cenv_buf_addf(path, "/%s", directory);
    int fd = path->failed ? -ENOMEM : cenv_raw_open_root(path->data);
    path->len = prefix;
    if (fd < 0)
        return fd == -ENOENT || fd == -ENOTDIR ? 0 : fd;
    int rc = cenv_listing_read(listing, fd, true);
    cenv_fd_close(fd);
    return rc;
}

static int add_directory(struct cenv_buf *path, const char *directory,
                         const char *ending, struct cenv_buf *out,
                         struct cenv_error *err)
{
    struct cenv_listing listing = {0};
    int rc = list_directory(path, directory, &listing);
    if (rc < 0)
        rc = cenv_error_os(err, -rc, directory, "cannot read");
    for (size_t i = 0; i < listing.nr && rc == 0; i++) {
        struct cenv_dirent *entry = &listing.entries[i];
        struct cenv_str name = {entry->name, entry->len};
        if (entry->type != CENV_FT_DIR && has_ending(name, cenv_str(ending)))
            rc = add_below(path, directory, entry->name, out, err);
    }
    cenv_listing_release(&listing);
    return rc;
}

int cenv_activation_read(const char *prefix, struct cenv_buf *out,
                         struct cenv_error *err)
{
    struct cenv_buf path;
    cenv_buf_init(&path, PATHNAME_MAX);
    cenv_buf_puts(&path, prefix);
    int rc = add_directory(&path, "etc/conda/env_vars.d", "", out, err);
    if (rc == 0)
        rc = add_below(&path, "conda-meta", "state", out, err);
    if (rc == 0)
        rc = add_directory(&path, "etc/conda/activate.d", ".sh", out, err);
    cenv_buf_release(&path);
    return rc != 0 || !out->failed ? rc : cenv_error_oom(err);
}
