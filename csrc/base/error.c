/* SPDX-License-Identifier: BSD-3-Clause */
/* Errors: see error.h. */
#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/printable.h"
#include "base/redact.h"

/* A secret is found by what follows it: text is cut off after it was redacted, not before. */
enum { RAW_MAX = 4 * CENV_MESSAGE_MAX };

/* Explanations of the solver, and what a link script said. */
static bool has_lines(int status)
{
    return status == CENV_EUNSAT || status == CENV_ELINK;
}

/* What an error says has no secrets, and steers no terminal, whoever wrote it. */
static void CENV_PRINTF(4, 0)
    format_clean(char *out, size_t size, bool lines, const char *format, va_list args)
{
    char raw[RAW_MAX], clean[RAW_MAX];

    vsnprintf(raw, sizeof(raw), format, args);
    cenv_redact_into(clean, sizeof(clean), cenv_str(raw));
    cenv_printable_into(out, size, cenv_str(clean), lines);
}

void cenv_error_release(struct cenv_error *err)
{
    cenv_free(err->detail);
    err->detail = NULL;
    err->status = 0;
    err->os_errno = 0;
    err->message[0] = err->hint[0] = err->path[0] = '\0';
}

static bool is_inside_char(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* What names a file may be long, and the reason stands at the end: the middle gives way. */
static void take_message(struct cenv_error *err, const char *text)
{
    static const char gap[] = " ... ";
    size_t len = strlen(text), room = sizeof(err->message) - sizeof(gap);
    size_t head = room / 2, tail = len - room / 2;
    if (len < sizeof(err->message)) {
        memcpy(err->message, text, len + 1);
        return;
    }
    while (head && is_inside_char(text[head]))
        head--;
    while (tail < len && is_inside_char(text[tail]))
        tail++;
    snprintf(err->message, sizeof(err->message), "%.*s%s%s", (int)head, text, gap,
             text + tail);
}

int cenv_error_vset(struct cenv_error *err, int status, const char *format,
                    va_list args)
{
    assert(status <= CENV_STATUS_FIRST && status > CENV_STATUS_FIRST - CENV_NR_STATUS);
    if (err->status)
        return err->status;
    char text[RAW_MAX];
    err->status = status;
    format_clean(text, sizeof(text), has_lines(status), format, args);
    take_message(err, text);
    return status;
}

int cenv_error_set(struct cenv_error *err, int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int rc = cenv_error_vset(err, status, format, args);
    va_end(args);
    return rc;
}

/* GNU's strerror_r returns the text, that of POSIX fills `room`, and Windows has its own. */
const char *cenv_error_text(int number, char *room, size_t size)
{
#if defined(_WIN32)
    return strerror_s(room, size, number) == 0 ? room : "unknown error";
#elif defined(__GLIBC__)
    return strerror_r(number, room, size);
#else
    return strerror_r(number, room, size) == 0 ? room : "unknown error";
#endif
}

int cenv_error_os(struct cenv_error *err, int os_errno, const char *path,
                  const char *format, ...)
{
    if (err->status)
        return err->status;
    assert(os_errno >= 0 && os_errno < -CENV_STATUS_FIRST);
    if (os_errno == ENOMEM)
        return cenv_error_oom(err);
    char reason[128];
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    const char *text = cenv_error_text(os_errno, reason, sizeof(reason));
    err->os_errno = os_errno;
    snprintf(err->path, sizeof(err->path), "%s", path ? path : "");
    if (path)
        cenv_error_set(err, CENV_EOS, "%s '%s': %s", what, path, text);
    else
        cenv_error_set(err, CENV_EOS, "%s: %s", what, text);
    if (os_errno == EMFILE)
        cenv_error_hint(err,
                        "raise the limit of open files (ulimit -n), which is reached");
    return err->status;
}

int cenv_error_oom(struct cenv_error *err)
{
    return cenv_error_set(err, CENV_ENOMEM, "out of memory");
}

int cenv_error_hint(struct cenv_error *err, const char *format, ...)
{
    if (err->hint[0] == '\0') {
        va_list args;
        va_start(args, format);
        format_clean(err->hint, sizeof(err->hint), false, format, args);
        va_end(args);
    }
    return err->status;
}

int cenv_error_prefix(struct cenv_error *err, const char *format, ...)
{
    char text[RAW_MAX];
    va_list args;
    va_start(args, format);
    format_clean(text, CENV_MESSAGE_MAX, false, format, args);
    va_end(args);
    size_t len = strlen(text);
    if (strncmp(err->message, text, len) == 0 && err->message[len] == ':')
        return err->status; /* named already, by what failed */
    snprintf(text + len, sizeof(text) - len, ": %s", err->message);
    take_message(err, text);
    return err->status;
}

int cenv_error_move(struct cenv_error *to, struct cenv_error *from)
{
    if (to->status == 0) {
        *to = *from;
        from->detail = NULL;
    }
    cenv_error_release(from);
    return to->status;
}
