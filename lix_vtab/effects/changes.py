"""What a transaction changed, as listeners see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.json import Json, parse_json
from lix_vtab.model.tuples import NamedTuple

__all__ = ["Batch", "Change", "Operation", "Touch"]

Operation: TypeAlias = Literal["insert", "update", "delete"]


class Touch(NamedTuple):
    """A key of a version whose row may have changed."""

    version_id: str
    schema_key: str
    file_id: str
    entity_id: str


@dataclass(frozen=True, slots=True)
class Change:
    """One row that changed. A delete carries the last content.

    `operation` is judged by what the version showed before: writing over an inherited row is an
    update. Untracked rows are a layer of their own, without `change_id`, `commit_id` and
    `writer_key`.
    """

    operation: Operation
    entity_id: str
    schema_key: str
    schema_version: str
    file_id: str
    version_id: str
    plugin_key: str
    snapshot: str | None
    untracked: bool = False
    writer_key: str | None = None
    change_id: str | None = None
    commit_id: str | None = None

    @property
    def snapshot_content(self) -> Json | None:
        """Return the content as a JSON value.

        >>> Change("insert", "a", "note", "1", "lix", "v", "lix", '{"n":1}').snapshot_content
        {'n': 1}
        """
        return None if self.snapshot is None else parse_json(self.snapshot)

    @property
    def touch(self) -> Touch:
        """Return the key that changed."""
        return Touch(self.version_id, self.schema_key, self.file_id, self.entity_id)


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything one transaction changed, in order.

    `sequence` grows with every batch of a stream; `commit_sequence` is the number of the last
    commit the batch covers, which a stream can be resumed from. `dropped` counts the batches a full
    queue lost right before this one.
    """

    sequence: int
    changes: Sequence[Change]
    commit_sequence: int = 0
    dropped: int = 0
