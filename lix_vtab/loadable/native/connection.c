/*
** HostConnection: what lix_vtab asks of a connection, over the
** host's own `sqlite3*`.
*/
#include "shim.h"

/* Every connection of the process that loaded the extension and is still open. */
static Connection *connections;

Connection *find_connection(sqlite3 *db) {
  Connection *connection = connections;
  while (connection && connection->db != db) connection = connection->next;
  return (Connection *)Py_XNewRef(connection);
}

Connection *new_connection(sqlite3 *db, const sqlite3_api_routines *api) {
  Connection *self = PyObject_New(Connection, &ConnectionType);
  if (!self) return NULL;
  memset((char *)self + sizeof(PyObject), 0, sizeof *self - sizeof(PyObject));
  self->db = db;
  self->api = api;
  self->version = api->libversion_number();
  self->mutex = api->db_mutex ? api->db_mutex(db) : NULL; /* NULL in single-threaded builds */
  self->next = connections;
  connections = self;
  return self;
}

/* The sentinel's module holds a reference until the host has closed, so this comes after that. */
static void connection_dealloc(Connection *self) {
  Connection **link = &connections;
  while (*link && *link != self) link = &(*link)->next;
  if (*link) *link = self->next;
  PyObject_Free(self);
}

int lock_connection(Connection *self) {
  if (!self->db) {
    PyErr_SetString(ConnectionClosedError, "The connection has been closed");
    return 0;
  }
  if (self->mutex && self->api->mutex_try(self->mutex) != SQLITE_OK) {
    Py_BEGIN_ALLOW_THREADS
    self->api->mutex_enter(self->mutex);
    Py_END_ALLOW_THREADS
  }
  return 1;
}

void unlock_connection(Connection *self) {
  if (self->mutex) self->api->mutex_leave(self->mutex);
}

/* ---- running SQL ------------------------------------------------------------------------------- */

static PyObject *run(Connection *self, PyObject *const *args, Py_ssize_t count, PyObject *names,
                     int many) {
  PyObject *bindings = count > 1 ? args[1] : NULL;
  Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
  if (named == 1 && count == 1 &&
      PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "bindings") == 0) {
    bindings = args[1];
  } else if (named || count < (many ? 2 : 1) || count > 2) {
    PyErr_SetString(PyExc_TypeError, many ? "executemany(statements, sequence_of_bindings)"
                                          : "execute(statements, bindings=None)");
    return NULL;
  }
  return run_cursor(self, args[0], bindings, many);
}

static PyObject *connection_execute(Connection *self, PyObject *const *args, Py_ssize_t count,
                                    PyObject *names) {
  return run(self, args, count, names, 0);
}

static PyObject *connection_executemany(Connection *self, PyObject *const *args, Py_ssize_t count,
                                        PyObject *names) {
  return run(self, args, count, names, 1);
}

/* ---- counters and state ------------------------------------------------------------------------ */

static PyObject *connection_changes(Connection *self, PyObject *Py_UNUSED(ignored)) {
  sqlite3_int64 number;
  if (!lock_connection(self)) return NULL;
  number = self->api->changes64(self->db);
  unlock_connection(self);
  return PyLong_FromLongLong(number);
}

static PyObject *connection_total_changes(Connection *self, PyObject *Py_UNUSED(ignored)) {
  sqlite3_int64 number;
  if (!lock_connection(self)) return NULL;
  number = self->api->total_changes64(self->db);
  unlock_connection(self);
  return PyLong_FromLongLong(number);
}

static PyObject *connection_last_insert_rowid(Connection *self, PyObject *Py_UNUSED(ignored)) {
  sqlite3_int64 number;
  if (!lock_connection(self)) return NULL;
  number = self->api->last_insert_rowid(self->db);
  unlock_connection(self);
  return PyLong_FromLongLong(number);
}

static PyObject *connection_set_last_insert_rowid(Connection *self, PyObject *value) {
  long long rowid = PyLong_AsLongLong(value);
  if (rowid == -1 && PyErr_Occurred()) return NULL;
  if (!lock_connection(self)) return NULL;
  self->api->set_last_insert_rowid(self->db, rowid);
  unlock_connection(self);
  Py_RETURN_NONE;
}

static PyObject *connection_data_version(Connection *self, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"schema", NULL};
  const char *schema = NULL;
  unsigned version = 0;
  int rc;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|z", names, &schema)) return NULL;
  if (!lock_connection(self)) return NULL;
  rc = self->api->file_control(self->db, schema ? schema : "main", SQLITE_FCNTL_DATA_VERSION,
                               &version);
  if (rc != SQLITE_OK) raise_result(self, rc, NULL);
  unlock_connection(self);
  return rc == SQLITE_OK ? PyLong_FromUnsignedLong(version) : NULL;
}

static PyObject *connection_db_names(Connection *self, PyObject *Py_UNUSED(ignored)) {
  PyObject *names = PyList_New(0);
  const char *name;
  int i;
  if (!names || !lock_connection(self)) {
    Py_XDECREF(names);
    return NULL;
  }
  for (i = 0; names && (name = self->api->db_name(self->db, i)); i++) {
    PyObject *text = PyUnicode_FromString(name);
    if (!text || PyList_Append(names, text) < 0) Py_CLEAR(names);
    Py_XDECREF(text);
  }
  unlock_connection(self);
  return names;
}

static PyObject *connection_limit(Connection *self, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"id", "newval", NULL};
  int id, value = -1;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "i|i", names, &id, &value)) return NULL;
  if (!lock_connection(self)) return NULL;
  value = self->api->limit(self->db, id, value);
  unlock_connection(self);
  return PyLong_FromLong(value);
}

/* Options with a switch: given -1 it is only asked for. Returns whether it is on now. */
static PyObject *connection_config(Connection *self, PyObject *args) {
  int op, value, now = 0, rc = SQLITE_ERROR;
  if (!PyArg_ParseTuple(args, "ii:config", &op, &value)) return NULL;
  if (!lock_connection(self)) return NULL;
  if (op > SQLITE_DBCONFIG_LOOKASIDE) rc = self->api->db_config(self->db, op, value, &now);
  unlock_connection(self);
  if (rc == SQLITE_OK) return PyLong_FromLong(now);
  return PyErr_Format(PyExc_ValueError, "Unknown or unsupported config operation %d", op);
}

static PyObject *connection_readonly(Connection *self, PyObject *name) {
  const char *schema = PyUnicode_AsUTF8(name);
  int answer;
  if (!schema || !lock_connection(self)) return NULL;
  answer = self->api->db_readonly(self->db, schema);
  unlock_connection(self);
  if (answer >= 0) return PyBool_FromLong(answer);
  return PyErr_Format(SQLError, "Unknown database name \"%U\"", name);
}

static PyObject *connection_in_transaction(Connection *self, void *Py_UNUSED(closure)) {
  int autocommit;
  if (!lock_connection(self)) return NULL;
  autocommit = self->api->get_autocommit(self->db);
  unlock_connection(self);
  return PyBool_FromLong(!autocommit);
}

static PyObject *connection_filename(Connection *self, void *Py_UNUSED(closure)) {
  const char *name;
  if (!lock_connection(self)) return NULL;
  name = self->api->db_filename(self->db, "main");
  unlock_connection(self);
  return PyUnicode_DecodeFSDefault(name ? name : "");
}

/* ---- interruption ------------------------------------------------------------------------------ */

/* From any thread, hence without the lock; SQLite allows it while the connection is open. */
static PyObject *connection_interrupt(Connection *self, PyObject *Py_UNUSED(ignored)) {
  if (!self->db) {
    PyErr_SetString(ConnectionClosedError, "The connection has been closed");
    return NULL;
  }
  self->api->interruptx(self->db);
  Py_RETURN_NONE;
}

/* Before 3.41 nothing tells of the flag, except that it stops even the smallest statement. */
static int interrupted_by_probe(Connection *self) {
  int rc;
  if (!self->probe) {
    PyObject *sql = PyUnicode_FromString("SELECT 1");
    Py_ssize_t offset = 0;
    self->probe = sql ? take_statement(self, sql, &offset) : NULL;
    Py_XDECREF(sql);
    if (!self->probe) { /* preparing is stopped too */
      int no_memory = PyErr_ExceptionMatches(PyExc_MemoryError);
      PyErr_Clear();
      return !no_memory;
    }
  }
  rc = self->api->step(self->probe->handle);
  self->api->reset(self->probe->handle);
  if (!self->watched) { /* keep no statement that nobody would close */
    Statement *probe = self->probe;
    self->probe = NULL;
    return_statement(self, probe);
  }
  return rc == SQLITE_INTERRUPT;
}

static PyObject *connection_is_interrupted(Connection *self, void *Py_UNUSED(closure)) {
  int interrupted;
  if (!lock_connection(self)) return NULL;
  interrupted = self->version >= 3041000 ? self->api->is_interrupted(self->db)
                                         : interrupted_by_probe(self);
  unlock_connection(self);
  return PyBool_FromLong(interrupted);
}

/* ---- inside virtual-table callbacks ------------------------------------------------------------ */

static PyObject *connection_vtab_on_conflict(Connection *self, PyObject *Py_UNUSED(ignored)) {
  if (!self->updating) {
    PyErr_SetString(InvalidContextError,
                    "You can only call vtab_on_conflict while in a virtual table Update call");
    return NULL;
  }
  return PyLong_FromLong(self->api->vtab_on_conflict(self->db));
}

static PyObject *connection_vtab_config(Connection *self, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"op", "val", NULL};
  int op, value = 0, rc;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "i|i", names, &op, &value)) return NULL;
  if (!self->connecting) {
    PyErr_SetString(InvalidContextError,
                    "You can only call vtab_config while in a virtual table Create/Connect call");
    return NULL;
  }
  if (op == SQLITE_VTAB_USES_ALL_SCHEMAS && self->version < 3041000) Py_RETURN_NONE;
  rc = self->api->vtab_config(self->db, op, value);
  if (rc != SQLITE_OK) return raise_result(self, rc, NULL);
  Py_RETURN_NONE;
}

/* ---- type -------------------------------------------------------------------------------------- */

#define FAST METH_FASTCALL | METH_KEYWORDS
#define KEYWORDS METH_VARARGS | METH_KEYWORDS

static PyMethodDef connection_methods[] = {
    {"execute", (PyCFunction)(void (*)(void))connection_execute, FAST,
     "execute(statements, bindings=None): run SQL and return a cursor over its rows."},
    {"run", (PyCFunction)(void (*)(void))connection_execute, FAST,
     "run(statements, bindings=None): the same, for statements that end at once."},
    {"executemany", (PyCFunction)(void (*)(void))connection_executemany, FAST,
     "executemany(statements, sequence_of_bindings): run SQL once for each set of bindings."},
    {"create_module", (PyCFunction)(void (*)(void))create_module, KEYWORDS,
     "Register a virtual-table module, or remove it when it is None."},
    {"create_scalar_function", (PyCFunction)(void (*)(void))create_scalar_function, KEYWORDS,
     "Register an SQL function, or remove it when it is None."},
    {"changes", (PyCFunction)connection_changes, METH_NOARGS,
     "Return the number of rows the latest statement changed."},
    {"total_changes", (PyCFunction)connection_total_changes, METH_NOARGS,
     "Return the number of rows changed since the connection was opened."},
    {"last_insert_rowid", (PyCFunction)connection_last_insert_rowid, METH_NOARGS,
     "Return the rowid of the latest insert."},
    {"set_last_insert_rowid", (PyCFunction)connection_set_last_insert_rowid, METH_O,
     "Set what last_insert_rowid() returns."},
    {"data_version", (PyCFunction)(void (*)(void))connection_data_version, KEYWORDS,
     "Return a number that changes with the content of the schema, whoever changes it."},
    {"db_names", (PyCFunction)connection_db_names, METH_NOARGS, "Return the names of all schemas."},
    {"limit", (PyCFunction)(void (*)(void))connection_limit, KEYWORDS,
     "Return a limit of the connection, and set it when a new value is given."},
    {"config", (PyCFunction)connection_config, METH_VARARGS,
     "Set or ask for an option of the connection that is a switch."},
    {"readonly", (PyCFunction)connection_readonly, METH_O, "Return whether a schema is read-only."},
    {"interrupt", (PyCFunction)connection_interrupt, METH_NOARGS,
     "Make running statements stop at the next opportunity."},
    {"vtab_on_conflict", (PyCFunction)connection_vtab_on_conflict, METH_NOARGS,
     "Return the conflict mode of the write being executed."},
    {"vtab_config", (PyCFunction)(void (*)(void))connection_vtab_config, KEYWORDS,
     "Configure the virtual table being connected."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef connection_attributes[] = {
    {"in_transaction", (getter)connection_in_transaction, NULL, "Whether BEGIN is in force.", NULL},
    {"is_interrupted", (getter)connection_is_interrupted, NULL, "Whether to stop.", NULL},
    {"filename", (getter)connection_filename, NULL, "Path of the main database.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject ConnectionType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "lix_vtab.loadable.HostConnection",
    .tp_basicsize = sizeof(Connection),
    .tp_dealloc = (destructor)connection_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "The connection of the host that loaded the extension, shaped like apsw.Connection.",
    .tp_methods = connection_methods,
    .tp_getset = connection_attributes,
};
