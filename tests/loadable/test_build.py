"""Building, caching, and what is said when something is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

import lix_vtab.loadable
from lix_vtab.errors import LoadableError
from lix_vtab.loadable import build


def load(path, **settings):
    """Load the extension at `path` into APSW after changing lines of its settings."""
    ini = path.with_name("lix_vtab.ini")
    lines = dict(line.split("=", 1) for line in ini.read_text().splitlines())
    ini.write_text("".join(f"{key}={value}\n" for key, value in (lines | settings).items()))
    connection = apsw.Connection(":memory:")
    connection.enable_load_extension(True)
    try:
        connection.load_extension(str(path))
    finally:
        connection.close()


@pytest.fixture
def copy(built, tmp_path):
    """A copy of the extension whose settings the test may spoil."""
    directory = tmp_path / "copy"
    directory.mkdir()
    for name in (build.bootstrap_name(), build.shim_name()):
        shutil.copy(built / name, directory)
    build.write_settings(directory, entry="json:dumps")
    return directory / build.bootstrap_name()


def in_shell(path):
    """Load the extension where no Python is yet."""
    shell = shutil.which("sqlite3")
    if shell is None:
        pytest.skip("the sqlite3 shell is not installed")
    return subprocess.run(
        [shell, "-batch", ":memory:"], input=f".load {path}\n", capture_output=True, text=True
    ).stderr


def test_the_path_is_built_once(built, tmp_path):
    first = lix_vtab.loadable.loadable_path(cache_dir=tmp_path)
    extension = Path(first)
    assert extension.name == build.bootstrap_name()
    assert extension.with_name(build.shim_name()).exists()
    made = extension.stat().st_mtime_ns
    assert lix_vtab.loadable.loadable_path(cache_dir=tmp_path) == first
    assert extension.stat().st_mtime_ns == made
    assert [path.name for path in tmp_path.iterdir()] == [extension.parent.name]


def test_the_settings_name_this_environment(built, tmp_path):
    build.write_settings(tmp_path)
    lines = (tmp_path / "lix_vtab.ini").read_text().splitlines()
    assert f"python={sys.version_info.major}.{sys.version_info.minor}" in lines
    assert f"executable={sys.executable}" in lines
    assert "entry=lix_vtab.loadable.entry:initialise" in lines
    assert f"path={Path(lix_vtab.loadable.__file__).parents[2]}" in lines


def test_the_shared_libpython_is_found_or_known_to_be_missing():
    library = build.shared_libpython()
    assert library is None or (library.is_file() and "python" in library.name.lower())


def test_a_missing_compiler_is_an_error_with_a_hint(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LoadableError, match="LIX_ERROR_LOADABLE: there is no C compiler") as caught:
        lix_vtab.loadable.loadable_path(cache_dir=tmp_path / "cache")
    assert caught.value.hint == "install gcc or clang"
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_failing_compiler_is_an_error_with_its_output(monkeypatch, tmp_path):
    for name in ("cc", "gcc", "clang"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\necho no space left >&2\nexit 1\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    with pytest.raises(LoadableError, match=r"cannot compile .*no space left"):
        lix_vtab.loadable.loadable_path(cache_dir=tmp_path / "cache")


def test_a_cache_that_cannot_be_written_is_an_error_with_a_hint(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(LoadableError, match="cannot write") as caught:
        lix_vtab.loadable.loadable_path(cache_dir=tmp_path / "file")
    assert "cache_dir" in caught.value.hint


def test_files_brought_by_a_wheel_need_no_compiler(built, monkeypatch, tmp_path):
    package = tmp_path / "package"
    shutil.copytree(Path(build.__file__).parent, package)
    for name in (build.bootstrap_name(), build.shim_name()):
        shutil.copy(built / name, package)
    monkeypatch.setattr(lix_vtab.loadable, "__file__", str(package / "__init__.py"))
    monkeypatch.setenv("PATH", str(tmp_path))
    path = Path(lix_vtab.loadable.loadable_path(cache_dir=tmp_path / "cache"))
    assert path.with_name("lix_vtab.ini").exists()
    load(path, entry="builtins:id")


def test_without_settings_the_message_says_what_to_do(copy):
    copy.with_name("lix_vtab.ini").unlink()
    message = r"LIX_ERROR_LOADABLE: no usable lix_vtab.ini .*run `lix loadable-path`"
    connection = apsw.Connection(":memory:")
    connection.enable_load_extension(True)
    with pytest.raises(apsw.ExtensionLoadingError, match=message):
        connection.load_extension(str(copy))
    connection.close()


def test_another_python_in_the_process_is_refused(copy):
    message = "this process already runs another Python than 3.9"
    with pytest.raises(apsw.ExtensionLoadingError, match=message):
        load(copy, python="3.9")


def test_a_missing_shim_is_an_error(copy):
    with pytest.raises(apsw.ExtensionLoadingError, match=r"cannot load the shim: .*gone.so"):
        load(copy, host="gone.so")


def test_an_entry_point_without_a_function_is_an_error(copy):
    with pytest.raises(apsw.ExtensionLoadingError, match="entry must read module:function"):
        load(copy, entry="json")


def test_a_python_host_needs_no_shared_libpython(copy):
    with pytest.raises(apsw.ExtensionLoadingError, match="not JSON serializable"):
        load(copy, libpython="")  # the entry point json.dumps was reached


def test_other_hosts_are_told_that_they_need_one(copy):
    with pytest.raises(apsw.ExtensionLoadingError, match="not JSON serializable"):
        load(copy, libpython="")
    assert "LIX_ERROR_LOADABLE: there is no shared libpython for" in in_shell(copy)


def test_a_missing_libpython_is_an_error(copy):
    with pytest.raises(apsw.ExtensionLoadingError, match="not JSON serializable"):
        load(copy, libpython="/gone/libpython.so")
    assert "LIX_ERROR_LOADABLE: cannot load Python: /gone/libpython.so" in in_shell(copy)


def test_a_missing_environment_is_an_error(copy):
    """The interpreter the settings name has gone since, and what it had installed with it."""
    ini = copy.with_name("lix_vtab.ini")
    kept = [line for line in ini.read_text().splitlines() if not line.startswith(("path", "exec"))]
    ini.write_text("\n".join([*kept, "executable=/gone/bin/python", ""]))
    assert "LIX_ERROR_LOADABLE: " in in_shell(copy)
