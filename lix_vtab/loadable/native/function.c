/*
** SQL functions written in Python.
*/
#include "shim.h"

#define USUAL_ARGUMENTS 16

void free_function(void *pointer) {
  Function *function = pointer;
  Gil gil;
  if (enter(&gil)) {
    Py_DECREF(function->callable);
    Py_DECREF(function->connection);
    leave(&gil);
  }
  PyMem_RawFree(function);
}

Function *new_function(Connection *connection, PyObject *callable) {
  Function *function = PyMem_RawCalloc(1, sizeof *function);
  if (!function) {
    PyErr_NoMemory();
    return NULL;
  }
  function->connection = (Connection *)Py_NewRef(connection);
  function->callable = Py_NewRef(callable);
  return function;
}

static PyObject *call(const sqlite3_api_routines *api, PyObject *callable, int argc,
                      sqlite3_value **argv) {
  PyObject *usual[USUAL_ARGUMENTS + 1], **args = usual, *result = NULL;
  int i;
  if (argc > USUAL_ARGUMENTS) args = PyMem_Malloc(sizeof *args * (size_t)(argc + 1));
  if (!args) return PyErr_NoMemory();
  for (i = 0; i < argc; i++) {
    if (!(args[i + 1] = python_value(api, argv[i]))) break;
  }
  if (i == argc) {
    result = PyObject_Vectorcall(callable, args + 1,
                                 (size_t)argc | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
  }
  while (i--) Py_DECREF(args[i + 1]);
  if (args != usual) PyMem_Free(args);
  return result;
}

static void run_function(const sqlite3_api_routines *api, sqlite3_context *context, int argc,
                         sqlite3_value **argv) {
  Function *function = api->user_data(context);
  PyObject *result;
  Gil gil;
  if (!enter(&gil)) {
    api->result_error(context, "LIX_ERROR_LOADABLE: Python has ended", -1);
    return;
  }
  result = call(api, function->callable, argc, argv);
  if (!result || result_value(api, context, result) < 0) {
    result_exception(function->connection, context);
  }
  Py_XDECREF(result);
  leave(&gil);
}

/*
** SQLite hands such a callback nothing but a context, which only the right library's routine table
** can read. So each SQLite library of the process gets a callback of its own.
*/
#define LIBRARIES(each) each(0) each(1) each(2) each(3) each(4) each(5) each(6) each(7)
enum { LIBRARY_COUNT = 8 };

static const sqlite3_api_routines *libraries[LIBRARY_COUNT];

#define CALLBACK(n)                                                                       \
  static void callback_##n(sqlite3_context *context, int argc, sqlite3_value **argv) {    \
    run_function(libraries[n], context, argc, argv);                                      \
  }
LIBRARIES(CALLBACK)

#define CALLBACK_NAME(n) callback_##n,
static const FunctionCallback callbacks[LIBRARY_COUNT] = {LIBRARIES(CALLBACK_NAME)};

FunctionCallback function_callback(const sqlite3_api_routines *api) {
  int i;
  for (i = 0; i < LIBRARY_COUNT; i++) {
    if (!libraries[i]) libraries[i] = api;
    if (libraries[i] == api) return callbacks[i];
  }
  PyErr_SetString(PyExc_RuntimeError, "too many SQLite libraries in this process");
  return NULL;
}

PyObject *create_scalar_function(Connection *self, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"name", "callable", "numargs", "deterministic", "flags", NULL};
  const char *name;
  PyObject *callable;
  int count = -1, deterministic = 0, flags = 0, rc;
  Function *function = NULL;
  FunctionCallback callback = NULL;

  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sO|i$pi", names, &name, &callable, &count,
                                   &deterministic, &flags)) {
    return NULL;
  }
  if (callable != Py_None) {
    if (!PyCallable_Check(callable)) {
      return PyErr_Format(PyExc_TypeError, "expected a callable or None, not %s",
                          Py_TYPE(callable)->tp_name);
    }
    callback = function_callback(self->api);
    if (!callback || !(function = new_function(self, callable))) return NULL;
  }
  flags |= SQLITE_UTF8 | (deterministic ? SQLITE_DETERMINISTIC : 0);
  if (!lock_connection(self)) {
    if (function) free_function(function);
    return NULL;
  }
  rc = self->api->create_function_v2(self->db, name, count, flags, function, callback, NULL, NULL,
                                     function ? free_function : NULL);
  if (rc != SQLITE_OK) raise_result(self, rc, NULL);
  unlock_connection(self);
  if (rc != SQLITE_OK) return NULL;
  Py_RETURN_NONE;
}
