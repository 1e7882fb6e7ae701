/* SPDX-License-Identifier: BSD-3-Clause */
/* Extracted packages made by a test, and one call to link them. */
#ifndef PACKAGE_H
#define PACKAGE_H

#include <errno.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "link/link.h"
#include "scratch.h"

/* 40 bytes: a prefix of a test may be shorter, equal or longer. */
#define PLACEHOLDER "/opt/placehold_placehold_placehold_place"
enum { PLACEHOLDER_LEN = sizeof(PLACEHOLDER) - 1, PACKAGE_TIME = 1600000000 };

struct package {
    const struct scratch *s;
    char dir[128]; /* below the scratch directory */
    char record[2048];
    char content[1024];
    struct cenv_buf paths; /* entries of paths.json */
};

static void make_parents(const struct scratch *s, const char *path)
{
    char part[1024];
    for (const char *at = strchr(path, '/'); at; at = strchr(at + 1, '/')) {
        snprintf(part, sizeof(part), "%.*s", (int)(at - path), path);
        mkdirat(s->fd, part, 0755);
    }
}

/* Bytes, mode and a fixed time. */
static void put_file(const struct scratch *s, const char *path, const void *data,
                     size_t len, mode_t mode, int64_t mtime)
{
    make_parents(s, path);
    int fd = openat(s->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct timespec times[2] = {{mtime, 0}, {mtime, 0}};
    if (fd < 0 || write(fd, data, len) != (ssize_t)len || fchmod(fd, mode) < 0 ||
        futimens(fd, times) < 0)
        perror(path);
    close(fd);
}

/* `extra`: further members of the record, starting with a comma, or "". */
static struct package package_begin(const struct scratch *s, const char *name,
                                    const char *version, const char *extra)
{
    struct package p = {.s = s};
    snprintf(p.dir, sizeof(p.dir), "pkgs/%s", name);
    snprintf(p.content, sizeof(p.content), "%s/%s", s->path, p.dir);
    snprintf(p.record, sizeof(p.record),
             "{\"name\":\"%s\",\"version\":\"%s\",\"build\":\"0\",\"build_number\":3,"
             "\"subdir\":\"linux-64\",\"channel\":\"chan\",\"fn\":\"%s-%s-0.conda\","
             "\"url\":\"https://user:pw@host/t/secret/chan/linux-64/%s-%s-0.conda\"%s}",
             name, version, name, version, name, version, extra);
    cenv_buf_init(&p.paths, 1 << 20);
    return p;
}

/* `keys`: further members of the paths.json entry, starting with a comma, or "". */
static void package_data(struct package *p, const char *path, const void *data,
                         size_t len, mode_t mode, const char *keys)
{
    char where[1024], hex[CENV_DIGEST_HEX_MAX];
    snprintf(where, sizeof(where), "%s/%s", p->dir, path);
    put_file(p->s, where, data, len, mode, PACKAGE_TIME);
    cenv_digest_sha256_hex(cenv_str_n(data, len), hex);
    cenv_buf_addf(&p->paths,
                  "%s{\"_path\":\"%s\",\"path_type\":\"hardlink\",\"sha256\":\"%s\","
                  "\"size_in_bytes\":%zu%s}",
                  p->paths.len ? "," : "", path, hex, len, keys);
}

static void package_file(struct package *p, const char *path, const char *text,
                         mode_t mode)
{
    package_data(p, path, text, strlen(text), mode, "");
}

#define TEXT_KEYS ",\"file_mode\":\"text\",\"prefix_placeholder\":\"" PLACEHOLDER "\""
#define BINARY_KEYS \
    ",\"file_mode\":\"binary\",\"prefix_placeholder\":\"" PLACEHOLDER "\""

__attribute__((unused)) static void package_link(struct package *p, const char *path,
                                                 const char *target, const char *keys)
{
    char where[1024];
    snprintf(where, sizeof(where), "%s/%s", p->dir, path);
    make_parents(p->s, where);
    if (symlinkat(target, p->s->fd, where) < 0)
        perror(where);
    cenv_buf_addf(&p->paths, "%s{\"_path\":\"%s\",\"path_type\":\"softlink\"%s}",
                  p->paths.len ? "," : "", path, keys);
}

static void package_info(struct package *p, const char *name, const char *text)
{
    char where[1024];
    snprintf(where, sizeof(where), "%s/info/%s", p->dir, name);
    put_file(p->s, where, text, strlen(text), 0644, PACKAGE_TIME);
}

static struct cenv_link_package package_end(struct package *p)
{
    struct cenv_buf doc;
    cenv_buf_init(&doc, 1 << 20);
    cenv_buf_addf(&doc, "{\"paths_version\":1,\"paths\":[%s]}",
                  p->paths.len ? p->paths.data : "");
    package_info(p, "paths.json", doc.data);
    package_info(p, "index.json", "{}");
    cenv_buf_release(&doc);
    cenv_buf_release(&p->paths);
    return (struct cenv_link_package){cenv_str(p->record), p->content};
}

/* A python that compiles nothing: enough for planning and entry points. */
__attribute__((unused)) static struct cenv_link_package
package_python(struct package *p, const struct scratch *s, const char *version,
               const char *extra)
{
    *p = package_begin(s, "python", version, extra);
    package_file(p, "lib/os.py", "pass\n", 0644);
    return package_end(p);
}

/* Compiles as told, but for bad.py, and counts its runs beside the prefix. */
__attribute__((unused)) static const char fake_python[] =
    "#!/bin/sh\n"
    "echo run >> ../runs\n"
    "for list; do :; done\n"
    "while read f; do case $f in */bad.py) continue;; esac\n"
    "b=${f##*/}; echo code of $f > ${f%/*}/__pycache__/${b%.py}.cpython-313.pyc\n"
    "done < $list; exit 1\n";

/* Where a package of python 3.13 looks for others. */
#define SITE "lib/python3.13/site-packages/"

/* Options that leave nothing to the machine. */
__attribute__((unused)) static const struct cenv_link_options plain_link = {
    .mode = CENV_PLACE_COPY, .threads = 2};

/* One link into a new directory of the scratch, with what it left. */
struct linked {
    struct cenv_task task;
    struct cenv_error err;
    struct cenv_link_plan *plan;
    struct cenv_link_stats stats;
    int rc;
};

__attribute__((unused)) static struct linked
link_packages(const struct scratch *s, const char *dir, const char *target,
              const struct cenv_link_package *packages, size_t nr,
              struct cenv_link_options options)
{
    struct linked l = {0};
    cenv_task_init(&l.task, NULL, NULL);
    mkdirat(s->fd, dir, 0755);
    options.target_prefix = target;
    options.time = 1700000000;
    l.rc = cenv_link(scratch_path(s, dir), packages, nr, &options, &l.plan, &l.stats,
                     &l.task, &l.err);
    return l;
}

__attribute__((unused)) static void linked_release(struct linked *l)
{
    cenv_link_plan_free(l->plan);
    cenv_link_stats_release(&l->stats);
    cenv_error_release(&l->err);
    cenv_task_release(&l->task);
}

#endif
