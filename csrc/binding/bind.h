/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the binding share. Every method has one shape: parse the arguments, copy what
 * is needed into C, release the GIL, make one core call, take the GIL, convert the reply or raise.
 * A method that takes a Task takes it first, so that one caller can give it to all of them.
 */
#ifndef CENV_BINDING_BIND_H
#define CENV_BINDING_BIND_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "cenv.h"

struct bind_state {
    /* The exception classes by number of the status; NULL where Python raises its own. */
    PyObject *errors[CENV_NR_STATUS];
    struct cenv_checked checked; /* by all calls of this process */
    PyTypeObject *task_type;
    PyTypeObject *version_type;
    PyTypeObject *matchspec_type;
    PyTypeObject *index_type;
    PyTypeObject *store_type;
    PyTypeObject *lease_type;
    PyTypeObject *draft_type;
};

struct bind_state *bind_state_of(PyObject *module);

/* The state behind an instance of one of this module's types. */
struct bind_state *bind_state_of_self(PyObject *self);

/* Raises `err` as its Python class and releases it; an exception already set stays. Returns
 * NULL. */
PyObject *bind_raise(struct bind_state *state, struct cenv_error *err);

/* The content of `out` as str (JSON is UTF-8), which is released; raises when `rc` is not 0. */
PyObject *bind_reply(struct bind_state *state, int rc, struct cenv_buf *out,
                     struct cenv_error *err);

/*
 * A Task: one operation's cancellation, progress callback and spans. `begin` releases the GIL for a
 * core call on this thread and returns the core's task; NULL with RuntimeError set when it is in
 * use, for it serves one call at a time. `end` takes the GIL again, and returns `rc`, but
 * CENV_ECANCELLED when a poll set an exception and the call came to its end all the same: with that
 * set nothing may be returned.
 */
struct cenv_task *bind_task_begin(PyObject *task);
int bind_task_end(PyObject *task, int rc);

/* One core call under way: what it needs beside its own arguments. */
struct bind_call {
    PyObject *task_object;
    struct cenv_task *task;
    struct cenv_buf out;
    struct cenv_error err;
};

/*
 * Begins a call with `task`, a Task, and releases the GIL; false with an exception set when the
 * task is in use. End takes the GIL again and gives the reply as str, or raises when `rc` is not 0.
 */
bool bind_call_begin(struct bind_call *call, PyObject *task);
PyObject *bind_call_end(struct bind_call *call, struct bind_state *state, int rc);

/* None for a reply that tells nothing, which is released; NULL stays NULL. */
PyObject *bind_nothing(PyObject *reply);

/*
 * The texts of a list (by PyBytes_AsString, or bind_utf8 for str), borrowed from it and ended by
 * NULL; NULL with an exception set. Free with PyMem_Free.
 */
const char **bind_texts(PyObject *list, char *(*text_of)(PyObject *));
char *bind_utf8(PyObject *text);

/* Replies may be large (solutions of thousands of records), but not without bound. */
#define BIND_REPLY_MAX ((size_t)1 << 30)

/* Adds the type made from `spec` to the module under its own name and keeps it in *slot. */
int bind_add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **slot);

/* Frees an instance of a heap type after its own members are gone. */
void bind_free_instance(PyObject *self);

/* The core's store behind a Store object; borrowed. */
struct cenv_store *bind_store_of(PyObject *store);
/* The same, NULL for None; with *wrong an exception is set. */
struct cenv_store *bind_store_or_null(struct bind_state *state, PyObject *object,
                                      int *wrong);

/* draft.c: a method of Store */
PyObject *bind_draft_open(PyObject *store, PyObject *args);

/* text.c */
PyObject *bind_redact(PyObject *module, PyObject *args);
PyObject *bind_clean_spec(PyObject *module, PyObject *args);
PyObject *bind_split_url(PyObject *module, PyObject *args);

/* view.c */
PyObject *bind_view_enter(PyObject *module, PyObject *args);
PyObject *bind_view_spawn(PyObject *module, PyObject *args);

/* program.c */
PyObject *bind_program_find(PyObject *module, PyObject *args);
PyObject *bind_program_run(PyObject *module, PyObject *args);
PyObject *bind_program_start(PyObject *module, PyObject *args);
PyObject *bind_program_wait(PyObject *module, PyObject *args);
PyObject *bind_activation_read(PyObject *module, PyObject *path);

/* overlay.c */
PyObject *bind_namespace_enter(PyObject *module, PyObject *unused);
PyObject *bind_namespace_name(PyObject *module, PyObject *unused);
PyObject *bind_namespace_share(PyObject *module, PyObject *unused);
PyObject *bind_namespace_settle(PyObject *module, PyObject *unused);
PyObject *bind_overlay_remove(PyObject *module, PyObject *args);

extern PyType_Spec bind_task_spec;
extern PyType_Spec bind_version_spec;
extern PyType_Spec bind_matchspec_spec;
extern PyType_Spec bind_index_spec;
extern PyType_Spec bind_store_spec;
extern PyType_Spec bind_lease_spec;
extern PyType_Spec bind_draft_spec;
extern PyMethodDef bind_op_methods[];

#endif
