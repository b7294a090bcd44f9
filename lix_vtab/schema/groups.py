"""Groups of properties: the value a row has in one, for unique rules, foreign keys and indexes."""

from __future__ import annotations

from collections.abc import Sequence

from lix_vtab.model.json import Json, canonical_json
from lix_vtab.schema.coerce import SqlValue, to_sql
from lix_vtab.schema.keys import plain_number
from lix_vtab.schema.pointers import MISSING, Pointer

__all__ = ["comparable", "group_value", "indexable", "member_values"]

LONGEST = 255
"""Characters of a text an index holds whole; longer ones are cut and told apart by a hash."""


def member_values(group: Sequence[Pointer], content: Json) -> list[Json] | None:
    """Return what a row has in a group, None when a member is null or not there."""
    values = [pointer.find(content) for pointer in group]
    if any(value is None or value is MISSING for value in values):
        return None
    return values


def group_value(values: Sequence[Json]) -> SqlValue:
    """Return the one SQL value an index holds for the values of a group.

    Equal values give equal results; the reverse holds nearly always, so rows found through an
    index are compared again.

    >>> group_value(["a"]), group_value([2.0]), group_value(["a", True])
    ('a', 2, '["a",1]')
    """
    plain = [to_sql(plain_number(value)) for value in values]
    return indexable(plain)


def indexable(plain: Sequence[SqlValue]) -> SqlValue:
    """Return the value an index holds for the SQL values of a group."""
    found = plain[0] if len(plain) == 1 else canonical_json(list(map(plain_number, plain)))
    if isinstance(found, str) and len(found) > LONGEST:
        from hashlib import blake2b  # loads OpenSSL

        digest = blake2b(found.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        return f"{found[:LONGEST]}#{digest}"
    return found


def comparable(values: Sequence[Json]) -> str:
    """Return a text that is equal for equal values only: 1 equals 1.0 but not true or "1".

    >>> comparable([1]) == comparable([1.0]), comparable([1]) == comparable([True])
    (True, False)
    """
    return canonical_json([plain_number(value) for value in values])
