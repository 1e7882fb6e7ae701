/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads of a cloner, and the sum of what they did. */
#include "clone/cloner.h"

#include "base/alloc.h"

/* NULL when memory runs out; what is missing in it too is up to the caller to see. */
static struct cenv_cloner_thread *new_thread(void)
{
    struct cenv_cloner_thread *t = cenv_calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->window = cenv_malloc(CENV_CLONER_WINDOW);
    t->digest = cenv_digest_new(CENV_SHA256);
    return t;
}

static void free_thread(struct cenv_cloner_thread *t)
{
    if (!t)
        return;
    cenv_free(t->window);
    cenv_digest_free(t->digest);
    cenv_free(t);
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
                              .task = task};
    c->threads = threads > CENV_CLONER_THREADS ? CENV_CLONER_THREADS : threads;
    c->cloned = cenv_calloc((size_t)c->m->nr_relocs + 1, sizeof(*c->cloned));
    bool ok = c->cloned;
    for (unsigned i = 0; i < c->threads && ok; i++) {
        c->thread[i] = new_thread();
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
