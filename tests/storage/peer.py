"""The other process: opens a database and does what it is told, one JSON line at a time.

A request is `[method, arguments, keywords]` of a `Lix`; the answer is `["ok", result]` or
`["error", code]`. `["loop", ...]` writes rows in a row, for tests that let two processes race.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import lix_vtab
from lix_vtab import errors

INSERT = (
    "INSERT INTO lix_state (entity_id, schema_key, file_id, plugin_key, schema_version,"
    " snapshot_content) VALUES (?, ?, ?, 'lix', '1', json_object('value', ?))"
)


def answer(lix: lix_vtab.Lix, method: str, arguments: list[Any], keywords: dict[str, Any]) -> Any:
    if method == "execute":
        return lix.execute(*arguments, **keywords).rows
    if method == "active_version":
        return lix.active_version.name
    if method == "loop":
        return loop(lix, *arguments)
    if method == "branches":
        return branches(lix, *arguments)
    result = getattr(lix, method)(*arguments, **keywords)
    return getattr(result, "id", result)


def loop(lix: lix_vtab.Lix, stem: str, schema: str, count: int) -> int:
    """Write `count` rows, every fifth in a transaction that reads before it writes."""
    for number in range(count):
        if number % 5:
            lix.execute(INSERT, (f"{stem}-{number}", schema, f"file-{number % 7}", str(number)))
            continue
        with lix.transaction() as tx:
            tx.execute("SELECT count(*) FROM lix_state")
            tx.execute(INSERT, (f"{stem}-{number}", schema, f"{stem}-{number}", str(number)))
    return count


def branches(lix: lix_vtab.Lix, stem: str, count: int) -> int:
    for number in range(count):
        lix.create_version(f"{stem}-{number}", id=f"{stem}-{number}")
    return count


def main(path: str, version: str) -> None:
    with lix_vtab.open(path, version=version or None, internal=True) as lix:
        lix.execute("PRAGMA busy_timeout = 120000")
        print(json.dumps(["ok", "open"]), flush=True)
        for line in sys.stdin:
            try:
                result = ["ok", answer(lix, *json.loads(line))]
            except errors.LixError as error:
                result = ["error", error.code]
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
