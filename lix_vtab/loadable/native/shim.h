/*
** The shim: an `apsw.Connection`-shaped object over a connection that belongs to somebody else.
**
** Rules that hold in every file here
** - SQLite is called only through the routine table of the connection at hand. A process may hold
**   several SQLite libraries, so there is no global table.
** - Order of locks: the connection's mutex first, the GIL second. A thread never waits for the mutex
**   while it holds the GIL (lock_connection), because the holder of the mutex may wait for the GIL.
** - A callback brackets its Python work with enter()/leave().
** - An exception raised in a callback is turned into a result code and text for the host, and kept
**   as it is for the Python code that made the SQLite call, if there is one (struct Call).
*/
#ifndef LIXVTAB_SHIM_H
#define LIXVTAB_SHIM_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "sqlite3host.h"

typedef struct Connection Connection;
typedef struct Cursor Cursor;
typedef struct Statement Statement;

/* ---- interpreter (interpreter.c) --------------------------------------------------------------- */

typedef struct Gil {
  PyGILState_STATE state;
  PyObject *saved; /* an exception that was on its way when the callback came */
} Gil;

int enter(Gil *gil); /* false: the interpreter is gone, do nothing in Python */
void leave(Gil *gil);
PyObject *take_exception(void);
void restore_exception(PyObject *exception);

/* ---- errors (errors.c) ------------------------------------------------------------------------- */

/* One SQLite call made by Python code; callbacks below it leave their exception here. */
typedef struct Call {
  struct Call *outer;
  PyObject *exception;
} Call;

extern PyObject *BindingsError, *ConnectionClosedError, *CursorClosedError, *InvalidContextError;
extern PyObject *SQLError, *no_change;

int import_errors(void);
void begin_call(Connection *connection, Call *call);
void end_call(Connection *connection, Call *call);
int report_exception(Connection *connection, char **text); /* -> result code; consumes it */
void ignore_exception(const char *where);
void *raise_result(Connection *connection, int rc, Call *call);

/* ---- values (values.c) ------------------------------------------------------------------------- */

PyObject *python_value(const sqlite3_api_routines *api, sqlite3_value *value);
int result_without_gil(const sqlite3_api_routines *api, sqlite3_context *context, PyObject *value);
int result_value(const sqlite3_api_routines *api, sqlite3_context *context, PyObject *value);
void result_exception(Connection *connection, sqlite3_context *context);
int bind_value(const sqlite3_api_routines *api, sqlite3_stmt *statement, int index, PyObject *value);

/* ---- prepared statements (statement.c) --------------------------------------------------------- */

#define CACHE_SETS 64
#define CACHE_WAYS 4

struct Statement {
  sqlite3_stmt *handle;
  PyObject *sql; /* the whole text, when the statement is all of it and may be cached; or NULL */
  Py_hash_t hash;
  int parameters;
  unsigned last_use;
  Cursor *user;
  Statement *next, *previous;
};

/* NULL without an exception: nothing but white space and comments was left. */
Statement *take_statement(Connection *connection, PyObject *sql, Py_ssize_t *offset);
void return_statement(Connection *connection, Statement *statement);
void close_statements(Connection *connection);

/* ---- connection (connection.c), cursor (cursor.c) ---------------------------------------------- */

struct Connection {
  PyObject_HEAD
  sqlite3 *db; /* NULL once the host has closed it */
  const sqlite3_api_routines *api;
  sqlite3_mutex *mutex;
  Call *call;
  int version;    /* libversion_number() of the host */
  int ready;      /* the entry point has run */
  int registered; /* the sentinel module is */
  int watched;    /* the sentinel table will tell us when the host closes */
  int connecting; /* inside xCreate/xConnect: vtab_config() makes sense */
  int updating;   /* inside xUpdate: vtab_on_conflict() makes sense */
  unsigned clock;
  Statement *statements; /* all of them */
  Statement *idle[CACHE_SETS][CACHE_WAYS];
  Statement *probe; /* for is_interrupted before 3.41 */
  Connection *next;
};

extern PyTypeObject ConnectionType, CursorType, IndexInfoType;

int lock_connection(Connection *connection);
void unlock_connection(Connection *connection);
Connection *find_connection(sqlite3 *db);
Connection *new_connection(sqlite3 *db, const sqlite3_api_routines *api);
PyObject *run_cursor(Connection *connection, PyObject *sql, PyObject *bindings, int many);
void abandon_cursor(Cursor *cursor); /* its statement is being finalised */

/* ---- virtual tables (vtable.c, index_info.c, sentinel.c), functions (function.c) ---------------- */

int prepare_names(void);
int watch_connection(Connection *connection);
PyObject *create_module(Connection *connection, PyObject *args, PyObject *kwargs);
PyObject *create_scalar_function(Connection *connection, PyObject *args, PyObject *kwargs);

typedef struct Function {
  Connection *connection;
  PyObject *callable;
  struct Function *next; /* in the list of a table that overloads functions */
} Function;

typedef void (*FunctionCallback)(sqlite3_context *, int, sqlite3_value **);

Function *new_function(Connection *connection, PyObject *callable);
void free_function(void *function);
FunctionCallback function_callback(const sqlite3_api_routines *api);
PyObject *new_index_info(Connection *connection, sqlite3_index_info *info);
void retire_index_info(PyObject *object);

#endif
