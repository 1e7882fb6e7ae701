/* SPDX-License-Identifier: BSD-3-Clause */
/* A file is checked once, and again as soon as it is another or was changed. */
#include "check.h"

#include <time.h>

#include "base/checked.h"

static const int64_t second = 1000000000;

static void test_checked__knows_a_file_by_all_that_tells_it(void)
{
    struct cenv_checked checked;
    const struct cenv_checked_file file = {1, 2, 3, 4, 1000000000 * second, 7};
    cenv_checked_init(&checked);
    CHECK(!cenv_checked_has(&checked, &file));
    CHECK(!cenv_checked_has(&checked, &(struct cenv_checked_file){.sum = 0}));
    CHECK(!cenv_checked_has(NULL, &file));
    cenv_checked_note(NULL, &file);
    cenv_checked_note(&checked, &file);
    CHECK(cenv_checked_has(&checked, &file));
    for (int field = 0; field < 6; field++) {
        struct cenv_checked_file other = file;
        other.dev += field == 0;
        other.ino += field == 1;
        other.size += field == 2;
        other.mtime_ns += field == 3;
        other.ctime_ns += field == 4;
        other.sum += field == 5;
        CHECK(!cenv_checked_has(&checked, &other));
    }
    for (uint64_t ino = 10; ino < 10 + CENV_CHECKED_FILES; ino++) {
        struct cenv_checked_file other = file;
        other.ino = ino;
        cenv_checked_note(&checked, &other);
        CHECK(cenv_checked_has(&checked, &other));
    }
    CHECK(!cenv_checked_has(&checked, &file)); /* the list is bounded */
    cenv_checked_release(&checked);
}

static void test_checked__forgets_what_changed_just_now(void)
{
    struct cenv_checked checked;
    struct cenv_checked_file file = {1, 2, 3, 4, (int64_t)time(NULL) * second, 7};
    cenv_checked_init(&checked);
    cenv_checked_note(&checked, &file);
    CHECK(!cenv_checked_has(&checked, &file));
    file.ctime_ns += 3600 * second; /* the clock was set back */
    cenv_checked_note(&checked, &file);
    CHECK(!cenv_checked_has(&checked, &file));
    cenv_checked_release(&checked);
}

/* A fork may have left it locked for ever. */
static void test_checked__never_waits(void)
{
    struct cenv_checked checked;
    const struct cenv_checked_file file = {1, 2, 3, 4, 1000000000 * second, 7};
    cenv_checked_init(&checked);
    cenv_checked_note(&checked, &file);
    cenv_mutex_lock(&checked.lock);
    CHECK(!cenv_checked_has(&checked, &file));
    cenv_checked_note(&checked, &file);
    cenv_mutex_unlock(&checked.lock);
    CHECK(cenv_checked_has(&checked, &file));
    cenv_checked_release(&checked);
}

int main(void)
{
    RUN(test_checked__knows_a_file_by_all_that_tells_it);
    RUN(test_checked__forgets_what_changed_just_now);
    RUN(test_checked__never_waits);
    return check_report();
}
