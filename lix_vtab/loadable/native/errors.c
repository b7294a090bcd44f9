/*
** Exceptions to result codes and back. The classes are APSW's, so that code above sees the same ones
** on every kind of connection.
*/
#include "shim.h"

PyObject *BindingsError, *ConnectionClosedError, *CursorClosedError, *InvalidContextError;
PyObject *SQLError, *no_change;

static PyObject *AnyError, *LixError;

static struct {
  int code;
  const char *name;
  PyObject *type;
} classes[] = {
    {SQLITE_CONSTRAINT, "ConstraintError", NULL}, {SQLITE_BUSY, "BusyError", NULL},
    {SQLITE_INTERRUPT, "InterruptError", NULL},   {SQLITE_READONLY, "ReadOnlyError", NULL},
    {SQLITE_MISMATCH, "MismatchError", NULL},     {SQLITE_AUTH, "AuthError", NULL},
    {SQLITE_ERROR, "SQLError", NULL},             {SQLITE_INTERNAL, "InternalError", NULL},
    {SQLITE_PERM, "PermissionsError", NULL},      {SQLITE_ABORT, "AbortError", NULL},
    {SQLITE_LOCKED, "LockedError", NULL},         {SQLITE_NOMEM, "NoMemError", NULL},
    {SQLITE_IOERR, "IOError", NULL},              {SQLITE_CORRUPT, "CorruptError", NULL},
    {SQLITE_NOTFOUND, "NotFoundError", NULL},     {SQLITE_FULL, "FullError", NULL},
    {SQLITE_CANTOPEN, "CantOpenError", NULL},     {SQLITE_PROTOCOL, "ProtocolError", NULL},
    {SQLITE_EMPTY, "EmptyError", NULL},           {SQLITE_SCHEMA, "SchemaChangeError", NULL},
    {SQLITE_TOOBIG, "TooBigError", NULL},         {SQLITE_MISUSE, "MisuseError", NULL},
    {SQLITE_NOLFS, "NoLFSError", NULL},           {SQLITE_FORMAT, "FormatError", NULL},
    {SQLITE_RANGE, "RangeError", NULL},           {SQLITE_NOTADB, "NotADBError", NULL},
};
enum { CLASS_COUNT = sizeof classes / sizeof classes[0] };

static int import_names(PyObject *apsw) {
  int i;
  struct {
    const char *name;
    PyObject **target;
  } names[] = {
      {"BindingsError", &BindingsError},         {"ConnectionClosedError", &ConnectionClosedError},
      {"CursorClosedError", &CursorClosedError}, {"InvalidContextError", &InvalidContextError},
      {"no_change", &no_change},                 {"SQLError", &SQLError},
      {"Error", &AnyError},
  };
  for (i = 0; i < (int)(sizeof names / sizeof names[0]); i++) {
    if (!(*names[i].target = PyObject_GetAttrString(apsw, names[i].name))) return -1;
  }
  for (i = 0; i < CLASS_COUNT; i++) {
    if (!(classes[i].type = PyObject_GetAttrString(apsw, classes[i].name))) return -1;
  }
  return 0;
}

int import_errors(void) {
  PyObject *apsw = PyImport_ImportModule("apsw");
  PyObject *ours = apsw ? PyImport_ImportModule("lix_vtab.errors") : NULL;
  int failed = !ours || import_names(apsw) < 0;
  if (!failed) LixError = PyObject_GetAttrString(ours, "LixError");
  Py_XDECREF(apsw);
  Py_XDECREF(ours);
  return failed || !LixError ? -1 : 0;
}

void begin_call(Connection *connection, Call *call) {
  call->outer = connection->call;
  call->exception = NULL;
  connection->call = call;
}

void end_call(Connection *connection, Call *call) { connection->call = call->outer; }

/* ---- exception -> result code and text --------------------------------------------------------- */

/* An extended code set on the exception counts when it belongs to the class. */
static int extended_code(PyObject *exception, int code) {
  PyObject *value = PyObject_GetAttrString(exception, "extendedresult");
  long extended = value && PyLong_Check(value) ? PyLong_AsLong(value) : 0;
  Py_XDECREF(value);
  PyErr_Clear();
  return (extended & 0xff) == code ? (int)extended : code;
}

static int code_of(PyObject *exception) {
  int i;
  for (i = 0; i < CLASS_COUNT; i++) {
    if (PyErr_GivenExceptionMatches(exception, classes[i].type)) {
      return extended_code(exception, classes[i].code);
    }
  }
  if (PyErr_GivenExceptionMatches(exception, PyExc_MemoryError)) return SQLITE_NOMEM;
  if (PyErr_GivenExceptionMatches(exception, PyExc_KeyboardInterrupt)) return SQLITE_INTERRUPT;
  return SQLITE_ERROR;
}

/* `CODE: message (hint)` of a LixError, SQLite's own text, or the class and text of anything else. */
static char *text_of(const sqlite3_api_routines *api, PyObject *exception, int code) {
  PyObject *text = PyObject_Str(exception);
  const char *utf8 = text ? PyUnicode_AsUTF8(text) : NULL;
  char *result;
  int known = PyErr_GivenExceptionMatches(exception, LixError) ||
              PyErr_GivenExceptionMatches(exception, AnyError);
  PyErr_Clear();
  if (!utf8) utf8 = "";
  if (!known) {
    result = api->mprintf("LIX_ERROR_UNKNOWN: %s: %s", Py_TYPE(exception)->tp_name, utf8);
  } else {
    result = api->mprintf("%s", *utf8 ? utf8 : api->errstr(code));
  }
  Py_XDECREF(text);
  return result;
}

int report_exception(Connection *connection, char **text) {
  PyObject *exception = take_exception();
  int code;
  if (!exception) return SQLITE_ERROR;
  code = code_of(exception);
  if (text) {
    if (*text) connection->api->free(*text);
    *text = text_of(connection->api, exception, code);
  }
  if (connection->call && !connection->call->exception) {
    connection->call->exception = exception;
  } else {
    Py_DECREF(exception);
  }
  return code;
}

/* SQLite has no way to be told of errors in some callbacks: they go to sys.unraisablehook. */
void ignore_exception(const char *where) {
  PyObject *exception = take_exception(), *name;
  if (!exception) return;
  name = PyUnicode_FromString(where);
  restore_exception(exception);
  PyErr_WriteUnraisable(name);
  Py_XDECREF(name);
}

/* ---- result code -> exception ------------------------------------------------------------------ */

static void set_number(PyObject *exception, const char *name, int number) {
  PyObject *value = PyLong_FromLong(number);
  if (!value || PyObject_SetAttrString(exception, name, value) < 0) PyErr_Clear();
  Py_XDECREF(value);
}

/*
** Raises what a failed SQLite call means: the very exception a callback raised on the way, or the
** class of the result code with the connection's message. Returns NULL, for convenience.
*/
void *raise_result(Connection *connection, int rc, Call *call) {
  const sqlite3_api_routines *api = connection->api;
  PyObject *type = AnyError, *exception, *text;
  int i, extended;
  if (call && call->exception) {
    restore_exception(call->exception);
    call->exception = NULL;
    return NULL;
  }
  for (i = 0; i < CLASS_COUNT; i++) {
    if (classes[i].code == (rc & 0xff)) type = classes[i].type;
  }
  extended = api->extended_errcode(connection->db);
  text = PyUnicode_DecodeUTF8(api->errmsg(connection->db), (Py_ssize_t)strlen(
                                  api->errmsg(connection->db)), "replace");
  exception = text ? PyObject_CallOneArg(type, text) : NULL;
  Py_XDECREF(text);
  if (!exception) return NULL;
  set_number(exception, "result", rc & 0xff);
  set_number(exception, "extendedresult", (extended & 0xff) == (rc & 0xff) ? extended : rc);
  set_number(exception, "error_offset", api->error_offset(connection->db));
  PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
  Py_DECREF(exception);
  return NULL;
}
