/* SPDX-License-Identifier: BSD-3-Clause */
/* What an ELF file says of the places where its libraries lie. Pure. */
#ifndef CENV_RELOCATE_ELF_H
#define CENV_RELOCATE_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/*
 * The texts of DT_RPATH and DT_RUNPATH (System V ABI, chapter 5), each from its first byte to its
 * NUL. The loader finds them by their beginning and reads up to the NUL, so what lies within may
 * move as long as the length to the NUL does not grow.
 */
struct cenv_elf_paths {
    struct {
        uint64_t from, end;
    } list[2];
    size_t nr;
};

/*
 * False when it is no ELF file with a dynamic section, when that does not make sense, or when
 * another name (of a symbol, a library) begins within such a text: linkers let one string be the
 * tail of another. Reads no more than headers and the symbol table.
 */
bool cenv_elf_find_paths(struct cenv_str data, struct cenv_elf_paths *out);

#endif
