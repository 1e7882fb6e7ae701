/* SPDX-License-Identifier: BSD-3-Clause */
/* cenv._cenv.Draft: a template that Python changes before it is published. */
#include <stdatomic.h>

#include "binding/bind.h"

struct draft_object {
    PyObject_HEAD
    PyObject *store;                    /* keeps the store open */
    _Atomic(struct cenv_draft *) draft; /* NULL once committed or discarded */
};

/* (reply, Draft), or (reply, None) when the template is there already. */
static PyObject *as_pair(struct bind_state *state, PyObject *store, PyObject *reply,
                         struct cenv_draft *draft)
{
    PyObject *pair = NULL;
    if (reply && !draft)
        pair = PyTuple_Pack(2, reply, Py_None);
    if (reply && draft) {
        allocfunc alloc = (allocfunc)PyType_GetSlot(state->draft_type, Py_tp_alloc);
        struct draft_object *self = (struct draft_object *)alloc(state->draft_type, 0);
        if (self) {
            self->store = Py_NewRef(store);
            atomic_store(&self->draft, draft);
            draft = NULL;
            pair = PyTuple_Pack(2, reply, (PyObject *)self);
            Py_DECREF(self);
        }
    }
    cenv_draft_discard(draft);
    Py_XDECREF(reply);
    return pair;
}

PyObject *bind_draft_open(PyObject *store, PyObject *args)
{
    struct bind_state *state = bind_state_of_self(store);
    const char *records, *meta;
    PyObject *task;
    if (!PyArg_ParseTuple(args, "O!ss:draft_open", state->task_type, &task, &records,
                          &meta))
        return NULL;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_draft *draft = NULL;
    struct cenv_buf out;
    cenv_buf_init(&out, BIND_REPLY_MAX);
    struct cenv_task *running = bind_task_begin(task);
    if (!running)
        return NULL;
    int rc = cenv_draft_open(&draft, bind_store_of(store), records, meta, running, &out,
                             &err);
    rc = bind_task_end(task, rc);
    return as_pair(state, store, bind_reply(state, rc, &out, &err), draft);
}

static struct cenv_draft *take(PyObject *self)
{
    return atomic_exchange(&((struct draft_object *)self)->draft, NULL);
}

static PyObject *draft_commit(PyObject *self, PyObject *args)
{
    struct bind_state *state = bind_state_of_self(self);
    PyObject *task;
    if (!PyArg_ParseTuple(args, "O!:commit", state->task_type, &task))
        return NULL;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;
    cenv_buf_init(&out, BIND_REPLY_MAX);
    struct cenv_task *running = bind_task_begin(task);
    if (!running)
        return NULL;
    struct cenv_draft *draft = take(self);
    int rc = draft ? cenv_draft_commit(draft, running, &out, &err)
                   : cenv_error_set(&err, CENV_EUSAGE, "this draft is over");
    rc = bind_task_end(task, rc);
    return bind_reply(state, rc, &out, &err);
}

static PyObject *draft_discard(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct cenv_draft *draft = take(self);
    Py_BEGIN_ALLOW_THREADS
    cenv_draft_discard(draft);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static void draft_dealloc(PyObject *self)
{
    cenv_draft_discard(take(self));
    Py_XDECREF(((struct draft_object *)self)->store);
    bind_free_instance(self);
}

static PyMethodDef draft_methods[] = {
    {"commit", draft_commit, METH_VARARGS,
     "commit($self, task, /)\n--\n\nDescribe what lies there and publish it."},
    {"discard", draft_discard, METH_NOARGS,
     "discard($self, /)\n--\n\nRemove it; twice, or after commit, is fine."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot draft_slots[] = {
    {Py_tp_doc, "Store.draft_open(): a template in the making."},
    {Py_tp_dealloc, (void *)draft_dealloc},
    {Py_tp_methods, draft_methods},
    {0, NULL},
};

PyType_Spec bind_draft_spec = {
    .name = "cenv._cenv.Draft",
    .basicsize = sizeof(struct draft_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = draft_slots,
};
