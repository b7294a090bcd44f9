"""Keys: of schemas themselves, and of the rows a schema describes."""

from __future__ import annotations

from collections.abc import Callable

from lix_vtab.errors import ConstraintViolation
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.json import Json, canonical_json
from lix_vtab.model.keys import join_entity_id
from lix_vtab.schema.pointers import MISSING, Pointer

__all__ = ["ForeignKey", "SchemaKey", "entity_id_reader", "key_text", "plain_number"]

_WIDE = 1 << 63
"""What no whole number of SQL reaches; wider ones are reals to it."""


@dataclass(frozen=True, slots=True, order=True)
class SchemaKey:
    """Identity of a stored schema.

    >>> SchemaKey("users", "42").entity_id
    'users~42'
    """

    key: str
    version: str

    @property
    def entity_id(self) -> str:
        """Return the entity id of the row that stores the schema."""
        return join_entity_id((self.key, self.version))

    @property
    def number(self) -> int | None:
        """Return the version as a number, None for text that is none."""
        digits = self.version.isascii() and self.version.isdigit()
        return int(self.version) if digits and len(self.version) <= 18 else None


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A reference from properties of one schema to a primary key or unique group of another.

    `materialized` references are checked at commit; `same_file` ones only find targets under the
    file id of the referring row.
    """

    properties: tuple[Pointer, ...]
    target_key: str
    target_properties: tuple[Pointer, ...]
    materialized: bool
    same_file: bool

    @property
    def mode(self) -> str:
        """Return the mode as the definition writes it."""
        return "materialized" if self.materialized else "immediate"


def key_text(value: Json) -> str:
    """Write one key part: strings as they are, equal numbers alike, everything else as JSON.

    >>> key_text("a"), key_text(True), key_text(1.5), key_text(1.0)
    ('a', 'true', '1.5', '1')
    """
    return value if isinstance(value, str) else canonical_json(plain_number(value))


def plain_number(value: Json) -> Json:
    """Return the one way to write a number, as `1` and `1.0` are the same; others stay.

    >>> plain_number(1.0), plain_number(-0.0), plain_number(10**20), plain_number(1.5)
    (1, 0, 1e+20, 1.5)
    """
    if type(value) is float and value.is_integer() and -_WIDE <= value < _WIDE:
        return int(value)
    if type(value) is int and not -_WIDE <= value < _WIDE:
        try:
            real = float(value)
        except OverflowError:
            return value
        return real if real == value else value
    return value


def entity_id_reader(pointers: tuple[Pointer, ...], place: str) -> Callable[[Json], str | None]:
    """Return the function that derives an entity id from content of the schema at `place`.

    Without a primary key it always returns None.
    """
    if not pointers:
        return _no_key
    if len(pointers) == 1 and pointers[0].name is not None:
        return _single(pointers[0], pointers[0].name, place)

    def read(value: Json) -> str:
        return join_entity_id(_part(value, pointer, place) for pointer in pointers)

    return read


def _no_key(value: Json) -> None:
    return None


def _single(pointer: Pointer, name: str, place: str) -> Callable[[Json], str | None]:
    def read(value: Json) -> str:
        if isinstance(value, dict):
            part = value.get(name)
            if type(part) is str:
                return part
        return _part(value, pointer, place)

    return read


def _part(value: Json, pointer: Pointer, place: str) -> str:
    found = pointer.find(value)
    if found is MISSING:
        raise ConstraintViolation(
            f"missing primary-key field at pointer '{pointer.text}' of {place}",
            hint="give the primary key a value or a default",
            details={"pointer": pointer.text},
        )
    if found is None:
        raise ConstraintViolation(
            f"cannot derive entity_id from null primary-key value at pointer '{pointer.text}' "
            f"of {place}",
            hint="a primary key is never null",
            details={"pointer": pointer.text},
        )
    return key_text(found)
