/* SPDX-License-Identifier: BSD-3-Clause */
/* CRC-32 as in ZIP: 64 bytes a step where the processor multiplies polynomials, else eight. */
#ifndef CENV_BASE_CRC32_H
#define CENV_BASE_CRC32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 8 KiB of tables, made in microseconds: keep one where it is needed, share it for reading. */
struct cenv_crc32 {
    uint32_t table[8][256];
    bool folds; /* the processor can */
};

void cenv_crc32_init(struct cenv_crc32 *tables);

/* The sum of what `sum` stands for (0: nothing) followed by `data`. */
uint32_t cenv_crc32_add(const struct cenv_crc32 *tables, uint32_t sum, const void *data,
                        size_t len);

#endif
