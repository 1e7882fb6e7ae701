/* SPDX-License-Identifier: BSD-3-Clause */
/* A prefix as files write it, in each encoding. Pure. */
#ifndef CENV_RELOCATE_FORMS_H
#define CENV_RELOCATE_FORMS_H

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/*
 * How a path is written: conda's five encodings, then those of languages. A manifest stores the
 * number: new ones go to the end.
 */
enum cenv_encoding {
    CENV_ENC_UTF8,
    CENV_ENC_UTF16LE,
    CENV_ENC_UTF16BE,
    CENV_ENC_UTF32LE,
    CENV_ENC_UTF32BE,
    CENV_ENC_URL,                /* percent-encoded, as of file:// */
    CENV_ENC_JSON_SLASHES,       /* JSON with "\/" for "/" */
    CENV_ENC_JSON,               /* JSON, nothing escaped that need not be */
    CENV_ENC_JSON_ASCII,         /* JSON with "\u00e9", as Python writes it */
    CENV_ENC_JSON_ASCII_SLASHES, /* both, as PHP writes it */
    CENV_ENC_BACKSLASHES,        /* a word of a shell, of pkg-config, of CMake */
    CENV_ENC_XML,                /* XML and HTML */
    CENV_ENC_SINGLE_QUOTED, /* within single quotes of a shell: "'\''" for a quote */
    CENV_ENC_SHLEX,         /* the same as Python's shlex.quote writes it */
    CENV_ENC_DOUBLE_QUOTED, /* within double quotes of a shell or of CMake */
    CENV_ENC_FISH_SINGLE,   /* within quotes of fish: "\'", "\\" */
    CENV_ENC_FISH_DOUBLE,   /* "\"", "\$", "\\" */
    CENV_ENC_CSH_SINGLE,    /* within quotes of csh: as of other shells, and "\!" */
    CENV_ENC_CSH_DOUBLE,    /* what is special is quoted singly: "'$'" */
    CENV_ENC_PS_WORD,       /* a word of PowerShell: "`" before what is special */
    CENV_ENC_PS_SINGLE,     /* "''"; typographic quotes count as quotes there */
    CENV_ENC_PS_DOUBLE,     /* "`$" */
    CENV_ENC_PYTHON,        /* within quotes of Python: "\xe9", "\x27"; in ASCII */
    CENV_ENC_PYTHON_HEX,    /* what bytes.fromhex() takes */
    CENV_ENC_PYTHON_POINTS, /* "47, 233": what map(chr, ...) takes */
    CENV_ENC_NU_QUOTED, /* a text of Nushell, quotes and all: "'/tmp'", raw if it must be */
    CENV_ENC_NU_RAW, /* the same raw: "r#'/tmp'#" */
    CENV_ENC_NR
};

/* Bytes of one unit of an enum cenv_encoding: 1, 2 or 4. */
unsigned cenv_forms_width(int encoding);

/* A prefix in every encoding; read-only after init, shared by threads. */
struct cenv_forms {
    struct cenv_str of[CENV_ENC_NR]; /* into `mem` */
    struct cenv_buf mem;
};

/*
 * `prefix`: bytes as they stand; what is not UTF-8 becomes U+DC80.. in the wide forms and in JSON
 * of ASCII. On failure (CENV_EUSAGE for a prefix of more than CENV_PREFIX_MAX bytes, CENV_ENOMEM)
 * `forms` is untouched.
 */
int cenv_forms_init(struct cenv_forms *forms, struct cenv_str prefix,
                    struct cenv_error *err);
void cenv_forms_release(struct cenv_forms *forms);

#endif
