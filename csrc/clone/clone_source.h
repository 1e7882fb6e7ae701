/* SPDX-License-Identifier: BSD-3-Clause */
/* What is cloned: an environment, open, and its manifest from wherever there is one. */
#ifndef CENV_CLONE_CLONE_SOURCE_H
#define CENV_CLONE_CLONE_SOURCE_H

#include "cenv.h"
#include "manifest/manifest.h"

struct cenv_clone_source {
    char *path; /* links resolved */
    int fd;
    /* Of the store: its manifest is believed, and a change in it is a surprise. */
    bool is_template;
    /* Its clones share inodes with it, whether a template or not; the caller sets it. */
    bool shared;
    struct cenv_manifest *manifest;
};

/* Opens the environment `path`. CENV_EPREFIX: neither a conda environment nor a venv. */
int cenv_clone_source_open(struct cenv_clone_source *out, const char *path,
                           struct cenv_error *err);
void cenv_clone_source_close(struct cenv_clone_source *source);

/* Whether something else lies at its path now, or nothing, as while a template is built anew. */
bool cenv_clone_source_is_replaced(const struct cenv_clone_source *source);

/*
 * Gets the manifest of what may be a template of `store`, without a look at the files: 0, 1 when it
 * is none, or a status.
 */
int cenv_clone_source_template(struct cenv_clone_source *source,
                               struct cenv_store *store, struct cenv_task *task,
                               struct cenv_error *err);

/*
 * Gets the manifest: the template's own; of any other environment the one in `store` (NULL: none),
 * when everything still lies as it says, else a new one, for which only what differs is looked
 * into, and which the store keeps. With `again`, after an attempt that found the source otherwise,
 * whatever there is, is checked and brought up to date; CENV_EINTEGRITY: an altered template.
 * CENV_EPREFIX when it was replaced: what is open may be removed this moment, and looks whole.
 */
int cenv_clone_source_manifest(struct cenv_clone_source *source,
                               struct cenv_store *store, bool again,
                               struct cenv_task *task, struct cenv_error *err);

#endif
