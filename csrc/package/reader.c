/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One pass, front to back: file -> digests -> (ZIP member) -> decoder -> tar. What stands last in
 * the file is read too, so that the digests are those of all its bytes.
 */
#include "package/reader.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "codec/json.h"
#include "codec/readahead.h"
#include "codec/stream.h"
#include "codec/zip.h"
#include "os/fs.h"
#include "os/raw_data.h"

enum {
    AHEAD_MIN = 256 << 10,
    HASHED_AHEAD_MIN = 2 << 20,
    BLOCK = 256 << 10,
    METADATA_MAX = 64 << 10,
    STEM_MAX = 250
};

struct cenv_reader {
    struct cenv_package_source source;
    struct cenv_task *task;

    uint64_t size, offset; /* of the file; read so far */
    char *block;
    struct cenv_digest *sha256, *md5;
    struct cenv_readahead *hashed; /* the file, on a thread of its own, or NULL */
    struct cenv_input file;        /* that, or the file itself */

    bool conda, saw_info, saw_pkg, ended;
    char stem[STEM_MAX + 1];
    struct cenv_zip *zip;
    struct cenv_decoder *decoder;
    struct cenv_readahead *ahead;
    struct cenv_tar *tar;
    struct cenv_limits limits;
};

static int refuse_archive(const char *why, struct cenv_error *err)
{
    return cenv_error_set(err, CENV_EINTEGRITY, "%s", why);
}

/* ---- the file ---- */

static int file_fill(void *ctx, char *room, size_t size, size_t *len,
                     struct cenv_error *err)
{
    struct cenv_reader *reader = ctx;
    int rc = cenv_task_poll(reader->task, err);

    if (rc < 0)
        return rc;
    int64_t got = cenv_raw_pread(reader->source.fd, room, size, reader->offset);
    if (got < 0)
        return cenv_fs_fail(err, (int)got, reader->source.fd, NULL, "cannot read");
    reader->offset += (uint64_t)got;
    cenv_task_advance(reader->task, (uint64_t)got);
    if (!cenv_digest_update(reader->sha256, room, (size_t)got) ||
        (reader->md5 && !cenv_digest_update(reader->md5, room, (size_t)got)))
        return cenv_error_set(err, CENV_EFAIL, "cannot compute a digest");
    *len = (size_t)got;
    return 0;
}

static int file_read(void *ctx, const void **data, size_t *len, struct cenv_error *err)
{
    struct cenv_reader *reader = ctx;

    *data = reader->block;
    return file_fill(reader, reader->block, BLOCK, len, err);
}

/* Of all that is done to a large package decoding takes longest: its thread does nothing else. */
static int open_file(struct cenv_reader *reader, struct cenv_error *err)
{
    reader->file = (struct cenv_input){file_read, reader, file_fill};
    if (!reader->source.ahead || reader->size < HASHED_AHEAD_MIN)
        return 0;
    int rc = cenv_readahead_new(&reader->hashed, reader->file, err);
    if (rc == 0)
        reader->file = cenv_readahead_input(reader->hashed);
    return rc;
}

bool cenv_reader_is_ahead(const struct cenv_reader *reader)
{
    return reader->source.ahead && reader->size >= AHEAD_MIN;
}

/* ---- tar archives in it ---- */

static void close_tar(struct cenv_reader *reader)
{
    cenv_tar_free(reader->tar);
    cenv_readahead_free(
        reader->ahead); /* its thread is done with the file from here on */
    cenv_decoder_free(reader->decoder);
    reader->tar = NULL;
    reader->ahead = NULL;
    reader->decoder = NULL;
}

static int open_tar(struct cenv_reader *reader, enum cenv_codec codec,
                    struct cenv_input from, struct cenv_error *err)
{
    struct cenv_input bytes;
    int rc = cenv_decoder_new(&reader->decoder, codec, from, reader->limits.bytes, err);

    if (rc < 0)
        return rc;
    bytes = cenv_input_decoder(reader->decoder);
    if (cenv_reader_is_ahead(reader)) {
        rc = cenv_readahead_new(&reader->ahead, bytes, err);
        if (rc < 0)
            return rc;
        bytes = cenv_readahead_input(reader->ahead);
    }
    return cenv_tar_open(&reader->tar, bytes, err);
}

/* ---- members of the .conda ---- */

/*
 * metadata.json says which format this is: {"conda_pkg_format_version": 2}. Some packages lack it
 * or have it deflated, which conda-package-streaming and rattler take for version 2.
 */
static int read_metadata(struct cenv_reader *reader, struct cenv_error *err)
{
    struct cenv_input from = cenv_zip_input(reader->zip);
    struct cenv_json *doc = NULL;
    struct cenv_buf text;
    const void *data;
    size_t len = 1;
    int rc = 0;

    cenv_buf_init(&text, METADATA_MAX);
    while (rc == 0 && len > 0) {
        rc = from.read(from.ctx, &data, &len, err);
        if (rc == 0 && !cenv_buf_add(&text, data, len))
            rc = text.failed == CENV_BUF_FULL
                     ? refuse_archive("metadata.json is too large", err)
                     : cenv_error_oom(err);
    }
    if (rc == 0)
        rc = cenv_json_parse(&doc, cenv_buf_str(&text), "metadata.json", err);
    if (rc == 0 && cenv_json_get_int(doc, "conda_pkg_format_version", 0) != 2) {
        refuse_archive("it is of another .conda format than version 2", err);
        rc = cenv_error_hint(err, "a newer cenv may know it");
    }
    cenv_json_free(doc);
    cenv_buf_release(&text);
    return rc;
}

/* "info-STEM.tar.zst" -> STEM, when `kind` is "info-". */
static bool inner_stem(const char *name, const char *kind, struct cenv_str *stem)
{
    struct cenv_str text = cenv_str(name);
    size_t head = strlen(kind), tail = strlen(".tar.zst");

    if (!cenv_str_starts(text, cenv_str(kind)) ||
        !cenv_str_ends(text, CENV_STR(".tar.zst")) || text.len <= head + tail)
        return false;
    *stem = cenv_str_slice(text, head, text.len - tail);
    return true;
}

static int open_inner(struct cenv_reader *reader, struct cenv_str stem, bool *saw,
                      struct cenv_error *err)
{
    if (*saw)
        return refuse_archive("it holds two archives of one kind", err);
    if (stem.len > STEM_MAX || (reader->stem[0] && !cenv_str_is(stem, reader->stem)))
        return refuse_archive("its two inner archives have different names", err);
    *saw = true;
    memcpy(reader->stem, stem.data, stem.len);
    reader->stem[stem.len] = '\0';
    return open_tar(reader, CENV_CODEC_ZSTD, cenv_zip_input(reader->zip), err);
}

/* Goes on to the next member of the ZIP; 1, or 0 at its end. Opens `tar` when it is an archive. */
static int next_inner(struct cenv_reader *reader, struct cenv_error *err)
{
    const struct cenv_zip_member *member;
    struct cenv_str stem;
    int rc = cenv_zip_next(reader->zip, &member, err);

    if (rc < 0)
        return rc;
    if (rc == 0 && !(reader->saw_info && reader->saw_pkg))
        return refuse_archive("it lacks its info archive or pkg archive", err);
    if (rc == 0)
        return 0;
    if (strcmp(member->name, "metadata.json") == 0 && !member->deflated)
        rc = read_metadata(reader, err);
    else if (inner_stem(member->name, "info-", &stem))
        rc = open_inner(reader, stem, &reader->saw_info, err);
    else if (inner_stem(member->name, "pkg-", &stem))
        rc = open_inner(reader, stem, &reader->saw_pkg, err);
    else if (cenv_str_ends(cenv_str(member->name), CENV_STR(".zst")))
        rc = refuse_archive("it holds an archive that is neither info nor pkg", err);
    else
        rc = 0; /* signatures and the like: read past */
    return rc < 0 ? rc : 1;
}

/* What the directory at the end of the .conda says of the member at `offset`. */
static int find_member(void *ctx, uint64_t offset, uint64_t *size, uint32_t *crc,
                       struct cenv_error *err)
{
    struct cenv_reader *reader = ctx;
    size_t len = reader->size < CENV_ZIP_DIRECTORY_MAX ? (size_t)reader->size
                                                       : CENV_ZIP_DIRECTORY_MAX;
    char *end = cenv_malloc(len + 1);
    if (!end)
        return cenv_error_oom(err);
    int64_t got = cenv_raw_pread(reader->source.fd, end, len, reader->size - len);
    bool found =
        got == (int64_t)len &&
        cenv_zip_find_member(cenv_str_n(end, len), reader->size, offset, size, crc);
    cenv_free(end);
    if (got < 0)
        return cenv_fs_fail(err, (int)got, reader->source.fd, NULL, "cannot read");
    return found ? 0
                 : refuse_archive("it has a data descriptor, and no directory that "
                                  "tells its size",
                                  err);
}

/* ---- the interface ---- */

static int open_format(struct cenv_reader *reader, struct cenv_error *err)
{
    struct cenv_str name = cenv_str(reader->source.name);

    reader->conda = cenv_str_ends(name, CENV_STR(".conda"));
    if (reader->conda) {
        int rc = cenv_zip_open(&reader->zip, reader->file, err);
        if (rc == 0)
            cenv_zip_ask_directory(reader->zip, find_member, reader);
        return rc;
    }
    if (cenv_str_ends(name, CENV_STR(".tar.bz2")))
        return open_tar(reader, CENV_CODEC_BZIP2, reader->file, err);
    cenv_error_set(err, CENV_EUSAGE, "'%s' is no conda package", reader->source.name);
    return cenv_error_hint(err, "packages end in .conda or .tar.bz2");
}

static int init_reader(struct cenv_reader *reader, struct cenv_error *err)
{
    struct cenv_stat st;
    int raw = cenv_raw_stat_fd(reader->source.fd, &st);

    if (raw < 0)
        return cenv_fs_fail(err, raw, reader->source.fd, NULL, "cannot look at");
    reader->size = st.size;
    cenv_limits_init(&reader->limits, st.size);
    reader->block = cenv_malloc(BLOCK);
    reader->sha256 = cenv_digest_new(CENV_SHA256);
    if (reader->source.md5)
        reader->md5 = cenv_digest_new(CENV_MD5);
    if (!reader->block || !reader->sha256 || (reader->source.md5 && !reader->md5))
        return cenv_error_oom(err);
    int rc = open_file(reader, err);
    if (rc == 0)
        rc = open_format(reader, err);
    return rc;
}

int cenv_reader_open(struct cenv_reader **out, const struct cenv_package_source *source,
                     struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_reader *reader = cenv_calloc(1, sizeof(*reader));
    int rc;

    if (!reader)
        return cenv_error_oom(err);
    reader->source = *source;
    reader->task = task;
    rc = init_reader(reader, err);
    if (rc < 0)
        cenv_reader_free(reader);
    else
        *out = reader;
    return rc;
}

void cenv_reader_free(struct cenv_reader *reader)
{
    if (!reader)
        return;
    close_tar(reader);
    cenv_zip_free(reader->zip);
    cenv_readahead_free(reader->hashed);
    cenv_digest_free(reader->sha256);
    cenv_digest_free(reader->md5);
    cenv_free(reader->block);
    cenv_free(reader);
}

static int count_member(struct cenv_reader *reader, const struct cenv_member *member,
                        struct cenv_error *err)
{
    if (!cenv_limits_take(&reader->limits.entries, 1))
        return refuse_archive("it has more members than a package of its size may have",
                              err);
    if (!cenv_limits_take(&reader->limits.names, member->path.len + member->link.len))
        return refuse_archive("it has longer names than a package of its size may have",
                              err);
    return 1;
}

int cenv_reader_next(struct cenv_reader *reader, struct cenv_member *member,
                     struct cenv_error *err)
{
    int rc = 1;

    while (rc == 1 && !reader->ended) {
        if (reader->tar) {
            rc = cenv_tar_next(reader->tar, member, err);
            if (rc == 1)
                rc = count_member(reader, member, err);
            if (rc != 0)
                return rc;
            close_tar(reader);
        }
        rc = reader->conda ? next_inner(reader, err) : 0;
    }
    reader->ended |= rc == 0;
    return rc < 0 ? rc : 0;
}

int cenv_reader_data(struct cenv_reader *reader, const void **data, size_t *len,
                     struct cenv_error *err)
{
    int rc = cenv_tar_data(reader->tar, data, len, err);

    if (rc == 1 && !cenv_limits_take(&reader->limits.bytes, *len))
        return refuse_archive("it expands to more than is allowed", err);
    return rc;
}

struct cenv_limits *cenv_reader_limits(struct cenv_reader *reader)
{
    return &reader->limits;
}

const char *cenv_reader_stem(const struct cenv_reader *reader)
{
    return reader->stem;
}

/* ---- digests ---- */

static int drain_file(struct cenv_reader *reader, struct cenv_error *err)
{
    const void *data;
    size_t len = 1;
    int rc = 0;

    while (rc == 0 && len > 0)
        rc = reader->file.read(reader->file.ctx, &data, &len, err);
    if (rc == 0 && reader->size != reader->offset)
        rc = refuse_archive("it changed while it was read", err);
    return rc;
}

static int fail_digest(const char *kind, const char *want, const char *got,
                       struct cenv_error *err)
{
    cenv_error_set(err, CENV_EINTEGRITY, "its %s is %s, not %s as expected", kind, got,
                   want);
    return cenv_error_hint(err,
                           "the file is damaged or not the one that was asked for: "
                           "fetch it again");
}

/* Channels write them in lower case, and some lists of packages in upper case. */
static bool is_digest(const char *want, const char *got)
{
    struct cenv_str text = cenv_str(want);
    return text.len == strlen(got) && cenv_str_starts_nocase(text, cenv_str(got));
}

static int compare_digests(const struct cenv_package_want *want,
                           const struct cenv_package_digests *got,
                           struct cenv_error *err)
{
    char sizes[2][24];

    if (want->size && want->size != got->size) {
        snprintf(sizes[0], sizeof(sizes[0]), "%llu", (unsigned long long)want->size);
        snprintf(sizes[1], sizeof(sizes[1]), "%llu", (unsigned long long)got->size);
        return fail_digest("size", sizes[0], sizes[1], err);
    }
    if (want->sha256 && !is_digest(want->sha256, got->sha256))
        return fail_digest("SHA-256", want->sha256, got->sha256, err);
    if (!want->sha256 && want->md5 && !is_digest(want->md5, got->md5))
        return fail_digest("MD5", want->md5, got->md5, err);
    return 0;
}

int cenv_reader_finish(struct cenv_reader *reader, const struct cenv_package_want *want,
                       int rc, struct cenv_package_digests *digests,
                       struct cenv_error *err)
{
    struct cenv_package_digests got = {.size = reader->size};
    struct cenv_error second = CENV_ERROR_INIT;
    int end;

    close_tar(reader);
    if (rc < 0 && rc != CENV_EINTEGRITY)
        return rc;
    end = drain_file(reader, &second);
    if (end == 0 && (!cenv_digest_hex(reader->sha256, got.sha256) ||
                     (reader->md5 && !cenv_digest_hex(reader->md5, got.md5))))
        end = cenv_error_set(&second, CENV_EFAIL, "cannot compute a digest");
    if (end == 0)
        end = compare_digests(want, &got, &second);
    if (end < 0) {
        cenv_error_release(err);
        cenv_error_move(err, &second);
        return end;
    }
    if (rc == 0)
        *digests = got;
    return rc;
}
