"""What a plugin is: the values it receives, the values it returns, the errors it may raise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.tuples import NamedTuple

__all__ = [
    "ActiveStateRow",
    "EntityChange",
    "File",
    "Plugin",
    "PluginInternal",
    "PluginInvalidInput",
    "Replacement",
    "StateContext",
]


class PluginInvalidInput(Exception):
    """Say that the bytes or the entities cannot be understood; the text is shown to the user."""


class PluginInternal(Exception):
    """Say that the plugin itself went wrong; the statement fails whatever the manifest says."""


@dataclass(frozen=True, slots=True)
class File:
    """A file as a plugin sees it: its id, its full path, its bytes."""

    id: str
    path: str
    data: bytes


class EntityChange(NamedTuple):
    """The new content of one entity; `snapshot_content` None means the entity is gone.

    >>> EntityChange("/title", "json_pointer", {"path": "/title", "value": "Hi"}).schema_version
    '1'
    """

    entity_id: str
    schema_key: str
    snapshot_content: Any
    schema_version: str = "1"


class Replacement(NamedTuple):
    """One entity before and after it was edited as an entity; both have a content."""

    before: EntityChange
    after: EntityChange


class ActiveStateRow(NamedTuple):
    """One live entity of the file; columns the manifest did not ask for are None.

    `snapshot_content` is JSON text.
    """

    entity_id: str
    schema_key: str | None = None
    schema_version: str | None = None
    snapshot_content: str | None = None
    file_id: str | None = None
    plugin_key: str | None = None
    version_id: str | None = None
    change_id: str | None = None
    metadata: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


Rows = Iterable[ActiveStateRow]
Find = Callable[[str, str], ActiveStateRow | None]


class StateContext:
    """The file's current entities, fetched when a plugin looks at them and not before.

    `rows` is an iterable of rows or a callable returning one; `find`, when given, answers a look-up
    of one entity without fetching the others, which makes small edits of large files cheap.

    >>> context = StateContext([ActiveStateRow("/a", "json_pointer", "1", '{"path":"/a"}')])
    >>> context.find("json_pointer", "/a").entity_id
    '/a'
    """

    __slots__ = ("_find", "_index", "_rows", "_source")

    def __init__(self, rows: Rows | Callable[[], Rows] = (), *, find: Find | None = None) -> None:
        self._source = rows
        self._find = find
        self._rows: tuple[ActiveStateRow, ...] | None = None
        self._index: dict[tuple[str | None, str], ActiveStateRow] | None = None

    @property
    def active_state(self) -> tuple[ActiveStateRow, ...]:
        """Return every live row of the file, ordered by entity id."""
        if self._rows is None:
            source = self._source
            self._rows = tuple(source() if callable(source) else source)
        return self._rows

    def find(self, schema_key: str, entity_id: str) -> ActiveStateRow | None:
        """Return one live row, or None."""
        if self._find is not None and self._rows is None:
            return self._find(schema_key, entity_id)
        if self._index is None:
            self._index = {(row.schema_key, row.entity_id): row for row in self.active_state}
        return self._index.get((schema_key, entity_id))


@runtime_checkable
class Plugin(Protocol):
    """Turn a kind of file into entities and entities back into that kind of file.

    A plugin may also offer `accepts_path(path) -> bool` to narrow its glob, and
    `replace_entities(file, replacements, state_context) -> bytes | None` to write a file anew when
    a few of its entities were edited: `file.data` is what `apply_changes` would make of the
    entities as they were before, the result what it would make of them as they are now. None means
    that it cannot tell, and `apply_changes` is asked.
    """

    @property
    def key(self) -> str:
        """Return the plugin's name, the same as the manifest's `key`."""

    @property
    def manifest(self) -> Mapping[str, Any]:
        """Return the manifest as JSON-able data."""

    @property
    def schemas(self) -> Sequence[Mapping[str, Any]]:
        """Return the definitions of the schemas its entities use."""

    def detect_changes(
        self, before: File | None, after: File, state_context: StateContext | None
    ) -> Iterable[EntityChange]:
        """Name every entity that differs between `before` and `after`.

        `before` is None for a new file and when another plugin held the file until now. Entities
        left out stay as they are, so a vanished one needs a change with content None.
        """

    def apply_changes(self, file: File, changes: Sequence[EntityChange]) -> bytes:
        """Write the file from `changes`, the complete set of its entities.

        `file.data` holds the bytes as they were last written; the result may depend on the entities
        alone, for history and merge render without those bytes.
        """
