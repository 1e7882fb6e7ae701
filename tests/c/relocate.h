/* SPDX-License-Identifier: BSD-3-Clause */
/* What tests of relocation share: a placeholder, cenv_relocate into one buffer, wide text. */
#ifndef TESTS_RELOCATE_H
#define TESTS_RELOCATE_H

#include "base/task.h"
#include "cenv.h"
#include "check.h"

#define P "/opt/placehold_placehold" /* 24 bytes */
#define LIT(text) \
    { \
        text, sizeof(text) - 1 \
    }

static struct cenv_buf relocated;

/* A task that nobody watches or cancels. */
__attribute__((unused)) static struct cenv_task idle;

/* The file at `prefix`, or NULL after a failure; valid until the next call. */
__attribute__((unused)) static const char *
relocate(struct cenv_str data, const char *prefix, bool binary, struct cenv_error *err)
{
    cenv_buf_release(&relocated);
    cenv_buf_init(&relocated, 1 << 24);
    if (cenv_relocate(data, CENV_STR(P), cenv_str(prefix), binary, &relocated, err) < 0)
        return NULL;
    return relocated.data ? relocated.data : "";
}

/* ASCII text widened. */
__attribute__((unused)) static size_t widen(const char *text, size_t len,
                                            unsigned width, bool big, char *out)
{
    memset(out, 0, len * width);
    for (size_t i = 0; i < len; i++)
        out[i * width + (big ? width - 1 : 0)] = text[i];
    return len * width;
}

#endif
