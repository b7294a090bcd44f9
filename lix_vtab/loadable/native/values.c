/*
** Values between SQLite and Python.
*/
#include "shim.h"

/* ---- SQLite -> Python -------------------------------------------------------------------------- */

PyObject *python_value(const sqlite3_api_routines *api, sqlite3_value *value) {
  const char *data;
  switch (api->value_type(value)) {
    case SQLITE_INTEGER:
      return PyLong_FromLongLong(api->value_int64(value));
    case SQLITE_FLOAT:
      return PyFloat_FromDouble(api->value_double(value));
    case SQLITE_TEXT:
      data = (const char *)api->value_text(value);
      if (!data) return PyErr_NoMemory();
      return PyUnicode_DecodeUTF8(data, api->value_bytes(value), NULL);
    case SQLITE_BLOB:
      data = api->value_blob(value);
      return PyBytes_FromStringAndSize(data, api->value_bytes(value));
    default:
      Py_RETURN_NONE;
  }
}

/* ---- Python -> a result ------------------------------------------------------------------------ */

/*
** Delivers the common immutable values by reading them only, which needs no GIL as long as somebody
** holds a reference. False: not one of them.
*/
int result_without_gil(const sqlite3_api_routines *api, sqlite3_context *context, PyObject *value) {
  if (PyUnicode_CheckExact(value)) {
    if (!PyUnicode_IS_COMPACT_ASCII(value)) return 0; /* encoding it would write its cache */
    api->result_text64(context, (const char *)PyUnicode_1BYTE_DATA(value),
                       (sqlite3_uint64)PyUnicode_GET_LENGTH(value), SQLITE_TRANSIENT, SQLITE_UTF8);
  } else if (PyLong_CheckExact(value) || PyBool_Check(value)) {
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow) return 0;
    api->result_int64(context, number);
  } else if (value == Py_None) {
    api->result_null(context);
  } else if (PyFloat_CheckExact(value)) {
    api->result_double(context, PyFloat_AS_DOUBLE(value));
  } else if (PyBytes_CheckExact(value)) {
    api->result_blob64(context, PyBytes_AS_STRING(value), (sqlite3_uint64)PyBytes_GET_SIZE(value),
                       SQLITE_TRANSIENT);
  } else {
    return 0;
  }
  return 1;
}

static int unsupported(PyObject *value) {
  PyErr_Format(PyExc_TypeError,
               "Value from Python is not supported by SQLite. It should be one of None, int, float, "
               "str or bytes. Received %s.",
               Py_TYPE(value)->tp_name);
  return -1;
}

/* Any supported value, with the GIL; -1 with an exception. */
int result_value(const sqlite3_api_routines *api, sqlite3_context *context, PyObject *value) {
  if (result_without_gil(api, context, value)) return 0;
  if (PyUnicode_Check(value)) {
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(value, &size);
    if (!text) return -1;
    api->result_text64(context, text, (sqlite3_uint64)size, SQLITE_TRANSIENT, SQLITE_UTF8);
  } else if (PyLong_Check(value)) {
    long long number = PyLong_AsLongLong(value);
    if (number == -1 && PyErr_Occurred()) return -1;
    api->result_int64(context, number);
  } else if (PyFloat_Check(value)) {
    api->result_double(context, PyFloat_AS_DOUBLE(value));
  } else if (PyObject_CheckBuffer(value)) {
    Py_buffer buffer;
    if (PyObject_GetBuffer(value, &buffer, PyBUF_SIMPLE) < 0) return -1;
    api->result_blob64(context, buffer.buf ? buffer.buf : "", (sqlite3_uint64)buffer.len,
                       SQLITE_TRANSIENT);
    PyBuffer_Release(&buffer);
  } else {
    return unsupported(value);
  }
  return 0;
}

void result_exception(Connection *connection, sqlite3_context *context) {
  char *text = NULL;
  int code = report_exception(connection, &text);
  connection->api->result_error(context, text ? text : "out of memory", -1);
  connection->api->result_error_code(context, code);
  connection->api->free(text);
}

/* ---- Python -> a parameter --------------------------------------------------------------------- */

/*
** The caller keeps `value` alive until the statement is reset and its bindings are cleared, so text
** and bytes need no copy. Returns a result code, or -1 with an exception.
*/
int bind_value(const sqlite3_api_routines *api, sqlite3_stmt *statement, int index, PyObject *value) {
  if (value == Py_None) return api->bind_null(statement, index);
  if (PyUnicode_Check(value)) {
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(value, &size);
    if (!text) return -1;
    return api->bind_text64(statement, index, text, (sqlite3_uint64)size, SQLITE_STATIC,
                            SQLITE_UTF8);
  }
  if (PyLong_Check(value)) {
    long long number = PyLong_AsLongLong(value);
    if (number == -1 && PyErr_Occurred()) return -1;
    return api->bind_int64(statement, index, number);
  }
  if (PyFloat_Check(value)) return api->bind_double(statement, index, PyFloat_AS_DOUBLE(value));
  if (PyBytes_Check(value)) {
    return api->bind_blob64(statement, index, PyBytes_AS_STRING(value),
                            (sqlite3_uint64)PyBytes_GET_SIZE(value), SQLITE_STATIC);
  }
  if (PyObject_CheckBuffer(value)) {
    Py_buffer buffer;
    int rc;
    if (PyObject_GetBuffer(value, &buffer, PyBUF_SIMPLE) < 0) return -1;
    rc = api->bind_blob64(statement, index, buffer.buf ? buffer.buf : "",
                          (sqlite3_uint64)buffer.len, SQLITE_TRANSIENT);
    PyBuffer_Release(&buffer);
    return rc;
  }
  PyErr_Format(PyExc_TypeError, "Bad binding argument type supplied - argument #%d: type %s", index,
               Py_TYPE(value)->tp_name);
  return -1;
}
