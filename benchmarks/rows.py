"""The rows every benchmark uses: about 110 bytes of JSON each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice

import lix_vtab

__all__ = ["COLUMNS", "INSERT", "VALUES", "Rows", "filled", "open_lix", "row"]

SCHEMA = {
    "x-lix-key": "bench_row",
    "x-lix-version": "1",
    "x-lix-primary-key": ["/id"],
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "name": {"type": "string"},
        "rank": {"type": "integer"},
        "text": {"type": "string"},
    },
    "required": ["id"],
    "additionalProperties": False,
}

COLUMNS = "entity_id, schema_key, file_id, plugin_key, schema_version, snapshot_content"
VALUES = "(?, 'bench_row', 'lix', 'lix', '1', ?)"
INSERT = f"INSERT INTO lix_state ({COLUMNS}) VALUES {VALUES}"


class Rows:
    """An endless supply of rows with ids nobody used yet."""

    def __init__(self) -> None:
        self._numbers = count()

    def take(self, number: int) -> list[tuple[str, str]]:
        """Return fresh (entity id, snapshot) pairs."""
        return list(islice(self, number))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for number in self._numbers:
            yield row(number)


def row(number: int) -> tuple[str, str]:
    """Return one row."""
    id = f"row-{number:08d}"
    text = "the quick brown fox jumps over the lazy dog"
    return id, f'{{"id":"{id}","name":"name {number}","rank":{number},"text":"{text}"}}'


def open_lix(path: str = ":memory:") -> lix_vtab.Lix:
    """Open a lix that knows the schema of the rows."""
    lix = lix_vtab.open(path)
    lix.register_schema(SCHEMA)
    return lix


def filled(number: int, path: str = ":memory:") -> tuple[lix_vtab.Lix, Rows]:
    """Return a lix with `number` rows in its active version, and the supply they came from."""
    lix, rows = open_lix(path), Rows()
    with lix.transaction():
        lix.connection.executemany(INSERT, rows.take(number))
    return lix, rows
