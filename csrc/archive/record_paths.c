/* SPDX-License-Identifier: BSD-3-Clause */
/* Where packages lay, in records: see record_paths.h. */
#include "archive/record_paths.h"

#include "os/dir.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/path.h"

enum { PATH_BYTES_MAX = 1 << 20, RECORD_MAX = 256 << 20 };

#define META "conda-meta"

bool cenv_record_paths_is_record(struct cenv_str path)
{
    return cenv_str_starts(path, CENV_STR(META "/")) &&
           cenv_str_ends(path, CENV_STR(".json"));
}

/* Appends "<store>/pkgs/" of the store that the prefix lay in. */
static struct cenv_str add_old_packages(const struct cenv_record_paths *paths,
                                        struct cenv_buf *out)
{
    struct cenv_str top = cenv_str(paths->from);
    for (int i = 0; i < 3; i++)
        top = cenv_path_parent(top);
    cenv_buf_addf(out, "%.*s/pkgs/", CENV_STR_ARG(top));
    return cenv_buf_str(out);
}

bool cenv_record_paths_replace(const struct cenv_record_paths *paths,
                               struct cenv_str text, struct cenv_buf *out)
{
    const char *at;
    struct cenv_buf buf;
    cenv_buf_init(&buf, PATH_BYTES_MAX);
    struct cenv_str old = add_old_packages(paths, &buf);
    while (old.len && (at = cenv_find_bytes(text.data, text.len, old.data, old.len))) {
        size_t head = (size_t)(at - text.data);
        cenv_buf_add(out, text.data, head);
        cenv_buf_addf(out, "%s/pkgs/", paths->store_path);
        text = cenv_str_slice(text, head + old.len, text.len);
    }
    cenv_buf_add_str(out, text);
    bool done = !buf.failed && !out->failed;
    cenv_buf_release(&buf);
    return done;
}

/* Its time stays: nothing compares it, and the same record has the same everywhere. */
static int move_record(const struct cenv_record_paths *paths, int meta,
                       const char *name, struct cenv_error *err)
{
    struct cenv_buf text, moved;
    struct cenv_stat st;
    cenv_buf_init(&text, RECORD_MAX);
    cenv_buf_init(&moved, RECORD_MAX);
    int rc = cenv_fs_stat(meta, name, &st, err);
    if (rc == 0)
        rc = cenv_fs_read_file(meta, name, &text, err);
    if (rc == 0 && !cenv_record_paths_replace(paths, cenv_buf_str(&text), &moved))
        rc = cenv_error_oom(err);
    if (rc == 0 && !cenv_str_eq(cenv_buf_str(&text), cenv_buf_str(&moved))) {
        rc =
            cenv_fs_write_atomic(meta, name, cenv_buf_str(&moved), st.mode & 0777, err);
        cenv_raw_set_mtime(meta, name, st.mtime_ns);
    }
    cenv_buf_release(&text);
    cenv_buf_release(&moved);
    return rc;
}

/* Their names first: what is written anew is another entry of the directory. */
static int list_records(int meta, struct cenv_buf *names, struct cenv_error *err)
{
    struct cenv_dir dir;
    struct cenv_dirent entry;
    int raw = cenv_dir_init(&dir, meta);
    if (raw < 0)
        return cenv_fs_fail(err, raw, meta, NULL, "cannot read");
    while ((raw = cenv_dir_next(&dir, &entry)) == 1)
        if (entry.type == CENV_FT_FILE &&
            cenv_str_ends(cenv_str_n(entry.name, entry.len), CENV_STR(".json")))
            cenv_buf_add(names, entry.name, entry.len + 1);
    cenv_dir_release(&dir);
    if (raw < 0)
        return cenv_fs_fail(err, raw, meta, NULL, "cannot read");
    return names->failed ? cenv_error_oom(err) : 0;
}

static int move_records(const struct cenv_record_paths *paths, int meta,
                        struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_buf names;
    cenv_buf_init(&names, RECORD_MAX);
    int rc = list_records(meta, &names, err);
    for (size_t at = 0; at < names.len && rc == 0;) {
        const char *name = names.data + at;
        at += strlen(name) + 1;
        rc = cenv_task_poll(task, err);
        if (rc == 0)
            rc = move_record(paths, meta, name, err);
    }
    cenv_buf_release(&names);
    return rc;
}

int cenv_record_paths_move(const struct cenv_record_paths *paths, int dir,
                           struct cenv_task *task, struct cenv_error *err)
{
    int meta = cenv_raw_open_dir(dir, META);
    if (cenv_raw_is_absent(meta))
        return 0;
    if (meta < 0)
        return cenv_fs_fail(err, meta, dir, META, "cannot open");
    int rc = move_records(paths, meta, task, err);
    cenv_fd_close(meta);
    return rc;
}
