"""Creating and dropping the tables of stored schemas, with the row that stores the schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lix_vtab.errors import ConstraintViolation, UnsupportedSql
from lix_vtab.model.patterns import pattern
from lix_vtab.mutation.writer import DERIVED, Write
from lix_vtab.schema import BUILTIN_KEYS, CompiledSchema
from lix_vtab.session import Session
from lix_vtab.storage.ddl import quote
from lix_vtab.surfaces.base import Surface
from lix_vtab.surfaces.derived_by_version import DERIVED_TABLES, DerivedByVersion
from lix_vtab.surfaces.derived_history import DerivedHistory
from lix_vtab.surfaces.entity import Entity, EntityByVersion
from lix_vtab.surfaces.entity_history import EntityHistory, entity_at
from lix_vtab.surfaces.entity_label import EntityLabel
from lix_vtab.surfaces.entity_shape import EntityShape

__all__ = ["MODULE", "EntityTables", "build_entity", "entity_surface"]

MODULE = "lix_entity"

Build = Callable[[Session, EntityShape], Surface]

VARIANTS: dict[str, tuple[str, Build]] = {
    "state": ("", Entity),
    "state_by_version": ("_by_version", EntityByVersion),
    "state_history": ("_history", EntityHistory),
    "state_at": ("_at", entity_at),
}
"""The suffix of each kind of table in `x-lix-entity-views`, and what it shows.

Who wants the history of a schema also gets its table at any revision.
"""

_ON_DEMAND = pattern("pragma_.*|jsonb?_(each|tree)")
"""Names of table-valued functions that SQLite lists only once they were used."""

_SPECIAL: dict[tuple[str, str], Build] = {
    ("lix_entity_label", "state"): EntityLabel,
    **{(key, "state_by_version"): DerivedByVersion for key in DERIVED_TABLES},
    **{(key, "state_history"): DerivedHistory for key in DERIVED_TABLES},
}
"""Tables that show more than stored rows."""

_OWN_TABLES = frozenset([*DERIVED, "lix_active_version", "lix_active_account"])
"""Schemas whose base table is a surface of its own."""


def build_entity(session: Session, args: Sequence[str]) -> Surface:
    """Build the surface of `CREATE VIRTUAL TABLE ... USING lix_entity(key, variant, ...)`."""
    if len(args) < 2 or args[1] not in VARIANTS:
        raise UnsupportedSql(
            f"{MODULE}({', '.join(args)}) is no table of a schema",
            hint="store a schema with INSERT INTO lix_stored_schema, and its tables are made",
        )
    shape = EntityShape.parse(args)
    build = _SPECIAL.get((shape.key, args[1])) or VARIANTS[args[1]][1]
    return build(session, shape)


def entity_surface(session: Session, name: str) -> Surface | None:
    """Build the surface of the table of a stored schema by its exact name, if it is one."""
    for suffix in {suffix for suffix, _ in VARIANTS.values()}:
        if name.endswith(suffix):
            schema = session.catalogue.latest(name.removesuffix(suffix))
            variants = {} if schema is None else {known: v for v, known in _variants(schema)}
            if schema is not None and name in variants:
                build = _SPECIAL.get((schema.key, variants[name])) or VARIANTS[variants[name]][1]
                return build(session, EntityShape.of(schema))
    return None


class EntityTables:
    """Keeps the tables of one database in step with its stored schemas."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session
        session.stored_schemas.on_check(self._check)
        session.stored_schemas.on_change(self._follow)

    def synchronise(self) -> None:
        """Create, drop and renew tables until they are those of the stored schemas.

        For writes that did not come through the writer, such as a merge.
        """
        keys = {schema.key for schema in self._session.catalogue.stored()}
        for key in sorted(keys | set(self._declared())):
            self._renew(key)

    # -- rules

    def _check(self, schema: CompiledSchema) -> None:
        """Refuse a schema whose tables would have names that are taken."""
        if self._declared(schema.key):
            return
        for name in _names(schema):
            reason = self._taken(name)
            if reason is not None:
                raise ConstraintViolation(
                    f"schema '{schema.key}' cannot be stored: {reason}",
                    hint="choose another x-lix-key",
                    details={"schema_key": schema.key, "table": name},
                )

    def _taken(self, name: str) -> str | None:
        """Return why a table cannot have a name."""
        session = self._session
        if name.startswith("sqlite_"):
            return f"SQLite reserves names like '{name}'"
        if self._exists(name):
            return f"a table or index named '{name}' exists"
        # a table would hide the function of that name, which our own queries may use
        found = session.connection.execute(
            "SELECT 1 FROM pragma_module_list WHERE name = ? COLLATE NOCASE", (name,)
        ).fetchone()
        # the modules of tables of ours are named like those
        if _ON_DEMAND.fullmatch(name) or (found is not None and name not in BUILTIN_KEYS):
            return f"'{name}' is the name of a table-valued function or module"
        return None

    # -- following

    def _follow(self, write: Write) -> None:
        self._renew(write.key.entity_id.rpartition("~")[0])

    def _renew(self, key: str) -> None:
        """Replace the tables of a schema key by what its newest version says."""
        newest = self._session.catalogue.latest(key)
        wanted = {} if newest is None else dict(_tables(newest))
        declared = self._declared(key).get(key, {})
        if declared == wanted:
            return
        for name in declared:
            self._drop(name)
        session = self._session
        with session.creating_tables():
            for name, module in wanted.items():
                session.connection.execute(
                    f"CREATE VIRTUAL TABLE {quote(session.db)}.{quote(name)} USING {module}"
                )

    def _drop(self, name: str) -> None:
        session = self._session
        with session.dropping_tables():
            session.connection.execute(f"DROP TABLE {quote(session.db)}.{quote(name)}")

    def _declared(self, key: str | None = None) -> dict[str, dict[str, str]]:
        """Return the entity tables there are (of one key), with their modules, by schema key."""
        session = self._session
        using = f" USING {MODULE}(" + ("" if key is None else f"{quote(key)},")
        found = session.connection.execute(
            f"SELECT name, sql FROM {quote(session.db)}.sqlite_schema "
            "WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE %' AND instr(sql, ?)",
            (using,),
        ).fetchall()
        declared: dict[str, dict[str, str]] = {}
        for name, sql in found:
            module = sql[sql.index(f" USING {MODULE}(") + 7 :]
            key = module.split('"')[1]
            declared.setdefault(key, {})[name] = module
        return declared

    def _exists(self, name: str) -> bool:
        session = self._session
        row = session.connection.execute(
            f"SELECT 1 FROM {quote(session.db)}.sqlite_schema WHERE name = ? COLLATE NOCASE",
            (name,),
        ).fetchone()
        return row is not None


def _wanted(schema: CompiledSchema, variant: str) -> bool:
    """Tell whether a schema has a kind of table."""
    if variant == "state_at":
        # what is derived is not state
        return "state_history" in schema.views and schema.key not in DERIVED
    return variant in schema.views


def _names(schema: CompiledSchema) -> Iterator[str]:
    """Yield the names of all tables a schema could have, whether it wants them or not."""
    for suffix, _ in VARIANTS.values():
        yield schema.key + suffix


def _tables(schema: CompiledSchema) -> Iterator[tuple[str, str]]:
    """Yield name and module of each table a schema has."""
    shape = EntityShape.of(schema)
    for variant, name in _variants(schema):
        yield name, f"{MODULE}({shape.arguments(variant)})"


def _variants(schema: CompiledSchema) -> Iterator[tuple[str, str]]:
    """Yield kind and name of each table a schema has."""
    for variant, (suffix, _) in VARIANTS.items():
        if _wanted(schema, variant) and (suffix or schema.key not in _OWN_TABLES):
            yield variant, schema.key + suffix
