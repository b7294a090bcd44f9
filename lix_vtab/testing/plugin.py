"""The pytest plugin: fixtures `lix`, `lix_file_db` and `lix_clone`, and what watches over them.

    def test_prices(lix):
        lix.register_schema(PRODUCT)
        lix.execute("INSERT INTO product (id, price) VALUES ('mug', 9)")

- `@pytest.mark.lix_deterministic` makes ids and times of a test the same in every run.
- `pytest --lix-rebuild` derives everything again from the change log before each read,
  `pytest --lix-reopen` closes and opens the database before each read: what the tests see must not
  change. (Opening takes time: use it nightly.)
- Every database of a fixture must be sound at the end of its test.
- Connections that tests leave open are reported at the end of the run, and closed;
  `--lix-leaks=error` makes them fail it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from weakref import WeakKeyDictionary

import pytest

if TYPE_CHECKING:
    import apsw

    from lix_vtab import Lix

__all__ = ["lix", "lix_clone", "lix_file_db"]

_DETERMINISTIC = {"key": "lix_deterministic_mode", "value": {"enabled": True}}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("lix", "databases with version control")
    group.addoption(
        "--lix-rebuild",
        action="store_true",
        help="derive everything again from the change log before each read of the lix fixtures",
    )
    group.addoption(
        "--lix-reopen",
        action="store_true",
        help="close and open the database before each read of the lix fixtures",
    )
    group.addoption(
        "--lix-leaks",
        choices=("report", "error", "off"),
        default="report",
        help="what to do about connections that tests leave open (default: report)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known and watch connections."""
    config.addinivalue_line(
        "markers", "lix_deterministic: make the same ids and times in every run"
    )
    if config.getoption("--lix-rebuild") and config.getoption("--lix-reopen"):
        raise pytest.UsageError("--lix-rebuild and --lix-reopen exclude each other")
    if config.getoption("--lix-leaks") != "off":
        config.pluginmanager.register(_Leaks(config), "lix_leaks")


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which mode is on."""
    mode = _mode(config)
    return f"lix: {mode} before each read" if mode else None


# -- fixtures


@pytest.fixture
def lix_options() -> dict[str, Any]:
    """Return the options of `lix_vtab.open` for the fixtures; override it to set others."""
    return {}


@pytest.fixture
def lix(
    request: pytest.FixtureRequest, lix_options: dict[str, Any], tmp_path: Path
) -> Iterator[Lix]:
    """Return an empty lix in memory."""
    mode = _mode(request.config)
    path = str(tmp_path / "memory.lix") if mode == "reopen" else ":memory:"
    yield from _opened(path, mode, _marked(request, lix_options))


@pytest.fixture
def lix_file_db(
    request: pytest.FixtureRequest, lix_options: dict[str, Any], tmp_path: Path
) -> Iterator[Lix]:
    """Return an empty lix in the file `test.lix` of the test's directory."""
    path = str(tmp_path / "test.lix")
    yield from _opened(path, _mode(request.config), _marked(request, lix_options))


@pytest.fixture
def lix_clone(lix_options: dict[str, Any]) -> Iterator[Callable[[Lix], Lix]]:
    """Return a function that copies a lix into a new one in memory."""
    clones: list[Lix] = []

    def clone(original: Lix) -> Lix:
        clones.append(_copy(original, lix_options))
        return clones[-1]

    yield clone
    for each in clones:
        each.close()


def _marked(request: pytest.FixtureRequest, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with what the marker of a test adds to them."""
    if request.node.get_closest_marker("lix_deterministic") is None:
        return options
    return {**options, "key_values": (*options.get("key_values", ()), _DETERMINISTIC)}


def _opened(path: str, mode: str | None, options: dict[str, Any]) -> Iterator[Lix]:
    import lix_vtab

    if mode is None:
        opened = lix_vtab.open(path, **options)
    else:
        from lix_vtab.testing.renewing import RenewingLix

        opened = RenewingLix(mode, path, **options)
    with opened:
        yield opened
        try:
            connection = opened.connection
        except lix_vtab.errors.ClosedError:
            return  # the test has closed it
        if not connection.in_transaction:
            assert opened.check() == [], "the database is damaged"


def _copy(original: Lix, options: dict[str, Any]) -> Lix:
    import apsw

    import lix_vtab

    # memory that connections share by name: the copy is there before a Lix opens it
    uri = f"file:/lix-clone-{uuid4()}?vfs=memdb"
    keeper = apsw.Connection(
        uri,
        flags=apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE,
    )
    try:
        original.connection.execute("VACUUM INTO ?", (uri,))
        return lix_vtab.open(uri, **options)
    finally:
        keeper.close()


def _mode(config: pytest.Config) -> str | None:
    if config.getoption("--lix-rebuild"):
        return "rebuild"
    return "reopen" if config.getoption("--lix-reopen") else None


# -- leaks


class _Leaks:
    """Which test opened each connection that is open."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._opened: WeakKeyDictionary[apsw.Connection, str] = WeakKeyDictionary()
        self._found: list[tuple[str, str]] = []

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        self._note(item.nodeid)

    def _note(self, test: str) -> None:
        apsw = sys.modules.get("apsw")
        for connection in apsw.connections() if apsw else ():
            self._opened.setdefault(connection, test)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Close what is still open: every fixture has been torn down."""
        apsw = sys.modules.get("apsw")
        for connection in apsw.connections() if apsw else ():
            test = self._opened.get(connection)
            if test is not None and _holds_lix(connection):
                self._found.append((test, connection.filename or "memory"))
                connection.close(True)
        if self._found and self._config.getoption("--lix-leaks") == "error":
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """List them."""
        if not self._found:
            return
        terminalreporter.section("connections left open")
        for test, place in sorted(self._found):
            terminalreporter.line(f"{test}: {place}")


def _holds_lix(connection: apsw.Connection) -> bool:
    query = "SELECT 1 FROM pragma_module_list WHERE name = 'lix_internal'"
    return bool(connection.execute(query).fetchall())
