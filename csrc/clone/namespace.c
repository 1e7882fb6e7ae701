/* SPDX-License-Identifier: BSD-3-Clause */
/* The mount namespace that clones of mode overlay need: what cenv.h promises, by os/namespace. */
#include "os/namespace.h"

#include "cenv.h"

int cenv_namespace_enter(struct cenv_buf *out, struct cenv_error *err)
{
    int rc = cenv_ns_try("/usr", err); /* any directory that is there */
    if (rc == 0)
        rc = cenv_ns_enter(err);
    if (rc < 0)
        return cenv_error_prefix(err, "mode overlay cannot work here");
    return cenv_ns_name(out, err);
}

int cenv_namespace_name(struct cenv_buf *out, struct cenv_error *err)
{
    return cenv_ns_name(out, err);
}

int cenv_namespace_share(struct cenv_error *err)
{
    return cenv_ns_share(err);
}

int cenv_namespace_settle(struct cenv_error *err)
{
    return cenv_ns_settle(err);
}
