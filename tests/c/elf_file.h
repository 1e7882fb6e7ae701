/* SPDX-License-Identifier: BSD-3-Clause */
/* A small ELF file with a dynamic section, for tests of relocation. */
#ifndef TESTS_ELF_FILE_H
#define TESTS_ELF_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Header, two segments, the dynamic section, one symbol, the strings, all mapped at ADDRESS. */
struct elf_file {
    char data[2048];
    size_t len;
    bool wide, big;
    size_t dynamic, symbols, strings, runpath; /* offsets */
};

enum { ELF_ADDRESS = 0x10000 };

static void elf_put(struct elf_file *elf, size_t at, unsigned width, uint64_t value)
{
    for (unsigned i = 0; i < width; i++)
        elf->data[at + (elf->big ? width - 1 - i : i)] = (char)(value >> 8 * i);
}

static void elf_word(struct elf_file *elf, size_t at, uint64_t value)
{
    elf_put(elf, at, elf->wide ? 8 : 4, value);
}

static void elf_segment(struct elf_file *elf, unsigned index, unsigned type, size_t at,
                        size_t len)
{
    size_t word = elf->wide ? 8 : 4,
           head = elf->wide ? 64 + index * 56 : 52 + index * 32u;
    elf_put(elf, head, 4, type);
    elf_word(elf, head + word, at);
    elf_word(elf, head + 2 * word, ELF_ADDRESS + at);
    elf_word(elf, head + 4 * word, len);
}

static void elf_entry(struct elf_file *elf, unsigned index, uint64_t tag,
                      uint64_t value)
{
    size_t word = elf->wide ? 8 : 4, at = elf->dynamic + index * 2 * word;
    elf_word(elf, at, tag);
    elf_word(elf, at + word, value);
}

/* The offset of DT_NEEDED, or of the symbol's name, in the table of strings. */
__attribute__((unused)) static void elf_set_needed(struct elf_file *elf, size_t name)
{
    elf_entry(elf, 0, 1, name);
}

__attribute__((unused)) static void elf_set_symbol(struct elf_file *elf, size_t name)
{
    elf_put(elf, elf->symbols, 4, name);
}

static struct elf_file elf_file(bool wide, bool big, const char *runpath,
                                const char *needed)
{
    struct elf_file elf = {.wide = wide, .big = big};
    size_t word = wide ? 8 : 4, symbol = wide ? 24 : 16;
    memcpy(elf.data, "\177ELF", 4);
    elf.data[4] = wide ? 2 : 1;
    elf.data[5] = big ? 2 : 1;
    elf_word(&elf, wide ? 32 : 28, wide ? 64 : 52);
    elf_put(&elf, wide ? 54 : 42, 2, wide ? 56 : 32);
    elf_put(&elf, wide ? 56 : 44, 2, 2);
    elf.dynamic = 256;
    elf.symbols = elf.dynamic + 6 * 2 * word;
    elf.strings = elf.symbols + symbol;
    elf.runpath = elf.strings + 1 + strlen(needed) + 1;
    snprintf(elf.data + elf.strings + 1, 512, "%s", needed);
    snprintf(elf.data + elf.runpath, 512, "%s", runpath);
    size_t end = elf.runpath + strlen(runpath) + 1;
    elf.len = end + 16;
    elf_segment(&elf, 0, 1, 0, elf.len);
    elf_segment(&elf, 1, 2, elf.dynamic, 6 * 2 * word);
    elf_entry(&elf, 0, 1, 1);
    elf_entry(&elf, 1, 5, ELF_ADDRESS + elf.strings);
    elf_entry(&elf, 2, 6, ELF_ADDRESS + elf.symbols);
    elf_entry(&elf, 3, 10, end - elf.strings);
    elf_entry(&elf, 4, 29, elf.runpath - elf.strings);
    return elf;
}

#endif
