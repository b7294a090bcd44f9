"""How a row is found again after it was written, and before: what its rowid and its values mean."""

from __future__ import annotations

from typing import Any

import apsw

from lix_vtab.errors import InvalidValueError, LixError
from lix_vtab.schema import from_sql, to_sql
from lix_vtab.session import Session
from lix_vtab.surfaces.functions import SqlFunction
from lix_vtab.surfaces.rowids import split_rowid

__all__ = ["row_functions"]

_PARTS = ("schema_key", "entity_id", "file_id", "version_id")
_LOWEST = -(2**63)


def row_functions(session: Session) -> list[SqlFunction]:
    """Return the functions that tell which row is meant."""
    store = session.store

    def row_key(rowid: int, part: str) -> str | None:
        """Return `schema_key`, `entity_id` or `file_id` of the row with a rowid."""
        _check(rowid, part)
        if rowid < 0:
            overlay = store.overlay.by_no(-rowid)
            key = None if overlay is None else overlay.key
        else:
            key = store.rows.key_of(rowid)
        if key is None:
            return None
        if part == "entity_id":
            return key.entity_id
        return store.names.text(key.schema_id if part == "schema_key" else key.file_id)

    def row_key_by_version(rowid: int, part: str) -> str | None:
        """Do the same for tables of every version, which also have a `version_id`."""
        _check(rowid, part)
        version_no, inner = split_rowid(rowid)
        if part == "version_id":
            return store.versions.pointer_by_no(version_no).id
        return row_key(inner, part)

    return [
        *_content_functions(session),
        SqlFunction("lix_row_key", row_key, 2),
        SqlFunction("lix_row_key_by_version", row_key_by_version, 2),
    ]


def _content_functions(session: Session) -> list[SqlFunction]:
    """Return the functions that say what a row of a schema will hold."""

    def stored(schema_key: str, name: str, value: Any) -> Any:
        """Return what a property holds when it is given an SQL value: NULL is its default."""
        schema = session.catalogue.latest(schema_key)
        if schema is None or name not in schema.properties:
            return value
        if value is None:
            default = schema.defaults.constants.get(name)
            structure = isinstance(default, dict | list)
            return apsw.jsonb_encode(default) if structure else to_sql(default)
        try:
            return to_sql(from_sql(value, schema.properties[name], name))
        except LixError:
            # the INSERT itself says what is wrong with it
            return None

    def entity_id(schema_key: str, *given: Any) -> str | None:
        """Return the entity id of a row of a schema, given names and SQL values of properties."""
        schema = session.catalogue.latest(schema_key)
        if schema is None:
            return None
        try:
            content = {
                name: from_sql(value, schema.properties[name], name)
                for name, value in zip(given[::2], given[1::2], strict=True)
                if value is not None
            }
            return schema.entity_id_of(schema.defaults.constants | content)
        except (LixError, KeyError, ValueError):
            # no row has such a key, and the INSERT itself says why
            return None

    return [
        SqlFunction("lix_entity_id", entity_id),
        SqlFunction("lix_stored", stored, 3),
    ]


def _check(rowid: object, part: object) -> None:
    """Refuse what is no rowid, or no part of a key."""
    if type(rowid) is not int or rowid == _LOWEST:
        raise InvalidValueError(
            f"a rowid must be the number of a row, not {rowid!r}",
            hint="SELECT rowid FROM the table gives it",
        )
    if part not in _PARTS:
        raise InvalidValueError(
            f"a key has no part {part!r}", hint=f"its parts are {', '.join(_PARTS)}"
        )
