/* SPDX-License-Identifier: BSD-3-Clause */
/* What this machine is and can do: virtual packages, and the findings of `doctor`. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/hex.h"
#include "cenv.h"
#include "codec/json_writer.h"
#include "model/platform.h"
#include "os/fs.h"
#include "os/fs_facts.h"
#include "os/fs_place.h"
#include "os/host.h"
#include "os/namespace.h"
#include "os/subvolume.h"

const char *cenv_current_subdir(void)
{
    return cenv_platform_subdir();
}

static const char *or_null(const char *text)
{
    return text[0] ? text : NULL;
}

/* Facts hold for this machine's platform only; another one gets the defaults. */
static struct cenv_platform_facts facts_of(const struct cenv_host *host,
                                           const char *cuda, const char *cuda_arch)
{
    bool glibc = strcmp(host->libc_family, "glibc") == 0;
    return (struct cenv_platform_facts){
        .kernel = or_null(host->kernel),
        .glibc = glibc ? or_null(host->libc_version) : NULL,
        .cuda = or_null(cuda),
        .cuda_arch = or_null(cuda_arch),
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

static int write_virtual(const struct cenv_virtual *list, size_t nr,
                         struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_json_writer w;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_array(&w, NULL);
    for (size_t i = 0; i < nr; i++) {
        cenv_json_write_array(&w, NULL);
        cenv_json_write_cstr(&w, NULL, list[i].name);
        cenv_json_write_cstr(&w, NULL, list[i].version);
        cenv_json_write_cstr(&w, NULL, list[i].build);
        cenv_json_write_end(&w);
    }
    cenv_json_write_end(&w);
    return cenv_json_writer_finish(&w, err);
}

int cenv_virtual_packages(const char *subdir, const char *const *overrides,
                          struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_host host;
    char cuda[32] = "", cuda_arch[32] = "";
    cenv_host_facts(&host);
    bool here = !subdir || strcmp(subdir, cenv_platform_subdir()) == 0;
    if (here && cenv_host_cuda(cuda, sizeof(cuda)))
        cenv_host_cuda_arch(cuda_arch, sizeof(cuda_arch));
    struct cenv_platform_facts facts = facts_of(&host, cuda, cuda_arch);
    size_t nr = count_strings(overrides) / 2;
    struct cenv_override *pairs = pair_up(overrides, nr);
    if (!pairs)
        return cenv_error_oom(err);
    struct cenv_virtual list[CENV_VIRTUAL_MAX];
    int found =
        cenv_platform_virtual(list, cenv_str(subdir ? subdir : cenv_platform_subdir()),
                              here ? &facts : NULL, pairs, nr, err);
    cenv_free(pairs);
    if (found < 0)
        return found;
    return write_virtual(list, (size_t)found, out, err);
}

static void write_text_or_null(struct cenv_json_writer *w, const char *key,
                               const char *text)
{
    if (text[0])
        cenv_json_write_cstr(w, key, text);
    else
        cenv_json_write_null(w, key);
}

static void write_machine(struct cenv_json_writer *w)
{
    struct cenv_host host;
    char cuda[32] = "", cuda_arch[32] = "";
    cenv_host_facts(&host);
    if (cenv_host_cuda(cuda, sizeof(cuda)))
        cenv_host_cuda_arch(cuda_arch, sizeof(cuda_arch));
    cenv_json_write_cstr(w, "subdir", cenv_platform_subdir());
    write_text_or_null(w, "kernel", host.kernel);
    write_text_or_null(w, "glibc", host.libc_version);
    write_text_or_null(w, "microarch", host.microarch);
    write_text_or_null(w, "cuda", cuda);
    write_text_or_null(w, "cuda_arch", cuda_arch);
    cenv_json_write_u64(w, "cpus", cenv_host_cpus());
}

static void write_overlay(struct cenv_json_writer *w, const char *directory)
{
    struct cenv_buf reason;
    cenv_buf_init(&reason, 4096);
    cenv_json_write_object(w, "overlay");
    cenv_json_write_bool(w, "works", cenv_ns_works(directory, &reason));
    write_text_or_null(w, "reason", reason.len ? reason.data : "");
    cenv_json_write_end(w);
    cenv_buf_release(&reason);
}

/* By trying: 0, or -errno why snapshots cannot be made; *at_once: they are removed as a whole. */
static int try_snapshot(int dir, const char *name, bool *at_once)
{
    struct cenv_subvolume_facts facts;
    int rc = cenv_raw_subvolume_make(dir, name);
    if (rc < 0)
        return rc;
    int fd = cenv_raw_open_dir(dir, name);
    rc = fd < 0 ? fd : cenv_raw_subvolume_facts(fd, &facts);
    cenv_fd_close(fd);
    *at_once = cenv_raw_subvolume_remove(dir, name) == 0;
    int removed = *at_once ? 0 : cenv_raw_rmdir(dir, name);
    return rc < 0 ? rc : removed;
}

static const char *name_refusal(int rc)
{
    switch (rc) {
    case -ENOTTY:
    case -ENOTSUP:
    case -EINVAL:
    case -ENOSYS:
        return "the file system is not btrfs, or the kernel is older than 4.18";
    case -EPERM:
    case -EACCES:
    case -EROFS:
        return "the directory cannot be written to";
    default:
        return "no subvolume can be made here";
    }
}

static int write_snapshot(struct cenv_json_writer *w, int dir, struct cenv_error *err)
{
    char *name = cenv_fs_unique_name(".cenv-probe");
    bool at_once = false;
    if (!name)
        return cenv_error_oom(err);
    int rc = try_snapshot(dir, name, &at_once);
    cenv_json_write_object(w, "snapshot");
    cenv_json_write_bool(w, "works", rc == 0);
    cenv_json_write_bool(w, "removed_at_once", at_once);
    write_text_or_null(w, "reason", rc == 0 ? "" : name_refusal(rc));
    cenv_json_write_end(w);
    cenv_free(name);
    return 0;
}

static int write_file_system(struct cenv_json_writer *w, int fd, struct cenv_error *err)
{
    unsigned char id[CENV_FILE_SYSTEM_ID];
    char hex[CENV_DIGEST_HEX_MAX];
    struct cenv_fs_facts facts;
    int rc = cenv_fs_facts(fd, &facts, err);
    if (rc < 0)
        return rc;
    if (cenv_raw_file_system_id(fd, id) < 0)
        memset(id, 0, sizeof(id));
    cenv_hex(id, sizeof(id), hex);
    cenv_json_write_cstr(w, "filesystem", facts.type);
    cenv_json_write_cstr(w, "filesystem_id", hex);
    cenv_json_write_u64(w, "free", facts.free_bytes);
    cenv_json_write_bool(w, "network", facts.network);
    return 0;
}

static int write_directory(struct cenv_json_writer *w, int fd, struct cenv_error *err)
{
    int rc = write_file_system(w, fd, err);
    if (rc < 0)
        return rc;
    cenv_json_write_bool(w, "reflink", cenv_fs_probe_reflink(fd) == 1);
    cenv_json_write_bool(w, "hardlink",
                         cenv_fs_probe_link(fd, fd, CENV_PLACE_HARDLINK) == 1);
    return write_snapshot(w, fd, err);
}

int cenv_doctor(const char *directory, struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_json_writer w;
    int fd = cenv_fs_open_root(directory, err);
    if (fd < 0)
        return fd;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    write_machine(&w);
    int rc = write_directory(&w, fd, err);
    if (rc == 0) {
        write_overlay(&w, directory);
        cenv_json_write_end(&w);
        rc = cenv_json_writer_finish(&w, err);
    }
    cenv_fd_close(fd);
    return rc;
}

int cenv_file_system(const char *directory, struct cenv_buf *out,
                     struct cenv_error *err)
{
    struct cenv_json_writer w;
    int fd = cenv_fs_open_root(directory, err);
    if (fd < 0)
        return fd;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    int rc = write_file_system(&w, fd, err);
    cenv_json_write_end(&w);
    cenv_fd_close(fd);
    if (rc == 0)
        rc = cenv_json_writer_finish(&w, err);
    return rc;
}
