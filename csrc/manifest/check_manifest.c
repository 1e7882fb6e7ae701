/* SPDX-License-Identifier: BSD-3-Clause */
/* By fstatat alone, directories in parallel. */
#include "manifest/check_manifest.h"

#include <stdatomic.h>

#include "base/pool.h"
#include "os/host.h"

/* Names have no slash: they are relative to the descriptor of their directory. */
static bool dir_is_current(const struct cenv_manifest *m, int root, uint32_t index)
{
    const struct cenv_mf_dir *dir = &m->dirs[index];
    struct cenv_stat st;
    int fd = index == 0 ? cenv_raw_dup(root)
                        : cenv_raw_open_dir(root, cenv_mf_cstr(m, dir->path));
    if (fd < 0)
        return false;
    bool same = cenv_raw_stat_fd(fd, &st) == 0 && st.ino == dir->ino &&
                st.mtime_ns == dir->mtime_ns && st.mode == dir->mode;
    for (uint32_t i = 0; same && i < dir->nr_files; i++) {
        const struct cenv_mf_file *file = &m->files[dir->first_file + i];
        same = cenv_raw_stat(fd, cenv_mf_cstr(m, file->name), &st) == 0 &&
               cenv_mf_is_current(file, &st);
    }
    cenv_fd_close(fd);
    return same;
}

struct checking {
    const struct cenv_manifest *m;
    int root;
    atomic_bool stale;
};

static int check_dir(void *ctx, size_t index, unsigned thread, struct cenv_error *err)
{
    struct checking *c = ctx;
    (void)thread;
    (void)err;
    if (!atomic_load(&c->stale) && !dir_is_current(c->m, c->root, (uint32_t)index))
        atomic_store(&c->stale, true);
    return 0;
}

int cenv_check_manifest(const struct cenv_manifest *m, int root, struct cenv_task *task,
                        struct cenv_error *err)
{
    enum { THREADS_MAX = 4 };
    struct checking c = {.m = m, .root = root};
    unsigned threads = cenv_host_cpus();
    struct cenv_stat st;
    if (cenv_raw_stat_fd(root, &st) < 0 || st.dev != m->header->dev ||
        st.ino != m->header->ino)
        return 0;
    int rc = cenv_pool_run(threads > THREADS_MAX ? THREADS_MAX : threads, m->nr_dirs,
                           check_dir, &c, task, err);
    if (rc < 0)
        return rc;
    return !atomic_load(&c.stale);
}
