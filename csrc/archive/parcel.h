/* SPDX-License-Identifier: BSD-3-Clause */
/* The description of a template: what it is made of again, on another machine or later. */
#ifndef CENV_ARCHIVE_PARCEL_H
#define CENV_ARCHIVE_PARCEL_H

#include "archive/archive_head.h"
#include "archive/delta_writer.h"
#include "store/layout.h"

/*
 * A JSON document of format 3:
 *
 *     {"format", "subdir", "prefix", "template", "requests", "linked": whether its packages come
 *      first, "delta": {"sha256", "size", "toc": {"size", "sha256"}},
 *      "packages": [{"sha256", "size", "fn"} that lie beside it], "sum": SHA-256 of the rest,
 *      with sorted keys and no blanks}
 *
 * "prefix" is where it lay on the machine that made it, "template" its template.json there, and
 * "requests" names the files of requests that led to it. Its files are those of its packages,
 * linked for that prefix, with the delta laid over.
 */
enum { CENV_PARCEL_FORMAT = 3, CENV_PARCEL_MAX = 32 << 20, CENV_PARCEL_FN_MAX = 255 };
#define CENV_PARCEL_BLOB_MAX (16ULL << 30)

/* A package that lies beside a description. */
struct cenv_parcel_package {
    char sha256[CENV_DIGEST_HEX_MAX];
    uint64_t size;
    struct cenv_str fn;
};

/* One that was read; texts are borrowed from its head. */
struct cenv_parcel {
    struct cenv_archive_head head;
    bool linked;
    struct cenv_delta_facts delta;
    struct cenv_parcel_package *packages;
    size_t nr_packages;
};

/*
 * Reads a description, checked as an archive's head is (archive_head.h): CENV_EINTEGRITY or
 * CENV_EPREFIX. Without a `machine` only what it says of itself is checked. Release it after a
 * failure too.
 */
int cenv_parcel_read(struct cenv_parcel *parcel, struct cenv_str text,
                     const struct cenv_request *machine, struct cenv_arena *arena,
                     struct cenv_error *err);
void cenv_parcel_release(struct cenv_parcel *parcel);

/* Whether it says what was written, CENV_EINTEGRITY otherwise: of all that lies on a remote only
 * descriptions have no digest for a name. */
int cenv_parcel_check_sum(const struct cenv_json *doc, struct cenv_error *err);

/* What is written; all borrowed. */
struct cenv_parcel_facts {
    const struct cenv_store *store;
    const char *id, *prefix;
    const struct cenv_json *doc;
    bool linked;
    struct cenv_delta_facts delta;
    const struct cenv_parcel_package *packages;
    size_t nr_packages;
    struct cenv_task *task;
};

/* Appends the description, with the requests of the store that led to the template. */
int cenv_parcel_write(const struct cenv_parcel_facts *facts, struct cenv_buf *out,
                      struct cenv_error *err);

#endif
