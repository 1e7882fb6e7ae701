/* SPDX-License-Identifier: BSD-3-Clause */
/* What names of channels mean under a configuration (channel_alias, custom_channels,
 * custom_multichannels), for the channels of specs. */
#ifndef CENV_MODEL_CHANNELNAMES_H
#define CENV_MODEL_CHANNELNAMES_H

#include <stdint.h>

#include "model/channelmatch.h"

/* A name that the configuration puts at one place: it and what lies below is that place. */
struct cenv_channel_place {
    struct cenv_str name, url;
};

/* A multichannel, and the names of its members. */
struct cenv_channel_group {
    struct cenv_str name;
    struct cenv_str *members;
    uint32_t nr;
};

/* URLs are in normal form, without secrets and last slash. Immutable: any number of threads. */
struct cenv_channelnames {
    struct cenv_str alias;
    struct cenv_channel_place *places;
    uint32_t nr_places;
    struct cenv_channel_group *groups;
    uint32_t nr_groups;
};

/* From {"alias": URL, "places": {NAME: URL}, "groups": {NAME: [NAME]}}, all keys optional; copied
 * into `arena`. CENV_EUSAGE: it is of another shape; CENV_EINTEGRITY: it is no JSON. */
int cenv_channelnames_parse(struct cenv_channelnames *out, struct cenv_str json,
                            struct cenv_arena *arena, struct cenv_error *err);

/*
 * As cenv_channelmatch_test, by the rule of conda's ChannelMatch: a URL that is not below the
 * alias, and a name that has a place, match what lies there, whatever the scheme; any other name
 * matches the channels that are called so on any host (mirrors), and that of a multichannel those
 * that are called as its members.
 */
bool cenv_channelnames_test(const struct cenv_channelnames *names,
                            const struct cenv_channelmatch *matcher,
                            struct cenv_str name, struct cenv_str url);

#endif
