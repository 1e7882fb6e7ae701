/* SPDX-License-Identifier: BSD-3-Clause */
/* Core errors become Python exceptions here, and only here. */
#include "binding/bind.h"

static PyObject *text_of(const char *text)
{
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "surrogateescape");
}

static int set_text(PyObject *exception, const char *name, const char *text)
{
    PyObject *value = text[0] ? text_of(text) : Py_NewRef(Py_None);
    int rc = value ? PyObject_SetAttrString(exception, name, value) : -1;
    Py_XDECREF(value);
    return rc;
}

/* OSError(errno, text, filename) becomes FileNotFoundError and its kin by itself. */
static PyObject *make_os_error(const struct cenv_error *err)
{
    PyObject *message = text_of(err->message);
    PyObject *path =
        err->path[0] ? PyUnicode_DecodeFSDefault(err->path) : Py_NewRef(Py_None);
    PyObject *exception = NULL;
    if (message && path)
        exception =
            PyObject_CallFunction(PyExc_OSError, "iOO", err->os_errno, message, path);
    Py_XDECREF(message);
    Py_XDECREF(path);
    return exception;
}

static PyObject *make_exception(struct bind_state *state, const struct cenv_error *err)
{
    if (err->status == CENV_EOS)
        return make_os_error(err);
    if (err->status == CENV_ENOMEM)
        return PyObject_CallFunction(PyExc_MemoryError, "s", err->message);
    if (err->status == CENV_ECANCELLED)
        return PyObject_CallFunction(PyExc_KeyboardInterrupt, NULL);
    int index = CENV_STATUS_FIRST - err->status;
    PyObject *class =
        index >= 0 && index < CENV_NR_STATUS ? state->errors[index] : NULL;
    PyObject *message = text_of(err->message);
    PyObject *exception = NULL;
    if (message)
        exception = PyObject_CallFunctionObjArgs(class ? class : PyExc_RuntimeError,
                                                 message, NULL);
    Py_XDECREF(message);
    return exception;
}

PyObject *bind_raise(struct bind_state *state, struct cenv_error *err)
{
    if (!PyErr_Occurred()) {
        PyObject *exception = make_exception(state, err);
        if (exception && set_text(exception, "hint", err->hint) == 0 &&
            (!err->detail || set_text(exception, "detail", err->detail) == 0))
            PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
        Py_XDECREF(exception);
    }
    cenv_error_release(err);
    return NULL;
}

PyObject *bind_reply(struct bind_state *state, int rc, struct cenv_buf *out,
                     struct cenv_error *err)
{
    PyObject *reply = NULL;
    if (rc == 0 && out->failed)
        rc = cenv_error_oom(err);
    if (rc != 0)
        bind_raise(state, err);
    else
        reply = PyUnicode_DecodeUTF8(out->data ? out->data : "", (Py_ssize_t)out->len,
                                     "surrogateescape");
    cenv_buf_release(out);
    return reply;
}
