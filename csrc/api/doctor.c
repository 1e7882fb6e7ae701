/* SPDX-License-Identifier: BSD-3-Clause */
/* What this machine is and can do: virtual packages, and the findings of `doctor`. */
#include <string.h>

#include "base/alloc.h"
#include "cenv.h"
#include "codec/json.h"
#include "model/platform.h"
#include "os/fs.h"
#include "os/host.h"
#include "os/namespace.h"

const char *cenv_current_subdir(void)
{
    return cenv_subdir_current();
}

static const char *or_null(const char *text)
{
    return text[0] ? text : NULL;
}

/* Facts hold for this machine's platform only; another one gets the defaults. */
static struct cenv_platform_facts facts_of(const struct cenv_host *host,
                                           const char *cuda)
{
    bool glibc = strcmp(host->libc_family, "glibc") == 0;
    return (struct cenv_platform_facts){
        .kernel = or_null(host->kernel),
        .glibc = glibc ? or_null(host->libc_version) : NULL,
        .cuda = or_null(cuda),
        .microarch = or_null(host->microarch),
    };
}

static size_t count_strings(const char *const *strings)
{
    size_t nr = 0;
    while (strings && strings[nr])
        nr++;
    return nr;
}

static struct cenv_override *pair_up(const char *const *strings, size_t nr)
{
    struct cenv_override *overrides = cenv_calloc(nr ? nr : 1, sizeof(*overrides));
    for (size_t i = 0; overrides && i < nr; i++)
        overrides[i] = (struct cenv_override){strings[2 * i], strings[2 * i + 1]};
    return overrides;
}

static void print_virtual(const struct cenv_virtual *list, size_t nr,
                          struct cenv_buf *out)
{
    cenv_buf_putc(out, '[');
    for (size_t i = 0; i < nr; i++) {
        cenv_buf_puts(out, i ? ",[" : "[");
        cenv_json_quote(out, cenv_str(list[i].name));
        cenv_buf_putc(out, ',');
        cenv_json_quote(out, cenv_str(list[i].version));
        cenv_buf_putc(out, ',');
        cenv_json_quote(out, cenv_str(list[i].build));
        cenv_buf_putc(out, ']');
    }
    cenv_buf_putc(out, ']');
}

int cenv_virtual_packages(const char *subdir, const char *const *overrides,
                          struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_host host;
    char cuda[32] = "";
    cenv_host_facts(&host);
    bool here = !subdir || strcmp(subdir, cenv_subdir_current()) == 0;
    if (here)
        cenv_host_cuda(cuda, sizeof(cuda));
    struct cenv_platform_facts facts = facts_of(&host, cuda);
    size_t nr = count_strings(overrides) / 2;
    struct cenv_override *pairs = pair_up(overrides, nr);
    if (!pairs)
        return cenv_error_oom(err);
    struct cenv_virtual list[CENV_VIRTUAL_MAX];
    int found =
        cenv_platform_virtual(list, cenv_str(subdir ? subdir : cenv_subdir_current()),
                              here ? &facts : NULL, pairs, nr, err);
    cenv_free(pairs);
    if (found < 0)
        return found;
    print_virtual(list, (size_t)found, out);
    return out->failed ? cenv_error_oom(err) : 0;
}

static int set_text_or_null(struct cenv_json *object, const char *key, const char *text)
{
    return text[0] ? cenv_json_set_cstr(object, key, text)
                   : cenv_json_set(object, key, cenv_json_null());
}

static int describe_machine(struct cenv_json *found)
{
    struct cenv_host host;
    char cuda[32] = "";
    cenv_host_facts(&host);
    cenv_host_cuda(cuda, sizeof(cuda));
    int rc = cenv_json_set_cstr(found, "subdir", cenv_subdir_current());
    rc |= set_text_or_null(found, "kernel", host.kernel);
    rc |= set_text_or_null(found, "glibc", host.libc_version);
    rc |= set_text_or_null(found, "microarch", host.microarch);
    rc |= set_text_or_null(found, "cuda", cuda);
    rc |= cenv_json_set_int(found, "cpus", cenv_host_cpus());
    return rc;
}

static int describe_overlay(struct cenv_json *found, const char *directory)
{
    struct cenv_buf reason;
    cenv_buf_init(&reason, 4096);
    struct cenv_json *overlay = cenv_json_object();
    bool works = cenv_ns_works(directory, &reason);
    int rc = cenv_json_set_bool(overlay, "works", works);
    rc |= set_text_or_null(overlay, "reason", reason.len ? reason.data : "");
    rc |= cenv_json_set(found, "overlay", overlay);
    cenv_buf_release(&reason);
    return rc;
}

static int describe_directory(struct cenv_json *found, int fd, struct cenv_error *err)
{
    struct cenv_fs_facts facts;
    int rc = cenv_fs_facts(fd, &facts, err);
    if (rc < 0)
        return rc;
    rc = cenv_json_set_cstr(found, "filesystem", facts.type);
    rc |= cenv_json_set_int(found, "free", (int64_t)facts.free_bytes);
    rc |= cenv_json_set_bool(found, "network", facts.network);
    rc |= cenv_json_set_bool(found, "reflink", cenv_fs_probe_reflink(fd) == 1);
    rc |= cenv_json_set_bool(found, "hardlink",
                             cenv_fs_probe_link(fd, fd, CENV_PLACE_HARDLINK) == 1);
    return rc < 0 ? cenv_error_oom(err) : 0;
}

int cenv_doctor(const char *directory, struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_json *found = cenv_json_object();
    int fd = cenv_fs_open_root(directory, err);
    int rc = fd;
    if (rc < 0)
        goto out;
    if (!found || describe_machine(found) < 0) {
        rc = cenv_error_oom(err);
        goto out;
    }
    rc = describe_directory(found, fd, err);
    if (rc == 0 && describe_overlay(found, directory) < 0)
        rc = cenv_error_oom(err);
    if (rc == 0 && cenv_json_print(found, 0, out) < 0)
        rc = cenv_error_oom(err);
out:
    cenv_fd_close(fd);
    cenv_json_free(found);
    return rc;
}
