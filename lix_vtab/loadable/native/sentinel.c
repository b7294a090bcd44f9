/*
** How we learn that the host closes its connection. sqlite3_close() disconnects virtual tables before
** it looks for unfinished statements, so that tables can finalise theirs; an eponymous table that
** everybody is free to ignore gives us that moment. It has no rows.
*/
#include "shim.h"

#define NAME "lix_internal_host"

static int sentinel_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                            sqlite3_vtab **out, char **error) {
  Connection *connection = aux;
  (void)argc, (void)argv, (void)error;
  if (connection->api->declare_vtab(db, "CREATE TABLE host(value)") != SQLITE_OK) {
    return SQLITE_ERROR;
  }
  *out = connection->api->malloc64(sizeof(sqlite3_vtab) + sizeof(Connection *));
  if (!*out) return SQLITE_NOMEM;
  memset(*out, 0, sizeof **out);
  *(Connection **)(*out + 1) = connection;
  connection->watched = 1;
  return SQLITE_OK;
}

static int sentinel_disconnect(sqlite3_vtab *table) {
  Connection *connection = *(Connection **)(table + 1);
  Gil gil;
  connection->watched = 0;
  if (enter(&gil)) {
    close_statements(connection);
    leave(&gil);
  } else { /* Python has ended, its memory is beyond care, but the host must be able to close */
    Statement *statement = connection->statements;
    for (; statement; statement = statement->next) connection->api->finalize(statement->handle);
    connection->statements = NULL;
  }
  connection->api->free(table);
  return SQLITE_OK;
}

static int sentinel_best_index(sqlite3_vtab *table, sqlite3_index_info *info) {
  (void)table;
  info->estimatedRows = 0;
  return SQLITE_OK;
}

static int sentinel_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out) {
  *out = (*(Connection **)(table + 1))->api->malloc64(sizeof **out);
  return *out ? SQLITE_OK : SQLITE_NOMEM;
}

static int sentinel_close(sqlite3_vtab_cursor *cursor) {
  (*(Connection **)(cursor->pVtab + 1))->api->free(cursor);
  return SQLITE_OK;
}

static int sentinel_filter(sqlite3_vtab_cursor *cursor, int number, const char *text, int argc,
                           sqlite3_value **argv) {
  (void)cursor, (void)number, (void)text, (void)argc, (void)argv;
  return SQLITE_OK;
}

static int sentinel_next(sqlite3_vtab_cursor *cursor) {
  (void)cursor;
  return SQLITE_OK;
}

static int sentinel_eof(sqlite3_vtab_cursor *cursor) {
  (void)cursor;
  return 1;
}

static int sentinel_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column) {
  (void)cursor, (void)context, (void)column;
  return SQLITE_OK;
}

static int sentinel_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *rowid) {
  (void)cursor;
  *rowid = 0;
  return SQLITE_OK;
}

static const sqlite3_module sentinel = {
    .xConnect = sentinel_connect,
    .xBestIndex = sentinel_best_index,
    .xDisconnect = sentinel_disconnect,
    .xOpen = sentinel_open,
    .xClose = sentinel_close,
    .xFilter = sentinel_filter,
    .xNext = sentinel_next,
    .xEof = sentinel_eof,
    .xColumn = sentinel_column,
    .xRowid = sentinel_rowid,
};

/* Modules are destroyed last of all: from here on the host's connection does not exist. */
static void sentinel_destroy(void *aux) {
  Connection *connection = aux;
  Gil gil;
  connection->db = NULL;
  if (enter(&gil)) {
    Py_DECREF(connection);
    leave(&gil);
  }
}

/*
** Connects the sentinel, by naming it in a statement. Registers it first when it is new. A host whose
** authorizer refuses the statement stays without a watch, and so without a cache of statements.
*/
int watch_connection(Connection *connection) {
  const sqlite3_api_routines *api = connection->api;
  sqlite3_stmt *statement = NULL;
  int rc;
  if (!connection->registered) {
    Py_INCREF(connection);
    rc = api->create_module_v2(connection->db, NAME, &sentinel, connection, sentinel_destroy);
    if (rc != SQLITE_OK) {
      raise_result(connection, rc, NULL);
      return -1;
    }
    connection->registered = 1;
  }
  api->prepare_v2(connection->db, "SELECT value FROM " NAME, -1, &statement, NULL);
  api->finalize(statement);
  return 0;
}
