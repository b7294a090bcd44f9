"""Random work that ends in death at a chosen point, as a model and as a process.

A run is a list of items: `["work", steps, end]` is a transaction, `["carry out"]` delivers effects.
Its end is a point like `["step", 2, 0]`: before step 0 of item 2. `Model` says what must be left;
run as a program this reads runs, forks for each, and lets the child do it until it is killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import lix_vtab

LEASE = 400.0
"""Seconds after which what a dead process had begun is certainly due again."""

Rows = dict[str, tuple[int, int]]
"""Values by key, each with the number of the write that made the row what it is."""

PUT = "INSERT OR REPLACE INTO lix_key_value (key, value) VALUES (?, ?)"
DELETE = "DELETE FROM lix_key_value WHERE key = ?"

Run = list[Any]
Point = list[Any]


class Died(Exception):
    """The model's way to die."""


@dataclass
class Emitted:
    """An effect as the outbox must have it."""

    payload: int
    state: str = "pending"
    attempts: int = 0


@dataclass
class Model:
    """What is durable, and what callbacks and handlers wrote down."""

    rows: Rows = field(default_factory=dict)
    writes: int = 0
    effects: dict[str, Emitted] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    batches: list[list[str]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)

    def run(self, items: Run, end: Point) -> bool:
        """Do a run and tell whether it was survived."""
        tries = 0
        try:
            for number, item in enumerate(items):
                if item[0] == "work":
                    self._work(number, item[1], item[2], end)
                else:
                    tries = self._carry_out(tries, end)
        except Died:
            return False
        return True

    def _work(self, number: int, steps: list[Any], last: str, end: Point) -> None:
        rows, emitted = dict(self.rows), dict(self.effects)
        marks: list[tuple[Rows, dict[str, Emitted]]] = []
        for place, step in enumerate(steps):
            die(end, "step", number, place)
            if step[0] == "put":
                if step[1] not in rows or rows[step[1]][0] != step[2]:
                    self.writes += 1
                    rows[step[1]] = (step[2], self.writes)
            elif step[0] == "delete":
                rows.pop(step[1], None)
            elif step[0] == "emit":
                emitted.setdefault(step[1], Emitted(step[2]))
            elif step[0] == "savepoint":
                marks.append((dict(rows), dict(emitted)))
            elif marks and step[0] == "undo":
                rows, emitted = dict(marks[-1][0]), dict(marks[-1][1])
            elif marks:
                marks.pop()
        die(end, "end", number)
        if last != "commit":
            return
        batch = difference(self.rows, rows)
        self.rows, self.effects = rows, emitted
        if batch:
            self.batches.append(batch)
            die(end, "call", number)
            self.calls.append(" ".join(batch))
            die(end, "called", number)

    def _carry_out(self, tries: int, end: Point) -> int:
        due = [key for key, effect in self.effects.items() if effect.state == "pending"]
        for key in [*due, *self.lost]:
            effect = self.effects[key]
            effect.state, effect.attempts = "running", effect.attempts + 1
            self.lost = [*(other for other in self.lost if other != key), key]
            die(end, "try", tries)
            self.tried.append(f"{key} {effect.attempts}")
            die(end, "tried", tries)
            effect.state = "done"
            self.lost.remove(key)
            tries += 1
        return tries


def difference(before: Rows, after: Rows) -> list[str]:
    """Say what a batch tells, as texts in order; a row that is written anew counts as changed."""
    found = []
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if new is None and old is not None:
            found.append(f"delete:{key}={old[0]}")
        elif new is not None and old != new:
            found.append(f"{'insert' if old is None else 'update'}:{key}={new[0]}")
    return sorted(found)


def told(batch: Any) -> list[str]:
    """Say the same of a batch."""
    return sorted(
        f"{c.operation}:{c.entity_id}={c.snapshot_content['value']}" for c in batch.changes
    )


def die(end: Point, *here: Any) -> None:
    """End the model when this is the point."""
    if end == [*here]:
        raise Died


def fall(end: Point, *here: Any) -> None:
    """End the process when this is the point, as nothing else could."""
    if end == [*here]:
        os.kill(os.getpid(), signal.SIGKILL)


class Mortal:
    """Does a run for real."""

    def __init__(self, folder: Path, end: Point) -> None:
        self.folder = folder
        self.end = end
        self.item = 0
        self.tries = 0

    def run(self, items: Run, ahead: float) -> None:
        with lix_vtab.open(self.folder / "app.lix") as lix:
            lix._effects.clock = lambda: time.time() + ahead
            lix.on_commit(self.called, schema_keys=["lix_key_value"])
            lix.on_effect("job", self.tried)
            for self.item, item in enumerate(items):
                if item[0] == "work":
                    self.work(lix, item[1], item[2])
                else:
                    lix.run_effects()

    def work(self, lix: lix_vtab.Lix, steps: list[Any], last: str) -> None:
        marks = 0
        lix.execute("BEGIN")
        for place, step in enumerate(steps):
            fall(self.end, "step", self.item, place)
            if step[0] == "put":
                lix.execute(PUT, step[1:])
            elif step[0] == "delete":
                lix.execute(DELETE, step[1:])
            elif step[0] == "emit":
                lix.emit("job", step[2], key=step[1])
            elif step[0] == "savepoint":
                lix.execute(f"SAVEPOINT s{marks}")
                marks += 1
            elif marks and step[0] == "undo":
                lix.execute(f"ROLLBACK TO s{marks - 1}")
            elif marks:
                marks -= 1
                lix.execute(f"RELEASE s{marks}")
        fall(self.end, "end", self.item)
        lix.execute("COMMIT" if last == "commit" else "ROLLBACK")

    def called(self, batch: Any) -> None:
        fall(self.end, "call", self.item)
        self.write("calls", " ".join(told(batch)))
        fall(self.end, "called", self.item)

    def tried(self, effect: Any) -> None:
        fall(self.end, "try", self.tries)
        self.write("tried", f"{effect.key} {effect.attempt}")
        fall(self.end, "tried", self.tries)
        self.tries += 1

    def write(self, name: str, text: str) -> None:
        with (self.folder / name).open("a") as file:
            file.write(f"{text}\n")


def in_a_child(do: Callable[[], None]) -> int:
    """Do something in a process of its own and return how that ended."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            do()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    # what is imported and compiled now need not be in every child
    lix_vtab.open().close()
    for line in sys.stdin:
        folder, items, end, ahead = json.loads(line)
        mortal = Mortal(Path(folder), end)
        print(in_a_child(partial(mortal.run, items, ahead)), flush=True)


if __name__ == "__main__":
    main()
