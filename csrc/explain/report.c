/* SPDX-License-Identifier: BSD-3-Clause */
/* The one place where facts become an error: see report.h. */
#include "explain/report.h"

#include "base/alloc.h"
#include "codec/json_writer.h"
#include "explain/wording.h"

enum { MAX_DETAIL = 1 << 24, MAX_HINT = 1 << 22 };

/* ---- the hint ---- */

/* "did you mean numpy, numba?; did you mean scipy?" */
static void print_near(const struct cenv_explainer *e, struct cenv_buf *out)
{
    for (uint32_t i = 0; i < e->nr_missing; i++) {
        const struct cenv_nearname *near = &e->missing[i].near;
        if (near->nr)
            cenv_buf_puts(out, out->len ? "; did you mean " : "did you mean ");
        for (size_t k = 0; k < near->nr; k++)
            cenv_buf_addf(out, "%s%.*s", k ? ", " : "", CENV_STR_ARG(near->best[k]));
        cenv_buf_puts(out, near->nr ? "?" : "");
    }
    if (!out->len)
        cenv_buf_puts(out, "check the spelling, or add the channel that has it");
}

/* "without both a and b" */
static void print_dropped(const struct cenv_explainer *e, const struct cenv_way *way,
                          struct cenv_buf *out)
{
    cenv_buf_puts(out, way->nr_goals == 1   ? "without "
                       : way->nr_goals == 2 ? "without both "
                                            : "without all of ");
    for (uint32_t i = 0; i < way->nr_goals; i++) {
        if (i > 0)
            cenv_buf_puts(out, i + 1 == way->nr_goals ? " and " : ", ");
        cenv_wording_print_root(&e->p, way->goals[i], out);
    }
}

/* "on a machine with __glibc 2.28 (CONDA_OVERRIDE_GLIBC=2.28 when solving for one)" */
static void print_machine(const struct cenv_record *machine, struct cenv_buf *out)
{
    cenv_buf_addf(out, "on a machine with %.*s %.*s (CONDA_OVERRIDE_",
                  CENV_STR_ARG(machine->name), CENV_STR_ARG(machine->version));
    for (size_t i = 2; i < machine->name.len; i++)
        cenv_buf_putc(out, (char)(machine->name.data[i] - 'a' + 'A'));
    cenv_buf_addf(out, "=%.*s when solving for one)", CENV_STR_ARG(machine->version));
}

static void print_way(const struct cenv_explainer *e, const struct cenv_way *way,
                      struct cenv_buf *out)
{
    if (way->machine) {
        print_machine(way->machine, out);
    } else if (way->works) {
        cenv_buf_addf(out, "%.*s %.*s instead of ", CENV_STR_ARG(way->works->name),
                      CENV_STR_ARG(way->works->version));
        cenv_wording_print_root(&e->p, way->goals[0], out);
    } else {
        print_dropped(e, way, out);
    }
}

static void print_hint(const struct cenv_explainer *e, struct cenv_buf *out)
{
    if (e->nr_missing) {
        print_near(e, out);
        return;
    }
    for (const struct cenv_way *way = e->ways; way; way = way->next) {
        cenv_buf_puts(out, way == e->ways ? "try " : ", or ");
        print_way(e, way, out);
    }
}

/* ---- the detail ---- */

/* How the user knows the goals; `text` is room for one of them. */
static void write_goals(const struct cenv_explainer *e, const char *key,
                        const uint32_t *goals, uint32_t nr, struct cenv_buf *text,
                        struct cenv_json_writer *w)
{
    cenv_json_write_array(w, key);
    for (uint32_t i = 0; i < nr; i++) {
        cenv_buf_clear(text);
        cenv_wording_print_root(&e->p, goals[i], text);
        cenv_json_write_str(w, NULL, cenv_buf_str(text));
    }
    cenv_json_write_end(w);
}

/* "name" `join` "version" */
static void write_package(const char *key, const struct cenv_record *record,
                          const char *join, struct cenv_buf *text,
                          struct cenv_json_writer *w)
{
    cenv_buf_clear(text);
    cenv_buf_addf(text, "%.*s%s%.*s", CENV_STR_ARG(record->name), join,
                  CENV_STR_ARG(record->version));
    cenv_json_write_str(w, key, cenv_buf_str(text));
}

static void write_ways(const struct cenv_explainer *e, struct cenv_buf *text,
                       struct cenv_json_writer *w)
{
    cenv_json_write_array(w, "relax");
    for (const struct cenv_way *way = e->ways; way; way = way->next) {
        cenv_json_write_object(w, NULL);
        write_goals(e, "items", way->goals, way->nr_goals, text, w);
        if (way->works)
            write_package("works", way->works, " ", text, w);
        if (way->machine)
            write_package("machine", way->machine, "=", text, w);
        cenv_json_write_end(w);
    }
    cenv_json_write_end(w);
}

static void write_missing(const struct cenv_explainer *e, struct cenv_json_writer *w)
{
    cenv_json_write_array(w, "not_found");
    for (uint32_t i = 0; i < e->nr_missing; i++) {
        const struct cenv_missing_name *missing = &e->missing[i];
        cenv_json_write_object(w, NULL);
        cenv_json_write_str(w, "name", missing->name);
        cenv_json_write_array(w, "near");
        for (size_t k = 0; k < missing->near.nr; k++)
            cenv_json_write_str(w, NULL, missing->near.best[k]);
        cenv_json_write_end(w);
        cenv_json_write_end(w);
    }
    cenv_json_write_end(w);
}

/* The detail as heap text; NULL when out of memory. */
static char *write_detail(const struct cenv_explainer *e, struct cenv_str message)
{
    struct cenv_json_writer w;
    struct cenv_buf out, text;
    cenv_buf_init(&out, MAX_DETAIL);
    cenv_buf_init(&text, MAX_HINT);
    cenv_json_writer_init(&w, &out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_str(&w, "message", message);
    write_goals(e, "conflict", e->conflict, e->nr_conflict, &text, &w);
    write_ways(e, &text, &w);
    write_missing(e, &w);
    cenv_json_write_end(&w);
    char *detail = text.failed ? NULL : cenv_buf_detach(&out);
    cenv_buf_release(&text);
    cenv_buf_release(&out);
    return detail;
}

/* ---- the error ---- */

/* As many whole lines as fit; the detail has them all. */
static void set_message(struct cenv_error *err, struct cenv_str message)
{
    if (message.len < CENV_MESSAGE_MAX) {
        cenv_error_set(err, CENV_EUNSAT, "%.*s", CENV_STR_ARG(message));
        return;
    }
    struct cenv_str shown = cenv_str_slice(message, 0, CENV_MESSAGE_MAX - 16);
    shown.len = cenv_str_rfind(shown, '\n');
    cenv_error_set(err, CENV_EUNSAT, "%.*s\n...", CENV_STR_ARG(shown));
}

int cenv_report_set_error(struct cenv_explainer *e)
{
    struct cenv_str message = cenv_str_trim(cenv_buf_str(&e->text));
    struct cenv_buf hint;
    cenv_buf_init(&hint, MAX_HINT);
    print_hint(e, &hint);
    bool failed = hint.failed || e->text.failed;
    char *detail = failed ? NULL : write_detail(e, message);
    if (detail) {
        set_message(e->err, message);
        if (hint.len)
            cenv_error_hint(e->err, "%.*s", CENV_STR_ARG(cenv_buf_str(&hint)));
        cenv_free(e->err->detail);
        e->err->detail = detail;
    }
    cenv_buf_release(&hint);
    return detail ? CENV_EUNSAT : cenv_error_oom(e->err);
}
