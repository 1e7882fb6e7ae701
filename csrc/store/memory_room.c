/* SPDX-License-Identifier: BSD-3-Clause */
/* Memories by their last use. Few fit the room, so that they are looked at one by one. */
#include "store/memory_room.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "os/dir.h"
#include "os/fs.h"
#include "os/fs_dir.h"
#include "os/raw_data.h"
#include "store/path_memory.h"
#include "store/template_entry.h"

/* ---- visiting ---- */

enum { BYTES_MAX = 1 << 30 };

/* By its head, which is checked by those that use it: a sum of nonsense is still a sum. */
static void measure(int memories, struct cenv_memory_item *item)
{
    struct cenv_memory_head head;
    struct cenv_stat st;
    int dir = cenv_raw_open_dir(memories, item->name);
    int fd = dir < 0 ? dir : cenv_raw_open_file(dir, CENV_MEMORY_FACTS, &st);
    if (fd >= 0 && cenv_raw_pread(fd, &head, sizeof(head), 0) == sizeof(head)) {
        item->bytes = head.bytes < BYTES_MAX ? head.bytes : BYTES_MAX;
        item->used_ns = st.mtime_ns;
    }
    cenv_fd_close(fd);
    cenv_fd_close(dir);
}

static int visit_all(int memories, const char *id, cenv_memory_visit_fn visit,
                     void *ctx, struct cenv_error *err)
{
    struct cenv_listing list;
    int rc = 0, raw = cenv_listing_read(&list, memories, true);
    if (raw < 0)
        return cenv_fs_fail(err, raw, memories, NULL, "cannot list");
    for (size_t i = 0; i < list.nr && rc == 0; i++) {
        struct cenv_memory_item item = {.id = id, .name = list.entries[i].name};
        if (list.entries[i].type != CENV_FT_DIR ||
            list.entries[i].len >= CENV_MEMORY_NAME)
            continue;
        measure(memories, &item);
        rc = visit(ctx, &item, err);
    }
    cenv_listing_release(&list);
    return rc;
}

int cenv_memory_room_each(const struct cenv_store *store, const char *id,
                          cenv_memory_visit_fn visit, void *ctx, struct cenv_error *err)
{
    int entry = cenv_raw_open_dir(store->dirs[CENV_STORE_TEMPLATES], id);
    int memories = entry < 0 ? entry : cenv_raw_open_dir(entry, CENV_MEMORY_DIR);
    int rc = memories < 0 ? 0 : visit_all(memories, id, visit, ctx, err);
    cenv_fd_close(memories);
    cenv_fd_close(entry);
    return rc;
}

/* ---- making room ---- */

struct kept {
    char id[CENV_TEMPLATE_ID_LEN + 1], name[CENV_MEMORY_NAME];
    uint64_t bytes;
    int64_t used_ns;
};

struct room {
    const struct cenv_store *store;
    struct kept *kept;
    size_t nr, alloc;
    uint64_t bytes;
};

static int add_kept(void *ctx, const struct cenv_memory_item *item,
                    struct cenv_error *err)
{
    struct room *room = ctx;
    void *block = room->kept;
    if (!cenv_grow(&block, &room->alloc, room->nr, sizeof(*room->kept)))
        return cenv_error_oom(err);
    room->kept = block;
    struct kept *kept = &room->kept[room->nr++];
    *kept = (struct kept){.bytes = item->bytes, .used_ns = item->used_ns};
    snprintf(kept->id, sizeof(kept->id), "%s", item->id);
    snprintf(kept->name, sizeof(kept->name), "%s", item->name);
    room->bytes += item->bytes;
    return 0;
}

static int add_template(void *ctx, const struct cenv_dirent *entry,
                        struct cenv_error *err)
{
    struct room *room = ctx;
    if (!cenv_template_entry_is_id(entry->name))
        return 0;
    return cenv_memory_room_each(room->store, entry->name, add_kept, room, err);
}

static int compare_use(const void *a, const void *b)
{
    const struct kept *left = a, *right = b;
    return (left->used_ns > right->used_ns) - (left->used_ns < right->used_ns);
}

int cenv_memory_room_make(const struct cenv_store *store, uint64_t bytes,
                          uint64_t max_bytes, struct cenv_task *task,
                          struct cenv_error *err)
{
    struct room room = {.store = store};
    if (bytes > max_bytes)
        return 1;
    int rc =
        cenv_layout_each(store, CENV_STORE_TEMPLATES, task, add_template, &room, err);
    if (rc == 0 && room.nr > 1)
        qsort(room.kept, room.nr, sizeof(*room.kept), compare_use);
    for (size_t i = 0; i < room.nr && rc >= 0; i++) {
        const struct kept *kept = &room.kept[i];
        if (room.bytes <= max_bytes - bytes)
            break;
        rc = cenv_path_memory_withdraw_unused(store, kept->id, kept->name, task, err);
        if (rc == 0)
            room.bytes -= kept->bytes;
    }
    cenv_free(room.kept);
    return rc < 0 ? rc : room.bytes > max_bytes - bytes;
}
