/* SPDX-License-Identifier: BSD-3-Clause */
/* Subdirs known to the field, the one of this machine, and virtual packages (CEP 30, CEP 46). */
#ifndef CENV_MODEL_PLATFORM_H
#define CENV_MODEL_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* All subdirs of conda, "noarch" among them. */
bool cenv_platform_is_subdir(struct cenv_str subdir);

/* The subdir of the machine this was compiled for ("linux-64"); a literal. */
const char *cenv_platform_subdir(void);

/* What the machine is, all borrowed and NULL where unknown or absent. */
struct cenv_platform_facts {
    /* "6.1.0": version of __linux; macOS: "14.5"; Windows: "10.0.22631". */
    const char *kernel;
    const char *glibc;     /* "2.36" */
    const char *cuda;      /* "12.4", of the driver */
    const char *cuda_arch; /* "8.6", the lowest compute capability of the devices */
    const char *microarch; /* archspec's name: "x86_64_v3", "zen4", "m1" */
};

/* One CONDA_OVERRIDE_NAME=VALUE of the environment: name without the prefix, value may be "". */
struct cenv_override {
    const char *name, *value;
};

struct cenv_virtual {
    char name[32], version[64], build[64];
};

enum { CENV_VIRTUAL_MAX = 8 };

/*
 * The virtual packages of `subdir`, sorted by name, into out[CENV_VIRTUAL_MAX]; returns how many,
 * or CENV_EUSAGE for an override that is no version (of __cuda_arch: no compute capability).
 * For another platform than this machine's (`facts` NULL) the defaults are: glibc 2.17, linux 0,
 * osx 11.0 (arm64) or 10.15, win 0, the baseline microarchitecture, no cuda. (CEP 30 has osx 0
 * there, with which hardly a package of an osx channel could be solved for from elsewhere.) An
 * empty override removes the package, but makes __linux 0; there is none for __unix, and no empty
 * one for __archspec;
 * __linux, __osx, __win (and __glibc) only where the platform is of that kind, __cuda_arch only
 * where __cuda is.
 */
int cenv_platform_virtual(struct cenv_virtual *out, struct cenv_str subdir,
                          const struct cenv_platform_facts *facts,
                          const struct cenv_override *overrides, size_t nr_overrides,
                          struct cenv_error *err);

#endif
