/* SPDX-License-Identifier: BSD-3-Clause */
/* Throw-away views: entering one, and starting a program in one. */
#include "binding/bind.h"

PyObject *bind_view_enter(PyObject *module, PyObject *args)
{
    PyObject *prefix = NULL, *upper, *work;
    if (!PyArg_ParseTuple(args, "O&OO:view_enter", PyUnicode_FSConverter, &prefix,
                          &upper, &work))
        return NULL;
    struct cenv_error err = CENV_ERROR_INIT;
    const char *upper_path = upper == Py_None ? NULL : PyBytes_AsString(upper);
    const char *work_path = work == Py_None ? NULL : PyBytes_AsString(work);
    int rc = -1;
    if (!PyErr_Occurred())
        rc = cenv_view_enter(PyBytes_AsString(prefix), upper_path, work_path, &err);
    Py_DECREF(prefix);
    if (rc != 0)
        return bind_raise(bind_state_of(module), &err);
    Py_RETURN_NONE;
}

static int spawn(struct cenv_view *view, struct cenv_error *err)
{
    int pid = -1, rc;
    Py_BEGIN_ALLOW_THREADS
    rc = cenv_view_spawn(view, &pid, err);
    Py_END_ALLOW_THREADS
    return rc < 0 ? -1 : pid;
}

PyObject *bind_view_spawn(PyObject *module, PyObject *args)
{
    struct cenv_view view = {0};
    PyObject *prefix, *program, *cwd, *argv, *envp;
    int new_session;
    if (!PyArg_ParseTuple(args, "SSSO!O!(iii)p:view_spawn", &prefix, &program, &cwd,
                          &PyList_Type, &argv, &PyList_Type, &envp, &view.stdio[0],
                          &view.stdio[1], &view.stdio[2], &new_session))
        return NULL;
    struct cenv_error err = CENV_ERROR_INIT;
    const char **arguments = bind_texts(argv, PyBytes_AsString),
               **environment = arguments ? bind_texts(envp, PyBytes_AsString) : NULL;
    int pid = -1;
    if (environment) {
        view.prefix = PyBytes_AsString(prefix);
        view.program = PyBytes_AsString(program);
        view.cwd = PyBytes_AsString(cwd);
        view.argv = arguments;
        view.envp = environment;
        view.new_session = new_session != 0;
        pid = spawn(&view, &err);
    }
    PyMem_Free(arguments);
    PyMem_Free(environment);
    return pid < 0 ? bind_raise(bind_state_of(module), &err) : PyLong_FromLong(pid);
}
