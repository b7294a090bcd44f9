"""The cheap dataclass is the standard one, but for what it costs to make."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any, ClassVar

import pytest

from lix_vtab.model.dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ours:
    name: str
    size: int = 1
    tags: list[str] = dataclasses.field(default_factory=list)
    cache: dict[str, int] = dataclasses.field(default_factory=dict, compare=False)
    label: str = dataclasses.field(init=False)
    kind: ClassVar[str] = "thing"

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", f"{self.name}!")


@dataclasses.dataclass(frozen=True, slots=True)
class Theirs:
    name: str
    size: int = 1
    tags: list[str] = dataclasses.field(default_factory=list)
    cache: dict[str, int] = dataclasses.field(default_factory=dict, compare=False)
    label: str = dataclasses.field(init=False)
    kind: ClassVar[str] = "thing"

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", f"{self.name}!")


@dataclass(frozen=True, slots=True)
class Hashable:
    first: int
    second: str = "b"


@dataclass(frozen=True, slots=True)
class Wider(Hashable):
    third: int = 3


@dataclass(frozen=True, slots=True)
class Empty:
    pass


BOTH = pytest.mark.parametrize("cls", [Ours, Theirs])


@BOTH
def test_construction(cls: Any) -> None:
    made = cls("a", tags=["x"])
    assert (made.name, made.size, made.tags, made.cache, made.label) == ("a", 1, ["x"], {}, "a!")
    assert cls("a").tags is not cls("a").tags
    assert repr(made) == f"{cls.__name__}(name='a', size=1, tags=['x'], cache={{}}, label='a!')"
    for wrong in ((), ("a", 1, [], {}, "label")):
        with pytest.raises(TypeError):
            cls(*wrong)


@BOTH
def test_equality(cls: Any) -> None:
    assert cls("a", cache={"x": 1}) == cls("a")
    assert cls("a") != cls("b")
    assert cls("a") != ("a", 1, [], "a!")
    with pytest.raises(TypeError, match="unhashable"):
        hash(cls("a"))


@BOTH
def test_frozen(cls: Any) -> None:
    made = cls("a")
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'name'"):
        made.name = "b"
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'name'"):
        del made.name
    assert not hasattr(made, "__dict__")


@BOTH
def test_copies(cls: Any) -> None:
    made = cls("a", 2, ["x"], {"y": 1})
    for other in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert other == made
        assert other.label == "a!"
        assert other.cache == {"y": 1}
    assert dataclasses.replace(made, name="b").label == "b!"
    assert dataclasses.asdict(made)["tags"] == ["x"]


def test_hash() -> None:
    assert hash(Hashable(1)) == hash(Hashable(1, "b"))
    assert len({Hashable(1), Hashable(1), Hashable(2)}) == 2
    assert Hashable(1) in {Hashable(1): None}
    assert Empty() == Empty()
    assert {Empty(), Empty()} == {Empty()}


def test_inheritance() -> None:
    assert Wider(1) == Wider(1, "b", 3)
    assert Wider(1) != Hashable(1)
    assert repr(Wider(1)) == "Wider(first=1, second='b', third=3)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        Wider(1).third = 4  # type: ignore[misc]


def test_patterns() -> None:
    match Hashable(7):
        case Hashable(first, second):
            assert (first, second) == (7, "b")
