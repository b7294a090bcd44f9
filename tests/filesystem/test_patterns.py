"""Where conditions on a path let one look."""

from __future__ import annotations

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lix_vtab.filesystem.patterns import Region, glob_region, like_region, range_region


@pytest.mark.parametrize(
    ("pattern", "region"),
    [
        ("/docs/*", Region(("docs",), "")),
        ("/docs/guides/a*.md", Region(("docs", "guides"), "a")),
        ("/doc?/x", Region((), "doc")),
        ("/[ab]/x", Region((), "")),
        ("/docs/a.md", Region(("docs",), "a.md", whole=True)),
        ("/docs/", Region(("docs",), "", whole=True)),
        ("*.md", Region((), "")),
        ("docs/*", None),
        ("", None),
    ],
)
def test_glob(pattern: str, region: Region | None) -> None:
    assert glob_region(pattern) == region


@pytest.mark.parametrize(
    ("pattern", "region"),
    [
        ("/docs/%", Region(("docs",), "", fold=True)),
        ("/docs/a_b/%", Region(("docs",), "a", fold=True)),
        ("/docs/*", Region(("docs",), "*", whole=True, fold=True)),
        ("%", Region((), "", fold=True)),
        ("docs%", None),
    ],
)
def test_like(pattern: str, region: Region | None) -> None:
    assert like_region(pattern) == region


@pytest.mark.parametrize(
    ("low", "high", "region"),
    [
        ("/docs/", "/docs0", Region(("docs",), "")),
        ("/docs/a", "/docs/c", Region(("docs",), "")),
        ("/docs/", "/docs/zzz", Region(("docs",), "")),
        ("/a", "b", Region((), "")),
        ("", "zzz", Region((), "")),
        ("b", "c", None),
        ("/b", "/a", None),
        ("/a", "/a", None),
    ],
)
def test_range(low: str, high: str, region: Region | None) -> None:
    assert range_region(low, high) == region


def test_a_name_is_fixed_where_case_cannot_matter() -> None:
    region = like_region("/docs/2024/é/x%")
    assert region is not None
    assert [region.fixed(depth) for depth in range(4)] == [None, "2024", "é", None]
    exact = like_region("/docs/x%", fold=False)
    assert exact is not None
    assert [exact.fixed(depth) for depth in range(2)] == ["docs", None]


def test_a_folded_region_takes_both_cases() -> None:
    region = like_region("/docs/re%")
    assert region is not None
    assert region.descends(0, "DOCS")
    assert region.descends(1, "Recent")
    assert not region.descends(0, "doc")
    assert not region.descends(1, "old")
    assert region.descends(2, "anything")


SWAPPED = str.maketrans("aAbB", "AaBb")
paths = st.lists(
    st.text(st.sampled_from("aAbÉé*%_"), min_size=1, max_size=3), min_size=1, max_size=4
)
cuts = st.integers(0, 12)
patterns = st.text(st.sampled_from("//aAbÉé*?%_["), max_size=8)


def inside(region: Region | None, parts: list[str], *, directory: bool) -> bool:
    """Walk down to a path the way a reader of the tree would."""
    if region is None:
        return False
    depth = len(region.segments)
    if directory and len(parts) == depth and region.stem == "":
        return all(region.descends(at, part) for at, part in enumerate(parts))
    return len(parts) > depth and all(region.descends(at, part) for at, part in enumerate(parts))


@pytest.fixture(scope="module")
def sqlite() -> apsw.Connection:
    return apsw.Connection(":memory:")


@given(parts=paths, pattern=patterns, directory=st.booleans())
def test_no_region_leaves_out_a_match(
    sqlite: apsw.Connection, parts: list[str], pattern: str, directory: bool
) -> None:
    path = "/" + "/".join(parts) + ("/" if directory else "")
    for operator, region in (("GLOB", glob_region(pattern)), ("LIKE", like_region(pattern))):
        if sqlite.execute(f"SELECT ? {operator} ?", (path, pattern)).get:
            assert inside(region, parts, directory=directory)


@given(parts=paths, cut=cuts, swap=st.booleans(), directory=st.booleans())
def test_a_pattern_made_from_a_path_keeps_it(
    sqlite: apsw.Connection, parts: list[str], cut: int, swap: bool, directory: bool
) -> None:
    path = "/" + "/".join(parts) + ("/" if directory else "")
    head = path[:cut]
    glob, like = head + "*", (head.translate(SWAPPED) if swap else head) + "%"
    assert sqlite.execute("SELECT ? GLOB ?", (path, glob)).get
    assert inside(glob_region(glob), parts, directory=directory)
    assert sqlite.execute("SELECT ? LIKE ?", (path, like)).get
    assert inside(like_region(like), parts, directory=directory)


@given(parts=paths, low=patterns, high=patterns, directory=st.booleans())
def test_no_range_leaves_out_a_path(
    sqlite: apsw.Connection, parts: list[str], low: str, high: str, directory: bool
) -> None:
    path = "/" + "/".join(parts) + ("/" if directory else "")
    if sqlite.execute("SELECT ?1 >= ?2 AND ?1 < ?3", (path, low, high)).get:
        assert inside(range_region(low, high), parts, directory=directory)


@given(prefix=st.text(st.sampled_from("/aéz"), max_size=5), parts=paths)
def test_a_prefix_written_as_a_range_is_that_prefix(prefix: str, parts: list[str]) -> None:
    low = "/" + prefix
    region = range_region(low, low[:-1] + chr(ord(low[-1]) + 1))
    assert region == glob_region(low + "*")
