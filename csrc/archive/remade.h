/* SPDX-License-Identifier: BSD-3-Clause */
/* What a delta brings, compared with what this machine makes of the packages itself. */
#ifndef CENV_ARCHIVE_REMADE_H
#define CENV_ARCHIVE_REMADE_H

#include "archive/bare.h"
#include "archive/delta.h"

/*
 * The delta was laid over `bare` in the directory `dir`. Its bytecode and records must be those
 * that linking makes; where nothing else can have made more (no set-up, base or link script),
 * there must be nothing more either. What a set-up or a script made is not looked at.
 * CENV_EINTEGRITY says what differs. Works in the directory `scratch`.
 */
int cenv_remade_compare(const struct cenv_bare *bare, const struct cenv_json *doc,
                        const struct cenv_delta *delta, int dir, int scratch);

#endif
