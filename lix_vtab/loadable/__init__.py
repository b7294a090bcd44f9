"""The loadable extension: lix_vtab inside any SQLite host, on the host's own connection.

    $ sqlite3 app.lix
    sqlite> .load /home/me/.cache/lix_vtab/3f0c.../lix_vtab.so
    sqlite> SELECT * FROM lix_version;

The C sources are in `native/`. Every virtual table and SQL function is the Python code that APSW
runs; only the connection differs.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from lix_vtab.arguments import host_path
from lix_vtab.errors import LoadableError
from lix_vtab.loadable import build

__all__ = ["loadable_path"]


def loadable_path(cache_dir: Path | None = None) -> str:
    """Return the path that makes a SQLite host load lix_vtab.

    The first call for a Python environment puts the extension into a cache of the user (compiled,
    or copied when the installed package brought it); later calls only look it up.

        connection.load_extension(lix_vtab.loadable_path())
    """
    hint = "a directory to keep the built files in; None is one below your home"
    given = None if cache_dir is None else Path(host_path(cache_dir, "loadable_path", hint))
    cache = given or Path.home() / ".cache" / "lix_vtab"
    home = cache / _environment_key()
    extension = home / build.bootstrap_name()
    if not extension.exists():
        try:
            _install(home)
        except build.BuildUnavailable as error:
            raise LoadableError(error.message, hint=error.hint) from error
        except OSError as error:
            raise LoadableError(
                f"cannot write the loadable extension to {home}: {error}",
                hint="pass a directory that can be written: loadable_path(cache_dir=...)",
            ) from error
    return str(extension)


def _environment_key() -> str:
    """Tell apart whatever the built files depend on."""
    digest = hashlib.sha256()
    for part in (build.shim_name(), sys.version, sys.executable, *map(str, build.package_paths())):
        digest.update(part.encode() + b"\0")
    for source in sorted(build.NATIVE.glob("*.[ch]")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _install(home: Path) -> None:
    """Fill a new directory and move it into place, so that nobody sees half of it."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
        fresh = Path(scratch, "new")
        if not _copy_shipped(fresh):
            build.build(fresh)
        build.write_settings(fresh)
        try:
            os.replace(fresh, home)
        except OSError:
            if not (home / build.bootstrap_name()).exists():  # else somebody was faster
                raise


def _copy_shipped(target: Path) -> bool:
    """Copy the files a wheel brought for this Python, if it did."""
    shipped = [
        Path(__file__).with_name(name) for name in (build.bootstrap_name(), build.shim_name())
    ]
    if not all(file.exists() for file in shipped):
        return False
    target.mkdir(parents=True)
    for file in shipped:
        shutil.copy2(file, target)
    return True
