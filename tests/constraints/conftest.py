"""The `lix` fixture of this directory: a session in each of the three modes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.state.session import Session


@pytest.fixture
def lix(open_session: Callable[..., Session]) -> Session:
    """Return a fresh session in the mode under test."""
    return open_session()
