/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of the parser of MatchSpecs share: see specparser.h. */
#include "model/specparser.h"

#include <stdint.h>

#include "base/buf.h"
#include "base/redact.h"
#include "model/chars.h"

static size_t column_of(const struct cenv_specparser *p, const char *at)
{
    uintptr_t text = (uintptr_t)p->text.data, where = (uintptr_t)at;
    return where >= text && where <= text + p->text.len ? where - text + 1 : 1;
}

int cenv_specparser_locate(struct cenv_specparser *p, const char *at)
{
    struct cenv_buf quoted;

    if (p->err->status == CENV_ENOMEM)
        return CENV_ENOMEM;
    cenv_buf_init(&quoted, 4 * CENV_MATCHSPEC_MAX);
    cenv_redact(&quoted, p->text);
    struct cenv_str shown = cenv_str_slice(cenv_buf_str(&quoted), 0, 400);
    int rc = cenv_error_prefix(p->err, "spec '%.*s', column %zu", CENV_STR_ARG(shown),
                               column_of(p, at));
    cenv_buf_release(&quoted);
    return rc;
}

int cenv_specparser_refuse(struct cenv_specparser *p, const char *at, const char *wrong)
{
    cenv_error_set(p->err, CENV_ESPEC, "%s", wrong);
    return cenv_specparser_locate(p, at);
}

int cenv_specparser_oom(struct cenv_specparser *p)
{
    return cenv_error_oom(p->err);
}

struct cenv_matchspec_more *cenv_specparser_more(struct cenv_specparser *p)
{
    if (!p->more)
        p->more = cenv_arena_calloc(p->arena, 1, sizeof(*p->more));
    if (!p->more)
        cenv_error_oom(p->err);
    return p->more;
}

unsigned cenv_specparser_classes(struct cenv_str text)
{
    unsigned classes = 0;

    for (size_t i = 0; i < text.len; i++)
        classes |= cenv_char_classes[(unsigned char)text.data[i]];
    return classes;
}

const char *cenv_specparser_check(struct cenv_str text, unsigned classes)
{
    if (text.len > CENV_MATCHSPEC_MAX)
        return "the spec is too long";
    return classes & CENV_CHAR_CONTROL ? "the spec holds a control character" : NULL;
}
