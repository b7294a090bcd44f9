"""What a new database contains: tables, builtin schemas, two versions, the checkpoint label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lix_vtab.model.json import Json
from lix_vtab.model.nicknames import nickname
from lix_vtab.mutation.catalogue import STORED_SCHEMA
from lix_vtab.mutation.versions import ACTIVE_VERSION
from lix_vtab.mutation.writer import RowWrite
from lix_vtab.schema.builtin import builtin_schemas
from lix_vtab.session import Session
from lix_vtab.storage.ddl import create_tables, quote
from lix_vtab.storage.names import LIX
from lix_vtab.storage.rows import Key
from lix_vtab.storage.versions import GLOBAL, Descriptor

__all__ = ["boot", "create_lix"]


def create_lix(
    session: Session, tables: Mapping[str, str], key_values: Sequence[Mapping[str, Any]] = ()
) -> None:
    """Create everything a lix needs in an empty database.

    `tables` maps the virtual tables to create to their modules. `key_values` may switch
    deterministic mode on for what is created here. Must run inside a transaction.
    """
    connection, db = session.connection, session.db
    session.deterministic.preset(key_values)
    session.store.transaction.begin()
    create_tables(connection, db)
    with session.creating_tables():
        for table, module in tables.items():
            connection.execute(f"CREATE VIRTUAL TABLE {quote(db)}.{quote(table)} USING {module}")
    versions = session.store.versions
    versions.create(GLOBAL)
    _put(
        session,
        "lix_version_descriptor",
        GLOBAL,
        _descriptor(Descriptor(GLOBAL, GLOBAL, None, False)),
    )
    for definition in builtin_schemas():
        id = f"{definition['x-lix-key']}~{definition['x-lix-version']}"
        _put(session, STORED_SCHEMA, id, {"value": definition})
    session.files.plugins.register_all()
    label = session.store.identity.new("row", 1)
    _put(session, "lix_label", label, {"id": label, "name": "checkpoint"})
    connection.execute(
        f"INSERT INTO {quote(db)}.lix_internal_meta VALUES ('checkpoint_label', ?)", (label,)
    )
    for key, value in _names(session).items():
        _put(session, "lix_key_value", key, {"key": key, "value": value})
    main = session.store.identity.new("version", 0)
    session.store.versions.create(main)
    _put(
        session,
        "lix_version_descriptor",
        main,
        _descriptor(Descriptor(main, "main", GLOBAL, False)),
    )
    for id in (GLOBAL, main):
        _begin_history(session, id)
    active = session.store.identity.new("row", 2)
    content = {"id": active, "version_id": main}
    session.writer.put(
        GLOBAL, RowWrite(active, ACTIVE_VERSION, "lix", "lix", "1", content, untracked=True)
    )


def _names(session: Session) -> dict[str, str]:
    """Return the key values that tell one lix from others, to programs and to people."""
    if session.deterministic.on:
        return {"lix_id": "deterministic-lix-id", "lix_name": "deterministic-lix-name"}
    return {"lix_id": session.deterministic.nano_id(), "lix_name": nickname()}


def _put(session: Session, schema_key: str, id: str, content: Json) -> None:
    session.writer.put(GLOBAL, RowWrite(id, schema_key, "lix", "lix", "1", content), raw=True)


def _descriptor(descriptor: Descriptor) -> Json:
    return {
        "id": descriptor.id,
        "name": descriptor.name,
        "inherits_from_version_id": descriptor.inherits_from_version_id,
        "hidden": descriptor.hidden,
    }


def _begin_history(session: Session, version_id: str) -> None:
    """Give a version its first commit, which is also what its working changes are counted from."""
    store = session.store
    pointer = store.versions.pointer(version_id)
    assert pointer is not None
    tip = pointer.tip_seq
    if tip is None:
        tip = store.commits.insert(
            pointer.no, pointer.segment_id, None, 1, message="Initial commit"
        )
    store.versions.rotate(pointer.no, pointer.working_commit_id, pointer.working_change_set_id, tip)


def boot(
    session: Session, account: Mapping[str, str] | None, key_values: Sequence[Mapping[str, Any]]
) -> None:
    """Write what `open` was given: key values, untracked, and the one active account."""
    session.store.transaction.begin()
    for given in key_values:
        content = {"key": given["key"], "value": given["value"]}
        row = RowWrite(given["key"], "lix_key_value", "lix", "lix", "1", content, untracked=True)
        session.writer.put(given.get("version_id") or GLOBAL, row)
    if account is not None:
        _activate(session, account)


def _activate(session: Session, account: Mapping[str, str]) -> None:
    """Make an account the only active one, storing it first when it is new."""
    id, name = account["id"], account["name"]
    names = session.store.names
    if session.writer.visible(GLOBAL, Key(names.intern("lix_account"), id, LIX)) is None:
        row = RowWrite(id, "lix_account", "lix", "lix", "1", {"id": id, "name": name})
        session.writer.put(GLOBAL, row)
    for active in session.store.active_accounts():
        if active != id:
            key = Key(names.find("lix_active_account"), active, LIX)
            session.writer.remove(GLOBAL, key)
    content = {"account_id": id}
    session.writer.put(
        GLOBAL, RowWrite(id, "lix_active_account", "lix", "lix", "1", content, untracked=True)
    )
