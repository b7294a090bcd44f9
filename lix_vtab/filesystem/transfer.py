"""Files in and out: by path, from streams, and whole directories of the host."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Any, Protocol

from lix_vtab.errors import FileNotFound, InputOutputError, InvalidValueError
from lix_vtab.filesystem.files import NewFile
from lix_vtab.filesystem.filesystem import Filesystem
from lix_vtab.filesystem.paths import DirectoryPath
from lix_vtab.filesystem.values import content_bytes
from lix_vtab.mutation.writer import Writer
from lix_vtab.resolution.scope import Scope
from lix_vtab.storage.first_names import FILE_ID, LIX
from lix_vtab.storage.rows import Key

__all__ = ["LARGE", "Progress", "Transfer", "Versions"]

LARGE = 16 * 1024 * 1024
"""Streams up to this size are handed to plugins; larger ones are stored piece by piece."""

_PIECE = 1024 * 1024

_READABLE = "files and directories must be readable, or left out with exclude; nothing was written"
_WRITABLE = "the target must be a directory you may write to; files written before it stay there"

Progress = Callable[[int, int, str], None]
"""Called with how many files are done, how many there are, and the path of the last one."""


class Versions(Protocol):
    """Says which version is meant when none is named."""

    def active_id(self) -> str:
        """Return the id of the active version."""


class Transfer:
    """Reads and writes files of the active version.

    What writes must run inside a statement or a SQL function, like every write.
    """

    __slots__ = ("_files", "_versions", "_writer")

    def __init__(self, files: Filesystem, writer: Writer, versions: Versions) -> None:
        self._files = files
        self._writer = writer
        self._versions = versions

    # -- one file

    def read(self, path: str) -> bytes:
        """Return the bytes of the file at a path; raise FileNotFound."""
        scope = self._writer.scope(self._versions.active_id())
        return self._files.data(scope, self._id_of(path))

    def open(self, path: str) -> io.BufferedIOBase:
        """Return a seekable binary file over the bytes, which are read as they are needed."""
        scope = self._writer.scope(self._versions.active_id())
        return self._files.contents.open(scope, self._id_of(path))

    def write(self, path: str, data: object, writer_key: str | None = None) -> str:
        """Give the file at a path these bytes, creating it when there is none; return its id.

        `data` is bytes, text, or a file opened in binary mode.
        """
        version_id = self._versions.active_id()
        content: bytes | None
        rest: IO[bytes] | None = None
        if hasattr(data, "read"):
            content, rest = _begin(data)
        else:
            content = content_bytes(data)
        known = self._files.find(self._writer.scope(version_id), path)
        if not known:
            id = self._writer.source.uuid7()
            first = content if rest is None else None
            new = NewFile(path, first, id=id, writer_key=writer_key)
            self._files.files.insert(version_id, new)
            known = [id]
            if rest is None:
                return id
        if rest is not None:
            self._files.files.replace_by_stream(
                version_id, known[0], path, _Joined(content or b"", rest), writer_key
            )
            return known[0]
        visible = self._writer.visible(version_id, Key(FILE_ID, known[0], LIX))
        assert visible is not None
        self._files.files.update(version_id, visible, {"data": content}, writer_key)
        return known[0]

    def _id_of(self, path: str) -> str:
        scope = self._writer.scope(self._versions.active_id())
        found = self._files.find(scope, path)
        if not found:
            raise FileNotFound(
                f"no file has the path '{path}' in version '{scope.version_id}'",
                hint="SELECT path FROM lix_file lists the files",
                details={"path": path, "version_id": scope.version_id},
            )
        return found[0]

    # -- directories of the host

    def import_dir(
        self,
        source: str | os.PathLike[str],
        into: str = "/",
        *,
        exclude: Sequence[str] = (".git",),
        progress: Progress | None = None,
        writer_key: str | None = None,
    ) -> int:
        """Write every file below a directory of the host; return how many.

        Files and directories whose name matches a pattern of `exclude` are left out, and so are
        links.
        """
        root = Path(source)
        prefix = _prefix(into)
        with _host(_READABLE):
            if not root.is_dir():
                found = "a file is there" if root.exists() else "nothing is there"
                raise InvalidValueError(
                    f"{root} is not a directory: {found}",
                    hint="import_dir reads every file below a directory; write_file writes one",
                    details={"path": str(root)},
                )
            files = sorted(_files_below(root, exclude))
        for done, (relative, file) in enumerate(files, 1):
            path = prefix + relative
            with _host(_READABLE), file.open("rb") as stream:
                self.write(path, stream, writer_key)
            if progress is not None:
                progress(done, len(files), path)
        return len(files)

    def export_dir(
        self,
        target: str | os.PathLike[str],
        source: str = "/",
        *,
        progress: Progress | None = None,
    ) -> int:
        """Write the file at a path, or every file below it, to a directory of the host.

        Return how many. What is there stays, except files of the same names. Links in the target
        are refused.
        """
        root = Path(target)
        scope = self._writer.scope(self._versions.active_id())
        prefix, wanted = self._below(scope, source)
        with _host(_WRITABLE):
            root.mkdir(parents=True, exist_ok=True)
        for done, (path, id) in enumerate(wanted, 1):
            with _host(_WRITABLE), self._files.contents.open(scope, id) as content:
                _write_out(_inside(root, path[len(prefix) :].split("/")), content)
            if progress is not None:
                progress(done, len(wanted), path)
        return len(wanted)

    def _below(self, scope: Scope, source: str) -> tuple[str, list[tuple[str, str]]]:
        """Return the directory to start from, and path and id of each file to be exported."""
        if not source.endswith("/"):
            found = self._files.find(scope, source)
            if found:
                return source[: source.rindex("/") + 1], [(source, found[0])]
        prefix = _prefix(source)
        if not self._files.lookup.directories(scope, prefix.split("/")[1:-1]):
            raise FileNotFound(
                f"no file or directory has the path '{source}' in version '{scope.version_id}'",
                hint="SELECT path FROM lix_directory lists the directories",
                details={"path": source, "version_id": scope.version_id},
            )
        listed = sorted((path, id) for id, path in self._files.list(scope) if path is not None)
        return prefix, [(path, id) for path, id in listed if path.startswith(prefix)]


@contextmanager
def _host(hint: str) -> Iterator[None]:
    """Give what the file system of this machine refuses its place in the error tree."""
    try:
        yield
    except OSError as error:
        # when a finished file cannot take its place, its place is meant
        path = error.filename2 or error.filename
        raise InputOutputError(
            f"{error.strerror or error}: {path!r}",
            hint=hint,
            details={"path": path},
        ) from error


class _Joined(io.RawIOBase):
    """A stream whose first bytes were already taken."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int = -1, /) -> bytes:
        if self._head and size >= 0:
            part, self._head = self._head[:size], self._head[size:]
            return part
        return self._rest.read(size)


def _begin(stream: Any) -> tuple[bytes, IO[bytes] | None]:
    """Read a stream to its end, or up to what is large; then also return the stream."""
    pieces: list[bytes] = []
    size = 0
    while size <= LARGE:
        piece = stream.read(_PIECE)
        if not isinstance(piece, bytes):
            raise InvalidValueError(
                f"a file gave {type(piece).__name__} instead of bytes",
                hint="open it in binary mode",
            )
        if not piece:
            return b"".join(pieces), None
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces), stream


def _prefix(path: str) -> str:
    """Return a directory path; the slash at its end may be left out."""
    if path == "/":
        return path
    return str(DirectoryPath.parse(path if path.endswith("/") else f"{path}/"))


def _files_below(root: Path, exclude: Sequence[str]) -> Iterator[tuple[str, Path]]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if _wanted(name, exclude)]
        for name in names:
            file = Path(folder, name)
            if _wanted(name, exclude) and file.is_file() and not file.is_symlink():
                yield _utf8(file.relative_to(root).as_posix()), file


def _utf8(name: str) -> str:
    """Return a name of the host, if it can be a path here."""
    try:
        name.encode()
    except UnicodeEncodeError as problem:
        raise InvalidValueError(
            f"the file name {os.fsencode(name)!r} is not UTF-8",
            hint="rename the file, or leave it out with exclude",
            details={"path": repr(os.fsencode(name))},
        ) from problem
    return name


def _wanted(name: str, exclude: Iterable[str]) -> bool:
    return not any(fnmatchcase(name, pattern) for pattern in exclude)


def _inside(root: Path, segments: Sequence[str]) -> Path:
    """Return a path below `root`, making the directories on the way."""
    at = root
    for segment in segments[:-1]:
        at = at / segment
        at.mkdir(exist_ok=True)
        if at.is_symlink():
            raise InvalidValueError(f"{at} is a link", hint="export to an empty directory")
    file = at / segments[-1]
    if root.resolve() not in file.parent.resolve().joinpath(file.name).parents:
        raise InvalidValueError(
            f"'{'/'.join(segments)}' does not stay inside {root}",
            hint="export to an empty directory: a link there leads out of it",
            details={"path": "/".join(segments)},
        )
    return file


def _write_out(file: Path, content: io.BufferedIOBase) -> None:
    """Replace a file of the host in one step."""
    partial = file.with_name(f".{os.urandom(8).hex()}.part")
    try:
        with partial.open("xb") as stream:
            while piece := content.read(_PIECE):
                stream.write(piece)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
