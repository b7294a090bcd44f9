/*
** Starting or joining the interpreter, and the way in for each connection that loads the extension.
*/
#include "shim.h"

#include <pthread.h>
#include <string.h>

#include "settings.h"

/* ---- threads and the GIL ----------------------------------------------------------------------- */

static __thread int attached;
static pthread_key_t detach_key;

static void detach_thread(void *state) {
  if (!Py_IsInitialized()) return;
  PyEval_RestoreThread(state);
  PyThreadState_Clear(state);
  PyThreadState_DeleteCurrent();
}

/*
** PyGILState_Ensure would make and destroy a thread state in every callback on a thread that Python
** does not know, so such a thread keeps one until it ends.
*/
static void attach_thread(void) {
  if (!PyGILState_GetThisThreadState()) {
    PyGILState_Ensure();
    pthread_setspecific(detach_key, PyEval_SaveThread());
  }
  attached = 1;
}

int enter(Gil *gil) {
  if (!Py_IsInitialized()) return 0;
  if (!attached) attach_thread();
  gil->state = PyGILState_Ensure();
  gil->saved = PyErr_Occurred() ? take_exception() : NULL;
  return 1;
}

void leave(Gil *gil) {
  if (gil->saved) restore_exception(gil->saved);
  PyGILState_Release(gil->state);
}

PyObject *take_exception(void) {
#if PY_VERSION_HEX >= 0x030C0000
  return PyErr_GetRaisedException();
#else
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  if (!type) return NULL;
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback) PyException_SetTraceback(value, traceback);
  Py_DECREF(type);
  Py_XDECREF(traceback);
  return value;
#endif
}

void restore_exception(PyObject *exception) {
#if PY_VERSION_HEX >= 0x030C0000
  PyErr_SetRaisedException(exception);
#else
  PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(exception)), exception,
                PyException_GetTraceback(exception));
#endif
}

/* ---- the interpreter --------------------------------------------------------------------------- */

/*
** An isolated interpreter: the host's environment variables, locale, signal handlers and standard
** streams stay as they are. Python finds its virtual environment from the interpreter's path.
*/
static const char *start_python(const Settings *settings) {
  PyPreConfig preconfig;
  PyConfig config;
  PyStatus status;

  PyPreConfig_InitIsolatedConfig(&preconfig);
  preconfig.utf8_mode = 1;
  status = Py_PreInitialize(&preconfig);
  if (PyStatus_Exception(status)) return status.err_msg;
  PyConfig_InitIsolatedConfig(&config);
  config.buffered_stdio = 0; /* nobody finalises the interpreter, hence nobody would flush */
  status = PyConfig_SetBytesString(&config, &config.executable, settings->executable);
  if (!PyStatus_Exception(status)) status = Py_InitializeFromConfig(&config);
  PyConfig_Clear(&config);
  if (PyStatus_Exception(status)) return status.err_msg ? status.err_msg : "initialisation failed";
  attached = 1; /* this thread's state lives as long as the interpreter */
  PyEval_SaveThread();
  return NULL;
}

/* Makes lix_vtab and what it depends on importable, after everything the process already has. */
static int extend_path(const Settings *settings) {
  PyObject *site = PyImport_ImportModule("site"), *path = PySys_GetObject("path");
  int i, failed = !site || !path;
  for (i = 0; !failed && i < settings->path_count; i++) {
    PyObject *directory = PyUnicode_DecodeFSDefault(settings->paths[i]);
    int present = directory ? PySequence_Contains(path, directory) : -1;
    if (present == 0) Py_XDECREF(PyObject_CallMethod(site, "addsitedir", "O", directory));
    Py_XDECREF(directory);
    failed = PyErr_Occurred() != NULL;
  }
  Py_XDECREF(site);
  return failed ? -1 : 0;
}

static int prepare(const Settings *settings) {
  static int prepared;
  if (prepared) return 0;
  if (PyType_Ready(&ConnectionType) < 0 || PyType_Ready(&CursorType) < 0 ||
      PyType_Ready(&IndexInfoType) < 0 || prepare_names() < 0 || extend_path(settings) < 0 ||
      import_errors() < 0) {
    return -1;
  }
  prepared = 1;
  return 0;
}

/* ---- the way in -------------------------------------------------------------------------------- */

/* Calls the entry point, "module:function", with the connection. */
static int call_entry(const Settings *settings, Connection *connection) {
  char module_name[sizeof settings->entry];
  char *function;
  PyObject *module, *result = NULL;
  strcpy(module_name, settings->entry);
  function = strchr(module_name, ':');
  if (!function) {
    PyErr_Format(PyExc_ValueError, "entry must read module:function, not %s", settings->entry);
    return -1;
  }
  *function++ = 0;
  module = PyImport_ImportModule(module_name);
  if (module) result = PyObject_CallMethod(module, function, "O", connection);
  Py_XDECREF(module);
  Py_XDECREF(result);
  return result ? 0 : -1;
}

/* Loading twice into one connection is harmless, and retries an entry point that failed. */
static int open_connection(sqlite3 *db, const sqlite3_api_routines *api, const Settings *settings,
                           char **error) {
  Connection *connection = NULL;
  int rc = SQLITE_OK;
  if (prepare(settings) == 0) connection = find_connection(db);
  if (!PyErr_Occurred() && !connection) connection = new_connection(db, api);
  if (connection && !connection->ready) {
    connection->ready = watch_connection(connection) == 0 && call_entry(settings, connection) == 0;
  }
  if (PyErr_Occurred()) {
    if (connection) {
      rc = report_exception(connection, error);
    } else {
      PyObject *exception = take_exception(), *text = PyObject_Str(exception);
      const char *utf8 = text ? PyUnicode_AsUTF8(text) : NULL;
      *error = api->mprintf("LIX_ERROR_LOADABLE: %s: %s (run `lix loadable-path` again)",
                            Py_TYPE(exception)->tp_name, utf8 ? utf8 : "");
      PyErr_Clear();
      Py_XDECREF(text);
      Py_XDECREF(exception);
      rc = SQLITE_ERROR;
    }
  }
  Py_XDECREF(connection);
  return rc;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void make_detach_key(void) { pthread_key_create(&detach_key, detach_thread); }

__attribute__((visibility("default"))) int lixvtab_start(sqlite3 *db, char **error,
                                                         const sqlite3_api_routines *api,
                                                         const Settings *settings) {
  static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER;
  const char *problem = NULL;
  Gil gil;
  int rc;
#ifdef Py_GIL_DISABLED
  int free_threaded = 1;
#else
  int free_threaded = 0;
#endif

  if ((strstr(Py_GetVersion(), "free-threading") != NULL) != free_threaded) {
    *error = api->mprintf("LIX_ERROR_LOADABLE: Python was built %s the GIL, the shim was not "
                          "(run `lix loadable-path` with the Python of this process)",
                          free_threaded ? "with" : "without");
    return SQLITE_ERROR;
  }
  pthread_once(&once, make_detach_key);
  pthread_mutex_lock(&starting);
  if (!Py_IsInitialized()) problem = start_python(settings);
  pthread_mutex_unlock(&starting);
  if (problem || !enter(&gil)) {
    *error = api->mprintf("LIX_ERROR_LOADABLE: Python does not start: %s (is %s still there? run "
                          "`lix loadable-path` again)", problem ? problem : "it has ended",
                          settings->executable);
    return SQLITE_ERROR;
  }
  rc = open_connection(db, api, settings, error);
  leave(&gil);
  return rc;
}
