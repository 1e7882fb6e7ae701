/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared libraries opened while the program runs. */
#include "os/library.h"

#include <stddef.h>

#include "check.h"

static void test_library__opens_the_first_there_is(void)
{
    static const char *const names[] = {"libcenv-is-not-there.so", "libm.so.6", NULL};
    void *library = cenv_library_open(names);
    double (*root)(double) = NULL;

    if (!CHECK(library))
        return;
    if (CHECK(cenv_library_find(library, "sqrt", &root)))
        CHECK(root(16.0) == 4.0);
    cenv_library_close(library);
}

static void test_library__what_is_not_there(void)
{
    static const char *const none[] = {"libcenv-is-not-there.so", NULL};
    static const char *const names[] = {"libm.so.6", NULL};
    void (*function)(void) = NULL;
    void *library = cenv_library_open(names);

    CHECK(!cenv_library_open(none));
    cenv_library_close(NULL);
    if (!CHECK(library))
        return;
    CHECK(!cenv_library_find(library, "cenv_is_not_in_it", &function));
    cenv_library_close(library);
}

int main(void)
{
    RUN(test_library__opens_the_first_there_is);
    RUN(test_library__what_is_not_there);
    return check_report();
}
