/* SPDX-License-Identifier: BSD-3-Clause */
/* A store with the entry of a template, and memories in it that say what they like. */
#ifndef MEMORYKIT_H
#define MEMORYKIT_H

#include "store/path_memory.h"
#include "store/template_entry.h"
#include "storekit.h"

#define MEMORYKIT_ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

enum { MEMORYKIT_BYTES = 1000 };

struct memorykit {
    struct storekit s;
    char name[CENV_MEMORY_NAME];
};

__attribute__((unused)) static struct memorykit memorykit_open(void)
{
    struct memorykit k = {.s = storekit_open()};
    CHECK_INT(cenv_fs_mkdir(k.s.store->dirs[CENV_STORE_TEMPLATES], MEMORYKIT_ID, 0755,
                            &k.s.err),
              0);
    CHECK_INT(cenv_path_memory_name("/a", "hardlink", k.name, &k.s.err), 0);
    return k;
}

/* A memory of one file, whose facts say what they like. */
__attribute__((unused)) static void memorykit_make(struct memorykit *k,
                                                   const char *path, const char *mode)
{
    struct cenv_scratch scratch;
    struct cenv_stat st;
    struct cenv_memory_head *head = cenv_path_memory_new_head(1);
    CHECK_INT(cenv_path_memory_name(path, mode, k->name, &k->s.err), 0);
    CHECK_INT(cenv_scratch_open(k->s.store, &scratch, &k->s.err), 0);
    int layer = cenv_fs_open_beneath(scratch.fd, "m/layer", 0700, &k->s.err);
    int dir = cenv_fs_open_dir(scratch.fd, "m", &k->s.err);
    CHECK_INT(cenv_raw_stat_fd(layer, &st), 0);
    head->layer = st.ino;
    head->bytes = MEMORYKIT_BYTES;
    cenv_path_memory_files(head)[0].ino = 7;
    CHECK_INT(cenv_path_memory_save_head(dir, head, &k->s.err), 0);
    CHECK_INT(cenv_path_memory_publish(k->s.store, scratch.fd, "m", MEMORYKIT_ID,
                                       k->name, &k->s.err),
              0);
    cenv_fd_close(dir);
    cenv_fd_close(layer);
    cenv_scratch_close(k->s.store, &scratch);
    cenv_free(head);
}

__attribute__((unused)) static bool memorykit_is_there(struct memorykit *k)
{
    struct cenv_path_memory memory = CENV_PATH_MEMORY_INIT;
    int rc =
        cenv_path_memory_open(k->s.store, MEMORYKIT_ID, k->name, &memory, &k->s.err);
    if (rc == 0)
        CHECK_INT(memory.files[0].ino, 7);
    cenv_path_memory_close(&memory);
    CHECK(rc == 0 || rc == 1);
    return rc == 0;
}

#endif
