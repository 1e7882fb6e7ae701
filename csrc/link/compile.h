/* SPDX-License-Identifier: BSD-3-Clause */
/* Byte-compilation by the python of the new environment. */
#ifndef CENV_LINK_COMPILE_H
#define CENV_LINK_COMPILE_H

#include "base/error.h"
#include "link/steps.h"

/*
 * Compiles what the plan has as PYC with the environment's own python, as conda does: failures are
 * tolerated, a python that does not run is a warning. Entries get `done` where bytecode came to be.
 */
int cenv_link_compile_sources(struct cenv_linker *linker, struct cenv_error *err);

#endif
