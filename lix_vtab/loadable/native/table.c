/*
** Tables: made, planned, written to and told of transactions.
*/
#include "vtable.h"

#include <limits.h>

/* ---- small things ------------------------------------------------------------------------------ */

const char python_has_ended[] = "LIX_ERROR_LOADABLE: Python has ended";

int table_error(Table *table) {
  return report_exception(table->connection, &table->base.zErrMsg);
}

int table_gone(sqlite3_vtab *base) {
  const sqlite3_api_routines *api = ((Table *)base)->connection->api;
  api->free(base->zErrMsg);
  base->zErrMsg = api->mprintf("%s", python_has_ended);
  return SQLITE_ERROR;
}

/* The attribute, or NULL without an exception when there is none. */
PyObject *optional_attribute(PyObject *object, PyObject *name) {
  PyObject *value = PyObject_GetAttr(object, name);
  if (!value && PyErr_ExceptionMatches(PyExc_AttributeError)) PyErr_Clear();
  return value;
}

/* Calls a method that a class need not have; None when it has not. */
PyObject *call_optional(PyObject *object, PyObject *name, PyObject *argument) {
  PyObject *method = optional_attribute(object, name), *result;
  if (!method) return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
  result = argument ? PyObject_CallOneArg(method, argument) : PyObject_CallNoArgs(method);
  Py_DECREF(method);
  return result;
}

/* ---- create, connect, destroy ------------------------------------------------------------------ */

static PyObject *construct(Module *module, PyObject *method, int argc, const char *const *argv) {
  PyObject *args = PyTuple_New(argc + 1), *callable, *result;
  int i;
  if (!args) return NULL;
  PyTuple_SET_ITEM(args, 0, Py_NewRef(module->connection));
  for (i = 0; i < argc; i++) {
    PyObject *text = PyUnicode_FromString(argv[i]);
    if (!text) {
      Py_DECREF(args);
      return NULL;
    }
    PyTuple_SET_ITEM(args, i + 1, text);
  }
  callable = PyObject_GetAttr(module->object, method);
  result = callable ? PyObject_CallObject(callable, args) : NULL;
  Py_XDECREF(callable);
  Py_DECREF(args);
  return result;
}

/* Takes the (schema, table) a module returned: declares the schema, wraps the table. */
static Table *declare(Module *module, PyObject *pair) {
  Connection *connection = module->connection;
  PyObject *fast = PySequence_Fast(pair, "Create and Connect return (schema, table)");
  const char *schema;
  Table *table;
  int rc;
  if (!fast) return NULL;
  if (PySequence_Fast_GET_SIZE(fast) != 2) {
    PyErr_SetString(PyExc_TypeError, "Create and Connect return (schema, table)");
    Py_DECREF(fast);
    return NULL;
  }
  schema = PyUnicode_AsUTF8(PySequence_Fast_GET_ITEM(fast, 0));
  rc = schema ? connection->api->declare_vtab(connection->db, schema) : SQLITE_ERROR;
  if (schema && rc != SQLITE_OK) raise_result(connection, rc, NULL);
  table = rc == SQLITE_OK ? PyMem_RawCalloc(1, sizeof *table) : NULL;
  if (table) {
    table->connection = (Connection *)Py_NewRef(connection);
    table->object = Py_NewRef(PySequence_Fast_GET_ITEM(fast, 1));
    table->use_no_change = module->use_no_change;
  } else if (rc == SQLITE_OK) {
    PyErr_NoMemory();
  }
  Py_DECREF(fast);
  return table;
}

static int open_table(void *aux, PyObject **method, int argc, const char *const *argv,
                      sqlite3_vtab **out, char **error) {
  Module *module = aux;
  Connection *connection = module->connection;
  Table *table = NULL;
  PyObject *pair;
  Gil gil;
  int rc = SQLITE_OK;
  if (!enter(&gil)) {
    *error = connection->api->mprintf("%s", python_has_ended);
    return SQLITE_ERROR;
  }
  if (!connection->watched) watch_connection(connection);
  connection->connecting++;
  pair = construct(module, *method, argc, argv);
  if (pair) table = declare(module, pair);
  connection->connecting--;
  Py_XDECREF(pair);
  if (table) {
    *out = &table->base;
  } else {
    rc = report_exception(connection, error);
  }
  leave(&gil);
  return rc;
}

static int x_create(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **out,
                    char **error) {
  (void)db;
  return open_table(aux, &str_Create, argc, argv, out, error);
}

static int x_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **out,
                     char **error) {
  (void)db;
  return open_table(aux, &str_Connect, argc, argv, out, error);
}

static void free_table(Table *table) {
  while (table->functions) {
    Function *function = table->functions;
    table->functions = function->next;
    free_function(function);
  }
  Py_DECREF(table->object);
  Py_DECREF(table->connection);
  PyMem_RawFree(table);
}

static int x_disconnect(sqlite3_vtab *base) {
  Table *table = (Table *)base;
  PyObject *result;
  Gil gil;
  if (!enter(&gil)) return SQLITE_OK;
  result = call_optional(table->object, str_Disconnect, NULL);
  if (!result) ignore_exception("Disconnect");
  Py_XDECREF(result);
  free_table(table);
  leave(&gil);
  return SQLITE_OK;
}

/* After an error the table stays, and SQLite will disconnect it later. */
static int x_destroy(sqlite3_vtab *base) {
  Table *table = (Table *)base;
  PyObject *result;
  Gil gil;
  int rc = SQLITE_OK;
  if (!enter(&gil)) return SQLITE_ERROR;
  result = call_optional(table->object, str_Destroy, NULL);
  if (result) {
    Py_DECREF(result);
    free_table(table);
  } else {
    rc = table_error(table);
  }
  leave(&gil);
  return rc;
}

/* ---- planning ---------------------------------------------------------------------------------- */

static int x_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
  Table *table = (Table *)base;
  PyObject *object, *result;
  Gil gil;
  int rc, good = -1;
  if (!enter(&gil)) return table_gone(base);
  object = new_index_info(table->connection, info);
  result = object ? PyObject_CallMethodOneArg(table->object, str_BestIndexObject, object) : NULL;
  if (result) good = PyObject_IsTrue(result);
  Py_XDECREF(result);
  retire_index_info(object);
  if (good < 0) {
    rc = table_error(table);
    if ((rc & 0xff) == SQLITE_CONSTRAINT) rc = SQLITE_ERROR; /* which would mean "another plan" */
  } else {
    rc = good ? SQLITE_OK : SQLITE_CONSTRAINT;
  }
  leave(&gil);
  return rc;
}

/* ---- writing ----------------------------------------------------------------------------------- */

static PyObject *fields(Table *table, int argc, sqlite3_value **argv, int changing) {
  const sqlite3_api_routines *api = table->connection->api;
  PyObject *values = PyTuple_New(argc - 2);
  int i;
  for (i = 2; values && i < argc; i++) {
    PyObject *value = changing && table->use_no_change && api->value_nochange(argv[i])
                          ? Py_NewRef(no_change)
                          : python_value(api, argv[i]);
    if (value) {
      PyTuple_SET_ITEM(values, i - 2, value);
    } else {
      Py_CLEAR(values);
    }
  }
  return values;
}

static int insert_row(Table *table, int argc, sqlite3_value **argv, sqlite3_int64 *rowid) {
  const sqlite3_api_routines *api = table->connection->api;
  PyObject *args[3] = {table->object, python_value(api, argv[1]), fields(table, argc, argv, 0)};
  PyObject *result = NULL;
  if (args[1] && args[2]) {
    result = PyObject_VectorcallMethod(str_UpdateInsertRow, args, 3, NULL);
  }
  if (result && args[1] == Py_None) {
    if (PyLong_Check(result)) {
      *rowid = PyLong_AsLongLong(result);
    } else {
      PyErr_Format(PyExc_TypeError, "UpdateInsertRow must return the new rowid, not %s",
                   Py_TYPE(result)->tp_name);
    }
  }
  Py_XDECREF(args[1]);
  Py_XDECREF(args[2]);
  Py_XDECREF(result);
  return PyErr_Occurred() ? -1 : 0;
}

static int change_row(Table *table, int argc, sqlite3_value **argv) {
  const sqlite3_api_routines *api = table->connection->api;
  PyObject *args[4] = {table->object, python_value(api, argv[0]), python_value(api, argv[1]),
                       fields(table, argc, argv, 1)};
  PyObject *result = NULL;
  if (args[1] && args[2] && args[3]) {
    result = PyObject_VectorcallMethod(str_UpdateChangeRow, args, 4, NULL);
  }
  Py_XDECREF(args[1]);
  Py_XDECREF(args[2]);
  Py_XDECREF(args[3]);
  Py_XDECREF(result);
  return result ? 0 : -1;
}

static int delete_row(Table *table, sqlite3_value *rowid) {
  PyObject *args[2] = {table->object, python_value(table->connection->api, rowid)};
  PyObject *result = NULL;
  if (args[1]) result = PyObject_VectorcallMethod(str_UpdateDeleteRow, args, 2, NULL);
  Py_XDECREF(args[1]);
  Py_XDECREF(result);
  return result ? 0 : -1;
}

static int x_update(sqlite3_vtab *base, int argc, sqlite3_value **argv, sqlite3_int64 *rowid) {
  Table *table = (Table *)base;
  const sqlite3_api_routines *api = table->connection->api;
  Gil gil;
  int rc;
  if (!enter(&gil)) return table_gone(base);
  table->connection->updating++;
  if (argc == 1) {
    rc = delete_row(table, argv[0]);
  } else if (api->value_type(argv[0]) == SQLITE_NULL) {
    rc = insert_row(table, argc, argv, rowid);
  } else {
    rc = change_row(table, argc, argv);
  }
  table->connection->updating--;
  if (rc < 0) rc = table_error(table);
  leave(&gil);
  return rc;
}

/* ---- transactions ------------------------------------------------------------------------------ */

/* Levels begin at -1: that is what undoing everything since BEGIN amounts to. */
#define NO_LEVEL INT_MIN

static int notify(sqlite3_vtab *base, PyObject *name, int level) {
  Table *table = (Table *)base;
  PyObject *argument = NULL, *result;
  Gil gil;
  int rc = SQLITE_OK;
  if (!enter(&gil)) return table_gone(base);
  if (level != NO_LEVEL) argument = PyLong_FromLong(level);
  result = call_optional(table->object, name, argument);
  if (!result) rc = table_error(table);
  Py_XDECREF(argument);
  Py_XDECREF(result);
  leave(&gil);
  return rc;
}

/* SQLite takes no answer from these two. */
static int notify_end(sqlite3_vtab *base, PyObject *name, const char *where) {
  Table *table = (Table *)base;
  PyObject *result;
  Gil gil;
  if (!enter(&gil)) return SQLITE_OK;
  result = call_optional(table->object, name, NULL);
  if (!result) ignore_exception(where);
  Py_XDECREF(result);
  leave(&gil);
  return SQLITE_OK;
}

static int x_begin(sqlite3_vtab *base) { return notify(base, str_Begin, NO_LEVEL); }
static int x_sync(sqlite3_vtab *base) { return notify(base, str_Sync, NO_LEVEL); }
static int x_commit(sqlite3_vtab *base) { return notify_end(base, str_Commit, "Commit"); }
static int x_rollback(sqlite3_vtab *base) { return notify_end(base, str_Rollback, "Rollback"); }
static int x_savepoint(sqlite3_vtab *base, int n) { return notify(base, str_Savepoint, n); }
static int x_release(sqlite3_vtab *base, int n) { return notify(base, str_Release, n); }
static int x_rollback_to(sqlite3_vtab *base, int n) { return notify(base, str_RollbackTo, n); }

/* ---- the rest ---------------------------------------------------------------------------------- */

static int x_rename(sqlite3_vtab *base, const char *name) {
  Table *table = (Table *)base;
  PyObject *text, *result = NULL;
  Gil gil;
  int rc = SQLITE_OK;
  if (!enter(&gil)) return table_gone(base);
  text = PyUnicode_FromString(name);
  if (text) result = call_optional(table->object, str_Rename, text);
  if (!result) rc = table_error(table);
  Py_XDECREF(text);
  Py_XDECREF(result);
  leave(&gil);
  return rc;
}

/* What FindFunction returned: None, a callable, or (number, callable). Gives the number, 0: none. */
static int overload(Table *table, PyObject *found, FunctionCallback *callback, void **data) {
  int number = 1;
  Function *function;
  if (found == Py_None) return 0;
  if (!PyCallable_Check(found)) {
    if (!PyArg_ParseTuple(found, "iO:FindFunction", &number, &found)) return 0;
    if (!PyCallable_Check(found)) {
      PyErr_SetString(PyExc_TypeError, "FindFunction returns None, a callable or (int, callable)");
      return 0;
    }
  }
  *callback = function_callback(table->connection->api);
  function = *callback ? new_function(table->connection, found) : NULL;
  if (!function) return 0;
  function->next = table->functions;
  table->functions = function;
  *data = function;
  return number;
}

static int x_find_function(sqlite3_vtab *base, int count, const char *name,
                           FunctionCallback *callback, void **data) {
  Table *table = (Table *)base;
  PyObject *method, *found = NULL;
  Gil gil;
  int number = 0;
  if (!enter(&gil)) return 0;
  method = optional_attribute(table->object, str_FindFunction);
  if (method) found = PyObject_CallFunction(method, "si", name, count);
  if (found) number = overload(table, found, callback, data);
  if (PyErr_Occurred()) ignore_exception("FindFunction");
  Py_XDECREF(method);
  Py_XDECREF(found);
  leave(&gil);
  return number;
}

static int x_integrity(sqlite3_vtab *base, const char *schema, const char *name, int flags,
                       char **problem) {
  Table *table = (Table *)base;
  const sqlite3_api_routines *api = table->connection->api;
  PyObject *method, *result = NULL;
  const char *text = NULL;
  Gil gil;
  int rc = SQLITE_OK;
  if (!enter(&gil)) return table_gone(base);
  method = optional_attribute(table->object, str_Integrity);
  if (method) result = PyObject_CallFunction(method, "ssi", schema, name, flags);
  if (result && result != Py_None) text = PyUnicode_AsUTF8(result);
  if (text) *problem = api->mprintf("%s", text);
  if (PyErr_Occurred()) rc = table_error(table);
  Py_XDECREF(method);
  Py_XDECREF(result);
  leave(&gil);
  return rc;
}

/* ---- the methods ------------------------------------------------------------------------------- */

void add_table_methods(sqlite3_module *methods, int writing) {
  methods->xCreate = x_create;
  methods->xConnect = x_connect;
  methods->xDisconnect = x_disconnect;
  methods->xDestroy = x_destroy;
  methods->xBestIndex = x_best_index;
  methods->xFindFunction = x_find_function;
  methods->xRename = x_rename;
  methods->xIntegrity = x_integrity;
  if (!writing) return;
  methods->xUpdate = x_update;
  methods->xBegin = x_begin;
  methods->xSync = x_sync;
  methods->xCommit = x_commit;
  methods->xRollback = x_rollback;
  methods->xSavepoint = x_savepoint;
  methods->xRelease = x_release;
  methods->xRollbackTo = x_rollback_to;
}
