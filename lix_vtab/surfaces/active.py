"""`lix_active_version` and `lix_active_account`: untracked rows of the global version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import apsw

from lix_vtab.errors import InvalidValueError, ReadOnlyError
from lix_vtab.mutation.versions import ACTIVE_VERSION
from lix_vtab.mutation.writer import RowWrite
from lix_vtab.session import Session
from lix_vtab.storage.versions import GLOBAL
from lix_vtab.surfaces.planner import Column, Plan
from lix_vtab.surfaces.reader import Reader

__all__ = ["ActiveAccount", "ActiveVersion"]

ACTIVE_ACCOUNT = "lix_active_account"


class ActiveVersion:
    """The one row that says which version unqualified statements use.

    A session that pinned a version sees its own choice.
    """

    name = ACTIVE_VERSION
    columns: Sequence[Column] = (
        Column("id", "TEXT", "{entity_id}", "entity"),
        Column("version_id", "TEXT", "lix_pinned_version({snapshot} ->> '$.version_id')"),
        Column("schema_key", "TEXT", "'lix_active_version'"),
        Column("file_id", "TEXT", "'lix'"),
        Column("lixcol_version_id", "TEXT", "'global'"),
        Column("schema_version", "TEXT", "{schema_version}"),
        Column("untracked", "INTEGER", "1"),
        Column("created_at", "TEXT", "{created_at}"),
        Column("updated_at", "TEXT", "{updated_at}"),
        Column("change_id", "TEXT", "'untracked'"),
    )
    required: Sequence[int] = ()
    sortable = True
    multi = False

    def __init__(self, session: Session) -> None:
        self._session = session
        self._reader = Reader(session, self.columns, schema_key=ACTIVE_VERSION)

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find the row."""
        return self._reader.rows(plan, args, GLOBAL)

    def insert(self, fields: Sequence[Any], conflict: int) -> int:
        """Refuse: there is exactly one row."""
        raise ReadOnlyError(
            "lix_active_version has exactly one row; INSERT is not supported",
            hint="UPDATE lix_active_version SET version_id = ...",
        )

    def update(self, rowid: int, fields: Sequence[Any]) -> None:
        """Switch to another version."""
        for column, value in zip(self.columns, fields, strict=True):
            if value is apsw.no_change or column.name == "version_id":
                continue
            if column.name == "id":
                raise ReadOnlyError(
                    "lix_active_version update cannot modify id", hint="set version_id"
                )
            raise ReadOnlyError(
                f"lix_active_version update does not support column '{column.name}'",
                hint="only version_id can be set",
                details={"column": column.name},
            )
        value = fields[1]
        if value is apsw.no_change:
            return
        if value is None:
            raise InvalidValueError(
                "lix_active_version field 'version_id' cannot be NULL",
                hint="SELECT id, name FROM lix_version lists the versions",
            )
        self._session.versions.switch(value, session=self._session.versions.pinned is not None)

    def delete(self, rowid: int) -> None:
        """Refuse: some version is always active."""
        raise ReadOnlyError(
            "lix_active_version always has its row; DELETE is not supported",
            hint="UPDATE lix_active_version SET version_id = ...",
        )


class ActiveAccount:
    """The accounts that author the commits made now."""

    name = ACTIVE_ACCOUNT
    columns: Sequence[Column] = (
        Column("account_id", "TEXT", "{entity_id}", "entity"),
        Column("schema_key", "TEXT", "'lix_active_account'"),
        Column("file_id", "TEXT", "'lix'"),
        Column("lixcol_version_id", "TEXT", "'global'"),
        Column("plugin_key", "TEXT", "'lix'"),
        Column("schema_version", "TEXT", "{schema_version}"),
        Column("untracked", "INTEGER", "1"),
        Column("created_at", "TEXT", "{created_at}"),
        Column("updated_at", "TEXT", "{updated_at}"),
        Column("lixcol_change_id", "TEXT", "'untracked'"),
    )
    required: Sequence[int] = ()
    sortable = True
    multi = False

    def __init__(self, session: Session) -> None:
        self._session = session
        self._reader = Reader(session, self.columns, schema_key=ACTIVE_ACCOUNT)

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find the active accounts."""
        return self._reader.rows(plan, args, GLOBAL)

    def insert(self, fields: Sequence[Any], conflict: int) -> int:
        """Make an account active; the account itself need not exist yet."""
        account_id = fields[0]
        for column, value in zip(self.columns[1:], fields[1:], strict=True):
            if value is not None:
                raise ReadOnlyError(
                    f"lix_active_account insert does not support column '{column.name}'",
                    hint="only account_id can be given",
                    details={"column": column.name},
                )
        if account_id is None:
            raise InvalidValueError(
                "lix_active_account insert requires column 'account_id': "
                "field 'account_id' cannot be NULL",
                hint="SELECT id, name FROM lix_account lists the accounts",
            )
        if not isinstance(account_id, str):
            raise InvalidValueError(
                "lix_active_account field 'account_id' must be a string",
                hint="SELECT id, name FROM lix_account lists the accounts",
            )
        if not account_id:
            raise InvalidValueError(
                "lix_active_account insert requires non-empty account_id",
                hint="SELECT id, name FROM lix_account lists the accounts",
            )
        content = {"account_id": account_id}
        row = RowWrite(account_id, ACTIVE_ACCOUNT, "lix", "lix", "1", content, untracked=True)
        return self._session.writer.put(GLOBAL, row)

    def update(self, rowid: int, fields: Sequence[Any]) -> None:
        """Refuse: delete one and insert another."""
        raise ReadOnlyError(
            "lix_active_account cannot be updated",
            hint="DELETE the account and INSERT another",
        )

    def delete(self, rowid: int) -> None:
        """Make an account inactive."""
        overlay = self._session.store.overlay.by_no(-rowid)
        if overlay is not None:
            self._session.writer.remove(GLOBAL, overlay.key)
