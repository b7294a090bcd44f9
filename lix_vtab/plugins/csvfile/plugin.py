"""plugin_csv: a table as one header and one entity per row.

A row is found again by the value of a column that names the rows, where there is one, and else by
its content; it keeps its id when cells change and its place by an order key. The header keeps what
all rows share: columns, delimiter, quoting, line endings. A column keeps its key when it is renamed
or moved, so neither touches the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lix_vtab.plugins.contract import (
    EntityChange,
    File,
    PluginInvalidInput,
    Replacement,
    StateContext,
)
from lix_vtab.plugins.csvfile.quick import edited_rows
from lix_vtab.plugins.csvfile.table import ENDINGS, HEADER_ID
from lix_vtab.plugins.csvfile.update import HEADER, ROW, render, replace_rows, update
from lix_vtab.plugins.entities import (
    current_entities,
    current_snapshot,
    entity_sets,
    require_object,
    schema,
)

__all__ = ["HEADER", "HEADER_ID", "ROW", "CsvPlugin"]

_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_ENDING = {"enum": list(ENDINGS)}


class CsvPlugin:
    """Rows of CSV and TSV files."""

    key = "plugin_csv"
    manifest: Mapping[str, Any] = {
        "key": "plugin_csv",
        "runtime": "python",
        "api_version": "1.0.0",
        "match": {"path_glob": "*.{csv,tsv}", "content_type": "text"},
        "detect_changes": {"state_context": {"include_active_state": True}},
        "on_invalid": "blob",
    }
    schemas: Sequence[Mapping[str, Any]] = (
        schema(
            HEADER,
            "The columns of a table and how the table is written.",
            {
                "id": {"const": HEADER_ID},
                "columns": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "properties": {"key": {"type": "string"}, "name": {"type": "string"}},
                        "required": ["key", "name"],
                        "additionalProperties": False,
                    },
                },
                "delimiter": {"type": "string", "minLength": 1, "maxLength": 1},
                "newline": _ENDING,
                "quoting": {"enum": ["minimal", "all"]},
                "unique_column": {"type": "string"},
                "unterminated": {"type": "boolean"},
                "bom": {"type": "boolean"},
                "raw": _TEXTS,
                "ending": _ENDING,
            },
            ["id", "columns"],
        ),
        schema(
            ROW,
            "One row of a table; `cells` is keyed by the columns' keys.",
            {
                "id": {"type": "string", "minLength": 1},
                "order": {"type": "string", "minLength": 1},
                "cells": _TEXTS,
                "raw": _TEXTS,
                "ending": _ENDING,
            },
            ["id", "cells"],
        ),
    )

    def detect_changes(
        self, before: File | None, after: File, state_context: StateContext | None
    ) -> Iterable[EntityChange]:
        """Name the rows that are new, changed, moved or gone, and the header if it changed."""
        if before is None:
            return update(None, {}, after)
        if before.data == after.data:
            return []
        quick = None if state_context is None else _edit(before.data, after.data, state_context)
        if quick is not None:
            return quick
        sets = current_entities(state_context, (HEADER, ROW))
        if HEADER_ID not in sets[HEADER]:
            sets = entity_sets(_stored(before), (HEADER, ROW))
        return update(sets[HEADER].get(HEADER_ID), sets[ROW], after)

    def apply_changes(self, file: File, changes: Sequence[EntityChange]) -> bytes:
        """Write the header and the rows in the order of their keys."""
        sets = entity_sets(changes, (HEADER, ROW))
        rows = {id: row for id, row in sets[ROW].items() if row is not None}
        snapshot = sets[HEADER].get(HEADER_ID)
        if snapshot is None:
            if rows:
                raise PluginInvalidInput(f"missing {HEADER} snapshot {HEADER_ID!r}")
            return b""
        return render(require_object(HEADER, HEADER_ID, snapshot), rows)

    def replace_entities(
        self, file: File, replacements: Sequence[Replacement], state_context: StateContext
    ) -> bytes | None:
        """Write edited rows into the text as it was, each in the place of the row it was."""
        header = current_snapshot(state_context, HEADER, HEADER_ID)
        if header is None:
            return None
        return replace_rows(header, file.data, replacements)


def _edit(before: bytes, after: bytes, context: StateContext) -> list[EntityChange] | None:
    """Return what a small edit changes, when that is certain without looking at every row."""
    header = current_snapshot(context, HEADER, HEADER_ID)
    return edited_rows(header, before, after, context) if isinstance(header, dict) else None


def _stored(before: File) -> Iterable[EntityChange]:
    try:
        return list(update(None, {}, before))
    except PluginInvalidInput:
        return ()  # it was kept as a blob until now
