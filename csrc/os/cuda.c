/* SPDX-License-Identifier: BSD-3-Clause */
/* NVIDIA's libraries: loaded, asked, let go. */
#include "os/cuda.h"

#include <stdbool.h>
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

/* The part of NVML that tells of devices; each returns 0 for success. */
struct nvml {
    int (*begin)(void);
    int (*end)(void);
    int (*count)(unsigned *nr);
    int (*device)(unsigned i, void **device);
    int (*capability)(void *device, int *major, int *minor);
};

static bool find_nvml(void *library, struct nvml *out)
{
    return cenv_library_find(library, "nvmlInit_v2", &out->begin) &&
           cenv_library_find(library, "nvmlShutdown", &out->end) &&
           cenv_library_find(library, "nvmlDeviceGetCount_v2", &out->count) &&
           cenv_library_find(library, "nvmlDeviceGetHandleByIndex_v2", &out->device) &&
           cenv_library_find(library, "nvmlDeviceGetCudaComputeCapability",
                             &out->capability);
}

struct capability {
    int major, minor;
};

/* Lowers *least to what a device has; a device that does not answer is passed over. */
static void ask_device(const struct nvml *nvml, unsigned i, struct capability *least)
{
    struct capability c = {0, 0};
    void *device = NULL;
    if (nvml->device(i, &device) != 0 ||
        nvml->capability(device, &c.major, &c.minor) != 0 || c.major <= 0)
        return;
    if (!least->major || c.major < least->major ||
        (c.major == least->major && c.minor < least->minor))
        *least = c;
}

static struct capability ask_devices(void *library)
{
    struct capability least = {0, 0};
    struct nvml nvml;
    unsigned nr = 0;
    if (!find_nvml(library, &nvml) || nvml.begin() != 0)
        return least;
    if (nvml.count(&nr) != 0)
        nr = 0;
    for (unsigned i = 0; i < nr; i++)
        ask_device(&nvml, i, &least);
    nvml.end();
    return least;
}

int cenv_cuda_arch(const char *const *libraries, char *out, size_t size)
{
    void *library = cenv_library_open(libraries);
    struct capability least = {0, 0};
    if (library)
        least = ask_devices(library);
    cenv_library_close(library);
    *out = '\0';
    if (least.major)
        snprintf(out, size, "%d.%d", least.major, least.minor);
    return least.major != 0;
}
