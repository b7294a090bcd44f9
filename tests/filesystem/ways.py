"""The few statements nearly every test of files needs."""

from __future__ import annotations

from typing import Any, Protocol


class Runs(Protocol):
    def execute(self, sql: str, params: Any = ()) -> Any: ...


def put(lix: Runs, id: str, path: str, data: Any = "ignored", **more: Any) -> None:
    """Insert a file into the active version."""
    columns = {"id": id, "path": path, "data": data, **more}
    _insert(lix, "lix_file", columns)


def put_in(lix: Runs, version: str, id: str, path: str, data: Any = "ignored") -> None:
    """Insert a file into a version."""
    columns = {"id": id, "path": path, "data": data, "lixcol_version_id": version}
    _insert(lix, "lix_file_by_version", columns)


def make(lix: Runs, id: str, path: str, **more: Any) -> None:
    """Insert a directory into the active version."""
    _insert(lix, "lix_directory", {"id": id, "path": path, **more})


def make_in(lix: Runs, version: str, id: str, path: str) -> None:
    """Insert a directory into a version."""
    columns = {"id": id, "path": path, "lixcol_version_id": version}
    _insert(lix, "lix_directory_by_version", columns)


def paths(lix: Any) -> list[str]:
    """Return the paths of all files of the active version, sorted."""
    return sorted(row[0] for row in lix.execute("SELECT path FROM lix_file").rows)


def directories(lix: Any) -> list[str]:
    """Return the paths of all directories of the active version, sorted."""
    return sorted(row[0] for row in lix.execute("SELECT path FROM lix_directory").rows)


def data(lix: Any, id: str) -> bytes:
    """Return the bytes of a file of the active version."""
    ((content,),) = lix.execute("SELECT data FROM lix_file WHERE id = ?", (id,)).rows
    assert isinstance(content, bytes)
    return content


def commits(lix: Any) -> int:
    """Return how many commits there are."""
    ((count,),) = lix.execute("SELECT count(*) FROM lix_commit").rows
    assert isinstance(count, int)
    return count


def entities(lix: Any, file_id: str) -> list[str]:
    """Return the ids of a file's live entities, blob references excluded."""
    return [
        row[0]
        for row in lix.execute(
            "SELECT entity_id FROM lix_state WHERE file_id = ?"
            " AND schema_key <> 'lix_binary_blob_ref' ORDER BY entity_id",
            (file_id,),
        ).rows
    ]


def _insert(lix: Runs, table: str, columns: dict[str, Any]) -> None:
    marks = ", ".join("?" * len(columns))
    lix.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", tuple(columns.values())
    )
