/*
** apsw.IndexInfo's twin: `sqlite3_index_info` for the duration of one BestIndexObject call.
*/
#include "shim.h"

typedef struct IndexInfo {
  PyObject_HEAD
  Connection *connection;
  sqlite3_index_info *info; /* NULL once the call is over */
} IndexInfo;

PyObject *new_index_info(Connection *connection, sqlite3_index_info *info) {
  IndexInfo *self = PyObject_New(IndexInfo, &IndexInfoType);
  if (!self) return NULL;
  self->connection = (Connection *)Py_NewRef(connection);
  self->info = info;
  return (PyObject *)self;
}

void retire_index_info(PyObject *object) {
  if (!object) return;
  ((IndexInfo *)object)->info = NULL;
  Py_DECREF(object);
}

static void info_dealloc(IndexInfo *self) {
  Py_DECREF(self->connection);
  PyObject_Free(self);
}

static int in_context(IndexInfo *self) {
  if (self->info) return 1;
  PyErr_SetString(InvalidContextError,
                  "IndexInfo is out of scope (BestIndex call has finished)");
  return 0;
}

/* The checked index of a constraint or order term, or -1 with an exception. */
static int position(IndexInfo *self, PyObject *which, int count) {
  long index;
  if (!in_context(self)) return -1;
  index = PyLong_AsLong(which);
  if (index == -1 && PyErr_Occurred()) return -1;
  if (index < 0 || index >= count) {
    PyErr_Format(PyExc_IndexError, "which parameter (%ld) is out of range - should be >= 0 and < %d",
                 index, count);
    return -1;
  }
  return (int)index;
}

#define CONSTRAINT(self, which) position(self, which, (self)->info ? (self)->info->nConstraint : 0)
#define ORDER(self, which) position(self, which, (self)->info ? (self)->info->nOrderBy : 0)

/* ---- arrays, read ------------------------------------------------------------------------------ */

static PyObject *get_column(IndexInfo *self, PyObject *which) {
  int i = CONSTRAINT(self, which);
  return i < 0 ? NULL : PyLong_FromLong(self->info->aConstraint[i].iColumn);
}

static PyObject *get_op(IndexInfo *self, PyObject *which) {
  int i = CONSTRAINT(self, which);
  return i < 0 ? NULL : PyLong_FromLong(self->info->aConstraint[i].op);
}

static PyObject *get_usable(IndexInfo *self, PyObject *which) {
  int i = CONSTRAINT(self, which);
  return i < 0 ? NULL : PyBool_FromLong(self->info->aConstraint[i].usable);
}

static PyObject *get_collation(IndexInfo *self, PyObject *which) {
  int i = CONSTRAINT(self, which);
  return i < 0 ? NULL : PyUnicode_FromString(self->connection->api->vtab_collation(self->info, i));
}

static PyObject *get_rhs(IndexInfo *self, PyObject *which) {
  sqlite3_value *value = NULL;
  int i = CONSTRAINT(self, which), rc;
  if (i < 0) return NULL;
  rc = self->connection->api->vtab_rhs_value(self->info, i, &value);
  if (rc == SQLITE_NOTFOUND || (rc == SQLITE_OK && !value)) Py_RETURN_NONE;
  if (rc != SQLITE_OK) return raise_result(self->connection, rc, NULL);
  return python_value(self->connection->api, value);
}

static PyObject *get_in(IndexInfo *self, PyObject *which) {
  int i = CONSTRAINT(self, which);
  return i < 0 ? NULL : PyBool_FromLong(self->connection->api->vtab_in(self->info, i, -1));
}

static PyObject *get_argv_index(IndexInfo *self, PyObject *which) {
  int i = CONSTRAINT(self, which);
  return i < 0 ? NULL : PyLong_FromLong(self->info->aConstraintUsage[i].argvIndex);
}

static PyObject *get_omit(IndexInfo *self, PyObject *which) {
  int i = CONSTRAINT(self, which);
  return i < 0 ? NULL : PyBool_FromLong(self->info->aConstraintUsage[i].omit);
}

static PyObject *get_order_column(IndexInfo *self, PyObject *which) {
  int i = ORDER(self, which);
  return i < 0 ? NULL : PyLong_FromLong(self->info->aOrderBy[i].iColumn);
}

static PyObject *get_order_desc(IndexInfo *self, PyObject *which) {
  int i = ORDER(self, which);
  return i < 0 ? NULL : PyBool_FromLong(self->info->aOrderBy[i].desc);
}

/* ---- arrays, written --------------------------------------------------------------------------- */

static int two(Py_ssize_t count) {
  if (count == 2) return 1;
  PyErr_Format(PyExc_TypeError, "expected 2 arguments, got %zd", count);
  return 0;
}

static PyObject *set_argv_index(IndexInfo *self, PyObject *const *args, Py_ssize_t count) {
  int i;
  long value;
  if (!two(count) || (i = CONSTRAINT(self, args[0])) < 0) return NULL;
  value = PyLong_AsLong(args[1]);
  if (value == -1 && PyErr_Occurred()) return NULL;
  self->info->aConstraintUsage[i].argvIndex = (int)value;
  Py_RETURN_NONE;
}

static PyObject *set_omit(IndexInfo *self, PyObject *const *args, Py_ssize_t count) {
  int i, value;
  if (!two(count) || (i = CONSTRAINT(self, args[0])) < 0) return NULL;
  if ((value = PyObject_IsTrue(args[1])) < 0) return NULL;
  self->info->aConstraintUsage[i].omit = (unsigned char)value;
  Py_RETURN_NONE;
}

static PyObject *set_in(IndexInfo *self, PyObject *const *args, Py_ssize_t count) {
  const sqlite3_api_routines *api = self->connection->api;
  int i, value;
  if (!two(count) || (i = CONSTRAINT(self, args[0])) < 0) return NULL;
  if ((value = PyObject_IsTrue(args[1])) < 0) return NULL;
  if (!api->vtab_in(self->info, i, -1)) {
    PyErr_Format(PyExc_ValueError, "Constraint %d is not an 'in' which can be set", i);
    return NULL;
  }
  api->vtab_in(self->info, i, value);
  Py_RETURN_NONE;
}

/* ---- scalars ----------------------------------------------------------------------------------- */

static PyObject *get_constraints(IndexInfo *self, void *Py_UNUSED(c)) {
  return in_context(self) ? PyLong_FromLong(self->info->nConstraint) : NULL;
}

static PyObject *get_orders(IndexInfo *self, void *Py_UNUSED(c)) {
  return in_context(self) ? PyLong_FromLong(self->info->nOrderBy) : NULL;
}

static PyObject *get_number(IndexInfo *self, void *Py_UNUSED(c)) {
  return in_context(self) ? PyLong_FromLong(self->info->idxNum) : NULL;
}

static PyObject *get_flags(IndexInfo *self, void *Py_UNUSED(c)) {
  return in_context(self) ? PyLong_FromLong(self->info->idxFlags) : NULL;
}

static PyObject *get_rows(IndexInfo *self, void *Py_UNUSED(c)) {
  return in_context(self) ? PyLong_FromLongLong(self->info->estimatedRows) : NULL;
}

static PyObject *get_cost(IndexInfo *self, void *Py_UNUSED(c)) {
  return in_context(self) ? PyFloat_FromDouble(self->info->estimatedCost) : NULL;
}

static PyObject *get_ordered(IndexInfo *self, void *Py_UNUSED(c)) {
  return in_context(self) ? PyBool_FromLong(self->info->orderByConsumed) : NULL;
}

static PyObject *get_distinct(IndexInfo *self, void *Py_UNUSED(c)) {
  return in_context(self) ? PyLong_FromLong(self->connection->api->vtab_distinct(self->info)) : NULL;
}

static PyObject *get_text(IndexInfo *self, void *Py_UNUSED(c)) {
  if (!in_context(self)) return NULL;
  if (!self->info->idxStr) Py_RETURN_NONE;
  return PyUnicode_FromString(self->info->idxStr);
}

/* Bit 63 stands for column 63 and all after it. */
static PyObject *get_columns(IndexInfo *self, void *Py_UNUSED(c)) {
  PyObject *columns;
  int i;
  if (!in_context(self) || !(columns = PySet_New(NULL))) return NULL;
  for (i = 0; i < 64; i++) {
    if (self->info->colUsed >> i & 1) {
      PyObject *number = PyLong_FromLong(i);
      int failed = !number || PySet_Add(columns, number) < 0;
      Py_XDECREF(number);
      if (failed) {
        Py_DECREF(columns);
        return NULL;
      }
    }
  }
  return columns;
}

static int writable(IndexInfo *self, PyObject *value) {
  if (!in_context(self)) return 0;
  if (value) return 1;
  PyErr_SetString(PyExc_AttributeError, "attributes of IndexInfo cannot be deleted");
  return 0;
}

static int set_int(PyObject *value, int *target) {
  long number = PyLong_AsLong(value);
  if (number == -1 && PyErr_Occurred()) return -1;
  *target = (int)number;
  return 0;
}

static int set_number(IndexInfo *self, PyObject *value, void *Py_UNUSED(c)) {
  return writable(self, value) ? set_int(value, &self->info->idxNum) : -1;
}

static int set_flags(IndexInfo *self, PyObject *value, void *Py_UNUSED(c)) {
  return writable(self, value) ? set_int(value, &self->info->idxFlags) : -1;
}

static int set_rows(IndexInfo *self, PyObject *value, void *Py_UNUSED(c)) {
  long long rows;
  if (!writable(self, value)) return -1;
  rows = PyLong_AsLongLong(value);
  if (rows == -1 && PyErr_Occurred()) return -1;
  self->info->estimatedRows = rows;
  return 0;
}

static int set_cost(IndexInfo *self, PyObject *value, void *Py_UNUSED(c)) {
  double cost;
  if (!writable(self, value)) return -1;
  cost = PyFloat_AsDouble(value);
  if (cost == -1.0 && PyErr_Occurred()) return -1;
  self->info->estimatedCost = cost;
  return 0;
}

static int set_ordered(IndexInfo *self, PyObject *value, void *Py_UNUSED(c)) {
  int ordered;
  if (!writable(self, value) || (ordered = PyObject_IsTrue(value)) < 0) return -1;
  self->info->orderByConsumed = ordered;
  return 0;
}

static int set_text(IndexInfo *self, PyObject *value, void *Py_UNUSED(c)) {
  const sqlite3_api_routines *api = self->connection->api;
  char *copy = NULL;
  if (!writable(self, value)) return -1;
  if (value != Py_None) {
    const char *text = PyUnicode_AsUTF8(value);
    if (!text) return -1;
    copy = api->mprintf("%s", text);
    if (!copy) {
      PyErr_NoMemory();
      return -1;
    }
  }
  if (self->info->needToFreeIdxStr) api->free(self->info->idxStr);
  self->info->idxStr = copy;
  self->info->needToFreeIdxStr = copy != NULL;
  return 0;
}

/* ---- type -------------------------------------------------------------------------------------- */

#define READ(name, function, text) {name, (PyCFunction)function, METH_O, text}
#define WRITE(name, function, text) \
  {name, (PyCFunction)(void (*)(void))function, METH_FASTCALL, text}

static PyMethodDef info_methods[] = {
    READ("get_aConstraint_iColumn", get_column, "Return the column of a constraint, -1: rowid."),
    READ("get_aConstraint_op", get_op, "Return the operator of a constraint."),
    READ("get_aConstraint_usable", get_usable, "Return whether a constraint can be used."),
    READ("get_aConstraint_collation", get_collation, "Return the collation of a constraint."),
    READ("get_aConstraint_rhs", get_rhs, "Return the value of a constraint if known, else None."),
    READ("get_aConstraintUsage_in", get_in, "Return whether a constraint is an IN."),
    READ("get_aConstraintUsage_argvIndex", get_argv_index, "Return the argument's position."),
    READ("get_aConstraintUsage_omit", get_omit, "Return whether SQLite need not check."),
    READ("get_aOrderBy_iColumn", get_order_column, "Return the column of an order term."),
    READ("get_aOrderBy_desc", get_order_desc, "Return whether an order term descends."),
    WRITE("set_aConstraintUsage_argvIndex", set_argv_index, "Ask for a value in Filter."),
    WRITE("set_aConstraintUsage_omit", set_omit, "Tell SQLite that it need not check."),
    WRITE("set_aConstraintUsage_in", set_in, "Ask for all values of an IN at once."),
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef info_attributes[] = {
    {"nConstraint", (getter)get_constraints, NULL, "Number of constraints.", NULL},
    {"nOrderBy", (getter)get_orders, NULL, "Number of order terms.", NULL},
    {"colUsed", (getter)get_columns, NULL, "Columns the statement uses.", NULL},
    {"distinct", (getter)get_distinct, NULL, "How rows are wanted for DISTINCT.", NULL},
    {"idxNum", (getter)get_number, (setter)set_number, "Number of the plan.", NULL},
    {"idxStr", (getter)get_text, (setter)set_text, "Text of the plan.", NULL},
    {"idxFlags", (getter)get_flags, (setter)set_flags, "SQLITE_INDEX_SCAN flags.", NULL},
    {"orderByConsumed", (getter)get_ordered, (setter)set_ordered, "Rows come in order.", NULL},
    {"estimatedCost", (getter)get_cost, (setter)set_cost, "Cost of the plan.", NULL},
    {"estimatedRows", (getter)get_rows, (setter)set_rows, "Rows of the plan.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject IndexInfoType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "lix_vtab.loadable.IndexInfo",
    .tp_basicsize = sizeof(IndexInfo),
    .tp_dealloc = (destructor)info_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "The question and the answer of one BestIndexObject call.",
    .tp_methods = info_methods,
    .tp_getset = info_attributes,
};
