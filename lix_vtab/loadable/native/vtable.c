/*
** Virtual tables: SQLite's callbacks on one side, APSW's protocol of Python classes on the other.
**
** The cost of a row decides here. Next, Eof and a snapshot of the row happen in one visit to Python,
** in xFilter and xNext; xEof and, for rows that are lists, xColumn then need neither Python nor the
** GIL. Asking Eof early also gives its exceptions a place to go, which xEof has not.
*/
#include "shim.h"

typedef struct Module {
  sqlite3_module methods;
  Connection *connection;
  PyObject *object;
  int use_no_change;
  int shadow; /* slot in `shadows`, or -1 */
} Module;

typedef struct Table {
  sqlite3_vtab base;
  Connection *connection;
  PyObject *object;
  Function *functions; /* handed out by FindFunction; they live as long as the table */
  int use_no_change;
} Table;

typedef struct TableCursor {
  sqlite3_vtab_cursor base;
  PyObject *object;
  PyObject **row; /* snapshot of a list cursor's items, when `snapshots` */
  Py_ssize_t width, capacity;
  int eof, snapshots;
} TableCursor;

#define EACH_NAME(each)                                                                         \
  each(Create) each(Connect) each(ShadowName) each(BestIndexObject) each(Open) each(Disconnect) \
  each(Destroy) each(UpdateInsertRow) each(UpdateChangeRow) each(UpdateDeleteRow) each(Begin)   \
  each(Sync) each(Commit) each(Rollback) each(Savepoint) each(Release) each(RollbackTo)         \
  each(Rename) each(FindFunction) each(Integrity) each(Filter) each(Eof) each(Next)             \
  each(Column) each(ColumnNoChange) each(Rowid) each(Close)

#define DECLARE(name) static PyObject *str_##name;
EACH_NAME(DECLARE)

static PyCFunction list_item; /* list.__getitem__ */

int prepare_names(void) {
  PyObject *getitem;
#define INTERN(name) \
  if (!(str_##name = PyUnicode_InternFromString(#name))) return -1;
  EACH_NAME(INTERN)
  getitem = PyObject_GetAttrString((PyObject *)&PyList_Type, "__getitem__");
  if (!getitem) return -1;
  list_item = ((PyMethodDescrObject *)getitem)->d_method->ml_meth;
  Py_DECREF(getitem);
  return 0;
}

/* ---- small things ------------------------------------------------------------------------------ */

static const char gone[] = "LIX_ERROR_LOADABLE: Python has ended";

static int table_error(Table *table) {
  return report_exception(table->connection, &table->base.zErrMsg);
}

static int table_gone(sqlite3_vtab *base) {
  const sqlite3_api_routines *api = ((Table *)base)->connection->api;
  api->free(base->zErrMsg);
  base->zErrMsg = api->mprintf("%s", gone);
  return SQLITE_ERROR;
}

/* The attribute, or NULL without an exception when there is none. */
static PyObject *optional_attribute(PyObject *object, PyObject *name) {
  PyObject *value = PyObject_GetAttr(object, name);
  if (!value && PyErr_ExceptionMatches(PyExc_AttributeError)) PyErr_Clear();
  return value;
}

/* Calls a method that a class need not have; None when it has not. */
static PyObject *call_optional(PyObject *object, PyObject *name, PyObject *argument) {
  PyObject *method = optional_attribute(object, name), *result;
  if (!method) return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
  result = argument ? PyObject_CallOneArg(method, argument) : PyObject_CallNoArgs(method);
  Py_DECREF(method);
  return result;
}

static PyObject *text_or_none(const char *text) {
  if (!text) Py_RETURN_NONE;
  return PyUnicode_FromString(text);
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
    *error = connection->api->mprintf("%s", gone);
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

/* ---- cursors ----------------------------------------------------------------------------------- */

static int x_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
  Table *table = (Table *)base;
  TableCursor *cursor = NULL;
  PyObject *object;
  Gil gil;
  int rc = SQLITE_OK;
  if (!enter(&gil)) return table_gone(base);
  object = PyObject_CallMethodNoArgs(table->object, str_Open);
  if (object && !(cursor = PyMem_RawCalloc(1, sizeof *cursor))) PyErr_NoMemory();
  if (cursor) {
    cursor->object = object;
    cursor->eof = 1;
    *out = &cursor->base;
  } else {
    Py_XDECREF(object);
    rc = table_error(table);
  }
  leave(&gil);
  return rc;
}

static void drop_row(TableCursor *cursor) {
  while (cursor->width) Py_DECREF(cursor->row[--cursor->width]);
}

static int x_close(sqlite3_vtab_cursor *base) {
  TableCursor *cursor = (TableCursor *)base;
  PyObject *result;
  Gil gil;
  if (!enter(&gil)) return SQLITE_OK;
  result = call_optional(cursor->object, str_Close, NULL);
  if (!result) ignore_exception("Close");
  Py_XDECREF(result);
  drop_row(cursor);
  Py_DECREF(cursor->object);
  PyMem_RawFree(cursor->row);
  PyMem_RawFree(cursor);
  leave(&gil);
  return SQLITE_OK;
}

/* Whether Column is list.__getitem__: then a row can be read without calling anything. */
static int reads_list(PyObject *object) {
  PyObject *column;
  int same;
  if (!PyList_Check(object)) return 0;
  column = optional_attribute(object, str_Column);
  PyErr_Clear();
  same = column && PyCFunction_Check(column) && PyCFunction_GET_SELF(column) == object &&
         PyCFunction_GET_FUNCTION(column) == list_item;
  Py_XDECREF(column);
  return same;
}

static int take_row(TableCursor *cursor) {
  PyObject *list = cursor->object;
  Py_ssize_t i, width = PyList_GET_SIZE(list);
  if (width > cursor->capacity) {
    PyObject **row = PyMem_RawRealloc(cursor->row, sizeof *row * (size_t)width);
    if (!row) {
      PyErr_NoMemory();
      return -1;
    }
    cursor->row = row;
    cursor->capacity = width;
  }
  while (cursor->width > width) Py_DECREF(cursor->row[--cursor->width]);
  for (i = 0; i < width; i++) {
    PyObject *item = PyList_GET_ITEM(list, i), *old;
    if (i < cursor->width) {
      old = cursor->row[i];
      if (old == item) continue;
      cursor->row[i] = Py_NewRef(item);
      Py_DECREF(old);
    } else {
      cursor->row[cursor->width++] = Py_NewRef(item);
    }
  }
  return 0;
}

/* Asks Eof, once for each Filter and Next, and takes the row: -1 with an exception. */
static int arrive(TableCursor *cursor) {
  PyObject *eof = PyObject_CallMethodNoArgs(cursor->object, str_Eof);
  int truth;
  if (!eof) {
    truth = -1;
  } else if (eof == Py_False) {
    truth = 0;
  } else {
    truth = PyObject_IsTrue(eof);
  }
  Py_XDECREF(eof);
  cursor->eof = truth != 0;
  if (truth == 0 && cursor->snapshots) return take_row(cursor);
  return truth < 0 ? -1 : 0;
}

/* All values of an IN whose plan asked for them at once, as a set. */
static PyObject *in_values(const sqlite3_api_routines *api, sqlite3_value *list) {
  PyObject *values = PySet_New(NULL);
  sqlite3_value *item = NULL;
  int rc;
  if (!values) return NULL;
  for (rc = api->vtab_in_first(list, &item); rc == SQLITE_OK && item;
       rc = api->vtab_in_next(list, &item)) {
    PyObject *value = python_value(api, item);
    int failed = !value || PySet_Add(values, value) < 0;
    Py_XDECREF(value);
    if (failed) {
      Py_DECREF(values);
      return NULL;
    }
  }
  return values;
}

/* A list of IN values looks like NULL to anything but vtab_in_first(). */
static PyObject *filter_value(const sqlite3_api_routines *api, sqlite3_value *value) {
  sqlite3_value *item = NULL;
  int rc;
  if (api->value_type(value) != SQLITE_NULL) return python_value(api, value);
  rc = api->vtab_in_first(value, &item);
  if (rc == SQLITE_OK || rc == SQLITE_DONE) return in_values(api, value);
  Py_RETURN_NONE;
}

static PyObject *filter(TableCursor *cursor, const sqlite3_api_routines *api, int number,
                        const char *text, int argc, sqlite3_value **argv) {
  PyObject *args[4] = {cursor->object, PyLong_FromLong(number), text_or_none(text),
                       PyTuple_New(argc)};
  PyObject *result = NULL;
  int i;
  for (i = 0; args[3] && i < argc; i++) {
    PyObject *value = filter_value(api, argv[i]);
    if (!value) {
      Py_CLEAR(args[3]);
      break;
    }
    PyTuple_SET_ITEM(args[3], i, value);
  }
  if (args[1] && args[2] && args[3]) result = PyObject_VectorcallMethod(str_Filter, args, 4, NULL);
  Py_XDECREF(args[1]);
  Py_XDECREF(args[2]);
  Py_XDECREF(args[3]);
  return result;
}

static int x_filter(sqlite3_vtab_cursor *base, int number, const char *text, int argc,
                    sqlite3_value **argv) {
  TableCursor *cursor = (TableCursor *)base;
  Table *table = (Table *)base->pVtab;
  PyObject *result;
  Gil gil;
  int rc = SQLITE_OK;
  if (!enter(&gil)) return table_gone(base->pVtab);
  cursor->eof = 1;
  drop_row(cursor);
  result = filter(cursor, table->connection->api, number, text, argc, argv);
  if (result) {
    cursor->snapshots = reads_list(cursor->object);
    Py_DECREF(result);
  }
  if (!result || arrive(cursor) < 0) rc = table_error(table);
  leave(&gil);
  return rc;
}

static int x_next(sqlite3_vtab_cursor *base) {
  TableCursor *cursor = (TableCursor *)base;
  PyObject *result;
  Gil gil;
  int rc = SQLITE_OK;
  if (!enter(&gil)) return table_gone(base->pVtab);
  result = PyObject_CallMethodNoArgs(cursor->object, str_Next);
  if (!result || arrive(cursor) < 0) {
    cursor->eof = 1;
    rc = table_error((Table *)base->pVtab);
  }
  Py_XDECREF(result);
  leave(&gil);
  return rc;
}

static int x_eof(sqlite3_vtab_cursor *base) { return ((TableCursor *)base)->eof; }

/* The value of an UPDATE's column that keeps its value: no_change gives no result at all. */
static PyObject *unchanged(TableCursor *cursor, PyObject *number) {
  PyObject *method = optional_attribute(cursor->object, str_ColumnNoChange), *value;
  if (!method && PyErr_Occurred()) return NULL;
  value = method ? PyObject_CallOneArg(method, number)
                 : PyObject_CallMethodOneArg(cursor->object, str_Column, number);
  Py_XDECREF(method);
  return value;
}

static int column_with_python(TableCursor *cursor, Table *table, sqlite3_context *context,
                              int column, int no_change_wanted) {
  const sqlite3_api_routines *api = table->connection->api;
  PyObject *number, *value = NULL;
  Gil gil;
  int rc = SQLITE_OK;
  if (!enter(&gil)) return table_gone(&table->base);
  if (!no_change_wanted && cursor->snapshots && column >= 0 && column < cursor->width) {
    value = Py_NewRef(cursor->row[column]);
  } else if ((number = PyLong_FromLong(column))) {
    value = no_change_wanted ? unchanged(cursor, number)
                             : PyObject_CallMethodOneArg(cursor->object, str_Column, number);
    Py_DECREF(number);
  }
  if (!value || (!(no_change_wanted && value == no_change) &&
                 result_value(api, context, value) < 0)) {
    rc = table_error(table);
  }
  Py_XDECREF(value);
  leave(&gil);
  return rc;
}

static int x_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  TableCursor *cursor = (TableCursor *)base;
  Table *table = (Table *)base->pVtab;
  const sqlite3_api_routines *api = table->connection->api;
  if (table->use_no_change && api->vtab_nochange(context)) {
    return column_with_python(cursor, table, context, column, 1);
  }
  if (cursor->snapshots && column >= 0 && column < cursor->width &&
      result_without_gil(api, context, cursor->row[column])) {
    return SQLITE_OK;
  }
  return column_with_python(cursor, table, context, column, 0);
}

static int x_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  TableCursor *cursor = (TableCursor *)base;
  PyObject *rowid;
  Gil gil;
  int rc = SQLITE_OK;
  if (!enter(&gil)) return table_gone(base->pVtab);
  rowid = PyObject_CallMethodNoArgs(cursor->object, str_Rowid);
  if (rowid) *out = PyLong_AsLongLong(rowid);
  if (PyErr_Occurred()) rc = table_error((Table *)base->pVtab);
  Py_XDECREF(rowid);
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

static int notify(sqlite3_vtab *base, PyObject *name, int level) {
  Table *table = (Table *)base;
  PyObject *argument = NULL, *result;
  Gil gil;
  int rc = SQLITE_OK;
  if (!enter(&gil)) return table_gone(base);
  if (level >= 0) argument = PyLong_FromLong(level);
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

static int x_begin(sqlite3_vtab *base) { return notify(base, str_Begin, -1); }
static int x_sync(sqlite3_vtab *base) { return notify(base, str_Sync, -1); }
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

/* ---- shadow names ------------------------------------------------------------------------------ */

/*
** xShadowName gets a suffix and nothing that says which module is meant, so each Python class that
** has ShadowName gets a callback of its own. All modules of a class share it.
*/
#define SLOTS(each)                                                                           \
  each(0) each(1) each(2) each(3) each(4) each(5) each(6) each(7) each(8) each(9) each(10)     \
  each(11) each(12) each(13) each(14) each(15)
enum { SLOT_COUNT = 16 };

static struct {
  PyObject *module; /* the latest of its class */
  int users;
} shadows[SLOT_COUNT];

static int is_shadow(int slot, const char *suffix) {
  PyObject *result, *text;
  Gil gil;
  int truth = 0;
  if (!enter(&gil)) return 0;
  text = PyUnicode_FromString(suffix);
  result = text && shadows[slot].module
               ? PyObject_CallMethodOneArg(shadows[slot].module, str_ShadowName, text)
               : NULL;
  if (result) truth = PyObject_IsTrue(result);
  if (PyErr_Occurred()) ignore_exception("ShadowName");
  Py_XDECREF(text);
  Py_XDECREF(result);
  leave(&gil);
  return truth > 0;
}

#define SHADOW(n) \
  static int shadow_##n(const char *suffix) { return is_shadow(n, suffix); }
SLOTS(SHADOW)

#define SHADOW_NAME(n) shadow_##n,
static int (*const shadow_callbacks[SLOT_COUNT])(const char *) = {SLOTS(SHADOW_NAME)};

/* A slot for the module, -1 when it needs none, -2 with an exception. */
static int take_shadow(PyObject *module) {
  int i, free_slot = -1;
  if (!PyObject_HasAttr(module, str_ShadowName)) return -1;
  for (i = 0; i < SLOT_COUNT; i++) {
    if (!shadows[i].users) {
      if (free_slot < 0) free_slot = i;
    } else if (Py_TYPE(shadows[i].module) == Py_TYPE(module)) {
      break;
    }
  }
  if (i == SLOT_COUNT) i = free_slot;
  if (i < 0) {
    PyErr_SetString(PyExc_RuntimeError, "too many module classes with ShadowName");
    return -2;
  }
  shadows[i].users++;
  Py_XSETREF(shadows[i].module, Py_NewRef(module));
  return i;
}

static void leave_shadow(int slot) {
  if (slot >= 0 && --shadows[slot].users == 0) Py_CLEAR(shadows[slot].module);
}

/* ---- registration ------------------------------------------------------------------------------ */

static void free_module(void *pointer) {
  Module *module = pointer;
  Gil gil;
  if (enter(&gil)) {
    leave_shadow(module->shadow);
    Py_DECREF(module->object);
    Py_DECREF(module->connection);
    leave(&gil);
  }
  PyMem_RawFree(module);
}

static const sqlite3_module reading = {
    .iVersion = 4,
    .xCreate = x_create,
    .xConnect = x_connect,
    .xBestIndex = x_best_index,
    .xDisconnect = x_disconnect,
    .xDestroy = x_destroy,
    .xOpen = x_open,
    .xClose = x_close,
    .xFilter = x_filter,
    .xNext = x_next,
    .xEof = x_eof,
    .xColumn = x_column,
    .xRowid = x_rowid,
    .xFindFunction = x_find_function,
    .xRename = x_rename,
    .xIntegrity = x_integrity,
};

static void add_writing(sqlite3_module *methods) {
  methods->xUpdate = x_update;
  methods->xBegin = x_begin;
  methods->xSync = x_sync;
  methods->xCommit = x_commit;
  methods->xRollback = x_rollback;
  methods->xSavepoint = x_savepoint;
  methods->xRelease = x_release;
  methods->xRollbackTo = x_rollback_to;
}

static Module *new_module(Connection *connection, PyObject *object) {
  Module *module;
  int shadow = take_shadow(object);
  if (shadow == -2) return NULL;
  module = PyMem_RawCalloc(1, sizeof *module);
  if (!module) {
    leave_shadow(shadow);
    PyErr_NoMemory();
    return NULL;
  }
  module->methods = reading;
  module->connection = (Connection *)Py_NewRef(connection);
  module->object = Py_NewRef(object);
  module->shadow = shadow;
  if (shadow >= 0) module->methods.xShadowName = shadow_callbacks[shadow];
  return module;
}

static int register_module(Connection *self, const char *name, Module *module) {
  Call call;
  int rc;
  if (!lock_connection(self)) {
    if (module) free_module(module);
    return -1;
  }
  begin_call(self, &call);
  rc = self->api->create_module_v2(self->db, name, module ? &module->methods : NULL, module,
                                   module ? free_module : NULL); /* also called on failure */
  end_call(self, &call);
  if (rc != SQLITE_OK) raise_result(self, rc, &call);
  Py_CLEAR(call.exception);
  unlock_connection(self);
  return rc == SQLITE_OK ? 0 : -1;
}

/* Savepoints are always delivered, hence iVersion is what the shim supports, not what is asked. */
PyObject *create_module(Connection *self, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"name", "datasource", "use_bestindex_object", "use_no_change",
                          "iVersion", "eponymous", "eponymous_only", "read_only", NULL};
  const char *name;
  PyObject *object;
  int objects = 0, no_changes = 0, version = 1, eponymous = 0, eponymous_only = 0, read_only = 0;
  Module *module = NULL;

  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sO|$ppippp", names, &name, &object, &objects,
                                   &no_changes, &version, &eponymous, &eponymous_only,
                                   &read_only)) {
    return NULL;
  }
  if (object != Py_None) {
    if (!objects) {
      PyErr_SetString(PyExc_ValueError, "only modules with use_bestindex_object=True are supported");
      return NULL;
    }
    if (!(module = new_module(self, object))) return NULL;
    module->use_no_change = no_changes;
    if (!read_only) add_writing(&module->methods);
    if (eponymous) module->methods.xCreate = module->methods.xConnect;
    if (eponymous_only) module->methods.xCreate = NULL;
  }
  if (register_module(self, name, module) < 0) return NULL;
  Py_RETURN_NONE;
}
