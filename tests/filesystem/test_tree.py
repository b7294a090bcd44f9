"""Climbing the directory tree, and the words of refusals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lix_vtab.errors import ConstraintViolation, LixError, UniqueError
from lix_vtab.filesystem import refusals
from lix_vtab.filesystem.tree import DirectoryPaths, check_move

TREE: dict[str, tuple[str | None, str]] = {
    "docs": (None, "docs"),
    "guides": ("docs", "guides"),
    "deep": ("guides", "deep"),
    "orphan": ("gone", "orphan"),
    "below": ("orphan", "below"),
    "x": ("y", "x"),
    "y": ("x", "y"),
    "on-cycle": ("x", "z"),
}


@pytest.mark.parametrize(
    ("id", "path"),
    [
        (None, "/"),
        ("docs", "/docs/"),
        ("deep", "/docs/guides/deep/"),
        ("gone", None),
        ("orphan", None),
        ("below", None),
        ("x", None),
        ("on-cycle", None),
    ],
)
def test_paths(id: str | None, path: str | None) -> None:
    assert DirectoryPaths(TREE.get).path(id) == path


def test_each_directory_is_looked_up_once() -> None:
    asked: list[str] = []

    def climb(id: str) -> tuple[str | None, str] | None:
        asked.append(id)
        return TREE.get(id)

    paths = DirectoryPaths(climb)
    for id in (*TREE, *TREE, "gone", "gone"):
        paths.path(id)
    assert sorted(asked) == sorted([*TREE, "gone"])


@given(st.lists(st.one_of(st.none(), st.integers(0, 9)), min_size=10, max_size=10), st.randoms())
def test_order_of_questions_does_not_matter(parents: list[int | None], random: object) -> None:
    tree = {
        str(id): (None if parent is None else str(parent), f"n{id}")
        for id, parent in enumerate(parents)
    }
    order = list(tree)
    random.shuffle(order)  # type: ignore[attr-defined]
    shared = DirectoryPaths(tree.get)
    for id in order:
        assert shared.path(id) == DirectoryPaths(tree.get).path(id)


def test_a_very_deep_tree_is_climbed() -> None:
    tree = {str(at): (str(at - 1) if at else None, "d") for at in range(5000)}
    assert DirectoryPaths(tree.get).path("4999") == "/" + "d/" * 5000


@pytest.mark.parametrize("parent", [None, "docs", "orphan-free"])
def test_allowed_moves(parent: str | None) -> None:
    tree = {**TREE, "orphan-free": (None, "free")}
    check_move("deep", parent, tree.get)


@pytest.mark.parametrize(
    ("id", "parent", "message"),
    [
        ("docs", "docs", "Directory cannot be its own parent"),
        ("docs", "deep", "Directory parent would create a cycle"),
        ("docs", "gone", "Parent directory does not exist for id gone"),
        ("docs", "orphan", "Parent directory does not exist for id gone"),
        ("docs", "x", "Directory hierarchy appears to be cyclic above id x"),
    ],
)
def test_refused_moves(id: str, parent: str, message: str) -> None:
    with pytest.raises(ConstraintViolation) as caught:
        check_move(id, parent, TREE.get)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("error", "phrase"),
    [
        (refusals.no_path("lix_file"), "lix_file insert requires path"),
        (
            refusals.immutable_id("lix_file"),
            "lix_file id is immutable; create a new row and delete the old row instead",
        ),
        (
            refusals.file_exists("/a.md", "v"),
            "Unique constraint violation: file path '/a.md' already exists in version 'v'",
        ),
        (
            refusals.directory_exists("/a/", "v"),
            "Unique constraint violation: directory path '/a/' already exists in version 'v'",
        ),
        (
            refusals.file_is_directory("/foo.bar", "v"),
            "File path collides with existing directory path: /foo.bar/",
        ),
        (
            refusals.directory_is_file("/foo.bar/", "v"),
            "Directory path collides with existing file path: /foo.bar",
        ),
        (refusals.no_directory_name(), "Directory name must be provided"),
        (
            refusals.parent_mismatch("/a/b/", "x"),
            "Provided parent_id does not match parent derived from path /a/b/",
        ),
        (
            refusals.name_mismatch("/a/", "b"),
            "Provided directory name 'b' does not match path '/a/'",
        ),
        (refusals.no_parent_id("x"), "Parent directory does not exist for id x"),
        (refusals.no_parent_path("/a/"), "Parent directory does not exist for path /a/"),
        (refusals.no_directory("x"), "Directory does not exist for id x"),
    ],
)
def test_refusals_keep_their_words(error: LixError, phrase: str) -> None:
    assert error.message == phrase
    assert isinstance(error, UniqueError) == ("exist" in phrase and "not exist" not in phrase)
