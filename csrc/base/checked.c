/* SPDX-License-Identifier: BSD-3-Clause */
/* A list so short that it is looked through. */
#include "base/checked.h"

#include <time.h>

enum { SETTLED_SECONDS = 2 };

void cenv_checked_init(struct cenv_checked *checked)
{
    *checked = (struct cenv_checked){.turn = 0};
    cenv_mutex_init(&checked->lock);
}

void cenv_checked_release(struct cenv_checked *checked)
{
    cenv_mutex_destroy(&checked->lock);
}

static bool is_same(const struct cenv_checked_file *a,
                    const struct cenv_checked_file *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns && a->sum == b->sum;
}

bool cenv_checked_has(struct cenv_checked *checked,
                      const struct cenv_checked_file *file)
{
    bool has = false;
    if (!checked || !cenv_mutex_try(&checked->lock))
        return false;
    for (unsigned i = 0; i < CENV_CHECKED_FILES && !has; i++)
        has = checked->files[i].ctime_ns && is_same(&checked->files[i], file);
    cenv_mutex_unlock(&checked->lock);
    return has;
}

/* A time to come, after a clock was set back, is none that can be told from others. */
static bool is_settled(const struct cenv_checked_file *file)
{
    return file->ctime_ns > 0 &&
           file->ctime_ns / 1000000000 + SETTLED_SECONDS < (int64_t)time(NULL);
}

void cenv_checked_note(struct cenv_checked *checked,
                       const struct cenv_checked_file *file)
{
    if (!checked || !is_settled(file) || !cenv_mutex_try(&checked->lock))
        return;
    checked->files[checked->turn++ % CENV_CHECKED_FILES] = *file;
    cenv_mutex_unlock(&checked->lock);
}
