/* SPDX-License-Identifier: BSD-3-Clause */
/* The module cenv._cenv: per-module state, multi-phase initialisation, within the Limited API
 * 3.10. */
#include "binding/bind.h"

#ifndef CENV_VERSION
#define CENV_VERSION "0"
#endif

struct bind_state *bind_state_of(PyObject *module)
{
    return PyModule_GetState(module);
}

struct bind_state *bind_state_of_self(PyObject *self)
{
    return PyType_GetModuleState(Py_TYPE(self));
}

void bind_free_instance(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

int bind_add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **slot)
{
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    if (!type)
        return -1;
    *slot = (PyTypeObject *)type;
    return PyModule_AddType(module, *slot);
}

const char **bind_texts(PyObject *list, char *(*text_of)(PyObject *))
{
    Py_ssize_t nr = PyList_Size(list);
    const char **texts = PyMem_Calloc((size_t)nr + 1, sizeof(*texts));
    if (!texts) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < nr; i++) {
        texts[i] = text_of(PyList_GetItem(list, i));
        if (!texts[i]) {
            PyMem_Free(texts);
            return NULL;
        }
    }
    return texts;
}

/* The cast away of const lets bind_texts take this and PyBytes_AsString alike; nothing writes. */
char *bind_utf8(PyObject *text)
{
    union {
        const char *borrowed;
        char *plain;
    } utf8 = {.borrowed = PyUnicode_AsUTF8AndSize(text, NULL)};
    return utf8.plain;
}

static int import_errors(struct bind_state *state)
{
    PyObject *errors = PyImport_ImportModule("cenv.errors");
    if (!errors)
        return -1;
#define XX(name, number, class) \
    if (PyObject_HasAttrString(errors, class)) \
        state->errors[number] = PyObject_GetAttrString(errors, class);
    CENV_STATUS_MAP(XX)
#undef XX
    Py_DECREF(errors);
    return 0;
}

static int add_types(PyObject *module, struct bind_state *state)
{
    if (bind_add_type(module, &bind_task_spec, &state->task_type) < 0 ||
        bind_add_type(module, &bind_version_spec, &state->version_type) < 0 ||
        bind_add_type(module, &bind_matchspec_spec, &state->matchspec_type) < 0 ||
        bind_add_type(module, &bind_index_spec, &state->index_type) < 0 ||
        bind_add_type(module, &bind_store_spec, &state->store_type) < 0 ||
        bind_add_type(module, &bind_lease_spec, &state->lease_type) < 0)
        return -1;
    return bind_add_type(module, &bind_draft_spec, &state->draft_type);
}

/* A tuple of the names that `name_at` gives, in its order. */
static int add_names(PyObject *module, const char *constant,
                     const char *(*name_at)(unsigned index))
{
    unsigned nr = 0;
    while (name_at(nr))
        nr++;
    PyObject *names = PyTuple_New((Py_ssize_t)nr);
    for (unsigned i = 0; names && i < nr; i++) {
        PyObject *name = PyUnicode_FromString(name_at(i));
        if (!name || PyTuple_SetItem(names, (Py_ssize_t)i, name) < 0)
            Py_CLEAR(names);
    }
    int rc = names ? PyModule_AddObjectRef(module, constant, names) : -1;
    Py_XDECREF(names);
    return rc;
}

static int module_exec(PyObject *module)
{
    struct bind_state *state = bind_state_of(module);
    cenv_checked_init(&state->checked);
    if (import_errors(state) < 0 || add_types(module, state) < 0)
        return -1;
    if (add_names(module, "CLONE_MODES", cenv_clone_mode_name) < 0 ||
        add_names(module, "LINK_MODES", cenv_create_link_mode) < 0 ||
        add_names(module, "STAGES", cenv_stage_name) < 0 ||
        add_names(module, "STAGE_UNITS", cenv_stage_unit) < 0)
        return -1;
    if (PyModule_AddIntConstant(module, "CARRIES_LIBCURL", cenv_carries_libcurl()) < 0)
        return -1;
    return PyModule_AddStringConstant(module, "__version__", CENV_VERSION);
}

/* Every type kept in the state, for traverse and clear. */
static PyTypeObject **type_slots(struct bind_state *state, size_t *nr)
{
    *nr = (sizeof(*state) - offsetof(struct bind_state, task_type)) /
          sizeof(PyTypeObject *);
    return &state->task_type;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    struct bind_state *state = bind_state_of(module);
    size_t nr;
    PyTypeObject **types = type_slots(state, &nr);
    for (int i = 0; i < CENV_NR_STATUS; i++)
        Py_VISIT(state->errors[i]);
    for (size_t i = 0; i < nr; i++)
        Py_VISIT(types[i]);
    return 0;
}

static int module_clear(PyObject *module)
{
    struct bind_state *state = bind_state_of(module);
    size_t nr;
    PyTypeObject **types = type_slots(state, &nr);
    for (int i = 0; i < CENV_NR_STATUS; i++)
        Py_CLEAR(state->errors[i]);
    for (size_t i = 0; i < nr; i++)
        Py_CLEAR(types[i]);
    return 0;
}

static void module_free(void *module)
{
    module_clear(module);
    cenv_checked_release(&bind_state_of(module)->checked);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, (void *)module_exec},
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "cenv._cenv",
    .m_doc =
        "The C core of cenv. Use the package cenv; this module may change at any time.",
    .m_size = sizeof(struct bind_state),
    .m_methods = bind_op_methods,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__cenv(void);
PyMODINIT_FUNC PyInit__cenv(void)
{
    return PyModuleDef_Init(&module_def);
}
