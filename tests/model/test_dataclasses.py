"""The cheap dataclass is the standard one, but for what it costs to make."""

from __future__ import annotations

import copy
import dataclasses
import inspect
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


@dataclass(slots=True)
class Counter:
    count: int = 0
    seen: set[str] = dataclasses.field(default_factory=set)


@dataclass(slots=True, eq=False)
class Node:
    name: str


@dataclass(frozen=True, slots=True, order=True)
class Ranked:
    rank: int
    name: str = ""


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


def test_what_may_change_has_no_hash() -> None:
    counter = Counter()
    counter.count += 1
    assert counter == Counter(1)
    assert repr(counter) == "Counter(count=1, seen=set())"
    with pytest.raises(TypeError, match="unhashable"):
        hash(counter)
    with pytest.raises(AttributeError):
        counter.other = 1  # type: ignore[attr-defined]
    assert pickle.loads(pickle.dumps(counter)) == counter


def test_without_equality_each_object_is_itself() -> None:
    node = Node("a")
    assert node != Node("a")
    assert node in {node}
    assert Node("a") not in {node}


def test_order() -> None:
    assert sorted([Ranked(2, "a"), Ranked(1, "b"), Ranked(1, "a")]) == [
        Ranked(1, "a"), Ranked(1, "b"), Ranked(2, "a")
    ]  # fmt: skip
    assert Ranked(1) <= Ranked(1) >= Ranked(1)
    assert not Ranked(1) < Ranked(1)
    with pytest.raises(TypeError, match="not supported"):
        _ = Ranked(1) < 2  # type: ignore[operator]


def test_the_signature_is_there_before_the_first_object() -> None:
    @dataclass(frozen=True, slots=True)
    class Fresh:
        name: str
        size: int = 1

    assert list(inspect.signature(Fresh).parameters) == ["name", "size"]
    assert Fresh.__match_args__ == ("name", "size")
    assert Fresh("a").size == 1

    class Derived(Fresh):
        pass

    assert Derived("b").name == "b"


def test_init_is_compiled_when_it_is_needed() -> None:
    @dataclass(frozen=True, slots=True)
    class Fresh:
        name: str

    before = vars(Fresh)["__init__"]
    assert not inspect.isfunction(before)
    Fresh("a")
    assert inspect.isfunction(vars(Fresh)["__init__"])
