/* SPDX-License-Identifier: BSD-3-Clause */
/* cenv._cenv.Task: cancellation by signals, progress, and the spans of one operation. */
#include "binding/bind.h"

struct task_object {
    PyObject_HEAD
    struct cenv_task task;
    PyObject *progress;   /* callable(stage, done, total) or NULL */
    PyThreadState *saved; /* while the core runs without the GIL */
    atomic_int busy;
};

/* Runs on the thread that made the call, which gave the GIL away in begin. */
static int poll_python(void *ctx)
{
    struct task_object *self = ctx;
    PyEval_RestoreThread(self->saved);
    int rc = PyErr_CheckSignals();
    const char *stage = atomic_load(&self->task.stage);
    if (rc == 0 && self->progress && stage) {
        unsigned long long done = atomic_load(&self->task.done);
        unsigned long long total = atomic_load(&self->task.total);
        PyObject *result =
            PyObject_CallFunction(self->progress, "sKK", stage, done, total);
        rc = result ? 0 : -1;
        Py_XDECREF(result);
    }
    self->saved = PyEval_SaveThread();
    return rc;
}

struct cenv_task *bind_task_begin(PyObject *task)
{
    struct task_object *self = (struct task_object *)task;
    if (atomic_exchange(&self->busy, 1)) {
        PyErr_SetString(PyExc_RuntimeError,
                        "this Task is already running an operation");
        return NULL;
    }
    self->task.owner = cenv_thread_self();
    self->saved = PyEval_SaveThread();
    return &self->task;
}

int bind_task_end(PyObject *task, int rc)
{
    struct task_object *self = (struct task_object *)task;
    PyEval_RestoreThread(self->saved);
    self->saved = NULL;
    atomic_store(&self->busy, 0);
    return rc >= 0 && PyErr_Occurred() ? CENV_ECANCELLED : rc;
}

bool bind_call_begin(struct bind_call *call, PyObject *task)
{
    *call = (struct bind_call){.task_object = task};
    cenv_buf_init(&call->out, BIND_REPLY_MAX);
    call->task = bind_task_begin(task);
    return call->task != NULL;
}

PyObject *bind_call_end(struct bind_call *call, struct bind_state *state, int rc)
{
    rc = bind_task_end(call->task_object, rc);
    return bind_reply(state, rc, &call->out, &call->err);
}

PyObject *bind_nothing(PyObject *reply)
{
    if (!reply)
        return NULL;
    Py_DECREF(reply);
    Py_RETURN_NONE;
}

static PyObject *task_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"progress", NULL};
    PyObject *progress = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:Task", names, &progress))
        return NULL;
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    struct task_object *self = (struct task_object *)alloc(type, 0);
    if (!self)
        return NULL;
    cenv_task_init(&self->task, poll_python, self);
    self->task.checked = &bind_state_of_self((PyObject *)self)->checked;
    self->progress = progress == Py_None ? NULL : Py_NewRef(progress);
    return (PyObject *)self;
}

static int task_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((struct task_object *)self)->progress);
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static int task_clear(PyObject *self)
{
    Py_CLEAR(((struct task_object *)self)->progress);
    return 0;
}

static void task_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    task_clear(self);
    cenv_task_release(&((struct task_object *)self)->task);
    bind_free_instance(self);
}

static PyObject *task_cancel(PyObject *self, PyObject *unused)
{
    (void)unused;
    cenv_task_cancel(&((struct task_object *)self)->task);
    Py_RETURN_NONE;
}

static PyObject *task_spans(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;
    cenv_buf_init(&out, BIND_REPLY_MAX);
    int rc = cenv_task_spans_json(&((struct task_object *)self)->task, &out, &err);
    return bind_reply(bind_state_of_self(self), rc, &out, &err);
}

static PyObject *task_facts(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;
    cenv_buf_init(&out, BIND_REPLY_MAX);
    int rc = cenv_task_facts_json(&((struct task_object *)self)->task, &out, &err);
    return bind_reply(bind_state_of_self(self), rc, &out, &err);
}

static PyMethodDef task_methods[] = {
    {"cancel", task_cancel, METH_NOARGS,
     "Ask the running operation to stop; it raises KeyboardInterrupt soon after."},
    {"spans", task_spans, METH_NOARGS,
     "The recorded spans as JSON text: stage, what, start, end (seconds), thread, items, bytes, "
     "hits, misses, reason."},
    {"facts", task_facts, METH_NOARGS,
     "What was worked on, as JSON text: lists of objects by kind."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot task_slots[] = {
    {Py_tp_doc,
     "Task(progress=None)\n--\n\nOne operation's cancellation, progress and spans. "
     "progress(stage, done, total) runs on the calling thread every 20 ms at most."},
    {Py_tp_new, (void *)task_new},
    {Py_tp_dealloc, (void *)task_dealloc},
    {Py_tp_traverse, (void *)task_traverse},
    {Py_tp_clear, (void *)task_clear},
    {Py_tp_methods, task_methods},
    {0, NULL},
};

PyType_Spec bind_task_spec = {
    .name = "cenv._cenv.Task",
    .basicsize = sizeof(struct task_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = task_slots,
};
