"""Creating and dropping the tables of stored schemas, with the row that stores the schema."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lix_vtab.errors import ConstraintViolation, SchemaNotFound
from lix_vtab.mutation.writer import DERIVED, Write
from lix_vtab.schema import CompiledSchema, compile_schema
from lix_vtab.session import Session
from lix_vtab.storage.ddl import quote
from lix_vtab.surfaces.base import Surface
from lix_vtab.surfaces.entity import Entity, EntityByVersion
from lix_vtab.surfaces.entity_label import EntityLabel

__all__ = ["MODULE", "EntityTables", "build_entity"]

MODULE = "lix_entity"

VARIANTS: dict[str, tuple[str, Callable[[Session, CompiledSchema], Surface]]] = {
    "state": ("", Entity),
    "state_by_version": ("_by_version", EntityByVersion),
}
"""The suffix of each kind of table in `x-lix-entity-views`, and what it shows."""

_SPECIAL: dict[tuple[str, str], Callable[[Session, CompiledSchema], Surface]] = {
    ("lix_entity_label", "state"): EntityLabel,
}
"""Tables that show more than stored rows."""

_OWN_TABLES = frozenset([*DERIVED, "lix_active_version", "lix_active_account"])
"""Schemas whose base table is a surface of its own."""


def build_entity(session: Session, args: Sequence[str]) -> Surface:
    """Build the surface of `CREATE VIRTUAL TABLE ... USING lix_entity(key, variant)`."""
    key, variant = args[0].strip('"'), args[1]
    schema = session.catalogue.latest(key)
    if schema is None:
        raise SchemaNotFound(f"schema '{key}' is not stored", details={"schema_key": key})
    build = _SPECIAL.get((key, variant)) or VARIANTS[variant][1]
    return build(session, schema)


class EntityTables:
    """Keeps the tables of one database in step with its stored schemas."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session
        session.stored_schemas.on_change(self._follow)

    def create(self, schema: CompiledSchema) -> None:
        """Create the tables of a schema; refuse names that are taken."""
        session = self._session
        for variant, (suffix, _) in VARIANTS.items():
            if variant not in schema.views or (not suffix and schema.key in _OWN_TABLES):
                continue
            name = schema.key + suffix
            if self._exists(name):
                raise ConstraintViolation(
                    f"schema '{schema.key}' cannot be stored: a table named '{name}' exists",
                    hint="choose another x-lix-key, or rename the table",
                    details={"schema_key": schema.key, "table": name},
                )
            session.connection.execute(
                f"CREATE VIRTUAL TABLE {quote(session.db)}.{quote(name)} "
                f"USING {MODULE}({quote(schema.key)}, {variant})"
            )

    def drop(self, key: str) -> None:
        """Drop the tables of a schema."""
        session = self._session
        for suffix, _ in VARIANTS.values():
            if not suffix and key in _OWN_TABLES:
                continue
            if self._exists(key + suffix, virtual=True):
                with session.dropping_tables():
                    session.connection.execute(
                        f"DROP TABLE {quote(session.db)}.{quote(key + suffix)}"
                    )

    def _exists(self, name: str, *, virtual: bool = False) -> bool:
        session = self._session
        only = " AND sql LIKE '% USING lix_entity(%'" if virtual else ""
        row = session.connection.execute(
            f"SELECT 1 FROM {quote(session.db)}.sqlite_schema WHERE name = ? COLLATE NOCASE{only}",
            (name,),
        ).fetchone()
        return row is not None

    def _follow(self, write: Write) -> None:
        key = write.key.entity_id.rpartition("~")[0]
        newest = self._session.catalogue.latest(key)
        if newest is None:
            self.drop(key)
            return
        known = write.before is not None and write.before.values.snapshot is not None
        if write.after is not None and not known:
            schema = compile_schema(write.after["value"])
            if self._exists(key, virtual=True):
                self.drop(key)
            self.create(schema if newest.version == schema.version else newest)
