/*
** A plain C program with SQLite: loads the extension on two connections in two threads, writes in a
** loop, and prints what it finds. Usage: host EXTENSION
*/
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static const char *extension;

static void check(sqlite3 *db, int rc, const char *what) {
  if (rc == SQLITE_OK) return;
  fprintf(stderr, "%s: %d %s\n", what, rc, sqlite3_errmsg(db));
  exit(1);
}

static int number(sqlite3 *db, const char *sql) {
  sqlite3_stmt *statement;
  int result;
  check(db, sqlite3_prepare_v2(db, sql, -1, &statement, NULL), sql);
  if (sqlite3_step(statement) != SQLITE_ROW) check(db, sqlite3_errcode(db), sql);
  result = sqlite3_column_int(statement, 0);
  sqlite3_finalize(statement);
  return result;
}

static void *work(void *count) {
  sqlite3 *db;
  char *error = NULL;
  int i;
  check(NULL, sqlite3_open(":memory:", &db), "open");
  check(db, sqlite3_enable_load_extension(db, 1), "enable");
  check(db, sqlite3_load_extension(db, extension, NULL, &error), error ? error : "load");
  check(db, sqlite3_exec(db, "CREATE VIRTUAL TABLE t USING sample", NULL, NULL, NULL), "create");
  for (i = 0; i < 200; i++) {
    check(db, sqlite3_exec(db, "INSERT INTO t VALUES (random(), 1, 2)", NULL, NULL, NULL), "insert");
  }
  if (sqlite3_exec(db, "SELECT sample_fail('unique')", NULL, NULL, &error) != SQLITE_CONSTRAINT) {
    check(db, SQLITE_ERROR, "an error code was expected");
  }
  sqlite3_free(error);
  *(int *)count = number(db, "SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM numbers(1000))");
  check(db, sqlite3_close(db), "close"); /* not _v2: nothing of ours may be unfinished */
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t threads[4];
  int counts[5] = {0}, i;
  if (argc != 2) return 2;
  extension = argv[1];
  for (i = 0; i < 4; i++) pthread_create(&threads[i], NULL, work, &counts[i]);
  for (i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  work(&counts[4]); /* in a thread that did not start Python */
  for (i = 0; i < 5; i++) printf("%d\n", counts[i]);
  return 0;
}
