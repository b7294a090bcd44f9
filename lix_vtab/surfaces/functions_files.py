"""SQL functions on files: reading and writing, whole directories, clean-up, plugins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lix_vtab.errors import InvalidValueError, NotFoundError
from lix_vtab.filesystem.collect import collect
from lix_vtab.filesystem.transfer import Transfer
from lix_vtab.model.json import canonical_json
from lix_vtab.session import Session
from lix_vtab.surfaces.functions import SqlFunction

__all__ = ["file_functions"]


def file_functions(session: Session) -> list[SqlFunction]:
    """Return the functions every lix has for files."""
    files = session.files
    transfer = Transfer(files, session.writer, session.versions)

    def read_file(path: str) -> bytes:
        """Return the bytes of the file at a path."""
        session.store.refresh()
        return transfer.read(_path(path))

    def write_file(path: str, data: str | bytes | None) -> str:
        """Give the file at a path these bytes, creating it when needed; return its id."""
        return transfer.write(_path(path), data, session.writer_key)

    def import_dir(directory: str, into: str = "/") -> int:
        """Write every file below a directory of the host; return how many."""
        return transfer.import_dir(_path(directory), _path(into), writer_key=session.writer_key)

    def export_dir(directory: str, source: str = "/") -> int:
        """Write every file below a path to a directory of the host; return how many."""
        session.store.refresh()
        return transfer.export_dir(_path(directory), _path(source))

    def gc() -> str:
        """Delete content nothing refers to any more; return what was freed as JSON."""
        freed = collect(session.store)
        return canonical_json({"blobs": freed.blobs, "bytes": freed.bytes, "chunks": freed.chunks})

    def install_plugin(archive: bytes | str) -> str:
        """Install a plugin archive, given as a blob or as the path of one; return its key."""
        return files.plugins.install(_path(archive) if isinstance(archive, str) else archive)

    def uninstall_plugin(key: str) -> str:
        """Remove a plugin and return its key."""
        files.plugins.uninstall(key)
        return key

    def run_task(number: int) -> Any:
        """Run what the facade of this very process has prepared."""
        task: Callable[[], Any] | None = session.tasks.pop(number, None)
        if task is None:
            raise NotFoundError(f"there is no task {number!r}", hint="the facade prepares tasks")
        return task()

    return [
        SqlFunction("lix_read_file", read_file, 1),
        SqlFunction("lix_write_file", write_file, 2, writes=True),
        SqlFunction("lix_import_dir", import_dir, writes=True),
        SqlFunction("lix_export_dir", export_dir, writes=True),
        SqlFunction("lix_gc", gc, 0, writes=True),
        SqlFunction("lix_install_plugin", install_plugin, 1, writes=True),
        SqlFunction("lix_uninstall_plugin", uninstall_plugin, 1, writes=True),
        SqlFunction("lix_run_task", run_task, 1, writes=True),
    ]


def _path(value: Any) -> str:
    if isinstance(value, str) and "\0" not in value:
        return value
    kind = "with NUL in it: " if isinstance(value, str) else ""
    raise InvalidValueError(
        f"a path must be text, not {kind}{value!r}", hint="for example '/docs/a.md'"
    )
