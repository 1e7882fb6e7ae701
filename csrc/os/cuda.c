/* SPDX-License-Identifier: BSD-3-Clause */
/* The CUDA driver: loaded, asked, let go. */
#include "os/cuda.h"

#include <stdio.h>

#include "os/library.h"

static int ask_driver(void *library)
{
    int version = 0;
    int (*ask)(int *version);
    if (!cenv_library_find(library, "cuDriverGetVersion", &ask))
        return 0;
    return ask(&version) == 0 ? version : 0;
}

int cenv_cuda_version(const char *const *libraries, char *out, size_t size)
{
    void *library = cenv_library_open(libraries);
    int version = library ? ask_driver(library) : 0;
    cenv_library_close(library);
    *out = '\0';
    if (version)
        snprintf(out, size, "%d.%d", version / 1000, version % 1000 / 10);
    return version != 0;
}
