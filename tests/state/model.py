"""The rules of visibility and of writing, as plain dictionaries.

Nothing here is clever: a version is two dictionaries and a parent, a commit is the tracked
dictionary it left behind. The state machine holds the database against this.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

__all__ = ["Found", "Key", "Line", "Model", "Row"]

Key = tuple[str, str]
"""Entity and file; the model knows one schema."""


@dataclass(frozen=True, slots=True)
class Row:
    """The content of a stored row; a `value` of None hides what lies deeper."""

    value: str | None
    metadata: str | None = None
    writer: str | None = None


@dataclass(slots=True)
class Line:
    """A version: its own rows in both layers and whom it inherits from."""

    parent: str | None
    tracked: dict[Key, Row] = field(default_factory=dict)
    local: dict[Key, Row] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """A visible row, with the version and the layer it was found in."""

    row: Row
    origin: str
    untracked: bool


@dataclass(slots=True)
class Model:
    """All versions, the active one, and what the running transaction changed so far.

    `moved` holds, per version whose tip was set by hand, the rows it had right after that.
    """

    lines: dict[str, Line]
    active: str
    wrote: set[str] = field(default_factory=set)
    moved: dict[str, dict[Key, Row]] = field(default_factory=dict)

    def copy(self) -> Model:
        return copy.deepcopy(self)

    def chain(self, version: str) -> Iterator[str]:
        at: str | None = version
        while at is not None:
            yield at
            at = self.lines[at].parent

    def find(self, version: str, key: Key) -> Found | None:
        """Return the visible row: the nearest version decides, and in it the local layer."""
        for origin in self.chain(version):
            line = self.lines[origin]
            for layer, untracked in ((line.local, True), (line.tracked, False)):
                if key in layer:
                    row = layer[key]
                    return None if row.value is None else Found(row, origin, untracked)
        return None

    def visible(self, version: str) -> dict[Key, Found]:
        keys = {
            key
            for origin in self.chain(version)
            for layer in (self.lines[origin].local, self.lines[origin].tracked)
            for key in layer
        }
        found = {key: self.find(version, key) for key in keys}
        return {key: row for key, row in found.items() if row is not None}

    def stored(self, version: str) -> dict[Key, tuple[Row, bool]]:
        """Return the own rows after the local layer shadowed the tracked one."""
        line = self.lines[version]
        rows = {key: (row, False) for key, row in line.tracked.items()}
        return rows | {key: (row, True) for key, row in line.local.items()}

    def put(self, version: str, key: Key, row: Row, *, untracked: bool) -> None:
        """Write an own row; the same content again is no change."""
        line = self.lines[version]
        if untracked:
            line.local[key] = replace(row, writer=None)
        elif line.tracked.get(key) != row:
            line.tracked[key] = row
            self.wrote.add(version)

    def update(self, version: str, key: Key, found: Found, row: Row) -> None:
        """Change a visible row: where it lies when it is own, as a copy when it is inherited."""
        self.put(version, key, row, untracked=found.untracked)

    def delete(self, version: str, key: Key, found: Found, writer: str | None) -> None:
        """Delete a visible row: an own local row goes, any other is hidden by a tombstone."""
        if found.untracked and found.origin == version:
            self.lines[version].local.pop(key, None)
            return
        tombstone = Row(None, found.row.metadata, writer)
        self.put(version, key, tombstone, untracked=False)

    def needless(self, version: str, key: Key, start: Model) -> bool:
        """Tell whether a tombstone may be missing: it undoes what its own transaction made.

        `start` is how things were when the transaction began.
        """
        before = self.moved.get(version)
        if before is None:
            before = start.lines[version].tracked if version in start.lines else {}
        return (
            self.lines[version].tracked[key].value is None
            and key not in before
            and not any(
                key in layer
                for origin in list(self.chain(version))[1:]
                for layer in (self.lines[origin].local, self.lines[origin].tracked)
            )
        )
