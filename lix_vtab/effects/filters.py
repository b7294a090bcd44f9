"""Which changes a listener wants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Self

from lix_vtab.arguments import ArgumentError, boolean, listed, text
from lix_vtab.effects.changes import Change
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
                raise ArgumentError(
                    f"{name!r} is no condition; there are {', '.join(_LISTS)}",
                    hint="give one of them, or include_untracked",
                    details={"argument": name},
                )
        named = {name: _names(name, values) for name, values in lists.items()}
        return cls(**named, include_untracked=boolean(include_untracked, "include_untracked"))

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
    hint = "such as ['a', 'b']; an empty list is no condition"
    given = [values] if isinstance(values, str) else listed(values, label, "a list of texts", hint)
    texts = [text(value, label, hint).strip() for value in given]
    return frozenset(filter(None, texts)) or None
