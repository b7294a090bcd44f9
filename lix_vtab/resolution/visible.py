"""The SQL that finds visible rows: one SELECT per layer, each excluding keys of nearer layers.

For more than a few layers, see `deep`.

A `Query` names what to read as templates over the fields of a row, such as `{entity_id}` or
`{snapshot} ->> '$.name'`. Filters are applied inside each layer; that is sound because a row is
only considered once no nearer layer has its key, so filtering never lets a hidden row surface.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field

from lix_vtab.model.dataclasses import dataclass
from lix_vtab.resolution import deep
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.file_tables import NEWEST
from lix_vtab.storage.first_names import DIRECTORY_ID

__all__ = ["FIELDS", "IN_FILE", "Query"]

_NAME = "(SELECT text FROM lix_internal_name WHERE id = {0})"

_OVERLAY = {
    "schema_id": "x.schema_id",
    "schema_key": _NAME.format("x.schema_id"),
    "entity_id": "x.entity_id",
    "file": "x.file_id",
    "file_id": _NAME.format("x.file_id"),
    "plugin": "x.plugin_id",
    "plugin_key": _NAME.format("x.plugin_id"),
    "schema_version": "x.schema_version",
    "snapshot": "x.snapshot",
    "metadata": "x.metadata",
    "writer_key": "NULL",
    "created_at": "x.created_at",
    "updated_at": "x.updated_at",
    "change_id": "'untracked'",
    "commit_id": "'untracked'",
    "commit_seq": "NULL",
    "change_no": "NULL",
    "untracked": "1",
    "rowid": "-x.no",
}

_TIP = {
    **_OVERLAY,
    "plugin": "c.plugin_id",
    "plugin_key": _NAME.format("c.plugin_id"),
    "schema_version": "c.schema_version",
    "snapshot": "c.snapshot",
    "metadata": "c.metadata",
    "writer_key": "c.writer_key",
    "created_at": "coalesce(x.created_at, c.created_at)",
    "updated_at": "c.created_at",
    "change_id": "c.id",
    "commit_id": "(SELECT id FROM lix_internal_commit WHERE seq = x.from_seq)",
    "commit_seq": "x.from_seq",
    "change_no": "x.change_no",
    "untracked": "0",
    "rowid": "x.change_no",
}

# How a row of a segment looked at commit {limit}: its newest row, or the last one before.
_THEN = (
    "CASE WHEN x.from_seq <= {limit} THEN x.{tip} ELSE (SELECT {past} FROM lix_internal_past p "
    "WHERE p.segment_id = x.segment_id AND p.schema_id = x.schema_id "
    "AND p.entity_id = x.entity_id AND p.file_id = x.file_id AND p.from_seq <= {limit} "
    "ORDER BY p.from_seq DESC LIMIT 1) END"
)

FIELDS = frozenset(_TIP) | {"version_id", "origin", "holder", "limit", "spot"}
"""The fields templates can name.

`{spot}` says where a file or directory lies.
`{holder}` is the segment a layer reads (or minus the number of the version whose overlay it is)
and `{limit}` the last commit seen of it, for filters on tables derived from rows.
"""

# Where a file or directory lies: its parent's id ('' for the root), a slash, its name. The index of
# names has that for newest rows, so their snapshots need not be read.
_SPOT_NEWEST = (
    "(SELECT e.parent || '/' || e.name FROM lix_internal_entry e WHERE e.holder = {holder} "
    f"AND e.entity_id = x.entity_id AND e.kind = x.schema_id AND e.until = {NEWEST})"
)
_SPOT = (
    f"CASE x.schema_id WHEN {DIRECTORY_ID} "
    "THEN coalesce({snapshot} ->> '$.parent_id', '') || '/' || ({snapshot} ->> '$.name') "
    "ELSE coalesce({snapshot} ->> '$.directory_id', '') || '/' "
    "|| ({snapshot} ->> '$.name') || coalesce('.' || nullif({snapshot} ->> '$.extension', ''), '') "
    "END"
)

IN_FILE = "x.file_id <> 1"
"""Key condition of queries for the rows of one file; the index they use leaves file 1 out."""

# Without statistics SQLite takes a walk through the whole segment to be as good. The name is in
# capitals because index names cannot be qualified by a database, as `qualify` would do.
_BY_FILE = " INDEXED BY LIX_INTERNAL_TIP_FILE"

_KEY_PARTS = ("schema_id", "entity_id", "file_id")

_PLAIN = {"w": "t", "q": "p"}
"""Kinds of layers in which rows may be withdrawn, and what they are otherwise."""

_FIELD = re.compile(r"\{(\w+)\}")
_TIP_ONLY = frozenset(
    ["schema_id", "schema_key", "entity_id", "file", "file_id", "change_no", "commit_id",
     "commit_seq", "untracked", "rowid", "version_id", "origin", "holder", "limit", "spot"]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Query:
    """What to read of the visible rows, independent of which version is read.

    Templates may use `?1` .. `?{parameters}`; what a scope adds is numbered after those.
    `keys` narrow by `x.schema_id`, `x.entity_id` and `x.file_id`, `filters` by anything.
    `deleted` reads tombstones too.
    """

    outputs: tuple[str, ...]
    parameters: int = 0
    keys: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    limit: str = ""
    deleted: bool = False
    _sql: dict[tuple[str, str, int], str] = field(default_factory=dict, compare=False)

    def sql(self, db: str, shape: str, chain: int = 1) -> str:
        """Return the SQL for layers of a shape in a chain of `chain` versions."""
        known = self._sql.get((db, shape, chain))
        if known is None:
            known = qualify(self.build(shape, chain), db)
            self._sql[(db, shape, chain)] = known
        return known

    def build(self, shape: str, chain: int = 1) -> str:
        """Write the SQL with internal tables unqualified, to be part of a larger statement."""
        if shape.startswith(deep.DEEP):
            return self._deep(shape)
        layers = _number(shape, self.parameters + chain)
        if not layers:
            return f"SELECT {', '.join('NULL' for _ in self.outputs)} WHERE 0"
        selects = [self._select(layers, index) for index in range(len(layers))]
        order = f" ORDER BY {', '.join(self.order)}" if self.order else ""
        return " UNION ALL ".join(selects) + order + self.limit

    def _select(self, layers: list[tuple[int, str, int]], index: int) -> str:
        depth, kind, first = layers[index]
        kind = _PLAIN.get(kind, kind)
        fields = {
            **(_OVERLAY if kind == "o" else _TIP),
            "version_id": f"?{self.parameters + 1}",
            "origin": "NULL" if depth == 0 else f"?{self.parameters + 1 + depth}",
            "holder": f"-?{first}" if kind == "o" else f"?{first}",
            "limit": f"?{first + 1}" if kind == "p" else "9223372036854775807",
        }
        fields["spot"] = _fill(_SPOT_NEWEST if kind == "t" else _SPOT, fields)
        indexed = self._indexed()
        if kind == "p":
            limit = f"?{first + 1}"
            number = _THEN.format(limit=limit, tip="change_no", past="p.change_no")
            seq = _THEN.format(limit=limit, tip="from_seq", past="p.from_seq")
            fields["commit_seq"] = seq
            fields["commit_id"] = f"(SELECT id FROM lix_internal_commit WHERE seq = {seq})"
            source = f"lix_internal_tip x{indexed}"
            where = [f"x.segment_id = ?{first}", f"x.first_seq <= {limit}"]
            if self._needs_change("spot"):
                fields["change_no"] = fields["rowid"] = "c.no"
                source += f" JOIN lix_internal_change c ON c.no = {number}"
                alive = "c.snapshot IS NOT NULL"
            else:
                fields["change_no"] = fields["rowid"] = number
                alive = f"{_THEN.format(limit=limit, tip='live', past='p.live')} = 1"
        elif kind == "t":
            source = f"lix_internal_tip x{indexed}"
            if self._needs_change():
                source += " JOIN lix_internal_change c ON c.no = x.change_no"
            where = [f"x.segment_id = ?{first}"]
            alive = "x.live = 1"
        else:
            source = "lix_internal_overlay x"
            where = [f"x.version_no = ?{first}"]
            alive = "x.snapshot IS NOT NULL"
        where += self.keys
        if not self.deleted:
            where.append(alive)
        where += [_fill(template, fields) for template in self.filters]
        nearer = layers[:index]
        where += map(self._unless_empty, nearer, _uncovered(nearer, depth))
        outputs = ", ".join(_fill(template, fields) for template in self.outputs)
        return f"SELECT {outputs} FROM {source} WHERE {' AND '.join(where)}"

    def _unless_empty(self, layer: tuple[int, str, int], uncovered: str) -> str:
        """Let a layer without rows of the schema be dismissed once, not for every row.

        A branch starts with nothing of its own, and many never get any rows of most schemas.
        """
        if layer[1] == "o" or any(key.startswith("x.entity_id = ") for key in self.keys):
            return uncovered
        schema = next((key for key in self.keys if key.startswith("x.schema_id = ")), "x.")[2:]
        where = f"h.segment_id = ?{layer[2]}" + (f" AND h.{schema}" if schema else "")
        return f"(NOT EXISTS (SELECT 1 FROM lix_internal_tip h WHERE {where}) OR {uncovered})"

    def _deep(self, shape: str) -> str:
        overlaid = shape in deep.OVERLAID
        nearest = deep.nearest(overlays=overlaid, withdrawn=shape in deep.WITHDRAWN)
        tracked = self._deep_select({**_TIP, **deep.OF_SEGMENTS}, nearest)
        above = self._deep_select({**_OVERLAY, **deep.OF_OVERLAYS}, nearest) if overlaid else None
        order = f" ORDER BY {', '.join(self.order)}" if self.order else ""
        return deep.write(tracked, above, self.parameters + 2) + order + self.limit

    def _deep_select(self, fields: dict[str, str], nearest: list[str]) -> str:
        fields |= {"version_id": f"?{self.parameters + 1}", "origin": "l.origin"}
        fields["spot"] = _fill(_SPOT, fields)
        if fields["untracked"] == "1":
            source = "layer l CROSS JOIN lix_internal_overlay x"
            where = ["l.overlay = 1 AND x.version_no = l.holder"]
            alive = "x.snapshot IS NOT NULL"
        else:
            indexed = self._indexed()
            source = f"layer l CROSS JOIN lix_internal_tip x{indexed}"
            where = ["l.overlay = 0 AND x.segment_id = l.holder AND x.first_seq <= l.upto"]
            alive = deep.ALIVE
            if self._needs_change("spot"):
                source += " CROSS JOIN lix_internal_change c"
                where.append(f"c.no = {fields['change_no']}")
        where += self.keys
        if not self.deleted:
            where.append(alive)
        where += [_fill(template, fields) for template in self.filters]
        outputs = ", ".join(_fill(template, fields) for template in self.outputs)
        return f"SELECT {outputs} FROM {source} WHERE {' AND '.join([*where, *nearest])}"

    def _indexed(self) -> str:
        """Name the index of rows by file, where SQLite can be held to it.

        IS NULL on what is never NULL makes it drop all other conditions, and with them the one
        that lets it use that index.
        """
        if IN_FILE not in self.keys or any(text.endswith(" IS NULL") for text in self.filters):
            return ""
        return _BY_FILE

    def _needs_change(self, *also: str) -> bool:
        used = {name for text in (*self.outputs, *self.filters) for name in _FIELD.findall(text)}
        return not used <= _TIP_ONLY.difference(also)


def _number(shape: str, before: int) -> list[tuple[int, str, int]]:
    """Give each layer of a shape the number of its first parameter."""
    layers = []
    number = before + 1
    for word in shape.split():
        layers.append((int(word[:-1]), word[-1], number))
        number += 2 if word[-1] in "pq" else 1
    return layers


def _uncovered(nearer: list[tuple[int, str, int]], depth: int) -> Iterator[str]:
    """Say that no nearer layer has the key, be it a row or a tombstone.

    A version whose nearest row of a key was withdrawn has none as far as those behind it go.
    """
    for place, layer in enumerate(nearer):
        withdrawing = [x for x in nearer[:place] if x[0] == layer[0] and x[1] in _PLAIN]
        if layer[0] == depth:
            yield _absent(layer)
        else:
            more = [f" AND {_absent(x, 'w')}" for x in withdrawing]
            if layer[1] in _PLAIN:
                more.append(f" AND {_live(layer)} <> 2")
            yield _absent(layer, more="".join(more))


def _absent(layer: tuple[int, str, int], alias: str = "h", more: str = "") -> str:
    """Say that a layer does not have the key, or none of which holds what `more` says."""
    _, kind, first = layer
    key = " AND ".join(f"{alias}.{part} = x.{part}" for part in _KEY_PARTS) + more
    if kind == "o":
        return (
            f"NOT EXISTS (SELECT 1 FROM lix_internal_overlay {alias} "
            f"WHERE {alias}.version_no = ?{first} AND {key})"
        )
    then = f" AND {alias}.first_seq <= ?{first + 1}" if kind in "pq" else ""
    return (
        f"NOT EXISTS (SELECT 1 FROM lix_internal_tip {alias} "
        f"WHERE {alias}.segment_id = ?{first}{then} AND {key})"
    )


def _live(layer: tuple[int, str, int]) -> str:
    """Write what `live` says of row `h` of a layer."""
    if layer[1] == "w":
        return "h.live"
    return _THEN.format(limit=f"?{layer[2] + 1}", tip="live", past="p.live").replace("x.", "h.")


def _fill(template: str, fields: dict[str, str]) -> str:
    return _FIELD.sub(lambda match: fields[match[1]], template)
