/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Looking costs a call of the system for each file and nothing else, so that it goes on as many
 * threads as there are processors. A job is some directories in a row: each thread keeps the chain
 * of those that lead to them open, and follows no link.
 */
#include "clone/survey.h"

#include "base/pool.h"
#include "clone/as_cloned.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/host.h"

enum { THREADS_MAX = 4, DIRS_AT_ONCE = 16 };

struct survey {
    const struct cenv_cloner *c;
    uint64_t dev; /* the clone's: times of what lies on another one tell nothing */
    int64_t since_ns;
    unsigned char *clean;
    struct cenv_task *task;
};

static bool is_clean_file(const struct survey *s, const struct cenv_mf_file *file,
                          int dir)
{
    struct cenv_stat st;
    if (file->flags & CENV_MF_LEFT_OUT)
        return true;
    return cenv_raw_stat(dir, cenv_mf_cstr(s->c->m, file->name), &st) == 0 &&
           !cenv_as_cloned_is_damage(s->c, file, &st) &&
           cenv_as_cloned_is_file(s->c, s->since_ns, file, dir, &st);
}

static bool is_clean_dir(const struct survey *s, const struct cenv_mf_dir *dir, int fd)
{
    struct cenv_stat st;
    if (cenv_raw_stat_fd(fd, &st) < 0 || st.dev != s->dev ||
        st.mtime_ns != dir->mtime_ns || st.ctime_ns > s->since_ns ||
        (st.mode & 0700) != 0700)
        return false;
    for (uint32_t i = dir->first_file; i < dir->first_file + dir->nr_files; i++)
        if (!is_clean_file(s, &s->c->m->files[i], fd))
            return false;
    return true;
}

static int look_at_some(void *ctx, size_t job, unsigned thread, struct cenv_error *err)
{
    const struct survey *s = ctx;
    const struct cenv_manifest *m = s->c->m;
    uint32_t from = (uint32_t)job * DIRS_AT_ONCE;
    struct cenv_dirs dirs;
    int rc = cenv_task_poll(s->task, err);
    (void)thread;
    cenv_dirs_init(&dirs, s->c->dst);
    for (uint32_t i = from; i < m->nr_dirs && i - from < DIRS_AT_ONCE && rc == 0; i++) {
        int fd = cenv_dirs_get(&dirs, cenv_mf_str(m, m->dirs[i].path), 0);
        s->clean[i] = fd >= 0 && is_clean_dir(s, &m->dirs[i], fd);
    }
    cenv_dirs_release(&dirs);
    return rc;
}

int cenv_survey_run(const struct cenv_cloner *c, int64_t since_ns, unsigned char *clean,
                    struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_stat root;
    int raw = cenv_raw_stat_fd(c->dst, &root);
    if (raw < 0)
        return cenv_fs_fail(err, raw, c->dst, NULL, "cannot look at");
    struct survey survey = {c, root.dev, since_ns, clean, task};
    size_t jobs = (c->m->nr_dirs + DIRS_AT_ONCE - 1) / DIRS_AT_ONCE;
    unsigned threads = cenv_host_cpus();
    return cenv_pool_run(threads > THREADS_MAX ? THREADS_MAX : threads, jobs,
                         look_at_some, &survey, task, err);
}
