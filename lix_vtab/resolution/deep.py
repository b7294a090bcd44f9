"""The SQL for scopes of many layers: of one size, whatever their number.

`visible` writes one SELECT per layer, each with a condition per nearer layer. That is fastest for
the few layers nearly every scope has, but it grows with their square. Here the layers are rows of a
table of their own, given as one JSON parameter, and what nearer layers hide is a join with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

__all__ = [
    "ALIVE", "DEEP", "FEW", "OF_OVERLAYS", "OF_SEGMENTS", "OVERLAID", "WITHDRAWN", "describe",
    "nearest", "shape", "write",
]  # fmt: skip

FEW = 8
"""Scopes of up to this many layers are read with a SELECT each."""

DEEP = "deep"
"""How the shapes of scopes of many layers begin."""

OVERLAID = frozenset(["deep overlaid", "deep overlaid withdrawn"])
"""The shapes of those in which some layers are overlays."""

WITHDRAWN = frozenset(["deep withdrawn", "deep overlaid withdrawn"])
"""The shapes of those in which rows may be withdrawn."""

_FOREVER = 9223372036854775807


def _same(row: str) -> str:
    """Say that a row has the key of row `x`."""
    return " AND ".join(
        f"{row}.{part} = x.{part}" for part in ("schema_id", "entity_id", "file_id")
    )


def _then(column: str, row: str = "x", layer: str = "l") -> str:
    """Write what a row was as of the last commit seen of its layer."""
    return (
        f"CASE WHEN {row}.from_seq <= {layer}.upto THEN {row}.{column} ELSE ("
        f"SELECT p.{column} FROM lix_internal_past p WHERE p.segment_id = {row}.segment_id "
        f"AND p.schema_id = {row}.schema_id AND p.entity_id = {row}.entity_id "
        f"AND p.file_id = {row}.file_id AND p.from_seq <= {layer}.upto "
        "ORDER BY p.from_seq DESC LIMIT 1) END"
    )


_NUMBER = _then("change_no")
_SEQ = _then("from_seq")

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

ALIVE = f"{_then('live')} = 1"
"""Says that a row of a segment was no tombstone then."""


def shape(*, overlaid: bool, withdrawn: bool) -> str:
    """Return the shape of a scope of many layers.

    >>> shape(overlaid=True, withdrawn=False)
    'deep overlaid'
    """
    return DEEP + " overlaid" * overlaid + " withdrawn" * withdrawn


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


# A row of another version hides nothing if that version's nearest row was withdrawn.
_COUNTS = (
    f" AND (n.origin IS l.origin OR ({_then('live', 'h', 'n')} <> 2 "
    "AND NOT EXISTS (SELECT 1 FROM layer m CROSS JOIN lix_internal_tip w WHERE m.place < n.place "
    "AND m.overlay = 0 AND m.origin IS n.origin AND w.segment_id = m.holder "
    f"AND {_same('w')} AND w.first_seq <= m.upto)))"
)


def nearest(*, overlays: bool, withdrawn: bool) -> list[str]:
    """Say that no nearer layer has the key of row `x` in layer `l`, be it a row or a tombstone."""
    conditions = [
        "NOT EXISTS (SELECT 1 FROM layer n CROSS JOIN lix_internal_tip h WHERE n.place < l.place "
        f"AND n.overlay = 0 AND h.segment_id = n.holder AND {_same('h')} AND h.first_seq <= n.upto"
        f"{_COUNTS if withdrawn else ''})"
    ]
    if overlays:
        conditions.append(
            "NOT EXISTS (SELECT 1 FROM layer n CROSS JOIN lix_internal_overlay h "
            "WHERE n.place < l.place AND n.overlay = 1 AND h.version_no = n.holder "
            f"AND {_same('h')})"
        )
    return conditions
