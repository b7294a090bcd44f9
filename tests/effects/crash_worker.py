"""A process that commits, emits and carries out effects until it is killed.

Step `n` writes the row `k<n>` and emits the effect `e<n>` in one transaction, beside others it takes
back; every fifth step takes everything back. `calls` gets a line for each callback, `done` one for
each effect that is carried out; once a step is over, the process prints its number.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import time
from pathlib import Path
from typing import Any

import lix_vtab

INSERT = "INSERT INTO lix_key_value (key, value) VALUES (?, ?)"


class TakenBack(Exception):
    """Ends a step that is not to be committed."""


def step(lix: lix_vtab.Lix, n: int) -> None:
    with lix.transaction() as transaction:
        transaction.execute(INSERT, (f"k{n}", n))
        lix.emit("job", n, key=f"e{n}")
        transaction.execute("SAVEPOINT undone")
        transaction.execute(INSERT, (f"undone{n}", n))
        lix.emit("job", -n, key=f"undone{n}")
        transaction.execute("ROLLBACK TO undone")
        if n % 5 == 0:
            raise TakenBack


def line(path: Path, text: str) -> None:
    """Append a line in one write, which a kill cannot cut in two."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{text}\n".encode())
    os.close(file)


def told(path: Path, batch: Any) -> None:
    for change in batch.changes:
        line(path, change.entity_id)


def carry_out(path: Path, effect: Any) -> None:
    line(path, f"{effect.key} {effect.attempt}")


def main(folder: Path, first: int, ahead: float) -> None:
    with lix_vtab.open(folder / "app.lix") as lix:
        # what a killed process had begun is not waited for
        lix._effects.clock = lambda: time.time() + ahead
        lix.on_commit(lambda batch: told(folder / "calls", batch), schema_keys=["lix_key_value"])
        lix.on_effect("job", lambda effect: carry_out(folder / "done", effect))
        os.write(1, b"begin\n")
        for n in itertools.count(first):
            with contextlib.suppress(TakenBack):
                step(lix, n)
            if n % 3 == 0:
                lix.run_effects()
            os.write(1, b"%d\n" % n)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
