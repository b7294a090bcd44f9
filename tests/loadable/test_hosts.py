"""Real hosts, each in a process of its own: the shell, Python's sqlite3, a C program, Node."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CLEAN = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
"""No variable of the test's own Python may help the extension to find its environment."""


def run(*command, given="", cwd=None, env=CLEAN, ok=True):
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, cwd=cwd, env=env, timeout=120
    )
    if ok:
        assert done.returncode == 0, done.stderr
    return done


# ---- the shell -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def shell():
    program = shutil.which("sqlite3")
    if program is None:
        pytest.skip("the sqlite3 shell is not installed")
    if tuple(map(int, run(program, "--version").stdout.split()[0].split("."))) < (3, 40):
        pytest.skip("the sqlite3 shell is older than 3.40")
    return program


@pytest.fixture
def script(shell, extension, tmp_path):
    """Run lines in the shell on a file and return what it prints."""

    def play(lines, **options):
        lines = f".load {extension}\n" + textwrap.dedent(lines)
        return run(shell, "-batch", "file.db", given=lines, cwd=tmp_path, **options)

    return play


CREATE = "CREATE VIRTUAL TABLE t USING sample(a, b, c);\n"


def test_shell_selects_in_its_own_modes(script):
    lines = f"""\
        {CREATE}
        INSERT INTO t VALUES (1, 'é', 1.5), (2, NULL, x'00');
        .mode json
        SELECT a, b FROM t;
        .mode csv
        .headers on
        SELECT a, typeof(c) AS kind FROM t;
        """
    json_rows, csv_rows = script(lines).stdout.split("]\n")
    assert json.loads(json_rows + "]") == [{"a": 1, "b": "é"}, {"a": 2, "b": None}]
    assert csv_rows.split() == ["a,kind", "1,real", "2,blob"]


def test_shell_lists_and_dumps(script):
    lines = f"{CREATE}CREATE TABLE plain(x);\nINSERT INTO plain VALUES (7);\n"
    out = script(lines + ".tables\n.schema t\n.dump plain\nPRAGMA table_info(t);\n").stdout
    assert "plain  t" in out
    assert "CREATE VIRTUAL TABLE t USING sample(a, b, c)" in out
    assert "INSERT INTO plain VALUES(7);" in out
    assert "0|a||0||0\n1|b||0||0" in out


def test_shell_imports_into_a_table(script, tmp_path):
    (tmp_path / "rows.csv").write_text("1,one,x\n2,two,y\n")
    assert (
        script(CREATE + ".import --csv rows.csv t\nSELECT * FROM t;\n").stdout
        == "1|one|x\n2|two|y\n"
    )


def test_shell_shows_an_error_and_goes_on(script):
    lines = f"""\
        {CREATE}
        BEGIN;
        INSERT INTO t VALUES (1, 0, 0);
        INSERT INTO t VALUES (2, 0, 0), (1, 0, 0);
        INSERT INTO t VALUES (3, 0, 0);
        COMMIT;
        SELECT a FROM t;
        """
    done = script(lines, ok=False)
    assert done.stdout == "1\n3\n"
    assert "LIX_ERROR_UNIQUE: t.a = 1 is taken (choose another a) (19)" in done.stderr


def test_shell_closes_and_opens_databases(script):
    lines = (
        f"{CREATE}INSERT INTO t VALUES (1, 0, 0);\nSELECT a FROM t;\n.open other.db\nSELECT 2;\n"
    )
    done = script(lines)
    assert done.stdout == "1\n2\n"
    assert done.stderr == ""


def test_shell_meets_the_table_again(script, shell, tmp_path):
    script(CREATE)
    assert script("SELECT count(*) FROM t;\nSELECT sample_log();\n").stdout.startswith("0\nConnect")
    without = run(shell, "-batch", "file.db", given="SELECT * FROM t;", cwd=tmp_path, ok=False)
    assert "no such module: sample" in without.stderr


def test_shell_is_interrupted_by_control_c(script):
    """The shell's own signal handler stays in force, and stops Python code that asks."""
    done = script("SELECT sample_control_c();\n", ok=False)
    assert "stopped in Python (9)" in done.stderr


def test_shell_finds_its_environment_whatever_the_variables_say(script):
    misleading = CLEAN | {"PYTHONHOME": "/nowhere", "PYTHONPATH": "/nowhere", "PYTHONSTARTUP": "x"}
    assert script("SELECT sample_type(1);\n", env=misleading).stdout == "int\n"


# ---- Python's own sqlite3 ------------------------------------------------------------------------

PYTHON_HOST = """
import json, sqlite3, sys
extension, directory = sys.argv[1:]
connection = sqlite3.connect(directory + "/stock.db")
connection.enable_load_extension(True)
connection.load_extension(extension)
connection.execute("CREATE VIRTUAL TABLE t USING sample(a, b, c)")
connection.executemany("INSERT INTO t VALUES (?, ?, ?)", [(1, "é", b"x"), (2, None, 1.5)])
connection.commit()
found = {"rows": [list(map(repr, row)) for row in connection.execute("SELECT * FROM t")]}
try:
    connection.execute("INSERT INTO t VALUES (1, 2, 3)")
except sqlite3.IntegrityError as error:
    found["error"] = [str(error), error.sqlite_errorname]
connection.rollback()
import apsw  # the extension has made it importable
other = apsw.Connection(directory + "/apsw.db")
import loadable_sample
loadable_sample.register(other)
other.execute("CREATE VIRTUAL TABLE t USING sample(a, b, c); INSERT INTO t VALUES (9, 9, 9)")
found["apsw"] = other.execute("SELECT a FROM t").get
found["stock"] = connection.execute("SELECT group_concat(a) FROM t").fetchone()[0]
found["two libraries"] = other.execute("SELECT sqlite_version()").get != sqlite3.sqlite_version
other.close()
connection.close()
print(json.dumps(found))
"""


def python_hosts():
    """Return interpreters of the same version whose sqlite3 loads extensions."""
    probe = (
        "import sqlite3, sys; sqlite3.connect(':memory:').enable_load_extension(True);"
        "assert sqlite3.sqlite_version_info >= (3, 40);"
        f"assert sys.version_info[:2] == {sys.version_info[:2]}"
    )
    candidates = [sys.executable, "/usr/bin/python3", shutil.which("python3")]
    return [
        program
        for program in dict.fromkeys(filter(None, candidates))
        if Path(program).exists() and not run(program, "-c", probe, ok=False).returncode
    ]


def test_python_s_own_sqlite3(extension, tmp_path):
    programs = python_hosts()
    if not programs:
        pytest.skip("no Python of this version has an sqlite3 that loads extensions")
    for n, program in enumerate(programs):
        directory = tmp_path / str(n)
        directory.mkdir()
        found = json.loads(
            run(program, "-I", "-c", PYTHON_HOST, str(extension), str(directory)).stdout
        )
        assert found.pop("two libraries") in (True, False)
        assert found == {
            "rows": [["1", "'é'", "b'x'"], ["2", "None", "1.5"]],
            "error": ["LIX_ERROR_UNIQUE: t.a = 1 is taken (choose another a)", "SQLITE_CONSTRAINT"],
            "apsw": 9,
            "stock": "1,2",
        }


# ---- C and Node ----------------------------------------------------------------------------------


def test_a_c_program(extension, tmp_path):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    program = tmp_path / "host"
    built = run(compiler, "-O1", "-pthread", HERE / "host.c", "-o", program, "-lsqlite3", ok=False)
    if "sqlite3.h" in built.stderr or "lsqlite3" in built.stderr:
        pytest.skip("the development files of SQLite are not installed")
    assert built.returncode == 0, built.stderr
    assert run(program, extension).stdout.split() == ["1200"] * 5


NODE_HOST = """
const extension = process.argv[process.argv.length - 1];
let db;
try {
  const { DatabaseSync } = require('node:sqlite');
  db = new DatabaseSync(':memory:', { allowExtension: true });
} catch {
  try { db = new (require('better-sqlite3'))(':memory:'); } catch { process.exit(77); }
}
db.loadExtension(extension);
db.exec('CREATE VIRTUAL TABLE t USING sample(a, b, c)');
db.prepare('INSERT INTO t VALUES (?, ?, ?)').run(1, 'é', null);
let error;
try { db.exec('INSERT INTO t VALUES (1, 2, 3)'); } catch (e) { error = e.message; }
console.log(JSON.stringify({ error, rows: db.prepare('SELECT a, b, c FROM t').all() }));
db.close();
"""


def test_node(extension):
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    places = {name: os.environ[name] for name in ("NODE_PATH",) if name in os.environ}
    done = run(node, "-e", NODE_HOST, "--", extension, env=CLEAN | places, ok=False)
    if done.returncode == 77:
        pytest.skip("neither node:sqlite nor better-sqlite3 (NODE_PATH) can be loaded")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "error": "LIX_ERROR_UNIQUE: t.a = 1 is taken (choose another a)",
        "rows": [{"a": 1, "b": "é", "c": None}],
    }
