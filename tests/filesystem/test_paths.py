"""What is a path, and what it is made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lix_vtab.errors import InvalidValueError
from lix_vtab.filesystem.paths import (
    DirectoryPath,
    FilePath,
    check_segment,
    directory_text,
    join_name,
    split_name,
)

segments = st.text(
    st.one_of(st.sampled_from("./\\%~ab"), st.characters(exclude_categories=["Cs"])), min_size=1
).filter(lambda text: "/" not in text and "\0" not in text and text not in (".", ".."))

VALID_FILES = [
    "/docs/readme.md",
    "/a/b/c.txt",
    "/dash--path",
    "/unicodé/段落.md",
    "/docs/%20notes.md",
    "/docs/%zz.md",
    "/~",
    "/-",
    "/_",
    "/under_score~tilde-.txt",
    "/back\\slash.txt",
    "/with space?#:+@,()[]&'=;$!*.txt",
    "/\ttab",
    "/😀.md",
    "/नमस्ते",
    "/...",
    "/..a",
    "/a..",
    "/.a/b",
    "/" + "n" * 300,
]
INVALID_FILES = ["", "/", "//", "/trailing/", "no-leading", "/bad//double", "//x", "x/", "5"]
VALID_DIRECTORIES = ["/docs/", "/docs/guides/", "/unicodé/章节/", "/docs/%20/", "/a b/", "/.../"]
INVALID_DIRECTORIES = [
    "",
    "/",
    "//",
    "/file.md",
    "/docs",
    "/docs/ ",
    "no-leading",
    "rel/",
    "/a//b/",
]
DOTTED = ["/docs/./file", "/docs/../file", "/..", "/.", "/x/..", "/a/b/.", "/../x"]


@pytest.mark.parametrize("text", VALID_FILES)
def test_file_paths_are_kept_as_given(text: str) -> None:
    assert str(FilePath.parse(text)) == text


@pytest.mark.parametrize("text", INVALID_FILES)
def test_what_is_no_file_path_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        FilePath.parse(text)
    assert caught.value.message == f"lix_file_descriptor: Invalid file path {text}"
    assert caught.value.details == {"path": text}
    assert caught.value.hint is not None


@pytest.mark.parametrize("text", VALID_DIRECTORIES)
def test_directory_paths_are_kept_as_given(text: str) -> None:
    assert str(DirectoryPath.parse(text)) == text


@pytest.mark.parametrize("text", INVALID_DIRECTORIES)
def test_what_is_no_directory_path_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        DirectoryPath.parse(text)
    assert caught.value.message == f"lix_directory_descriptor: Invalid directory path {text}"
    assert caught.value.details == {"path": text}


@pytest.mark.parametrize("text", DOTTED)
def test_dot_segments_are_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match=r"path segment cannot be '\.' or '\.\.'"):
        FilePath.parse(text)
    with pytest.raises(InvalidValueError, match=r"path segment cannot be '\.' or '\.\.'"):
        DirectoryPath.parse(text + "/")


@pytest.mark.parametrize("text", ["/a\0b", "/a/\0", "/\ud800"])
def test_what_sqlite_cannot_store_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="path segment contains unsupported characters"):
        FilePath.parse(text)
    with pytest.raises(InvalidValueError, match="path segment contains unsupported characters"):
        DirectoryPath.parse(text + "/")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"/a.md", "path does not support blob values"),
        (None, "path does not support NULL values"),
        (5, "lix_file_descriptor: Invalid file path 5"),
        (1.5, "lix_file_descriptor: Invalid file path 1.5"),
    ],
)
def test_a_path_is_text(value: object, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        FilePath.parse(value)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("segment", "name", "extension"),
    [
        ("readme.md", "readme", "md"),
        ("archive.tar.gz", "archive.tar", "gz"),
        (".gitignore", ".gitignore", None),
        (".env", ".env", None),
        (".a.b", ".a", "b"),
        ("..gitignore", ".", "gitignore"),
        ("foo.%20", "foo", "%20"),
        ("foo.", "foo.", None),
        ("a..", "a..", None),
        ("...", "...", None),
        ("noext", "noext", None),
        ("a.b.", "a.b.", None),
    ],
)
def test_names_split_at_the_last_dot(segment: str, name: str, extension: str | None) -> None:
    assert split_name(segment) == (name, extension)
    assert join_name(name, extension) == segment


@pytest.mark.parametrize(
    ("segment", "message"),
    [
        ("", "path segment must not be empty"),
        (".", "path segment cannot be '.' or '..'"),
        ("..", "path segment cannot be '.' or '..'"),
        ("a/b", "path segment must not contain slashes"),
        ("a\0", "path segment contains unsupported characters"),
        ("\udc00", "path segment contains unsupported characters"),
    ],
)
def test_a_name_must_be_a_segment(segment: str, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        check_segment(segment)
    assert caught.value.message.startswith(message)


def test_spellings_that_only_look_equal_differ() -> None:
    paths = ["/caf\u00e9", "/cafe\u0301", "/%41", "/A", "/a", "/%2f", "/%2F"]
    assert len({FilePath.parse(path) for path in paths}) == len(paths)


def test_where_a_directory_is() -> None:
    path = DirectoryPath.parse("/a/b/")
    assert (path.name, path.parent) == ("b", DirectoryPath(("a",)))
    assert str(path.parent.parent) == "/"
    assert FilePath.parse("/a/b/c.md").directory == path
    assert str(FilePath.parse("/c.md").directory) == "/"


@given(st.lists(segments, max_size=4), segments)
def test_any_segments_make_a_path_and_come_back(parents: list[str], segment: str) -> None:
    path = FilePath.parse(directory_text(parents) + segment)
    assert path == FilePath(tuple(parents), segment)
    assert FilePath.parse(str(path)) == path
    directory = DirectoryPath.parse(directory_text([*parents, segment]))
    assert directory.segments == (*parents, segment)
    assert DirectoryPath.parse(str(directory)) == directory
    assert check_segment(segment) == segment


@given(st.text(st.sampled_from("/.a\0é"), max_size=8))
def test_a_text_is_a_path_exactly_when_its_segments_are(text: str) -> None:
    inner = text[1:].split("/")
    valid = text.startswith("/") and all(
        part not in ("", ".", "..") and "\0" not in part for part in inner
    )
    for parse, given_text in ((FilePath.parse, text), (DirectoryPath.parse, text + "/")):
        if valid:
            assert str(parse(given_text)) == given_text
        else:
            with pytest.raises(InvalidValueError):
                parse(given_text)


@given(segments)
def test_splitting_a_name_loses_nothing(segment: str) -> None:
    name, extension = split_name(segment)
    assert join_name(name, extension) == segment
    assert name
    assert extension is None or (extension and "." not in extension)
