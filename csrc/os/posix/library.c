/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared libraries by dlopen: see library.h. */
#include "os/library.h"

#include <dlfcn.h>
#include <string.h>

void *cenv_library_open(const char *const *names)
{
    void *library = NULL;
    for (; *names && !library; names++)
        library = dlopen(*names, RTLD_NOW | RTLD_LOCAL);
    return library;
}

bool cenv_library_find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof(symbol)); /* ISO C casts no object to a function */
    return symbol != NULL;
}

void cenv_library_close(void *library)
{
    if (library)
        dlclose(library);
}
