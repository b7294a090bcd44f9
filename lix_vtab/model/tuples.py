"""Named tuples, made without looking at what their annotations say.

The standard class compiles every annotation of every field, to refuse what cannot be a type; type
checkers do that better, and a command line should not wait for it. What comes out is what
`collections.namedtuple` makes, and to type checkers this is the standard class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["NamedTuple"]

if TYPE_CHECKING:
    from typing import NamedTuple  # noqa: TID251
else:
    from collections import namedtuple

    _OURS = frozenset(("__annotations__", "__module__", "__qualname__"))
    """What a body has that is not for the class to be made."""

    class _Made(type):
        """Makes a tuple class of a class body, its fields being what is annotated there."""

        def __new__(mcls, name, bases, body):
            if not bases:
                return super().__new__(mcls, name, bases, body)
            types = body.get("__annotations__", {})
            given = {field: body[field] for field in types if field in body}
            if list(given) != list(types)[len(types) - len(given) :]:
                raise TypeError(f"{name}: fields with a default come last")
            made = namedtuple(name, types, defaults=given.values(), module=body["__module__"])
            made.__annotations__ = made.__new__.__annotations__ = types
            made.__qualname__ = body["__qualname__"]
            for key, value in body.items():
                if key not in _OURS and key not in types:
                    setattr(made, key, value)
            return made

    class NamedTuple(metaclass=_Made):
        """The base of a tuple class with named fields.

        >>> class Point(NamedTuple):
        ...     x: int
        ...     y: int = 0
        >>> Point(1)
        Point(x=1, y=0)
        """
