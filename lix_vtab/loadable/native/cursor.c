/*
** A cursor runs one text, which may hold several statements, for one or many sets of bindings, and
** is an iterator over all rows. The first row is fetched by execute(), each further one when it is
** asked for.
*/
#include "shim.h"

struct Cursor {
  PyObject_HEAD
  Connection *connection;
  Statement *statement;
  PyObject *sql;
  Py_ssize_t size, offset; /* of the text; where the next statement starts */
  PyObject *bindings;      /* as given; NULL: none */
  PyObject *values;        /* tuple whose items are bound now */
  Py_ssize_t taken;        /* how many of a sequence earlier statements have used */
  PyObject *many;          /* iterator over further bindings */
  int has_row, closed, busy;
};

static void release_statement(Cursor *self) {
  Statement *statement = self->statement;
  self->statement = NULL;
  self->has_row = 0;
  if (statement) return_statement(self->connection, statement);
}

void abandon_cursor(Cursor *self) {
  self->statement = NULL;
  self->has_row = 0;
  self->closed = 1;
}

/* ---- bindings ---------------------------------------------------------------------------------- */

static PyObject *values_by_name(Cursor *self) {
  const sqlite3_api_routines *api = self->connection->api;
  int i, count = self->statement->parameters;
  PyObject *values = PyTuple_New(count);
  for (i = 0; values && i < count; i++) {
    const char *name = api->bind_parameter_name(self->statement->handle, i + 1);
    PyObject *key, *value;
    if (!name) {
      PyErr_Format(BindingsError, "Binding %d has no name, but you supplied a dict (which only has "
                   "names).", i);
      Py_CLEAR(values);
      break;
    }
    key = PyUnicode_FromString(name + 1); /* without its : @ or $ */
    value = key ? PyObject_GetItem(self->bindings, key) : NULL;
    Py_XDECREF(key);
    if (value) {
      PyTuple_SET_ITEM(values, i, value);
    } else {
      Py_CLEAR(values);
    }
  }
  return values;
}

static PyObject *values_in_order(Cursor *self, Py_ssize_t *first) {
  Py_ssize_t wanted = self->statement->parameters, left;
  PyObject *values = PySequence_Tuple(self->bindings); /* the same object when it is a tuple */
  if (!values) return NULL;
  left = PyTuple_GET_SIZE(values) - self->taken;
  if (left < wanted || (left > wanted && self->offset >= self->size)) {
    PyErr_Format(BindingsError, "Incorrect number of bindings supplied. The current statement uses "
                 "%zd and there are %zd supplied. Current offset is %zd", wanted,
                 PyTuple_GET_SIZE(values), self->taken);
    Py_DECREF(values);
    return NULL;
  }
  *first = self->taken;
  self->taken += wanted;
  return values;
}

static int check_bindings(PyObject *bindings) {
  if (!bindings || PyDict_Check(bindings) || PySequence_Check(bindings) ||
      PyMapping_Check(bindings)) {
    return 0;
  }
  PyErr_SetString(PyExc_TypeError, "You must supply a dict or a sequence for execute");
  return -1;
}

static int bind(Cursor *self) {
  const sqlite3_api_routines *api = self->connection->api;
  Py_ssize_t first = 0;
  int i, rc, count = self->statement->parameters;
  PyObject *values;

  if (!self->bindings) {
    if (!count) return 0;
    PyErr_Format(BindingsError, "Statement has %d bindings but you didn't supply any!", count);
    return -1;
  }
  if (PyTuple_CheckExact(self->bindings) || PyList_Check(self->bindings) ||
      (!PyDict_Check(self->bindings) && PySequence_Check(self->bindings))) {
    values = values_in_order(self, &first);
  } else {
    values = values_by_name(self);
  }
  if (!values) return -1;
  Py_XSETREF(self->values, values);
  for (i = 0; i < count; i++) {
    rc = bind_value(api, self->statement->handle, i + 1, PyTuple_GET_ITEM(values, first + i));
    if (rc == -1) return -1;
    if (rc != SQLITE_OK) {
      raise_result(self->connection, rc, NULL);
      return -1;
    }
  }
  return 0;
}

/* ---- running ----------------------------------------------------------------------------------- */

/* SQLITE_ROW, SQLITE_DONE, or -1 with an exception. */
static int step(Cursor *self) {
  Connection *connection = self->connection;
  sqlite3_stmt *handle = self->statement->handle;
  Call call;
  int rc;
  begin_call(connection, &call);
  Py_BEGIN_ALLOW_THREADS
  rc = connection->api->step(handle);
  Py_END_ALLOW_THREADS
  end_call(connection, &call);
  if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
    raise_result(connection, rc, &call);
    rc = -1;
  }
  Py_CLEAR(call.exception);
  return rc;
}

/* The next set of bindings of executemany(): 1, or 0 when there is none, or -1. */
static int next_bindings(Cursor *self) {
  PyObject *bindings;
  if (!self->many) return 0;
  bindings = PyIter_Next(self->many);
  if (!bindings) return PyErr_Occurred() ? -1 : 0;
  Py_XSETREF(self->bindings, bindings);
  self->taken = self->offset = 0;
  return check_bindings(bindings) < 0 ? -1 : 1;
}

/* Goes on to the next row of whatever statement and bindings are left: 1, 0 at the end, or -1. */
static int advance(Cursor *self) {
  int rc;
  for (;;) {
    if (!self->statement) {
      if (self->offset >= self->size) {
        rc = next_bindings(self);
        if (rc <= 0) return rc;
      }
      self->statement = take_statement(self->connection, self->sql, &self->offset);
      if (!self->statement) {
        if (PyErr_Occurred()) return -1;
        continue;
      }
      self->statement->user = self;
      if (bind(self) < 0) return -1;
    }
    rc = step(self);
    if (rc == SQLITE_ROW) return self->has_row = 1;
    if (rc < 0) return -1;
    release_statement(self);
  }
}

/* As advance(), and whatever is left after a failure is given up. */
static int move(Cursor *self) {
  int rc;
  self->has_row = 0;
  self->busy = 1;
  rc = advance(self);
  self->busy = 0;
  if (rc < 0) {
    PyObject *exception = take_exception();
    release_statement(self);
    self->offset = self->size;
    Py_CLEAR(self->many);
    restore_exception(exception);
  }
  return rc;
}

static PyObject *row_of(Cursor *self) {
  const sqlite3_api_routines *api = self->connection->api;
  sqlite3_stmt *handle = self->statement->handle;
  int i, count = api->data_count(handle);
  PyObject *row = PyTuple_New(count);
  for (i = 0; row && i < count; i++) {
    PyObject *value = python_value(api, api->column_value(handle, i));
    if (value) {
      PyTuple_SET_ITEM(row, i, value);
    } else {
      Py_CLEAR(row);
    }
  }
  return row;
}

static int begin(Cursor *self) {
  if (self->closed) {
    PyErr_SetString(CursorClosedError, "The cursor has been closed");
    return 0;
  }
  if (self->busy) {
    PyErr_SetString(PyExc_RuntimeError, "The cursor is running already");
    return 0;
  }
  return lock_connection(self->connection);
}

static PyObject *next_row(Cursor *self) {
  PyObject *row = NULL;
  if (!begin(self)) return NULL;
  if (self->has_row || (!(self->offset >= self->size && !self->many && !self->statement) &&
                        move(self) > 0)) {
    row = row_of(self);
    self->has_row = 0; /* the step after it waits until it is wanted */
  }
  unlock_connection(self->connection);
  return row;
}

PyObject *run_cursor(Connection *connection, PyObject *sql, PyObject *bindings, int many) {
  Cursor *self;
  int failed = 0;
  if (!PyUnicode_Check(sql)) {
    PyErr_Format(PyExc_TypeError, "SQL must be str, not %s", Py_TYPE(sql)->tp_name);
    return NULL;
  }
  if (bindings == Py_None) bindings = NULL;
  if (!many && check_bindings(bindings) < 0) return NULL;
  if (!(self = PyObject_New(Cursor, &CursorType))) return NULL;
  memset((char *)self + sizeof(PyObject), 0, sizeof *self - sizeof(PyObject));
  self->connection = (Connection *)Py_NewRef(connection);
  self->sql = Py_NewRef(sql);
  if (!PyUnicode_AsUTF8AndSize(sql, &self->size)) failed = 1;
  if (many) {
    self->offset = self->size;
    self->many = failed ? NULL : PyObject_GetIter(bindings ? bindings : Py_None);
    failed |= !self->many;
  } else {
    self->bindings = Py_XNewRef(bindings);
  }
  if (!failed && lock_connection(connection)) {
    failed = move(self) < 0;
    unlock_connection(connection);
  } else {
    failed = 1;
  }
  if (failed) Py_CLEAR(self);
  return (PyObject *)self;
}

/* ---- methods ----------------------------------------------------------------------------------- */

static void close_cursor(Cursor *self) {
  if (self->statement && lock_connection(self->connection)) {
    release_statement(self);
    unlock_connection(self->connection);
  }
  self->closed = 1;
}

static void cursor_dealloc(Cursor *self) {
  PyObject *exception = take_exception();
  close_cursor(self);
  PyErr_Clear();
  Py_XDECREF(self->values);
  Py_XDECREF(self->bindings);
  Py_XDECREF(self->many);
  Py_XDECREF(self->sql);
  Py_XDECREF(self->connection);
  PyObject_Free(self);
  if (exception) restore_exception(exception);
}

static PyObject *cursor_fetchone(Cursor *self, PyObject *Py_UNUSED(ignored)) {
  PyObject *row = next_row(self);
  if (!row && !PyErr_Occurred()) Py_RETURN_NONE;
  return row;
}

static PyObject *cursor_fetchall(Cursor *self, PyObject *Py_UNUSED(ignored)) {
  PyObject *row, *rows = PyList_New(0);
  while (rows && (row = next_row(self))) {
    if (PyList_Append(rows, row) < 0) Py_CLEAR(rows);
    Py_DECREF(row);
  }
  if (rows && PyErr_Occurred()) Py_CLEAR(rows);
  return rows;
}

static PyObject *cursor_close(Cursor *self, PyObject *Py_UNUSED(ignored)) {
  close_cursor(self);
  if (PyErr_Occurred()) return NULL;
  Py_RETURN_NONE;
}

/* All rows in the handiest shape: rows of one column are its value; a single row is not in a list. */
static PyObject *cursor_get(Cursor *self, void *Py_UNUSED(closure)) {
  PyObject *rows = cursor_fetchall(self, NULL), *result;
  Py_ssize_t i, count = rows ? PyList_GET_SIZE(rows) : 0;
  if (!rows) return NULL;
  for (i = 0; i < count; i++) {
    PyObject *row = PyList_GET_ITEM(rows, i);
    if (PyTuple_GET_SIZE(row) == 1) {
      PyList_SET_ITEM(rows, i, Py_NewRef(PyTuple_GET_ITEM(row, 0)));
      Py_DECREF(row);
    }
  }
  if (count > 1) return rows;
  result = Py_NewRef(count ? PyList_GET_ITEM(rows, 0) : Py_None);
  Py_DECREF(rows);
  return result;
}

/* PEP 249 descriptions, of which only names and declared types are known. */
static PyObject *cursor_description(Cursor *self, void *Py_UNUSED(closure)) {
  PyObject *columns = NULL;
  int i, count;
  if (!begin(self)) return NULL;
  if (self->statement) {
    const sqlite3_api_routines *api = self->connection->api;
    count = api->column_count(self->statement->handle);
    columns = PyTuple_New(count);
    for (i = 0; columns && i < count; i++) {
      PyObject *column = Py_BuildValue(
          "(szOOOOO)", api->column_name(self->statement->handle, i),
          api->column_decltype ? api->column_decltype(self->statement->handle, i) : NULL, Py_None,
          Py_None, Py_None, Py_None, Py_None);
      if (column) {
        PyTuple_SET_ITEM(columns, i, column);
      } else {
        Py_CLEAR(columns);
      }
    }
  } else {
    columns = Py_NewRef(Py_None);
  }
  unlock_connection(self->connection);
  return columns;
}

static PyObject *cursor_connection(Cursor *self, void *Py_UNUSED(closure)) {
  return Py_NewRef(self->connection);
}

static PyMethodDef cursor_methods[] = {
    {"fetchone", (PyCFunction)cursor_fetchone, METH_NOARGS, "Return the next row, or None."},
    {"fetchall", (PyCFunction)cursor_fetchall, METH_NOARGS, "Return all rows that are left."},
    {"close", (PyCFunction)cursor_close, METH_NOARGS, "Give up what is left."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef cursor_attributes[] = {
    {"get", (getter)cursor_get, NULL, "All rows: None, value, row, list of values or of rows.", NULL},
    {"description", (getter)cursor_description, NULL, "Names and declared types of columns.", NULL},
    {"connection", (getter)cursor_connection, NULL, "The connection it runs on.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject CursorType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "lix_vtab.loadable.HostCursor",
    .tp_basicsize = sizeof(Cursor),
    .tp_dealloc = (destructor)cursor_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "Rows of a text of SQL run by a HostConnection.",
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)next_row,
    .tp_methods = cursor_methods,
    .tp_getset = cursor_attributes,
};
