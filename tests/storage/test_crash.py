"""kill -9 in the middle of writing: what was acknowledged is there, the rest is whole or absent."""

from __future__ import annotations

import random
import re
import select
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import lix_vtab
from tests.storage.crash_writer import ROWS, SCHEMA

ROOT = Path(__file__).parents[2]


class Writer:
    """A writing child process and the acknowledgements it gave."""

    def __init__(self, path: Path, first: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.storage.crash_writer", str(path), str(first)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        self.stdout = self.process.stdout
        assert self.stdout.readline() == b"opening\n", self.failure()

    def read(self, count: int) -> list[int]:
        """Wait for `count` acknowledgements."""
        lines = [self.stdout.readline() for _ in range(count)]
        assert all(lines), self.failure()
        return [int(line) for line in lines]

    def failure(self) -> str:
        return self.process.communicate()[1].decode()

    def kill(self, delay: float) -> list[int]:
        """Kill after `delay` seconds; return what it acknowledged meanwhile."""
        # Nothing ever becomes readable on the error channel, so this waits without missing a line.
        select.select([self.process.stderr], [], [], delay)
        self.process.kill()
        rest, errors = self.process.communicate()
        assert self.process.returncode == -9, errors.decode()
        return [int(line) for line in rest.split(b"\n")[:-1]]


def found(lix: lix_vtab.Lix) -> Counter[int]:
    """Count the rows of each step, where each row was written."""
    names = lix.execute(
        "SELECT entity_id FROM lix_state_by_version"
        " WHERE schema_key = ? AND inherited_from_version_id IS NULL"
        " AND (version_id IN ('main-line', 'global') OR version_id = 'branch-' ||"
        " substr(entity_id, 2, instr(entity_id, '-') - 2))",
        (SCHEMA,),
    )
    return Counter(int(re.split("[s-]", name)[1]) for (name,) in names)


def verify(path: Path, acknowledged: set[int]) -> int:
    """Reopen and check everything; return the number of the last step that is there."""
    with lix_vtab.open(str(path), internal=True) as lix:
        assert lix.check() == []
        assert lix.execute("PRAGMA integrity_check").rows == [("ok",)]
        counts = found(lix)
        assert acknowledged <= set(counts)
        for n, count in counts.items():
            assert count == ROWS[n % len(ROWS)], f"step {n} is there in part"
        updates = lix.execute(
            "SELECT DISTINCT json_extract(metadata, '$.n') FROM lix_change"
            " WHERE schema_key = ? AND metadata IS NOT NULL",
            (SCHEMA,),
        )
        updated = {n for (n,) in updates}
        updates_done = {n for n in acknowledged if n % len(ROWS) == 1 and n - 1 in counts}
        assert updates_done <= updated
        branches = {v for (v,) in lix.execute("SELECT id FROM lix_version WHERE name LIKE '%!'")}
        assert {f"branch-{n}" for n in acknowledged if n % len(ROWS) == 3} <= branches
        return max(counts, default=0)


def survive(path: Path, kills: int, seed: int = 0) -> None:
    draw = random.Random(seed)
    acknowledged: set[int] = set()
    last = 0
    for _ in range(kills):
        writer = Writer(path, last + 1)
        acknowledged.update(writer.read(draw.randint(1, 14)))
        acknowledged.update(writer.kill(draw.random() * 0.01))
        last = verify(path, acknowledged)
    assert len(acknowledged) >= kills


def test_killed_while_writing(tmp_path: Path) -> None:
    survive(tmp_path / "app.lix", 15)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_killed_while_writing_two_hundred_times(tmp_path: Path, seed: int) -> None:
    """Ten databases of twenty kills, since every kill is followed by a check of everything."""
    survive(tmp_path / "app.lix", 20, seed)


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.03, 0.1])
def test_killed_while_creating_the_database(tmp_path: Path, delay: float) -> None:
    """Whatever the first process left behind, the next one opens a sound and empty database."""
    path = tmp_path / "app.lix"
    acknowledged = set(Writer(path, 1).kill(delay))
    verify(path, acknowledged)
    with lix_vtab.open(str(path)) as lix:
        names = {name for (name,) in lix.execute("SELECT name FROM lix_version")}
        assert {"global", "main"} <= names
    writer = Writer(path, max(acknowledged, default=0) + 10)
    again = set(writer.read(3)) | set(writer.kill(0))
    verify(path, acknowledged | again)


def test_killed_while_a_reader_is_attached(tmp_path: Path) -> None:
    """A session that stays open across the crash sees the acknowledged rows, not half a step."""
    path = tmp_path / "app.lix"
    writer = Writer(path, 1)
    acknowledged = set(writer.read(3))
    with lix_vtab.open(str(path), internal=True) as reader:
        acknowledged.update(writer.read(5))
        acknowledged.update(writer.kill(0.002))
        counts = found(reader)
        assert acknowledged <= set(counts)
        assert all(count == ROWS[n % len(ROWS)] for n, count in counts.items())
        reader.execute("UPDATE lix_version SET name = 'still writable' WHERE id = 'main-line'")
        assert reader.check() == []
