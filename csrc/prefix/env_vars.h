/* SPDX-License-Identifier: BSD-3-Clause */
/* The variables that packages and the environment itself set on activation. */
#ifndef CENV_PREFIX_ENV_VARS_H
#define CENV_PREFIX_ENV_VARS_H

#include "base/buf.h"
#include "base/error.h"
#include "codec/json.h"

/* Bytes of one file, and variables of one environment, that are taken. */
enum { CENV_ENV_VARS_FILE_MAX = 1 << 20, CENV_ENV_VARS_MAX = 4096 };

struct cenv_env_vars {
    struct cenv_json *set; /* an object: names to strings */
    /* What could not be taken and why: lines, a NUL behind each. */
    struct cenv_buf told;
};

/*
 * As conda's activate: the files of etc/conda/env_vars.d in byte order of their names, then
 * "env_vars" of conda-meta/state, the later of one name counts; names in capitals, PATH left out,
 * and what the later unsets ("***unset***"). Absent files are fine; links are not followed. The
 * caller releases it, also after a failure.
 */
int cenv_env_vars_read(struct cenv_env_vars *out, int root, struct cenv_error *err);
void cenv_env_vars_release(struct cenv_env_vars *vars);

#endif
