/* SPDX-License-Identifier: BSD-3-Clause */
/* A clone that was given back, put back for the next that asks; cenv_reset.h has the contract. */
#include "base/alloc.h"
#include "cenv.h"
#include "clone/mode.h"
#include "clone/put_back.h"
#include "os/dir_users.h"
#include "os/fs.h"
#include "os/fs_where.h"

/* Names that were added to directories, which stay as large as these made them. */
enum { GROWN = 1000 };
enum { HOW_MAX = 128 };

static int check_unused(const struct cenv_clone_entry *clone, const char *place,
                        struct cenv_error *err)
{
    char how[HOW_MAX];
    int raw = cenv_raw_find_dir_user(place, clone->owner.start, how, sizeof(how));
    if (raw < 0)
        return cenv_fs_fail(err, raw, CENV_CWD, place, "cannot look for users of");
    return raw == 0 ? 0
                    : cenv_error_set(err, CENV_EPREFIX, "'%s' may be in use: %s",
                                     clone->path, how);
}

static int check_dirs(const struct cenv_clone_entry *clone,
                      const struct cenv_reset_counts *counts, struct cenv_error *err)
{
    if (counts->disowned)
        return cenv_error_set(err, CENV_EPREFIX,
                              "'%s' has directories of another owner", clone->path);
    if (counts->removed > GROWN)
        return cenv_error_set(err, CENV_EPREFIX, "directories of '%s' have grown",
                              clone->path);
    return 0;
}

/* A process may come to write while it is put back: it is looked for again behind it. */
static int put_back(const struct cenv_clone_entry *clone, struct cenv_store *store,
                    struct cenv_reset_counts *counts, struct cenv_task *task,
                    struct cenv_error *err)
{
    const struct cenv_clone_mode *mode = cenv_clone_mode_of_entry(clone->mode);
    if (mode->prepare_anew || !clone->owner.pid)
        return cenv_error_set(err, CENV_EPREFIX, "'%s' is %s", clone->path,
                              clone->owner.pid ? "a mount" : "to stay");
    char *place = cenv_fs_realpath(clone->path, err);
    int rc = place ? check_unused(clone, place, err) : err->status;
    if (rc == 0)
        rc = mode->reset(clone, store, mode->placing, counts, task, err);
    if (rc == 0)
        rc = check_unused(clone, place, err);
    if (rc == 0)
        rc = check_dirs(clone, counts, err);
    cenv_free(place);
    return rc;
}

int cenv_recycle(struct cenv_store *store, const char *clone, struct cenv_task *task,
                 struct cenv_buf *out, struct cenv_error *err)
{
    static const char hint[] = "only what cenv cloned can be used again";
    return cenv_put_back_known(store, clone, hint, put_back, task, out, err);
}
