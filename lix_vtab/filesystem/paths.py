"""Paths: absolute, kept exactly as given, made of segments between slashes.

A file path does not end in a slash, a directory path does. A segment is any text without `/` and
NUL except the empty one, `.` and `..`; nothing is decoded, folded or normalised.
"""

from __future__ import annotations

from collections.abc import Iterable

from lix_vtab.errors import InvalidValueError
from lix_vtab.model.dataclasses import dataclass

__all__ = [
    "DirectoryPath",
    "FilePath",
    "check_segment",
    "directory_text",
    "join_name",
    "split_name",
]


@dataclass(frozen=True, slots=True)
class DirectoryPath:
    """A directory path by its segments; without any it is the root, which is no row.

    >>> DirectoryPath.parse("/docs/guides/")
    DirectoryPath(segments=('docs', 'guides'))
    >>> str(DirectoryPath(("docs",)))
    '/docs/'
    """

    segments: tuple[str, ...]

    @classmethod
    def parse(cls, value: object) -> DirectoryPath:
        """Read a directory path; raise InvalidValueError for the root and what is none."""
        text = _text(value)
        if len(text) < 3 or text[0] != "/" or text[-1] != "/" or "//" in text:
            form = "a directory path starts and ends with one slash, like /docs/guides/"
            raise InvalidValueError(
                f"lix_directory_descriptor: Invalid directory path {text}",
                hint="the root is always there" if text == "/" else _empty_segment(text) or form,
                details={"path": text},
            )
        return cls(_segments(text, text[1:-1]))

    def __str__(self) -> str:
        return directory_text(self.segments)

    @property
    def name(self) -> str:
        """The last segment."""
        return self.segments[-1]

    @property
    def parent(self) -> DirectoryPath:
        """The directory this one is in."""
        return DirectoryPath(self.segments[:-1])


@dataclass(frozen=True, slots=True)
class FilePath:
    """A file path: the segments of its directory and the file's own, extension included.

    >>> path = FilePath.parse("/docs/readme.md")
    >>> path
    FilePath(directories=('docs',), segment='readme.md')
    >>> split_name(path.segment)
    ('readme', 'md')
    """

    directories: tuple[str, ...]
    segment: str

    @classmethod
    def parse(cls, value: object) -> FilePath:
        """Read a file path; raise InvalidValueError for what is none."""
        text = _text(value)
        if len(text) < 2 or text[0] != "/" or text[-1] == "/" or "//" in text:
            form = "a file path starts with a slash and does not end with one, like /docs/a.md"
            raise InvalidValueError(
                f"lix_file_descriptor: Invalid file path {text}",
                hint=_empty_segment(text) or form,
                details={"path": text},
            )
        *directories, segment = _segments(text, text[1:])
        return cls(tuple(directories), segment)

    def __str__(self) -> str:
        return directory_text(self.directories) + self.segment

    @property
    def directory(self) -> DirectoryPath:
        """The directory the file is in."""
        return DirectoryPath(self.directories)


def directory_text(segments: Iterable[str]) -> str:
    """Write the path of a directory.

    >>> directory_text([]), directory_text(["a", "b"])
    ('/', '/a/b/')
    """
    text = "/".join(segments)
    return f"/{text}/" if text else "/"


def split_name(segment: str) -> tuple[str, str | None]:
    """Split a file's segment into name and extension at the last dot.

    A dot at the very start or the very end belongs to the name.

    >>> split_name("archive.tar.gz"), split_name(".gitignore"), split_name("end.")
    (('archive.tar', 'gz'), ('.gitignore', None), ('end.', None))
    """
    dot = segment.rfind(".")
    if 0 < dot < len(segment) - 1:
        return segment[:dot], segment[dot + 1 :]
    return segment, None


def join_name(name: str, extension: str | None) -> str:
    """Put name and extension together again.

    >>> join_name("archive.tar", "gz"), join_name(".gitignore", None)
    ('archive.tar.gz', '.gitignore')
    """
    return f"{name}.{extension}" if extension else name


def check_segment(segment: str) -> str:
    """Return the name of one file or directory unchanged; raise InvalidValueError if it is none."""
    if not segment:
        raise _refused(segment, "must not be empty")
    if segment in (".", ".."):
        raise _refused(segment, "cannot be '.' or '..'")
    if "/" in segment:
        raise _refused(segment, "must not contain slashes")
    _check_characters(segment)
    return segment


def _segments(path: str, inner: str) -> tuple[str, ...]:
    _check_characters(path)
    segments = tuple(inner.split("/"))
    if "." in segments or ".." in segments:
        raise _refused(path, "cannot be '.' or '..'")
    return segments


def _check_characters(text: str) -> None:
    if "\0" in text:
        raise _refused(text, "contains unsupported characters: NUL cannot be stored")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _refused(text, "contains unsupported characters: it is not UTF-8") from None


def _empty_segment(text: str) -> str | None:
    """Say that names are missing between slashes, and how the path reads without the extra ones."""
    if "//" not in text:
        return None
    while "//" in text:
        text = text.replace("//", "/")
    return f"between two slashes there must be a name; perhaps {text}"


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bytes | bytearray | memoryview):
        kind = "NULL" if value is None else "blob"
        raise InvalidValueError(
            f"path does not support {kind} values", hint="give the path as text, like '/docs/a.md'"
        )
    return str(value)


def _refused(text: str, reason: str) -> InvalidValueError:
    return InvalidValueError(
        f"path segment {reason} ({text!r})",
        hint="a segment is any text without '/' and NUL, but not '.' or '..'",
        details={"path": text},
    )
