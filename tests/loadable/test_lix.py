"""lix_vtab itself in stock hosts: the entry point of the shipped extension, not the sample's."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import threading

import apsw
import pytest
from loadable_hosts import Refused, SystemHost, system_sqlite

import lix_vtab
from lix_vtab.loadable import build


class LixHost(SystemHost):
    """A stock host with lix_vtab in it."""

    def adopt(self):
        """Keep the sample's hands off: this entry point has its own."""


@pytest.fixture(scope="session")
def lix_extension(built, tmp_path_factory):
    directory = tmp_path_factory.mktemp("lix")
    for name in (build.bootstrap_name(), build.shim_name()):
        shutil.copy(built / name, directory)
    build.write_settings(directory)
    return directory / build.bootstrap_name()


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "app.lix")


@pytest.fixture
def stock(lix_extension, path):
    if system_sqlite() is None:
        pytest.skip("no SQLite library >= 3.40 with extension loading on this machine")
    host = LixHost(lix_extension, path)
    yield host
    host.close()


@pytest.fixture
def shell(lix_extension, path):
    program = shutil.which("sqlite3")
    if program is None:
        pytest.skip("the sqlite3 shell is not installed")

    def play(script, ok=True):
        done = subprocess.run(
            [program, "-batch", path],
            input=f".load {lix_extension}\n{script}",
            capture_output=True,
            text=True,
            timeout=120,
        )
        if ok:
            assert (done.returncode, done.stderr) == (0, "")
        return done

    return play


PUT = "INSERT INTO lix_key_value(key, value) VALUES ('{0}', '{0}');\n"
TIPS = "SELECT id, commit_id, working_commit_id FROM lix_version ORDER BY id"
KEYS = "SELECT key FROM lix_key_value WHERE key IN ({0}) ORDER BY key;\n"


def test_a_stock_host_makes_a_lix(stock, path):
    stock.run(PUT.format("a"))
    assert stock.run(KEYS.format("'a', 'b'")) == [("a",)]
    assert stock.run("SELECT name FROM lix_version ORDER BY name") == [("global",), ("main",)]


def test_apsw_reads_what_a_stock_host_wrote(stock, path):
    """Not at the same time: two SQLite libraries in one process must not share a file."""
    stock.run("BEGIN;" + PUT.format("a") + PUT.format("b") + "COMMIT")
    seen = stock.run("SELECT entity_id, snapshot_content, change_id FROM lix_state ORDER BY 1, 2")
    stock.close()
    stock.close = lambda: None
    lix = lix_vtab.open(path)
    mine = lix.execute("SELECT entity_id, snapshot_content, change_id FROM lix_state ORDER BY 1, 2")
    assert list(mine) == seen
    assert lix.check() == []
    lix.close()


def test_writes_follow_the_host_s_transaction(stock):
    stock.run(PUT.format("kept"))
    before = stock.run(TIPS)
    stock.run("BEGIN")
    stock.run(PUT.format("dropped"))
    stock.run("SAVEPOINT s")
    stock.run("DELETE FROM lix_key_value WHERE key = 'kept'")
    stock.run("ROLLBACK TO s")
    assert stock.run(KEYS.format("'kept', 'dropped'")) == [("dropped",), ("kept",)]
    stock.run("ROLLBACK")
    assert stock.run(KEYS.format("'kept', 'dropped'")) == [("kept",)]
    assert stock.run(TIPS) == before


def test_a_refused_row_has_a_code_and_leaves_nothing(stock):
    stock.run(PUT.format("a"))
    before = stock.run(TIPS)
    with pytest.raises(Refused, match=r"^LIX_ERROR_UNIQUE: ") as caught:
        stock.run("INSERT INTO lix_key_value(key, value) VALUES ('b', '1'), ('c', '2'), ('a', '3')")
    assert caught.value.code == apsw.SQLITE_CONSTRAINT
    assert stock.run(KEYS.format("'a', 'b', 'c'")) == [("a",)]
    assert stock.run(TIPS) == before


def test_the_shell_runs_a_session(shell):
    out = shell(
        PUT.format("a")
        + "BEGIN;\n"
        + PUT.format("b")
        + "UPDATE lix_key_value SET value = 'x' WHERE key = 'b';\nCOMMIT;\n"
        ".mode json\n"
        "SELECT key, value FROM lix_key_value WHERE key IN ('a', 'b') ORDER BY key;\n"
        ".mode list\n"
        "PRAGMA integrity_check;\n"
        "SELECT count(*) FROM lix_check;\n"
    ).stdout
    assert out == '[{"key":"a","value":"a"},\n{"key":"b","value":"x"}]\nok\n0\n'


def test_the_shell_s_dot_commands_work(shell):
    shell(PUT.format("a"))
    assert "lix_key_value" in shell(".tables").stdout
    assert "CREATE VIRTUAL TABLE" in shell(".schema lix_state").stdout
    assert shell(".dump").stdout.endswith("COMMIT;\n")


def test_shell_and_apsw_take_turns(shell, path):
    lix = lix_vtab.open(path)
    for n in range(3):
        lix.execute(PUT.format(f"apsw{n}"))
        shell(PUT.format(f"shell{n}"))
    assert lix.execute("SELECT count(*) FROM lix_key_value WHERE key LIKE 'apsw_'").rows == [(3,)]
    assert lix.execute("SELECT count(*) FROM lix_key_value WHERE key LIKE 'shell_'").rows == [(3,)]
    assert lix.check() == []
    lix.close()


def test_a_killed_shell_loses_nothing_it_had_committed(lix_extension, path):
    program = shutil.which("sqlite3")
    if program is None:
        pytest.skip("the sqlite3 shell is not installed")
    writes = "".join(f"{PUT.format(f'k{n}')}SELECT {n};\n" for n in range(500))
    process = subprocess.Popen(
        [program, "-batch", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    feeder = threading.Thread(target=feed, args=(process, f".load {lix_extension}\n{writes}"))
    feeder.start()
    done = [int(process.stdout.readline()) for _ in range(60)]
    process.kill()
    process.wait()
    feeder.join()
    process.stdout.close()
    lix = lix_vtab.open(path)
    kept = {key for (key,) in lix.execute("SELECT key FROM lix_key_value WHERE key LIKE 'k%'")}
    assert kept >= {f"k{n}" for n in done}
    assert lix.check() == []
    lix.execute(PUT.format("after"))
    lix.close()


def feed(process, script):
    """Write until the reader is dead."""
    with contextlib.suppress(OSError):
        process.stdin.write(script)
        process.stdin.flush()
    with contextlib.suppress(OSError):
        process.stdin.close()
