"""Fixtures and Hypothesis profiles every test may use.

`ci` is the default profile: small and reproducible. `long` is for `make slow`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, settings

import lix_vtab

pytest_plugins = ["tests.state.session"]

_SLOW_MACHINES = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "ci", max_examples=30, deadline=None, derandomize=True, suppress_health_check=_SLOW_MACHINES
)
settings.register_profile(
    "long", max_examples=2000, deadline=None, suppress_health_check=_SLOW_MACHINES
)
settings.load_profile("ci")


@pytest.fixture
def lix() -> Iterator[lix_vtab.Lix]:
    """Return an open lix in memory."""
    with lix_vtab.open() as opened:
        yield opened


@pytest.fixture
def lix_path(tmp_path: Path) -> Path:
    """Return the path of a database that does not exist yet."""
    return tmp_path / "app.lix"


@pytest.fixture(autouse=True)
def _nothing_stays_open() -> Iterator[None]:
    """Close the connections a test dropped: its modules hold a connection as it holds them."""
    before = {id(connection) for connection in apsw.connections()}
    yield
    for connection in apsw.connections():
        if id(connection) not in before:
            connection.close(True)
