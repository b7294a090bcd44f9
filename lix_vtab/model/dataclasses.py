"""Slotted dataclasses, made in a fraction of the time.

The standard decorator compiles six methods for each class, which takes half a millisecond; there
are a hundred such classes, and a command line should not wait for that. Here only `__init__` is
compiled, when it is first asked for. What comes out is an ordinary dataclass, and to type checkers
it is the standard one.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, slots, frozen=False, eq=True, order=False):
        """Make a class a dataclass with slots.

        >>> @dataclass(frozen=True, slots=True)
        ... class Point:
        ...     x: int
        ...     y: int = 0
        >>> Point(1), Point(1) == Point(1, 0), hash(Point(1)) == hash(Point(1))
        (Point(x=1, y=0), True, True)
        """
        assert slots
        return lambda cls: _made(cls, frozen=frozen, eq=eq, order=order)


def _made(cls: type, *, frozen: bool, eq: bool, order: bool) -> type:
    if any(map(dataclasses.is_dataclass, cls.__bases__)):
        standard: Any = dataclasses.dataclass
        return standard(frozen=frozen, eq=eq, order=order, slots=True)(cls)  # type: ignore[no-any-return]
    late = _LateInit()
    methods: dict[str, Any] = {"__init__": late, "__repr__": _repr}
    plain: Any = dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
    plain.__dataclass_params__.frozen = frozen
    if eq:
        compared = [field.name for field in dataclasses.fields(plain) if field.compare]
        values = operator.attrgetter(*compared) if compared else lambda _: ()
        methods |= _comparison(values, frozen=frozen, order=order)
    if frozen:
        methods |= _FROZEN
    late.cls = _slotted(plain, methods)
    made: type = late.cls
    return made


def _slotted(plain: Any, methods: dict[str, Any]) -> type:
    """Make the class once more, with slots: they cannot be added to one there is.

    Methods go into its body: of each one set afterwards Python looks up what it means to the class.
    """
    fields = [field.name for field in dataclasses.fields(plain)]
    body = {name: value for name, value in vars(plain).items() if name not in fields}
    for name in ("__dict__", "__weakref__"):
        body.pop(name, None)
    made: type = type(plain)(
        plain.__name__, plain.__bases__, {**methods, **body, "__slots__": tuple(fields)}
    )
    made.__qualname__ = plain.__qualname__
    return made


class _LateInit:
    """Stand for an `__init__` until somebody looks it up, then put the compiled one there."""

    __slots__ = ("cls",)

    cls: Any

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        compiled = self.cls.__init__ = _initialiser(self.cls)
        return compiled if instance is None else compiled.__get__(instance)


def _initialiser(cls: type) -> Any:
    """Compile `__init__`: it sets fields by their slots, past the `__setattr__` that refuses."""
    names: dict[str, Any] = {"_unset": dataclasses.MISSING}
    parameters = ["self"]
    lines: list[str] = []
    for field in dataclasses.fields(cls):
        parameter, value = _taken(field, names)
        if field.init:
            parameters.append(parameter)
        if value:
            names[f"_set_{field.name}"] = getattr(cls, field.name).__set__
            lines.append(f" _set_{field.name}(self, {value})")
    if hasattr(cls, "__post_init__"):
        lines.append(" self.__post_init__()")
    head = f"def __init__({', '.join(parameters)}):"
    exec("\n".join([head, *(lines or [" pass"])]), names)
    return names["__init__"]


def _taken(field: dataclasses.Field[Any], names: dict[str, Any]) -> tuple[str, str]:
    """Return the parameter of a field and what the field is set to, adding what they name."""
    name = field.name
    if field.default is not dataclasses.MISSING:
        names[f"_default_{name}"] = field.default
        return f"{name}=_default_{name}", name if field.init else f"_default_{name}"
    if field.default_factory is not dataclasses.MISSING:
        names[f"_make_{name}"] = field.default_factory
        made = f"_make_{name}()"
        return f"{name}=_unset", f"{made} if {name} is _unset else {name}" if field.init else made
    return name, name if field.init else ""


def _comparison(
    values: Callable[[Any], Any], *, frozen: bool, order: bool
) -> dict[str, Callable[..., Any] | None]:
    """Return equality, hash and order by the values of some fields; what may change has no hash."""

    def by(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
        def compared(self: Any, other: Any) -> Any:
            if other.__class__ is not self.__class__:
                return NotImplemented
            return compare(values(self), values(other))

        return compared

    methods: dict[str, Callable[..., Any] | None] = {
        "__eq__": by(operator.eq),
        "__hash__": (lambda self: hash(values(self))) if frozen else None,
    }
    if order:
        for compare in (operator.lt, operator.le, operator.gt, operator.ge):
            methods[f"__{compare.__name__}__"] = by(compare)
    return methods


def _values(self: Any) -> Iterator[tuple[str, Any]]:
    return ((field.name, getattr(self, field.name)) for field in dataclasses.fields(self))


def _repr(self: Any) -> str:
    shown = ", ".join(f"{name}={value!r}" for name, value in _values(self))
    return f"{type(self).__qualname__}({shown})"


def _refuse_set(self: Any, name: str, value: Any) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_delete(self: Any, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> dict[str, Any]:
    return dict(_values(self))


def _restore(self: Any, state: dict[str, Any]) -> None:
    for name, value in state.items():
        object.__setattr__(self, name, value)


_FROZEN = {
    "__setattr__": _refuse_set,
    "__delattr__": _refuse_delete,
    "__getstate__": _state,  # pickling sets attributes, which is refused
    "__setstate__": _restore,
}
