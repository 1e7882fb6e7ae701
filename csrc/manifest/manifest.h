/* SPDX-License-Identifier: BSD-3-Clause */
/* What lies in an environment and where it names itself, so that a clone need not scan it. */
#ifndef CENV_MANIFEST_MANIFEST_H
#define CENV_MANIFEST_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/checked.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/str.h"
#include "os/raw_data.h"
#include "os/raw_file.h"
#include "relocate/sites.h"

/*
 * One block of bytes, the same in memory and on disk: a header, then arrays of the structs below,
 * then the texts. Byte order and alignment are the machine's: a manifest never leaves it (another
 * order is "not a manifest", and made anew). Nothing of it is believed before cenv_manifest_open
 * has checked its sum and every index in it. Once open it is read only, by any thread.
 */
enum { CENV_MANIFEST_VERSION = 6 };

/* A text: where in the texts, and its length; a NUL follows. */
struct cenv_mf_text {
    uint32_t at, len;
};

/* Parents come before children; the first is the environment itself, with path "". */
struct cenv_mf_dir {
    uint64_t ino;
    int64_t mtime_ns;
    struct cenv_mf_text path;
    uint32_t parent;
    uint32_t first_file, nr_files;
    uint16_t mode;
    uint16_t flags; /* CENV_MF_XATTR */
};

enum cenv_mf_type { CENV_MF_FILE, CENV_MF_SYMLINK };

enum cenv_mf_flags {
    CENV_MF_MANAGED = 1 << 0,   /* a package's: no room for the prefix is an error */
    CENV_MF_SENSITIVE = 1 << 1, /* never shares an inode with its source */
    CENV_MF_DEPENDENT = 1 << 2, /* tells of other files: written after them */
    /* A relocated .py: it gets another mtime, or its old bytecode would do. */
    CENV_MF_PYTHON = 1 << 3,
    CENV_MF_LEFT_OUT = 1 << 4, /* not carried over; a note says why */
    CENV_MF_XATTR = 1 << 5,    /* has attributes to carry over */
};

/* Files and links, by directory, in byte order of names. */
struct cenv_mf_file {
    uint64_t size, ino;
    int64_t mtime_ns;
    int64_t ctime_ns; /* 0: no evidence, since every clone links to the inode */
    struct cenv_mf_text name;
    struct cenv_mf_text target; /* SYMLINK */
    uint32_t skip;  /* SYMLINK: bytes of the target that are the prefix, or 0 */
    uint32_t reloc; /* index, or CENV_NONE */
    /* An earlier file of the same inode, to which this one is linked; or CENV_NONE. */
    uint32_t peer;
    uint32_t dir;
    uint16_t mode;
    uint8_t type;
    uint8_t flags;
    uint32_t uid, gid; /* for template_check alone: a clone is its user's */
    uint32_t nlink;    /* over 1: whoever makes or removes a name changes the ctime */
};

/* cenv_sites of one file. */
struct cenv_mf_reloc {
    uint32_t file;
    uint32_t first_site, nr_sites;
    struct cenv_mf_text line;
    uint32_t line_have, exe_from, exe_to;
    uint8_t style, quoted;
    uint8_t hashed; /* a field of another file depends on it */
    uint8_t zero;
    uint32_t zero2;
    uint64_t replaced; /* cenv_replaced_add over the bytes that a clone replaces */
    /* The SHA-256 of what comes before the first site, the same for every clone; len 0: none. */
    struct cenv_sha256_state head;
};

/* NOTICE: cloned, but there is something to know about it. */
enum cenv_note_kind { CENV_NOTE_SKIPPED, CENV_NOTE_UNRELOCATABLE, CENV_NOTE_NOTICE };

struct cenv_mf_note {
    struct cenv_mf_text path, reason;
    uint32_t kind;
};

struct cenv_mf_section {
    uint64_t at, nr;
};

struct cenv_mf_header {
    char magic[8];
    uint32_t version, order;
    uint64_t total, sum;        /* of everything behind the header */
    uint64_t dev, ino;          /* of the environment */
    struct cenv_mf_text prefix; /* as its files name it */
    struct cenv_mf_section dirs, files, relocs, sites, notes, texts;
};

struct cenv_manifest {
    const struct cenv_mf_header *header;
    const struct cenv_mf_dir *dirs;
    const struct cenv_mf_file *files;
    const struct cenv_mf_reloc *relocs;
    const struct cenv_site *sites;
    const struct cenv_mf_note *notes;
    const char *texts;
    uint32_t nr_dirs, nr_files, nr_relocs, nr_notes;
    struct cenv_mapping mapping; /* owned, one of the two */
    char *heap;
};

static inline const char *cenv_mf_cstr(const struct cenv_manifest *m,
                                       struct cenv_mf_text text)
{
    return m->texts + text.at;
}

static inline struct cenv_str cenv_mf_str(const struct cenv_manifest *m,
                                          struct cenv_mf_text text)
{
    return cenv_str_n(m->texts + text.at, text.len);
}

/* Where a relocated file's time goes: another second than any bytecode made of it claims. */
static inline int64_t cenv_mf_new_mtime(const struct cenv_mf_file *file)
{
    const int64_t second = 1000000000;
    if (!(file->flags & CENV_MF_PYTHON))
        return file->mtime_ns;
    return file->mtime_ns + (file->mtime_ns >= 2 * second ? -second : second);
}

/* The sites of a relocated file; borrowed from the manifest, nothing to release. */
struct cenv_sites cenv_mf_sites(const struct cenv_manifest *m,
                                const struct cenv_mf_reloc *reloc);

/* Takes over a heap block (cenv_malloc), also when it fails. CENV_EINTEGRITY: not a manifest. */
int cenv_manifest_from_block(struct cenv_manifest **out, char *block, size_t len,
                             struct cenv_error *err);

/* Maps a manifest written by cenv_manifest_save, and checks it, unless `checked` (or NULL) has it.
 * CENV_EOS: not there; CENV_EINTEGRITY: not one. */
int cenv_manifest_open(struct cenv_manifest **out, int dirfd, const char *name,
                       struct cenv_checked *checked, struct cenv_error *err);
int cenv_manifest_save(const struct cenv_manifest *manifest, int dirfd,
                       const char *name, struct cenv_error *err);
void cenv_manifest_free(struct cenv_manifest *manifest);

/* Signs a block whose header is complete but for magic, version, order and sum. */
void cenv_manifest_seal(char *block);

/*
 * Whether the file lies there as the manifest has it. A writer that gives a file its old time again
 * cannot give it its ctime; of an inode of several names the ctime is passed over, for others may
 * link to it this moment.
 */
bool cenv_mf_is_same(const struct cenv_mf_file *file, const struct cenv_stat *st);

/* Whether what was found in the file holds without a look into it: the ctime counts always. */
bool cenv_mf_is_current(const struct cenv_mf_file *file, const struct cenv_stat *st);

#endif
