/* SPDX-License-Identifier: BSD-3-Clause */
/* One package of a channel: the fields of a repodata record that solving, matching and linking
 * read. */
#ifndef CENV_MODEL_RECORD_H
#define CENV_MODEL_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

struct cenv_version; /* model/version.h */

/* Longest name, version or build string, and file name, of a record (CEP 26 asks for 64 and 211,
 * which data in use exceed): each becomes part of a path component. */
enum { CENV_RECORD_PART_MAX = 128, CENV_RECORD_FN_MAX = 247 };

/* An optional group of dependencies: `name[extras=[group]]` asks for it (CEP 44). */
struct cenv_extra {
    struct cenv_str name;
    struct cenv_str *depends;
    uint32_t nr_depends;
};

/*
 * All spans point into the text the record was parsed from or into the arena it was parsed with,
 * and live as long as both. Absent strings have len 0. Lists keep the order of the file.
 */
struct cenv_record {
    struct cenv_str name; /* lower case */
    struct cenv_str version, build;
    const struct cenv_version *parsed; /* of `version` */
    uint64_t build_number;

    struct cenv_str fn;          /* with its extension, .conda or .tar.bz2 */
    struct cenv_str subdir;      /* of the repodata it came from, as conda has it */
    struct cenv_str channel;     /* canonical name */
    struct cenv_str channel_url; /* without subdir and secrets */
    struct cenv_str url;         /* of the package, without secrets; fetch adds them */
    uint32_t channel_rank;       /* 0: the most preferred channel */

    struct cenv_str md5, sha256; /* 32 and 64 lower-case hex digits, or empty */
    uint64_t size;               /* 0: not stated */
    /* Of the package in the older format, for lock files of old tools. */
    struct cenv_str legacy_bz2_md5;
    uint64_t legacy_bz2_size;
    int64_t timestamp_ms; /* of the build, in ms whatever the file has; 0: not stated */
    /* CEP 47: preferred for exclude-newer; 0: not stated. */
    int64_t indexed_timestamp_ms;

    struct cenv_str noarch; /* "python", "generic" (old files' true too), or empty */
    struct cenv_str license, license_family;
    struct cenv_str features; /* metadata only, see docs/design/solve.md 2.4 */
    /* CEP 17; relative, stays inside a prefix. */
    struct cenv_str python_site_packages_path;

    struct cenv_str *depends, *constrains;
    struct cenv_str *track_features; /* split at blanks and commas, no empty ones */
    struct cenv_str *flags;          /* CEP 45 */
    struct cenv_extra *extras;
    uint32_t nr_depends, nr_constrains, nr_track_features, nr_flags, nr_extras;

    struct cenv_str raw; /* the JSON object as in repodata: valid JSON, valid UTF-8 */
    uint32_t raw_at;     /* where it lies in the file of its repodata; else not used */
};

/* What a record inherits from the repodata it lies in; spans must outlive the record. */
struct cenv_record_origin {
    struct cenv_str subdir, channel, channel_url;
    /* Packages lie beside it; it ends with '/', or is empty: then no url is made. */
    struct cenv_str base_url;
    uint32_t channel_rank;
};

/*
 * Parses one JSON object of a repodata record, a repodata_record.json or a conda-meta record; keys
 * that are not needed are checked for syntax and skipped. `fn` is the file name, or empty to take
 * the object's own "fn". Every name that may become part of a path (name, version, build, fn,
 * subdir) is checked: no separator, NUL, control character, ':' or "..", not over-long.
 *
 * Returns CENV_EINTEGRITY with a reason fit for "X is skipped: reason" when the object is malformed
 * or of a record_version this program does not know; CENV_ENOMEM. Pure: any thread, own arena.
 */
int cenv_record_parse(struct cenv_record *out, struct cenv_str object,
                      struct cenv_str fn, const struct cenv_record_origin *origin,
                      struct cenv_arena *arena, struct cenv_error *err);

/* The same for one of many records of a name: `before` (or NULL), in the same arena, becomes its
 * version when it reads the same. */
int cenv_record_parse_after(struct cenv_record *out, struct cenv_str object,
                            struct cenv_str fn, const struct cenv_record_origin *origin,
                            const struct cenv_version *before, struct cenv_arena *arena,
                            struct cenv_error *err);

/* Why `part` cannot be a component of a path of at most `max` bytes ("is too long"), or NULL. */
const char *cenv_record_refuse_part(struct cenv_str part, size_t max);

/* Makes the url of base_url and fn, quoted; 0 or CENV_ENOMEM. */
int cenv_record_url(struct cenv_record *record, struct cenv_str base_url,
                    struct cenv_arena *arena);

#endif
