/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading ahead: a ring of blocks between one reading thread and its consumer. */
#include "codec/readahead.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/mutex.h"
#include "base/thread.h"

/* Each side is woken for several blocks at a time: switching for every one costs more than it
 * gains. */
enum { BLOCK = 128 << 10, SLOTS = 16, WAKE_FULL = 4, WAKE_FREE = 8 };

struct cenv_readahead {
    struct cenv_input from;
    struct cenv_thread thread;
    bool started;
    char *blocks; /* SLOTS of BLOCK bytes */

    struct cenv_mutex lock; /* guards all below */
    struct cenv_cond changed;
    size_t len[SLOTS];
    unsigned long head, tail; /* blocks filled, blocks given back */
    bool held;                /* the consumer is using block `tail` */
    bool ended, stop;
    int rc;
    struct cenv_error err;
};

static char *block_at(const struct cenv_readahead *ahead, unsigned long at)
{
    return ahead->blocks + at % SLOTS * BLOCK;
}

/* ---- the thread ---- */

/* Waits for a free block; false when nobody wants more. */
static bool wait_for_room(struct cenv_readahead *ahead)
{
    bool stop;

    cenv_mutex_lock(&ahead->lock);
    while (!ahead->stop && ahead->head - ahead->tail == SLOTS)
        cenv_cond_wait(&ahead->changed, &ahead->lock);
    stop = ahead->stop;
    cenv_mutex_unlock(&ahead->lock);
    return !stop;
}

static void hand_over(struct cenv_readahead *ahead, size_t len)
{
    cenv_mutex_lock(&ahead->lock);
    ahead->len[ahead->head % SLOTS] = len;
    ahead->head++;
    if (ahead->head - ahead->tail == WAKE_FULL)
        cenv_cond_signal(&ahead->changed);
    cenv_mutex_unlock(&ahead->lock);
}

/* Copies what was read into free blocks; false when nobody wants more. */
static bool pass_on(struct cenv_readahead *ahead, const char *data, size_t len)
{
    while (len > 0) {
        size_t part = len < BLOCK ? len : BLOCK;
        if (!wait_for_room(ahead))
            return false;
        memcpy(block_at(ahead, ahead->head), data, part);
        hand_over(ahead, part);
        data += part;
        len -= part;
    }
    return true;
}

/* Reads from an input that gives blocks of its own. */
static int copy_all(struct cenv_readahead *ahead, struct cenv_error *err)
{
    const void *data = NULL;
    size_t len = 0;
    int rc;

    do {
        rc = ahead->from.read(ahead->from.ctx, &data, &len, err);
    } while (rc == 0 && len > 0 && pass_on(ahead, data, len));
    return rc;
}

/* Reads from an input that fills blocks of ours. */
static int fill_all(struct cenv_readahead *ahead, struct cenv_error *err)
{
    size_t len = 1;
    int rc = 0;

    while (rc == 0 && len > 0 && wait_for_room(ahead)) {
        char *room = block_at(ahead, ahead->head);
        rc = ahead->from.fill(ahead->from.ctx, room, BLOCK, &len, err);
        if (rc == 0 && len > 0)
            hand_over(ahead, len);
    }
    return rc;
}

static void *read_all(void *arg)
{
    struct cenv_readahead *ahead = arg;
    struct cenv_error err = CENV_ERROR_INIT;
    int rc = ahead->from.fill ? fill_all(ahead, &err) : copy_all(ahead, &err);

    cenv_mutex_lock(&ahead->lock);
    ahead->ended = true;
    ahead->rc = rc;
    cenv_error_move(&ahead->err, &err);
    cenv_cond_signal(&ahead->changed);
    cenv_mutex_unlock(&ahead->lock);
    cenv_error_release(&err);
    return NULL;
}

/* ---- the consumer ---- */

static int ahead_read(void *ctx, const void **data, size_t *len, struct cenv_error *err)
{
    struct cenv_readahead *ahead = ctx;
    int rc = 0;

    if (!ahead->started)
        return ahead->from.read(ahead->from.ctx, data, len, err);
    *len = 0;
    cenv_mutex_lock(&ahead->lock);
    if (ahead->held) {
        ahead->held = false;
        ahead->tail++;
        if (SLOTS - (ahead->head - ahead->tail) == WAKE_FREE)
            cenv_cond_signal(&ahead->changed);
    }
    while (ahead->head == ahead->tail && !ahead->ended)
        cenv_cond_wait(&ahead->changed, &ahead->lock);
    if (ahead->head > ahead->tail) {
        ahead->held = true;
        *data = block_at(ahead, ahead->tail);
        *len = ahead->len[ahead->tail % SLOTS];
    } else if (ahead->rc < 0) {
        rc = ahead->rc;
        cenv_error_move(err, &ahead->err);
    }
    cenv_mutex_unlock(&ahead->lock);
    return rc;
}

struct cenv_input cenv_readahead_input(struct cenv_readahead *ahead)
{
    return (struct cenv_input){.read = ahead_read, .ctx = ahead};
}

int cenv_readahead_new(struct cenv_readahead **out, struct cenv_input from,
                       struct cenv_error *err)
{
    struct cenv_readahead *ahead = cenv_calloc(1, sizeof(*ahead));

    if (ahead)
        ahead->blocks = cenv_malloc((size_t)SLOTS * BLOCK);
    if (!ahead || !ahead->blocks) {
        cenv_free(ahead);
        return cenv_error_oom(err);
    }
    ahead->from = from;
    cenv_mutex_init(&ahead->lock);
    cenv_cond_init(&ahead->changed);
    ahead->started = cenv_threads_start(&ahead->thread, 1, read_all, ahead, 0) == 1;
    *out = ahead;
    return 0;
}

void cenv_readahead_free(struct cenv_readahead *ahead)
{
    if (!ahead)
        return;
    cenv_mutex_lock(&ahead->lock);
    ahead->stop = true;
    cenv_cond_signal(&ahead->changed);
    cenv_mutex_unlock(&ahead->lock);
    if (ahead->started)
        cenv_threads_join(&ahead->thread, 1);
    cenv_cond_destroy(&ahead->changed);
    cenv_mutex_destroy(&ahead->lock);
    cenv_error_release(&ahead->err);
    cenv_free(ahead->blocks);
    cenv_free(ahead);
}
