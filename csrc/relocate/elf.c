/* SPDX-License-Identifier: BSD-3-Clause */
/* Headers are read as the loader reads them: by segments, for sections may have been stripped. */
#include "relocate/elf.h"

enum { PT_LOAD = 1, PT_DYNAMIC = 2 };
enum {
    DT_NEEDED = 1,
    DT_STRTAB = 5,
    DT_SYMTAB = 6,
    DT_STRSZ = 10,
    DT_SONAME = 14,
    DT_RPATH = 15,
    DT_RUNPATH = 29
};

struct elf {
    struct cenv_str data;
    bool wide, big;               /* 64 bits; most significant byte first */
    uint64_t table, nr, size;     /* of the program headers */
    uint64_t strings, nr_strings; /* offset and size of the string table */
    uint64_t symbols;             /* offset of the symbol table, 0: none */
};

/* A number of `width` bytes; 0 outside the file. */
static uint64_t read_number(const struct elf *elf, uint64_t at, unsigned width)
{
    uint64_t value = 0;
    if (at > elf->data.len || width > elf->data.len - at)
        return 0;
    for (unsigned i = 0; i < width; i++) {
        unsigned char byte =
            (unsigned char)elf->data.data[at + (elf->big ? i : width - 1 - i)];
        value = value << 8 | byte;
    }
    return value;
}

static uint64_t read_word(const struct elf *elf, uint64_t at)
{
    return read_number(elf, at, elf->wide ? 8 : 4);
}

static bool read_header(struct elf *elf, struct cenv_str data)
{
    enum { CLASS = 4, ORDER = 5, WIDE = 2, BIG = 2 };
    *elf = (struct elf){.data = data};
    if (data.len < 64 || !cenv_str_starts(data, CENV_STR("\177ELF")))
        return false;
    elf->wide = data.data[CLASS] == WIDE;
    elf->big = data.data[ORDER] == BIG;
    elf->table = read_word(elf, elf->wide ? 32 : 28);
    elf->size = read_number(elf, elf->wide ? 54 : 42, 2);
    elf->nr = read_number(elf, elf->wide ? 56 : 44, 2);
    return elf->size >= (elf->wide ? 56u : 32u) && elf->table <= data.len &&
           elf->nr * elf->size <= data.len - elf->table;
}

/* Type, offset, address and size in the file of one segment. */
struct segment {
    uint64_t type, offset, address, size;
};

static struct segment read_segment(const struct elf *elf, uint64_t index)
{
    uint64_t at = elf->table + index * elf->size;
    unsigned word = elf->wide ? 8 : 4, first = word;
    return (struct segment){.type = read_number(elf, at, 4),
                            .offset = read_word(elf, at + first),
                            .address = read_word(elf, at + first + word),
                            .size = read_word(elf, at + first + 3 * word)};
}

/* Where in the file an address lies, or UINT64_MAX. */
static uint64_t find_address(const struct elf *elf, uint64_t address)
{
    for (uint64_t i = 0; i < elf->nr; i++) {
        struct segment one = read_segment(elf, i);
        if (one.type == PT_LOAD && address >= one.address &&
            address - one.address < one.size)
            return one.offset + (address - one.address);
    }
    return UINT64_MAX;
}

static bool find_dynamic(const struct elf *elf, struct segment *out)
{
    for (uint64_t i = 0; i < elf->nr; i++) {
        *out = read_segment(elf, i);
        if (out->type == PT_DYNAMIC)
            return out->offset <= elf->data.len &&
                   out->size <= elf->data.len - out->offset;
    }
    return false;
}

/* The next entry of the dynamic section at *at: false at its end. */
static bool next_entry(const struct elf *elf, const struct segment *dynamic,
                       uint64_t *at, uint64_t *tag, uint64_t *value)
{
    unsigned word = elf->wide ? 8 : 4;
    if (dynamic->size - *at < 2 * word)
        return false;
    *tag = read_word(elf, dynamic->offset + *at);
    *value = read_word(elf, dynamic->offset + *at + word);
    *at += 2 * word;
    return *tag != 0;
}

/* The tables that the dynamic section names; the symbols lie before the strings. */
static bool find_tables(struct elf *elf, const struct segment *dynamic)
{
    uint64_t tag, value;
    elf->strings = UINT64_MAX;
    for (uint64_t at = 0; next_entry(elf, dynamic, &at, &tag, &value);) {
        if (tag == DT_STRTAB)
            elf->strings = find_address(elf, value);
        else if (tag == DT_STRSZ)
            elf->nr_strings = value;
        else if (tag == DT_SYMTAB)
            elf->symbols = find_address(elf, value);
    }
    return elf->strings <= elf->data.len &&
           elf->nr_strings <= elf->data.len - elf->strings &&
           elf->symbols < elf->strings;
}

static bool add_path(const struct elf *elf, uint64_t at, struct cenv_elf_paths *out)
{
    struct cenv_str table =
        cenv_str_slice(elf->data, elf->strings, elf->strings + elf->nr_strings);
    uint64_t len = cenv_str_find(cenv_str_slice(table, at, table.len), '\0');
    if (at >= table.len || len == table.len - at || out->nr == 2)
        return false;
    out->list[out->nr].from = elf->strings + at;
    out->list[out->nr++].end = elf->strings + at + len;
    return true;
}

/* Whether the string at `at` of the string table begins within one of the paths. */
static bool begins_within(const struct elf *elf, uint64_t at,
                          const struct cenv_elf_paths *paths)
{
    for (size_t i = 0; i < paths->nr; i++)
        if (elf->strings + at > paths->list[i].from &&
            elf->strings + at <= paths->list[i].end)
            return true;
    return false;
}

/* Symbols are counted up to the strings: what else lies between makes this err to the safe side. */
static bool has_tails(const struct elf *elf, const struct segment *dynamic,
                      const struct cenv_elf_paths *paths)
{
    uint64_t size = elf->wide ? 24 : 16, tag, value;
    for (uint64_t at = elf->symbols; elf->symbols && at + size <= elf->strings;
         at += size)
        if (begins_within(elf, read_number(elf, at, 4), paths))
            return true;
    for (uint64_t at = 0; next_entry(elf, dynamic, &at, &tag, &value);)
        if ((tag == DT_NEEDED || tag == DT_SONAME || tag == DT_RPATH ||
             tag == DT_RUNPATH || tag > 0x6fffffff) &&
            begins_within(elf, value, paths))
            return true;
    return false;
}

bool cenv_elf_find_paths(struct cenv_str data, struct cenv_elf_paths *out)
{
    struct cenv_elf_paths paths = {0};
    struct segment dynamic;
    struct elf elf;
    uint64_t tag, value;
    bool ok = read_header(&elf, data) && find_dynamic(&elf, &dynamic) &&
              find_tables(&elf, &dynamic);
    for (uint64_t at = 0; ok && next_entry(&elf, &dynamic, &at, &tag, &value);)
        if (tag == DT_RPATH || tag == DT_RUNPATH)
            ok = add_path(&elf, value, &paths);
    if (!ok || has_tails(&elf, &dynamic, &paths))
        return false;
    *out = paths;
    return true;
}
