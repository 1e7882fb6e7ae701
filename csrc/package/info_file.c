/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding the files that tell what a package is: see info_file.h. */
#include "package/info_file.h"

#include "os/fs.h"

int cenv_info_file_find(int info, const char *name, struct cenv_error *err)
{
    struct cenv_stat st;
    int raw = cenv_raw_stat(info, name, &st);
    if (raw == -ENOENT)
        return 0;
    if (raw < 0)
        return cenv_fs_fail(err, raw, info, name, "cannot look at");
    if (st.type == CENV_FT_FILE)
        return 1;
    return cenv_error_set(err, CENV_EINTEGRITY, "its info/%s is a %s, and no file",
                          name, st.type == CENV_FT_SYMLINK ? "link" : "directory");
}
