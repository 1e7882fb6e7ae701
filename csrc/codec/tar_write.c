/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing tar: see tar_write.h. */
#include "codec/tar_write.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "codec/tar_header.h"

static int write_bytes(struct cenv_output to, const void *data, size_t len,
                       struct cenv_error *err)
{
    return len ? to.write(to.ctx, data, len, err) : 0;
}

static void set_octal(char *to, size_t size, uint64_t value)
{
    for (size_t at = size - 1; at-- > 0; value >>= 3)
        to[at] = (char)('0' + (value & 7));
}

static int put_record(struct cenv_tar_header *header, struct cenv_output to,
                      struct cenv_error *err)
{
    memcpy(header->magic, "ustar", sizeof(header->magic));
    memcpy(header->version, "00", sizeof(header->version));
    set_octal(header->checksum, 7, cenv_tar_checksum(header));
    header->checksum[7] = ' ';
    return write_bytes(to, header, sizeof(*header), err);
}

/* "LEN KEY=VALUE\n", where LEN counts its own digits. */
static void add_record(struct cenv_buf *out, const char *key, struct cenv_str value)
{
    size_t rest = strlen(key) + value.len + 3, digits = 1;

    while ((size_t)snprintf(NULL, 0, "%zu", rest + digits) > digits)
        digits++;
    cenv_buf_addf(out, "%zu %s=", rest + digits, key);
    cenv_buf_add_str(out, value);
    cenv_buf_putc(out, '\n');
}

/* Whether ustar's field of 100 bytes holds a name, and all readers decode it alike. */
static bool is_plain(struct cenv_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if ((unsigned char)name.data[i] >= 0x80)
            return false;
    }
    return name.len <= 100;
}

static void collect_pax(const struct cenv_member *member, struct cenv_buf *out)
{
    char text[48];

    if (!is_plain(member->path))
        add_record(out, "path", member->path);
    if (!is_plain(member->link))
        add_record(out, "linkpath", member->link);
    if (member->size > 077777777777ULL) {
        snprintf(text, sizeof(text), "%llu", (unsigned long long)member->size);
        add_record(out, "size", cenv_str(text));
    }
    if (member->mtime_ns > 0 && member->mtime_ns % 1000000000) {
        snprintf(text, sizeof(text), "%lld.%09lld",
                 (long long)(member->mtime_ns / 1000000000),
                 (long long)(member->mtime_ns % 1000000000));
        add_record(out, "mtime", cenv_str(text));
    }
}

static int put_pax(struct cenv_str records, struct cenv_output to,
                   struct cenv_error *err)
{
    struct cenv_tar_header header = {.name = "pax_header", .type = 'x'};
    int rc;

    set_octal(header.mode, sizeof(header.mode), 0644);
    set_octal(header.uid, sizeof(header.uid), 0);
    set_octal(header.gid, sizeof(header.gid), 0);
    set_octal(header.size, sizeof(header.size), records.len);
    set_octal(header.mtime, sizeof(header.mtime), 0);
    rc = put_record(&header, to, err);
    if (rc == 0)
        rc = write_bytes(to, records.data, records.len, err);
    if (rc == 0)
        rc = cenv_tar_write_padding(records.len, to, err);
    return rc;
}

int cenv_tar_write_header(const struct cenv_member *member, struct cenv_output to,
                          struct cenv_error *err)
{
    static const char types[] = {'0', '5', '2', '1'}; /* by enum cenv_member_type */
    struct cenv_tar_header header = {.type = types[member->type]};
    int64_t seconds = member->mtime_ns < 0 ? 0 : member->mtime_ns / 1000000000;
    struct cenv_buf records;
    int rc = 0;

    cenv_buf_init(&records, 1 << 20);
    collect_pax(member, &records);
    if (records.failed)
        rc = cenv_error_oom(err);
    if (rc == 0 && records.len > 0)
        rc = put_pax(cenv_buf_str(&records), to, err);
    cenv_buf_release(&records);
    if (rc < 0)
        return rc;
    memcpy(header.name, member->path.data,
           member->path.len < 100 ? member->path.len : 100);
    if (member->link.len)
        memcpy(header.link, member->link.data,
               member->link.len < 100 ? member->link.len : 100);
    set_octal(header.mode, sizeof(header.mode), member->mode & 07777);
    set_octal(header.uid, sizeof(header.uid), 0);
    set_octal(header.gid, sizeof(header.gid), 0);
    set_octal(header.size, sizeof(header.size), member->size);
    set_octal(header.mtime, sizeof(header.mtime), (uint64_t)seconds);
    return put_record(&header, to, err);
}

int cenv_tar_write_padding(uint64_t size, struct cenv_output to, struct cenv_error *err)
{
    static const char zeros[CENV_TAR_RECORD];

    return write_bytes(
        to, zeros, (CENV_TAR_RECORD - size % CENV_TAR_RECORD) % CENV_TAR_RECORD, err);
}

int cenv_tar_write_end(struct cenv_output to, struct cenv_error *err)
{
    static const char zeros[2 * CENV_TAR_RECORD];

    return write_bytes(to, zeros, sizeof(zeros), err);
}
