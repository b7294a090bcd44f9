"""A `Lix` that renews itself before it reads, to show what only works by accident."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lix_vtab.opening
from lix_vtab.execution.executor import Parameters
from lix_vtab.execution.result import Result
from lix_vtab.lix import Lix, Transaction

__all__ = ["RenewingLix"]

_READ = re.compile(
    r"\s*(?:SELECT|VALUES|WITH(?!.*\b(?:INSERT|UPDATE|DELETE)\b)).*\bFROM\b", re.I | re.S
)


class RenewingLix(Lix):
    """Rebuilds its derived state, or closes and reopens its file, before reads after writes.

    Mode `reopen` needs a file. What lives in the connection only (temporary tables, functions of
    the test, `connection` itself) does not survive reopening; a pinned version does.
    """

    def __init__(self, mode: str, path: str, **options: Any) -> None:
        self._mode = mode
        self._path = path
        self._options = options
        self._dirty = True
        self._renewing = False
        self._adopt(lix_vtab.opening.open(path, **options))

    def execute(
        self, sql: str, params: Parameters = (), *, writer_key: str | None = None
    ) -> Result:
        """Run SQL, renewing first when it reads tables."""
        if _READ.match(sql):
            self.renew()
        else:
            self._dirty = True
        return super().execute(sql, params, writer_key=writer_key)

    def renew(self) -> None:
        """Rebuild or reopen, unless nothing was written or a transaction is open."""
        if not self._dirty or self._renewing or self.connection.in_transaction:
            return
        self._dirty = False
        self._renewing = True
        try:
            if self._mode == "rebuild":
                self.rebuild()
            else:
                self._reopen()
        finally:
            self._renewing = self._dirty = False

    @contextmanager
    def transaction(self, *, writer_key: str | None = None) -> Iterator[Transaction]:
        """Group statements, as in `Lix.transaction`."""
        self._dirty = True
        with super().transaction(writer_key=writer_key) as transaction:
            yield transaction

    def _reopen(self) -> None:
        pinned = self._session.versions.pinned
        self.close()
        options = self._options if pinned is None else {**self._options, "version": pinned}
        self._adopt(lix_vtab.opening.open(self._path, **options))

    def _adopt(self, opened: Lix) -> None:
        """Become what was opened: same database, other connection."""
        self.__dict__.update(vars(opened))
