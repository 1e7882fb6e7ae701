/* SPDX-License-Identifier: BSD-3-Clause */
/* The module's functions: one core call each. */
#include "binding/bind.h"

PyMethodDef bind_op_methods[] = {
    { NULL, NULL, 0, NULL },
};
