/*
** Modules: registering Python's on a connection.
*/
#include "vtable.h"

#define DEFINE(name) PyObject *str_##name;
EACH_NAME(DEFINE)

int prepare_names(void) {
#define INTERN(name) \
  if (!(str_##name = PyUnicode_InternFromString(#name))) return -1;
  EACH_NAME(INTERN)
  return prepare_cursors();
}

/* ---- shadow names ------------------------------------------------------------------------------ */

/*
** xShadowName gets a suffix and nothing that says which module is meant, so each Python class that
** has ShadowName gets a callback of its own. All modules of a class share it.
*/
#define SLOTS(each)                                                                           \
  each(0) each(1) each(2) each(3) each(4) each(5) each(6) each(7) each(8) each(9) each(10)     \
  each(11) each(12) each(13) each(14) each(15)
enum { SLOT_COUNT = 16 };

static struct {
  PyObject *module; /* the latest of its class */
  int users;
} shadows[SLOT_COUNT];

static int is_shadow(int slot, const char *suffix) {
  PyObject *result, *text;
  Gil gil;
  int truth = 0;
  if (!enter(&gil)) return 0;
  text = PyUnicode_FromString(suffix);
  result = text && shadows[slot].module
               ? PyObject_CallMethodOneArg(shadows[slot].module, str_ShadowName, text)
               : NULL;
  if (result) truth = PyObject_IsTrue(result);
  if (PyErr_Occurred()) ignore_exception("ShadowName");
  Py_XDECREF(text);
  Py_XDECREF(result);
  leave(&gil);
  return truth > 0;
}

#define SHADOW(n) \
  static int shadow_##n(const char *suffix) { return is_shadow(n, suffix); }
SLOTS(SHADOW)

#define SHADOW_NAME(n) shadow_##n,
static int (*const shadow_callbacks[SLOT_COUNT])(const char *) = {SLOTS(SHADOW_NAME)};

/* A slot for the module, -1 when it needs none, -2 with an exception. */
static int take_shadow(PyObject *module) {
  int i, free_slot = -1;
  if (!PyObject_HasAttr(module, str_ShadowName)) return -1;
  for (i = 0; i < SLOT_COUNT; i++) {
    if (!shadows[i].users) {
      if (free_slot < 0) free_slot = i;
    } else if (Py_TYPE(shadows[i].module) == Py_TYPE(module)) {
      break;
    }
  }
  if (i == SLOT_COUNT) i = free_slot;
  if (i < 0) {
    PyErr_SetString(PyExc_RuntimeError, "too many module classes with ShadowName");
    return -2;
  }
  shadows[i].users++;
  Py_XSETREF(shadows[i].module, Py_NewRef(module));
  return i;
}

static void leave_shadow(int slot) {
  if (slot >= 0 && --shadows[slot].users == 0) Py_CLEAR(shadows[slot].module);
}

/* ---- registration ------------------------------------------------------------------------------ */

static void free_module(void *pointer) {
  Module *module = pointer;
  Gil gil;
  if (enter(&gil)) {
    leave_shadow(module->shadow);
    Py_DECREF(module->object);
    Py_DECREF(module->connection);
    leave(&gil);
  }
  PyMem_RawFree(module);
}

static Module *new_module(Connection *connection, PyObject *object) {
  Module *module;
  int shadow = take_shadow(object);
  if (shadow == -2) return NULL;
  module = PyMem_RawCalloc(1, sizeof *module);
  if (!module) {
    leave_shadow(shadow);
    PyErr_NoMemory();
    return NULL;
  }
  module->methods.iVersion = 4;
  add_cursor_methods(&module->methods);
  module->connection = (Connection *)Py_NewRef(connection);
  module->object = Py_NewRef(object);
  module->shadow = shadow;
  if (shadow >= 0) module->methods.xShadowName = shadow_callbacks[shadow];
  return module;
}

static int register_module(Connection *self, const char *name, Module *module) {
  Call call;
  int rc;
  if (!lock_connection(self)) {
    if (module) free_module(module);
    return -1;
  }
  begin_call(self, &call);
  rc = self->api->create_module_v2(self->db, name, module ? &module->methods : NULL, module,
                                   module ? free_module : NULL); /* also called on failure */
  end_call(self, &call);
  if (rc != SQLITE_OK) raise_result(self, rc, &call);
  Py_CLEAR(call.exception);
  unlock_connection(self);
  return rc == SQLITE_OK ? 0 : -1;
}

/* Savepoints are always delivered, hence iVersion is what the shim supports, not what is asked. */
PyObject *create_module(Connection *self, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"name", "datasource", "use_bestindex_object", "use_no_change",
                          "iVersion", "eponymous", "eponymous_only", "read_only", NULL};
  const char *name;
  PyObject *object;
  int objects = 0, no_changes = 0, version = 1, eponymous = 0, eponymous_only = 0, read_only = 0;
  Module *module = NULL;

  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sO|$ppippp", names, &name, &object, &objects,
                                   &no_changes, &version, &eponymous, &eponymous_only,
                                   &read_only)) {
    return NULL;
  }
  if (object != Py_None) {
    if (!objects) {
      PyErr_SetString(PyExc_ValueError, "only modules with use_bestindex_object=True are supported");
      return NULL;
    }
    if (!(module = new_module(self, object))) return NULL;
    module->use_no_change = no_changes;
    add_table_methods(&module->methods, !read_only);
    if (eponymous) module->methods.xCreate = module->methods.xConnect;
    if (eponymous_only) module->methods.xCreate = NULL;
  }
  if (register_module(self, name, module) < 0) return NULL;
  Py_RETURN_NONE;
}
