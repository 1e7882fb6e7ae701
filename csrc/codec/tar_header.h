/* SPDX-License-Identifier: BSD-3-Clause */
/* The header record of POSIX ustar, as it lies in an archive. */
#ifndef CENV_CODEC_TAR_HEADER_H
#define CENV_CODEC_TAR_HEADER_H

#include <stddef.h>
#include <stdint.h>

enum { CENV_TAR_RECORD = 512 };

struct cenv_tar_header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8];
    char type;
    char link[100], magic[6], version[2], uname[32], gname[32], major[8], minor[8],
        prefix[155], pad[12];
};
_Static_assert(sizeof(struct cenv_tar_header) == CENV_TAR_RECORD,
               "a header is one record");

/* The sum of all bytes, those of the field itself taken for blanks. */
static inline uint64_t cenv_tar_checksum(const struct cenv_tar_header *header)
{
    const unsigned char *bytes = (const unsigned char *)header;
    const size_t from = offsetof(struct cenv_tar_header, checksum);
    uint32_t sum = (uint32_t)sizeof(header->checksum) * ' ';

    for (size_t i = 0; i < sizeof(*header); i++)
        sum += bytes[i];
    for (size_t i = from; i < from + sizeof(header->checksum); i++)
        sum -= bytes[i];
    return sum;
}

#endif
