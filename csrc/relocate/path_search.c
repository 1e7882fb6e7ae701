/* SPDX-License-Identifier: BSD-3-Clause */
/* A name found is a site only where a path begins before it and ends behind it. */
#include "relocate/path_search.h"

#include "relocate/boundary.h"
#include "relocate/elf.h"
#include "relocate/first_line.h"
#include "relocate/format.h"
#include "relocate/language.h"
#include "relocate/mention.h"
#include "relocate/needle.h"

/* One search: the file, how it is read, what was found. */
struct search {
    struct cenv_str data;
    struct cenv_format_found format;
    enum cenv_language language;
    const struct cenv_forms *name; /* that is looked for */
    int encoding;                  /* in which it is looked for */
    struct cenv_sites *sites;
    const char *reason; /* why a name that is there is no site */
    bool doubtful;      /* bytes before it may be a name's, or its length */
    struct cenv_task *task;
    struct cenv_error *err;
};

static const char escaped[] = "named in a spelling that is not relocated here";
static const char counted[] = "a binary that counts the length of its strings";
static const char too_often[] = "named too often for a file of its size";
static const char drive[] = "named as a path of Windows";

static int add_site(struct search *s, uint64_t at, size_t len, int encoding)
{
    struct cenv_site site = {.offset = at,
                             .slot = (uint32_t)len,
                             .have = (uint32_t)len,
                             .kind = CENV_SITE_TEXT,
                             .encoding = (uint8_t)encoding};
    if (s->sites->nr >= cenv_sites_max(s->data.len)) {
        s->reason = too_often;
        return 0;
    }
    if (s->sites->nr % 1024 == 0 && cenv_task_poll(s->task, s->err) < 0)
        return s->err->status;
    return cenv_sites_add(s->sites, &site, s->err);
}

/* ---- texts ---- */

static bool is_written_as(const struct search *s, struct cenv_str text, int encoding)
{
    return cenv_str_eq(text, s->name->of[encoding]);
}

/* By language: how each quoting is written, the better one first; -1: none. */
static const int quoted[][CENV_QUOTING_DOUBLE + 1][2] = {
    [CENV_LANGUAGE_SHELL] = {{-1, -1},
                             {CENV_ENC_BACKSLASHES, -1},
                             {CENV_ENC_SINGLE_QUOTED, CENV_ENC_SHLEX},
                             {CENV_ENC_DOUBLE_QUOTED, -1}},
    [CENV_LANGUAGE_CMAKE] = {{-1, -1},
                             {CENV_ENC_BACKSLASHES, -1},
                             {-1, -1},
                             {CENV_ENC_DOUBLE_QUOTED, -1}},
    [CENV_LANGUAGE_FISH] = {{-1, -1},
                            {CENV_ENC_BACKSLASHES, -1},
                            {CENV_ENC_FISH_SINGLE, CENV_ENC_SHLEX},
                            {CENV_ENC_FISH_DOUBLE, -1}},
    [CENV_LANGUAGE_CSH] = {{-1, -1},
                           {CENV_ENC_BACKSLASHES, -1},
                           {CENV_ENC_CSH_SINGLE, CENV_ENC_SHLEX},
                           {CENV_ENC_CSH_DOUBLE, -1}},
    [CENV_LANGUAGE_POWERSHELL] = {{-1, -1},
                                  {CENV_ENC_PS_WORD, -1},
                                  {CENV_ENC_PS_SINGLE, -1},
                                  {CENV_ENC_PS_DOUBLE, -1}},
    [CENV_LANGUAGE_XONSH] = {{-1, -1},
                             {CENV_ENC_PYTHON_POINTS, -1},
                             {CENV_ENC_PYTHON, CENV_ENC_PYTHON_HEX},
                             {CENV_ENC_PYTHON, -1}},
    [CENV_LANGUAGE_NUSHELL] = {{-1, -1}, {-1, -1}, {-1, -1}, {CENV_ENC_JSON, -1}},
};

/* The encoding of a word or quoted text that stands so in a shell or CMake, or -1. */
static int choose_quoted(const struct search *s, uint64_t at, struct cenv_str text)
{
    const int *choice =
        quoted[s->language][cenv_language_quoting(s->language, s->data, at)];
    for (int i = 0; i < 2; i++)
        if (choice[i] >= 0 && is_written_as(s, text, choice[i]))
            return choice[i];
    return -1;
}

/* The encoding by which another path can stand where `text` does, or -1: that would be a guess. */
static int choose_encoding(const struct search *s, uint64_t at, struct cenv_str text,
                           enum cenv_beginning begins)
{
    static const int json[] = {CENV_ENC_JSON, CENV_ENC_JSON_ASCII,
                               CENV_ENC_JSON_SLASHES, CENV_ENC_JSON_ASCII_SLASHES};
    int encoding = -1;
    if (begins == CENV_BEGINS_IN_URL && is_written_as(s, text, CENV_ENC_URL))
        return CENV_ENC_URL;
    for (size_t i = 0; s->language == CENV_LANGUAGE_JSON && i < 4; i++)
        if (is_written_as(s, text, json[i]))
            return json[i];
    if (s->language == CENV_LANGUAGE_XML && is_written_as(s, text, CENV_ENC_XML))
        return CENV_ENC_XML;
    if (s->language >= CENV_LANGUAGE_SHELL)
        encoding = choose_quoted(s, at, text);
    if (encoding < 0 && is_written_as(s, text, CENV_ENC_UTF8))
        return CENV_ENC_UTF8;
    return encoding;
}

/* Whether a text of Nushell can begin at `at`: not within a raw or an interpolated one. */
static bool begins_text(struct cenv_str data, uint64_t at)
{
    return at == 0 || (data.data[at - 1] && strchr(" \t\n([{=,:|", data.data[at - 1]));
}

/*
 * What is within single quotes of Nushell cannot be escaped: a path that is a whole text goes with
 * its quotes. Returns the encoding of that text, or -1.
 */
static int widen_to_quotes(const struct search *s, uint64_t *at, uint64_t *len)
{
    static const int whole[] = {CENV_ENC_NU_RAW, CENV_ENC_NU_QUOTED};
    for (size_t i = 0; s->language == CENV_LANGUAGE_NUSHELL && i < 2; i++) {
        struct cenv_str form = s->name->of[whole[i]];
        uint64_t before = cenv_str_find(form, '\'') + 1;
        if (*at < before || !begins_text(s->data, *at - before))
            continue;
        struct cenv_str rest = cenv_str_slice(s->data, *at - before, s->data.len);
        if (!cenv_str_starts(rest, form))
            continue;
        *at -= before;
        *len = form.len;
        return whole[i];
    }
    return -1;
}

static int take_mention(struct search *s, uint64_t at, uint64_t len)
{
    struct cenv_str text = cenv_str_slice(s->data, at, at + len);
    bool plain = is_written_as(s, text, CENV_ENC_UTF8);
    enum cenv_beginning begins = cenv_boundary_begins(s->data, at, CENV_ENC_UTF8);
    bool revision = begins == CENV_BEGINS_IN_URL && at + len < s->data.len &&
                    s->data.data[at + len] == '@'; /* "git+file:///tmp/env@main" */
    if (!revision && !cenv_boundary_ends(s->data, at + len, CENV_ENC_UTF8))
        return 0;
    if (!plain && begins < CENV_BEGINS_HERE &&
        cenv_boundary_begins_escaped(s->data, at))
        begins = CENV_BEGINS_HERE;
    if (begins < CENV_BEGINS_HERE)
        return 0;
    int encoding = widen_to_quotes(s, &at, &len);
    if (encoding < 0)
        encoding = choose_encoding(s, at, text, begins);
    if (encoding >= 0)
        return add_site(s, at, len, encoding);
    s->reason = escaped;
    return 0;
}

/* Characters that cenv_escape_read would not take for themselves where they stand so in a path. */
static bool has_special(struct cenv_str path)
{
    for (size_t i = 0; i < path.len; i++)
        if (path.data[i] && strchr("\\%&'\"", path.data[i]))
            return true;
    return false;
}

/* What becomes of one occurrence of the name in s->encoding; 0 or a status. */
typedef int (*take_fn)(struct search *s, uint64_t at, uint64_t len);

static int search_plain(struct search *s, struct cenv_str needle, int encoding,
                        take_fn take)
{
    uint64_t at = 0, from = 0;
    int rc = 0;
    s->encoding = encoding;
    while (rc == 0) {
        rc = cenv_needle_find(s->data, from, needle, s->task, &at, s->err);
        if (rc <= 0)
            return rc;
        rc = take(s, at, needle.len);
        from = at + needle.len;
    }
    return rc;
}

static int search_mentions(struct search *s, take_fn take)
{
    struct cenv_str path = s->name->of[CENV_ENC_UTF8];
    struct cenv_mention_search mentions;
    int rc = 0;
    cenv_mention_init(&mentions, s->data, path);
    while (rc == 0) {
        rc = cenv_mention_next(&mentions, s->task, s->err);
        if (rc <= 0)
            break;
        rc = take(s, mentions.pos - mentions.len, mentions.len);
    }
    if (rc == 0 && has_special(path))
        rc = search_plain(s, path, CENV_ENC_UTF8, take);
    return rc;
}

/* "Z:", or the "\\wsl.localhost\Debian" and "\\wsl$\Debian" by which Windows sees a Linux. */
static bool is_drive(struct cenv_str before)
{
    enum { FAR = 64 };
    size_t len = before.len;
    if (len > 1 && before.data[len - 1] == ':')
        return cenv_is_alpha(before.data[len - 2]);
    struct cenv_str near = cenv_str_slice(before, len > FAR ? len - FAR : 0, len);
    size_t line = cenv_str_rfind(near, '\n');
    near = cenv_str_slice(near, line < near.len ? line + 1 : 0, near.len);
    return near.len && cenv_find_bytes(near.data, near.len, "\\wsl", 4);
}

static int take_drive(struct search *s, uint64_t at, uint64_t len)
{
    if (is_drive(cenv_str_slice(s->data, 0, at)) &&
        cenv_boundary_ends(s->data, at + len, CENV_ENC_UTF8))
        s->reason = drive;
    return 0;
}

/* A path with `slashes` backslashes for each of its slashes. */
static struct cenv_str write_drive(struct cenv_str path, unsigned slashes, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < path.len; i++)
        for (unsigned n = path.data[i] == '/' ? slashes : 1; n > 0; n--)
            out[len++] = (char)(path.data[i] == '/' ? '\\' : path.data[i]);
    return cenv_str_n(out, len);
}

static int search_drives(struct search *s)
{
    char text[2 * CENV_PREFIX_MAX];
    int rc = 0;
    for (unsigned slashes = 1; slashes <= 2 && rc == 0; slashes++)
        rc = search_plain(s, write_drive(s->name->of[CENV_ENC_UTF8], slashes, text),
                          CENV_ENC_UTF8, take_drive);
    return rc;
}

static int take_with_bounds(struct search *s, uint64_t at, uint64_t len)
{
    if (!cenv_boundary_ends(s->data, at + len, s->encoding) ||
        cenv_boundary_begins(s->data, at, s->encoding) < CENV_BEGINS_HERE)
        return 0;
    return add_site(s, at, len, s->encoding);
}

/*
 * Whether a language writes the path in a form that has to be looked for by itself. As numbers
 * virtualenv writes for xonsh what it would not have in quotes there.
 */
static bool is_own_form(const struct search *s, int encoding)
{
    if (encoding == CENV_ENC_PYTHON_HEX || encoding == CENV_ENC_PYTHON_POINTS)
        return !cenv_str_eq(s->name->of[CENV_ENC_PYTHON], s->name->of[CENV_ENC_UTF8]);
    return encoding >= 0 &&
           !cenv_str_eq(s->name->of[encoding], s->name->of[CENV_ENC_UTF8]);
}

/* What shells write so that it cannot be read a character at a time; what could, is found twice,
 * and once taken. */
static int search_own_forms(struct search *s)
{
    const struct cenv_str *of = s->name->of;
    int rc = 0;
    if (s->language < CENV_LANGUAGE_SHELL)
        return 0;
    for (int q = CENV_QUOTING_NONE; q <= CENV_QUOTING_DOUBLE && rc == 0; q++)
        for (int i = 0; i < 2 && rc == 0; i++) {
            int encoding = quoted[s->language][q][i];
            if (is_own_form(s, encoding))
                rc = search_plain(s, of[encoding], encoding, take_mention);
        }
    return rc;
}

static int search_text(struct search *s)
{
    if (s->format.marked >= 0)
        return search_plain(s, s->name->of[s->format.marked], s->format.marked,
                            take_with_bounds);
    int rc = search_mentions(s, take_mention);
    if (rc == 0)
        rc = search_own_forms(s);
    if (rc == 0)
        rc = search_drives(s);
    return rc;
}

/* ---- binaries ---- */

static int take_in_binary(struct search *s, uint64_t at, uint64_t len)
{
    bool sealed = s->format.format == CENV_FORMAT_SEALED;
    enum cenv_beginning counts =
        cenv_boundary_counts(s->data, at, len, len / cenv_forms_width(s->encoding));
    /* In a database or archive the next value may follow at once. */
    if (!sealed && counts == CENV_BEGINS_NOT &&
        !cenv_boundary_ends(s->data, at + len, s->encoding))
        return 0;
    enum cenv_beginning begins = cenv_boundary_begins(s->data, at, s->encoding);
    begins = counts > begins ? counts : begins;
    if (begins == CENV_BEGINS_NOT)
        return 0;
    s->doubtful |= begins == CENV_BEGINS_PERHAPS;
    return add_site(s, at, len, s->encoding);
}

static int take_narrow(struct search *s, uint64_t at, uint64_t len)
{
    s->encoding = CENV_ENC_UTF8;
    if (is_written_as(s, cenv_str_slice(s->data, at, at + len), CENV_ENC_UTF8))
        return take_in_binary(s, at, len);
    if (cenv_boundary_begins_escaped(s->data, at) &&
        cenv_boundary_ends(s->data, at + len, CENV_ENC_UTF8))
        s->reason = escaped;
    return 0;
}

static int search_binary(struct search *s)
{
    int rc = search_mentions(s, take_narrow);
    for (int e = CENV_ENC_UTF16LE; e <= CENV_ENC_UTF32BE && rc == 0; e++)
        rc = search_plain(s, s->name->of[e], e, take_in_binary);
    return rc;
}

/* The loader's path around a site, or -1. */
static int find_elf_path(const struct cenv_elf_paths *paths,
                         const struct cenv_site *site)
{
    for (size_t i = 0; i < paths->nr; i++)
        if (site->encoding == CENV_ENC_UTF8 && site->offset >= paths->list[i].from &&
            site->offset + site->have <= paths->list[i].end)
            return (int)i;
    return -1;
}

/* All occurrences decide together what may become of any. */
static void settle_binary(struct search *s)
{
    struct cenv_elf_paths paths = {0};
    struct cenv_sites *sites = s->sites;
    bool moves =
        s->format.format == CENV_FORMAT_ELF && cenv_elf_find_paths(s->data, &paths);
    if (sites->nr && s->format.format == CENV_FORMAT_SEALED)
        s->reason = s->format.reason;
    else if (s->doubtful && !s->reason)
        s->reason = counted;
    if (s->reason)
        sites->nr = 0;
    for (size_t i = 0; i < sites->nr && moves; i++)
        moves = find_elf_path(&paths, &sites->list[i]) >= 0;
    for (size_t i = 0; i < sites->nr; i++) {
        struct cenv_site *site = &sites->list[i];
        site->kind = moves ? CENV_SITE_BINARY : CENV_SITE_FIXED;
        site->end = moves ? paths.list[find_elf_path(&paths, site)].end : 0;
    }
}

/* ---- the whole ---- */

static int search_names(struct search *s, const struct cenv_search_names *names,
                        int (*search)(struct search *))
{
    int rc = 0;
    for (size_t i = 0; i < names->nr && rc == 0; i++) {
        s->name = &names->list[i];
        rc = search(s);
    }
    cenv_sites_settle(s->sites, 0);
    return rc;
}

static int search_file(struct search *s, const struct cenv_search_names *names,
                       struct cenv_str path)
{
    int rc = cenv_format_find(s->data, s->task, &s->format, s->err);
    if (rc < 0)
        return rc;
    if (s->format.format != CENV_FORMAT_TEXT) {
        rc = search_names(s, names, search_binary);
        settle_binary(s);
        return rc;
    }
    s->language = cenv_language_of(s->data, path);
    rc = search_names(s, names, search_text);
    if (s->reason == too_often)
        s->sites->nr = 0;
    if (rc == 0 && s->format.marked < 0)
        rc = cenv_first_line_find(s->sites, s->data, s->err);
    return rc;
}

/* Hands over what was found, or nothing. */
static int finish_search(int rc, const struct search *s, struct cenv_sites *sites,
                         const char **reason)
{
    if (rc == 0) {
        *reason = s->reason;
        *sites = *s->sites;
    } else {
        cenv_sites_release(s->sites);
    }
    return rc;
}

int cenv_path_search(struct cenv_sites *sites, const struct cenv_search_file *file,
                     const struct cenv_search_names *names, struct cenv_task *task,
                     const char **reason, struct cenv_error *err)
{
    struct cenv_sites found = {0};
    struct search s = {.data = file->data, .sites = &found, .task = task, .err = err};
    return finish_search(search_file(&s, names, file->path), &s, sites, reason);
}

/* ---- files of packages ---- */

static int take_in_package(struct search *s, uint64_t at, uint64_t len)
{
    return cenv_boundary_ends(s->data, at + len, s->encoding)
               ? add_site(s, at, len, s->encoding)
               : 0;
}

static int search_package(struct search *s)
{
    bool zeros = cenv_str_find(s->data, '\0') < s->data.len;
    int rc =
        search_plain(s, s->name->of[CENV_ENC_UTF8], CENV_ENC_UTF8, take_in_package);
    for (int e = CENV_ENC_UTF16LE; e <= CENV_ENC_UTF32BE && zeros && rc == 0; e++)
        rc = search_plain(s, s->name->of[e], e, take_in_package);
    return rc;
}

/* Strings of a binary, each with its end, of which those stay that were placeholders. */
static void settle_package(struct search *s, uint32_t placeholder)
{
    struct cenv_sites *sites = s->sites;
    for (size_t i = 0; i < sites->nr; i++)
        sites->list[i].kind = CENV_SITE_BINARY;
    cenv_sites_find_ends(sites, s->data);
    cenv_sites_settle(sites, 0);
    if (cenv_sites_keep_padded(sites, s->data, placeholder) > 0)
        s->reason = "named beside its placeholder, without room";
}

int cenv_path_search_package(struct cenv_sites *sites, struct cenv_str data,
                             const struct cenv_search_package *package,
                             const struct cenv_search_names *names,
                             struct cenv_task *task, const char **reason,
                             struct cenv_error *err)
{
    struct cenv_sites found = {0};
    struct search s = {.data = data, .sites = &found, .task = task, .err = err};
    int rc = search_names(&s, names, search_package);
    if (s.reason == too_often)
        found.nr = 0;
    if (rc == 0 && package->mode == CENV_MODE_BINARY)
        settle_package(&s, package->placeholder);
    else if (rc == 0)
        rc = cenv_first_line_find(&found, data, err);
    return finish_search(rc, &s, sites, reason);
}

/* ---- quick tests ---- */

/* What big- and little-endian have in common when the path is ASCII. */
static struct cenv_str trim_zeros(struct cenv_str form)
{
    while (form.len && form.data[0] == 0)
        form = cenv_str_slice(form, 1, form.len);
    while (form.len && form.data[form.len - 1] == 0)
        form.len--;
    return form;
}

/* Every wide form has a zero byte in it. */
static int has_wide_form(struct search *s)
{
    uint64_t at;
    int rc = 0;
    for (int e = CENV_ENC_UTF16LE; e <= CENV_ENC_UTF32BE && rc == 0; e++) {
        struct cenv_str form = trim_zeros(s->name->of[e]);
        if (!cenv_str_eq(form, trim_zeros(s->name->of[e - 1])))
            rc = cenv_needle_find(s->data, 0, form, s->task, &at, s->err);
    }
    return rc;
}

static int has_drive_form(struct search *s)
{
    int rc = search_drives(s);
    return rc < 0 ? rc : s->reason != NULL;
}

static int has_numbers(struct search *s)
{
    uint64_t at;
    int rc = 0;
    for (int e = CENV_ENC_PYTHON_HEX; e <= CENV_ENC_PYTHON_POINTS && rc == 0; e++)
        if (is_own_form(s, e))
            rc = cenv_needle_find(s->data, 0, s->name->of[e], s->task, &at, s->err);
    return rc;
}

static int has_any_form(struct search *s, bool zeros)
{
    struct cenv_str path = s->name->of[CENV_ENC_UTF8];
    struct cenv_mention_search mentions;
    uint64_t at;
    cenv_mention_init(&mentions, s->data, path);
    int rc = cenv_mention_next(&mentions, s->task, s->err);
    if (rc == 0 && has_special(path))
        rc = cenv_needle_find(s->data, 0, path, s->task, &at, s->err);
    if (rc == 0 && zeros)
        rc = has_wide_form(s);
    if (rc == 0)
        rc = has_numbers(s);
    if (rc == 0)
        rc = has_drive_form(s);
    return rc;
}

int cenv_path_search_any(struct cenv_str data, const struct cenv_search_names *names,
                         struct cenv_task *task, struct cenv_error *err)
{
    struct search s = {.data = data, .task = task, .err = err};
    bool zeros = cenv_str_find(data, '\0') < data.len;
    int rc = 0;
    for (size_t i = 0; data.len && i < names->nr && rc == 0; i++) {
        s.name = &names->list[i];
        rc = has_any_form(&s, zeros);
    }
    return rc;
}

int cenv_path_search_names(struct cenv_str data, const struct cenv_search_names *names,
                           struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_search_file file = {.data = data};
    struct cenv_sites sites = {0};
    const char *reason = NULL;
    int rc = cenv_path_search_any(data, names, task, err);
    if (rc <= 0)
        return rc;
    rc = cenv_path_search(&sites, &file, names, task, &reason, err);
    bool found = sites.nr > 0 || reason;
    cenv_sites_release(&sites);
    return rc < 0 ? rc : found;
}

size_t cenv_path_search_overlap(const struct cenv_search_names *names)
{
    size_t most = 0;
    for (size_t i = 0; i < names->nr; i++)
        if (names->list[i].of[CENV_ENC_UTF8].len > most)
            most = names->list[i].of[CENV_ENC_UTF8].len;
    return cenv_mention_most(most);
}

size_t cenv_path_search_link(struct cenv_str target,
                             const struct cenv_search_names *names)
{
    for (size_t i = 0; i < names->nr; i++) {
        struct cenv_str path = names->list[i].of[CENV_ENC_UTF8];
        if (path.len && cenv_str_starts(target, path) &&
            (target.len == path.len || target.data[path.len] == '/'))
            return path.len;
    }
    return 0;
}
