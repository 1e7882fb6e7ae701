/* SPDX-License-Identifier: BSD-3-Clause */
/* Names are tried in the order of their worth: see local_repodata.h. */
#include "fetch/local_repodata.h"
#include "os/fs.h"

#include <stdio.h>

/* The size and times of a file of the directory; false when it cannot be had. */
static bool find_form(struct cenv_subdir_fetch *subdir, struct cenv_str directory,
                      enum cenv_subdir_form form, struct cenv_stat *st)
{
    cenv_buf_clear(&subdir->path);
    cenv_buf_add_str(&subdir->path, directory);
    cenv_buf_addf(&subdir->path, "/%s", cenv_subdir_fetch_form(form)->fn);
    return !subdir->path.failed && cenv_fs_is_dir(directory.data) &&
           cenv_fs_exists(CENV_CWD, subdir->path.data) &&
           cenv_raw_stat(CENV_CWD, subdir->path.data, st) == 0;
}

/* The form to read: shards that are older than a repodata.json beside them are left over. */
static int choose_form(struct cenv_subdir_fetch *subdir, struct cenv_str directory,
                       bool shards)
{
    static const enum cenv_subdir_form plain[] = {CENV_SUBDIR_JSON, CENV_SUBDIR_ZST};
    struct cenv_stat st, of_shards;
    int best = -1;

    for (size_t i = 0; i < 2 && best < 0; i++)
        best = find_form(subdir, directory, plain[i], &st) ? (int)plain[i] : -1;
    if (shards && find_form(subdir, directory, CENV_SUBDIR_SHARDS, &of_shards) &&
        (best < 0 || of_shards.mtime_ns >= st.mtime_ns))
        best = CENV_SUBDIR_SHARDS;
    return best;
}

int cenv_local_repodata_use(struct cenv_subdir_fetch *subdir, struct cenv_str directory,
                            bool shards, struct cenv_error *err)
{
    struct cenv_stat st;
    int form = choose_form(subdir, directory, shards);

    if (subdir->path.failed)
        return cenv_error_oom(err);
    if (form < 0)
        return cenv_subdir_fetch_miss(
            subdir, "has no repodata.json there",
            "check the path, or make its index: cenv index DIRECTORY", err);
    subdir->form = (enum cenv_subdir_form)form;
    find_form(subdir, directory, subdir->form, &st);
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
