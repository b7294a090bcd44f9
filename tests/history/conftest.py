"""The `lix` fixture of this directory: a session in each of the three modes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.history.graphs import World
from tests.state.session import Session


@pytest.fixture
def lix(open_session: Callable[..., Session]) -> Session:
    """Return a fresh session in the mode under test."""
    return open_session()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("worlds")

    @contextmanager
    def make(todo: list[tuple[Any, ...]]) -> Iterator[World]:
        made = World.new(folder)
        try:
            made.run(todo)
            yield made
        finally:
            made.lix.close()

    return make
