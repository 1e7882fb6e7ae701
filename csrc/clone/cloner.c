/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads of a cloner, and the sum of what they did. */
#include "clone/cloner.h"

#include "base/alloc.h"

/* NULL when memory runs out; what is missing in it too is up to the caller to see. */
static struct cenv_cloner_thread *new_thread(int layer)
{
    struct cenv_cloner_thread *t = cenv_calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    cenv_dirs_init(&t->layer, layer);
    t->window = cenv_malloc(CENV_CLONER_WINDOW);
    t->digest = cenv_digest_new(CENV_SHA256);
    return t;
}

static void free_thread(struct cenv_cloner_thread *t)
{
    if (!t)
        return;
    cenv_dirs_release(&t->layer);
    cenv_free(t->window);
    cenv_digest_free(t->digest);
    cenv_free(t);
}

/* By relocation: the target's own, or a new one, with what is remembered. False: no memory. */
static bool init_cloned(struct cenv_cloner *c, const struct cenv_clone_target *target)
{
    c->tells = target->told != NULL;
    c->cloned = target->told;
    if (!c->tells)
        c->cloned = cenv_calloc((size_t)c->m->nr_relocs + 1, sizeof(*c->cloned));
    for (uint32_t i = 0; c->cloned && c->remembered && i < c->m->nr_relocs; i++) {
        const struct cenv_memory_file *file = cenv_remembered_get(c->remembered, i);
        if (!file)
            continue;
        memcpy(c->cloned[i].sha256, file->sha256, CENV_SHA256_LEN);
        c->cloned[i].size = file->size;
    }
    return c->cloned;
}

int cenv_cloner_init(struct cenv_cloner *c, const struct cenv_prepared_clone *prepared,
                     const struct cenv_clone_target *target, unsigned threads,
                     struct cenv_task *task, struct cenv_error *err)
{
    *c = (struct cenv_cloner){.m = prepared->m,
                              .forms = &prepared->forms,
                              .verbatim = prepared->verbatim,
                              .src = prepared->src,
                              .dst = target->dst,
                              .mask = target->mask,
                              .mode = target->mode,
                              .common = target->common,
                              .remembered = target->remembered,
                              .task = task};
    int layer = c->remembered ? c->remembered->memory.layer : -1;
    c->threads = threads > CENV_CLONER_THREADS ? CENV_CLONER_THREADS : threads;
    bool ok = init_cloned(c, target);
    for (unsigned i = 0; i < c->threads && ok; i++) {
        c->thread[i] = new_thread(layer);
        ok = c->thread[i] && c->thread[i]->window && c->thread[i]->digest;
    }
    if (ok)
        return 0;
    cenv_cloner_finish(c, NULL);
    return cenv_error_oom(err);
}

static void add_counts(struct cenv_clone_counts *sum,
                       const struct cenv_clone_counts *part)
{
    sum->files += part->files;
    sum->relocated += part->relocated;
    sum->remembered += part->remembered;
    sum->bytes_copied += part->bytes_copied;
    sum->bytes_shared += part->bytes_shared;
    for (int i = 0; i < CENV_FALLBACK_NR; i++)
        sum->fallbacks[i] += part->fallbacks[i];
}

void cenv_cloner_finish(struct cenv_cloner *c, struct cenv_clone_result *result)
{
    if (result)
        *result =
            (struct cenv_clone_result){.counts.no_times = atomic_load(&c->no_times),
                                       .changed = atomic_load(&c->changed)};
    for (unsigned i = 0; i < CENV_CLONER_THREADS; i++) {
        if (result && c->thread[i])
            add_counts(&result->counts, &c->thread[i]->counts);
        free_thread(c->thread[i]);
    }
    if (!c->tells)
        cenv_free(c->cloned);
    *c = (struct cenv_cloner){.src = -1, .dst = -1};
}

int cenv_cloner_set_changed(struct cenv_cloner *c, uint32_t dir, const char *name,
                            struct cenv_error *err)
{
    const char *path = cenv_mf_cstr(c->m, c->m->dirs[dir].path);
    atomic_store(&c->changed, true);
    cenv_error_set(err, CENV_EPREFIX,
                   "the source changed while it was being cloned: '%s%s%s'", path,
                   *path && *name ? "/" : "", name);
    return cenv_error_hint(err, "clone again when nothing writes to it");
}
