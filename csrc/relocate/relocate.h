/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Prefix relocation: where a file names its prefix (the scan), and the same file for another prefix
 * (the splice). Pure: bytes in, bytes out, any thread.
 *
 * Install a file of a package at `prefix`:
 *     cenv_sites_scan(&sites, pristine bytes, placeholder, mode, err)
 *     cenv_forms_init(&forms, prefix, err)         once for all files
 *     cenv_sites_fit(&sites, &forms, err)          before anything is created
 *     cenv_sites_splice(&sites, pristine bytes, &forms, &out, err)
 *     cenv_sites_rebase(&sites, &forms, err)       the sites now describe the file just made,
 *                                                  and go into the template's manifest
 * The same splice over the template's bytes and the rebased sites gives, for any D, exactly what
 * the package would have given at D: the slot length of the placeholder and the pristine shebang
 * stay in the sites.
 */
#ifndef CENV_RELOCATE_RELOCATE_H
#define CENV_RELOCATE_RELOCATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "relocate/shebang.h"

/* How a path is written: conda's five encodings, percent-encoded (file:// URLs), JSON with "\/". */
enum cenv_encoding {
    CENV_ENC_UTF8,
    CENV_ENC_UTF16LE,
    CENV_ENC_UTF16BE,
    CENV_ENC_UTF32LE,
    CENV_ENC_UTF32BE,
    CENV_ENC_URL,
    CENV_ENC_JSON,
    CENV_ENC_NR
};

/* "text" or "binary" of paths.json: a text may change its length, a binary pads with NULs. */
enum cenv_file_mode { CENV_MODE_TEXT, CENV_MODE_BINARY };

/* A prefix in every encoding; read-only after init, shared by threads. */
struct cenv_forms {
    struct cenv_str of[CENV_ENC_NR]; /* into `mem` */
    struct cenv_buf mem;
};

/* `prefix`: bytes as they stand; what is not UTF-8 becomes U+DC80.. in the wide forms. */
int cenv_forms_init(struct cenv_forms *forms, struct cenv_str prefix,
                    struct cenv_error *err);
void cenv_forms_release(struct cenv_forms *forms);

enum cenv_site_kind {
    CENV_SITE_TEXT,
    CENV_SITE_BINARY,
    CENV_SITE_SHEBANG,
    CENV_SITE_VALUE, /* not the prefix but a fact of another file, which the splicer is asked for */
};

/* `encoding` of a VALUE: SHA-256 in hex, in pip's base64, size in decimal digits. */
enum cenv_site_value { CENV_VALUE_SHA256, CENV_VALUE_BASE64, CENV_VALUE_SIZE };

/* One place that names the prefix. Fixed size: the manifest stores it as it is. */
struct cenv_site {
    uint64_t offset;  /* in the file at hand; SHEBANG: in `line` */
    uint64_t end;     /* BINARY: where its C string ends there; VALUE: of which file */
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
    uint32_t
        line_have; /* bytes at the start of the file at hand that `line` stands for */
    uint32_t exe_from,
        exe_to; /* the interpreter in `line`; both 0: no interpreter found */
    char *line; /* heap: the pristine first line without newline */
    uint32_t line_len;
};

void cenv_sites_release(struct cenv_sites *sites);

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
 * and an unterminated last one ends with the file. On failure `sites` is untouched.
 */
int cenv_sites_scan(struct cenv_sites *sites, struct cenv_str data,
                    struct cenv_str placeholder, enum cenv_file_mode mode,
                    struct cenv_error *err);

/* Whether sites that come from a disk make sense for a file of `size` bytes. */
bool cenv_sites_within(const struct cenv_sites *sites, uint64_t size);

/*
 * For a package's binary of which only the file at hand is known: tells the sites the length of the
 * pristine placeholder. A string that has not the NULs this would have left keeps what it has.
 */
void cenv_sites_widen(struct cenv_sites *sites, struct cenv_str data,
                      uint32_t placeholder);

/* The same for many files of one placeholder, whose forms are made once. */
int cenv_sites_scan_forms(struct cenv_sites *sites, struct cenv_str data,
                          const struct cenv_forms *placeholder,
                          enum cenv_file_mode mode, struct cenv_error *err);

/* CENV_EPREFIX naming both lengths when a binary slot is too short for the prefix. */
int cenv_sites_fit(const struct cenv_sites *sites, const struct cenv_forms *forms,
                   struct cenv_error *err);

/* Appends the file for the prefix. CENV_EPREFIX as cenv_sites_fit, CENV_EINTEGRITY
 * when the sites do not fit the data; then `out` is untouched. */
int cenv_sites_splice(const struct cenv_sites *sites, struct cenv_str data,
                      const struct cenv_forms *forms, struct cenv_buf *out,
                      struct cenv_error *err);

/* The size of that file, from the size of the file at hand. */
uint64_t cenv_sites_size(const struct cenv_sites *sites, const struct cenv_forms *forms,
                         uint64_t size);

/* Adds one site behind the others; for scanners. */
int cenv_sites_add(struct cenv_sites *sites, const struct cenv_site *site,
                   struct cenv_error *err);

/* Sorts the sites from `first` on by offset, and of those that overlap keeps one. */
void cenv_sites_settle(struct cenv_sites *sites, size_t first);

/* Bytes of one unit: 1, 2 or 4; and where the C string at `at` ends. */
unsigned cenv_encoding_width(int encoding);
uint64_t cenv_string_end(struct cenv_str data, uint64_t at, unsigned width);

/* Makes the sites describe the file that the splice gives for `forms`. */
int cenv_sites_rebase(struct cenv_sites *sites, const struct cenv_forms *forms,
                      struct cenv_error *err);

/*
 * The sites of an entry point that starts with "#!<prefix>/<relative>" in one of its forms, whose
 * other bytes do not depend on the prefix; `prefix` is the one it was written for.
 */
int cenv_sites_entry(struct cenv_sites *sites, const struct cenv_forms *prefix,
                     const char *relative, struct cenv_error *err);

/* Appends the first line(s) of an entry point for interpreter `exe`, newline included. */
void cenv_entry_shebang(struct cenv_str exe, struct cenv_buf *out);

/*
 * The splice piece by piece, for callers that stream: a piece is either bytes (`data`) or a range of
 * the file at hand (`data` NULL). `fit` must have been checked.
 */
struct cenv_piece {
    const char *data; /* valid until the next call, or NULL */
    uint64_t from, len;
};

/* The text for a VALUE site; valid until the next call. */
typedef struct cenv_str (*cenv_value_fn)(void *ctx, const struct cenv_site *site);

struct cenv_splice {
    const struct cenv_sites *sites;
    const struct cenv_forms *forms;
    uint64_t size, pos; /* of the file at hand */
    uint64_t pad, skip,
        room; /* zeros to write; room and old padding gathered in this string */
    size_t next;
    bool started, in_string;
    cenv_value_fn value; /* set after init when there are VALUE sites */
    void *value_ctx;
    struct cenv_buf line;
};

void cenv_splice_init(struct cenv_splice *splice, const struct cenv_sites *sites,
                      const struct cenv_forms *forms, uint64_t size);
/* 1 and a piece, 0 at the end, CENV_ENOMEM. */
int cenv_splice_next(struct cenv_splice *splice, struct cenv_piece *piece);
void cenv_splice_release(struct cenv_splice *splice);

#endif
