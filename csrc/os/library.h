/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared libraries opened while the program runs. */
#ifndef CENV_OS_LIBRARY_H
#define CENV_OS_LIBRARY_H

#include <stdbool.h>

/* Opens the first of `names` (NULL at the end) that there is, all of it bound at once; or NULL. */
void *cenv_library_open(const char *const *names);

/* A function of the library: an object of its type at `function`; false when it has none. */
bool cenv_library_find(void *library, const char *name, void *function);

/* Lets go; what was found in it must not be called any more. NULL is fine. */
void cenv_library_close(void *library);

#endif
