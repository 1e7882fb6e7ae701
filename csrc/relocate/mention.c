/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The text is read a character at a time, escapes undone, by the automaton of Knuth, Morris and
 * Pratt. Between occurrences only the few bytes with which one can begin are looked for, sixteen at
 * a time.
 */
#include "relocate/mention.h"

#include "relocate/escape.h"

/* Bytes read between two polls. */
enum { SLICE = 1 << 20 };

void cenv_mention_init(struct cenv_mention_search *s, struct cenv_str data,
                       struct cenv_str path)
{
    s->data = data;
    s->path = cenv_str_slice(path, 0, CENV_PREFIX_MAX);
    s->pos = s->len = 0;
    s->matched = s->units = 0;
    for (size_t i = 0, k = 0; i < s->path.len; i++) {
        while (i && k && s->path.data[i] != s->path.data[k])
            k = s->failure[k - 1];
        k += i && s->path.data[i] == s->path.data[k];
        s->failure[i] = (uint16_t)k;
    }
}

static bool may_begin(char first, char c)
{
    return c == first || c == '\\' || c == '%' || c == '&';
}

/* The first place in [pos, end) where an occurrence may begin, or `end`. */
static uint64_t skip_plain(const struct cenv_mention_search *s, uint64_t pos,
                           uint64_t end)
{
    typedef unsigned char bytes __attribute__((vector_size(16)));
    char first = s->path.data[0];
    for (uint64_t any[2]; end - pos >= sizeof(bytes); pos += sizeof(bytes)) {
        bytes block;
        memcpy(&block, s->data.data + pos, sizeof(block));
        block = (bytes)((block == (unsigned char)first) | (block == '\\') |
                        (block == '%') | (block == '&'));
        memcpy(any, &block, sizeof(any));
        if (any[0] | any[1])
            break;
    }
    while (pos < end && !may_begin(first, s->data.data[pos]))
        pos++;
    return pos;
}

static void take_byte(struct cenv_mention_search *s, char byte)
{
    s->from[s->units++ % CENV_PREFIX_MAX] = s->pos;
    while (s->matched && s->path.data[s->matched] != byte)
        s->matched = s->failure[s->matched - 1];
    s->matched += s->path.data[s->matched] == byte;
}

static unsigned encode_utf8(uint32_t point, char *out)
{
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    unsigned len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (unsigned i = len; i-- > 1; point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)(lead[len > 1 ? len : 0] | point);
    return len;
}

/* A byte above 0x7f stands for itself in C, where it is a part of UTF-8; else for U+0080 on. */
static bool is_lone_byte(const struct cenv_mention_search *s,
                         const struct cenv_escape *escape)
{
    if (!escape->byte || escape->point < 0x80)
        return false;
    bool expected = s->path.data[s->matched] == (char)escape->point;
    return !expected && s->data.data[s->pos] == '\\';
}

/* An escaped character: its bytes in UTF-8, but for what stands for one byte of a name. */
static void take_escape(struct cenv_mention_search *s, const struct cenv_escape *escape)
{
    uint32_t point = escape->point;
    char utf8[4];
    if (point >= 0xdc80 && point < 0xdd00) {
        take_byte(s, (char)(point - 0xdc00));
    } else if (escape->byte && !is_lone_byte(s, escape)) {
        take_byte(s, (char)point);
    } else {
        unsigned len = encode_utf8(point & 0x1fffff, utf8);
        for (unsigned i = 0; i < len && s->matched < s->path.len; i++)
            take_byte(s, utf8[i]);
    }
}

static bool begins_escape(char c)
{
    return c == '\\' || c == '%' || c == '&' || c == '\'' || c == '"';
}

/* One character, from s->pos on. */
static void take_unit(struct cenv_mention_search *s)
{
    struct cenv_escape escape;
    char c = s->data.data[s->pos];
    if (begins_escape(c) &&
        cenv_escape_read(cenv_str_slice(s->data, s->pos, s->pos + CENV_ESCAPE_MAX),
                         &escape)) {
        bool quote = c == '\'' || c == '"';
        /* Two quotes are one only within a path that has one there. */
        if (!quote || (s->matched && s->path.data[s->matched] == c)) {
            take_escape(s, &escape);
            s->pos += escape.len;
            return;
        }
    }
    take_byte(s, c);
    s->pos++;
}

int cenv_mention_next(struct cenv_mention_search *s, struct cenv_task *task,
                      struct cenv_error *err)
{
    uint64_t end = s->path.len ? s->data.len : 0, next_poll = s->pos + SLICE;
    s->matched = 0;
    while (s->pos < end) {
        if (s->matched == 0)
            s->pos = skip_plain(s, s->pos, end < next_poll ? end : next_poll);
        if (s->pos >= next_poll) {
            int rc = cenv_task_poll(task, err);
            if (rc < 0)
                return rc;
            next_poll = s->pos + SLICE;
        }
        if (s->pos >= end)
            return 0;
        take_unit(s);
        if (s->matched == s->path.len) {
            s->len = s->pos - s->from[(s->units - s->path.len) % CENV_PREFIX_MAX];
            return 1;
        }
    }
    return 0;
}
