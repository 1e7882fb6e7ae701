/* SPDX-License-Identifier: BSD-3-Clause */
/* Search paths of ELF files of each width and byte order; files that lie. */
#include "relocate/elf.h"

#include "elf_file.h"
#include "relocate.h"

static void test_elf__finds_search_paths(void)
{
    for (int kind = 0; kind < 4; kind++) {
        struct elf_file elf =
            elf_file(kind & 1, kind & 2, "/t/lib:/t/lib64", "libx.so");
        struct cenv_elf_paths paths = {0};
        check_case(kind & 1 ? "64" : "32");
        CHECK(cenv_elf_find_paths(cenv_str_n(elf.data, elf.len), &paths));
        if (CHECK_INT(paths.nr, 1)) {
            CHECK_INT(paths.list[0].from, elf.runpath);
            CHECK_INT(paths.list[0].end, elf.runpath + strlen("/t/lib:/t/lib64"));
        }
    }
}

/* A library or symbol whose name is the end of the path: linkers share tails. */
static void test_elf__refuses_shared_tails(void)
{
    struct cenv_elf_paths paths = {0};
    struct elf_file elf = elf_file(true, false, "/t/lib/libx.so", "libx.so");
    elf_set_needed(&elf, elf.runpath - elf.strings + 7);
    CHECK(!cenv_elf_find_paths(cenv_str_n(elf.data, elf.len), &paths));
    elf = elf_file(true, false, "/t/lib/init", "libx.so");
    elf_set_symbol(&elf, elf.runpath - elf.strings + 7);
    CHECK(!cenv_elf_find_paths(cenv_str_n(elf.data, elf.len), &paths));
    CHECK_INT(paths.nr, 0);
}

/* Cut anywhere, and with any one byte altered, it is refused or its paths lie in it. */
static void test_elf__damaged(void)
{
    struct elf_file whole = elf_file(true, false, "/t/lib", "libx.so");
    for (size_t i = 0; i < whole.len; i++) {
        struct elf_file elf = whole;
        struct cenv_elf_paths paths = {0};
        cenv_elf_find_paths(cenv_str_n(elf.data, i), &paths);
        for (int value = 0; value < 256; value += 15) {
            elf.data[i] = (char)value;
            paths.nr = 0;
            if (!cenv_elf_find_paths(cenv_str_n(elf.data, elf.len), &paths))
                continue;
            for (size_t k = 0; k < paths.nr; k++)
                CHECK(paths.list[k].from <= paths.list[k].end &&
                      paths.list[k].end < elf.len);
        }
    }
    struct cenv_elf_paths paths = {0};
    CHECK(!cenv_elf_find_paths(CENV_STR(""), &paths));
    CHECK(!cenv_elf_find_paths(CENV_STR("\177ELF\2\1"), &paths));
}

int main(void)
{
    RUN(test_elf__finds_search_paths);
    RUN(test_elf__refuses_shared_tails);
    RUN(test_elf__damaged);
    return check_report();
}
