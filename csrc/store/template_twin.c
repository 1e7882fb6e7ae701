/* SPDX-License-Identifier: BSD-3-Clause */
/* Twins as entries of the store: opened, checked by what their file system says, published. */
#include "store/template_twin.h"

#include <stdio.h>

#include "base/checksum.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/fs_dir.h"
#include "os/raw_data.h"
#include "os/subvolume.h"
#include "store/publish.h"
#include "store/store_lock.h"
#include "store/template_entry.h"

/* Of the template's entry. */
#define TWIN "twin"

static const char magic[8] = "cenv-tw";

enum { VERSION = 3 };

/* Of the records that a file or directory has in the trees of btrfs, about; and of a file that lies
 * in them as a whole, at most, by default. */
enum { RECORD_BYTES = 512, INLINE_MAX = 2048 };

/* All that the file "facts" has. */
struct facts {
    char magic[8];
    uint32_t version, zero;
    uint64_t sum;      /* of all but itself */
    uint64_t manifest; /* the sum of the one that it was made by */
    uint64_t subvolume, changed;
    int64_t newest; /* of the ctimes in it, nanoseconds since 1970 */
    uint64_t bytes; /* that it takes */
};

/* What is found in a twin. */
struct contents {
    int64_t newest;
    uint64_t bytes;
};

static uint64_t sum_of(const struct facts *facts)
{
    struct facts own = *facts;
    own.sum = 0;
    return cenv_checksum64(cenv_str_n((const char *)&own, sizeof(own)));
}

static bool read_facts(int dir, struct facts *out)
{
    struct cenv_stat st;
    int fd = cenv_raw_open_file(dir, CENV_TWIN_FACTS, &st);
    bool whole = fd >= 0 && st.size == sizeof(*out) &&
                 cenv_raw_pread(fd, out, sizeof(*out), 0) == sizeof(*out) &&
                 memcmp(out->magic, magic, sizeof(magic)) == 0 &&
                 out->version == VERSION && out->sum == sum_of(out);
    cenv_fd_close(fd);
    return whole;
}

/* Its files are the clone's as they are: nobody could change those of another user. */
static bool is_own(int tree)
{
    struct cenv_stat st;
    return cenv_raw_stat_fd(tree, &st) == 0 && st.uid == cenv_fs_uid() &&
           st.gid == cenv_fs_gid();
}

bool cenv_template_twin_is_unchanged(const struct cenv_template_twin *twin)
{
    struct cenv_subvolume_facts now;
    return cenv_raw_subvolume_facts(twin->tree, &now) == 0 &&
           now.id == twin->facts.id && now.changed == twin->facts.changed;
}

/* ---- what changed it ---- */

static int note_entry(void *ctx, const struct cenv_walk_entry *at,
                      struct cenv_error *err)
{
    struct contents *found = ctx;
    struct cenv_stat st;
    int raw = cenv_raw_stat(at->parent, at->entry.name, &st);
    if (raw < 0)
        return cenv_fs_fail(err, raw, at->parent, at->entry.name, "cannot look at");
    if (st.ctime_ns > found->newest)
        found->newest = st.ctime_ns;
    found->bytes += RECORD_BYTES;
    if (st.type == CENV_FT_FILE && st.size <= INLINE_MAX)
        found->bytes += st.size;
    return 0;
}

static int look_through(int tree, struct contents *found, struct cenv_task *task,
                        struct cenv_error *err)
{
    struct cenv_stat st;
    int raw = cenv_raw_stat_fd(tree, &st);
    if (raw < 0)
        return cenv_fs_fail(err, raw, tree, NULL, "cannot look at");
    *found = (struct contents){.newest = st.ctime_ns, .bytes = RECORD_BYTES};
    return cenv_fs_walk(tree, false, note_entry, found, task, err);
}

/* Reading changes what a subvolume says of its last change, by the times of access: whoever looks
 * at all of a store, du or a backup, does that. Any other change shows by a ctime. 0; 1: there was
 * another one; or a status. */
static int check_ctimes(int tree, int64_t newest, struct cenv_task *task,
                        struct cenv_error *err)
{
    struct contents now;
    int rc = look_through(tree, &now, task, err);
    if (rc != CENV_EOS)
        return rc < 0 ? rc : now.newest != newest;
    cenv_error_release(err); /* something is gone from it */
    return 1;
}

static struct cenv_str seal_facts(struct facts *facts)
{
    memcpy(facts->magic, magic, sizeof(magic));
    facts->version = VERSION;
    facts->sum = sum_of(facts);
    return cenv_str_n((const char *)facts, sizeof(*facts));
}

/* So that it is looked through once; where that cannot be written down, each time. */
static int renew_facts(int dir, struct facts *facts, struct cenv_template_twin *twin,
                       struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct cenv_subvolume_facts now;
    if (cenv_raw_subvolume_facts(twin->tree, &now) < 0 || now.id != twin->facts.id)
        return 1;
    int rc = check_ctimes(twin->tree, facts->newest, task, err);
    if (rc != 0)
        return rc;
    twin->facts = now;
    facts->changed = now.changed;
    cenv_fs_write_atomic(dir, CENV_TWIN_FACTS, seal_facts(facts), 0600, &ignored);
    cenv_error_release(&ignored);
    return 0;
}

/* ---- opening ---- */

/* The directory of the template; or -errno. */
static int open_entry(const struct cenv_store *store, const char *id)
{
    return cenv_raw_open_dir(store->dirs[CENV_STORE_TEMPLATES], id);
}

/* Whether the one in the open directory holds: 0, 1 not, or a status; its tree may be open. */
static int open_in(int dir, uint64_t manifest, struct cenv_template_twin *twin,
                   struct cenv_task *task, struct cenv_error *err)
{
    struct facts facts;
    if (!read_facts(dir, &facts) || facts.manifest != manifest)
        return 1;
    twin->facts =
        (struct cenv_subvolume_facts){.id = facts.subvolume, .changed = facts.changed};
    twin->tree = cenv_raw_open_dir(dir, CENV_TWIN_TREE);
    if (twin->tree < 0 || !is_own(twin->tree))
        return 1;
    if (cenv_template_twin_is_unchanged(twin))
        return 0;
    return renew_facts(dir, &facts, twin, task, err);
}

int cenv_template_twin_open(const struct cenv_store *store, const char *id,
                            uint64_t manifest, struct cenv_template_twin *out,
                            struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_template_twin twin = {.tree = -1};
    int entry = open_entry(store, id);
    int dir = entry < 0 ? entry : cenv_raw_open_dir(entry, TWIN);
    int rc = dir < 0 ? 1 : open_in(dir, manifest, &twin, task, err);
    cenv_fd_close(dir);
    cenv_fd_close(entry);
    if (dir < 0 && !cenv_raw_is_absent(dir))
        return cenv_fs_fail(err, dir, store->dirs[CENV_STORE_TEMPLATES], id,
                            "cannot open");
    if (rc == 0)
        *out = twin;
    else
        cenv_fd_close(twin.tree);
    return rc;
}

void cenv_template_twin_close(struct cenv_template_twin *twin)
{
    cenv_fd_close(twin->tree);
    twin->tree = -1;
}

uint64_t cenv_template_twin_bytes(const struct cenv_store *store, const char *id)
{
    struct facts facts;
    int entry = open_entry(store, id);
    int dir = entry < 0 ? entry : cenv_raw_open_dir(entry, TWIN);
    bool whole = dir >= 0 && read_facts(dir, &facts);
    cenv_fd_close(dir);
    cenv_fd_close(entry);
    return whole ? facts.bytes : 0;
}

int cenv_template_twin_save(int dir, uint64_t manifest, struct cenv_task *task,
                            struct cenv_error *err)
{
    struct cenv_subvolume_facts now;
    struct contents found;
    struct facts facts = {.manifest = manifest};
    int tree = cenv_raw_open_dir(dir, CENV_TWIN_TREE);
    int raw = tree < 0 ? tree : cenv_raw_subvolume_facts(tree, &now);
    int rc = raw < 0 ? cenv_fs_fail(err, raw, dir, CENV_TWIN_TREE, "cannot look at")
                     : look_through(tree, &found, task, err);
    cenv_fd_close(tree);
    if (rc < 0)
        return rc;
    facts.subvolume = now.id;
    facts.changed = now.changed;
    facts.newest = found.newest;
    facts.bytes = found.bytes;
    return cenv_fs_write_new(dir, CENV_TWIN_FACTS, seal_facts(&facts), 0600, err);
}

int cenv_template_twin_publish(const struct cenv_store *store, int from,
                               const char *name, const char *id, struct cenv_error *err)
{
    int entry = open_entry(store, id);
    if (entry < 0)
        return cenv_fs_fail(err, entry, store->dirs[CENV_STORE_TEMPLATES], id,
                            "cannot open");
    int rc = cenv_publish_entry(from, name, entry, TWIN, true, err);
    cenv_fd_close(entry);
    return rc;
}

/* ---- the lock ---- */

enum { LOCK_NAME = CENV_TEMPLATE_ID_LEN + 16 };

static void set_lock_name(const char *id, char name[LOCK_NAME])
{
    snprintf(name, LOCK_NAME, "twin-%.*s", CENV_TEMPLATE_ID_LEN, id);
}

int cenv_template_twin_lock(const struct cenv_store *store, const char *id,
                            struct cenv_lock **lock, struct cenv_task *task,
                            struct cenv_error *err)
{
    char name[LOCK_NAME];
    set_lock_name(id, name);
    return cenv_store_lock_take(store, name, lock, task, err);
}

void cenv_template_twin_unlock(const struct cenv_store *store, const char *id,
                               struct cenv_lock *lock)
{
    char name[LOCK_NAME];
    set_lock_name(id, name);
    cenv_store_lock_release(store, name, lock);
}
