"""A lix to ask wrongly, and one that is closed: both as good for the next test as for this one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import lix_vtab


@pytest.fixture(scope="module")
def lix() -> Iterator[lix_vtab.Lix]:
    with lix_vtab.open() as lix:
        yield lix


@pytest.fixture(scope="module")
def closed() -> lix_vtab.Lix:
    lix = lix_vtab.open()
    lix.close()
    return lix
