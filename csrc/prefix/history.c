/* SPDX-License-Identifier: BSD-3-Clause */
/* What is written is what conda and mamba read back. */
#include "prefix/history.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/redact.h"
#include "os/fs.h"
#include "os/fs_data.h"

enum { TEXT_MAX = 512 << 20 };

int cenv_history_exists(int prefix_fd, struct cenv_error *err)
{
    int meta = cenv_raw_open_dir(prefix_fd, "conda-meta");

    if (cenv_raw_is_absent(meta))
        return 0;
    if (meta < 0)
        return cenv_fs_fail(err, meta, prefix_fd, "conda-meta", "cannot open");
    int is = cenv_fs_exists(meta, "history", err);
    cenv_fd_close(meta);
    return is;
}

struct civil {
    int64_t year;
    unsigned month, day;
};

/* Days since 1970 to a date (Howard Hinnant's civil_from_days): time.h has no thread-safe one. */
static struct civil civil_of_days(int64_t days)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned doe = (unsigned)(days - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    unsigned month = mp < 10 ? mp + 3 : mp - 9;

    return (struct civil){(int64_t)yoe + era * 400 + (month <= 2), month,
                          doy - (153 * mp + 2) / 5 + 1};
}

static void add_time(int64_t time, struct cenv_buf *out)
{
    int64_t days = time / 86400, rest = time % 86400;

    if (rest < 0) {
        rest += 86400;
        days--;
    }
    struct civil date = civil_of_days(days);
    cenv_buf_addf(out, "==> %04" PRId64 "-%02u-%02u %02d:%02d:%02d <==\n", date.year,
                  date.month, date.day, (int)(rest / 3600), (int)(rest / 60 % 60),
                  (int)(rest % 60));
}

/* Control characters in a command line or spec must not start a line of their own; secrets of
 * URLs stay out of the file. */
static void add_line_text(struct cenv_str text, struct cenv_buf *out)
{
    struct cenv_buf clean;

    cenv_buf_init(&clean, 4 * text.len + 16);
    cenv_redact(&clean, text);
    for (size_t i = 0; i < clean.len; i++)
        cenv_buf_putc(out, (unsigned char)clean.data[i] < 0x20 ? ' ' : clean.data[i]);
    out->failed |= clean.failed;
    cenv_buf_release(&clean);
}

/* As Python's repr(): conda reads the list back with ast.literal_eval. */
static void add_repr(struct cenv_str text, struct cenv_buf *out)
{
    bool single = cenv_str_find(text, '\'') < text.len;
    char quote = single && cenv_str_find(text, '"') == text.len ? '"' : '\'';

    cenv_buf_putc(out, quote);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == (unsigned char)quote || c == '\\')
            cenv_buf_putc(out, '\\');
        if (c < 0x20 || c == 0x7f)
            cenv_buf_addf(out, "\\x%02x", c);
        else
            cenv_buf_putc(out, (char)c);
    }
    cenv_buf_putc(out, quote);
}

static int compare_bytes(const void *a, const void *b)
{
    return cenv_str_cmp(*(const struct cenv_str *)a, *(const struct cenv_str *)b);
}

static bool add_dists(const struct cenv_history_block *block, struct cenv_buf *out)
{
    if (!block->nr_dists)
        return true;
    struct cenv_str *sorted = cenv_reallocarray(NULL, block->nr_dists, sizeof(*sorted));
    if (!sorted)
        return false;
    memcpy(sorted, block->dists, block->nr_dists * sizeof(*sorted));
    qsort(sorted, block->nr_dists, sizeof(*sorted), compare_bytes);
    for (size_t i = 0; i < block->nr_dists; i++) {
        cenv_buf_putc(out, '+');
        add_line_text(sorted[i], out);
        cenv_buf_putc(out, '\n');
    }
    cenv_free(sorted);
    return true;
}

void cenv_history_add_specs(const struct cenv_str *specs, size_t nr,
                            struct cenv_buf *out)
{
    if (!nr)
        return;
    cenv_buf_puts(out, "# update specs: [");
    for (size_t i = 0; i < nr; i++) {
        if (i)
            cenv_buf_puts(out, ", ");
        add_repr(specs[i], out);
    }
    cenv_buf_puts(out, "]\n");
}

/* ---- the names of specs ---- */

/* The name a spec asks for: after "channel::", up to what cannot be in a name. */
static struct cenv_str spec_name(struct cenv_str spec)
{
    struct cenv_str head = cenv_str_slice(spec, 0, cenv_str_find(spec, '['));
    size_t at = 0;

    for (size_t i = 0; i + 1 < head.len; i++)
        if (head.data[i] == ':' && head.data[i + 1] == ':')
            at = i + 2;
    head = cenv_str_trim(cenv_str_slice(head, at, head.len));
    for (at = 0; at < head.len && !strchr(" \t=<>!~;@(", head.data[at]);)
        at++;
    return cenv_str_slice(head, 0, at);
}

static bool names_equal(struct cenv_str a, struct cenv_str b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        char x = a.data[i], y = b.data[i];
        if ((x >= 'A' && x <= 'Z' ? x + 32 : x) != (y >= 'A' && y <= 'Z' ? y + 32 : y))
            return false;
    }
    return a.len == b.len;
}

bool cenv_history_spec_asks_for(struct cenv_str spec, struct cenv_str name)
{
    return names_equal(spec_name(spec), name);
}

int cenv_history_format(const struct cenv_history_block *block, struct cenv_buf *out,
                        struct cenv_error *err)
{
    add_time(block->time, out);
    if (block->cmd) {
        cenv_buf_puts(out, "# cmd: ");
        add_line_text(cenv_str(block->cmd), out);
        cenv_buf_putc(out, '\n');
    }
    /* conda asks for a newer conda when this is above its own; mamba writes the same */
    cenv_buf_puts(out, "# conda version: 3.8.0\n");
    if (!add_dists(block, out))
        return cenv_error_oom(err);
    cenv_history_add_specs(block->specs, block->nr_specs, out);
    return out->failed ? cenv_error_oom(err) : 0;
}

/* ---- the file ---- */

int cenv_history_begin(int meta, const struct cenv_history_block *block,
                       struct cenv_error *err)
{
    struct cenv_buf text;
    char created[32];

    snprintf(created, sizeof(created), "%" PRId64 ".0", block->time);
    cenv_buf_init(&text, TEXT_MAX);
    int rc = cenv_history_format(block, &text, err);
    if (rc == 0)
        rc = cenv_fs_write_new(meta, "created_at", cenv_str(created), 0666, err);
    if (rc == 0)
        rc = cenv_fs_write_new(meta, "history", cenv_buf_str(&text), 0666, err);
    cenv_buf_release(&text);
    return rc;
}

int cenv_history_continue(int meta, const struct cenv_history_block *block,
                          struct cenv_error *err)
{
    struct cenv_buf text;

    cenv_buf_init(&text, TEXT_MAX);
    int rc = cenv_fs_read_file(meta, "history", &text, err);
    if (rc == 0)
        rc = cenv_history_format(block, &text, err);
    if (rc == 0)
        rc = cenv_fs_write_atomic(meta, "history", cenv_buf_str(&text), 0666, err);
    cenv_buf_release(&text);
    return rc;
}
