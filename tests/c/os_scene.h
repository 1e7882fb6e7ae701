/* SPDX-License-Identifier: BSD-3-Clause */
/* What tests of the file system share: a directory of their own, and the error they look at. */
#ifndef OS_SCENE_H
#define OS_SCENE_H

#include "base/error.h"
#include "scratch.h"

static struct scratch s;
static struct cenv_error err = CENV_ERROR_INIT;

static void open_scratch(void)
{
    s = scratch_open();
}

static void close_scratch(void)
{
    cenv_error_release(&err);
    scratch_close(&s);
}

#endif
