"""Globs, content types and ranks."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lix_vtab.plugins.matching import (
    GlobError,
    compile_glob,
    content_type_of,
    glob_matches,
    rank,
)


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("*.json", "/a/b/c.json", True),
        ("*.json", "/B.JSON", True),
        ("*.json", "/a.json5", False),
        ("*.{md,mdx}", "/notes.md", True),
        ("*.{md,mdx}", "/notes.MDX", True),
        ("*.{md,mdx}", "/notes.json", False),
        ("docs/**/*.md", "docs/nested/readme.md", True),
        ("docs/**/*.md", "docs/x.md", True),
        ("docs/**/*.md", "notes/readme.md", False),
        ("docs/**/*.md", "/docs/x.md", False),
        ("**/*.mdx", "/docs/nested/readme.mdx", True),
        ("/docs/**", "/docs/a/b", True),
        ("/docs/**", "/other", False),
        ("/a?c", "/abc", True),
        ("/a?c", "/a/c", True),
        ("/a?c", "/ac", False),
        ("/[a-c]x", "/bx", True),
        ("/[!a-c]x", "/bx", False),
        ("/[^a-c]x", "/dx", True),
        ("/[]]x", "/]x", True),
        ("/[a-]x", "/-x", True),
        (r"/\*x", "/*x", True),
        (r"/\*x", "/ax", False),
        ("/{a,b{c,d}}", "/bd", True),
        ("/{a,b{c,d}}", "/b", False),
        ("/{,x}y", "/y", True),
        ("/a.b", "/axb", False),
        ("/(a|b)+$", "/(a|b)+$", True),
        ("*", "anything", True),
        ("**", "/x/y", True),
        ("**/*", "/x", True),
        ("  *.md\n", " /a.md ", True),
        ("", "/a", False),
        ("*.md", "  ", False),
        ("*.{md,mdx", "/a.md", False),
        ("[", "[", False),
        ("/x\ny", "/x\ny", True),
        ("*/**/x*y", "/a/x/b/x-z-xy", True),
        ("*{ab,a}*bc", "xabc", True),
    ],
)
def test_glob_matches(glob: str, path: str, matches: bool) -> None:
    assert glob_matches(glob, path) is matches


@pytest.mark.parametrize("glob", ["*.{md,mdx", "}", "a}b", "[", "[a", "x\\", "{" * 9 + "a,b" * 9])
def test_globs_that_mean_nothing(glob: str) -> None:
    with pytest.raises(GlobError):
        compile_glob(glob)


def test_a_backwards_range_and_too_many_alternatives_are_refused() -> None:
    with pytest.raises(GlobError, match="bad character range"):
        compile_glob("[z-a]")
    with pytest.raises(GlobError, match="1024 alternatives"):
        compile_glob("{a,b}" * 11)


@pytest.mark.parametrize(
    ("glob", "expected"), [("*.md", 2), ("*.{md,mdx}", 4), ("docs/**/*.md", 6)]
)
def test_rank(glob: str, expected: int) -> None:
    assert rank(glob) == expected
    assert all(rank(catch_all) < expected for catch_all in ("*", "**", "**/*", " * "))


def test_many_stars_are_no_trap() -> None:
    start = time.process_time()
    assert not glob_matches("*a" * 20 + "b", "a" * 5000)
    assert time.process_time() - start < 10, "trying every way would take years"


@given(st.text("ab*?/.", max_size=8), st.text("ab/.", max_size=8))
def test_globs_agree_with_their_plain_translation(glob: str, path: str) -> None:
    glob = glob.replace("**/", "*")
    plain = "".join(
        ".*" if symbol == "*" else "." if symbol == "?" else re.escape(symbol) for symbol in glob
    )
    expected = bool(glob) and bool(path) and re.fullmatch(plain, path, re.DOTALL) is not None
    assert glob_matches(glob, path) is expected


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "text"),
        (b'{"hello":"world"}', "text"),
        ("é😀".encode(), "text"),
        (b"\x89PNG", "binary"),
        (b"a\0b", "binary"),
        (b"\xed\xa0\x80", "binary"),
    ],
)
def test_content_type(data: bytes, kind: str) -> None:
    assert content_type_of(data) == kind
