/*
** Virtual tables: SQLite's callbacks on one side, APSW's protocol of Python classes on the other.
** Shared by module.c (registration), table.c (tables) and table_cursor.c (rows).
*/
#ifndef LIXVTAB_VTABLE_H
#define LIXVTAB_VTABLE_H

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

/* The names of Python methods, interned: str_Create and so on. */
#define EACH_NAME(each)                                                                         \
  each(Create) each(Connect) each(ShadowName) each(BestIndexObject) each(Open) each(Disconnect) \
  each(Destroy) each(UpdateInsertRow) each(UpdateChangeRow) each(UpdateDeleteRow) each(Begin)   \
  each(Sync) each(Commit) each(Rollback) each(Savepoint) each(Release) each(RollbackTo)         \
  each(Rename) each(FindFunction) each(Integrity) each(Filter) each(Eof) each(Next)             \
  each(Column) each(ColumnNoChange) each(Rowid) each(Close)

#define DECLARE(name) extern PyObject *str_##name;
EACH_NAME(DECLARE)
#undef DECLARE

extern const char python_has_ended[];

int table_error(Table *table);       /* the exception becomes the table's error */
int table_gone(sqlite3_vtab *table); /* the error of a table whose interpreter is gone */
PyObject *optional_attribute(PyObject *object, PyObject *name);
PyObject *call_optional(PyObject *object, PyObject *name, PyObject *argument);

int prepare_cursors(void);
void add_table_methods(sqlite3_module *methods, int writing);
void add_cursor_methods(sqlite3_module *methods);

#endif
