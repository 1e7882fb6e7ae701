/* SPDX-License-Identifier: BSD-3-Clause */
/* cenv._cenv.Index: several repodata as one index that many solves share. */
#include "binding/bind.h"

struct index_object {
    PyObject_HEAD
    struct cenv_index *index;
};

/* One source: (channel, channel_url, multichannel or None, subdir, repodata_url, path bytes, shards
 * or None, whether only its .tar.bz2 packages count). The strings are borrowed from the tuple,
 * which the caller's list keeps alive. */
static int convert_source(PyObject *tuple, struct cenv_index_source *source)
{
    PyObject *path;
    int only_tar_bz2;

    *source = (struct cenv_index_source){0};
    if (!PyArg_ParseTuple(tuple, "sszssSzp", &source->channel, &source->channel_url,
                          &source->multichannel, &source->subdir, &source->repodata_url,
                          &path, &source->shards, &only_tar_bz2))
        return -1;
    source->path = PyBytes_AsString(path);
    source->only_tar_bz2 = only_tar_bz2;
    return source->path ? 0 : -1;
}

static struct cenv_index_source *convert_sources(PyObject *list, size_t nr)
{
    struct cenv_index_source *sources = PyMem_Malloc((nr ? nr : 1) * sizeof(*sources));
    if (!sources) {
        PyErr_NoMemory();
        return NULL;
    }
    for (size_t i = 0; i < nr; i++) {
        PyObject *item = PyList_GetItem(list, (Py_ssize_t)i);
        if (!item || convert_source(item, &sources[i]) < 0) {
            PyMem_Free(sources);
            return NULL;
        }
    }
    return sources;
}

static int open_index(struct index_object *self,
                      const struct cenv_index_source *sources, size_t nr,
                      PyObject *cache_dir, const char *names, PyObject *task)
{
    struct cenv_error err = CENV_ERROR_INIT;
    const char *cache = cache_dir == Py_None ? NULL : PyBytes_AsString(cache_dir);
    if (cache_dir != Py_None && !cache)
        return -1;
    struct cenv_task *running = bind_task_begin(task);
    if (!running)
        return -1;
    int rc = cenv_index_open(&self->index, sources, nr, cache, running, &err);
    if (rc == 0 && names)
        rc = cenv_index_name_channels(self->index, names, &err);
    rc = bind_task_end(task, rc);
    if (rc != 0)
        bind_raise(bind_state_of_self((PyObject *)self), &err);
    return rc;
}

static PyObject *index_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *list, *cache_dir, *task;
    const char *names = NULL;
    struct bind_state *state = PyType_GetModuleState(type);
    if (kwargs && PyDict_Size(kwargs))
        return PyErr_Format(PyExc_TypeError, "Index takes no keyword arguments");
    if (!PyArg_ParseTuple(args, "O!O!O|z:Index", state->task_type, &task, &PyList_Type,
                          &list, &cache_dir, &names))
        return NULL;
    size_t nr = (size_t)PyList_Size(list);
    struct cenv_index_source *sources = convert_sources(list, nr);
    if (!sources)
        return NULL;
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    PyObject *self = alloc(type, 0);
    if (self && open_index((struct index_object *)self, sources, nr, cache_dir, names,
                           task) < 0)
        Py_CLEAR(self);
    PyMem_Free(sources);
    return self;
}

static void index_dealloc(PyObject *self)
{
    cenv_index_free(((struct index_object *)self)->index);
    bind_free_instance(self);
}

static PyObject *index_solve(PyObject *self, PyObject *args)
{
    struct bind_state *state = bind_state_of_self(self);
    const char *request;
    PyObject *task;
    if (!PyArg_ParseTuple(args, "O!s:solve", state->task_type, &task, &request))
        return NULL;
    struct bind_call call;
    if (!bind_call_begin(&call, task))
        return NULL;
    struct cenv_index *index = ((struct index_object *)self)->index;
    int rc = cenv_solve(index, request, call.task, &call.out, &call.err);
    cenv_index_save(index);
    return bind_call_end(&call, state, rc);
}

typedef int (*describe_fn)(const struct cenv_index *index, struct cenv_task *task,
                           struct cenv_buf *out, struct cenv_error *err);

static PyObject *describe_index(PyObject *self, PyObject *task, describe_fn describe)
{
    struct bind_state *state = bind_state_of_self(self);
    if (!PyObject_TypeCheck(task, state->task_type))
        return PyErr_Format(PyExc_TypeError, "expected a Task");
    struct bind_call call;
    if (!bind_call_begin(&call, task))
        return NULL;
    int rc =
        describe(((struct index_object *)self)->index, call.task, &call.out, &call.err);
    return bind_call_end(&call, state, rc);
}

static PyObject *index_inspect(PyObject *self, PyObject *task)
{
    return describe_index(self, task, cenv_index_inspect);
}

static PyObject *index_relations(PyObject *self, PyObject *task)
{
    return describe_index(self, task, cenv_index_relations);
}

static PyObject *index_featured(PyObject *self, PyObject *args)
{
    struct bind_state *state = bind_state_of_self(self);
    const char *names;
    PyObject *task;
    if (!PyArg_ParseTuple(args, "O!s:featured", state->task_type, &task, &names))
        return NULL;
    struct bind_call call;
    if (!bind_call_begin(&call, task))
        return NULL;
    int rc = cenv_index_featured(((struct index_object *)self)->index, names, call.task,
                                 &call.out, &call.err);
    return bind_call_end(&call, state, rc);
}

static PyMethodDef index_methods[] = {
    {"solve", index_solve, METH_VARARGS,
     "solve($self, task, request, /)\n--\n\n"
     "Solve a request (JSON text); return the reply as JSON text."},
    {"featured", index_featured, METH_VARARGS,
     "featured($self, task, names, /)\n--\n\n"
     "Return those of names (JSON text) that have records with features, as JSON text."},
    {"inspect", index_inspect, METH_O,
     "inspect($self, task, /)\n--\n\nRead every record; return what there is, as JSON text."},
    {"relations", index_relations, METH_O,
     "relations($self, task, /)\n--\n\n"
     "Return what sources say of other channels (CEP 42), as JSON text."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot index_slots[] = {
    {Py_tp_doc,
     "Index(task, sources, cache_dir, names=None, /)\n--\n\nRepodata opened as one index. sources: "
     "(channel, channel_url, multichannel, subdir, repodata_url, path, shards) each; names: "
     "what names of channels mean, as JSON text."},
    {Py_tp_new, (void *)index_new},
    {Py_tp_dealloc, (void *)index_dealloc},
    {Py_tp_methods, index_methods},
    {0, NULL},
};

PyType_Spec bind_index_spec = {
    .name = "cenv._cenv.Index",
    .basicsize = sizeof(struct index_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = index_slots,
};
