/*
** The file a host loads. It knows nothing of Python's C API, so any SQLite host can load it: it reads
** `lix_vtab.ini` beside itself, makes sure that a Python is in the process, and only then loads the
** shim, whose symbols are resolved against that Python.
*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* dladdr, RTLD_DEFAULT */
#endif
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings.h"

#define OLDEST_SQLITE 3040000
#define EXPORT __attribute__((visibility("default")))

static int refuse(const sqlite3_api_routines *api, char **error, const char *message,
                  const char *argument, const char *hint) {
  if (error) {
    *error = api->mprintf("LIX_ERROR_LOADABLE: %s%s (%s)", message, argument ? argument : "", hint);
  }
  return SQLITE_ERROR;
}

/* Where this file lies, up to and with the last slash. */
static int own_directory(char *out, size_t size) {
  Dl_info info;
  char *slash, *real;
  if (!dladdr((void *)own_directory, &info) || !info.dli_fname) return 0;
  real = realpath(info.dli_fname, NULL);
  snprintf(out, size, "%s", real ? real : info.dli_fname);
  free(real);
  slash = strrchr(out, '/');
  if (!slash) return 0;
  slash[1] = 0;
  return 1;
}

static void read_line(Settings *settings, char *line) {
  char *value = strchr(line, '=');
  if (!value) return;
  *value++ = 0;
  value[strcspn(value, "\r\n")] = 0;
#define SETTING(name)                                                   \
  if (!strcmp(line, #name)) {                                           \
    snprintf(settings->name, sizeof settings->name, "%s", value);       \
    return;                                                             \
  }
  SETTING(python)
  SETTING(libpython)
  SETTING(executable)
  SETTING(host)
  SETTING(entry)
#undef SETTING
  if (!strcmp(line, "path") && settings->path_count < LIXVTAB_MAX_PATHS) {
    snprintf(settings->paths[settings->path_count++], sizeof settings->paths[0], "%s", value);
  }
}

static int read_settings(const char *directory, Settings *settings) {
  char line[4200];
  FILE *file;
  snprintf(line, sizeof line, "%slix_vtab.ini", directory);
  file = fopen(line, "r");
  if (!file) return 0;
  memset(settings, 0, sizeof *settings);
  while (fgets(line, sizeof line, file)) read_line(settings, line);
  fclose(file);
  return settings->python[0] && settings->host[0] && settings->entry[0];
}

/* Loads libpython for everybody (extension modules need its symbols), unless Python is here. */
static int provide_python(const sqlite3_api_routines *api, char **error, const Settings *settings) {
  const char *(*version)(void);
  size_t length = strlen(settings->python);
  if (!dlsym(RTLD_DEFAULT, "Py_IsInitialized")) {
    if (!settings->libpython[0]) {
      return refuse(api, error, "there is no shared libpython for ", settings->executable,
                    "install lix_vtab into a Python built with --enable-shared, or load it from a "
                    "program that is that Python");
    }
    if (!dlopen(settings->libpython, RTLD_NOW | RTLD_GLOBAL)) {
      return refuse(api, error, "cannot load Python: ", dlerror(),
                    "run `lix loadable-path` again and load the path it prints");
    }
  }
  *(void **)&version = dlsym(RTLD_DEFAULT, "Py_GetVersion");
  if (!version || strncmp(version(), settings->python, length) || version()[length] != '.') {
    return refuse(api, error, "this process already runs another Python than ", settings->python,
                  "install lix_vtab into the Python of this process and load it from there");
  }
  return SQLITE_OK;
}

static int load(sqlite3 *db, char **error, const sqlite3_api_routines *api) {
  char directory[4096], shim[8300];
  Settings *settings;
  lixvtab_start_function start = NULL;
  void *handle;
  int rc;

  if (api->libversion_number() < OLDEST_SQLITE) {
    return refuse(api, error, "SQLite 3.40 or newer is needed, this host has ", api->libversion(),
                  "upgrade the host's SQLite");
  }
  settings = malloc(sizeof *settings);
  if (!settings) return SQLITE_NOMEM;
  if (!own_directory(directory, sizeof directory) || !read_settings(directory, settings)) {
    rc = refuse(api, error, "no usable lix_vtab.ini beside the extension", NULL,
                "run `lix loadable-path` and load the path it prints");
  } else if ((rc = provide_python(api, error, settings)) == SQLITE_OK) {
    snprintf(shim, sizeof shim, "%s%s", directory, settings->host);
    handle = dlopen(shim, RTLD_NOW | RTLD_LOCAL);
    if (handle) *(void **)&start = dlsym(handle, "lixvtab_start");
    rc = start ? start(db, error, api, settings)
               : refuse(api, error, "cannot load the shim: ", dlerror(),
                        "run `lix loadable-path` again and load the path it prints");
  }
  free(settings);
  return rc;
}

EXPORT int sqlite3_extension_init(sqlite3 *db, char **error, const sqlite3_api_routines *api) {
  return load(db, error, api);
}

/* The name SQLite derives from the file name `lix_vtab`. */
EXPORT int sqlite3_lixvtab_init(sqlite3 *db, char **error, const sqlite3_api_routines *api) {
  return load(db, error, api);
}
