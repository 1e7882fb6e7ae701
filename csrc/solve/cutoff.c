/* SPDX-License-Identifier: BSD-3-Clause */
/* Moments as requests give them, and which one counts for a record: see cutoff.h. */
#include "solve/cutoff.h"

#include <stdio.h>

/* The two or four digits at *at; moves it behind them and behind `sep`, when one is wanted. */
static bool parse_digits(const char **at, int nr, char sep, int *out)
{
    int value = 0;
    for (int i = 0; i < nr; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        value = value * 10 + (**at - '0');
    }
    *out = value;
    if (sep && **at != sep)
        return false;
    *at += sep != 0;
    return true;
}

/* Days since 1970 of a date of the Gregorian calendar (Hinnant's days_from_civil). */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = y / 400, yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static bool parse_clock(const char **at, int64_t *ms)
{
    int hour, minute, second = 0, fraction = 0;
    if (!parse_digits(at, 2, ':', &hour) || !parse_digits(at, 2, 0, &minute) ||
        hour > 23 || minute > 59)
        return false;
    if (**at == ':') {
        ++*at;
        if (!parse_digits(at, 2, 0, &second) || second > 60)
            return false;
    }
    if (**at == '.')
        for (int scale = 100; ++*at, **at >= '0' && **at <= '9'; scale /= 10)
            fraction += scale * (**at - '0');
    *ms = ((int64_t)hour * 3600 + minute * 60 + second) * 1000 + fraction;
    return true;
}

/* "YYYY-MM-DD[Thh:mm[:ss[.fff]][Z]]" in UTC as ms since 1970, a date alone as the end of that day
 * (conda); false when it is none. */
static bool parse_time(struct cenv_str text, int64_t *ms)
{
    char own[40];
    int year, month, day;
    int64_t clock = 86400000 - 1;
    if (text.len >= sizeof(own))
        return false;
    snprintf(own, sizeof(own), "%.*s", CENV_STR_ARG(text));
    const char *at = own;
    if (!parse_digits(&at, 4, '-', &year) || !parse_digits(&at, 2, '-', &month) ||
        !parse_digits(&at, 2, 0, &day) || month < 1 || month > 12 || day < 1 ||
        day > 31)
        return false;
    if ((*at == 'T' || *at == ' ') && (++at, !parse_clock(&at, &clock)))
        return false;
    at += *at == 'Z';
    if (*at)
        return false;
    *ms = days_of(year, month, day) * 86400000 + clock;
    return true;
}

static int parse_moment(struct cenv_cutoffs *out, const struct cenv_json *value,
                        struct cenv_arena *arena, struct cenv_error *err)
{
    struct cenv_str text = cenv_json_str(value);
    char number[32];
    if (cenv_json_int(value, &out->ms)) {
        snprintf(number, sizeof(number), "%lld ms", (long long)out->ms);
        text = cenv_str(number);
    } else if (cenv_json_type(value) != CENV_JSON_STRING ||
               !parse_time(text, &out->ms)) {
        return cenv_error_set(
            err, CENV_EUSAGE,
            "exclude_newer must be ms since 1970 or YYYY-MM-DD[Thh:mm[:ss]], "
            "not '%.*s'",
            CENV_STR_ARG(text));
    }
    out->text = cenv_arena_str(arena, text);
    return out->text.data ? 0 : cenv_error_oom(err);
}

/* An object of ms since 1970 by name or URL; null: nothing of it is too new. */
static int parse_list(struct cenv_cutoff_list *out, const struct cenv_json *object,
                      const char *key, struct cenv_arena *arena, struct cenv_error *err)
{
    const struct cenv_json *item;
    out->items = cenv_arena_calloc(arena, cenv_json_len(object), sizeof(*out->items));
    if (!out->items)
        return cenv_error_oom(err);
    cenv_json_each(item, object)
    {
        struct cenv_cutoff *own = &out->items[out->nr++];
        own->of = cenv_arena_str(arena, cenv_str(cenv_json_key(item)));
        own->ms = INT64_MAX;
        if (!own->of.data)
            return cenv_error_oom(err);
        if (cenv_json_type(item) != CENV_JSON_NULL && !cenv_json_int(item, &own->ms))
            return cenv_error_set(err, CENV_EUSAGE, "%s: '%.*s' is not ms since 1970",
                                  key, CENV_STR_ARG(own->of));
    }
    return 0;
}

int cenv_cutoffs_parse(struct cenv_cutoffs *out,
                       const struct cenv_cutoff_members *members,
                       struct cenv_arena *arena, struct cenv_error *err)
{
    *out = (struct cenv_cutoffs){.ms = INT64_MAX};
    int rc = members->all ? parse_moment(out, members->all, arena, err) : 0;
    if (rc == 0)
        rc = parse_list(&out->packages, members->packages, "exclude_newer_package",
                        arena, err);
    if (rc == 0)
        rc = parse_list(&out->channels, members->channels, "exclude_newer_channel",
                        arena, err);
    return rc;
}

static const struct cenv_cutoff *find_own(const struct cenv_cutoff_list *list,
                                          struct cenv_str of)
{
    for (size_t i = 0; i < list->nr; i++)
        if (cenv_str_eq(list->items[i].of, of))
            return &list->items[i];
    return NULL;
}

int64_t cenv_cutoffs_of(const struct cenv_cutoffs *cutoffs,
                        const struct cenv_record *record)
{
    const struct cenv_cutoff *own = find_own(&cutoffs->packages, record->name);
    if (!own)
        own = find_own(&cutoffs->channels, record->channel_url);
    return own ? own->ms : cutoffs->ms;
}

bool cenv_cutoffs_exclude(const struct cenv_cutoffs *cutoffs,
                          const struct cenv_record *record)
{
    int64_t time = record->indexed_timestamp_ms ? record->indexed_timestamp_ms
                                                : record->timestamp_ms;
    return time > cenv_cutoffs_of(cutoffs, record);
}
