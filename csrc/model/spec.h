/* SPDX-License-Identifier: BSD-3-Clause */
/* What a MatchSpec asks for, parsed: the ground of its parser, its keys, its printer. */
#ifndef CENV_MODEL_SPEC_H
#define CENV_MODEL_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "model/channelmatch.h"
#include "model/strmatch.h"
#include "model/versionspec.h"

enum { CENV_MATCHSPEC_MAX = 8192 }; /* bytes; longer text is an error */

enum cenv_numop {
    CENV_NUM_ANY,
    CENV_NUM_EQ,
    CENV_NUM_NE,
    CENV_NUM_LT,
    CENV_NUM_LE,
    CENV_NUM_GT,
    CENV_NUM_GE,
};

/* A build number matcher: "3", ">=3". */
struct cenv_nummatch {
    enum cenv_numop op;
    uint64_t value;
};

/* Names of a list value such as extras=[a,b]. */
struct cenv_strlist {
    struct cenv_str *items;
    uint32_t nr;
};

/*
 * What few specs have: everything beyond name, version and build; NULL in `struct cenv_matchspec`
 * when nothing of it is given. Absent texts have len 0.
 */
struct cenv_matchspec_more {
    struct cenv_nummatch build_number;
    struct cenv_channelmatch channel;
    struct cenv_strmatch subdir, license, license_family, fn;
    struct cenv_str url; /* without secrets; not matched when a channel is given */
    struct cenv_str md5, sha256;        /* lower-case hex */
    bool has_track_features;            /* "x[track_features='']" asks for none */
    bool has_features;                  /* the same */
    struct cenv_strlist track_features; /* a record must have exactly these */
    struct cenv_strlist features;       /* the same */
    struct cenv_str when;               /* CEP 43, as given; no effect on a match */
    struct cenv_strlist extras;         /* CEP 44, as given; no effect on a match */
    struct cenv_strlist flags; /* CEP 45: globs, each must match a flag of the record */
    bool optional;             /* legacy "(optional)", "[optional]"; no effect */
};

/*
 * One parsed spec. Everything lies in the arena of the parse or borrows from its text. Immutable:
 * any number of threads may match with it at once.
 */
struct cenv_matchspec {
    struct cenv_str text; /* as given, without blanks at the ends */
    struct cenv_str name; /* lower case; "*" when it was not given; may be a glob */
    struct cenv_versionspec version;
    struct cenv_strmatch build;
    bool name_is_glob; /* true for "*" too: not for the solver */
    const struct cenv_matchspec_more *more;
};

#endif
