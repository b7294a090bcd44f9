"""Which changes a listener wants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Self

from lix_vtab.effects.changes import Change
from lix_vtab.errors import InvalidValueError
from lix_vtab.model.dataclasses import dataclass

__all__ = ["Filter"]

_Names = frozenset[str] | None


_LISTS = (
    "schema_keys",
    "entity_ids",
    "file_ids",
    "version_ids",
    "writer_keys",
    "exclude_writer_keys",
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions on changes: any value of a list will do, all lists must agree.

    None is no condition.

    >>> wanted = Filter.of(schema_keys=["note"])
    >>> wanted.accepts(Change("insert", "a", "note", "1", "lix", "v", "lix", "{}"))
    True
    """

    schema_keys: _Names = None
    entity_ids: _Names = None
    file_ids: _Names = None
    version_ids: _Names = None
    writer_keys: _Names = None
    exclude_writer_keys: _Names = None
    include_untracked: bool = True

    @classmethod
    def of(cls, *, include_untracked: bool = True, **lists: str | Iterable[str]) -> Self:
        """Build a filter from lists of texts; blanks do not count, an empty list is none."""
        for name in lists:
            if name not in _LISTS:
                raise TypeError(f"{name!r} is no condition; there are {', '.join(_LISTS)}")
        named = {name: _names(name, values) for name, values in lists.items()}
        return cls(**named, include_untracked=bool(include_untracked))

    def accepts(self, change: Change) -> bool:
        """Tell whether a change meets every condition."""
        if change.untracked and not self.include_untracked:
            return False
        key = change.writer_key
        if self.exclude_writer_keys is not None and key in self.exclude_writer_keys:
            return False
        return (
            (self.schema_keys is None or change.schema_key in self.schema_keys)
            and (self.entity_ids is None or change.entity_id in self.entity_ids)
            and (self.file_ids is None or change.file_id in self.file_ids)
            and (self.version_ids is None or change.version_id in self.version_ids)
            and (self.writer_keys is None or key in self.writer_keys)
        )

    def select(self, changes: Sequence[Change]) -> Sequence[Change]:
        """Return what to deliver: all changes when one is wanted, else none.

        A consumer that keeps a copy needs whole transactions. Untracked changes can be left out
        without tearing one apart.
        """
        if not any(map(self.accepts, changes)):
            return ()
        if self.include_untracked:
            return changes
        return tuple(change for change in changes if not change.untracked)


def _names(label: str, values: str | Iterable[str]) -> _Names:
    if not isinstance(values, Iterable):
        raise InvalidValueError(
            f"{label} lists texts, got {values!r}", details={"filter": label, "value": values}
        )
    listed = [values] if isinstance(values, str) else list(values)
    for value in listed:
        if not isinstance(value, str):
            raise InvalidValueError(
                f"{label} lists texts, got {value!r}", details={"filter": label, "value": value}
            )
    return frozenset(value.strip() for value in listed if value.strip()) or None
