"""The cheap named tuple is the standard one, but for what it costs to make."""

from __future__ import annotations

import inspect
import pickle
import typing
from typing import Any

import pytest

from lix_vtab.model.tuples import NamedTuple


class Ours(NamedTuple):
    """A place."""

    x: int
    y: int = 0

    @property
    def far(self) -> bool:
        """Tell whether it is far away."""
        return self.x + self.y > 100

    @classmethod
    def origin(cls) -> Ours:
        """Return where everything begins."""
        return cls(0)


class Theirs(typing.NamedTuple):
    """A place."""

    x: int
    y: int = 0


@pytest.mark.parametrize("cls", [Ours, Theirs])
def test_what_the_standard_one_has(cls: Any) -> None:
    place = cls(1)
    assert place == (1, 0)
    assert isinstance(place, tuple)
    assert repr(place) == f"{cls.__name__}(x=1, y=0)"
    assert place._replace(y=2)._asdict() == {"x": 1, "y": 2}
    assert cls._fields == ("x", "y")
    assert cls._field_defaults == {"y": 0}
    assert cls.__doc__ == "A place."
    assert list(inspect.signature(cls).parameters) == ["x", "y"]
    assert pickle.loads(pickle.dumps(place)) == place
    assert typing.get_type_hints(cls) == {"x": int, "y": int}
    with pytest.raises(TypeError):
        cls()
    with pytest.raises(AttributeError):
        place.x = 2


def test_methods_of_the_body() -> None:
    assert Ours.origin() == (0, 0)
    assert Ours(99, 2).far
    assert Ours.__qualname__ == "Ours"
    assert Ours.__module__ == __name__


def test_what_no_type_could_be_is_not_looked_at() -> None:
    class Strange(NamedTuple):
        name: 1 + 1

    assert Strange("a").name == "a"


def test_fields_without_a_default_come_first() -> None:
    with pytest.raises(TypeError, match="Wrong: fields with a default come last"):

        class Wrong(NamedTuple):
            x: int = 0
            y: int  # type: ignore[misc]
