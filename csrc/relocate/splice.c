/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sites are kept in the coordinates of the file at hand, so that text needs no arithmetic at all
 * and a binary only the room of its own C strings: the pristine end of a string is its end at hand
 * plus slot - have of each site in it.
 */
#include "relocate/splice.h"

int cenv_splice_check_room(const struct cenv_sites *sites,
                           const struct cenv_forms *forms, struct cenv_error *err)
{
    for (size_t i = 0; i < sites->nr; i++) {
        const struct cenv_site *site = &sites->list[i];
        unsigned width = cenv_forms_width(site->encoding);
        size_t need = forms->of[site->encoding].len;
        if (site->kind == CENV_SITE_FIXED && need != site->have)
            return cenv_error_set(err, CENV_EPREFIX,
                                  "only a prefix of as many bytes fits, in a file that "
                                  "counts them");
        if (site->kind != CENV_SITE_BINARY || need <= site->slot)
            continue;
        cenv_error_set(
            err, CENV_EPREFIX,
            "the prefix takes %zu bytes, the place for it in a binary has %u",
            need / width, site->slot / width);
        return cenv_error_hint(err, "choose a prefix of at most %u bytes",
                               site->slot / width);
    }
    return 0;
}

/* ---- piece by piece ---- */

void cenv_splice_init(struct cenv_splice *splice, const struct cenv_sites *sites,
                      const struct cenv_forms *forms, uint64_t size)
{
    *splice = (struct cenv_splice){.sites = sites, .forms = forms, .size = size};
    cenv_buf_init(&splice->line, SIZE_MAX / 4);
}

void cenv_splice_release(struct cenv_splice *splice)
{
    cenv_buf_release(&splice->line);
}

/* line[from:to] with its sites replaced. */
static void add_line_part(const struct cenv_sites *sites,
                          const struct cenv_forms *forms, size_t from, size_t to,
                          struct cenv_buf *out)
{
    for (size_t i = 0; i < sites->nr && sites->list[i].kind == CENV_SITE_SHEBANG; i++) {
        const struct cenv_site *site = &sites->list[i];
        if (site->offset < from || site->offset >= to)
            continue;
        cenv_buf_add(out, sites->line + from, site->offset - from);
        cenv_buf_add_str(out, forms->of[site->encoding]);
        from = site->offset + site->slot;
    }
    if (from < to)
        cenv_buf_add(out, sites->line + from, to - from);
}

/* The first line(s) for `forms`, appended. */
static void render_line(const struct cenv_sites *sites, const struct cenv_forms *forms,
                        struct cenv_buf *out)
{
    struct cenv_buf parts;
    size_t cut[2];
    cenv_buf_init(&parts, out->max);
    add_line_part(sites, forms, 0, sites->exe_from, &parts);
    cut[0] = parts.len;
    add_line_part(sites, forms, sites->exe_from, sites->exe_to, &parts);
    cut[1] = parts.len;
    add_line_part(sites, forms, sites->exe_to, sites->line_len, &parts);
    struct cenv_str all = cenv_buf_str(&parts);
    struct cenv_shebang line = {.style = sites->style,
                                .quoted = sites->quoted,
                                .head = cenv_str_slice(all, 0, cut[0]),
                                .exe = cenv_str_slice(all, cut[0], cut[1]),
                                .rest = cenv_str_slice(all, cut[1], all.len)};
    cenv_shebang_render(&line, out);
    out->failed |= parts.failed;
    cenv_buf_release(&parts);
}

static void take_range(struct cenv_splice *s, uint64_t to, struct cenv_piece *piece)
{
    *piece = (struct cenv_piece){.from = s->pos, .len = to - s->pos};
    s->pos = to;
}

static int take_line(struct cenv_splice *s, struct cenv_piece *piece)
{
    s->started = true;
    while (s->next < s->sites->nr && s->sites->list[s->next].kind == CENV_SITE_SHEBANG)
        s->next++;
    if (s->sites->style == CENV_SHEBANG_NONE)
        return 0;
    render_line(s->sites, s->forms, &s->line);
    if (s->line.failed)
        return CENV_ENOMEM;
    *piece = (struct cenv_piece){.data = s->line.data ? s->line.data : "",
                                 .len = s->line.len};
    s->pos = s->sites->line_have;
    return 1;
}

/* A site's replacement, and what its string gains or loses by it. */
static void take_site(struct cenv_splice *s, struct cenv_piece *piece)
{
    const struct cenv_site *site = &s->sites->list[s->next++];
    struct cenv_str form = site->kind == CENV_SITE_FIELD ? s->field(s->field_ctx, site)
                                                         : s->forms->of[site->encoding];
    *piece = (struct cenv_piece){.data = form.data, .len = form.len};
    s->pos = site->offset + site->have;
    if (site->kind != CENV_SITE_BINARY)
        return;
    s->in_string = true;
    s->room += site->slot - form.len;
    s->skip += site->slot - site->have;
}

static bool more_in_string(const struct cenv_splice *s)
{
    const struct cenv_site *list = s->sites->list;
    return s->next < s->sites->nr && list[s->next].end == list[s->next - 1].end &&
           list[s->next].encoding == list[s->next - 1].encoding;
}

int cenv_splice_next(struct cenv_splice *s, struct cenv_piece *piece)
{
    static const char zeros[4096];
    const struct cenv_site *list = s->sites->list;
    if (!s->started) {
        int rc = take_line(s, piece);
        if (rc)
            return rc;
    }
    if (s->in_string && !more_in_string(s)) {
        uint64_t end = list[s->next - 1].end;
        if (s->pos < end) {
            take_range(s, end, piece);
            return 1;
        }
        s->pad = s->room;
        s->pos += s->skip;
        s->room = s->skip = 0;
        s->in_string = false;
    }
    if (s->pad) {
        *piece = (struct cenv_piece){zeros, 0,
                                     s->pad < sizeof(zeros) ? s->pad : sizeof(zeros)};
        s->pad -= piece->len;
    } else if (s->next < s->sites->nr && s->pos >= list[s->next].offset) {
        take_site(s, piece);
    } else {
        uint64_t to = s->next < s->sites->nr ? list[s->next].offset : s->size;
        if (s->pos >= to)
            return 0;
        take_range(s, to, piece);
    }
    return 1;
}

/* ---- the whole ---- */

/* Adds a piece a part at a time, so that one of gigabytes can be interrupted. */
static int add_piece(struct cenv_buf *out, struct cenv_str data,
                     const struct cenv_piece *piece, struct cenv_task *task,
                     struct cenv_error *err)
{
    enum { PART = 4 << 20 };
    const char *from = piece->data ? piece->data : data.data + piece->from;
    int rc = 0;
    for (uint64_t at = 0; at < piece->len && rc == 0; at += PART) {
        cenv_buf_add(out, from + at, piece->len - at < PART ? piece->len - at : PART);
        rc = piece->len > PART ? cenv_task_poll(task, err) : 0;
    }
    return rc;
}

int cenv_splice_apply(const struct cenv_sites *sites, struct cenv_str data,
                      const struct cenv_forms *forms, struct cenv_task *task,
                      struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_splice splice;
    struct cenv_piece piece;
    size_t start = out->len;
    int more = 0;
    if (!cenv_sites_within(sites, data.len))
        return cenv_error_set(err, CENV_EINTEGRITY,
                              "relocation sites lie outside the file");
    int rc = cenv_splice_check_room(sites, forms, err);
    if (rc < 0)
        return rc;
    cenv_splice_init(&splice, sites, forms, data.len);
    while (rc == 0 && (more = cenv_splice_next(&splice, &piece)) > 0) {
        rc = splice.next % 1024 ? 0 : cenv_task_poll(task, err);
        if (rc == 0)
            rc = add_piece(out, data, &piece, task, err);
    }
    cenv_splice_release(&splice);
    if (rc == 0 && (more < 0 || out->failed))
        rc = cenv_error_oom(err);
    if (rc < 0)
        out->len = start;
    return rc;
}

static uint64_t line_length(const struct cenv_sites *sites,
                            const struct cenv_forms *forms)
{
    struct cenv_buf line;
    cenv_buf_init(&line, SIZE_MAX / 4);
    if (sites->style != CENV_SHEBANG_NONE)
        render_line(sites, forms, &line);
    uint64_t len = line.failed ? UINT64_MAX : line.len;
    cenv_buf_release(&line);
    return len;
}

uint64_t cenv_splice_size(const struct cenv_sites *sites,
                          const struct cenv_forms *forms, uint64_t size)
{
    for (size_t i = 0; i < sites->nr; i++)
        if (sites->list[i].kind == CENV_SITE_TEXT)
            size += forms->of[sites->list[i].encoding].len - sites->list[i].have;
    return sites->style == CENV_SHEBANG_NONE
               ? size
               : size - sites->line_have + line_length(sites, forms);
}

int cenv_splice_rebase(struct cenv_sites *sites, const struct cenv_forms *forms,
                       struct cenv_error *err)
{
    uint64_t line = line_length(sites, forms);
    if (line == UINT64_MAX)
        return cenv_error_oom(err);
    int64_t text =
        (int64_t)line - (int64_t)sites->line_have; /* how far text has moved */
    sites->line_have = (uint32_t)line;
    for (size_t i = 0, j; i < sites->nr; i = j) {
        struct cenv_site *site = &sites->list[i];
        int64_t moved = site->kind == CENV_SITE_BINARY ? 0 : text;
        j = i + 1;
        if (site->kind == CENV_SITE_SHEBANG)
            continue;
        while (j < sites->nr && site->kind == CENV_SITE_BINARY &&
               sites->list[j].end == site->end &&
               sites->list[j].encoding == site->encoding)
            j++;
        for (size_t k = i; k < j; k++) {
            struct cenv_site *one = &sites->list[k];
            size_t len = forms->of[one->encoding].len;
            one->offset = (uint64_t)((int64_t)one->offset + moved);
            moved += (int64_t)len - (int64_t)one->have;
            one->have = (uint32_t)len;
        }
        for (size_t k = i; k < j && site->kind == CENV_SITE_BINARY; k++)
            sites->list[k].end = (uint64_t)((int64_t)sites->list[k].end + moved);
        text = site->kind == CENV_SITE_BINARY ? text : moved;
    }
    return 0;
}
