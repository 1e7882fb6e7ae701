/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading an archive of templates, member by member; archive.h has its format. */
#ifndef CENV_ARCHIVE_ARCHIVE_READER_H
#define CENV_ARCHIVE_ARCHIVE_READER_H

#include "base/digest.h"
#include "base/task.h"
#include "codec/json.h"
#include "codec/limits.h"
#include "codec/tar.h"

struct cenv_archive_reader {
    int file;
    uint64_t offset; /* in the file */
    char *block;
    struct cenv_decoder *decoder;
    struct cenv_readahead *ahead;
    struct cenv_tar *tar;
    struct cenv_member member; /* in hand */
    struct cenv_limits limits; /* what it may still expand to */
    struct cenv_task *task;
    struct cenv_error *err;
};

/* What it may expand to is bounded, as for packages. Close it after a failure too. */
int cenv_archive_reader_open(struct cenv_archive_reader *reader, const char *path,
                             struct cenv_task *task, struct cenv_error *err);
void cenv_archive_reader_close(struct cenv_archive_reader *reader);

/* 1: the next member is in hand; 0 at the end; or a status. */
int cenv_archive_reader_next(struct cenv_archive_reader *reader);

/* The member in hand as JSON, called `what` in messages, and the SHA-256 of its text. */
int cenv_archive_reader_text(struct cenv_archive_reader *reader, const char *what,
                             struct cenv_json **out, char hex[CENV_DIGEST_HEX_MAX]);

/* Counts what the archive makes: members (those handed out are counted) and directories. */
int cenv_archive_reader_count(struct cenv_archive_reader *reader, uint64_t entries);

/* CENV_EINTEGRITY: what is wrong with the archive, or with the member in hand. */
int cenv_archive_reader_refuse(struct cenv_archive_reader *reader, const char *why);
int cenv_archive_reader_refuse_member(struct cenv_archive_reader *reader,
                                      const char *why);

#endif
