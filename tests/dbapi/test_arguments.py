"""Whatever makes no sense is one of the exceptions of PEP 249, never a bare Python error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lix_vtab.dbapi import Connection, Error, connect

Call = Callable[[Connection, Any], object]

NO_TEXTS = (None, 5, b"SELECT 1", [], {}, object(), int, "\ud800")
CALLS: dict[str, tuple[Call, tuple[Any, ...]]] = {
    "connect": (lambda _, it: connect(it), (5, None, b"x", "a\0b", "\ud800")),
    "connect: isolation_level": (
        lambda _, it: connect(isolation_level=it),
        (5, True, [], object(), "SHARED"),
    ),
    "isolation_level": (
        lambda connection, it: setattr(connection, "isolation_level", it),
        (5, [], "SHARED"),
    ),
    "execute": (lambda connection, it: connection.execute(it), NO_TEXTS),
    "execute: parameters": (
        lambda connection, it: connection.execute("SELECT ?", it),
        (None, 5, "x", b"x", object(), [object()], ["\ud800"], [2**70]),
    ),
    "executemany": (lambda connection, it: connection.executemany(it, [()]), NO_TEXTS),
    "executemany: parameters": (
        lambda connection, it: connection.executemany("SELECT ?", it),
        (None, 5, object(), int, [5], ["x"]),
    ),
    "executescript": (lambda connection, it: connection.executescript(it), NO_TEXTS),
    "fetchmany": (
        lambda connection, it: connection.execute("SELECT 1").fetchmany(it),
        ("x", 1.5, [], object()),
    ),
}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, (_, bad) in CALLS.items() for value in bad],
    ids=repr,
)
def test_errors_are_those_of_the_interface(name: str, value: object) -> None:
    connection = connect()
    with pytest.raises(Error):
        CALLS[name][0](connection, value)
    connection.close()
