/* SPDX-License-Identifier: BSD-3-Clause */
/* The module's functions: one core call each. */
#include "binding/bind.h"

/* Two paths as bytes objects, owned; both or none. */
struct paths {
    PyObject *first, *second;
};

static void release_paths(struct paths *paths)
{
    Py_CLEAR(paths->first);
    Py_CLEAR(paths->second);
}

struct cenv_store *bind_store_or_null(struct bind_state *state, PyObject *store,
                                      int *wrong)
{
    *wrong = 0;
    if (store == Py_None)
        return NULL;
    if (PyObject_TypeCheck(store, state->store_type))
        return bind_store_of(store);
    PyErr_SetString(PyExc_TypeError, "expected a Store or None");
    *wrong = 1;
    return NULL;
}

static PyObject *op_clone(PyObject *module, PyObject *args)
{
    struct bind_state *state = bind_state_of(module);
    struct paths paths = {NULL, NULL};
    PyObject *store, *task, *reply = NULL;
    const char *options;
    if (!PyArg_ParseTuple(args, "O!OO&O&s:clone", state->task_type, &task, &store,
                          PyUnicode_FSConverter, &paths.first, PyUnicode_FSConverter,
                          &paths.second, &options))
        goto out;
    int wrong;
    struct cenv_store *core = bind_store_or_null(state, store, &wrong);
    const char *src = PyBytes_AsString(paths.first),
               *dst = PyBytes_AsString(paths.second);
    struct bind_call call;
    if (wrong || !bind_call_begin(&call, task))
        goto out;
    int rc = cenv_clone(core, src, dst, options, call.task, &call.out, &call.err);
    reply = bind_call_end(&call, state, rc);
out:
    release_paths(&paths);
    return reply;
}

typedef int (*clone_fn)(struct cenv_store *, const char *, struct cenv_task *,
                        struct cenv_buf *, struct cenv_error *);

/* (task, store, clone) -> JSON text. */
static PyObject *with_clone(PyObject *module, PyObject *args, clone_fn operation)
{
    struct bind_state *state = bind_state_of(module);
    PyObject *store, *path, *task, *reply = NULL;
    if (!PyArg_ParseTuple(args, "O!OO&", state->task_type, &task, &store,
                          PyUnicode_FSConverter, &path))
        return NULL;
    int wrong;
    struct cenv_store *core = bind_store_or_null(state, store, &wrong);
    const char *bytes = PyBytes_AsString(path);
    struct bind_call call;
    if (!wrong && bind_call_begin(&call, task)) {
        int rc = operation(core, bytes, call.task, &call.out, &call.err);
        reply = bind_call_end(&call, state, rc);
    }
    Py_DECREF(path);
    return reply;
}

static PyObject *op_reset(PyObject *module, PyObject *args)
{
    return with_clone(module, args, cenv_reset);
}

static PyObject *op_recycle(PyObject *module, PyObject *args)
{
    return with_clone(module, args, cenv_recycle);
}

static PyObject *op_materialize(PyObject *module, PyObject *args)
{
    return with_clone(module, args, cenv_materialize);
}

static PyObject *op_extract(PyObject *module, PyObject *args)
{
    struct bind_state *state = bind_state_of(module);
    struct paths paths = {NULL, NULL};
    PyObject *task, *reply = NULL;
    const char *sha256;
    if (!PyArg_ParseTuple(args, "O!O&O&z:extract", state->task_type, &task,
                          PyUnicode_FSConverter, &paths.first, PyUnicode_FSConverter,
                          &paths.second, &sha256))
        goto out;
    const char *package = PyBytes_AsString(paths.first),
               *dest = PyBytes_AsString(paths.second);
    struct bind_call call;
    if (!bind_call_begin(&call, task))
        goto out;
    int rc = cenv_extract(package, dest, sha256, call.task, &call.out, &call.err);
    reply = bind_call_end(&call, state, rc);
out:
    release_paths(&paths);
    return reply;
}

typedef int (*one_path_fn)(const char *, struct cenv_task *, struct cenv_buf *,
                           struct cenv_error *);

/* (task, path) -> JSON text. */
static PyObject *with_one_path(PyObject *module, PyObject *args, one_path_fn operation)
{
    struct bind_state *state = bind_state_of(module);
    PyObject *path, *task, *reply = NULL;
    if (!PyArg_ParseTuple(args, "O!O&", state->task_type, &task, PyUnicode_FSConverter,
                          &path))
        return NULL;
    const char *bytes = PyBytes_AsString(path);
    struct bind_call call;
    if (bind_call_begin(&call, task)) {
        int rc = operation(bytes, call.task, &call.out, &call.err);
        reply = bind_call_end(&call, state, rc);
    }
    Py_DECREF(path);
    return reply;
}

static PyObject *op_verify(PyObject *module, PyObject *args)
{
    return with_one_path(module, args, cenv_verify);
}

static PyObject *op_extract_sweep(PyObject *module, PyObject *args)
{
    return with_one_path(module, args, cenv_extract_sweep);
}

static PyObject *op_package_info(PyObject *module, PyObject *args)
{
    return with_one_path(module, args, cenv_package_info);
}

/* (task, store or None, path, path of the clone) -> None. */
static PyObject *op_remove(PyObject *module, PyObject *args)
{
    struct bind_state *state = bind_state_of(module);
    struct paths paths = {NULL, NULL};
    PyObject *store, *task, *reply = NULL;
    if (!PyArg_ParseTuple(args, "O!OO&O&:remove", state->task_type, &task, &store,
                          PyUnicode_FSConverter, &paths.first, PyUnicode_FSConverter,
                          &paths.second))
        goto out;
    int wrong;
    struct bind_call call;
    struct cenv_store *core = bind_store_or_null(state, store, &wrong);
    if (!wrong && bind_call_begin(&call, task)) {
        int rc = cenv_remove(core, PyBytes_AsString(paths.first),
                             PyBytes_AsString(paths.second), call.task, &call.err);
        reply = bind_nothing(bind_call_end(&call, state, rc));
    }
out:
    release_paths(&paths);
    return reply;
}

static int doctor(const char *path, struct cenv_task *task, struct cenv_buf *out,
                  struct cenv_error *err)
{
    (void)task;
    return cenv_doctor(path, out, err);
}

static PyObject *op_doctor(PyObject *module, PyObject *args)
{
    return with_one_path(module, args, doctor);
}

static int file_system(const char *path, struct cenv_task *task, struct cenv_buf *out,
                       struct cenv_error *err)
{
    (void)task;
    return cenv_file_system(path, out, err);
}

static PyObject *op_file_system(PyObject *module, PyObject *args)
{
    return with_one_path(module, args, file_system);
}

static PyObject *op_virtual_packages(PyObject *module, PyObject *args)
{
    const char *subdir;
    PyObject *list;
    if (!PyArg_ParseTuple(args, "zO!:virtual_packages", &subdir, &PyList_Type, &list))
        return NULL;
    const char **overrides = bind_texts(list, bind_utf8);
    if (!overrides)
        return NULL;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf buf;
    cenv_buf_init(&buf, BIND_REPLY_MAX);
    int rc = cenv_virtual_packages(subdir, overrides, &buf, &err);
    PyMem_Free(overrides);
    return bind_reply(bind_state_of(module), rc, &buf, &err);
}

static PyObject *op_current_subdir(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyUnicode_FromString(cenv_current_subdir());
}

static PyObject *op_zstd_write(PyObject *module, PyObject *args)
{
    struct bind_state *state = bind_state_of(module);
    PyObject *task, *path, *reply = NULL;
    const char *data;
    Py_ssize_t len;
    int level;
    if (!PyArg_ParseTuple(args, "O!O&y#i:zstd_write", state->task_type, &task,
                          PyUnicode_FSConverter, &path, &data, &len, &level))
        return NULL;
    const char *bytes = PyBytes_AsString(path);
    struct bind_call call;
    if (bind_call_begin(&call, task)) {
        int rc = cenv_zstd_write(bytes, data, (size_t)len, level, call.task, &call.err);
        reply = bind_call_end(&call, state, rc);
    }
    Py_DECREF(path);
    return bind_nothing(reply);
}

static PyObject *op_pack_shard(PyObject *module, PyObject *args)
{
    struct bind_state *state = bind_state_of(module);
    PyObject *task, *reply = NULL;
    const char *text;
    Py_ssize_t len;
    int level;
    if (!PyArg_ParseTuple(args, "O!y#i:pack_shard", state->task_type, &task, &text,
                          &len, &level))
        return NULL;
    struct bind_call call;
    if (bind_call_begin(&call, task)) {
        struct cenv_str json = cenv_str_n(text, (size_t)len);
        int rc = cenv_shard_pack(json, level, &call.out, call.task, &call.err);
        rc = bind_task_end(task, rc);
        reply = rc == 0
                    ? PyBytes_FromStringAndSize(call.out.data, (Py_ssize_t)call.out.len)
                    : bind_raise(state, &call.err);
        cenv_buf_release(&call.out);
    }
    return reply;
}

/* (path bytes, data bytes, mode, mtime_ns, link bytes or None), borrowed by the member. */
static int convert_member(PyObject *tuple, struct cenv_pack_member *member)
{
    const char *data;
    Py_ssize_t len;
    long long mtime_ns;
    PyObject *path, *link;
    if (!PyArg_ParseTuple(tuple, "Sy#ILO", &path, &data, &len, &member->mode, &mtime_ns,
                          &link))
        return -1;
    member->path = PyBytes_AsString(path);
    member->data = data;
    member->len = (size_t)len;
    member->mtime_ns = mtime_ns;
    member->link = link == Py_None ? NULL : PyBytes_AsString(link);
    return member->link || link == Py_None ? 0 : -1;
}

static struct cenv_pack_member *convert_members(PyObject *list, size_t nr)
{
    struct cenv_pack_member *members = PyMem_Calloc(nr ? nr : 1, sizeof(*members));
    if (!members) {
        PyErr_NoMemory();
        return NULL;
    }
    for (size_t i = 0; i < nr; i++) {
        if (convert_member(PyList_GetItem(list, (Py_ssize_t)i), &members[i]) < 0) {
            PyMem_Free(members);
            return NULL;
        }
    }
    return members;
}

static PyObject *op_pack(PyObject *module, PyObject *args)
{
    struct bind_state *state = bind_state_of(module);
    PyObject *path, *list, *task;
    if (!PyArg_ParseTuple(args, "O!O&O!:pack", state->task_type, &task,
                          PyUnicode_FSConverter, &path, &PyList_Type, &list))
        return NULL;
    size_t nr = (size_t)PyList_Size(list);
    struct cenv_pack_member *members = convert_members(list, nr);
    PyObject *reply = NULL;
    struct bind_call call;
    if (members && bind_call_begin(&call, task)) {
        int rc = cenv_pack(PyBytes_AsString(path), members, nr, call.task, &call.err);
        reply = bind_nothing(bind_call_end(&call, state, rc));
    }
    PyMem_Free(members);
    Py_DECREF(path);
    return reply;
}

PyMethodDef bind_op_methods[] = {
    {"clone", op_clone, METH_VARARGS,
     "clone($module, task, store, src, dst, options, /)\n--\n\nClone an environment."},
    {"reset", op_reset, METH_VARARGS,
     "reset($module, task, store, clone, /)\n--\n\nPut a clone back to its template's state."},
    {"recycle", op_recycle, METH_VARARGS,
     "recycle($module, task, store, clone, /)\n--\n\n"
     "The same for a clone that was given back, unless it is in use."},
    {"materialize", op_materialize, METH_VARARGS,
     "materialize($module, task, store, clone, /)\n--\n\nMake a clone permanent."},
    {"namespace_enter", bind_namespace_enter, METH_NOARGS,
     "namespace_enter($module, /)\n--\n\n"
     "Move this process into a mount namespace; return its name."},
    {"namespace_name", bind_namespace_name, METH_NOARGS,
     "namespace_name($module, /)\n--\n\nThe name of the mount namespace this process is in."},
    {"namespace_share", bind_namespace_share, METH_NOARGS,
     "namespace_share($module, /)\n--\n\nLet programs that this process starts mount too."},
    {"namespace_settle", bind_namespace_settle, METH_NOARGS,
     "namespace_settle($module, /)\n--\n\nKeep what was shared to this process alone."},
    {"overlay_remove", bind_overlay_remove, METH_VARARGS,
     "overlay_remove($module, store, path, /)\n--\n\n"
     "Unmount an overlay clone and remove its directory."},
    {"extract", op_extract, METH_VARARGS,
     "extract($module, task, package, dest, sha256, /)\n--\n\nExtract one package."},
    {"verify", op_verify, METH_VARARGS,
     "verify($module, task, prefix, /)\n--\n\nCheck a prefix."},
    {"extract_sweep", op_extract_sweep, METH_VARARGS,
     "extract_sweep($module, task, dest, /)\n--\n\nRemove what was cut off there."},
    {"package_info", op_package_info, METH_VARARGS,
     "package_info($module, task, package, /)\n--\n\nWhat an index needs of a package."},
    {"remove", op_remove, METH_VARARGS,
     "remove($module, task, store, path, clone, /)\n--\n\nRemove a tree, which may be a clone."},
    {"doctor", op_doctor, METH_VARARGS,
     "doctor($module, task, directory, /)\n--\n\nWhat this machine can do there."},
    {"file_system", op_file_system, METH_VARARGS,
     "file_system($module, task, directory, /)\n--\n\nThe file system of a directory."},
    {"virtual_packages", op_virtual_packages, METH_VARARGS,
     "virtual_packages($module, subdir, overrides, /)\n--\n\n"
     "Virtual packages; overrides: NAME, VALUE, ..."},
    {"current_subdir", op_current_subdir, METH_NOARGS,
     "current_subdir($module, /)\n--\n\nThe subdir of this machine."},
    {"pack", op_pack, METH_VARARGS,
     "pack($module, task, path, members, /)\n--\n\n"
     "Write a package; members: (path, data, mode, mtime_ns, "
     "link) each."},
    {"view_enter", bind_view_enter, METH_VARARGS,
     "view_enter($module, prefix, upper, work, /)\n--\n\nMove this process into a view of prefix."},
    {"view_spawn", bind_view_spawn, METH_VARARGS,
     "view_spawn($module, prefix, program, cwd, argv, envp, stdio, new_session, /)\n--\n\n"
     "Start a program in a throw-away view; return its process id."},
    {"program_find", bind_program_find, METH_VARARGS,
     "program_find($module, name, path, /)\n--\n\nThe program's path on PATH, b\"\": none."},
    {"program_run", bind_program_run, METH_VARARGS,
     "program_run($module, task, view, argv, envp, cwd, stdio, data, timeout_ms, "
     "until_exit, /)\n--\n\n"
     "Run a program to its end: (status, stdout, stderr, whether it took too long)."},
    {"program_start", bind_program_start, METH_VARARGS,
     "program_start($module, argv, envp, cwd, stdio, /)\n--\n\n"
     "Start a program: (pid, and our ends of its pipes)."},
    {"program_wait", bind_program_wait, METH_VARARGS,
     "program_wait($module, task, pid, /)\n--\n\nWait for a program; return its status."},
    {"activation_read", bind_activation_read, METH_O,
     "activation_read($module, prefix, /)\n--\n\nThe files that activation reads."},
    {"pack_shard", op_pack_shard, METH_VARARGS,
     "pack_shard($module, task, json, level, /)\n--\n\n"
     "Return a shard or an index of shards (CEP 16) as a server sends it."},
    {"redact", bind_redact, METH_VARARGS,
     "redact($module, text, /)\n--\n\nText without the secrets of URLs in it, as bytes."},
    {"clean_spec", bind_clean_spec, METH_VARARGS,
     "clean_spec($module, text, /)\n--\n\nA spec as it may be written down, as bytes."},
    {"split_url", bind_split_url, METH_VARARGS,
     "split_url($module, url, /)\n--\n\nThe parts of the normal form of a URL or path."},
    {"zstd_write", op_zstd_write, METH_VARARGS,
     "zstd_write($module, task, path, data, level, /)\n--\n\nCompress data into a file."},
    {NULL, NULL, 0, NULL},
};
