"""The SQL for scopes of many layers: of one size, whatever their number.

`visible` writes one SELECT per layer, each with a condition per nearer layer. That is fastest for
the few layers nearly every scope has, but it grows with their square. Here the layers are rows of a
table of their own, given as one JSON parameter, and what nearer layers hide is a join with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

__all__ = [
    "ALIVE", "DEEP", "DEEP_OVERLAID", "FEW", "OF_OVERLAYS", "OF_SEGMENTS", "describe", "nearest",
    "write",
]  # fmt: skip

FEW = 8
"""Scopes of up to this many layers are read with a SELECT each."""

DEEP = "deep"
"""The shape of a scope of many layers, all of them segments."""

DEEP_OVERLAID = "deep overlaid"
"""The shape of a scope of many layers, some of them overlays."""

_FOREVER = 9223372036854775807
_HIDDEN = "h.schema_id = x.schema_id AND h.entity_id = x.entity_id AND h.file_id = x.file_id"
_THEN = (
    "CASE WHEN x.from_seq <= l.upto THEN x.{tip} ELSE (SELECT p.{past} FROM lix_internal_past p "
    "WHERE p.segment_id = x.segment_id AND p.schema_id = x.schema_id "
    "AND p.entity_id = x.entity_id AND p.file_id = x.file_id AND p.from_seq <= l.upto "
    "ORDER BY p.from_seq DESC LIMIT 1) END"
)
_NUMBER = _THEN.format(tip="change_no", past="change_no")
_SEQ = _THEN.format(tip="from_seq", past="from_seq")

OF_OVERLAYS: Mapping[str, str] = {"holder": "-l.holder", "limit": str(_FOREVER)}
"""What a template may ask of a layer that is an overlay."""

OF_SEGMENTS: Mapping[str, str] = {
    "holder": "l.holder",
    "limit": "l.upto",
    "change_no": _NUMBER,
    "rowid": _NUMBER,
    "commit_seq": _SEQ,
    "commit_id": f"(SELECT id FROM lix_internal_commit WHERE seq = {_SEQ})",
}
"""The same of a segment, and what a row was as of the last commit seen of it."""

ALIVE = f"{_THEN.format(tip='live', past='live')} = 1"
"""Says that a row of a segment was no tombstone then."""


def describe(layers: Sequence[tuple[str, int, tuple[int, ...]]], chain: Sequence[str]) -> str:
    """Write layers, nearest first, the way `write` reads them."""
    rows = []
    for kind, depth, params in layers:
        upto = params[1] if kind == "p" else _FOREVER
        origin = None if depth == 0 else chain[depth]
        rows.append((int(kind == "o"), params[0], upto, origin))
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def write(tracked: str, overlaid: str | None, parameter: int) -> str:
    """Join the SELECT over segments with that over overlays, if any, below the table of layers.

    Both read `layer l`; the parameter with this number holds what `describe` wrote.
    """
    selects = tracked if overlaid is None else f"{tracked} UNION ALL {overlaid}"
    return (
        "WITH layer(place, overlay, holder, upto, origin) AS MATERIALIZED ("
        "SELECT key, value ->> 0, value ->> 1, value ->> 2, value ->> 3 "
        f"FROM json_each(?{parameter})) {selects}"
    )


def nearest(*, overlays: bool) -> list[str]:
    """Say that no nearer layer has the key of row `x` in layer `l`, be it a row or a tombstone."""
    conditions = [
        "NOT EXISTS (SELECT 1 FROM layer n CROSS JOIN lix_internal_tip h WHERE n.place < l.place "
        f"AND n.overlay = 0 AND h.segment_id = n.holder AND {_HIDDEN} AND h.first_seq <= n.upto)"
    ]
    if overlays:
        conditions.append(
            "NOT EXISTS (SELECT 1 FROM layer n CROSS JOIN lix_internal_overlay h "
            f"WHERE n.place < l.place AND n.overlay = 1 AND h.version_no = n.holder AND {_HIDDEN})"
        )
    return conditions
