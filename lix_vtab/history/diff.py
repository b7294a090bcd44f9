"""Comparing two states set-wise: only what was touched between them is looked at.

Two lines of commits share everything up to where they part. Every key that may differ is in a
commit after that point; for each of those the row both states show is looked up, and a pair that
says the same is no difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import orjson

from lix_vtab.history.content import IS_OWN
from lix_vtab.history.graph import Graph
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.storage.commits import Commit
from lix_vtab.storage.rows import WITHDRAWN
from lix_vtab.storage.segments import Lineage, Segments

__all__ = ["FIELDS", "Comparison", "Span", "compare"]

_NAME = "(SELECT text FROM lix_internal_name WHERE id = {0})"

FIELDS: Mapping[str, str] = {
    "entity_id": "d.entity_id",
    "schema_key": _NAME.format("d.schema_id"),
    "schema_no": "d.schema_id",
    "file_id": _NAME.format("d.file_id"),
    "file_no": "d.file_id",
    "status": "CASE WHEN x.snapshot IS NULL THEN 'added' WHEN y.snapshot IS NULL THEN 'removed' "
    "ELSE 'modified' END",
    **{
        f"{side}_{name}": template.format(alias)
        for side, alias in (("before", "x"), ("after", "y"))
        for name, template in {
            "no": "{0}.no",
            "change_id": "{0}.id",
            "snapshot_content": "{0}.snapshot",
            "metadata": "{0}.metadata",
            "schema_version": "{0}.schema_version",
            "plugin_key": _NAME.format("{0}.plugin_id"),
            "writer_key": "{0}.writer_key",
        }.items()
    },
    **{
        f"{side}_commit_id": f"(SELECT id FROM lix_internal_commit WHERE seq = d.{side} >> 32)"
        for side in ("before", "after")
    },
}
"""What can be asked of a difference."""

_DIFFERS = (
    "x.no IS NOT y.no AND (x.snapshot IS NOT y.snapshot OR (x.snapshot IS NOT NULL "
    "AND (x.metadata IS NOT y.metadata OR x.schema_version IS NOT y.schema_version "
    "OR x.plugin_id IS NOT y.plugin_id)){0})"
)
# Neither state shows the entity, but one of them also hides what a version may inherit.
_HIDES = f"coalesce({{0}}.snapshot IS NULL AND {{0}}.schema_version <> '{WITHDRAWN}', 0)"
_HIDDEN = (
    " OR (x.snapshot IS NULL AND y.snapshot IS NULL "
    f"AND {_HIDES.format('x')} <> {_HIDES.format('y')})"
)

_TOUCHED = (
    "SELECT h.schema_id, h.entity_id, h.file_id FROM json_each(?{0}) r "
    "CROSS JOIN lix_internal_commit c ON c.segment_id = r.value ->> 0 AND c.seq > r.value ->> 1 "
    f"AND c.seq <= r.value ->> 2 CROSS JOIN lix_internal_change h ON {IS_OWN} WHERE {{1}} "
    "UNION SELECT h.schema_id, h.entity_id, h.file_id FROM json_each(?{0}) r "
    "CROSS JOIN lix_internal_commit c ON c.segment_id = r.value ->> 0 AND c.seq > r.value ->> 1 "
    "AND c.seq <= r.value ->> 2 CROSS JOIN lix_internal_member m ON m.seq = c.seq "
    "CROSS JOIN lix_internal_change h ON h.no = m.change_no WHERE {1}"
)
_SEARCHED = (
    "SELECT DISTINCT h.schema_id, h.entity_id, h.file_id FROM json_each(?{0}) r "
    "CROSS JOIN lix_internal_tip h ON h.segment_id = r.value WHERE {1}"
)

# The row of a key in one segment as of a commit: the newest, or the last one superseded by then.
# Its commit and its change come in one number, so that they are looked up once.
_ROW = (
    "(SELECT CASE WHEN t.from_seq <= ?{limit} THEN t.from_seq << 32 | t.change_no ELSE "
    "(SELECT p.from_seq << 32 | p.change_no FROM lix_internal_past p "
    "WHERE p.segment_id = ?{segment} AND p.schema_id = k.schema_id AND p.entity_id = k.entity_id "
    "AND p.file_id = k.file_id AND p.from_seq <= ?{limit} ORDER BY p.from_seq DESC LIMIT 1) END "
    "FROM lix_internal_tip t WHERE t.segment_id = ?{segment} AND t.schema_id = k.schema_id "
    "AND t.entity_id = k.entity_id AND t.file_id = k.file_id AND t.first_seq <= ?{limit})"
)
_CHANGE = "(d.{0} & 4294967295)"


class Span(NamedTuple):
    """Commits of one segment, after one and up to another."""

    segment_id: int
    after: int
    upto: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two states to compare: what to read of each, and the commits that lie between them."""

    before: Lineage
    after: Lineage
    between: tuple[Span, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Return what the SQL depends on."""
        return len(self.before), len(self.after)

    def params(self, *, searched: bool) -> list[object]:
        """Return the parameters that follow those of the conditions."""
        segments: Sequence[object] = [[*span] for span in self.between]
        if searched:
            segments = sorted({segment_id for segment_id, _ in (*self.before, *self.after)})
        layers = [number for layer in (*self.before, *self.after) for number in layer]
        return [orjson.dumps(segments).decode(), *layers]

    def sql(
        self,
        outputs: Sequence[str],
        keys: Sequence[str] = (),
        filters: Sequence[str] = (),
        parameters: int = 0,
        *,
        searched: bool = False,
        hidden: bool = False,
    ) -> str:
        """Write the query for conditions that use the parameters up to a number.

        `outputs` and `filters` are templates over `FIELDS`; `keys` are conditions on the columns
        of a key, `h.schema_id` and so on. They are `searched` when they name an entity: then its
        rows are looked up instead of all that was touched. What is `hidden` differs too: entities
        neither state shows, but one deleted.
        """
        source = (_SEARCHED if searched else _TOUCHED).format(
            parameters + 1, " AND ".join(keys) or "1"
        )
        conditions = (_DIFFERS.format(_HIDDEN if hidden else ""), *filters)
        return _write(self.shape, source, tuple(outputs), conditions, parameters + 2)


@lru_cache(maxsize=256)
def _write(
    shape: tuple[int, int],
    source: str,
    outputs: tuple[str, ...],
    conditions: tuple[str, ...],
    first: int,
) -> str:
    """Write the query over the keys of a source; rows are looked up from parameter `first` on."""
    before = _shown(first, shape[0])
    after = _shown(first + 2 * shape[0], shape[1])
    where = " AND ".join(conditions)
    # materialised, because SQLite would look rows up again each time they are mentioned
    text = (
        "WITH d AS MATERIALIZED (SELECT k.schema_id, k.entity_id, k.file_id, "
        f"{before} AS before, {after} AS after FROM ({source}) k) "
        f"SELECT {', '.join([*outputs, 'coalesce(d.after & 4294967295, -d.before)'])} FROM d "
        f"LEFT JOIN lix_internal_change x ON x.no = {_CHANGE.format('before')} "
        f"LEFT JOIN lix_internal_change y ON y.no = {_CHANGE.format('after')} WHERE {where}"
    )
    for name, template in FIELDS.items():
        text = text.replace(f"{{{name}}}", template)
    return text


def compare(
    segments: Segments, graph: Graph, before: Commit | None, after: Commit | None
) -> Comparison:
    """Prepare the comparison of two commits; None stands for the empty state."""
    return Comparison(
        () if before is None else segments.at(before.segment_id, before.seq),
        () if after is None else segments.at(after.segment_id, after.seq),
        tuple(_between(graph, before, after)),
    )


def _between(graph: Graph, before: Commit | None, after: Commit | None) -> list[Span]:
    """Return the commits of each line that the other does not have."""
    if before is not None and after is not None and before.segment_id == after.segment_id:
        # the usual case, for which the lines need not be walked
        low, high = sorted((before.seq, after.seq))
        return [Span(before.segment_id, low, high)] if low < high else []
    one, other = ([] if commit is None else list(graph.line(commit)) for commit in (before, after))
    limits = dict(other)
    spans: list[Span] = []
    for segment_id, upto in one:
        if segment_id in limits:
            low, high = sorted((upto, limits[segment_id]))
            if low < high:
                spans.append(Span(segment_id, low, high))
            own = other[: [stretch.segment_id for stretch in other].index(segment_id)]
            return [*spans, *(Span(s.segment_id, 0, s.upto) for s in own)]
        spans.append(Span(segment_id, 0, upto))
    return [*spans, *(Span(s.segment_id, 0, s.upto) for s in other)]


def _shown(first: int, layers: int) -> str:
    """Write what a state shows for a key `k`: its row in the nearest segment that has one."""
    if not layers:
        return "NULL"
    rows = [_ROW.format(segment=first + 2 * n, limit=first + 2 * n + 1) for n in range(layers)]
    return f"coalesce({', '.join(rows)})" if layers > 1 else rows[0]
