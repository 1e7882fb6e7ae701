/* SPDX-License-Identifier: BSD-3-Clause */
/* Times of relocated sources, beside bytecode that claims them. */
#include "check.h"
#include "package.h"

/* A .pyc header: magic, flags, second, size. */
static void package_pyc(struct package *p, const char *path, uint32_t flags,
                        uint32_t second)
{
    unsigned char header[20] = {0x6f, 0x0d, 0x0d, 0x0a};
    for (int i = 0; i < 4; i++) {
        header[4 + i] = (unsigned char)(flags >> (8 * i));
        header[8 + i] = (unsigned char)(second >> (8 * i));
    }
    package_data(p, path, header, sizeof(header), 0644, "");
}

static void test_mtimes__relocated_source_outdates_its_bytecode(void)
{
    struct scratch s = scratch_open();
    struct package p = package_begin(&s, "a", "1", "");
    const char *text = "P = '" PLACEHOLDER "'\n";
    package_data(&p, "lib/m.py", text, strlen(text), 0644, TEXT_KEYS);
    package_pyc(&p, "lib/__pycache__/m.cpython-312.pyc", 0, PACKAGE_TIME);
    package_pyc(&p, "lib/__pycache__/m.cpython-312.opt-1.pyc", 0, PACKAGE_TIME + 1);
    package_pyc(&p, "lib/__pycache__/m.cpython-312.opt-2.pyc", 3, 7);
    package_pyc(&p, "lib/__pycache__/mm.cpython-312.pyc", 0, PACKAGE_TIME + 2);
    package_pyc(&p, "lib/__pycache__/m.cpython-311.pyc", 1, 7); /* never checked */
    struct cenv_link_package package = package_end(&p);
    struct linked l = link_packages(&s, "env", "/D", &package, 1, plain_link);

    CHECK_INT(l.rc, 0);
    CHECK_INT(scratch_stat(&s, "env/lib/m.py").st_mtime, PACKAGE_TIME + 2);
    CHECK(scratch_has(&s, "env/lib/__pycache__/m.cpython-312.opt-2.pyc"));
    CHECK(!scratch_has(&s, "env/lib/__pycache__/m.cpython-311.pyc"));
    CHECK(strstr(scratch_text(&s, "env/conda-meta/a-1-0.json"), "m.cpython-311") ==
          NULL);
    CHECK_INT(l.stats.nr_warnings, 1);
    linked_release(&l);
    scratch_close(&s);
}

int main(void)
{
    RUN(test_mtimes__relocated_source_outdates_its_bytecode);
    return check_report();
}
