"""An APSW process and the stock shell write to one file in WAL mode at the same time."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lix_vtab

ROOT = Path(__file__).parents[2]
EACH = 800

APSW_WRITER = """
import sys, time, lix_vtab
path, rows = sys.argv[1], int(sys.argv[2])
theirs = "SELECT count(*) FROM lix_key_value WHERE key GLOB 'shell*'"
with lix_vtab.open(path) as lix:
    lix.connection.set_busy_timeout(120_000)  # the shell lets go of the lock for moments only
    for n in range(rows):
        lix.execute("INSERT INTO lix_key_value (key, value) VALUES (?, ?)", (f"apsw{n}", n))
        if n == 0:
            print("begun", flush=True)
        while n == rows // 2 and lix.execute(theirs).rows == [(0,)]:
            time.sleep(0.001)
"""


def test_nothing_is_lost(lix_extension: Path, tmp_path: Path) -> None:
    program = shutil.which("sqlite3")
    if program is None:
        pytest.skip("the sqlite3 shell is not installed")
    path = str(tmp_path / "app.lix")
    with lix_vtab.open(path) as lix:
        assert lix.connection.pragma("journal_mode") == "wal"
    ours = subprocess.Popen(
        [sys.executable, "-c", APSW_WRITER, path, str(EACH)],
        stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    theirs = subprocess.Popen(
        [program, "-batch", path],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert ours.stdout
    assert theirs.stdin
    assert theirs.stdout
    theirs.stdin.write(
        f".load {lix_extension}\n.timeout 120000\nSELECT count(*) > 0 FROM lix_version;\n"
    )
    theirs.stdin.flush()
    assert theirs.stdout.readline() == "1\n"
    assert ours.stdout.readline() == "begun\n"
    inserts = "".join(
        f"INSERT INTO lix_key_value (key, value) VALUES ('shell{n}', {n});\n" for n in range(EACH)
    )
    _, shell_errors = theirs.communicate(inserts, timeout=240)
    ours.communicate(timeout=240)
    assert (ours.returncode, shell_errors) == (0, "")
    with lix_vtab.open(path) as lix:
        count = "SELECT count(*), sum(value) FROM lix_key_value WHERE key GLOB ?"
        expected = [(EACH, EACH * (EACH - 1) // 2)]
        assert lix.execute(count, ("apsw*",)).rows == expected
        assert lix.execute(count, ("shell*",)).rows == expected
        own = "SELECT change_id FROM lix_state WHERE schema_key = 'lix_key_value' AND entity_id GLOB ?"
        first, second = (lix.execute(own, (pattern,)).rows for pattern in ("apsw*", "shell*"))
        assert min(first) < max(second), "they did not write at the same time"
        assert min(second) < max(first), "they did not write at the same time"
        assert lix.check() == []
