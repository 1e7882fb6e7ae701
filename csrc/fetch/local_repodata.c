/* SPDX-License-Identifier: BSD-3-Clause */
/* Names are tried in the order of their worth: see local_repodata.h. */
#include "fetch/local_repodata.h"
#include "os/fs.h"

#include <stdio.h>

enum { NO_FORM = CENV_NR_SUBDIR_FORMS };

/* The size and times of a file of the directory: 1, 0 when there is none, or a status. */
static int find_form(struct cenv_subdir_fetch *subdir, struct cenv_str directory,
                     enum cenv_subdir_form form, struct cenv_stat *st,
                     struct cenv_error *err)
{
    cenv_buf_clear(&subdir->path);
    cenv_buf_add_str(&subdir->path, directory);
    cenv_buf_addf(&subdir->path, "/%s", cenv_subdir_fetch_form(form)->fn);
    if (subdir->path.failed)
        return cenv_error_oom(err);
    int is = cenv_fs_is_dir(directory.data, err);
    if (is != 1)
        return is;
    int raw = cenv_raw_stat(CENV_CWD, subdir->path.data, st);
    if (cenv_raw_is_absent(raw))
        return 0;
    return raw < 0
               ? cenv_fs_fail(err, raw, CENV_CWD, subdir->path.data, "cannot look at")
               : 1;
}

/* The form to read, NO_FORM or a status: shards that are older than a repodata.json beside them are
 * left over. */
static int choose_form(struct cenv_subdir_fetch *subdir, struct cenv_str directory,
                       bool shards, struct cenv_error *err)
{
    struct cenv_stat st, of_shards;
    int best = CENV_SUBDIR_JSON;
    int found = find_form(subdir, directory, CENV_SUBDIR_JSON, &st, err);

    if (found == 0) {
        best = CENV_SUBDIR_ZST;
        found = find_form(subdir, directory, CENV_SUBDIR_ZST, &st, err);
    }
    best = found == 1 ? best : NO_FORM;
    if (found >= 0 && shards) {
        found = find_form(subdir, directory, CENV_SUBDIR_SHARDS, &of_shards, err);
        if (found == 1 && (best == NO_FORM || of_shards.mtime_ns >= st.mtime_ns))
            best = CENV_SUBDIR_SHARDS;
    }
    return found < 0 ? found : best;
}

int cenv_local_repodata_use(struct cenv_subdir_fetch *subdir, struct cenv_str directory,
                            bool shards, struct cenv_error *err)
{
    struct cenv_stat st;
    int form = choose_form(subdir, directory, shards, err);

    if (form < 0)
        return form;
    if (form == NO_FORM)
        return cenv_subdir_fetch_miss(
            subdir, "has no repodata.json there",
            "check the path, or make its index: cenv index DIRECTORY", err);
    subdir->form = (enum cenv_subdir_form)form;
    if (find_form(subdir, directory, subdir->form, &st, err) < 0)
        return err->status;
    int fd = cenv_fs_open_named(subdir->path.data, &st, err);
    if (fd < 0)
        return fd;
    cenv_fd_close(fd);
    snprintf(subdir->identity, sizeof(subdir->identity), "%llx-%llx-%llx",
             (unsigned long long)st.size, (unsigned long long)st.mtime_ns,
             (unsigned long long)st.ino);
    subdir->bytes = st.size;
    subdir->hit = true;
    return 0;
}
