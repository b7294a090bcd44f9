"""A process that writes until it is killed, saying on stdout what is committed.

Step `n` writes `ROWS[n % len(ROWS)]` rows named `s<n>-<i>` in one transaction, in a manner that
depends on `n`; once it is committed, the process prints `n`.
"""

from __future__ import annotations

import itertools
import os
import sys

import lix_vtab

SCHEMA = "crash_schema"
ROWS = (1, 2, 24, 1, 3, 200)
"""How many rows each kind of step writes."""

INSERT = (
    "INSERT INTO lix_state_by_version (entity_id, schema_key, file_id, version_id, plugin_key,"
    " schema_version, snapshot_content, untracked)"
    " SELECT 's' || :n || '-' || value, :schema, 'file-' || (:n % 17), :version, 'lix', '1',"
    " json_object('value', CAST(:n AS TEXT)), :untracked"
    " FROM json_each(:numbers)"
)


def insert(lix: lix_vtab.Lix, n: int, version: str, numbers: range, untracked: int = 0) -> None:
    lix.execute(
        INSERT,
        {
            "n": n,
            "schema": SCHEMA,
            "version": version,
            "untracked": untracked,
            "numbers": str(list(numbers)),
        },
    )


def step(lix: lix_vtab.Lix, n: int) -> None:
    kind, count = n % len(ROWS), ROWS[n % len(ROWS)]
    main = "main-line"
    if kind in (0, 5):  # one autocommit statement, small and large
        insert(lix, n, main, range(count))
        return
    with lix.transaction():
        if kind == 1:  # an update of what the step before wrote
            lix.execute(
                "UPDATE lix_state_by_version SET metadata = json_object('n', ?)"
                " WHERE entity_id LIKE ?",
                (n, f"s{n - 1}-%"),
            )
            insert(lix, n, main, range(count))
        elif kind == 2:  # two versions and both layers
            insert(lix, n, main, range(8))
            insert(lix, n, "global", range(8, 16))
            insert(lix, n, main, range(16, 24), 1)
        elif kind == 3:  # a branch, a row in it and its end
            lix.create_version(f"branch-{n}", id=f"branch-{n}", source=main)
            insert(lix, n, f"branch-{n}", range(count))
            lix.execute("UPDATE lix_version SET name = name || '!' WHERE id = ?", (f"branch-{n}",))
        else:  # something undone on the way, and a deletion
            lix.execute("SAVEPOINT undone")
            insert(lix, n, main, range(50))
            lix.execute("ROLLBACK TO undone")
            insert(lix, n, main, range(count + 1))
            lix.execute(f"DELETE FROM lix_state_by_version WHERE entity_id = 's{n}-{count}'")


def main(path: str, first: int) -> None:
    os.write(1, b"opening\n")
    with lix_vtab.open(path, internal=True) as lix:
        prepare(lix)
        for n in itertools.count(first):
            step(lix, n)
            os.write(1, b"%d\n" % n)


def prepare(lix: lix_vtab.Lix) -> None:
    """Create the schema and the version the steps write to, unless an earlier process did."""
    lix.execute("PRAGMA busy_timeout = 120000")
    if lix.execute("SELECT 1 FROM lix_version WHERE id = 'main-line'").rows:
        return
    with lix.transaction():
        lix.register_schema(
            {
                "x-lix-key": SCHEMA,
                "x-lix-version": "1",
                "type": "object",
                "properties": {"value": {"type": "string"}},
                "required": ["value"],
                "additionalProperties": False,
            }
        )
        lix.create_version("main-line", id="main-line")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
