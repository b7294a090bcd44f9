"""What is written, what it replaces, and who has a say in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lix_vtab.model.json import Json
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.schema.compiled import CompiledSchema
from lix_vtab.storage.rows import Key, Stored, Values
from lix_vtab.storage.segments import Lineage

__all__ = ["Lane", "RowWrite", "Visible", "Watcher", "Write"]


class RowWrite(NamedTuple):
    """A row to be written. `content` is the parsed snapshot, None for a tombstone."""

    entity_id: str
    schema_key: str
    file_id: str
    plugin_key: str
    schema_version: str
    content: Json | None
    metadata: Json | None = None
    writer_key: str | None = None
    untracked: bool = False


class Visible(NamedTuple):
    """The row a version shows for a key, and where it comes from."""

    depth: int
    untracked: bool
    values: Values
    created_at: str
    stored: Stored | None

    @property
    def withdrawn(self) -> bool:
        """Tell whether the version has no row of its own any more and shows what it inherits."""
        return self.stored is not None and self.stored.withdrawn

    def is_row(self, rowid: int) -> bool:
        """Tell whether this is still the row a statement read under `rowid`."""
        return rowid < 0 if self.stored is None else self.stored.change_no == rowid


class Write(NamedTuple):
    """A write as watchers see it. `after` is None for a tombstone.

    `updates` says that it came as an UPDATE of a row that shows.
    """

    version_id: str
    version_no: int
    key: Key
    schema: CompiledSchema | None
    row: RowWrite
    before: Visible | None
    after: Json | None
    updates: bool = False


class Watcher(NamedTuple):
    """Rules and follow-up work of one schema key (or of all, when registered for None).

    `check` may refuse the write before anything is stored, `then` runs once it is. `prepare` may
    refuse or complete a row even before its content is held against its schema. `check_many` does
    what `check` does for rows that are written together.
    """

    check: Callable[[Write], None] | None = None
    then: Callable[[Write], None] | None = None
    prepare: Callable[[RowWrite], RowWrite] | None = None
    check_many: Callable[[Sequence[Write]], None] | None = None


class Lane(NamedTuple):
    """What all rows of one kind that are written into one version have in common.

    `schema` is None for tombstones, `overlaid` says that the version may have untracked rows of
    the kind. Rows are `plain` when nothing else has a say in them: no watcher, and no place but
    the segment where the version may have them already.
    """

    schema: CompiledSchema | None
    version_no: int
    segment_id: int
    lineage: Lineage
    schema_id: int
    file_id: int
    plugin_id: int
    overlaid: bool
    watchers: Sequence[Watcher]
    plain: bool
