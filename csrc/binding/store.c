/* SPDX-License-Identifier: BSD-3-Clause */
/* cenv._cenv.Store and Lease: the store's operations, one core call each. */
#include "binding/bind.h"

struct store_object {
    PyObject_HEAD
    struct cenv_store *store;
};

struct lease_object {
    PyObject_HEAD
    PyObject *store; /* keeps the store open */
    struct cenv_lease *lease;
    struct cenv_turn *turn;
};

struct cenv_store *bind_store_of(PyObject *self)
{
    return ((struct store_object *)self)->store;
}

static PyObject *store_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *path;
    if (kwargs && PyDict_Size(kwargs))
        return PyErr_Format(PyExc_TypeError, "Store takes no keyword arguments");
    if (!PyArg_ParseTuple(args, "O&:Store", PyUnicode_FSConverter, &path))
        return NULL;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_store *store = NULL;
    int rc;
    const char *bytes = PyBytes_AsString(path);
    Py_BEGIN_ALLOW_THREADS
    rc = cenv_store_open(&store, bytes, &err);
    Py_END_ALLOW_THREADS
    Py_DECREF(path);
    if (rc != 0)
        return bind_raise(PyType_GetModuleState(type), &err);
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    struct store_object *self = (struct store_object *)alloc(type, 0);
    if (self)
        self->store = store;
    else
        cenv_store_free(store);
    return (PyObject *)self;
}

static void store_dealloc(PyObject *self)
{
    cenv_store_free(bind_store_of(self));
    bind_free_instance(self);
}

typedef int (*two_texts_fn)(struct cenv_store *, const char *, const char *,
                            struct cenv_task *, struct cenv_buf *, struct cenv_error *);

/* (task, text, text) -> JSON text. */
static PyObject *with_two_texts(PyObject *self, PyObject *args, two_texts_fn operation)
{
    struct bind_state *state = bind_state_of_self(self);
    const char *first, *second;
    PyObject *task;
    if (!PyArg_ParseTuple(args, "O!ss", state->task_type, &task, &first, &second))
        return NULL;
    struct bind_call call;
    if (!bind_call_begin(&call, task))
        return NULL;
    int rc =
        operation(bind_store_of(self), first, second, call.task, &call.out, &call.err);
    return bind_call_end(&call, state, rc);
}

static PyObject *store_fetch_packages(PyObject *self, PyObject *args)
{
    return with_two_texts(self, args, cenv_fetch_packages);
}

static PyObject *store_layered_open(PyObject *self, PyObject *args)
{
    return with_two_texts(self, args, cenv_layered_open);
}

/* (task, path) -> whether it is there. */
static PyObject *store_layered_find(PyObject *self, PyObject *args)
{
    struct bind_state *state = bind_state_of_self(self);
    const char *path;
    PyObject *task;
    if (!PyArg_ParseTuple(args, "O!s:layered_find", state->task_type, &task, &path))
        return NULL;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task *running = bind_task_begin(task);
    if (!running)
        return NULL;
    int rc = cenv_layered_find(bind_store_of(self), path, running, &err);
    rc = bind_task_end(task, rc);
    return rc < 0 ? bind_raise(state, &err) : PyBool_FromLong(rc == 0);
}

static PyObject *store_template_build(PyObject *self, PyObject *args)
{
    return with_two_texts(self, args, cenv_template_build);
}

static PyObject *store_template_pull(PyObject *self, PyObject *args)
{
    return with_two_texts(self, args, cenv_template_pull);
}

typedef int (*text_fn)(struct cenv_store *, const char *, struct cenv_task *,
                       struct cenv_buf *, struct cenv_error *);

/* (task, text) -> JSON text. */
static PyObject *with_text(PyObject *self, PyObject *args, text_fn operation)
{
    struct bind_state *state = bind_state_of_self(self);
    const char *text;
    PyObject *task;
    if (!PyArg_ParseTuple(args, "O!s", state->task_type, &task, &text))
        return NULL;
    struct bind_call call;
    if (!bind_call_begin(&call, task))
        return NULL;
    int rc = operation(bind_store_of(self), text, call.task, &call.out, &call.err);
    return bind_call_end(&call, state, rc);
}

static PyObject *store_fetch_repodata(PyObject *self, PyObject *args)
{
    return with_text(self, args, cenv_fetch_repodata);
}

static PyObject *store_template_push(PyObject *self, PyObject *args)
{
    return with_text(self, args, cenv_template_push);
}

static int template_remote_find(struct cenv_store *store, const char *options,
                                struct cenv_task *task, struct cenv_buf *out,
                                struct cenv_error *err)
{
    (void)store;
    int rc = cenv_template_remote_find(options, task, out, err);
    if (rc == 1)
        rc = cenv_buf_puts(out, "null") ? 0 : cenv_error_oom(err);
    return rc;
}

static PyObject *store_template_remote_find(PyObject *self, PyObject *args)
{
    return with_text(self, args, template_remote_find);
}

static int template_id(struct cenv_store *store, const char *records,
                       const char *options, struct cenv_task *task,
                       struct cenv_buf *out, struct cenv_error *err)
{
    (void)store;
    (void)task;
    return cenv_template_id(records, options, out, err);
}

static PyObject *store_template_id(PyObject *self, PyObject *args)
{
    return with_two_texts(self, args, template_id);
}

static int template_remove(struct cenv_store *store, const char *id,
                           struct cenv_task *task, struct cenv_buf *out,
                           struct cenv_error *err)
{
    (void)out;
    return cenv_template_remove(store, id, task, err);
}

static PyObject *store_template_remove(PyObject *self, PyObject *args)
{
    return bind_nothing(with_text(self, args, template_remove));
}

typedef int (*task_fn)(struct cenv_store *, struct cenv_task *, struct cenv_buf *,
                       struct cenv_error *);

/* task -> JSON text. */
static PyObject *with_task(PyObject *self, PyObject *task, task_fn operation)
{
    struct bind_state *state = bind_state_of_self(self);
    if (!PyObject_TypeCheck(task, state->task_type))
        return PyErr_Format(PyExc_TypeError, "expected a Task");
    struct bind_call call;
    if (!bind_call_begin(&call, task))
        return NULL;
    int rc = operation(bind_store_of(self), call.task, &call.out, &call.err);
    return bind_call_end(&call, state, rc);
}

static PyObject *store_template_mirrors(PyObject *self, PyObject *task)
{
    return with_task(self, task, cenv_template_mirrors);
}

/* (task, owner) -> None. */
static PyObject *store_template_mirrors_end(PyObject *self, PyObject *args)
{
    struct bind_state *state = bind_state_of_self(self);
    PyObject *task;
    long long owner;
    struct bind_call call;
    if (!PyArg_ParseTuple(args, "O!L:template_mirrors_end", state->task_type, &task,
                          &owner))
        return NULL;
    if (!bind_call_begin(&call, task))
        return NULL;
    int rc =
        cenv_template_mirrors_end(bind_store_of(self), owner, call.task, &call.err);
    return bind_nothing(bind_call_end(&call, state, rc));
}

static PyObject *store_has_leftovers(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(cenv_store_has_leftovers(bind_store_of(self)));
}

static PyObject *store_sweep(PyObject *self, PyObject *task)
{
    return with_task(self, task, cenv_store_sweep);
}

static PyObject *store_orphans(PyObject *self, PyObject *task)
{
    return with_task(self, task, cenv_store_orphans);
}

/* (task, prefix, records, options) -> JSON text. */
static PyObject *store_create(PyObject *self, PyObject *args)
{
    struct bind_state *state = bind_state_of_self(self);
    PyObject *prefix, *task;
    const char *records, *options;
    if (!PyArg_ParseTuple(args, "O!O&ss:create", state->task_type, &task,
                          PyUnicode_FSConverter, &prefix, &records, &options))
        return NULL;
    PyObject *reply = NULL;
    struct bind_call call;
    if (bind_call_begin(&call, task)) {
        int rc = cenv_create(bind_store_of(self), PyBytes_AsString(prefix), records,
                             options, call.task, &call.out, &call.err);
        reply = bind_call_end(&call, state, rc);
    }
    Py_DECREF(prefix);
    return reply;
}

/* (task, id, directory, owner) -> JSON text. */
static PyObject *store_template_mirror(PyObject *self, PyObject *args)
{
    struct bind_state *state = bind_state_of_self(self);
    PyObject *directory, *task;
    const char *id;
    long long owner;
    if (!PyArg_ParseTuple(args, "O!sO&L:template_mirror", state->task_type, &task, &id,
                          PyUnicode_FSConverter, &directory, &owner))
        return NULL;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;
    cenv_buf_init(&out, BIND_REPLY_MAX);
    const char *bytes = PyBytes_AsString(directory);
    struct cenv_task *running = bind_task_begin(task);
    int rc = -1;
    if (running) {
        rc = cenv_template_mirror(bind_store_of(self), id, bytes, owner, running, &out,
                                  &err);
        rc = bind_task_end(task, rc);
    }
    Py_DECREF(directory);
    return running ? bind_reply(state, rc, &out, &err) : NULL;
}

static PyObject *store_template_repair(PyObject *self, PyObject *args)
{
    return with_two_texts(self, args, cenv_template_repair);
}

static PyObject *store_template_find_packages(PyObject *self, PyObject *args)
{
    return with_two_texts(self, args, cenv_template_find_packages);
}

/* (task, path, text) -> JSON text. */
static PyObject *with_path_and_text(PyObject *self, PyObject *args,
                                    two_texts_fn operation)
{
    struct bind_state *state = bind_state_of_self(self);
    PyObject *path, *task, *reply = NULL;
    const char *options;
    if (!PyArg_ParseTuple(args, "O!O&s", state->task_type, &task, PyUnicode_FSConverter,
                          &path, &options))
        return NULL;
    struct bind_call call;
    const char *bytes = PyBytes_AsString(path);
    if (bind_call_begin(&call, task)) {
        int rc = operation(bind_store_of(self), bytes, options, call.task, &call.out,
                           &call.err);
        reply = bind_call_end(&call, state, rc);
    }
    Py_DECREF(path);
    return reply;
}

static PyObject *store_template_check(PyObject *self, PyObject *args)
{
    return with_path_and_text(self, args, cenv_template_check);
}

static PyObject *store_template_export(PyObject *self, PyObject *args)
{
    return with_path_and_text(self, args, cenv_template_export);
}

static PyObject *store_template_import(PyObject *self, PyObject *args)
{
    return with_path_and_text(self, args, cenv_template_import);
}

/* path -> path as bytes. */
static PyObject *store_clone_set_aside(PyObject *self, PyObject *args)
{
    PyObject *path;
    if (!PyArg_ParseTuple(args, "O&:clone_set_aside", PyUnicode_FSConverter, &path))
        return NULL;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;
    cenv_buf_init(&out, BIND_REPLY_MAX);
    const char *bytes = PyBytes_AsString(path);
    int rc;
    Py_BEGIN_ALLOW_THREADS
    rc = cenv_clone_set_aside(bind_store_of(self), bytes, &out, &err);
    Py_END_ALLOW_THREADS
    PyObject *reply = rc == 0 ? PyBytes_FromStringAndSize(out.data, (Py_ssize_t)out.len)
                              : bind_raise(bind_state_of_self(self), &err);
    cenv_buf_release(&out);
    Py_DECREF(path);
    return reply;
}

/* (task, max_bytes, look) -> JSON text. */
static PyObject *store_gc(PyObject *self, PyObject *args)
{
    struct bind_state *state = bind_state_of_self(self);
    unsigned long long max_bytes;
    PyObject *task;
    int look = 0;
    if (!PyArg_ParseTuple(args, "O!K|p:gc", state->task_type, &task, &max_bytes, &look))
        return NULL;
    struct bind_call call;
    if (!bind_call_begin(&call, task))
        return NULL;
    int rc = (look ? cenv_store_gc_look : cenv_store_gc)(
        bind_store_of(self), max_bytes, call.task, &call.out, &call.err);
    return bind_call_end(&call, state, rc);
}

/* Quick look-ups, which need no task. */
static PyObject *store_template_list(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;
    cenv_buf_init(&out, BIND_REPLY_MAX);
    int rc;
    Py_BEGIN_ALLOW_THREADS
    rc = cenv_template_list(bind_store_of(self), &out, &err);
    Py_END_ALLOW_THREADS
    return bind_reply(bind_state_of_self(self), rc, &out, &err);
}

typedef int (*find_fn)(struct cenv_store *, const char *, struct cenv_buf *,
                       struct cenv_error *);

/* text -> JSON text, or None when `find` returns 1. */
static PyObject *find_by_text(PyObject *self, PyObject *args, find_fn find)
{
    const char *text;
    if (!PyArg_ParseTuple(args, "s", &text))
        return NULL;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;
    cenv_buf_init(&out, BIND_REPLY_MAX);
    int rc;
    Py_BEGIN_ALLOW_THREADS
    rc = find(bind_store_of(self), text, &out, &err);
    Py_END_ALLOW_THREADS
    if (rc == 1) {
        cenv_buf_release(&out);
        Py_RETURN_NONE;
    }
    return bind_reply(bind_state_of_self(self), rc, &out, &err);
}

static PyObject *store_template_find(PyObject *self, PyObject *args)
{
    return find_by_text(self, args, cenv_template_find);
}

static PyObject *store_request_find(PyObject *self, PyObject *args)
{
    return find_by_text(self, args, cenv_request_find);
}

static PyObject *store_request_put(PyObject *self, PyObject *args)
{
    const char *request, *reply;
    if (!PyArg_ParseTuple(args, "ss:request_put", &request, &reply))
        return NULL;
    struct cenv_error err = CENV_ERROR_INIT;
    int rc;
    Py_BEGIN_ALLOW_THREADS
    rc = cenv_request_put(bind_store_of(self), request, reply, &err);
    Py_END_ALLOW_THREADS
    if (rc != 0)
        return bind_raise(bind_state_of_self(self), &err);
    Py_RETURN_NONE;
}

/* An object that holds one of the two until it is released. */
static PyObject *new_lease(PyObject *store, struct cenv_lease *lease,
                           struct cenv_turn *turn)
{
    struct bind_state *state = bind_state_of_self(store);
    allocfunc alloc = (allocfunc)PyType_GetSlot(state->lease_type, Py_tp_alloc);
    struct lease_object *object = (struct lease_object *)alloc(state->lease_type, 0);
    if (!object) {
        cenv_lease_free(lease);
        cenv_turn_free(turn);
        return NULL;
    }
    object->store = Py_NewRef(store);
    object->lease = lease;
    object->turn = turn;
    return (PyObject *)object;
}

static PyObject *store_lease(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_lease *lease = NULL;
    int rc;
    Py_BEGIN_ALLOW_THREADS
    rc = cenv_lease_take(bind_store_of(self), &lease, &err);
    Py_END_ALLOW_THREADS
    if (rc != 0)
        return bind_raise(bind_state_of_self(self), &err);
    return new_lease(self, lease, NULL);
}

/* (task, key) -> Lease. */
static PyObject *store_lock(PyObject *self, PyObject *args)
{
    struct bind_state *state = bind_state_of_self(self);
    const char *key;
    PyObject *task;
    if (!PyArg_ParseTuple(args, "O!s:lock", state->task_type, &task, &key))
        return NULL;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_turn *turn = NULL;
    struct cenv_task *running = bind_task_begin(task);
    if (!running)
        return NULL;
    int rc = cenv_turn_take(bind_store_of(self), key, &turn, running, &err);
    rc = bind_task_end(task, rc);
    if (rc == 0)
        return new_lease(self, NULL, turn);
    cenv_turn_free(turn);
    return bind_raise(state, &err);
}

typedef int (*set_owner_fn)(struct cenv_store *, const char *, int64_t,
                            struct cenv_error *);

/* (path, pid) -> None. */
static PyObject *set_owner(PyObject *self, PyObject *args, set_owner_fn set)
{
    PyObject *path;
    long long pid;
    if (!PyArg_ParseTuple(args, "O&L", PyUnicode_FSConverter, &path, &pid))
        return NULL;
    struct cenv_error err = CENV_ERROR_INIT;
    const char *bytes = PyBytes_AsString(path);
    int rc;
    Py_BEGIN_ALLOW_THREADS
    rc = set(bind_store_of(self), bytes, pid, &err);
    Py_END_ALLOW_THREADS
    Py_DECREF(path);
    if (rc != 0)
        return bind_raise(bind_state_of_self(self), &err);
    Py_RETURN_NONE;
}

static PyObject *store_clone_set_owner(PyObject *self, PyObject *args)
{
    return set_owner(self, args, cenv_clone_set_owner);
}

static PyObject *store_clone_dir_set_owner(PyObject *self, PyObject *args)
{
    return set_owner(self, args, cenv_clones_home);
}

static PyMethodDef store_methods[] = {
    {"fetch_repodata", store_fetch_repodata, METH_VARARGS,
     "fetch_repodata($self, task, requests, /)\n--\n\nBring repodata up to date."},
    {"fetch_packages", store_fetch_packages, METH_VARARGS,
     "fetch_packages($self, task, records, options, /)\n--\n\nFetch and extract what is not here."},
    {"create", store_create, METH_VARARGS,
     "create($self, task, prefix, records, options, /)\n--\n\nFetch and link into a new prefix."},
    {"layered_open", store_layered_open, METH_VARARGS,
     "layered_open($self, task, records, options, /)\n--\n\nMake an environment of layers."},
    {"layered_find", store_layered_find, METH_VARARGS,
     "layered_find($self, task, path, /)\n--\n\nWhether an environment of layers is there."},
    {"template_build", store_template_build, METH_VARARGS,
     "template_build($self, task, records, options, /)\n--\n\n"
     "Build a template unless it is there."},
    {"template_mirror", store_template_mirror, METH_VARARGS,
     "template_mirror($self, task, template, directory, owner, /)\n--\n\n"
     "The template beside clones on another file system."},
    {"template_check", store_template_check, METH_VARARGS,
     "template_check($self, task, path, options, /)\n--\n\nWhat was altered since it was made."},
    {"template_repair", store_template_repair, METH_VARARGS,
     "template_repair($self, task, template, options, /)\n--\n\n"
     "Build it anew when it was altered."},
    {"clone_set_aside", store_clone_set_aside, METH_VARARGS,
     "clone_set_aside($self, path, /)\n--\n\nHide a clone that is to be removed; return where."},
    {"draft_open", bind_draft_open, METH_VARARGS,
     "draft_open($self, task, records, options, /)\n--\n\n"
     "A template to be changed before it is published."},
    {"template_mirrors", store_template_mirrors, METH_O,
     "template_mirrors($self, task, /)\n--\n\nThe stores of copies on other file systems."},
    {"template_mirrors_end", store_template_mirrors_end, METH_VARARGS,
     "template_mirrors_end($self, task, owner, /)\n--\n\n"
     "Remove the copies that end with a process."},
    {"template_list", store_template_list, METH_NOARGS,
     "template_list($self, /)\n--\n\nAll templates."},
    {"template_find", store_template_find, METH_VARARGS,
     "template_find($self, template, /)\n--\n\nOne template, by id or the unique start of one."},
    {"template_find_packages", store_template_find_packages, METH_VARARGS,
     "template_find_packages($self, task, records, options, /)\n--\n\n"
     "The template of a list of packages, or null."},
    {"template_export", store_template_export, METH_VARARGS,
     "template_export($self, task, path, options, /)\n--\n\nWrite templates into one archive."},
    {"template_import", store_template_import, METH_VARARGS,
     "template_import($self, task, path, options, /)\n--\n\nTake in the templates of an archive."},
    {"template_id", store_template_id, METH_VARARGS,
     "template_id($self, task, records, options, /)\n--\n\nReturn the id of records, or null."},
    {"template_push", store_template_push, METH_VARARGS,
     "template_push($self, task, options, /)\n--\n\nPush a template to a remote."},
    {"template_remote_find", store_template_remote_find, METH_VARARGS,
     "template_remote_find($self, task, options, /)\n--\n\nReturn a description, or null."},
    {"template_pull", store_template_pull, METH_VARARGS,
     "template_pull($self, task, description, options, /)\n--\n\nPull a template."},
    {"template_remove", store_template_remove, METH_VARARGS,
     "template_remove($self, task, template, /)\n--\n\nRemove a template."},
    {"request_find", store_request_find, METH_VARARGS,
     "request_find($self, request, /)\n--\n\nWhat a request led to, or None."},
    {"request_put", store_request_put, METH_VARARGS,
     "request_put($self, request, reply, /)\n--\n\nRemember what a request led to."},
    {"gc", store_gc, METH_VARARGS,
     "gc($self, task, max_bytes, look=False, /)\n--\n\n"
     "Remove what is not in use, or only tell what would be."},
    {"orphans", store_orphans, METH_O,
     "orphans($self, task, /)\n--\n\nWhat a sweep would remove."},
    {"has_leftovers", store_has_leftovers, METH_NOARGS,
     "has_leftovers($self, /)\n--\n\nWhether processes died at work: a sweep is due."},
    {"sweep", store_sweep, METH_O,
     "sweep($self, task, /)\n--\n\nRemove clones and scratch of dead processes."},
    {"lease", store_lease, METH_NOARGS,
     "lease($self, /)\n--\n\nKeep gc away until it is released."},
    {"lock", store_lock, METH_VARARGS,
     "lock($self, task, key, /)\n--\n\n"
     "Wait until no other process holds the lock; held until released."},
    {"clone_set_owner", store_clone_set_owner, METH_VARARGS,
     "clone_set_owner($self, path, pid, /)\n--\n\nMake a clone a process's, or nobody's (0)."},
    {"clone_dir_set_owner", store_clone_dir_set_owner, METH_VARARGS,
     "clone_dir_set_owner($self, path, pid, /)\n--\n\n"
     "Tell that a process makes clones in a directory."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot store_slots[] = {
    {Py_tp_doc, "Store(path, /)\n--\n\nThe store in a directory."},
    {Py_tp_new, (void *)store_new},
    {Py_tp_dealloc, (void *)store_dealloc},
    {Py_tp_methods, store_methods},
    {0, NULL},
};

PyType_Spec bind_store_spec = {
    .name = "cenv._cenv.Store",
    .basicsize = sizeof(struct store_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = store_slots,
};

static PyObject *lease_release(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct lease_object *lease = (struct lease_object *)self;
    cenv_lease_free(lease->lease);
    cenv_turn_free(lease->turn);
    lease->lease = NULL;
    lease->turn = NULL;
    Py_RETURN_NONE;
}

static PyObject *lease_fileno(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct lease_object *lease = (struct lease_object *)self;
    return PyLong_FromLong(lease->lease ? cenv_lease_descriptor(lease->lease) : -1);
}

static void lease_dealloc(PyObject *self)
{
    struct lease_object *lease = (struct lease_object *)self;
    cenv_lease_free(lease->lease);
    cenv_turn_free(lease->turn);
    Py_XDECREF(lease->store);
    bind_free_instance(self);
}

static PyMethodDef lease_methods[] = {
    {"release", lease_release, METH_NOARGS,
     "release($self, /)\n--\n\nLet go; twice is fine."},
    {"fileno", lease_fileno, METH_NOARGS,
     "fileno($self, /)\n--\n\nThe descriptor that holds a lease, -1: none does."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot lease_slots[] = {
    {Py_tp_doc, "Store.lease() and Store.lock(): held until it is released."},
    {Py_tp_dealloc, (void *)lease_dealloc},
    {Py_tp_methods, lease_methods},
    {0, NULL},
};

PyType_Spec bind_lease_spec = {
    .name = "cenv._cenv.Lease",
    .basicsize = sizeof(struct lease_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = lease_slots,
};
