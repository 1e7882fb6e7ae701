/* SPDX-License-Identifier: BSD-3-Clause */
/* What a format of compression is to stream.c and unpacker.c, which drive it. */
#ifndef CENV_CODEC_PACKING_H
#define CENV_CODEC_PACKING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* Bytes that are compressed between two polls: at the highest level 40 ms. */
enum { CENV_PACKING_PART = 1 << 16 };

/* One step of a decoder or an encoder: it takes from `in` what it uses, and puts `made` bytes, at
 * most `room`, to `out`. */
struct cenv_packing_step {
    struct cenv_str in;
    char *out;
    size_t room, made;
    bool last;  /* for an encoder: `in` is all there is */
    bool flush; /* for an encoder: `in` is compressed now, where the format does so */
    const char *why; /* of CENV_EINTEGRITY */
};

/*
 * A format. States are made by `new` functions (NULL: out of memory) and freed by `free` functions,
 * which take NULL. All memory is asked for through base/alloc.h where the library lets us.
 *
 * `decode`: 1 at the end of a stream, behind which the next call begins another; 0 when it wants
 * more input or more room; CENV_EINTEGRITY with `why`; CENV_ENOMEM. `encode`: 1 when `last` and
 * all is out; 0 when there is more to do; CENV_EFAIL with `why`; CENV_ENOMEM. It is NULL, with what
 * goes with it, for a format that we only read.
 */
struct cenv_packing {
    const char *name;
    void *(*new_decoder)(void);
    int (*decode)(void *state, struct cenv_packing_step *step);
    void (*free_decoder)(void *state);
    void *(*new_encoder)(int level);
    int (*encode)(void *state, struct cenv_packing_step *step);
    void (*free_encoder)(void *state);
};

/* The first bytes of the input that a library's integer takes. */
static inline unsigned cenv_packing_part(size_t len)
{
    return len < 1U << 30 ? (unsigned)len : 1U << 30;
}

#endif
