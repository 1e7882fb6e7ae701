/* SPDX-License-Identifier: BSD-3-Clause */
/* Errors: one status per Python exception class, one message that names what, which and where. */
#ifndef CENV_BASE_ERROR_H
#define CENV_BASE_ERROR_H

#include <stdarg.h>
#include <stddef.h>

#include "base/format.h"

/*
 * XX(name, number, Python class). A status is -1024 minus its number, so that none can be mistaken
 * for a -errno. The numbers are stable; the binding maps them to classes by this table.
 *
 *   EFAIL        what was asked for cannot be done, for a reason that is none of those below
 *   EUSAGE       the caller's arguments, options or configuration make no sense
 *   ESPEC        a version, MatchSpec or other text of the user does not parse
 *   EUNSAT       no set of packages meets the request
 *   ECHANNEL     a channel is missing, unreachable or no channel
 *   EINTEGRITY   bytes are not what their record, format or hash promises
 *   EPREFIX      an environment is absent, damaged, or does not fit its place
 *   ELINK        files cannot be put into a prefix, or not in the mode asked for
 *   EOS          the system refused a call; os_errno and path say which
 *   ENOMEM       memory, or the room that a buffer was born with, is used up
 *   ECANCELLED   the task was asked to stop
 *   EREMOTE      a remote, where templates are shared, cannot be reached or refuses
 */
#define CENV_STATUS_MAP(XX) \
    XX(EFAIL, 0, "CenvError") \
    XX(EUSAGE, 1, "UsageError") \
    XX(ESPEC, 2, "SpecError") \
    XX(EUNSAT, 3, "UnsatisfiableError") \
    XX(ECHANNEL, 4, "ChannelError") \
    XX(EINTEGRITY, 5, "IntegrityError") \
    XX(EPREFIX, 6, "PrefixError") \
    XX(ELINK, 7, "LinkError") \
    XX(EOS, 8, "OSError") \
    XX(ENOMEM, 9, "MemoryError") \
    XX(ECANCELLED, 10, "KeyboardInterrupt") \
    XX(EREMOTE, 11, "RemoteError")

enum { CENV_STATUS_FIRST = -1024 };

enum cenv_status {
    CENV_OK = 0,
#define XX(name, number, class) CENV_##name = CENV_STATUS_FIRST - (number),
    CENV_STATUS_MAP(XX)
#undef XX
};

#define XX(name, number, class) +1
enum { CENV_NR_STATUS = 0 CENV_STATUS_MAP(XX) };
#undef XX

enum { CENV_MESSAGE_MAX = 2048, CENV_HINT_MAX = 512, CENV_ERRPATH_MAX = 4096 };

/*
 * The caller owns the struct, zero-initialised (CENV_ERROR_INIT). The first error set wins; later
 * sets are ignored, so that a cleanup cannot hide the cause. No allocation while failing, but for
 * `detail`.
 */
struct cenv_error {
    int status;                     /* enum cenv_status, 0 when no error is set */
    int os_errno;                   /* for CENV_EOS, else 0 */
    char message[CENV_MESSAGE_MAX]; /* UTF-8, no newline at the end, no "error:" */
    char hint[CENV_HINT_MAX];       /* what to do next, or "" */
    char path[CENV_ERRPATH_MAX];    /* for CENV_EOS: the file, as bytes, or "" */
    /* A JSON object with further keys ("conflict", "tree") on the heap, or NULL. */
    char *detail;
};

#define CENV_ERROR_INIT \
    { \
        0 \
    }

/* Frees `detail` and clears the struct, which can be used again. */
void cenv_error_release(struct cenv_error *err);

/* Sets status and message, without the secrets of URLs in it; returns `status`, so that
 * `return cenv_error_set(...)` reads well. */
int cenv_error_set(struct cenv_error *err, int status, const char *format, ...)
    CENV_PRINTF(3, 4);
int cenv_error_vset(struct cenv_error *err, int status, const char *format,
                    va_list args) CENV_PRINTF(3, 0);

/* The system's text for an errno, in `room` of `size` bytes or a literal; for any thread. */
const char *cenv_error_text(int number, char *room, size_t size);

/* An operating system failure on `path` (may be NULL): "what 'path': strerror". CENV_EOS; ENOMEM is
 * CENV_ENOMEM, whoever lacked it. */
int cenv_error_os(struct cenv_error *err, int os_errno, const char *path,
                  const char *format, ...) CENV_PRINTF(4, 5);

/* Out of memory: CENV_ENOMEM. */
int cenv_error_oom(struct cenv_error *err);

/* Adds what to do next; returns the error's status. A hint already there stays. */
int cenv_error_hint(struct cenv_error *err, const char *format, ...) CENV_PRINTF(2, 3);

/* Puts "text: " before the message ("package numpy-1.2-0: ..."); returns the error's status. */
int cenv_error_prefix(struct cenv_error *err, const char *format, ...)
    CENV_PRINTF(2, 3);

/* Moves `from` into `to` when `to` holds no error yet, and releases `from`. */
int cenv_error_move(struct cenv_error *to, struct cenv_error *from);

#endif
