/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding and keeping sites. */
#include "relocate/sites.h"

#include <limits.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "relocate/needle.h"

void cenv_sites_release(struct cenv_sites *sites)
{
    cenv_free(sites->list);
    cenv_free(sites->line);
    *sites = (struct cenv_sites){0};
}

int cenv_sites_add(struct cenv_sites *sites, const struct cenv_site *site,
                   struct cenv_error *err)
{
    void *list = sites->list;
    if (!cenv_grow(&list, &sites->alloc, sites->nr, sizeof(*sites->list)))
        return cenv_error_oom(err);
    sites->list = list;
    sites->list[sites->nr++] = *site;
    return 0;
}

int cenv_sites_copy(struct cenv_sites *to, const struct cenv_sites *from,
                    struct cenv_error *err)
{
    struct cenv_sites made = *from;
    made.alloc = made.nr;
    made.list =
        from->nr ? cenv_reallocarray(NULL, from->nr, sizeof(*from->list)) : NULL;
    made.line = from->line ? cenv_memdup(from->line, from->line_len) : NULL;
    if ((from->nr && !made.list) || (from->line && !made.line)) {
        cenv_sites_release(&made);
        return cenv_error_oom(err);
    }
    if (from->nr)
        memcpy(made.list, from->list, from->nr * sizeof(*from->list));
    *to = made;
    return 0;
}

uint64_t cenv_sites_string_end(struct cenv_str data, uint64_t at, unsigned width)
{
    if (width == 1) {
        const char *nul = memchr(data.data + at, 0, data.len - at);
        return nul ? (uint64_t)(nul - data.data) : data.len;
    }
    static const char zero[4];
    while (at + width <= data.len && memcmp(data.data + at, zero, width) != 0)
        at += width;
    return at;
}

/* One scan: a file, how it is read, and what was found. */
struct scan {
    struct cenv_sites *sites;
    struct cenv_str data;
    enum cenv_file_mode mode;
    struct cenv_task *task;
    struct cenv_error *err;
};

static int check_count(const struct scan *s)
{
    if (s->sites->nr % 1024 == 0 && cenv_task_poll(s->task, s->err) < 0)
        return s->err->status;
    if (s->sites->nr < cenv_sites_max(s->data.len))
        return 0;
    return cenv_error_set(
        s->err, CENV_EINTEGRITY,
        "it names its placeholder more than %llu times, too often for a "
        "file of %zu bytes",
        (unsigned long long)s->sites->nr, s->data.len);
}

static int scan_form(struct scan *s, uint64_t from, struct cenv_str needle,
                     int encoding)
{
    bool binary = s->mode == CENV_MODE_BINARY;
    unsigned width = cenv_forms_width(encoding);
    uint64_t ends[4] = {0}, at = 0; /* by where in a unit strings begin */
    int rc;
    while ((rc = cenv_needle_find(s->data, from, needle, s->task, &at, s->err)) > 0) {
        /* Sites of one string come in a row: its end is looked for once. */
        uint64_t *end = &ends[at % width];
        if (binary && at >= *end)
            *end = cenv_sites_string_end(s->data, at + needle.len, width);
        struct cenv_site site = {.offset = at,
                                 .end = *end,
                                 .slot = (uint32_t)needle.len,
                                 .have = (uint32_t)needle.len,
                                 .kind = binary ? CENV_SITE_BINARY : CENV_SITE_TEXT,
                                 .encoding = (uint8_t)encoding};
        rc = check_count(s);
        if (rc == 0)
            rc = cenv_sites_add(s->sites, &site, s->err);
        if (rc < 0)
            return rc;
        from = at + needle.len;
    }
    return rc;
}

static int compare_sites(const void *a, const void *b)
{
    const struct cenv_site *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    if (x->have != y->have)
        return x->have > y->have ? -1 : 1;
    return (x->encoding > y->encoding) - (x->encoding < y->encoding);
}

static bool is_aligned(const struct cenv_site *site)
{
    return site->offset % cenv_forms_width(site->encoding) == 0;
}

/* In a binary a site must not begin within the string of a site of another encoding. */
static bool within_another(const struct cenv_site *site, const struct cenv_site *before)
{
    return site->kind == CENV_SITE_BINARY && site->offset < before->end &&
           (site->end != before->end || site->encoding != before->encoding);
}

/*
 * An ASCII path in UTF-16-BE at k reads as UTF-16-LE at k + 1 when another ASCII character follows
 * (and UTF-32 alike). Both replacements give the same bytes for text below U+0100, but not the same
 * end of string, so of two that overlap the aligned one stays, else the first. In a binary a site
 * must not begin within the string of a site of another encoding either.
 */
static void drop_overlaps(struct cenv_sites *sites, size_t first)
{
    size_t kept = first;
    for (size_t i = first; i < sites->nr; i++) {
        struct cenv_site *site = &sites->list[i];
        struct cenv_site *last = kept > first ? &sites->list[kept - 1] : NULL;
        if (last && site->offset < last->offset + last->have) {
            bool better = is_aligned(site) && !is_aligned(last);
            if (better && !(kept - 1 > first && within_another(site, last - 1)))
                *last = *site;
            continue;
        }
        if (last && within_another(site, last))
            continue;
        sites->list[kept++] = *site;
    }
    sites->nr = kept;
}

static bool is_sorted(const struct cenv_sites *sites, size_t first)
{
    for (size_t i = first + 1; i < sites->nr; i++)
        if (compare_sites(&sites->list[i - 1], &sites->list[i]) > 0)
            return false;
    return true;
}

void cenv_sites_settle(struct cenv_sites *sites, size_t first)
{
    if (!is_sorted(sites, first))
        qsort(sites->list + first, sites->nr - first, sizeof(*sites->list),
              compare_sites);
    drop_overlaps(sites, first);
}

void cenv_sites_find_ends(struct cenv_sites *sites, struct cenv_str data)
{
    uint64_t ends[CENV_ENC_NR][4] = {{0}}; /* by where in a unit strings begin */
    for (size_t i = 0; i < sites->nr; i++) {
        struct cenv_site *site = &sites->list[i];
        unsigned width = cenv_forms_width(site->encoding);
        uint64_t *end = &ends[site->encoding][site->offset % width];
        if (site->offset >= *end)
            *end = cenv_sites_string_end(data, site->offset + site->have, width);
        site->end = *end;
    }
}

/* Whether `nr` zeros lie at `at`, and after them those that end a string, or the file. */
static bool has_zeros(struct cenv_str data, uint64_t at, uint64_t nr, unsigned width)
{
    if (nr > data.len - at)
        return false;
    uint64_t need = nr + width < data.len - at ? nr + width : data.len - at;
    for (uint64_t i = 0; i < need; i++)
        if (data.data[at + i] != 0)
            return false;
    return true;
}

/* Sets the slots of the sites [from, to), which are those of one string, if it is padded. */
static bool widen_string(struct cenv_site *from, const struct cenv_site *to,
                         struct cenv_str data, uint32_t placeholder)
{
    unsigned width = cenv_forms_width(from->encoding);
    uint32_t slot = placeholder ? placeholder * width : from->have;
    uint64_t each = placeholder ? slot - from->have : width;
    if (slot < from->have ||
        (each && !has_zeros(data, from->end, (uint64_t)(to - from) * each, width)))
        return false;
    for (; from < to; from++)
        from->slot = slot;
    return true;
}

size_t cenv_sites_keep_padded(struct cenv_sites *sites, struct cenv_str data,
                              uint32_t placeholder)
{
    size_t kept = 0, nr = sites->nr;
    for (size_t i = 0, j; i < nr; i = j) {
        struct cenv_site *list = sites->list;
        for (j = i + 1; j < nr && list[j].end == list[i].end &&
                        list[j].encoding == list[i].encoding;)
            j++;
        if (!widen_string(&list[i], &list[j], data, placeholder))
            continue;
        memmove(&list[kept], &list[i], (j - i) * sizeof(*list));
        kept += j - i;
    }
    sites->nr = kept;
    return nr - kept;
}

/*
 * The first line of a script as a line of its own: sites in it are relative to it. No kernel reads
 * a longer one than a page, and none is kept of more than 64 kB.
 */
static int scan_shebang(struct scan *s, struct cenv_str needle, size_t *body)
{
    struct cenv_str line = cenv_str_slice(s->data, 0, cenv_str_find(s->data, '\n'));
    struct cenv_sites *sites = s->sites;
    size_t from = 0, to = 0;
    *body = 0;
    if (!cenv_str_starts(line, CENV_STR("#!")) || line.len > UINT16_MAX)
        return 0;
    struct scan first = {sites, line, CENV_MODE_TEXT, s->task, s->err};
    int rc = scan_form(&first, 0, needle, CENV_ENC_UTF8);
    if (rc < 0 || (sites->nr == 0 && line.len <= CENV_SHEBANG_MAX))
        return rc;
    cenv_shebang_split(line, &from, &to);
    sites->line = cenv_memdup(line.data, line.len);
    if (!sites->line)
        return cenv_error_oom(s->err);
    for (size_t i = 0; i < sites->nr; i++)
        sites->list[i].kind = CENV_SITE_SHEBANG;
    sites->style = CENV_SHEBANG_LINE;
    sites->line_len = sites->line_have = (uint32_t)line.len;
    sites->exe_from = (uint32_t)from;
    sites->exe_to = (uint32_t)to;
    *body = line.len;
    return 0;
}

int cenv_sites_scan_forms(struct cenv_sites *sites, struct cenv_str data,
                          const struct cenv_forms *placeholder,
                          enum cenv_file_mode mode, struct cenv_task *task,
                          struct cenv_error *err)
{
    struct cenv_sites found = {0};
    struct scan s = {&found, data, mode, task, err};
    size_t body = 0;
    int rc = 0;
    if (mode == CENV_MODE_TEXT)
        rc = scan_shebang(&s, placeholder->of[CENV_ENC_UTF8], &body);
    size_t first = found.nr;
    bool zeros = data.len && memchr(data.data, 0, data.len);
    for (int e = CENV_ENC_UTF8; rc == 0 && e <= CENV_ENC_UTF32BE; e++) {
        struct cenv_str form = placeholder->of[e];
        if (zeros || !form.len || !memchr(form.data, 0, form.len))
            rc = scan_form(&s, body, form, e);
    }
    if (rc < 0)
        goto out;
    cenv_sites_settle(&found, first);
    *sites = found;
    found = (struct cenv_sites){0};
out:
    cenv_sites_release(&found);
    return rc;
}

int cenv_sites_scan(struct cenv_sites *sites, struct cenv_str data,
                    struct cenv_str placeholder, enum cenv_file_mode mode,
                    struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_forms needle = {0};
    const char *refused = cenv_path_entry_refuse_placeholder(placeholder);
    if (refused)
        return cenv_error_set(err, CENV_EUSAGE, "the placeholder has %s", refused);
    int rc = cenv_forms_init(&needle, placeholder, err);
    if (rc == 0)
        rc = cenv_sites_scan_forms(sites, data, &needle, mode, task, err);
    cenv_forms_release(&needle);
    return rc;
}

/* ---- checking ---- */

/* A site of the first line: in `line`, before all others. */
static bool within_line(const struct cenv_sites *sites, size_t index)
{
    const struct cenv_site *site = &sites->list[index];
    return (index == 0 || sites->list[index - 1].kind == CENV_SITE_SHEBANG) &&
           site->offset <= sites->line_len &&
           site->slot <= sites->line_len - site->offset;
}

/* The padding that the string's sites claim lies behind it, and before what comes next. */
static bool claim_padding(const struct cenv_sites *sites, size_t index, uint64_t size,
                          uint64_t *padding, uint64_t *pos)
{
    const struct cenv_site *site = &sites->list[index], *next = site + 1;
    *padding += site->slot - site->have;
    if (site->end < *pos || site->end > size || *padding > size - site->end)
        return false;
    if (index + 1 < sites->nr && next->kind == CENV_SITE_BINARY &&
        next->end == site->end && next->encoding == site->encoding)
        return true;
    *pos = site->end + *padding;
    *padding = 0;
    return true;
}

bool cenv_sites_within(const struct cenv_sites *sites, uint64_t size)
{
    uint64_t pos = sites->line_have, padding = 0;
    if (pos > size)
        return false;
    for (size_t i = 0; i < sites->nr; i++) {
        const struct cenv_site *site = &sites->list[i];
        if (site->encoding >= CENV_ENC_NR || site->kind > CENV_SITE_FIXED)
            return false;
        if (site->kind == CENV_SITE_SHEBANG) {
            if (!within_line(sites, i))
                return false;
            continue;
        }
        if (site->offset < pos || site->offset > size ||
            site->have > size - site->offset)
            return false;
        pos = site->offset + site->have;
        if (site->kind == CENV_SITE_BINARY &&
            (site->slot < site->have || !claim_padding(sites, i, size, &padding, &pos)))
            return false;
    }
    return sites->exe_from <= sites->exe_to && sites->exe_to <= sites->line_len;
}

/* ---- entry points ---- */

int cenv_sites_of_entry_point(struct cenv_sites *sites, const struct cenv_forms *prefix,
                              const char *relative, struct cenv_error *err)
{
    struct cenv_sites made = {.style = CENV_SHEBANG_ENTRY, .exe_from = 2};
    struct cenv_str at = prefix->of[CENV_ENC_UTF8];
    struct cenv_site site = {.offset = 2,
                             .slot = (uint32_t)at.len,
                             .have = (uint32_t)at.len,
                             .kind = CENV_SITE_SHEBANG};
    struct cenv_buf line, written;
    cenv_buf_init(&line, UINT_MAX / 2);
    cenv_buf_init(&written, SIZE_MAX / 4);
    cenv_buf_puts(&line, "#!");
    cenv_buf_add_str(&line, at);
    cenv_buf_putc(&line, '/');
    cenv_buf_puts(&line, relative);
    cenv_shebang_render_entry(cenv_str_slice(cenv_buf_str(&line), 2, line.len),
                              &written);
    made.line_len = made.exe_to = (uint32_t)line.len;
    made.line_have = (uint32_t)written.len - 1; /* its newline is none of the line */
    made.line = cenv_buf_detach(&line);
    int rc = made.line && !written.failed ? cenv_sites_add(&made, &site, err)
                                          : cenv_error_oom(err);
    if (rc == 0)
        *sites = made;
    else
        cenv_sites_release(&made);
    cenv_buf_release(&line);
    cenv_buf_release(&written);
    return rc;
}
