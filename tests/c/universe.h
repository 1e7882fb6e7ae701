/* SPDX-License-Identifier: BSD-3-Clause */
/* Solves in tests: repodata in memory, one call, the reply checked by a judge of its own. */
#ifndef UNIVERSE_H
#define UNIVERSE_H

#include <stdlib.h>

#include "check.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "cenv.h"
#include "codec/json.h"
#include "codec/stream.h"
#include "model/matchspec.h"
#include "model/matchspec_match.h"
#include "model/record.h"
#include "model/version.h"

enum { UNIVERSE_SOURCES = 12 };

struct universe {
    struct cenv_index_source sources[UNIVERSE_SOURCES];
    char texts[UNIVERSE_SOURCES][3][256]; /* channel, its URL, subdir */
    size_t nr;
};

struct outcome {
    int rc;
    struct cenv_buf reply;
    struct cenv_error err;
    struct cenv_json *root; /* of the reply, or of err.detail */
};

/* One more source; `data` (or the file `path`) must outlive the universe. */
__attribute__((unused)) static void universe_add(struct universe *u,
                                                 const char *channel,
                                                 const char *subdir, const char *path,
                                                 const char *data, size_t len)
{
    char(*texts)[256] = u->texts[u->nr];
    snprintf(texts[0], 256, "%s", channel);
    snprintf(texts[1], 256, "https://conda.anaconda.org/%s", channel);
    snprintf(texts[2], 256, "%s", subdir);
    u->sources[u->nr++] = (struct cenv_index_source){.channel = texts[0],
                                                     .channel_url = texts[1],
                                                     .subdir = texts[2],
                                                     .path = path,
                                                     .data = data,
                                                     .len = len};
}

__attribute__((unused)) static void outcome_release(struct outcome *o)
{
    cenv_json_free(o->root);
    cenv_buf_release(&o->reply);
    cenv_error_release(&o->err);
}

/* Solves `request` on an open index. */
__attribute__((unused)) static struct outcome solve_on(const struct cenv_index *index,
                                                       const char *request)
{
    struct outcome o = {0};
    struct cenv_task task;
    struct cenv_error err = CENV_ERROR_INIT;
    cenv_task_init(&task, NULL, NULL);
    cenv_buf_init(&o.reply, 64 << 20);
    o.rc = cenv_solve(index, request, &task, &o.reply, &o.err);
    const char *text = o.rc == 0 ? o.reply.data : o.err.detail;
    if (text)
        CHECK_INT(cenv_json_parse(&o.root, cenv_str(text), "the reply", &err), 0);
    cenv_task_release(&task);
    return o;
}

__attribute__((unused)) static struct cenv_index *
universe_open(const struct universe *u)
{
    struct cenv_index *index = NULL;
    struct cenv_task task;
    struct cenv_error err = CENV_ERROR_INIT;
    cenv_task_init(&task, NULL, NULL);
    if (!CHECK_INT(cenv_index_open(&index, u->sources, u->nr, NULL, &task, &err), 0))
        fprintf(stderr, "    %s\n", err.message);
    cenv_task_release(&task);
    cenv_error_release(&err);
    return index;
}

/* "name-version-build name-version-build ..." in the order of the reply; caller frees. */
__attribute__((unused)) static char *outcome_names(const struct outcome *o)
{
    struct cenv_buf text;
    const struct cenv_json *record;
    cenv_buf_init(&text, 1 << 20);
    cenv_json_each(record, cenv_json_get(o->root, "records"))
    {
        cenv_buf_addf(&text, "%s%s-%s-%s", text.len ? " " : "",
                      cenv_json_get_cstr(record, "name"),
                      cenv_json_get_cstr(record, "version"),
                      cenv_json_get_cstr(record, "build"));
    }
    char *names = cenv_buf_detach(&text);
    return names;
}

/* ---- the judge: reads only request and reply ---- */

struct judge {
    struct cenv_arena arena;
    struct cenv_record *records; /* of the reply, then virtual packages */
    size_t nr, nr_real;
};

static void judge_add(struct judge *j, const struct cenv_json *object)
{
    struct cenv_record *r = &j->records[j->nr++];
    const struct cenv_json *item;
    struct cenv_version *version = cenv_arena_calloc(&j->arena, 1, sizeof(*version));
    struct cenv_error err = CENV_ERROR_INIT;
    *r = (struct cenv_record){
        .name = cenv_json_get_str(object, "name"),
        .version = cenv_json_get_str(object, "version"),
        .build = cenv_json_get_str(object, "build"),
        .fn = cenv_json_get_str(object, "fn"),
        .subdir = cenv_json_get_str(object, "subdir"),
        .channel = cenv_json_get_str(object, "channel"),
        .url = cenv_json_get_str(object, "url"),
        .build_number = (uint64_t)cenv_json_get_int(object, "build_number", 0)};
    if (cenv_version_parse(version, r->version, &j->arena, &err) == 0)
        r->parsed = version;
    cenv_error_release(&err);
    const char *keys[] = {"depends", "constrains"};
    for (int k = 0; k < 2; k++) {
        const struct cenv_json *list = cenv_json_get(object, keys[k]);
        struct cenv_str *texts =
            cenv_arena_calloc(&j->arena, cenv_json_len(list), sizeof(*texts));
        uint32_t nr = 0;
        cenv_json_each(item, list) texts[nr++] = cenv_json_str(item);
        *(k ? &r->constrains : &r->depends) = texts;
        *(k ? &r->nr_constrains : &r->nr_depends) = nr;
    }
}

/* The reply has a record that matches the spec; with `limit`, it has none that does not. */
static bool judge_holds(struct judge *j, struct cenv_str text, bool limit,
                        size_t *where)
{
    struct cenv_matchspec spec;
    struct cenv_error err = CENV_ERROR_INIT;
    bool there = false, match = false;
    if (!CHECK_INT(cenv_matchspec_parse(&spec, text, &j->arena, &err), 0))
        return false;
    if (spec.name_is_glob || (spec.more && spec.more->when.len))
        return true; /* the story's expected solution is the judge */
    for (size_t i = 0; i < j->nr; i++) {
        if (!cenv_str_eq(j->records[i].name, spec.name))
            continue;
        there = true;
        match = cenv_matchspec_match(&spec, &j->records[i]);
        *where = i;
    }
    return limit ? !there || match : match;
}

/* Everything one record asks for holds, and what it needs comes before it unless in a cycle. */
static bool judge_record(struct judge *j, size_t i, bool ordered)
{
    const struct cenv_record *r = &j->records[i];
    bool ok = true;
    size_t at = 0;
    for (uint32_t k = 0; k < r->nr_depends; k++) {
        ok &= CHECK(judge_holds(j, r->depends[k], false, &at));
        if (ordered && at < j->nr_real)
            ok &= CHECK(at < i);
    }
    for (uint32_t k = 0; k < r->nr_constrains; k++)
        ok &= CHECK(judge_holds(j, r->constrains[k], true, &at));
    for (size_t k = 0; k < i; k++)
        ok &= CHECK(!cenv_str_eq(j->records[k].name, r->name));
    return ok;
}

/* The solution is valid: specs, dependencies, constraints, one record a name, none for nothing. */
__attribute__((unused)) static bool judge_reply(const char *request,
                                                const struct outcome *o, bool ordered)
{
    struct judge j = {0};
    struct cenv_json *asked = NULL;
    const struct cenv_json *item, *records = cenv_json_get(o->root, "records");
    struct cenv_error err = CENV_ERROR_INIT;
    CHECK_INT(cenv_json_parse(&asked, cenv_str(request), "the request", &err), 0);
    const struct cenv_json *machine = cenv_json_get(asked, "virtual_packages");
    j.records = cenv_arena_calloc(
        &j.arena, cenv_json_len(records) + cenv_json_len(machine), sizeof(*j.records));
    cenv_json_each(item, records) judge_add(&j, item);
    j.nr_real = j.nr;
    cenv_json_each(item, machine)
    {
        struct cenv_version *v = cenv_arena_calloc(&j.arena, 1, sizeof(*v));
        const struct cenv_json *name = cenv_json_first(item),
                               *version = cenv_json_next(name);
        cenv_version_parse(v, cenv_json_str(version), &j.arena, &err);
        j.records[j.nr++] =
            (struct cenv_record){.name = cenv_json_str(name),
                                 .version = cenv_json_str(version),
                                 .build = cenv_json_str(cenv_json_next(version)),
                                 .parsed = v};
    }
    bool ok = true;
    size_t at;
    cenv_json_each(item, cenv_json_get(asked, "specs")) ok &=
        CHECK(judge_holds(&j, cenv_json_str(item), false, &at));
    for (size_t i = 0; i < j.nr_real; i++)
        ok &= judge_record(&j, i, ordered);
    cenv_json_free(asked);
    cenv_arena_release(&j.arena);
    return ok;
}

#endif
