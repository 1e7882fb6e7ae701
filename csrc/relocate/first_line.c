/* SPDX-License-Identifier: BSD-3-Clause */
/* First lines whose sites are known: packages' own, and the forms that installers write. */
#include "relocate/first_line.h"

#include "base/alloc.h"

/* Turns the sites within the first `len` bytes into those of `line`, which stands for them. */
static int set_line(struct cenv_sites *sites, struct cenv_str line, size_t have,
                    struct cenv_error *err)
{
    sites->line = cenv_memdup(line.data, line.len);
    if (!sites->line)
        return cenv_error_oom(err);
    sites->line_len = (uint32_t)line.len;
    sites->line_have = (uint32_t)have;
    return 0;
}

/* "#!/tmp/env/bin/python -s": its sites stay where they are, relative to the line. */
static int find_line(struct cenv_sites *sites, struct cenv_str data,
                     struct cenv_error *err)
{
    struct cenv_str line = cenv_str_slice(data, 0, cenv_str_find(data, '\n'));
    size_t from = 0, to = 0;
    if (sites->nr == 0 || sites->list[0].offset >= line.len || line.len > UINT16_MAX ||
        !cenv_str_starts(line, CENV_STR("#!")))
        return 0;
    if (set_line(sites, line, line.len, err) < 0)
        return err->status;
    cenv_shebang_split(line, &from, &to);
    sites->style = CENV_SHEBANG_LINE;
    sites->exe_from = (uint32_t)from;
    sites->exe_to = (uint32_t)to;
    for (size_t i = 0; i < sites->nr && sites->list[i].offset < line.len; i++)
        sites->list[i].kind = CENV_SITE_SHEBANG;
    return 0;
}

/* Conda's two lines and pip's three stand for "#!<exe><options>". */
static int find_trampoline(struct cenv_sites *sites, struct cenv_str data,
                           struct cenv_error *err)
{
    enum cenv_shebang_style style = CENV_SHEBANG_NONE;
    struct cenv_str exe, options;
    size_t len = 0, kept = 0;
    if (sites->nr == 0 || !cenv_shebang_trampoline(data, &style, &exe, &options, &len))
        return 0;
    uint64_t at = (uint64_t)(exe.data - data.data);
    if (sites->list[0].offset != at || exe.len > UINT16_MAX || options.len > UINT16_MAX)
        return 0;
    struct cenv_buf line;
    cenv_buf_init(&line, 1 << 20);
    cenv_buf_puts(&line, "#!");
    cenv_buf_add_str(&line, exe);
    cenv_buf_add_str(&line, options);
    int rc = line.failed ? cenv_error_oom(err)
                         : set_line(sites, cenv_buf_str(&line), len, err);
    cenv_buf_release(&line);
    if (rc < 0)
        return rc;
    sites->style = (uint8_t)style;
    sites->quoted = data.data[at - 1] != ' ';
    sites->exe_from = 2;
    sites->exe_to = (uint32_t)(2 + exe.len);
    for (size_t i = 0; i < sites->nr; i++) {
        struct cenv_site *site = &sites->list[i];
        if (site->offset < len) {
            site->kind = CENV_SITE_SHEBANG;
            site->offset = site->offset - at + 2;
        }
        if (site->kind != CENV_SITE_SHEBANG || site->offset < sites->line_len)
            sites->list[kept++] = *site;
    }
    sites->nr = kept;
    return 0;
}

int cenv_first_line_find(struct cenv_sites *sites, struct cenv_str data,
                         struct cenv_error *err)
{
    int rc = find_trampoline(sites, data, err);
    if (rc == 0 && sites->style == CENV_SHEBANG_NONE)
        rc = find_line(sites, data, err);
    return rc;
}
