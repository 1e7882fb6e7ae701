/* SPDX-License-Identifier: BSD-3-Clause */
/* Owners: see owner.h. */
#include "os/owner.h"

#include <string.h>

#include "os/host.h"

void cenv_owner_of(int64_t pid, struct cenv_owner *out)
{
    *out = (struct cenv_owner){
        .pid = pid,
        .start = cenv_pid_start(pid),
        .pid_ns = cenv_pid_space(),
    };
    cenv_pid_boot(out->boot_id, sizeof(out->boot_id));
    cenv_host_name(out->host, sizeof(out->host));
}

void cenv_owner_self(struct cenv_owner *out)
{
    cenv_owner_of(cenv_pid_self(), out);
}

bool cenv_owner_text(struct cenv_buf *out)
{
    char since[32], host[sizeof(((struct cenv_owner *)0)->host)];
    cenv_host_name(host, sizeof(host));
    cenv_host_local_time(since, sizeof(since));
    return cenv_buf_addf(out, "process %lld on %s since %s", (long long)cenv_pid_self(),
                         host[0] ? host : "?", since[0] ? since : "?");
}

bool cenv_owner_may_live(const struct cenv_owner *owner)
{
    struct cenv_owner self;
    cenv_owner_self(&self);
    if (strcmp(owner->boot_id, self.boot_id) != 0)
        return strcmp(owner->host, self.host) != 0;
    if (owner->pid_ns != self.pid_ns)
        return true; /* its number means nothing here */
    if (cenv_pid_is_gone(owner->pid))
        return false;
    uint64_t start = cenv_pid_start(owner->pid);
    return !owner->start || !start || start == owner->start;
}
