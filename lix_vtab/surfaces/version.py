"""`lix_version`: all versions, with their pointers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import apsw

from lix_vtab.errors import InvalidValueError, ReadOnlyError
from lix_vtab.session import Session
from lix_vtab.storage.names import LIX
from lix_vtab.storage.rows import Key
from lix_vtab.storage.versions import DESCRIPTOR, GLOBAL, Descriptor
from lix_vtab.surfaces.planner import Column, Plan
from lix_vtab.surfaces.reader import Reader

__all__ = ["VersionSurface"]

_POINTER = "(SELECT v.{0} FROM lix_internal_version v WHERE v.id = {{entity_id}})"

COLUMNS = (
    Column("id", "TEXT", "{entity_id}", "entity"),
    Column("name", "TEXT", "{snapshot} ->> '$.name'"),
    Column(
        "inherits_from_version_id",
        "TEXT",
        "{snapshot} ->> '$.inherits_from_version_id'",
    ),
    Column("hidden", "INTEGER", "coalesce({snapshot} ->> '$.hidden', 0)"),
    Column("commit_id", "TEXT", _POINTER.format("commit_id")),
    Column("working_commit_id", "TEXT", _POINTER.format("working_commit_id")),
    Column("entity_id", "TEXT", "{entity_id}"),
    Column("schema_key", "TEXT", "'lix_version'"),
    Column("file_id", "TEXT", "'lix'"),
    Column("version_id", "TEXT", "'global'"),
    Column("plugin_key", "TEXT", "'lix'"),
    Column("schema_version", "TEXT", "'1'"),
    Column("change_id", "TEXT", "{change_id}"),
    Column("created_at", "TEXT", "{created_at}"),
    Column(
        "updated_at",
        "TEXT",
        "max({updated_at}, coalesce(" + _POINTER.format("updated_at") + ", ''))",
    ),
    Column("untracked", "INTEGER", "0"),
)

_WRITABLE = (
    "id",
    "name",
    "inherits_from_version_id",
    "hidden",
    "commit_id",
    "working_commit_id",
)
_COMMIT_COLUMNS = ("commit_id", "working_commit_id")
_INSERT, _UPDATE = "lix_version insert", "lix_version update"


class VersionSurface:
    """Live descriptors of the global version, joined with their pointers.

    SQLite does not tell a virtual table which columns an INSERT left out. A NULL parent therefore
    means `global` unless the session knows that the statement named the column; an empty text
    always means no parent.
    """

    name = "lix_version"
    columns: Sequence[Column] = COLUMNS
    required: Sequence[int] = ()
    sortable = True
    multi = False
    conflict_keys = (("id",), ("working_commit_id",))
    asks = frozenset(["inherits_from_version_id"])

    def __init__(self, session: Session) -> None:
        self._session = session
        self._reader = Reader(session, COLUMNS, schema_key=DESCRIPTOR)
        self._names = [column.name for column in COLUMNS]

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find versions."""
        return self._reader.rows(plan, args, GLOBAL)

    def insert(self, fields: Sequence[Any], conflict: int) -> int:
        """Create a version; what is left out is generated."""
        session = self._session
        given = dict(zip(self._names, fields, strict=True))
        self._refuse_computed(given)
        id = given["id"]
        if id is None:
            id = session.store.identity.new("version", session.store.versions.next_no())
        id = _filled(id, _INSERT, "id")
        commit_id, working = (
            None if given[name] is None else _filled(given[name], _INSERT, name)
            for name in _COMMIT_COLUMNS
        )
        described = Descriptor(
            id,
            id if given["name"] is None else _text(given["name"], "name"),
            _parent(self._parent_of(id, given)),
            _hidden(given["hidden"]),
        )
        old = session.store.versions.descriptor(id) if conflict == apsw.SQLITE_REPLACE else None
        if old is None:
            session.versions.check_free(id)
        self._make_way(described, working)
        if old is not None:
            if commit_id is not None or working is not None:
                session.versions.move(id, commit_id, working)
            self._describe(old, described)
            return self._rowid(id)
        if commit_id is None:
            active = session.store.versions.pointer(session.versions.active_id())
            commit_id = active.commit_id if active else None
        session.versions.create(
            described,
            commit_id=commit_id,
            working_commit_id=working,
            writer_key=session.writer_key,
        )
        return self._rowid(id)

    def update(self, rowid: int, fields: Sequence[Any]) -> None:
        """Rename, hide, re-parent or move a version."""
        key = self._key(rowid)
        descriptor = None if key is None else self._session.store.versions.descriptor(key.entity_id)
        if descriptor is None:
            return
        assigned = {
            name: value
            for name, value in zip(self._names, fields, strict=True)
            if value is not apsw.no_change
        }
        self._change(descriptor, assigned)

    def delete(self, rowid: int) -> None:
        """Delete a version; its commits stay."""
        key = self._key(rowid)
        if key is not None:
            self._session.versions.delete(key.entity_id, self._session.writer_key)

    def _parent_of(self, id: str, given: dict[str, Any]) -> Any:
        """Return the parent an INSERT names, or the one it gets when it names none."""
        parent = given["inherits_from_version_id"]
        if parent is None and id != GLOBAL and not self._session.parent_given:
            return GLOBAL
        return parent

    def _change(self, old: Descriptor, assigned: dict[str, Any]) -> None:
        for name, value in assigned.items():
            if name == "id" and value != old.id:
                raise ReadOnlyError(
                    "lix_version update cannot modify id",
                    hint="create another version, or rename this one: set name",
                    details={"column": "id"},
                )
            if name not in _WRITABLE:
                raise ReadOnlyError(
                    f"lix_version update does not support column '{name}'",
                    hint=f"columns that can be set: {', '.join(_WRITABLE[1:])}",
                    details={"column": name},
                )
        moved = [name for name in _COMMIT_COLUMNS if name in assigned]
        if len(moved) == 1:
            raise InvalidValueError(
                "lix_version update must set both commit_id and working_commit_id together",
                hint="a new working_commit_id may be any unused text: lix_uuid_v7() makes one",
                details={"column": moved[0]},
            )
        new = Descriptor(
            old.id,
            _filled(assigned["name"], _UPDATE, "name") if "name" in assigned else old.name,
            _parent(assigned.get("inherits_from_version_id", old.inherits_from_version_id)),
            _hidden(assigned.get("hidden", old.hidden)),
        )
        commit_id, working = (
            _filled(assigned[name], _UPDATE, name) if moved else None for name in _COMMIT_COLUMNS
        )
        if moved or new != old:
            self._make_way(new, working)
        if moved:
            self._session.versions.move(old.id, commit_id, working)
        self._describe(old, new)

    def _make_way(self, new: Descriptor, working: str | None) -> None:
        """Refuse a row that cannot be, before anything is written.

        Under OR REPLACE the version that has the working commit already is deleted.
        """
        versions = self._session.versions
        replaces = self._session.writer.conflict == apsw.SQLITE_REPLACE
        if working is not None and not replaces:
            versions.check_working(working, new.id)
        versions.check_parent(new)
        if working is not None and replaces:
            versions.give_way(working, new, self._session.writer_key)

    def _describe(self, old: Descriptor, new: Descriptor) -> None:
        if new != old:
            self._session.versions.update(new, self._session.writer_key)

    def _key(self, rowid: int) -> Key | None:
        return self._session.store.rows.key_of(rowid)

    def _rowid(self, id: str) -> int:
        store = self._session.store
        key = Key(store.names.find(DESCRIPTOR), id, LIX)
        visible = self._session.writer.own(GLOBAL, key)
        return visible.stored.change_no if visible and visible.stored else 0

    def _refuse_computed(self, given: dict[str, Any]) -> None:
        for name, value in given.items():
            if value is not None and name not in _WRITABLE:
                raise ReadOnlyError(
                    f"lix_version insert does not support column '{name}'",
                    hint=f"columns that can be given: {', '.join(_WRITABLE)}",
                    details={"column": name},
                )


def _parent(value: Any) -> str | None:
    """Return the id of a parent; NULL and the empty text mean none."""
    return _text(value, "inherits_from_version_id") if value not in (None, "") else None


def _text(value: Any, column: str) -> str:
    """Return a text, which may be empty."""
    if value is None:
        raise InvalidValueError(
            f"lix_version field '{column}' cannot be NULL",
            hint="leave the column out to have it generated or kept",
            details={"column": column},
        )
    if not isinstance(value, str):
        raise InvalidValueError(
            f"lix_version field '{column}' must be a string",
            hint="CAST the value AS TEXT",
            details={"column": column},
        )
    return value


def _filled(value: Any, where: str, column: str) -> str:
    """Return a text that must not be empty."""
    filled = _text(value, column)
    if not filled:
        raise InvalidValueError(
            f"{where} cannot set empty {column}: field '{column}' cannot be empty",
            hint="leave the column out to have it generated or kept",
            details={"column": column},
        )
    return filled


def _hidden(value: Any) -> bool:
    """Read what SQL people write for a boolean."""
    if value is None:
        return False
    if isinstance(value, str):
        word = value.strip().lower()
        if word in ("1", "true"):
            return True
        if word in ("0", "false"):
            return False
    elif isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    raise InvalidValueError(
        f"lix_version field 'hidden' must be boolean-compatible, got '{value}'",
        hint="use 1 or 0, TRUE or FALSE",
        details={"column": "hidden", "value": value},
    )
