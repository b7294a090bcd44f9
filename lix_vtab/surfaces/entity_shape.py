"""What the tables of a schema look like, told by the statement that creates them.

SQLite connects a table while it prepares a statement, when the database cannot be asked: another
connection may just have stored a schema, and SQLite only notices once the statement runs. So
`CREATE VIRTUAL TABLE task USING lix_entity("task", state, "id" TEXT PRIMARY KEY, "rank" INTEGER)`
says all that planning needs, and `.schema` shows it to people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lix_vtab.errors import CorruptError
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.patterns import pattern
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.mutation.constraint_rules import group_name, indexed_groups
from lix_vtab.schema import CompiledSchema, Pointer, parse_pointer
from lix_vtab.schema.pointers import escape
from lix_vtab.storage.ddl import quote
from lix_vtab.surfaces.planner import Column, Lookup

__all__ = [
    "EntityShape",
    "ShapeColumn",
    "entity_columns",
    "entity_lookups",
    "property_template",
    "sql_literal",
]

META = (
    Column("lixcol_entity_id", "TEXT", "{entity_id}", "entity"),
    Column("lixcol_schema_key", "TEXT", "{schema_key}"),
    Column("lixcol_file_id", "TEXT", "{file_id}", "file"),
    Column("lixcol_version_id", "TEXT", "{version_id}", "version"),
    Column("lixcol_plugin_key", "TEXT", "{plugin_key}", "plugin"),
    Column("lixcol_schema_version", "TEXT", "{schema_version}"),
    Column("lixcol_created_at", "TEXT", "{created_at}"),
    Column("lixcol_updated_at", "TEXT", "{updated_at}"),
    Column("lixcol_inherited_from_version_id", "TEXT", "{origin}"),
    Column("lixcol_change_id", "TEXT", "{change_id}"),
    Column("lixcol_untracked", "INTEGER", "{untracked}"),
    Column("lixcol_metadata", "TEXT", "{metadata}"),
)

_NAME = '"((?:[^"]|"")*)"'
_COLUMN = pattern(f"{_NAME}(?: ([A-Z]+))??( PRIMARY KEY)?", re.DOTALL)
_GROUP = pattern(r"(UNIQUE|INDEX)\((.*)\)", re.DOTALL)
_NAMES = pattern(_NAME, re.DOTALL)


class ShapeColumn(NamedTuple):
    """A property as a column: its declared type, and whether it is part of the primary key."""

    name: str
    declared: str = ""
    key: bool = False


@dataclass(frozen=True, slots=True)
class EntityShape:
    """Columns, unique groups and indexes of a schema's tables, as far as columns can say them."""

    key: str
    columns: tuple[ShapeColumn, ...]
    unique: tuple[tuple[str, ...], ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(cls, schema: CompiledSchema) -> EntityShape:
        """Return the shape of a schema."""
        key = _names(schema.primary_key) or ()
        columns = (
            ShapeColumn(p.name, p.sql_type, p.name in key) for p in schema.properties.values()
        )
        return cls(
            schema.key,
            tuple(columns),
            tuple(group for group in map(_names, schema.unique) if group),
            tuple(dict.fromkeys(g for g in map(_names, indexed_groups(schema)) if g)),
        )

    @classmethod
    def parse(cls, args: Sequence[str]) -> EntityShape:
        """Read the arguments of `USING lix_entity(key, variant, ...)`.

        >>> EntityShape.parse(['"t"', "state", '"id" TEXT PRIMARY KEY', 'INDEX("id")']).indexes
        (('id',),)
        """
        columns = []
        groups: dict[str, list[tuple[str, ...]]] = {"UNIQUE": [], "INDEX": []}
        for arg in args[2:]:
            group = _GROUP.fullmatch(arg)
            column = _COLUMN.fullmatch(arg)
            if group:
                groups[group[1]].append(tuple(map(_unquote, _NAMES.findall(group[2]))))
            elif column:
                columns.append(ShapeColumn(_unquote(column[1]), column[2] or "", bool(column[3])))
            else:
                raise CorruptError(f"a table of a schema was created with {arg!r}")
        key = _unquote(args[0].strip('"'))
        return cls(key, tuple(columns), tuple(groups["UNIQUE"]), tuple(groups["INDEX"]))

    def arguments(self, variant: str) -> str:
        """Write the arguments that `parse` reads."""
        return ", ".join((quote(self.key), variant, *self._declarations()))

    def _declarations(self) -> Iterator[str]:
        for column in self.columns:
            declared = f" {column.declared}" if column.declared else ""
            yield f"{quote(column.name)}{declared}{' PRIMARY KEY' if column.key else ''}"
        for word, groups in (("UNIQUE", self.unique), ("INDEX", self.indexes)):
            for group in groups:
                yield f"{word}({', '.join(map(quote, group))})"


def entity_columns(shape: EntityShape, *, by_version: bool) -> tuple[Column, ...]:
    """Return the columns of a schema's tables: properties sorted by name, then `lixcol_*`."""
    return (*_properties(shape), *(c for c in META if by_version or c.role != "version"))


def _properties(shape: EntityShape) -> Iterator[Column]:
    parts = sum(column.key for column in shape.columns)
    indexed = {group[0] for group in shape.indexes if len(group) == 1}
    for name, declared, key in shape.columns:
        if key and parts == 1 and declared == "TEXT":
            yield Column(name, declared, "{entity_id}", "entity")
        else:
            role = "key" if key else "index" if name in indexed else ""
            yield Column(name, declared, property_template(name), role)


def entity_lookups(shape: EntityShape) -> tuple[Lookup, ...]:
    """Return the indexes of a schema's values that its columns can be looked up by."""
    places = {column.name: n for n, column in enumerate(shape.columns)}
    return tuple(
        Lookup(
            tuple(places[name] for name in group),
            group_name(shape.key, (parse_pointer(f"/{escape(name)}") for name in group)),
        )
        for group in shape.indexes
    )


def property_template(name: str) -> str:
    """Return the template of a first-level property's value.

    >>> property_template("name")
    "{snapshot} ->> '$.name'"
    """
    if name.isidentifier() and name.isascii():
        return f"{{snapshot}} ->> '$.{name}'"
    # names JSON paths cannot spell are looked up by a function of ours
    return f"lix_json_text({{snapshot}}, {sql_literal(name)})"


def sql_literal(value: object) -> str:
    """Write a value as SQL that may stand in a template.

    >>> sql_literal("it's"), sql_literal(True), sql_literal("{x}")
    ("('it''s')", '1', "(''||char(123)||'x'||char(125)||'')")
    """
    if isinstance(value, str):
        # braces would be taken for fields of a template, question marks for parameters
        escaped = value.replace("'", "''")
        for symbol in "{}?":
            escaped = escaped.replace(symbol, f"'||char({ord(symbol)})||'")
        return f"('{escaped}')"
    return str(int(value)) if isinstance(value, bool) else repr(value)


def _names(group: Sequence[Pointer]) -> tuple[str, ...] | None:
    """Return the properties of a group, None when it looks inside one."""
    names = tuple(pointer.name for pointer in group if pointer.name is not None)
    return names if len(names) == len(group) else None


def _unquote(name: str) -> str:
    return name.replace('""', '"')
