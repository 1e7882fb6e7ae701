/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared libraries by LoadLibrary: see library.h. */
#include "os/library.h"

#include <string.h>

#include "os/windows/win.h"

/* A bare name is looked for where the system's libraries are, never in the current directory. */
static HMODULE open_one(const char *name)
{
    WCHAR wide[CENV_WIN_PATH_MAX];
    if (cenv_win_wide(name, wide, CENV_WIN_PATH_MAX) < 0)
        return NULL;
    return LoadLibraryExW(wide, NULL, LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
}

void *cenv_library_open(const char *const *names)
{
    HMODULE library = NULL;
    for (; *names && !library; names++)
        library = open_one(*names);
    return library;
}

bool cenv_library_find(void *library, const char *name, void *function)
{
    FARPROC symbol = GetProcAddress(library, name);
    memcpy(function, &symbol, sizeof(symbol)); /* an object of its own type */
    return symbol != NULL;
}

void cenv_library_close(void *library)
{
    if (library)
        FreeLibrary(library);
}
