/*
** Cursors, where the cost of a row decides. Next, Eof and a snapshot of the row happen in one visit to
** Python, in xFilter and xNext; xEof and, for rows that are lists, xColumn then need neither Python nor
** the GIL. Asking Eof early also gives its exceptions a place to go, which xEof has not.
*/
#include "vtable.h"

typedef struct TableCursor {
  sqlite3_vtab_cursor base;
  PyObject *object;
  PyObject **row; /* snapshot of a list cursor's items, when `snapshots` */
  Py_ssize_t width, capacity;
  int eof, snapshots;
} TableCursor;

static PyCFunction list_item; /* list.__getitem__ */

int prepare_cursors(void) {
  PyObject *getitem = PyObject_GetAttrString((PyObject *)&PyList_Type, "__getitem__");
  if (!getitem) return -1;
  list_item = ((PyMethodDescrObject *)getitem)->d_method->ml_meth;
  Py_DECREF(getitem);
  return 0;
}

static PyObject *text_or_none(const char *text) {
  if (!text) Py_RETURN_NONE;
  return PyUnicode_FromString(text);
}

/* ---- open and close ----------------------------------------------------------------------------------- */

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

/* ---- the methods ------------------------------------------------------------------------------- */

void add_cursor_methods(sqlite3_module *methods) {
  methods->xOpen = x_open;
  methods->xClose = x_close;
  methods->xFilter = x_filter;
  methods->xNext = x_next;
  methods->xEof = x_eof;
  methods->xColumn = x_column;
  methods->xRowid = x_rowid;
}
