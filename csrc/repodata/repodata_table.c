/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables of a repodata, and what it says of itself: see repodata_table.h. */
#include "repodata/repodata_table.h"

#include "base/alloc.h"
#include "codec/url.h"
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

/* Where packages lie: base_url seen from that directory, with a slash at its end. */
static bool resolve_base(struct cenv_repodata *rd, struct cenv_str base_url)
{
    struct cenv_buf directory, url;

    cenv_buf_init(&directory, 1 << 16);
    cenv_buf_init(&url, 1 << 17);
    add_directory(rd, &directory);
    if (directory.len || base_url.len)
        cenv_url_join(&url, cenv_buf_str(&directory), base_url);
    if (url.len && url.data[url.len - 1] != '/')
        cenv_buf_putc(&url, '/');
    bool done = !directory.failed && !url.failed;
    if (done && url.len) {
        rd->origin.base_url = cenv_arena_str(&rd->arena, cenv_buf_str(&url));
        done = rd->origin.base_url.data;
    }
    cenv_buf_release(&url);
    cenv_buf_release(&directory);
    return done;
}

int cenv_repodata_table_settle(struct cenv_repodata *rd, struct cenv_error *err)
{
    const struct cenv_repodata_source *source = &rd->source;
    struct cenv_str subdir = cenv_repodata_table_str(rd, rd->t.subdir);
    struct cenv_str base_url = cenv_repodata_table_str(rd, rd->t.base_url);
    struct cenv_channel_url parts;

    if (source->subdir.len && subdir.len && !cenv_str_eq(source->subdir, subdir))
        return cenv_error_set(err, CENV_ECHANNEL,
                              "%.*s: this is the repodata of %.*s, not of %.*s",
                              CENV_STR_ARG(source->file), CENV_STR_ARG(subdir),
                              CENV_STR_ARG(source->subdir));
    if (cenv_channel_split(&parts, base_url) && (parts.auth.len || parts.token.len))
        return cenv_error_set(err, CENV_ECHANNEL,
                              "%.*s: base_url has credentials in it",
                              CENV_STR_ARG(source->file));
    rd->origin = (struct cenv_record_origin){
        .subdir = source->subdir.len ? source->subdir : subdir,
        .channel = source->channel,
        .channel_url = source->channel_url,
        .channel_rank = source->channel_rank,
    };
    return resolve_base(rd, base_url) ? 0 : cenv_error_oom(err);
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
