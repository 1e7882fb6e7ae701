/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables of a repodata, and what it says of itself: see repodata_table.h. */
#include "repodata/repodata_table.h"

#include "base/alloc.h"
#include "model/channel.h"

/* The directory the file lies in. */
static void add_directory(const struct cenv_repodata *rd, struct cenv_buf *out)
{
    if (rd->source.url.len || !rd->source.channel_url.len) {
        cenv_buf_add_str(out, rd->source.url);
        return;
    }
    cenv_buf_add_str(out, rd->source.channel_url);
    cenv_buf_putc(out, '/');
    cenv_buf_add_str(out, rd->origin.subdir);
}

/* Where packages lie. */
static int resolve_base(struct cenv_repodata *rd, struct cenv_str base_url,
                        struct cenv_error *err)
{
    struct cenv_buf directory, url;

    cenv_buf_init(&directory, 1 << 16);
    cenv_buf_init(&url, 1 << 18);
    add_directory(rd, &directory);
    int rc = cenv_channel_add_base(&url, cenv_buf_str(&directory), base_url, err);
    if (rc == CENV_ECHANNEL)
        cenv_error_prefix(err, "%.*s", CENV_STR_ARG(rd->source.file));
    if (rc == 0 && directory.failed)
        rc = cenv_error_oom(err);
    if (rc == 0 && url.len) {
        rd->origin.base_url = cenv_arena_str(&rd->arena, cenv_buf_str(&url));
        rc = rd->origin.base_url.data ? 0 : cenv_error_oom(err);
    }
    cenv_buf_release(&url);
    cenv_buf_release(&directory);
    return rc;
}

int cenv_repodata_table_settle(struct cenv_repodata *rd, struct cenv_error *err)
{
    const struct cenv_repodata_source *source = &rd->source;
    struct cenv_str subdir = cenv_repodata_table_str(rd, rd->t.subdir);
    struct cenv_str base_url = cenv_repodata_table_str(rd, rd->t.base_url);

    if (source->subdir.len && subdir.len && !cenv_str_eq(source->subdir, subdir))
        return cenv_error_set(err, CENV_ECHANNEL,
                              "%.*s: this is the repodata of %.*s, not of %.*s",
                              CENV_STR_ARG(source->file), CENV_STR_ARG(subdir),
                              CENV_STR_ARG(source->subdir));
    rd->origin = (struct cenv_record_origin){
        .subdir = source->subdir.len ? source->subdir : subdir,
        .channel = source->channel,
        .channel_url = source->channel_url,
        .channel_rank = source->channel_rank,
    };
    return resolve_base(rd, base_url, err);
}

static bool copy_source(struct cenv_repodata *rd,
                        const struct cenv_repodata_source *source)
{
    struct cenv_str *spans[] = {&rd->source.file, &rd->source.subdir,
                                &rd->source.channel, &rd->source.channel_url,
                                &rd->source.url};

    rd->source = *source;
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        *spans[i] = cenv_arena_str(&rd->arena, *spans[i]);
        if (!spans[i]->data)
            return false;
    }
    return true;
}

struct cenv_repodata *cenv_repodata_table_new(struct cenv_str bytes,
                                              const struct cenv_repodata_source *source)
{
    struct cenv_repodata *rd = cenv_calloc(1, sizeof(*rd));

    if (!rd)
        return NULL;
    cenv_arena_init(&rd->arena);
    rd->bytes = bytes;
    rd->reader.len = bytes.len;
    if (copy_source(rd, source))
        return rd;
    cenv_arena_release(&rd->arena);
    cenv_free(rd);
    return NULL;
}
