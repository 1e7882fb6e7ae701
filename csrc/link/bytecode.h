/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytecode of noarch python packages, kept in the store from link to link. */
#ifndef CENV_LINK_BYTECODE_H
#define CENV_LINK_BYTECODE_H

#include "base/error.h"
#include "link/steps.h"

/*
 * Bytecode depends on the package, the python, and where site-packages is, not on the prefix: file
 * names in it are relative, and relocated sources are left out here. The store keeps it under the
 * hash of these three, as a package of its own.
 *
 * Take places what is known: its entries get `done`, or `dropped` where compiling failed before.
 * Packages of which nothing is known get `new_bytecode`; keep publishes theirs once it is compiled.
 * What goes wrong in either costs time, never the link: only CENV_ENOMEM and CENV_ECANCELLED are
 * errors.
 */
int cenv_link_bytecode_take(struct cenv_linker *linker, struct cenv_error *err);
void cenv_link_bytecode_keep(struct cenv_linker *linker);

#endif
