/* SPDX-License-Identifier: BSD-3-Clause */
/* The module's functions of text: what may have secrets in it. */
#include "binding/bind.h"

typedef int (*text_fn)(struct cenv_str text, struct cenv_buf *out,
                       struct cenv_error *err);

/* (bytes) -> text, or bytes where the text need not be UTF-8. */
static PyObject *with_text(PyObject *module, PyObject *args, text_fn operation,
                           bool as_bytes)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;
    const char *data;
    Py_ssize_t len;

    if (!PyArg_ParseTuple(args, "y#", &data, &len))
        return NULL;
    cenv_buf_init(&out, BIND_REPLY_MAX);
    int rc = operation(cenv_str_n(data, (size_t)len), &out, &err);
    if (rc < 0 || !as_bytes)
        return bind_reply(bind_state_of(module), rc, &out, &err);
    PyObject *reply =
        PyBytes_FromStringAndSize(out.data ? out.data : "", (Py_ssize_t)out.len);
    cenv_buf_release(&out);
    return reply;
}

PyObject *bind_redact(PyObject *module, PyObject *args)
{
    return with_text(module, args, cenv_text_redact, true);
}

PyObject *bind_clean_spec(PyObject *module, PyObject *args)
{
    return with_text(module, args, cenv_text_clean_spec, true);
}

PyObject *bind_split_url(PyObject *module, PyObject *args)
{
    return with_text(module, args, cenv_text_split_url, false);
}
