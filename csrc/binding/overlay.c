/* SPDX-License-Identifier: BSD-3-Clause */
/* Overlay clones: the namespace they are mounted in, and what becomes of them. */
#include "binding/bind.h"

typedef int (*namespace_fn)(struct cenv_buf *, struct cenv_error *);

static PyObject *name_of(PyObject *module, namespace_fn operation)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;
    cenv_buf_init(&out, BIND_REPLY_MAX);
    int rc = operation(&out, &err);
    return bind_reply(bind_state_of(module), rc, &out, &err);
}

PyObject *bind_namespace_enter(PyObject *module, PyObject *unused)
{
    (void)unused;
    return name_of(module, cenv_namespace_enter);
}

PyObject *bind_namespace_name(PyObject *module, PyObject *unused)
{
    (void)unused;
    return name_of(module, cenv_namespace_name);
}

static PyObject *none_or_raise(PyObject *module, int rc, struct cenv_error *err)
{
    if (rc != 0)
        return bind_raise(bind_state_of(module), err);
    Py_RETURN_NONE;
}

PyObject *bind_namespace_share(PyObject *module, PyObject *unused)
{
    (void)unused;
    struct cenv_error err = CENV_ERROR_INIT;
    int rc = cenv_namespace_share(&err);
    return none_or_raise(module, rc, &err);
}

PyObject *bind_namespace_settle(PyObject *module, PyObject *unused)
{
    (void)unused;
    struct cenv_error err = CENV_ERROR_INIT;
    int rc = cenv_namespace_settle(&err);
    return none_or_raise(module, rc, &err);
}

PyObject *bind_overlay_remove(PyObject *module, PyObject *args)
{
    PyObject *store, *path;
    if (!PyArg_ParseTuple(args, "OO&:overlay_remove", &store, PyUnicode_FSConverter,
                          &path))
        return NULL;
    int rc;
    struct cenv_store *known = bind_store_or_null(bind_state_of(module), store, &rc);
    if (rc) {
        Py_DECREF(path);
        return NULL;
    }
    struct cenv_error err = CENV_ERROR_INIT;
    const char *bytes = PyBytes_AsString(path);
    Py_BEGIN_ALLOW_THREADS
    rc = cenv_overlay_remove(known, bytes, &err);
    Py_END_ALLOW_THREADS
    Py_DECREF(path);
    return none_or_raise(module, rc, &err);
}
