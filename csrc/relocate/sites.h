/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sites: where a file names its prefix, found by a scan, kept by a manifest. Pure: bytes in, values
 * out, any thread. What is done with them is in splice.h.
 *
 * Install a file of a package at `prefix`:
 *     cenv_sites_scan(&sites, pristine bytes, placeholder, mode, err)
 *     cenv_forms_init(&forms, prefix, err)              once for all files
 *     cenv_splice_check_room(&sites, &forms, err)       before anything is created
 *     cenv_splice_apply(&sites, pristine bytes, &forms, &out, err)
 *     cenv_splice_rebase(&sites, &forms, err)           the sites now describe the file just
 *                                                       made, and go into the template's manifest
 * The same splice over the template's bytes and the rebased sites gives, for any D, exactly what
 * the package would have given at D: the slot length of the placeholder and the pristine shebang
 * stay in the sites.
 */
#ifndef CENV_RELOCATE_SITES_H
#define CENV_RELOCATE_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "base/task.h"
#include "model/path_entry.h"
#include "relocate/forms.h"
#include "relocate/shebang.h"

enum cenv_site_kind {
    CENV_SITE_TEXT,
    CENV_SITE_BINARY,
    CENV_SITE_SHEBANG,
    /* Not the prefix but a fact of another file, which the splice asks its caller for. */
    CENV_SITE_FIELD,
    CENV_SITE_FIXED, /* nothing behind it may move: only what is as long can replace it */
};

/* `encoding` of a FIELD: SHA-256 in hex, in pip's base64, size in decimal digits. */
enum cenv_site_field { CENV_FIELD_SHA256, CENV_FIELD_BASE64, CENV_FIELD_SIZE };

/* One place that names the prefix. Fixed size: the manifest stores it as it is. */
struct cenv_site {
    uint64_t offset;  /* in the file at hand; SHEBANG: in `line` */
    uint64_t end;     /* BINARY: where its C string ends there; FIELD: of which file */
    uint32_t slot;    /* bytes the pristine file has for it */
    uint32_t have;    /* bytes it takes in the file at hand */
    uint8_t kind;     /* enum cenv_site_kind */
    uint8_t encoding; /* enum cenv_encoding */
    uint8_t zero[6];
};

/*
 * All sites of one file: SHEBANG ones first, then by offset; sites of one C string have the same
 * `end`. Owned: release. Zero-initialised is "nothing to relocate".
 */
struct cenv_sites {
    struct cenv_site *list;
    size_t nr, alloc;
    uint8_t style;  /* enum cenv_shebang_style of the first line */
    uint8_t quoted; /* PIP: the interpreter was in quotes */
    /* Bytes at the start of the file at hand that `line` stands for. */
    uint32_t line_have;
    /* The interpreter in `line`; both 0: no interpreter found. */
    uint32_t exe_from, exe_to;
    char *line; /* heap: the pristine first line without newline */
    uint32_t line_len;
};

void cenv_sites_release(struct cenv_sites *sites);

/* On failure (CENV_ENOMEM) `to` is untouched. */
int cenv_sites_copy(struct cenv_sites *to, const struct cenv_sites *from,
                    struct cenv_error *err);

/* True when the file is the same for every prefix. */
static inline bool cenv_sites_none(const struct cenv_sites *sites)
{
    return sites->nr == 0 && sites->style == CENV_SHEBANG_NONE;
}

/*
 * Finds every occurrence of `placeholder` in a pristine file, in the five encodings (no boundary
 * check: conda's rule). BINARY: also where each C string ends; newlines belong to it (conda#14043),
 * and an unterminated last one ends with the file. Linear in the file, whatever is in it.
 * CENV_EUSAGE: no placeholder (model/path_entry.h); CENV_EINTEGRITY: it occurs more often than
 * cenv_sites_max() allows; CENV_ECANCELLED, CENV_ENOMEM. On failure `sites` is untouched.
 */
int cenv_sites_scan(struct cenv_sites *sites, struct cenv_str data,
                    struct cenv_str placeholder, enum cenv_file_mode mode,
                    struct cenv_task *task, struct cenv_error *err);

/* The same for many files of one placeholder, whose forms are made once. */
int cenv_sites_scan_forms(struct cenv_sites *sites, struct cenv_str data,
                          const struct cenv_forms *placeholder,
                          enum cenv_file_mode mode, struct cenv_task *task,
                          struct cenv_error *err);

/* As many sites as a file of `size` bytes may have: more take many times its memory. */
static inline uint64_t cenv_sites_max(uint64_t size)
{
    return 256 + size / 16;
}

/*
 * The sites of an entry point that starts with "#!<prefix>/<relative>" in one of its forms, whose
 * other bytes do not depend on the prefix; `prefix` is the one it was written for.
 */
int cenv_sites_of_entry_point(struct cenv_sites *sites, const struct cenv_forms *prefix,
                              const char *relative, struct cenv_error *err);

/* Whether sites that come from a disk make sense for a file of `size` bytes. */
bool cenv_sites_within(const struct cenv_sites *sites, uint64_t size);

/* ---- for scanners ---- */

/* Adds one site behind the others. 0, or CENV_ENOMEM with nothing changed. */
int cenv_sites_add(struct cenv_sites *sites, const struct cenv_site *site,
                   struct cenv_error *err);

/* BINARY sites, by offset: sets where the C string of each ends. */
void cenv_sites_find_ends(struct cenv_sites *sites, struct cenv_str data);

/*
 * Of BINARY sites, by offset, keeps those of strings behind which the NULs lie that a placeholder
 * of `placeholder` bytes has left (0: that a longer one has left, whatever its length was), and
 * tells them its length. Returns how many it has dropped.
 */
size_t cenv_sites_keep_padded(struct cenv_sites *sites, struct cenv_str data,
                              uint32_t placeholder);

/* Sorts the sites from `first` on by offset, and of those that overlap keeps one. */
void cenv_sites_settle(struct cenv_sites *sites, size_t first);

/*
 * Where the C string that begins at `at` ends: its zero unit, or the last whole unit of the file.
 */
uint64_t cenv_sites_string_end(struct cenv_str data, uint64_t at, unsigned width);

#endif
