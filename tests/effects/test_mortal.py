"""Random transactions, savepoints, rollbacks and deaths: what was committed is delivered, in order.

Callbacks die with their process; effects do not: each comes until it was carried out to the end.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import lix_vtab
from tests.effects.mortal import LEASE, Model, told

ROOT = Path(__file__).parents[2]

KEYS = st.sampled_from(["a", "b", "c"])
STEPS = st.one_of(
    st.tuples(st.just("put"), KEYS, st.integers(0, 3)),
    st.tuples(st.just("put"), KEYS, st.integers(0, 3)),
    st.tuples(st.just("delete"), KEYS),
    st.tuples(st.just("emit"), st.sampled_from(["e1", "e2", "e3", "e4"]), st.integers(0, 9)),
    st.sampled_from([("savepoint",), ("undo",), ("release",)]),
).map(list)
ITEMS = st.one_of(
    st.tuples(
        st.just("work"),
        st.lists(STEPS, min_size=1, max_size=6),
        st.sampled_from(["commit", "commit", "commit", "rollback"]),
    ),
    st.just(("carry out",)),
).map(list)
ENDS = st.one_of(
    st.tuples(st.just("step"), st.integers(0, 2), st.integers(0, 3)),
    st.tuples(st.sampled_from(["end", "call", "called", "try", "tried"]), st.integers(0, 2)),
    st.just(("never",)),
).map(list)
RUNS = st.lists(
    st.tuples(st.lists(ITEMS, min_size=1, max_size=5), ENDS).map(list), min_size=1, max_size=4
)

_EMIT = [["emit", "e1", 1], ["emit", "e2", 2], ["put", "a", 1], ["emit", "e1", 3]]
_THROUGHOUT = [
    [[["work", _EMIT, "commit"]], ["step", 0, 3]],
    [[["work", _EMIT, "commit"], ["carry out"]], ["call", 0]],
    [[["carry out"]], ["try", 0]],
    [[["work", [["put", "a", 2], ["emit", "e3", 4]], "commit"], ["carry out"]], ["tried", 1]],
    [[["carry out"], ["work", [["delete", "a"]], "commit"]], ["called", 1]],
    [[["carry out"]], ["never"]],
]


class Mortals:
    """A process that forks one for each run, which is faster than starting them."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.effects.mortal"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *what: Any) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@pytest.fixture(scope="module")
def mortals() -> Iterator[Mortals]:
    made = Mortals()
    with made.process:
        yield made
        assert made.process.stdin is not None
        made.process.stdin.close()
    assert made.process.returncode == 0


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def compare(folder: Path, model: Model) -> None:
    """Compare everything that is durable with the model."""
    with lix_vtab.open(folder / "app.lix") as lix:
        assert lix.check() == []
        found = lix.execute("SELECT key, value FROM lix_key_value WHERE key IN ('a', 'b', 'c')")
        assert dict(found.rows) == {key: value for key, (value, _) in model.rows.items()}
        outbox = lix.execute(
            "SELECT key, CAST(payload AS INTEGER), state, attempts FROM lix_effect ORDER BY rowid"
        )
        assert outbox.rows == [
            (key, e.payload, e.state, e.attempts) for key, e in model.effects.items()
        ]
        with lix.commits(entity_ids=["a", "b", "c"], since=0) as stream:
            assert [told(batch) for batch in iter(stream.try_next, None)] == model.batches
    assert lines(folder / "calls") == model.calls
    assert lines(folder / "tried") == model.tried


def check(mortals: Mortals, runs: list[Any]) -> None:
    model = Model()
    with TemporaryDirectory() as name:
        for number, (items, end) in enumerate([*runs, [[["carry out"]], ["never"]]]):
            survived = model.run(items, end)
            status = mortals.run(name, items, end, LEASE * (number + 1))
            assert status == (0 if survived else -9)
            compare(Path(name), model)
    assert {effect.state for effect in model.effects.values()} <= {"done"}
    assert {text.split()[0] for text in model.tried} == model.effects.keys()


@settings(max_examples=25)
@example(_THROUGHOUT)
@given(RUNS)
def test_what_was_committed_is_delivered_whenever_the_process_dies(mortals, runs):
    check(mortals, runs)


@pytest.mark.slow
@settings(max_examples=500)
@given(RUNS)
def test_what_was_committed_is_delivered_whenever_the_process_dies_at_length(mortals, runs):
    check(mortals, runs)
