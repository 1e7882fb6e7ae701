/* SPDX-License-Identifier: BSD-3-Clause */
/* The files in a package's info that tell what the package is. */
#ifndef CENV_PACKAGE_INFO_FILE_H
#define CENV_PACKAGE_INFO_FILE_H

#include "base/error.h"

/* 1 when `name` is a file of the directory `info`, 0 when it is absent; else CENV_EINTEGRITY. */
int cenv_info_file_find(int info, const char *name, struct cenv_error *err);

#endif
