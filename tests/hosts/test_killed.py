"""Two hosts write to one file; one after the other is killed with -9, and nothing is lost."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest

import lix_vtab

ROOT = Path(__file__).parents[2]
MOST = 3000
"""Transactions a process writes unless it is killed before."""

APSW_WRITER = """
import sys, lix_vtab
path, name, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
with lix_vtab.open(path) as lix:
    lix.connection.set_busy_timeout(120_000)  # the shell lets go of the lock for moments only
    for n in range(rows):
        with lix.transaction():
            key, text = f"{name}/{n}", f"{name} wrote {n}".encode()
            lix.execute("INSERT INTO lix_key_value (key, value) VALUES (?, ?)", (key, n))
            lix.execute("INSERT INTO lix_file (path, data) VALUES (?, ?)", (f"/{key}.txt", text))
        print(n, flush=True)
"""

SHELL_TRANSACTION = (
    "BEGIN IMMEDIATE;"
    " INSERT INTO lix_key_value (key, value) VALUES ('{name}/{n}', {n});"
    " INSERT INTO lix_file (path, data) VALUES ('/{name}/{n}.txt', CAST('{name} wrote {n}' AS BLOB));"
    " COMMIT;\nSELECT {n};\n"
)


@dataclass
class Life:
    """One process from its start to its death: what it said was committed."""

    name: str
    process: subprocess.Popen[str]
    said: list[int] = field(default_factory=list)

    @property
    def answers(self) -> IO[str]:
        assert self.process.stdout
        return self.process.stdout

    def wait_for(self, transactions: int) -> None:
        """Wait until it has committed some more transactions."""
        for _ in range(transactions):
            line = self.answers.readline()
            assert line, f"{self.name} ended by itself"
            self.said.append(int(line))

    def kill(self) -> None:
        """Kill it, and hear its last words."""
        self.process.kill()
        whole = [line for line in self.answers if line.endswith("\n")]
        self.said += map(int, whole)
        self.process.wait()
        self.answers.close()


class Writers:
    """Starts processes that write to one file."""

    def __init__(self, path: str, program: str, extension: Path, scripts: Path) -> None:
        self._path = path
        self._program = program
        self._extension = extension
        self._scripts = scripts
        self.lives: list[Life] = []

    def start(self, kind: str) -> Life:
        """Start a process of a kind, `apsw` or `shell`."""
        name = f"{kind}{len(self.lives)}"
        process = self._apsw(name) if kind == "apsw" else self._shell(name)
        self.lives.append(Life(name, process))
        return self.lives[-1]

    def _apsw(self, name: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", APSW_WRITER, self._path, name, str(MOST)],
            stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    def _shell(self, name: str) -> subprocess.Popen[str]:
        script = self._scripts / f"{name}.sql"
        with script.open("w") as out:
            out.write(f".bail on\n.load {self._extension}\n.timeout 120000\n")
            out.writelines(SHELL_TRANSACTION.format(name=name, n=n) for n in range(MOST))
        with script.open() as given:
            return subprocess.Popen(
                [self._program, "-batch", self._path],
                stdin=given, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip


def in_the_file(lix: lix_vtab.Lix, name: str) -> int:
    """Return how many transactions of a process are there: the first ones, each as a whole."""
    rows = lix.execute(
        "SELECT key, value FROM lix_key_value WHERE key GLOB ? ORDER BY value", (f"{name}/*",)
    ).rows
    assert rows == [(f"{name}/{n}", n) for n in range(len(rows))]
    files = lix.execute("SELECT path, data FROM lix_file WHERE path GLOB ?", (f"/{name}/*",)).rows
    assert sorted(files) == sorted(
        (f"/{name}/{n}.txt", f"{name} wrote {n}".encode()) for n in range(len(rows))
    )
    return len(rows)


@pytest.mark.parametrize(
    "kills", [6, pytest.param(150, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_nothing_is_lost_when_hosts_are_killed(
    lix_extension: Path, tmp_path: Path, kills: int
) -> None:
    program = shutil.which("sqlite3")
    if program is None:
        pytest.skip("the sqlite3 shell is not installed")
    path = str(tmp_path / "app.lix")
    with lix_vtab.open(path) as lix:
        assert lix.connection.pragma("journal_mode") == "wal"
    moments = random.Random(kills)
    writers = Writers(path, program, lix_extension, tmp_path)
    running = {kind: writers.start(kind) for kind in ("apsw", "shell")}
    try:
        for kill in range(kills):
            kind = ("apsw", "shell")[kill % 2]
            running[kind].wait_for(moments.randint(1, 12))
            running[kind].kill()
            running[kind] = writers.start(kind)
        for life in running.values():
            life.wait_for(1)
    finally:
        for life in running.values():
            life.kill()
    with lix_vtab.open(path) as lix:
        assert lix.check() == []
        for life in writers.lives:
            assert life.said == list(range(len(life.said)))
            # the last one may have been committed without a chance to say so
            assert in_the_file(lix, life.name) - len(life.said) in (0, 1), life.name
        assert lix.connection.pragma("integrity_check") == "ok"
