/* SPDX-License-Identifier: BSD-3-Clause */
/* A borrowed span of bytes, the argument type of every parser. */
#ifndef CENV_BASE_STR_H
#define CENV_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Not NUL-terminated, not owned; `data` may be NULL only when len is 0. */
struct cenv_str {
    const char *data;
    size_t len;
};

#define CENV_STR(literal) ((struct cenv_str){"" literal, sizeof(literal) - 1})
#define CENV_STR_ARG(s)   (int)(s).len, (s).data /* for "%.*s" */

static inline struct cenv_str cenv_str(const char *text)
{
    return (struct cenv_str){text, text ? strlen(text) : 0};
}

static inline struct cenv_str cenv_str_n(const char *data, size_t len)
{
    return (struct cenv_str){data, len};
}

static inline bool cenv_str_eq(struct cenv_str a, struct cenv_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool cenv_str_is(struct cenv_str a, const char *text)
{
    return cenv_str_eq(a, cenv_str(text));
}

/* Bytewise order, a prefix before the longer string. */
static inline int cenv_str_cmp(struct cenv_str a, struct cenv_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.data, b.data, n) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static inline bool cenv_str_starts(struct cenv_str s, struct cenv_str head)
{
    return s.len >= head.len &&
           (head.len == 0 || memcmp(s.data, head.data, head.len) == 0);
}

static inline bool cenv_str_ends(struct cenv_str s, struct cenv_str tail)
{
    return s.len >= tail.len && (tail.len == 0 || memcmp(s.data + s.len - tail.len,
                                                         tail.data, tail.len) == 0);
}

/* s[from:to], both clamped to the length. */
static inline struct cenv_str cenv_str_slice(struct cenv_str s, size_t from, size_t to)
{
    to = to > s.len ? s.len : to;
    from = from > to ? to : from;
    return (struct cenv_str){s.data ? s.data + from : s.data, to - from};
}

/* Index of the first (last) `c`, or s.len when there is none. */
static inline size_t cenv_str_find(struct cenv_str s, char c)
{
    const char *at = s.len ? memchr(s.data, c, s.len) : NULL;
    return at ? (size_t)(at - s.data) : s.len;
}

static inline size_t cenv_str_rfind(struct cenv_str s, char c)
{
#ifdef __GLIBC__
    const char *at = s.len ? memrchr(s.data, c, s.len) : NULL;
    return at ? (size_t)(at - s.data) : s.len;
#else
    for (size_t i = s.len; i > 0; i--)
        if (s.data[i - 1] == c)
            return i - 1;
    return s.len;
#endif
}

/* The first place of `needle` in `data`, or NULL; an empty needle is found at once. */
static inline const char *cenv_find_bytes(const void *data, size_t len,
                                          const void *needle, size_t needle_len)
{
#ifndef _WIN32
    return (const char *)memmem(data, len, needle, needle_len);
#else
    const char *at = (const char *)data, *end = at + len;
    while (needle_len && at && (size_t)(end - at) >= needle_len) {
        at = (const char *)memchr(at, *(const char *)needle,
                                  (size_t)(end - at) - needle_len + 1);
        if (at && memcmp(at, needle, needle_len) == 0)
            return at;
        at = at ? at + 1 : NULL;
    }
    return needle_len ? NULL : at;
#endif
}

static inline bool cenv_is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool cenv_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool cenv_is_alpha(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static inline bool cenv_is_alnum(char c)
{
    return cenv_is_alpha(c) || cenv_is_digit(c);
}

static inline char cenv_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Whether `s` begins with `head`, upper and lower case of ASCII taken for the same. */
static inline bool cenv_str_starts_nocase(struct cenv_str s, struct cenv_str head)
{
    for (size_t i = 0; i < head.len; i++)
        if (i >= s.len || cenv_lower(s.data[i]) != cenv_lower(head.data[i]))
            return false;
    return true;
}

/* Without blanks (space, tab, CR, LF, VT, FF) at both ends. */
static inline struct cenv_str cenv_str_trim(struct cenv_str s)
{
    while (s.len && cenv_is_blank(s.data[0]))
        s = cenv_str_slice(s, 1, s.len);
    while (s.len && cenv_is_blank(s.data[s.len - 1]))
        s.len--;
    return s;
}

/* Takes the part before the first `sep` off *rest (the whole when there is none). */
static inline struct cenv_str cenv_str_cut(struct cenv_str *rest, char sep)
{
    size_t at = cenv_str_find(*rest, sep);
    struct cenv_str head = cenv_str_slice(*rest, 0, at);
    *rest = cenv_str_slice(*rest, at + 1, rest->len);
    return head;
}

#endif
