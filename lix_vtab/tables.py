"""The tables of a lix as the statement planner sees them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any

from lix_vtab.execution.catalogue import Catalogue, Table, UniqueKey
from lix_vtab.schema import CompiledSchema
from lix_vtab.schema.keys import key_text
from lix_vtab.session import Session
from lix_vtab.storage.ddl import quote
from lix_vtab.surfaces.base import ReadOnlySurface, Surface
from lix_vtab.surfaces.entity import Entity
from lix_vtab.surfaces.entity_shape import sql_literal
from lix_vtab.surfaces.entity_tables import MODULE, entity_surface
from lix_vtab.surfaces.install import SURFACES, Sessions
from lix_vtab.surfaces.state import State

__all__ = ["Tables", "describe"]

_ENTITY = f"CREATE VIRTUAL TABLE % USING {MODULE}(%"
_WRITES = frozenset({"INSERT", "UPDATE", "DELETE"})
_PARTS = {"entity": "entity_id", "schema": "schema_key", "file": "file_id", "version": "version_id"}


class Tables:
    """Gives the catalogue of the tables that are ours, again only when they may have changed.

    What a table looks like is found out when a statement first writes to it.
    """

    __slots__ = (
        "_catalogue", "_cookie", "_foreign", "_generation", "_number", "_session", "_sessions",
    )  # fmt: skip

    def __init__(self, sessions: Sessions) -> None:
        self._session = session = sessions()
        self._sessions = sessions
        self._catalogue: Catalogue | None = None
        self._generation = -1
        self._foreign = 0
        self._number = 0
        self._cookie: object = None
        session.store.on_foreign_write(self._note_foreign)

    def __call__(self) -> Catalogue:
        """Return the catalogue as it is now."""
        generation = self._session.catalogue.generation
        if self._catalogue is None or generation != self._generation:
            self._catalogue = self._refresh(generation)
        return self._catalogue

    def _note_foreign(self) -> None:
        self._foreign += 1

    def _refresh(self, generation: int) -> Catalogue:
        """Keep the catalogue if all that happened is that others wrote, but no table changed."""
        session = self._session
        foreign, self._foreign = self._foreign, 0
        only_foreign = generation - self._generation == foreign
        self._generation = generation
        cookie = session.connection.execute(f"PRAGMA {quote(session.db)}.schema_version").get
        same = cookie == self._cookie
        self._cookie = cookie
        if self._catalogue is not None and only_foreign and same:
            return self._catalogue
        self._number += 1
        return Catalogue(self._number, _Described(session), self._attached)

    def _attached(self, database: str) -> Mapping[str, Table]:
        """Return the tables of another database of the connection."""
        execute = self._session.connection.execute
        found = execute(
            "SELECT name FROM pragma_database_list WHERE name = ? COLLATE NOCASE", (database,)
        ).fetchone()
        if found is None:
            return {}
        (name,) = found
        schema = "sqlite_temp_schema" if name == "temp" else f"{quote(name)}.sqlite_schema"
        lix = execute(f"SELECT 1 FROM {schema} WHERE name = 'lix_internal_meta'").fetchone()
        return {} if lix is None else _Described(self._sessions(name))


class _Described(Mapping[str, Table]):
    """Tables by their name in lower case, described when they are asked for."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[str, Table | None] = {}

    def __getitem__(self, name: str) -> Table:
        if name not in self._known:
            self._known[name] = self._describe(name)
        table = self._known[name]
        if table is None:
            raise KeyError(name)
        return table

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the tables there are, for hints."""
        yield from SURFACES
        found = self._session.connection.execute(
            f"SELECT lower(name) FROM {quote(self._session.db)}.sqlite_schema WHERE sql LIKE ?",
            (_ENTITY,),
        )
        for (name,) in found.fetchall():
            yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _describe(self, name: str) -> Table | None:
        session = self._session
        build = SURFACES.get(name)
        if build is not None:
            return describe(build(session, ()), name, session.db)
        found = session.connection.execute(
            f"SELECT name FROM {quote(session.db)}.sqlite_schema "
            "WHERE name = ? COLLATE NOCASE AND sql LIKE ?",
            (name, _ENTITY),
        ).fetchone()
        if found is None:
            return None
        surface = entity_surface(session, found[0])
        if surface is None:
            return None
        rules = session.constraints.rules()
        related = not isinstance(surface, Entity) or any(
            surface.shape.key in known for known in (rules.references, rules.referrers)
        )
        return describe(surface, found[0], session.db, related=related)


def describe(surface: Surface, name: str, db: str = "main", *, related: bool = True) -> Table:
    """Describe one surface of a database.

    Its `conflict_keys` are what ON CONFLICT can name, each as columns or as (columns, scope,
    condition); `asks` are the columns an INSERT may leave out or set to NULL with another meaning,
    `states` those it has to name because their NULL means something.
    """
    keys: Any = getattr(surface, "conflict_keys", ())
    read_only = isinstance(surface, ReadOnlySurface)
    return Table(
        name,
        type(surface).__name__,
        tuple(column.name for column in surface.columns if not column.hidden),
        tuple(column.name for column in surface.columns if column.hidden),
        keys=tuple(
            UniqueKey(*key) if isinstance(key[0], tuple) else UniqueKey(key) for key in keys
        ),
        defaults=MappingProxyType(dict(_defaults(surface, db))),
        # the functions that take rowids apart know the main database
        located=() if read_only or db != "main" else tuple(_located(surface)),
        refuses=_WRITES if read_only else frozenset(),
        asks=getattr(surface, "asks", frozenset()),
        states=getattr(surface, "states", frozenset()),
        stored=MappingProxyType(dict(_stored(surface))),
        made=MappingProxyType(dict(_made(surface))),
        related=related,
    )


def _located(surface: Surface) -> Iterator[tuple[str, str]]:
    """Say how the columns that address a row are had from its rowid, which holds all of them."""
    function = "lix_row_key_by_version" if surface.multi else "lix_row_key"
    wanted = set(_PARTS) if surface.multi else set(_PARTS) - {"version"}
    for column in surface.columns:
        if column.role in wanted:
            wanted.remove(column.role)
            yield column.name, f"{function}({{}}, '{_PARTS[column.role]}')"


def _defaults(surface: Surface, db: str) -> Mapping[str, str]:
    """Say what the columns of a key are when an INSERT leaves them out."""
    if isinstance(surface, Entity):
        overrides = surface.schema.overrides
        given = {"lixcol_file_id": overrides.file_id or "lix"}
        if surface.multi and surface.schema.home is not None:
            given["lixcol_version_id"] = surface.schema.home
        if overrides.values.get("entity_id") is not None:
            given["lixcol_entity_id"] = key_text(overrides.values["entity_id"])
        columns = {column: _literal(value) for column, value in given.items()}
        return {**_property_defaults(surface.schema), **columns}
    if isinstance(surface, State) and not surface.multi:
        if db != "main":
            return {"version_id": f"SELECT version_id FROM {quote(db)}.lix_active_version"}
        return {"version_id": "lix_active_version_id()"}
    return {}


def _property_defaults(schema: CompiledSchema) -> Mapping[str, str]:
    """Say what properties are when an INSERT leaves them out, as far as it is always the same."""
    return {name: _kept(schema, name, "NULL") for name in schema.defaults.constants}


def _stored(surface: Surface) -> Iterator[tuple[str, str]]:
    """Say what is kept of the values of key columns that are not plain texts."""
    if not isinstance(surface, Entity):
        return
    schema = surface.schema
    constants = schema.defaults.constants
    pointers = chain(schema.primary_key, *schema.unique)
    for name in {pointer.name for pointer in pointers if pointer.name is not None}:
        if schema.properties[name].sql_type != "TEXT" or name in constants:
            yield name, _kept(schema, name, "{}")


def _made(surface: Surface) -> Iterator[tuple[str, tuple[str, tuple[tuple[str, str], ...]]]]:
    """Say how the entity id follows from properties that have parts of the key inside."""
    if not isinstance(surface, Entity) or not any(
        p.name is None for p in surface.schema.primary_key
    ):
        return
    schema = surface.schema
    names = dict.fromkeys(pointer.path[0] for pointer in schema.primary_key)
    parts = tuple((name, _literal(name)) for name in names)
    yield "lixcol_entity_id", (f"lix_entity_id({_literal(schema.key)}", parts)


def _kept(schema: CompiledSchema, name: str, value: str) -> str:
    # the name may have braces, which are those of the value here
    return f"lix_stored({_literal(schema.key)}, {sql_literal(name)}, {value})"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
