/* SPDX-License-Identifier: BSD-3-Clause */
/* Reports of clones and resets. */
#include "clone/report.h"

#include "base/clock.h"
#include "codec/json_writer.h"

/* Takes more than any path of a file: two that a directory and a name may have. */
enum { PATH_MAX_BYTES = 1 << 16 };

/* ---- what could not be cloned as it is ---- */

static void write_problem(struct cenv_json_writer *w, struct cenv_str path,
                          struct cenv_str reason)
{
    cenv_json_write_object(w, NULL);
    cenv_json_write_str(w, "path", path);
    cenv_json_write_str(w, "reason", reason);
    cenv_json_write_end(w);
}

static void write_notes(struct cenv_json_writer *w, const struct cenv_manifest *m,
                        enum cenv_note_kind kind)
{
    for (uint32_t i = 0; i < m->nr_notes; i++)
        if (m->notes[i].kind == kind)
            write_problem(w, cenv_mf_str(m, m->notes[i].path),
                          cenv_mf_str(m, m->notes[i].reason));
}

static struct cenv_str reason_of(const struct cenv_manifest *m,
                                 const struct cenv_mf_reloc *reloc)
{
    struct cenv_sites sites = cenv_mf_sites(m, reloc);
    return sites.nr && sites.list[0].kind == CENV_SITE_FIXED
               ? CENV_STR("a binary that counts the length of its strings")
               : CENV_STR("a binary without room for a longer prefix");
}

/* Files that this clone's path does not fit into. */
static void write_verbatim(struct cenv_json_writer *w,
                           const struct cenv_prepared_clone *prepared)
{
    const struct cenv_manifest *m = prepared->m;
    for (uint32_t i = 0; i < m->nr_relocs; i++) {
        const struct cenv_mf_file *file = &m->files[m->relocs[i].file];
        struct cenv_str dir = cenv_mf_str(m, m->dirs[file->dir].path);
        struct cenv_buf path;
        if (!prepared->verbatim[i])
            continue;
        cenv_buf_init(&path, PATH_MAX_BYTES);
        cenv_buf_addf(&path, "%s%s%s", dir.data, dir.len ? "/" : "",
                      cenv_mf_cstr(m, file->name));
        write_problem(w, cenv_buf_str(&path), reason_of(m, &m->relocs[i]));
        w->out->failed |= path.failed;
        cenv_buf_release(&path);
    }
}

static void write_problems(struct cenv_json_writer *w,
                           const struct cenv_clone_report *report)
{
    const struct cenv_prepared_clone *prepared = report->prepared;
    cenv_json_write_array(w, "skipped");
    if (prepared)
        write_notes(w, prepared->m, CENV_NOTE_SKIPPED);
    for (struct cenv_str rest = report->skipped; rest.len;)
        write_problem(w, cenv_str_cut(&rest, '\0'), CENV_STR("a FIFO or socket"));
    cenv_json_write_end(w);
    cenv_json_write_array(w, "unrelocatable");
    if (prepared) {
        write_notes(w, prepared->m, CENV_NOTE_UNRELOCATABLE);
        write_verbatim(w, prepared);
    }
    cenv_json_write_end(w);
    cenv_json_write_array(w, "notices");
    if (prepared)
        write_notes(w, prepared->m, CENV_NOTE_NOTICE);
    if (report->counts.no_times)
        write_problem(
            w, CENV_STR("."),
            CENV_STR("the file system refuses times: files have that of now"));
    cenv_json_write_end(w);
}

/* ---- the whole ---- */

static void write_fallbacks(struct cenv_json_writer *w,
                            const uint64_t counts[CENV_FALLBACK_NR])
{
    static const char *const names[] = {
        [CENV_FALLBACK_XDEV] = "another file system",
        [CENV_FALLBACK_MLINK] = "too many links",
        [CENV_FALLBACK_PERM] = "not permitted",
        [CENV_FALLBACK_OTHER] = "not supported",
    };
    cenv_json_write_object(w, "fallbacks");
    for (int i = 0; i < CENV_FALLBACK_NR; i++)
        if (counts[i])
            cenv_json_write_u64(w, names[i], counts[i]);
    cenv_json_write_end(w);
}

static void write_refusals(struct cenv_json_writer *w,
                           const struct cenv_clone_refusal *refused)
{
    cenv_json_write_object(w, "passed_over");
    for (; refused && refused->mode; refused++)
        cenv_json_write_cstr(w, refused->mode, refused->reason);
    cenv_json_write_end(w);
}

int cenv_clone_report_write(const struct cenv_clone_report *report,
                            struct cenv_buf *out, struct cenv_error *err)
{
    const struct cenv_clone_counts *counts = &report->counts;
    struct cenv_json_writer w;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_cstr(&w, "prefix", report->path);
    if (report->source)
        cenv_json_write_cstr(&w, "source", report->source);
    cenv_json_write_cstr(&w, "mode", report->mode);
    cenv_json_write_u64(&w, "files", counts->files);
    cenv_json_write_u64(&w, "relocated", counts->relocated);
    cenv_json_write_u64(&w, "remembered", counts->remembered);
    cenv_json_write_u64(&w, "bytes_copied", counts->bytes_copied);
    cenv_json_write_u64(&w, "bytes_shared", counts->bytes_shared);
    cenv_json_write_seconds(&w, "seconds", cenv_clock_ns() - report->start_ns);
    write_fallbacks(&w, counts->fallbacks);
    write_refusals(&w, report->refused);
    write_problems(&w, report);
    cenv_json_write_end(&w);
    return cenv_json_writer_finish(&w, err);
}

int cenv_clone_report_reset(const char *path, const char *note,
                            const struct cenv_reset_counts *counts, uint64_t start_ns,
                            struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_json_writer w;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_cstr(&w, "prefix", path);
    cenv_json_write_u64(&w, "removed", counts->removed);
    cenv_json_write_u64(&w, "restored", counts->restored);
    cenv_json_write_u64(&w, "checked", counts->checked);
    if (note)
        cenv_json_write_cstr(&w, "note", note);
    cenv_json_write_seconds(&w, "seconds", cenv_clock_ns() - start_ns);
    cenv_json_write_end(&w);
    return cenv_json_writer_finish(&w, err);
}
