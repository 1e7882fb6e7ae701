/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of modes: names, and what a clone of a name does. */
#include "check.h"

#include "cenv.h"
#include "clone/mode.h"

static void test_mode__names_in_their_order(void)
{
    static const char *const names[] = {"auto",     "snapshot", "reflink",
                                        "hardlink", "copy",     "overlay"};
    for (unsigned i = 0; i < CHECK_NR(names); i++) {
        CHECK_STR(cenv_clone_mode_name(i), names[i]);
        const struct cenv_clone_mode *mode = cenv_clone_mode_find(names[i]);
        if (CHECK(mode))
            CHECK_STR(cenv_clone_mode_text(mode), names[i]);
    }
    CHECK(!cenv_clone_mode_name(CHECK_NR(names)));
    CHECK(!cenv_clone_mode_find("fast") && !cenv_clone_mode_find(""));
}

/* Every mode that a clone can have knows how one is made, put back and removed. */
static void test_mode__has_what_every_clone_needs(void)
{
    for (unsigned i = 0; cenv_clone_mode_name(i); i++) {
        const struct cenv_clone_mode *mode =
            cenv_clone_mode_of_entry(cenv_clone_mode_name(i));
        check_case(cenv_clone_mode_name(i));
        CHECK(mode->place && mode->reset && mode->remove);
        CHECK(mode->publish || mode->withdraw);
        CHECK(mode->placing != CENV_PLACE_AUTO);
    }
}

/* An entry that another version wrote, or that names no mode a clone can have. */
static void test_mode__of_an_entry_that_is_not_understood(void)
{
    static const char *const names[] = {"auto", "unheard", ""};
    for (size_t i = 0; i < CHECK_NR(names); i++)
        CHECK_STR(cenv_clone_mode_text(cenv_clone_mode_of_entry(names[i])), "copy");
    CHECK_STR(cenv_clone_mode_text(cenv_clone_mode_of_entry("overlay")), "overlay");
}

int main(void)
{
    RUN(test_mode__names_in_their_order);
    RUN(test_mode__has_what_every_clone_needs);
    RUN(test_mode__of_an_entry_that_is_not_understood);
    return check_report();
}
