/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes of open files: reading, writing all, mapping. */
#ifndef CENV_OS_RAW_DATA_H
#define CENV_OS_RAW_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

int64_t cenv_raw_read(int fd, void *data, size_t len); /* one read, EINTR retried */
/* Until `len` or the end. */
int64_t cenv_raw_pread(int fd, void *data, size_t len, uint64_t at);

/* Writes go on until all is written. */
int cenv_raw_write(int fd, const void *data, size_t len);
int cenv_raw_pwrite(int fd, const void *data, size_t len, uint64_t at);
/* Several pieces, one behind the other, in as few calls as the system allows. */
int cenv_raw_writev(int fd, const struct cenv_str *pieces, size_t nr);
int cenv_raw_pwritev(int fd, const struct cenv_str *pieces, size_t nr, uint64_t at);
int cenv_raw_truncate(int fd, uint64_t size);

/* A file mapped read-only; `data` is "" for an empty one. Do not map files others may truncate. */
struct cenv_mapping {
    const char *data;
    size_t len;
};
int cenv_raw_map_fd(int fd, struct cenv_mapping *out);
void cenv_mapping_release(struct cenv_mapping *mapping); /* zero-initialised is fine */
/* Lets go of the memory behind whole pages of a mapping; they are read again when touched. */
void cenv_raw_forget(const char *at, size_t len);

#endif
