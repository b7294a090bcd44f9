"""Sessions on hosts, in the place of sessions on a `Lix`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lix_vtab.loadable import build
from tests.hosts.hosts import HOSTS, StockProcess, stock_python
from tests.hosts.session import HostSession

BEYOND_SQL = dict.fromkeys(
    [
        "test_insert_of_an_explicit_null_parent_means_none",
        "test_or_replace_with_an_explicit_null_parent_means_none",
    ],
    "only Lix.execute sees that a column was named and given NULL",
) | dict.fromkeys(
    ["test_rows_of_one_statement_may_come_in_any_order_in_a_transaction"],
    "elsewhere what is found wrong when a statement ends undoes the transaction around it",
)
"""Tests of what no virtual table can do, with the reason."""


@pytest.fixture(scope="session")
def lix_extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the extension, compiled for these tests."""
    directory = tmp_path_factory.mktemp("extension")
    try:
        built = build.build(directory)
    except build.BuildUnavailable as problem:
        pytest.skip(str(problem))
    build.write_settings(directory)
    return built


@pytest.fixture(scope="session")
def stock_process(lix_extension: Path) -> Iterator[StockProcess]:
    """Return a process of Python's own sqlite3."""
    python = stock_python()
    if python is None:
        pytest.skip("no Python of this version has an sqlite3 that loads extensions")
    process = StockProcess(python, lix_extension)
    yield process
    process.close()


@pytest.fixture(params=list(HOSTS))
def host_kind(request: pytest.FixtureRequest) -> str:
    """Return one kind of host after the other."""
    return str(request.param)


@pytest.fixture
def open_session(
    host_kind: str, request: pytest.FixtureRequest
) -> Iterator[Callable[..., HostSession]]:
    """Return a function that opens a session on the host under test, in memory.

    Every database must be sound at the end of its test.
    """
    why = BEYOND_SQL.get(getattr(request.node, "originalname", ""))
    if why and host_kind != "dbapi":
        pytest.skip(why)
    stock = request.getfixturevalue("stock_process") if host_kind == "stock" else None
    opened: list[HostSession] = []

    def opener(**options: object) -> HostSession:
        if options and host_kind != "dbapi":
            pytest.skip("options of open belong to Lix and PEP 249")
        opened.append(HostSession(HOSTS[host_kind](":memory:", stock, **options)))
        return opened[-1]

    yield opener
    for session in opened:
        if session.lix.in_transaction:
            session.lix.host.run("ROLLBACK", ())
        assert session.lix.check() == []
        session.lix.close()


@pytest.fixture
def lix(open_session: Callable[..., HostSession]) -> HostSession:
    """Return a fresh session on the host under test."""
    return open_session()
