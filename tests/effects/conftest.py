"""A `lix` that may write raw rows, and short ways to do so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import lix_vtab

RAW = (
    "INSERT INTO lix_internal_state_vtable (entity_id, schema_key, file_id, version_id, plugin_key,"
    " snapshot_content, schema_version, untracked) VALUES (?1, 'lix_key_value', 'lix', ?3, 'lix',"
    " ?2, '1', ?4)"
)


def put(
    lix: lix_vtab.Lix,
    key: str,
    value: Any = "v",
    *,
    version: str = "global",
    untracked: bool = False,
    **options: Any,
) -> None:
    """Write a key value through the raw table, which overwrites."""
    content = json.dumps({"key": key, "value": value})
    lix.execute(RAW, (key, content, version, int(untracked)), **options)


def told(batch: Any) -> list[tuple[str, str, Any]]:
    """Return operation, entity and value of each change of a batch of key values."""
    assert batch is not None
    return [
        (c.operation, c.entity_id, c.snapshot_content and c.snapshot_content["value"])
        for c in batch.changes
    ]


def empty(lix: lix_vtab.Lix) -> lix_vtab.Lix:
    """Take away the key values every new lix has."""
    lix.execute(
        "DELETE FROM lix_key_value_by_version WHERE lixcol_inherited_from_version_id IS NULL"
    )
    return lix


@pytest.fixture
def lix() -> Iterator[lix_vtab.Lix]:
    with lix_vtab.open(internal=True) as opened:
        yield empty(opened)


@pytest.fixture
def open_file(tmp_path: Path) -> Iterator[Callable[..., lix_vtab.Lix]]:
    """Return a function that opens the same file again and again."""
    opened = []

    def open_one(**options: Any) -> lix_vtab.Lix:
        new = not (tmp_path / "app.lix").exists()
        opened.append(lix_vtab.open(str(tmp_path / "app.lix"), internal=True, **options))
        return empty(opened[-1]) if new else opened[-1]

    yield open_one
    for one in opened:
        one.close()
