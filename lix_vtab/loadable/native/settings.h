/*
** What the bootstrap tells the shim: the environment lix_vtab was installed into, as read from the
** file `lix_vtab.ini` that lies beside the extension. This header needs no Python.
*/
#ifndef LIXVTAB_SETTINGS_H
#define LIXVTAB_SETTINGS_H

#include "sqlite3host.h"

#define LIXVTAB_MAX_PATHS 16

typedef struct Settings {
  char python[16];                       /* "3.11": the Python the shim was compiled for */
  char libpython[4096];                  /* shared library to load when the process has no Python */
  char executable[4096];                 /* the (virtual) environment's interpreter */
  char host[4096];                       /* file name of the shim, beside the bootstrap */
  char entry[256];                       /* "module:function" called with each HostConnection */
  char paths[LIXVTAB_MAX_PATHS][4096];   /* directories added to sys.path, .pth files honoured */
  int path_count;
} Settings;

/* The only function the shim exports; the bootstrap finds it with dlsym(). */
typedef int (*lixvtab_start_function)(sqlite3 *, char **, const sqlite3_api_routines *,
                                      const Settings *);

#endif
