"""kill -9 between commit and delivery: what is delivered is what was committed, in order."""

from __future__ import annotations

import random
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

import lix_vtab

ROOT = Path(__file__).parents[2]
LEASE = 400.0
"""Seconds after which what a killed process had begun is certainly due again."""


def run_and_kill(folder: Path, first: int, ahead: float, acks: int, delay: float) -> list[int]:
    """Let a worker finish so many steps, kill it a moment later; return all it finished."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.effects.crash_worker", str(folder), str(first), str(ahead)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(acks + 1)]
    # nothing ever becomes readable on the error channel: this only waits
    select.select([process.stderr], [], [], delay)
    process.kill()
    rest, errors = process.communicate()
    assert process.returncode == -9, errors.decode()
    assert lines[0] == b"begin\n", errors.decode()
    return [int(text) for text in (*lines[1:], *rest.split(b"\n")) if text]


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def committed(lix: lix_vtab.Lix) -> list[int]:
    """Return the steps whose row is there, in the order of their commits."""
    with lix.commits(schema_keys=["lix_key_value"], since=0) as stream:
        found = []
        while (batch := stream.try_next()) is not None:
            names = [change.entity_id for change in batch.changes]
            if names[0].startswith("k"):
                assert len(names) == 1
                found.append(int(names[0][1:]))
    rows = lix.execute("SELECT value FROM lix_key_value WHERE key LIKE 'k%' ORDER BY value").rows
    assert found == [n for (n,) in rows]
    return found


def verify(folder: Path, finished: set[int]) -> int:
    """Compare rows, effects, stream and callbacks; return the last step that is there."""
    with lix_vtab.open(folder / "app.lix") as lix:
        assert lix.check() == []
        steps = committed(lix)
        assert {n for n in finished if n % 5} <= set(steps)
        assert all(n % 5 for n in steps)
        emitted = lix.execute("SELECT key FROM lix_effect ORDER BY rowid").rows
        assert emitted == [(f"e{n}",) for n in steps]
        calls = lines_of(folder / "calls")
        assert calls == sorted(set(calls), key=lambda name: int(name[1:]))
        assert set(calls) <= {f"k{n}" for n in steps}
        assert {f"k{n}" for n in finished if n % 5} <= set(calls)
        done = [key for (key,) in lix.execute("SELECT key FROM lix_effect WHERE state = 'done'")]
        carried_out = [text.split()[0] for text in lines_of(folder / "done")]
        assert set(done) <= set(carried_out) <= {key for (key,) in emitted}
        return max(steps, default=0)


def finish(folder: Path, ahead: float) -> None:
    """Carry out what is left: then each effect was carried out, and first tries in order."""
    with lix_vtab.open(folder / "app.lix") as lix:
        lix._effects.clock = lambda: time.time() + ahead
        tried = [tuple(text.split()) for text in lines_of(folder / "done")]
        lix.on_effect("job", lambda effect: tried.append((effect.key, str(effect.attempt))))
        assert lix.run_effects(100_000).failures == ()
        assert lix.execute("SELECT DISTINCT state FROM lix_effect").rows == [("done",)]
        steps = committed(lix)
        assert {key for key, _ in tried} == {f"e{n}" for n in steps}
        first = [int(key[1:]) for key, attempt in tried if attempt == "1"]
        assert first == sorted(set(first))
        for key in {key for key, _ in tried}:
            attempts = [int(attempt) for other, attempt in tried if other == key]
            assert attempts == sorted(set(attempts))


def survive(folder: Path, kills: int, seed: int) -> None:
    draw = random.Random(seed)
    finished: set[int] = set()
    last = 0
    for number in range(kills):
        ahead = LEASE * (number + 1)
        acks = draw.randint(1, 12)
        finished.update(run_and_kill(folder, last + 1, ahead, acks, draw.random() * 0.01))
        last = max(verify(folder, finished), max(finished))
    assert len(finished) >= kills
    finish(folder, LEASE * (kills + 1))


def test_killed_between_commit_and_delivery(tmp_path: Path) -> None:
    survive(tmp_path, 8, 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_killed_between_commit_and_delivery_a_hundred_times(tmp_path: Path, seed: int) -> None:
    survive(tmp_path, 20, seed)
