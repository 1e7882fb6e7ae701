/* SPDX-License-Identifier: BSD-3-Clause */
/* A few files are read: a first line each, and where those tell nothing, some small texts. */
#include "manifest/former_prefix.h"

#include "base/alloc.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/fs_where.h"
#include "os/path.h"
#include "os/raw_data.h"
#include "relocate/shebang.h"
#include "relocate/shell_word.h"

enum {
    HEAD_MAX = 4096,
    SCRIPTS_MAX = 256, /* looked at */
    VOTES_MAX = 8,     /* prefixes told apart */
    TEXTS_MAX = 32,
    TEXT_SIZE_MAX = 1 << 20,
};

struct vote {
    char *path; /* owned */
    unsigned nr;
};

struct former {
    const struct cenv_prefix_records *records;
    const struct cenv_prefix_names *names;
    int root;
    struct cenv_task *task;
    struct vote votes[VOTES_MAX];
    unsigned nr_votes, own;
};

static bool is_own(const struct former *f, struct cenv_str path)
{
    for (size_t i = 0; i < f->names->nr; i++)
        if (cenv_str_eq(f->names->forms[i].of[CENV_ENC_UTF8], path))
            return true;
    return false;
}

/* 0 for a failure that only says that a file is gone or not for us, else its status. */
static int pass_over(struct cenv_error *own, struct cenv_error *err)
{
    if (own->status && !cenv_fs_blames_file(own))
        return cenv_error_move(err, own);
    cenv_error_release(own);
    return 0;
}

/* A prefix that is there and no environment (/usr) was never this one's; one that cannot be looked
 * into may have been. 1, 0, or a status. */
static int is_plausible(const char *path, struct cenv_error *err)
{
    static const char *const marks[] = {"conda-meta", "pyvenv.cfg"};
    struct cenv_stat st;
    int plausible = cenv_raw_is_dir(CENV_CWD, path) != 1;
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]) && !plausible; i++) {
        char *mark = cenv_path_join(path, marks[i]);
        if (!mark)
            return cenv_error_oom(err);
        plausible = !cenv_raw_is_absent(cenv_raw_stat(CENV_CWD, mark, &st));
        cenv_free(mark);
    }
    return plausible;
}

/* Counts a vote for `path`; what is no absolute path below another is none. */
static int add_vote(struct former *f, struct cenv_str path, unsigned nr,
                    struct cenv_error *err)
{
    while (path.len > 1 && path.data[path.len - 1] == '/')
        path.len--;
    if (path.len < 2 || path.data[0] != '/' || memchr(path.data, 0, path.len))
        return 0;
    f->own += is_own(f, path);
    if (is_own(f, path))
        return 0;
    for (unsigned i = 0; i < f->nr_votes; i++)
        if (cenv_str_is(path, f->votes[i].path)) {
            f->votes[i].nr += nr;
            return 0;
        }
    if (f->nr_votes == VOTES_MAX)
        return 0;
    char *copy = cenv_memdup(path.data, path.len);
    if (!copy)
        return cenv_error_oom(err);
    int plausible = is_plausible(copy, err);
    if (plausible > 0)
        f->votes[f->nr_votes++] = (struct vote){copy, nr};
    else
        cenv_free(copy);
    return plausible < 0 ? plausible : 0;
}

/* ---- interpreters ---- */

/* Rewritten for the prefix by its installer. */
static bool is_rewritten(const struct cenv_prefix_path *path)
{
    return path->type == CENV_PATH_ENTRY_POINT ||
           (path->type == CENV_PATH_HARDLINK && path->file_mode == CENV_MODE_TEXT &&
            (path->placeholder.len ||
             (path->sha256_in_prefix.len &&
              !cenv_str_eq(path->sha256, path->sha256_in_prefix))));
}

static int consider_script(struct former *f, struct cenv_str path,
                           struct cenv_error *err)
{
    char block[HEAD_MAX];
    struct cenv_str head, exe;
    int rc = cenv_fs_read_head(f->root, path.data, block, HEAD_MAX, &head, err);
    if (rc < 0 || !cenv_shebang_interpreter(head, &exe))
        return rc;
    struct cenv_str bin = cenv_path_parent(exe);
    if (!cenv_str_is(cenv_path_base(bin), "bin"))
        return 0;
    return add_vote(f, cenv_path_parent(bin), 1, err);
}

static int consider_scripts(struct former *f, struct cenv_error *err)
{
    unsigned seen = 0;
    int rc = 0;
    for (size_t i = 0; i < f->records->nr && rc == 0; i++) {
        const struct cenv_prefix_record *record = &f->records->records[i];
        for (size_t k = 0; k < record->nr_paths && rc == 0; k++)
            if (is_rewritten(&record->paths[k]) && seen < SCRIPTS_MAX &&
                cenv_str_starts(record->paths[k].real, CENV_STR("bin/"))) {
                rc = consider_script(f, record->paths[k].real, err);
                seen++;
            }
    }
    return rc;
}

/* ---- history ---- */

/* The prefix of "# cmd: conda create -p /env ..."; a name (-n) says nothing of a place. */
static int consider_command(struct former *f, struct cenv_str line,
                            struct cenv_error *err)
{
    bool next = false;
    int rc = 0;
    while (line.len && rc == 0) {
        struct cenv_str word = cenv_str_cut(&line, ' ');
        struct cenv_str equals = CENV_STR("--prefix=");
        if (next)
            rc = add_vote(f, word, 0, err);
        else if (cenv_str_starts(word, equals))
            rc = add_vote(f, cenv_str_slice(word, equals.len, word.len), 0, err);
        next = cenv_str_is(word, "-p") || cenv_str_is(word, "--prefix");
    }
    return rc;
}

static int consider_history(struct former *f, struct cenv_error *err)
{
    struct cenv_error own = CENV_ERROR_INIT;
    struct cenv_str mark = CENV_STR("# cmd: ");
    struct cenv_buf text;
    cenv_buf_init(&text, TEXT_SIZE_MAX);
    cenv_fs_read_file(f->root, "conda-meta/history", &text, &own);
    int rc = pass_over(&own, err);
    for (struct cenv_str rest = cenv_buf_str(&text); rest.len && rc == 0;) {
        struct cenv_str line = cenv_str_cut(&rest, '\n');
        if (cenv_str_starts(line, mark))
            rc = consider_command(f, cenv_str_slice(line, mark.len, line.len), err);
    }
    cenv_buf_release(&text);
    return rc;
}

/* Adds 1 to *nr when the text has one of the names. */
static int count_names(const struct former *f, struct cenv_str text,
                       struct cenv_search_names names, unsigned *nr,
                       struct cenv_error *err)
{
    int rc = cenv_path_search_names(text, &names, f->task, err);
    *nr += rc == 1;
    return rc < 0 ? rc : 0;
}

/* Counts which of the candidates a rewritten text names. */
static int count_candidates(struct former *f, struct cenv_str text,
                            struct cenv_error *err)
{
    int rc = count_names(f, text, cenv_prefix_names_view(f->names), &f->own, err);
    for (unsigned i = 0; i < f->nr_votes && rc == 0; i++) {
        struct cenv_forms forms = {0};
        struct cenv_search_names one = {&forms, 1};
        rc = cenv_forms_init(&forms, cenv_str(f->votes[i].path), err);
        if (rc == 0)
            rc = count_names(f, text, one, &f->votes[i].nr, err);
        cenv_forms_release(&forms);
    }
    return rc;
}

static int consider_text(struct former *f, struct cenv_str path, struct cenv_error *err)
{
    struct cenv_error own = CENV_ERROR_INIT;
    struct cenv_buf text;
    cenv_buf_init(&text, TEXT_SIZE_MAX);
    int rc = cenv_fs_read_file(f->root, path.data, &text, &own);
    rc = rc == 0 ? count_candidates(f, cenv_buf_str(&text), err) : pass_over(&own, err);
    cenv_buf_release(&text);
    return rc;
}

static int consider_texts(struct former *f, struct cenv_error *err)
{
    unsigned seen = 0;
    int rc = consider_history(f, err);
    for (size_t i = 0; i < f->records->nr && f->nr_votes && rc == 0; i++) {
        const struct cenv_prefix_record *record = &f->records->records[i];
        for (size_t k = 0; k < record->nr_paths && seen < TEXTS_MAX && rc == 0; k++)
            if (is_rewritten(&record->paths[k])) {
                rc = consider_text(f, record->paths[k].real, err);
                seen++;
            }
    }
    return rc;
}

/* ---- the outcome ---- */

/* venv's activate tells where it was made; it has no records. */
static int consider_venv(struct former *f, struct cenv_error *err)
{
    char block[HEAD_MAX];
    struct cenv_str key = CENV_STR("VIRTUAL_ENV="), text;
    int rc = f->records->nr ? 0 : cenv_fs_exists(f->root, "pyvenv.cfg", err);
    if (rc <= 0)
        return rc;
    rc = cenv_fs_read_head(f->root, "bin/activate", block, HEAD_MAX, &text, err);
    while (text.len && rc == 0) {
        struct cenv_str line = cenv_str_trim(cenv_str_cut(&text, '\n'));
        if (cenv_str_starts(line, CENV_STR("export ")))
            line = cenv_str_slice(line, 7, line.len);
        if (!cenv_str_starts(line, key))
            continue;
        struct cenv_buf value;
        cenv_buf_init(&value, HEAD_MAX);
        if (cenv_shell_word_read(cenv_str_slice(line, key.len, line.len), &value) &&
            !value.failed)
            rc = add_vote(f, cenv_buf_str(&value), 1, err);
        cenv_buf_release(&value);
    }
    return rc;
}

static const struct vote *find_winner(const struct former *f)
{
    const struct vote *best = NULL;
    for (unsigned i = 0; i < f->nr_votes; i++)
        if (f->votes[i].nr > (best ? best->nr : f->own))
            best = &f->votes[i];
    return best;
}

int cenv_former_prefix_find(const struct cenv_prefix_records *records, int root,
                            const struct cenv_prefix_names *names,
                            struct cenv_task *task, struct cenv_buf *out,
                            struct cenv_error *err)
{
    struct former f = {.records = records, .names = names, .root = root, .task = task};
    int rc = consider_scripts(&f, err);
    if (rc == 0)
        rc = consider_venv(&f, err);
    if (rc == 0 && !f.own && !find_winner(&f))
        rc = consider_texts(&f, err);
    const struct vote *winner = find_winner(&f);
    if (rc == 0 && winner)
        cenv_buf_puts(out, winner->path);
    if (rc == 0 && out->failed)
        rc = cenv_error_oom(err);
    for (unsigned i = 0; i < f.nr_votes; i++)
        cenv_free(f.votes[i].path);
    return rc;
}
