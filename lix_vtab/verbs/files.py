"""Verbs on files, directories of this machine, and plugins."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from typing import IO, Any

from lix_vtab.arguments import host_path, listed, optional_callable, refused, text
from lix_vtab.filesystem.transfer import Progress, Transfer
from lix_vtab.model.json import parse_json
from lix_vtab.storage.blob_gc import Collected
from lix_vtab.verbs.base import Verbs

__all__ = ["FileVerbs"]

_PROGRESS = "a function of how many are done, how many there are, and a path"


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
        data: bytes = self._call("lix_read_file", _path(path, "read_file: path"))
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
        self._check_open("open_file")
        session = self._session
        wanted = _path(path, "open_file: path")
        self.execute("SELECT 1 FROM lix_version LIMIT 1")
        return Transfer(session.files, session.writer, session.versions).open(wanted)

    def write_file(self, path: str, data: bytes | str | IO[bytes]) -> str:
        """Give the file at a path these bytes, creating it when there is none; return its id.

        `data` may be a file opened in binary mode, which is read a piece at a time.
        """
        _path(path, "write_file: path")
        if isinstance(data, str):
            text(data, "write_file: data", "give bytes to store what is not UTF-8")
        if isinstance(data, bytes | str):
            id: str = self._call("lix_write_file", path, data)
            return id
        if not isinstance(data, bytearray | memoryview) and not hasattr(data, "read"):
            wanted = "bytes, a text, or a file opened in binary mode"
            raise refused("write_file: data", wanted, data, "b'' is an empty file")
        key = self._session.writer_key
        return str(self._run("write_file", lambda transfer: transfer.write(path, data, key)))

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
        directory = host_path(source, "import_dir: source", "a directory to read files from")
        _path(into, "import_dir: into")
        left_out = _patterns(exclude)
        optional_callable(progress, "import_dir: progress", _PROGRESS)
        return int(
            self._run(
                "import_dir",
                lambda transfer: transfer.import_dir(
                    directory,
                    into,
                    exclude=left_out,
                    progress=progress,
                    writer_key=self._session.writer_key,
                ),
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
        directory = host_path(target, "export_dir: target", "a directory to write files to")
        _path(source, "export_dir: source")
        optional_callable(progress, "export_dir: progress", _PROGRESS)
        return int(
            self._run(
                "export_dir",
                lambda transfer: transfer.export_dir(directory, source, progress=progress),
            )
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
        if isinstance(plugin, str | os.PathLike):
            plugin = host_path(plugin, "install_plugin: plugin", "the path of an archive")
        return str(
            self._run("install_plugin", lambda _: self._session.files.plugins.install(plugin))
        )

    def uninstall_plugin(self, key: str) -> None:
        """Remove a plugin. Its files stay readable as they are."""
        self._call(
            "lix_uninstall_plugin",
            text(key, "uninstall_plugin: key", "SELECT key FROM lix_plugin lists the plugins"),
        )

    def _run(self, method: str, task: Callable[[Transfer], Any]) -> Any:
        """Run code that writes inside a SQL function, where it is one statement."""
        self._check_open(method)
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


def _path(path: object, name: str) -> str:
    return text(path, name, "such as '/docs/a.md'")


def _patterns(exclude: object) -> list[str]:
    name, hint = "import_dir: exclude", "such as ('.git', '*.tmp')"
    patterns = [exclude] if isinstance(exclude, str) else listed(exclude, name, "a list", hint)
    for pattern in patterns:
        # a name of this machine need not be UTF-8
        if not isinstance(pattern, str):
            raise refused(name, "a list of texts", pattern, hint)
    return patterns
