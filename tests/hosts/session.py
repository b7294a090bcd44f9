"""The `Session` of the other suites, over a host instead of a `Lix`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import lix_vtab
from lix_vtab.execution.parse import parse
from lix_vtab.execution.result import Result
from lix_vtab.lix import Transaction
from tests.hosts.hosts import Host
from tests.state.session import Session

__all__ = ["HostLix", "HostSession"]


class HostLix(lix_vtab.Lix):
    """The facade over a host: every verb of it that is a SQL function works as it is."""

    def __init__(self, host: Host) -> None:
        self._connection = self  # type: ignore[assignment]  # enough of one for the facade
        self.host = host

    def execute(self, sql: str, params: Any = (), *, writer_key: str | None = None) -> Result:
        if writer_key is not None:
            pytest.skip("writer keys belong to Lix.execute")
        if not self.host.lowers:
            _need_plain(sql)
        return self.host.run(sql, params)

    @contextmanager
    def transaction(self, *, writer_key: str | None = None) -> Iterator[Transaction]:
        if writer_key is not None:
            pytest.skip("writer keys belong to Lix.execute")
        nested = self.in_transaction
        run = self.host.run
        run("SAVEPOINT block" if nested else "BEGIN IMMEDIATE", ())
        transaction = Transaction(self)
        try:
            yield transaction
            run("RELEASE block" if nested else "COMMIT", ())
        except BaseException:
            if self.in_transaction:
                run("ROLLBACK TO block" if nested else "ROLLBACK", ())
            raise
        finally:
            transaction.active = False

    @property
    def connection(self) -> Any:
        return self

    @property
    def in_transaction(self) -> bool:
        return self.host.in_transaction

    def close(self) -> None:
        self.host.close()


def _need_plain(sql: str) -> None:
    """Skip a test of what only `Lix.execute` can do."""
    statements = parse(sql).statements
    if len(statements) > 1:
        pytest.skip("scripts belong to Lix.execute")
    if statements[0].upsert or (statements[0].returning and statements[0].kind.value != "insert"):
        pytest.skip("UPSERT and RETURNING on lix tables belong to Lix.execute")


class HostSession(Session):
    """A session of the suites whose statements run on a host."""

    def __init__(self, host: Host) -> None:
        self.mode = "live"
        self.path = ""
        self._dirty = False
        self.lix = HostLix(host)

    def renew(self) -> None:
        """Stay: hosts are not reopened."""
