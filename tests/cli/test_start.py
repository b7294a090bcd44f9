"""Starting: what is imported, what help says, how the database is found, how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from lix_vtab import errors
from lix_vtab.cli.database import find_database
from lix_vtab.cli.exits import exit_code
from lix_vtab.cli.failures import Failure
from lix_vtab.cli.index import COMMANDS
from lix_vtab.cli.main import cli

ROOT = Path(__file__).parents[2]


def modules_of(*arguments: str) -> set[str]:
    """Return the modules a call of `lix` imports."""
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "from lix_vtab.cli.main import main\n"
        f"main({list(arguments)!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def test_help_imports_nothing_heavy() -> None:
    loaded = modules_of("--help")
    assert not loaded & {"apsw", "jsonschema", "jsonschema_rs", "celpy", "sqlglot", "orjson"}
    ours = {name for name in loaded if name.startswith("lix_vtab.")}
    assert all(name.startswith("lix_vtab.cli") for name in ours)
    assert not any(name.startswith("lix_vtab.cli.commands.") for name in ours)


@pytest.mark.parametrize(
    "command",
    [["sql", "SELECT name FROM lix_version"], ["branch"], ["status"], ["log"], ["files", "ls"]],
    ids=lambda command: command[0],
)
def test_reading_imports_neither_validators_nor_parsers(work: Path, lix, command) -> None:
    lix("init", "a.lix")
    loaded = modules_of(*command, "--db", str(work / "a.lix"))
    assert not loaded & {"jsonschema", "jsonschema_rs", "celpy", "sqlglot", "sqlalchemy", "rich"}
    assert not loaded & {
        "pyfastcdc",
        "zipfile",
        "difflib",
        "ctypes",
        "subprocess",
        "importlib.resources",
        "_hashlib",  # OpenSSL
        "socket",
        "zstandard",
        "random",
        "shutil",
        "csv",
        "base64",
        "string",
    }
    assert not loaded & {
        "lix_vtab.effects.outbox",
        "lix_vtab.execution.lower",
        "lix_vtab.execution.clauses",
        "lix_vtab.plugins.shipped",
        "lix_vtab.plugins.jsonfile.plugin",
        "lix_vtab.history.blame",
        "lix_vtab.surfaces.file_history",
        "lix_vtab.surfaces.diff_property",
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_the_index_says_what_the_command_says(name: str) -> None:
    with click.Context(cli) as ctx:
        command = cli.get_command(ctx, name)
    assert command is not None
    assert command.name == name
    assert command.help
    assert COMMANDS[name].summary.endswith(".")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(lix, name: str) -> None:
    done = lix(name, "--help")
    assert done.out.startswith(f"Usage: lix {name}")
    assert "--json" in done.out


def test_the_help_of_all_is_in_sections(lix) -> None:
    out = lix("-h").out
    for entry in COMMANDS.values():
        assert f"{entry.section}:" in out


def test_versions(lix) -> None:
    assert lix("--version").out.startswith("lix ")
    assert "SQLite 3." in lix("--version").out


# Exit codes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UniqueError("x"), 10),
        (errors.ParseError("x"), 10),
        (errors.VersionNotFound("x"), 10),
        (errors.InvalidValueError("x"), 10),
        (errors.ReadOnlyError("x"), 10),
        (errors.TransactionStateError("x"), 20),
        (errors.NothingToUndo("x"), 20),
        (errors.VersionError("x"), 20),
        (errors.NotInitializedError("x"), 30),
        (errors.FormatError("x"), 30),
        (errors.LoadableError("x"), 30),
        (errors.PluginError("x"), 40),
        (errors.CorruptError("x"), 50),
        (errors.BusyError("x"), 50),
        (errors.DiskFullError("x"), 50),
        (errors.NotADatabaseError("x"), 50),
        (errors.MergeConflictError("x"), 240),
        (errors.StatementTimeout("x"), 250),
        (KeyboardInterrupt(), 250),
        (PermissionError("x"), 50),
        (ZeroDivisionError(), 255),
    ],
)
def test_exit_codes(error: BaseException, code: int) -> None:
    assert exit_code(error) == code


def test_every_error_has_an_exit_code_of_its_kind() -> None:
    codes = {exit_code(getattr(errors, name)("x")) for name in errors.__all__}
    assert codes == {10, 20, 30, 40, 50, 240, 250}


def test_a_defect_shows_where_it_is(lix, monkeypatch: pytest.MonkeyPatch) -> None:
    lix("init", "a.lix")
    monkeypatch.setattr("lix_vtab.cli.call.open_existing", lambda path: 1 / 0)
    done = lix("branch", code=255)
    assert "Traceback" in done.err
    assert "division by zero" in done.err


def test_errors_for_people(lix) -> None:
    lix("init", "a.lix")
    done = lix("sql", "SELECT * FROM lix_vresion", code=10)
    assert done.out == ""
    assert done.err.startswith("error: LIX_TABLE_NOT_FOUND: no such table: lix_vresion")
    assert "hint: " in done.err


def test_errors_for_programs(lix) -> None:
    lix("init", "a.lix")
    done = lix("--json", "sql", "SELECT * FROM nowhere", code=10)
    assert json.loads(done.err)["error"]["code"] == "LIX_TABLE_NOT_FOUND"


def test_wrong_usage(lix) -> None:
    done = lix("branch", "create", code=10)
    assert "Missing argument 'NAME'" in done.err
    assert "lix branch create --help" in done.err
    assert "No such command 'brnch'. Did you mean 'branch'?" in lix("brnch", code=10).err
    assert "No such command 'xyzzy'.\n" in lix("xyzzy", code=10).err


# The database -------------------------------------------------------------------------------------


def test_the_nearest_database_upwards(work: Path) -> None:
    inner = work / "a" / "b"
    inner.mkdir(parents=True)
    (work / "top.lix").touch()
    assert find_database(None, {}, inner) == work / "top.lix"
    (work / "a" / "near.lix").touch()
    assert find_database(None, {}, inner) == work / "a" / "near.lix"
    assert find_database(None, {"LIX_DB": "/else.lix"}, inner) == Path("/else.lix")
    assert find_database("given.lix", {"LIX_DB": "/else.lix"}, inner) == Path("given.lix")


def test_two_databases_in_one_place_need_a_choice(work: Path) -> None:
    (work / "a.lix").touch()
    (work / "b.lix").touch()
    with pytest.raises(Failure, match=r"several databases: a\.lix, b\.lix"):
        find_database(None, {}, work)


def test_no_database(lix, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")  # the one directory with nothing above it
    done = lix("status", code=30)
    assert "no .lix file in" in done.err
    assert "lix init" in done.err
    assert "there is no database x.lix" in lix("--db", "x.lix", "status", code=30).err


def test_options_may_stand_anywhere(lix, work: Path) -> None:
    lix("init", "a.lix")
    lix("init", "b.lix")
    for arguments in (("--db", "a.lix", "branch"), ("branch", "--db", "a.lix")):
        assert "main" in lix(*arguments).out
    nearest = lix("--db", "missing.lix", "--csv", "branch", "--json", "--db", "b.lix")
    assert json.loads(nearest.out)[1]["name"] == "main"


def test_a_plain_database_is_left_alone(lix, work: Path) -> None:
    import apsw

    connection = apsw.Connection(str(work / "plain.db"))
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    before = (work / "plain.db").read_bytes()
    done = lix("--db", "plain.db", "status", code=30)
    assert "LIX_ERROR_NOT_INITIALIZED" in done.err
    assert (work / "plain.db").read_bytes() == before
    (work / "text.lix").write_text("no database at all" * 100)
    assert "LIX_ERROR_NOT_A_DATABASE" in lix("--db", "text.lix", "status", code=50).err


def test_init(lix, work: Path) -> None:
    assert lix("init", "new.lix").out == "created new.lix, on version main\n"
    assert "already" in lix("init", "new.lix").out
    assert lix("init", "new.lix", "--json").out.count("already there") == 1
    (work / "sub").mkdir()
    import apsw

    connection = apsw.Connection(str(work / "plain.db"))
    connection.execute("CREATE TABLE t (x); INSERT INTO t VALUES (7)")
    connection.close()
    assert "added version control to plain.db" in lix("init", "plain.db").out
    assert lix("--db", "plain.db", "sql", "--list", "SELECT x FROM t").out == "7\n"


def test_init_without_a_name_uses_that_of_the_directory(lix, work: Path, monkeypatch) -> None:
    lix("init")
    assert (work / "work.lix").exists()
    monkeypatch.setenv("LIX_DB", str(work / "other.lix"))
    lix("init", "--account", "Ann")
    assert lix("sql", "--list", "SELECT name FROM lix_account").out == "Ann\n"
    assert (work / "other.lix").exists()
