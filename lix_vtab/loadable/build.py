"""Compile the loadable extension with the C compiler at hand.

The extension is two files. `lix_vtab` is what a SQLite host loads; it needs no Python and brings
one into the process. The shim is compiled against the headers of one Python and does the work.
Beside them lies `lix_vtab.ini`, which says where that Python and its packages are.

This module imports nothing of lix_vtab, because the build of the package itself uses it.
"""

from __future__ import annotations

import shlex
import shutil
import site
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

__all__ = ["BuildUnavailable", "build", "shared_libpython", "shim_name", "write_settings"]

NATIVE = Path(__file__).parent / "native"
ENTRY = "lix_vtab.loadable.entry:initialise"
SUFFIX = ".dylib" if sys.platform == "darwin" else ".so"
BOOTSTRAP_SOURCE = "bootstrap.c"


class BuildUnavailable(Exception):
    """The extension cannot be compiled here; `hint` says what would help."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message} ({hint})")
        self.message = message
        self.hint = hint


def shim_name() -> str:
    """Return the file name of the shim, which depends on the running Python's ABI."""
    return f"lix_vtab_shim.{sysconfig.get_config_var('SOABI') or sys.implementation.cache_tag}.so"


def bootstrap_name() -> str:
    """Return the file name of the part that hosts load; SQLite derives the entry point from it."""
    return f"lix_vtab{SUFFIX}"


def build(target_dir: Path | None = None) -> Path:
    """Compile both files into `target_dir` (default: this package) and return what hosts load.

    Raises `BuildUnavailable` when the platform, the compiler or Python's headers are missing.
    """
    if sys.platform == "win32":
        raise BuildUnavailable(
            "the loadable extension is not available on Windows", "use lix_vtab through APSW"
        )
    target = Path(target_dir or Path(__file__).parent)
    target.mkdir(parents=True, exist_ok=True)
    compiler = _compiler()
    headers = _headers()
    shim_sources = [
        source for source in sorted(NATIVE.glob("*.c")) if source.name != BOOTSTRAP_SOURCE
    ]
    _compile(compiler, [NATIVE / BOOTSTRAP_SOURCE], target / bootstrap_name(), ())
    _compile(compiler, shim_sources, target / shim_name(), headers)
    return target / bootstrap_name()


def write_settings(
    directory: Path, *, entry: str = ENTRY, paths: Sequence[Path] | None = None
) -> None:
    """Write `lix_vtab.ini` into `directory`: the running Python and where its packages are."""
    lines = [
        f"python={sys.version_info.major}.{sys.version_info.minor}",
        f"libpython={shared_libpython() or ''}",
        f"executable={sys.executable}",
        f"host={shim_name()}",
        f"entry={entry}",
        *(f"path={path}" for path in (package_paths() if paths is None else paths)),
    ]
    (directory / "lix_vtab.ini").write_text("\n".join(lines) + "\n", encoding="utf-8")


def package_paths() -> list[Path]:
    """Return the directories that make lix_vtab and its dependencies importable."""
    places = [Path(__file__).parents[2], *map(Path, _site_directories())]
    return [place for place in dict.fromkeys(places) if place.is_dir()]


def _site_directories() -> list[str]:
    directories = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    if site.ENABLE_USER_SITE:
        directories.append(site.getusersitepackages())
    return directories


def shared_libpython() -> Path | None:
    """Return the shared library of the running Python; None when it was built without one."""
    variables = sysconfig.get_config_vars()
    if variables.get("PYTHONFRAMEWORK"):
        library = Path(variables["PYTHONFRAMEWORKPREFIX"], variables["LDLIBRARY"])
        return library if library.exists() else None
    directories = [variables.get("LIBDIR"), f"{sys.base_prefix}/lib", variables.get("LIBPL")]
    names = [variables.get("INSTSONAME"), variables.get("LDLIBRARY")]
    for directory in filter(None, directories):
        for name in filter(None, names):
            library = Path(directory, name)
            if (".so" in name or name.endswith(".dylib")) and library.exists():
                return library
    return None


def _compiler() -> list[str]:
    configured = shlex.split(sysconfig.get_config_var("CC") or "")
    for command in (configured, ["cc"], ["gcc"], ["clang"]):
        if command and shutil.which(command[0]):
            return command
    raise BuildUnavailable("there is no C compiler", "install gcc or clang")


def _headers() -> list[str]:
    directories = [sysconfig.get_path("include"), sysconfig.get_path("platinclude")]
    if not any(Path(directory, "Python.h").exists() for directory in directories):
        raise BuildUnavailable(
            f"Python's headers are not in {directories[0]}",
            "install the development package of this Python, such as python3-dev",
        )
    return [f"-I{directory}" for directory in dict.fromkeys(directories)]


def _compile(
    compiler: list[str], sources: list[Path], output: Path, options: Sequence[str]
) -> None:
    if sys.platform == "darwin":
        linking = ["-bundle", "-undefined", "dynamic_lookup"]
    else:
        linking = ["-shared", "-ldl"]
    command = [
        *compiler,
        *("-std=c11", "-O2", "-DNDEBUG", "-fPIC", "-fvisibility=hidden", "-pthread"),
        *options,
        *map(str, sources),
        *("-o", str(output)),
        *linking,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildUnavailable(
            f"{compiler[0]} cannot compile {output.name}: {done.stderr.strip()[-2000:]}",
            "check that the compiler works",
        )
