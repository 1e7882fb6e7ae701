/* SPDX-License-Identifier: BSD-3-Clause */
/* By CEP 17, and by what conda did before it. */
#include "prefix/site_packages.h"

#include <string.h>

#include "os/path.h"

struct cenv_str cenv_site_packages_python_version(struct cenv_str version)
{
    size_t i = 0, dots = 0;

    while (i < version.len && ((version.data[i] >= '0' && version.data[i] <= '9') ||
                               (version.data[i] == '.' && ++dots == 1)))
        i++;
    struct cenv_str minor = cenv_str_slice(version, 0, i);
    bool whole = i > 2 && dots >= 1 && minor.data[0] != '.' && minor.data[i - 1] != '.';
    return whole ? minor : (struct cenv_str){"", 0};
}

int cenv_site_packages_path(struct cenv_str version, struct cenv_str build,
                            struct cenv_str site_packages_path, struct cenv_buf *out,
                            struct cenv_error *err)
{
    struct cenv_str minor = cenv_site_packages_python_version(version);

    if (site_packages_path.len) {
        const char *bad = cenv_path_refused(site_packages_path);
        if (bad)
            return cenv_error_set(
                err, CENV_ELINK, "python %.*s: python_site_packages_path '%.*s' %s",
                CENV_STR_ARG(version), CENV_STR_ARG(site_packages_path), bad);
        cenv_buf_add_str(out, site_packages_path);
    } else if (!minor.len) {
        return cenv_error_set(err, CENV_ELINK,
                              "python version '%.*s' has no minor number",
                              CENV_STR_ARG(version));
    } else {
        /* free-threaded builds before CEP 17: "cp313t" as a word of the build string */
        struct cenv_str word, rest = build;
        bool free_threaded = false;
        while (rest.len) {
            word = cenv_str_cut(&rest, '_');
            free_threaded |= cenv_str_starts(word, CENV_STR("cp3")) &&
                             cenv_str_ends(word, CENV_STR("t"));
        }
        cenv_buf_addf(out, "lib/python%.*s%s/site-packages", CENV_STR_ARG(minor),
                      free_threaded ? "t" : "");
    }
    return out->failed ? cenv_error_oom(err) : 0;
}

bool cenv_site_packages_map_path(struct cenv_str path, struct cenv_str site_packages,
                                 struct cenv_arena *arena, struct cenv_str *out)
{
    struct cenv_str lib = CENV_STR("site-packages/"), bin = CENV_STR("python-scripts/");
    struct cenv_str head;

    *out = path;
    if (cenv_str_starts(path, lib) && site_packages.len) {
        head = site_packages;
        path = cenv_str_slice(path, lib.len - 1, path.len);
    } else if (cenv_str_starts(path, bin)) {
        head = CENV_STR("bin");
        path = cenv_str_slice(path, bin.len - 1, path.len);
    } else {
        return true;
    }
    char *text = cenv_arena_alloc(arena, head.len + path.len + 1);
    if (!text)
        return false;
    memcpy(text, head.data, head.len);
    memcpy(text + head.len, path.data, path.len);
    text[head.len + path.len] = '\0';
    *out = cenv_str_n(text, head.len + path.len);
    return true;
}
