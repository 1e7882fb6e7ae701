/* SPDX-License-Identifier: BSD-3-Clause */
/* Manifests of any bytes, signed as if they were ours: refused, or safe to clone by. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "clone/prepared_clone.h"
#include "relocate/splice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cenv_str field_of(void *ctx, const struct cenv_site *site)
{
    (void)ctx;
    (void)site;
    return CENV_STR("12345");
}

/* Every range asked for lies in the file; what comes out is not much more than what there is. */
static void splice(const struct cenv_sites *sites, const struct cenv_forms *forms,
                   uint64_t size)
{
    struct cenv_splice s;
    struct cenv_piece piece;
    uint64_t most = size + sites->line_len + 4096, len = 0;
    for (size_t i = 0; i < sites->nr; i++)
        most += 8 * forms->of[CENV_ENC_UTF8].len + 64;
    cenv_splice_init(&s, sites, forms, size);
    s.field = field_of;
    while (cenv_splice_next(&s, &piece) > 0) {
        if (!piece.data && (piece.from > size || piece.len > size - piece.from))
            abort();
        len += piece.len;
        if (len > most)
            abort();
    }
    cenv_splice_release(&s);
}

static void clone_by(const struct cenv_manifest *m)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_prepared_clone c;
    if (cenv_prepared_clone_init(&c, m, -1, CENV_STR("/a/clone"), &err) == 0) {
        for (uint32_t i = 0; i < m->nr_relocs; i++) {
            struct cenv_sites sites = cenv_mf_sites(m, &m->relocs[i]);
            if (!c.verbatim[i])
                splice(&sites, &c.forms, m->files[m->relocs[i].file].size);
        }
        cenv_prepared_clone_release(&c);
    }
    cenv_error_release(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_manifest *m = NULL;
    if (size < sizeof(struct cenv_mf_header))
        return 0;
    char *block = cenv_malloc(size);
    if (!block)
        return 0;
    memcpy(block, data, size);
    ((struct cenv_mf_header *)(void *)block)->total = size;
    cenv_manifest_seal(block);
    if (cenv_manifest_from_block(&m, block, size, &err) == 0)
        clone_by(m);
    cenv_manifest_free(m);
    cenv_error_release(&err);
    return 0;
}
