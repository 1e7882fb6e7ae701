/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs of environments: found, run, started, waited for; and what activation reads. */
#include "binding/bind.h"

/* What a program is made of; the lists borrow from the arguments. */
static bool take_program(struct cenv_program *program, PyObject *argv, PyObject *envp)
{
    program->argv = bind_texts(argv, PyBytes_AsString);
    program->envp = program->argv ? bind_texts(envp, PyBytes_AsString) : NULL;
    return program->envp != NULL;
}

static void release_program(struct cenv_program *program)
{
    union {
        const char *const *borrowed;
        void *plain;
    } argv = {.borrowed = program->argv}, envp = {.borrowed = program->envp};
    PyMem_Free(argv.plain);
    PyMem_Free(envp.plain);
}

/* The bytes that were said to a pipe, None where there was none. */
static PyObject *said_by(const struct cenv_program *program, int stream,
                         const struct cenv_buf *said)
{
    if (program->stdio[stream] != -1)
        Py_RETURN_NONE;
    struct cenv_str text = cenv_buf_str(said);
    return PyBytes_FromStringAndSize(text.data, (Py_ssize_t)text.len);
}

static PyObject *end_of(const struct cenv_program *program,
                        const struct cenv_program_end *end)
{
    PyObject *out = said_by(program, 1, &end->said[0]);
    PyObject *err = out ? said_by(program, 2, &end->said[1]) : NULL;
    PyObject *result = err ? Py_BuildValue("(iOOO)", end->status, out, err,
                                           end->timed_out ? Py_True : Py_False)
                           : NULL;
    Py_XDECREF(out);
    Py_XDECREF(err);
    return result;
}

static PyObject *run_program(PyObject *module, PyObject *task_object,
                             const struct cenv_program *program, struct cenv_str input,
                             int64_t timeout_ms)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_program_end end = {0};
    struct cenv_task *task = bind_task_begin(task_object);
    if (!task)
        return NULL;
    cenv_buf_init(&end.said[0], BIND_REPLY_MAX);
    cenv_buf_init(&end.said[1], BIND_REPLY_MAX);
    int rc = cenv_program_run(program, input, timeout_ms, &end, task, &err);
    rc = bind_task_end(task_object, rc);
    PyObject *result =
        rc == 0 ? end_of(program, &end) : bind_raise(bind_state_of(module), &err);
    cenv_buf_release(&end.said[0]);
    cenv_buf_release(&end.said[1]);
    return result;
}

PyObject *bind_program_run(PyObject *module, PyObject *args)
{
    struct cenv_program program = {0};
    struct cenv_str input;
    PyObject *task, *argv, *envp, *result = NULL;
    long long timeout_ms;
    int until_exit;
    Py_ssize_t len, unused; /* paths end with NUL; z# is what takes bytes or None */
    if (!PyArg_ParseTuple(
            args, "O!z#O!O!z#(iii)z#Lp:program_run", bind_state_of(module)->task_type,
            &task, &program.view, &unused, &PyList_Type, &argv, &PyList_Type, &envp,
            &program.cwd, &unused, &program.stdio[0], &program.stdio[1],
            &program.stdio[2], &input.data, &len, &timeout_ms, &until_exit))
        return NULL;
    input.len = (size_t)len;
    program.until_exit = until_exit != 0;
    if (take_program(&program, argv, envp))
        result = run_program(module, task, &program, input, timeout_ms);
    release_program(&program);
    return result;
}

PyObject *bind_program_start(PyObject *module, PyObject *args)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_program program = {0};
    PyObject *argv, *envp;
    int pid, pipes[3], rc = -1;
    Py_ssize_t unused;
    if (!PyArg_ParseTuple(args, "O!O!z#(iii):program_start", &PyList_Type, &argv,
                          &PyList_Type, &envp, &program.cwd, &unused, &program.stdio[0],
                          &program.stdio[1], &program.stdio[2]))
        return NULL;
    if (take_program(&program, argv, envp))
        rc = cenv_program_start(&program, &pid, pipes, &err);
    release_program(&program);
    if (rc != 0)
        return bind_raise(bind_state_of(module), &err);
    return Py_BuildValue("(iiii)", pid, pipes[0], pipes[1], pipes[2]);
}

PyObject *bind_program_wait(PyObject *module, PyObject *args)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_program_end end = {0};
    PyObject *task_object;
    int pid;
    if (!PyArg_ParseTuple(args, "O!i:program_wait", bind_state_of(module)->task_type,
                          &task_object, &pid))
        return NULL;
    struct cenv_task *task = bind_task_begin(task_object);
    if (!task)
        return NULL;
    int rc = cenv_program_wait(pid, &end, task, &err);
    rc = bind_task_end(task_object, rc);
    return rc == 0 ? PyLong_FromLong(end.status)
                   : bind_raise(bind_state_of(module), &err);
}

static PyObject *bytes_of(PyObject *module, int rc, struct cenv_buf *out,
                          struct cenv_error *err)
{
    struct cenv_str text = cenv_buf_str(out);
    PyObject *bytes = rc < 0
                          ? bind_raise(bind_state_of(module), err)
                          : PyBytes_FromStringAndSize(text.data, (Py_ssize_t)text.len);
    cenv_buf_release(out);
    return bytes;
}

PyObject *bind_program_find(PyObject *module, PyObject *args)
{
    struct cenv_error err = CENV_ERROR_INIT;
    const char *name, *path;
    struct cenv_buf out;
    if (!PyArg_ParseTuple(args, "yy:program_find", &name, &path))
        return NULL;
    cenv_buf_init(&out, BIND_REPLY_MAX);
    int rc = cenv_program_find(name, path, &out);
    if (rc == 0 && out.failed)
        rc = cenv_error_oom(&err);
    if (rc == 1)
        cenv_buf_clear(&out);
    return bytes_of(module, rc, &out, &err);
}

PyObject *bind_activation_read(PyObject *module, PyObject *path)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;
    const char *prefix = PyBytes_AsString(path);
    if (!prefix)
        return NULL;
    cenv_buf_init(&out, BIND_REPLY_MAX);
    int rc = cenv_activation_read(prefix, &out, &err);
    return bytes_of(module, rc, &out, &err);
}
