"""The entities behind files and directories, and their snapshots."""

from __future__ import annotations

from typing import Any

from lix_vtab.errors import CorruptError
from lix_vtab.filesystem.paths import join_name, split_name
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.json import Json, parse_json

__all__ = [
    "BLOB_REF",
    "DIRECTORY",
    "FALLBACK_PLUGIN",
    "FILE",
    "Directory",
    "File",
    "blob_ref_snapshot",
]

FILE = "lix_file_descriptor"
"""Schema key of files."""

DIRECTORY = "lix_directory_descriptor"
"""Schema key of directories."""

BLOB_REF = "lix_binary_blob_ref"
"""Schema key of the entity that holds a file no plugin looks into."""

FALLBACK_PLUGIN = "lix_builtin_binary_fallback"
"""Plugin key of `lix_binary_blob_ref` rows."""


@dataclass(frozen=True, slots=True)
class File:
    """A file's descriptor. `directory_id` is None in the root, `metadata` any JSON value."""

    id: str
    directory_id: str | None
    name: str
    extension: str | None = None
    metadata: Json = None
    hidden: bool = False

    @classmethod
    def parse(cls, snapshot: str) -> File:
        """Read a snapshot; properties that have a default may be missing.

        >>> File.parse('{"id":"f","directory_id":null,"name":"a","extension":"md"}').segment
        'a.md'
        """
        try:
            value = parse_json(snapshot)
            return cls(
                value["id"],
                value["directory_id"],
                value["name"],
                value.get("extension"),
                value.get("metadata"),
                bool(value.get("hidden")),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _unreadable(FILE, snapshot) from error

    @classmethod
    def at(cls, id: str, directory_id: str | None, segment: str) -> File:
        """Describe a new file by the segment its path ends in."""
        return cls(id, directory_id, *split_name(segment))

    @property
    def segment(self) -> str:
        """Name and extension as the path shows them."""
        return join_name(self.name, self.extension)

    def snapshot(self) -> dict[str, Any]:
        """Return the content of the entity."""
        return {
            "directory_id": self.directory_id,
            "extension": self.extension,
            "hidden": self.hidden,
            "id": self.id,
            "metadata": self.metadata,
            "name": self.name,
        }


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory's descriptor. `parent_id` is None in the root."""

    id: str
    parent_id: str | None
    name: str
    hidden: bool = False

    @classmethod
    def parse(cls, snapshot: str) -> Directory:
        """Read a snapshot; properties that have a default may be missing.

        >>> Directory.parse('{"id":"d","parent_id":null,"name":"docs"}')
        Directory(id='d', parent_id=None, name='docs', hidden=False)
        """
        try:
            value = parse_json(snapshot)
            return cls(value["id"], value["parent_id"], value["name"], bool(value.get("hidden")))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _unreadable(DIRECTORY, snapshot) from error

    def snapshot(self) -> dict[str, Any]:
        """Return the content of the entity."""
        return {
            "hidden": self.hidden,
            "id": self.id,
            "name": self.name,
            "parent_id": self.parent_id,
        }


def blob_ref_snapshot(file_id: str, hash: str, size: int) -> dict[str, Any]:
    """Return the content of the entity that ties a file to stored bytes.

    >>> blob_ref_snapshot("f", "af13", 0)
    {'blob_hash': 'af13', 'id': 'f', 'size_bytes': 0}
    """
    return {"blob_hash": hash, "id": file_id, "size_bytes": size}


def _unreadable(schema_key: str, snapshot: str) -> CorruptError:
    return CorruptError(
        f"a {schema_key} does not have the properties of its schema",
        details={"schema_key": schema_key, "snapshot": snapshot},
    )
