"""Verbs on files, directories of this machine, and plugins."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from typing import IO, Any

from lix_vtab.filesystem.transfer import Progress, Transfer
from lix_vtab.model.json import parse_json
from lix_vtab.storage.blob_gc import Collected
from lix_vtab.verbs.base import Verbs

__all__ = ["FileVerbs"]


class FileVerbs(Verbs):
    """Reading and writing files by path."""

    def read_file(self, path: str) -> bytes:
        """Return the bytes of the file at a path; raise FileNotFound.

        >>> import lix_vtab
        >>> lix = lix_vtab.open()
        >>> id = lix.write_file("/notes.md", "# Notes")
        >>> lix.read_file("/notes.md")
        b'# Notes'
        """
        data: bytes = self._call("lix_read_file", path)
        return data

    def open_file(self, path: str) -> io.BufferedIOBase:
        """Return a seekable binary file over the bytes, which are read as they are needed.

        >>> import lix_vtab
        >>> lix = lix_vtab.open()
        >>> id = lix.write_file("/notes.md", "# Notes")
        >>> with lix.open_file("/notes.md") as notes:
        ...     notes.read(3)
        b'# N'
        """
        session = self._session
        self.execute("SELECT 1 FROM lix_version LIMIT 1")
        return Transfer(session.files, session.writer, session.versions).open(path)

    def write_file(self, path: str, data: bytes | str | IO[bytes]) -> str:
        """Give the file at a path these bytes, creating it when there is none; return its id.

        `data` may be a file opened in binary mode, which is read a piece at a time.
        """
        if isinstance(data, bytes | str):
            id: str = self._call("lix_write_file", path, data)
            return id
        return str(self._run(lambda transfer: transfer.write(path, data, self._session.writer_key)))

    def import_dir(
        self,
        source: str | os.PathLike[str],
        into: str = "/",
        *,
        exclude: Sequence[str] = (".git",),
        progress: Progress | None = None,
    ) -> int:
        """Write every file below a directory of this machine, in one commit; return how many.

        `progress(done, total, path)` is called after each file. Links, and files and directories
        whose name matches a pattern of `exclude`, are left out.
        """
        return int(
            self._run(
                lambda transfer: transfer.import_dir(
                    source,
                    into,
                    exclude=exclude,
                    progress=progress,
                    writer_key=self._session.writer_key,
                )
            )
        )

    def export_dir(
        self,
        target: str | os.PathLike[str],
        source: str = "/",
        *,
        progress: Progress | None = None,
    ) -> int:
        """Write every file below `source` to a directory of this machine; return how many."""
        return int(
            self._run(lambda transfer: transfer.export_dir(target, source, progress=progress))
        )

    def gc(self) -> Collected:
        """Delete stored content that no version, no commit and no untracked row names.

        >>> import lix_vtab
        >>> lix_vtab.open().gc()
        Collected(blobs=0, chunks=0, bytes=0)
        """
        freed = parse_json(self._call("lix_gc"))
        return Collected(freed["blobs"], freed["chunks"], freed["bytes"])

    def install_plugin(self, plugin: Any) -> str:
        """Install a plugin and its schemas; return its key.

        An archive (bytes, or the path of one) goes into the database; an object or a class serves
        this session.
        """
        return str(self._run(lambda _: self._session.files.plugins.install(plugin)))

    def uninstall_plugin(self, key: str) -> None:
        """Remove a plugin. Its files stay readable as they are."""
        self._call("lix_uninstall_plugin", key)

    def _run(self, task: Callable[[Transfer], Any]) -> Any:
        """Run code that writes inside a SQL function, where it is one statement."""
        session = self._session
        number = max(session.tasks, default=0) + 1
        transfer = Transfer(session.files, session.writer, session.versions)
        results: list[Any] = []
        session.tasks[number] = lambda: results.append(task(transfer))
        try:
            self._call("lix_run_task", number)
        finally:
            session.tasks.pop(number, None)
        return results[0]
