/* SPDX-License-Identifier: BSD-3-Clause */
/* Memories as entries of the store: named, opened, published, taken away. */
#include "store/path_memory.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/checksum.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/raw_data.h"
#include "store/clone_registry.h"
#include "store/publish.h"
#include "store/template_entry.h"

static const char magic[8] = "cenv-pm";

enum { VERSION = 1, FILES_MAX = 1 << 24 };

int cenv_path_memory_name(const char *path, const char *mode,
                          char name[CENV_MEMORY_NAME], struct cenv_error *err)
{
    char key[CENV_STORE_KEY];
    int rc = cenv_layout_key(cenv_str(path), key, err);
    if (rc == 0)
        snprintf(name, CENV_MEMORY_NAME, "%s-%s", key, mode);
    return rc;
}

/* ---- the facts ---- */

static size_t size_of(uint32_t nr)
{
    return sizeof(struct cenv_memory_head) + nr * sizeof(struct cenv_memory_file);
}

static uint64_t sum_of(const struct cenv_memory_head *head)
{
    struct cenv_memory_head own = *head;
    struct cenv_str whole = cenv_str_n((const char *)head, size_of(head->nr));
    own.sum = 0;
    return cenv_checksum64(cenv_str_n((const char *)&own, sizeof(own))) ^
           cenv_checksum64(cenv_str_slice(whole, sizeof(own), whole.len));
}

struct cenv_memory_head *cenv_path_memory_new_head(uint32_t nr)
{
    struct cenv_memory_head *head = cenv_calloc(1, size_of(nr));
    if (head)
        head->nr = nr;
    return head;
}

struct cenv_memory_file *cenv_path_memory_files(struct cenv_memory_head *head)
{
    return (struct cenv_memory_file *)(head + 1);
}

int cenv_path_memory_save_head(int dir, struct cenv_memory_head *head,
                               struct cenv_error *err)
{
    memcpy(head->magic, magic, sizeof(magic));
    head->version = VERSION;
    cenv_pid_boot(head->boot_id, sizeof(head->boot_id));
    head->sum = sum_of(head);
    return cenv_fs_write_new(dir, CENV_MEMORY_FACTS,
                             cenv_str_n((const char *)head, size_of(head->nr)), 0600,
                             err);
}

static bool is_of_this_boot(const struct cenv_memory_head *head)
{
    char boot_id[sizeof(head->boot_id)] = "";
    cenv_pid_boot(boot_id, sizeof(boot_id));
    return memcmp(head->boot_id, boot_id, sizeof(boot_id)) == 0;
}

/* What cannot be read whole, for whatever reason but memory, is no head: 1. */
static int read_head(int dir, struct cenv_memory_head **out, struct cenv_error *err)
{
    struct cenv_stat st;
    int fd = cenv_raw_open_file(dir, CENV_MEMORY_FACTS, &st);
    bool fits = fd >= 0 && st.size >= size_of(0) && st.size <= size_of(FILES_MAX);
    struct cenv_memory_head *head = fits ? cenv_malloc(st.size) : NULL;
    bool whole = head && cenv_raw_pread(fd, head, st.size, 0) == (int64_t)st.size &&
                 memcmp(head->magic, magic, sizeof(magic)) == 0 &&
                 head->version == VERSION && head->nr <= FILES_MAX &&
                 size_of(head->nr) == st.size && head->sum == sum_of(head) &&
                 is_of_this_boot(head);
    cenv_fd_close(fd);
    if (fits && !head)
        return cenv_error_oom(err);
    if (whole)
        *out = head;
    else
        cenv_free(head);
    return !whole;
}

/* ---- opening ---- */

/* The directory of a template's memories; the template itself is never made. Or -errno. */
static int open_memories(const struct cenv_store *store, const char *id, bool make)
{
    int entry = cenv_raw_open_dir(store->dirs[CENV_STORE_TEMPLATES], id);
    if (entry < 0)
        return entry;
    int rc = make ? cenv_raw_mkdir(entry, CENV_MEMORY_DIR, 0700) : 0;
    int dir = rc < 0 && rc != -EEXIST ? rc : cenv_raw_open_dir(entry, CENV_MEMORY_DIR);
    cenv_fd_close(entry);
    return dir;
}

static int open_entry(const struct cenv_store *store, const char *id, const char *name)
{
    int memories = open_memories(store, id, false);
    int dir = memories < 0 ? memories : cenv_raw_open_dir(memories, name);
    cenv_fd_close(memories);
    return dir;
}

/* Another user's files could not be changed by the clone's. */
static bool is_own(int dir)
{
    struct cenv_stat st;
    return cenv_raw_stat_fd(dir, &st) == 0 && st.uid == cenv_fs_uid();
}

static void mark_used(int dir)
{
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    cenv_raw_set_mtime(dir, CENV_MEMORY_FACTS,
                       (int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
}

/* What lies in the directory of a memory; 1: not as a whole. */
static int open_whole(int dir, struct cenv_path_memory *memory, struct cenv_error *err)
{
    struct cenv_stat st;
    int rc = read_head(dir, &memory->head, err);
    if (rc != 0)
        return rc;
    memory->files = cenv_path_memory_files(memory->head);
    memory->layer = cenv_raw_open_dir(dir, CENV_MEMORY_LAYER);
    return memory->layer < 0 || cenv_raw_stat_fd(memory->layer, &st) < 0 ||
           st.ino != memory->head->layer;
}

int cenv_path_memory_open(const struct cenv_store *store, const char *id,
                          const char *name, struct cenv_path_memory *out,
                          struct cenv_error *err)
{
    struct cenv_path_memory memory = CENV_PATH_MEMORY_INIT;
    int dir = open_entry(store, id, name);
    int rc = dir >= 0 && is_own(dir) ? open_whole(dir, &memory, err) : 1;
    if (rc == 0) {
        mark_used(dir);
        *out = memory;
    } else {
        cenv_path_memory_close(&memory);
    }
    cenv_fd_close(dir);
    return rc;
}

void cenv_path_memory_close(struct cenv_path_memory *memory)
{
    cenv_fd_close(memory->layer);
    cenv_free(memory->head);
    *memory = (struct cenv_path_memory)CENV_PATH_MEMORY_INIT;
}

/* ---- coming and going ---- */

int cenv_path_memory_publish(const struct cenv_store *store, int from,
                             const char *name_there, const char *id, const char *name,
                             struct cenv_error *err)
{
    int to = open_memories(store, id, true);
    if (to < 0)
        return cenv_fs_fail(err, to, store->dirs[CENV_STORE_TEMPLATES], id,
                            "cannot open");
    int rc = cenv_publish_entry(from, name_there, to, name, false, err);
    cenv_fd_close(to);
    return rc;
}

int cenv_path_memory_withdraw(const struct cenv_store *store, const char *id,
                              const char *name, struct cenv_task *task,
                              struct cenv_error *err)
{
    struct cenv_stat st;
    int dir = open_memories(store, id, false), rc = 0;
    /* Of most paths nothing is remembered: no scratch directory is made for these. */
    if (dir >= 0 && cenv_raw_stat(dir, name, &st) != -ENOENT)
        rc = cenv_publish_withdraw(store, dir, name, task, err);
    cenv_fd_close(dir);
    return rc;
}

int cenv_path_memory_withdraw_unused(const struct cenv_store *store, const char *id,
                                     const char *name, struct cenv_task *task,
                                     struct cenv_error *err)
{
    struct cenv_lock *claim = NULL;
    char clone[CENV_STORE_FILE];
    snprintf(clone, sizeof(clone), "%.*s.json", CENV_STORE_KEY - 1, name);
    int rc = cenv_clone_registry_claim_vacant(store, clone, &claim, err);
    if (rc == 0)
        rc = cenv_path_memory_withdraw(store, id, name, task, err);
    cenv_clone_registry_let_go(store, clone, claim);
    return rc;
}

/* ---- paths that come back ---- */

#define SEEN "seen"

/* Slots of eight bytes, one a path; two paths of one slot forget each other. */
enum { SLOTS = 512 };

bool cenv_path_memory_has_seen(const struct cenv_store *store, const char *id,
                               const char *name)
{
    uint64_t sum = cenv_checksum64(cenv_str(name)), there = 0;
    uint64_t at = sum % SLOTS * sizeof(sum);
    int dir = open_memories(store, id, true);
    int fd = dir < 0 ? dir : cenv_raw_open_lock(dir, SEEN, true);
    bool seen = fd >= 0 &&
                cenv_raw_pread(fd, &there, sizeof(there), at) == sizeof(there) &&
                there == sum;
    if (fd >= 0 && !seen)
        cenv_raw_pwrite(fd, &sum, sizeof(sum), at);
    cenv_fd_close(fd);
    cenv_fd_close(dir);
    return seen;
}
