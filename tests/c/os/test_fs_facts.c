/* SPDX-License-Identifier: BSD-3-Clause */
/* The file system itself. */
#include "check.h"
#include "os/fs_dir.h"
#include "os/fs_facts.h"
#include "os/fs_place.h"
#include "os_scene.h"

static void test_fs_facts__names_the_file_system(void)
{
    struct cenv_fs_facts facts;
    open_scratch();
    CHECK_INT(cenv_fs_facts(s.fd, &facts, &err), 0);
    CHECK(facts.type[0] && facts.total_bytes >= facts.free_bytes);
    CHECK_INT(cenv_fs_probe_link(s.fd, s.fd, CENV_PLACE_HARDLINK), 1);
    struct cenv_listing list;
    CHECK_INT(cenv_listing_read(&list, s.fd, false), 0);
    CHECK_INT(list.nr, 0);
    cenv_listing_release(&list);
    close_scratch();
}

int main(void)
{
    umask(022);
    RUN(test_fs_facts__names_the_file_system);
    return check_report();
}
