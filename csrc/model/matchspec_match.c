/* SPDX-License-Identifier: BSD-3-Clause */
/* MatchSpec, matching: see matchspec_match.h. */
#include "model/matchspec_match.h"

#include "base/hex.h"

static bool match_number(const struct cenv_nummatch *m, uint64_t value)
{
    switch (m->op) {
    case CENV_NUM_ANY:
        return true;
    case CENV_NUM_EQ:
        return value == m->value;
    case CENV_NUM_NE:
        return value != m->value;
    case CENV_NUM_LT:
        return value < m->value;
    case CENV_NUM_LE:
        return value <= m->value;
    case CENV_NUM_GT:
        return value > m->value;
    case CENV_NUM_GE:
        return value >= m->value;
    }
    return false;
}

static bool has_word(const struct cenv_str *words, size_t nr, struct cenv_str word)
{
    for (size_t i = 0; i < nr; i++)
        if (cenv_str_eq(words[i], word))
            return true;
    return false;
}

/* The same words in any order. */
static bool same_words(const struct cenv_strlist *want, const struct cenv_str *words,
                       size_t nr)
{
    for (size_t i = 0; i < want->nr; i++)
        if (!has_word(words, nr, want->items[i]))
            return false;
    for (size_t i = 0; i < nr; i++)
        if (!has_word(want->items, want->nr, words[i]))
            return false;
    return true;
}

/* `features` of a record is one string, split at blanks and commas. */
static bool same_features(const struct cenv_strlist *want, struct cenv_str text)
{
    struct cenv_str words[16];
    size_t nr = 0;

    while (text.len && nr < sizeof(words) / sizeof(words[0])) {
        size_t n = 0;
        while (n < text.len && text.data[n] != ' ' && text.data[n] != ',')
            n++;
        if (n)
            words[nr++] = cenv_str_slice(text, 0, n);
        text = cenv_str_slice(text, n + 1, text.len);
    }
    return !text.len && same_words(want, words, nr);
}

static bool has_flags(const struct cenv_strlist *want, const struct cenv_record *record)
{
    for (uint32_t i = 0; i < want->nr; i++) {
        bool found = false;
        for (uint32_t j = 0; j < record->nr_flags && !found; j++)
            found = cenv_strmatch_glob(want->items[i], record->flags[j], false);
        if (!found)
            return false;
    }
    return true;
}

/* One byte of a URL, percent-encoded or not. */
static int next_byte(struct cenv_str *url)
{
    unsigned char c = (unsigned char)url->data[0];
    int high = url->len > 2 ? cenv_hex_value(url->data[1]) : -1;
    int low = url->len > 2 ? cenv_hex_value(url->data[2]) : -1;
    bool encoded = c == '%' && high >= 0 && low >= 0;

    *url = cenv_str_slice(*url, encoded ? 3 : 1, url->len);
    return encoded ? high * 16 + low : c;
}

static bool same_url(struct cenv_str a, struct cenv_str b)
{
    while (a.len && b.len)
        if (next_byte(&a) != next_byte(&b))
            return false;
    return !a.len && !b.len;
}

static bool match_channel(const struct cenv_matchspec_more *more,
                          const struct cenv_record *record)
{
    if (more->channel.kind == CENV_CHANNELMATCH_ANY && more->url.len)
        return same_url(more->url, record->url);
    return cenv_channelmatch_test(&more->channel, record->channel, record->channel_url);
}

static bool match_more(const struct cenv_matchspec_more *more,
                       const struct cenv_record *record)
{
    if (!match_number(&more->build_number, record->build_number) ||
        !cenv_strmatch_test(&more->subdir, record->subdir) ||
        !match_channel(more, record))
        return false;
    if ((more->md5.len && !cenv_str_eq(more->md5, record->md5)) ||
        (more->sha256.len && !cenv_str_eq(more->sha256, record->sha256)))
        return false;
    if (!cenv_strmatch_test(&more->fn, record->fn) ||
        !cenv_strmatch_test(&more->license, record->license) ||
        !cenv_strmatch_test(&more->license_family, record->license_family))
        return false;
    if (more->has_track_features &&
        !same_words(&more->track_features, record->track_features,
                    record->nr_track_features))
        return false;
    if (more->has_features && !same_features(&more->features, record->features))
        return false;
    return has_flags(&more->flags, record);
}

static bool match_name(const struct cenv_matchspec *spec, struct cenv_str name)
{
    return spec->name_is_glob ? cenv_strmatch_glob(spec->name, name, true)
                              : cenv_str_eq(spec->name, name);
}

static bool match_nvb(const struct cenv_matchspec *spec, struct cenv_str name,
                      const struct cenv_version *version, struct cenv_str build)
{
    struct cenv_str literal;

    if (!match_name(spec, name))
        return false;
    if (version
            ? !cenv_versionspec_match(&spec->version, version)
            : cenv_versionspec_form(&spec->version, &literal) != CENV_VERSIONSPEC_ANY)
        return false;
    return cenv_strmatch_test(&spec->build, build);
}

bool cenv_matchspec_match(const struct cenv_matchspec *spec,
                          const struct cenv_record *record)
{
    return match_nvb(spec, record->name, record->parsed, record->build) &&
           (!spec->more || match_more(spec->more, record));
}

bool cenv_matchspec_match_nvb(const struct cenv_matchspec *spec, struct cenv_str name,
                              const struct cenv_version *version, struct cenv_str build)
{
    const struct cenv_record record = {.name = name, .parsed = version, .build = build};

    return cenv_matchspec_match(spec, &record);
}
