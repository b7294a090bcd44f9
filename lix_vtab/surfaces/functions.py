"""SQL functions: how they are described and registered, and the verbs on versions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import Parameter, signature
from typing import Any

import apsw

from lix_vtab.errors import InvalidValueError, SchemaDefinitionError
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.session import Session
from lix_vtab.storage.versions import GLOBAL

__all__ = ["SqlFunction", "core_functions", "register"]


@dataclass(frozen=True, slots=True)
class SqlFunction:
    """A SQL function. One that `writes` runs atomically and cannot be used in views or triggers.

    `arguments` is how many it takes, -1 for what its signature says. One that is `innocuous` only
    makes a value of its arguments, so views and triggers of untrusted databases may use it.
    """

    name: str
    call: Callable[..., Any]
    arguments: int = -1
    deterministic: bool = False
    writes: bool = False
    innocuous: bool = False

    @property
    def flags(self) -> int:
        """Return the flags SQLite knows the function by."""
        return apsw.SQLITE_DIRECTONLY * self.writes | apsw.SQLITE_INNOCUOUS * self.innocuous


def register(session: Session, functions: Iterable[SqlFunction]) -> None:
    """Register functions on the session's connection."""
    for function in functions:
        call = _atomically(session, function.call) if function.writes else function.call
        for number in _numbers(function):
            session.connection.create_scalar_function(
                function.name,
                call,
                number,
                deterministic=function.deterministic,
                flags=function.flags,
            )


def _numbers(function: SqlFunction) -> Iterable[int]:
    """Return the numbers of arguments a function takes, so that SQLite refuses any other."""
    if function.arguments != -1:
        return (function.arguments,)
    parameters = signature(function.call).parameters.values()
    if any(parameter.kind is Parameter.VAR_POSITIONAL for parameter in parameters):
        return (-1,)
    needed = sum(parameter.default is Parameter.empty for parameter in parameters)
    return range(needed, len(parameters) + 1)


def _atomically(session: Session, call: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any) -> Any:
        session.writer.refuse_guest()
        session.store.refresh()
        with session.atomic():
            return call(*args)

    return run


def core_functions(session: Session) -> list[SqlFunction]:
    """Return the functions every lix has for versions and storage."""
    versions = session.versions

    def create_version(
        name: str | None = None,
        source: str | None = None,
        inherits_from: str | None = GLOBAL,
        id: str | None = None,
        hidden: int = 0,
    ) -> str:
        """Create a version and return its id; '' as third argument means no parent."""
        return make_version(
            session,
            name=name,
            id=id,
            source=source,
            inherits_from=inherits_from or None,
            hidden=bool(hidden),
        )

    def switch_version(name: str, in_session: int = 0) -> str:
        """Make a version active, for everybody or for this session, and return its id."""
        id = versions.resolve(name)
        versions.switch(id, session=bool(in_session))
        return id

    def delete_version(name: str) -> str:
        """Delete a version and return its id."""
        id = versions.resolve(name)
        versions.delete(id, session.writer_key)
        return id

    def register_schema(definition: str) -> str:
        """Store a schema given as JSON text and return its entity id."""
        if not isinstance(definition, str):
            raise SchemaDefinitionError(
                f"Invalid Lix schema definition: not JSON text: {definition!r}"
            )
        return session.stored_schemas.register(definition, session.writer_key)

    def active_version_id() -> str:
        """Return the id of the active version, which another connection may have changed."""
        session.store.look()
        return versions.chosen_id()

    return [
        SqlFunction("lix_register_schema", register_schema, 1, writes=True),
        SqlFunction("lix_create_version", create_version, writes=True),
        SqlFunction("lix_switch_version", switch_version, writes=True),
        SqlFunction("lix_delete_version", delete_version, 1, writes=True),
        SqlFunction("lix_active_version_id", active_version_id, 0),
        SqlFunction("lix_pinned_version", lambda stored: versions.pinned or stored, 1),
    ]


def make_version(
    session: Session,
    *,
    name: str | None = None,
    id: str | None = None,
    source: str | None = None,
    inherits_from: str | None = GLOBAL,
    hidden: bool = False,
) -> str:
    """Create a version that starts where `source` stands: a version (id or name) or a commit id."""
    for label, value in (("name", name), ("id", id), ("source", source)):
        if value is not None and not isinstance(value, str):
            raise InvalidValueError(
                f"create_version: {label} must be a string, got {value!r}",
                hint="a text in single quotes, or NULL to leave it to lix",
            )
    columns = {
        "id": id,
        "name": name,
        "commit_id": start_of(session, source),
        "inherits_from_version_id": resolve(session, inherits_from) if inherits_from else "",
        "hidden": int(hidden),
    }
    given = {column: value for column, value in columns.items() if value is not None}
    execute = session.connection.execute
    execute(
        f'INSERT INTO "{session.db}".lix_version({", ".join(given)}) '
        f"VALUES ({', '.join('?' * len(given))})",
        tuple(given.values()),
    )
    rowid = session.connection.last_insert_rowid()
    key = session.store.rows.key_of(rowid)
    assert key is not None
    return key.entity_id


def resolve(session: Session, name: str) -> str:
    """Return the id of a version given by id or unique name."""
    return session.versions.resolve(name)


def start_of(session: Session, source: str | None) -> str | None:
    """Return the commit a new version starts from; None for the active version's tip."""
    if source is None:
        return None
    if session.store.commits.by_id(source) is not None:
        return source
    pointer = session.store.versions.pointer(session.versions.resolve(source))
    return pointer.commit_id if pointer else None
