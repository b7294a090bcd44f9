/*
** Prepared statements and their cache: 64 sets of 4, by the hash of the text; the least recently used
** of a set goes first. A statement is in the cache only while nobody uses it.
**
** The host does not know of these statements, and sqlite3_close() refuses to close a connection that
** has any. So the connection is watched (vtable.c): when the host closes it, close_statements() runs
** first. Without a watch nothing is cached.
*/
#include "shim.h"

static void forget(Connection *connection, Statement *statement) {
  if (statement->previous) {
    statement->previous->next = statement->next;
  } else {
    connection->statements = statement->next;
  }
  if (statement->next) statement->next->previous = statement->previous;
  connection->api->finalize(statement->handle);
  Py_XDECREF(statement->sql);
  PyMem_Free(statement);
}

static Statement *remember(Connection *connection, sqlite3_stmt *handle) {
  Statement *statement = PyMem_Calloc(1, sizeof *statement);
  if (!statement) {
    connection->api->finalize(handle);
    PyErr_NoMemory();
    return NULL;
  }
  statement->handle = handle;
  statement->parameters = connection->api->bind_parameter_count(handle);
  statement->next = connection->statements;
  if (statement->next) statement->next->previous = statement;
  connection->statements = statement;
  return statement;
}

static Statement *take_idle(Connection *connection, PyObject *sql, Py_hash_t hash) {
  Statement **set = connection->idle[hash & (CACHE_SETS - 1)];
  int way;
  for (way = 0; way < CACHE_WAYS; way++) {
    Statement *statement = set[way];
    if (statement && statement->hash == hash &&
        (statement->sql == sql || PyUnicode_Compare(statement->sql, sql) == 0)) {
      set[way] = NULL;
      return statement;
    }
  }
  return NULL;
}

static const char *skip_space(const char *text, const char *end) {
  while (text < end && (*text == ' ' || *text == ';' || (*text >= '\t' && *text <= '\r'))) text++;
  return text;
}

static Statement *prepare(Connection *connection, PyObject *sql, Py_ssize_t *offset) {
  const sqlite3_api_routines *api = connection->api;
  Py_ssize_t size;
  const char *text = PyUnicode_AsUTF8AndSize(sql, &size), *tail;
  sqlite3_stmt *handle = NULL;
  Statement *statement;
  Call call;
  int rc, whole;

  if (!text) return NULL;
  if (memchr(text + *offset, 0, (size_t)(size - *offset))) {
    PyErr_SetString(PyExc_ValueError, "SQL text must not contain a NUL character");
    return NULL;
  }
  do { /* what is empty or a comment gives no statement, and what follows it may */
    begin_call(connection, &call);
    Py_BEGIN_ALLOW_THREADS
    rc = api->prepare_v3(connection->db, text + *offset, (int)(size - *offset) + 1,
                         *offset == 0 && connection->watched ? SQLITE_PREPARE_PERSISTENT : 0,
                         &handle, &tail);
    Py_END_ALLOW_THREADS
    end_call(connection, &call);
    if (rc != SQLITE_OK) return raise_result(connection, rc, &call);
    Py_CLEAR(call.exception);
    tail = skip_space(tail, text + size); /* errors then count from the statement's start */
    whole = *offset == 0 && tail == text + size;
    *offset = tail - text;
  } while (!handle && *offset < size);
  if (!handle) return NULL;
  statement = remember(connection, handle);
  if (statement && whole) {
    statement->sql = Py_NewRef(sql);
    statement->hash = PyObject_Hash(sql);
  }
  return statement;
}

Statement *take_statement(Connection *connection, PyObject *sql, Py_ssize_t *offset) {
  if (*offset == 0) {
    Statement *statement = take_idle(connection, sql, PyObject_Hash(sql));
    if (statement) {
      *offset = PY_SSIZE_T_MAX;
      return statement;
    }
  }
  return prepare(connection, sql, offset);
}

/* Bindings must outlive this call. */
void return_statement(Connection *connection, Statement *statement) {
  Statement **set = connection->idle[statement->hash & (CACHE_SETS - 1)];
  int way, oldest = 0;
  statement->user = NULL;
  connection->api->reset(statement->handle);
  if (!statement->sql || !connection->watched) {
    forget(connection, statement);
    return;
  }
  if (statement->parameters) connection->api->clear_bindings(statement->handle);
  statement->last_use = ++connection->clock;
  for (way = 0; way < CACHE_WAYS; way++) {
    if (!set[way]) {
      set[way] = statement;
      return;
    }
    if (set[way]->last_use < set[oldest]->last_use) oldest = way;
  }
  forget(connection, set[oldest]);
  set[oldest] = statement;
}

/* The host is closing: no statement may be left, in use or not. */
void close_statements(Connection *connection) {
  memset(connection->idle, 0, sizeof connection->idle);
  connection->probe = NULL;
  while (connection->statements) {
    Statement *statement = connection->statements;
    if (statement->user) abandon_cursor(statement->user);
    forget(connection, statement);
  }
}
