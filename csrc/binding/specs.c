/* SPDX-License-Identifier: BSD-3-Clause */
/* cenv._cenv.Version and MatchSpec: values that are compared, hashed and matched. */
#include "binding/bind.h"

struct version_object {
    PyObject_HEAD
    struct cenv_version *version;
};

struct matchspec_object {
    PyObject_HEAD
    struct cenv_matchspec *spec;
};

static struct cenv_version *version_of(PyObject *self)
{
    return ((struct version_object *)self)->version;
}

static struct cenv_matchspec *spec_of(PyObject *self)
{
    return ((struct matchspec_object *)self)->spec;
}

static PyObject *text_of(struct cenv_str text)
{
    return PyUnicode_DecodeUTF8(text.data, (Py_ssize_t)text.len, "surrogateescape");
}

/* The one argument, a str, of what is called `name`; borrowed from it. */
static int text_argument(PyObject *args, const char *name, struct cenv_str *text)
{
    Py_ssize_t len;
    PyObject *given;
    if (!PyArg_UnpackTuple(args, name, 1, 1, &given))
        return -1;
    if (!PyUnicode_Check(given)) {
        PyObject *type = PyObject_GetAttrString((PyObject *)Py_TYPE(given), "__name__");
        if (type)
            PyErr_Format(PyExc_TypeError, "%s() argument must be a str, not %U", name,
                         type);
        Py_XDECREF(type);
        return -1;
    }
    const char *data = PyUnicode_AsUTF8AndSize(given, &len);
    if (!data)
        return -1;
    *text = cenv_str_n(data, (size_t)len);
    return 0;
}

static PyObject *new_instance(PyTypeObject *type)
{
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    return alloc(type, 0);
}

static PyObject *version_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    struct cenv_str text;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_version *version;
    if (kwargs && PyDict_Size(kwargs))
        return PyErr_Format(PyExc_TypeError, "Version takes no keyword arguments");
    if (text_argument(args, "Version", &text) < 0)
        return NULL;
    if (cenv_version_new(&version, text, &err) < 0)
        return bind_raise(PyType_GetModuleState(type), &err);
    PyObject *self = new_instance(type);
    if (self)
        ((struct version_object *)self)->version = version;
    else
        cenv_version_free(version);
    return self;
}

static void version_dealloc(PyObject *self)
{
    cenv_version_free(version_of(self));
    bind_free_instance(self);
}

static PyObject *version_str(PyObject *self)
{
    return text_of(cenv_version_text(version_of(self)));
}

static PyObject *version_repr(PyObject *self)
{
    PyObject *text = version_str(self);
    PyObject *repr = text ? PyUnicode_FromFormat("Version(%R)", text) : NULL;
    Py_XDECREF(text);
    return repr;
}

static Py_hash_t version_hash(PyObject *self)
{
    struct cenv_str key = cenv_version_key(version_of(self));
    PyObject *bytes = PyBytes_FromStringAndSize(key.data, (Py_ssize_t)key.len);
    Py_hash_t hash = bytes ? PyObject_Hash(bytes) : -1;
    Py_XDECREF(bytes);
    return hash;
}

static PyObject *version_compare(PyObject *self, PyObject *other, int op)
{
    if (Py_TYPE(self) != Py_TYPE(other))
        Py_RETURN_NOTIMPLEMENTED;
    int order = cenv_version_compare(version_of(self), version_of(other));
    const int holds[] = {
        [Py_LT] = order<0, [Py_LE] = order <= 0, [Py_EQ] = order == 0,
                        [Py_NE] = order != 0, [Py_GT] = order> 0,
        [Py_GE] = order >= 0,
    };
    return PyBool_FromLong(holds[op]);
}

static PyObject *version_matches(PyObject *self, PyObject *args)
{
    struct cenv_str constraint;
    struct cenv_error err = CENV_ERROR_INIT;
    bool match = false;
    if (text_argument(args, "Version.matches", &constraint) < 0)
        return NULL;
    if (cenv_version_matches(version_of(self), constraint, &match, &err) < 0)
        return bind_raise(bind_state_of_self(self), &err);
    return PyBool_FromLong(match);
}

/* For pickle and copy: made again of its text. */
static PyObject *version_reduce(PyObject *self, PyObject *unused)
{
    (void)unused;
    PyObject *text = version_str(self);
    return text ? Py_BuildValue("O(N)", (PyObject *)Py_TYPE(self), text) : NULL;
}

static PyMethodDef version_methods[] = {
    {"matches", version_matches, METH_VARARGS,
     "matches($self, constraint, /)\n--\n\n"
     "Whether it satisfies a constraint such as '>=1.8,<2|1.7.*'."},
    {"__reduce__", version_reduce, METH_NOARGS,
     "__reduce__($self, /)\n--\n\nHow pickle and copy make it again."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot version_slots[] = {
    {Py_tp_doc,
     "Version(text, /)\n--\n\nA version, ordered as conda orders (CEP 33). Raises "
     "SpecError for a text that is none."},
    {Py_tp_new, (void *)version_new},
    {Py_tp_dealloc, (void *)version_dealloc},
    {Py_tp_str, (void *)version_str},
    {Py_tp_repr, (void *)version_repr},
    {Py_tp_hash, (void *)version_hash},
    {Py_tp_richcompare, (void *)version_compare},
    {Py_tp_methods, version_methods},
    {0, NULL},
};

PyType_Spec bind_version_spec = {
    .name = "cenv._cenv.Version",
    .basicsize = sizeof(struct version_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = version_slots,
};

static PyObject *matchspec_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    struct cenv_str text;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_matchspec *spec;
    if (kwargs && PyDict_Size(kwargs))
        return PyErr_Format(PyExc_TypeError, "MatchSpec takes no keyword arguments");
    if (text_argument(args, "MatchSpec", &text) < 0)
        return NULL;
    if (cenv_matchspec_new(&spec, text, &err) < 0)
        return bind_raise(PyType_GetModuleState(type), &err);
    PyObject *self = new_instance(type);
    if (self)
        ((struct matchspec_object *)self)->spec = spec;
    else
        cenv_matchspec_free(spec);
    return self;
}

static void matchspec_dealloc(PyObject *self)
{
    cenv_matchspec_free(spec_of(self));
    bind_free_instance(self);
}

static PyObject *matchspec_str(PyObject *self)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;
    cenv_buf_init(&out, BIND_REPLY_MAX);
    int rc = cenv_matchspec_str(spec_of(self), &out, &err);
    return bind_reply(bind_state_of_self(self), rc, &out, &err);
}

static PyObject *matchspec_name(PyObject *self, void *unused)
{
    (void)unused;
    return text_of(cenv_matchspec_package(spec_of(self)));
}

static PyObject *matchspec_matches(PyObject *self, PyObject *args)
{
    struct cenv_str record;
    struct cenv_error err = CENV_ERROR_INIT;
    bool match = false;
    if (text_argument(args, "MatchSpec.matches", &record) < 0)
        return NULL;
    if (cenv_matchspec_matches(spec_of(self), record, &match, &err) < 0)
        return bind_raise(bind_state_of_self(self), &err);
    return PyBool_FromLong(match);
}

static PyMethodDef matchspec_methods[] = {
    {"matches", matchspec_matches, METH_VARARGS,
     "matches($self, record, /)\n--\n\nWhether a record, as JSON text, satisfies the spec."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef matchspec_getset[] = {
    {"name", matchspec_name, NULL, "The package's name, '*' for none.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot matchspec_slots[] = {
    {Py_tp_doc, "MatchSpec(text, /)\n--\n\nA parsed spec; use cenv.MatchSpec."},
    {Py_tp_new, (void *)matchspec_new},
    {Py_tp_dealloc, (void *)matchspec_dealloc},
    {Py_tp_str, (void *)matchspec_str},
    {Py_tp_methods, matchspec_methods},
    {Py_tp_getset, matchspec_getset},
    {0, NULL},
};

PyType_Spec bind_matchspec_spec = {
    .name = "cenv._cenv.MatchSpec",
    .basicsize = sizeof(struct matchspec_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = matchspec_slots,
};
