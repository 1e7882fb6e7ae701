/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths of Windows: a root for each drive, and names that the system takes for something else. */
#include "os/path_system.h"

#include <stdbool.h>
#include <string.h>

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

size_t cenv_path_root(struct cenv_str path)
{
    if (path.len >= 3 && is_letter(path.data[0]) && path.data[1] == ':' &&
        path.data[2] == '/')
        return 3;
    return path.len && path.data[0] == '/';
}

/* CON, NUL and the like are devices to programs in any directory, whatever follows a dot. */
static bool is_device(struct cenv_str name)
{
    static const char *const devices[] = {"con", "prn", "aux", "nul"};
    struct cenv_str stem = cenv_str_slice(name, 0, cenv_str_find(name, '.'));
    char low[5] = "";
    if (stem.len < 3 || stem.len > 4)
        return false;
    for (size_t i = 0; i < stem.len; i++)
        low[i] = (char)(stem.data[i] | 0x20); /* digits have that bit already */
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
        if (strcmp(low, devices[i]) == 0)
            return true;
    bool port = memcmp(low, "com", 3) == 0 || memcmp(low, "lpt", 3) == 0;
    return port && low[3] >= '1' && low[3] <= '9';
}

static const char *refuse_name(struct cenv_str name)
{
    char last = name.len ? name.data[name.len - 1] : 'x';
    bool dots = cenv_str_is(name, ".") || cenv_str_is(name, "..");
    if (!dots && (last == '.' || last == ' '))
        return "has a component that ends in a dot or a blank";
    return is_device(name) ? "has a component that names a device" : NULL;
}

const char *cenv_path_unfit(struct cenv_str path)
{
    const char *why = NULL;
    for (size_t i = 0; i < path.len; i++)
        if (strchr("\\:*?\"<>|", path.data[i]) && path.data[i])
            return "holds a character that file names cannot have";
    while (!why && path.len)
        why = refuse_name(cenv_str_cut(&path, '/'));
    return why;
}
