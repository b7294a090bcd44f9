"""Looking files up by path: through the tree, and always what SQLite itself would find."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lix_vtab
from lix_vtab.filesystem import changes, entries, lookup, render, rendering_sql
from lix_vtab.resolution.visible import Query
from tests.filesystem.ways import make, put
from tests.state.session import Session

PATHS = [
    "/a", "/b.md", "/docs/a.md", "/docs/b.md", "/docs/B.MD", "/docs/deep/a.md", "/docs/deep/er/x",
    "/Docs/a.md", "/docs0/a.md", "/docs-old/a.md", "/dox/%.md", "/do*/[x].md", "/é/ü.md", "/é/Ü.md",
    "/docs/deep/a.json",
]  # fmt: skip
alphabet = st.sampled_from(
    ["/", "d", "o", "c", "s", "a", "A", "*", "?", "%", "_", "[", "]", "é", "."]
)
ends = st.text(alphabet, max_size=2)
patterns = st.one_of(
    st.text(alphabet, max_size=8),
    st.builds(lambda p, n, w: p[:n] + w, st.sampled_from(PATHS), st.integers(0, 14), ends),
)


@pytest.fixture(scope="module")
def full() -> Iterator[lix_vtab.Lix]:
    """Return a lix with files, and a plain copy of the paths to compare with."""
    with lix_vtab.open(plugins=[], internal=True) as lix:
        for n, path in enumerate(PATHS):
            put(lix, f"f{n}", path, path)
        make(lix, "empty", "/empty/")
        # what is inherited and hidden takes part
        main = lix.active_version
        child = lix.create_version("child", source=None, inherits_from=main)
        lix.switch_version(child)
        lix.execute("UPDATE lix_file SET path = '/docs/moved.md' WHERE path = '/docs/b.md'")
        lix.execute("DELETE FROM lix_file WHERE path = '/b.md'")
        lix.execute("UPDATE lix_directory SET name = 'Deep' WHERE path = '/docs/deep/'")
        lix.execute("INSERT INTO lix_file (path, lixcol_untracked) VALUES ('/docs/local.md', 1)")
        lix.connection.execute(
            "CREATE TEMP TABLE copy AS SELECT 'f' AS kind, id, path || '' AS path FROM lix_file"
            " UNION ALL SELECT 'd', id, path FROM lix_directory"
        )
        yield lix


def same(lix: lix_vtab.Lix, condition: str, *params: object) -> None:
    for kind, table in (("f", "lix_file"), ("d", "lix_directory")):
        found = lix.connection.execute(
            f"SELECT id, path FROM {table} WHERE {condition} ORDER BY id", params
        ).fetchall()
        expected = lix.connection.execute(
            f"SELECT id, path FROM temp.copy WHERE kind = '{kind}' AND ({condition}) ORDER BY id",
            params,
        ).fetchall()
        assert found == expected, (table, condition, params)


@given(pattern=patterns)
def test_glob_and_like(full: lix_vtab.Lix, pattern: str) -> None:
    same(full, "path GLOB ?", pattern)
    same(full, "path LIKE ?", pattern)
    same(full, "path NOT LIKE ?", pattern)


@given(low=patterns, high=patterns)
def test_ranges(full: lix_vtab.Lix, low: str, high: str) -> None:
    same(full, "path >= ? AND path < ?", low, high)
    same(full, "path BETWEEN ? AND ?", low, high)
    same(full, "path > ?", low)
    same(full, "path GLOB ? AND path <= ?", low, high)


@given(path=st.one_of(st.sampled_from([*PATHS, "/docs/", "/docs/Deep/"]), patterns))
def test_equality(full: lix_vtab.Lix, path: str) -> None:
    same(full, "path = ?", path)
    same(full, "path IN (?, '/a', '/docs/', ?)", path, path)
    same(full, "path = ? COLLATE NOCASE", path)
    same(full, "path = ? OR id = 'f1'", path)
    same(full, "path <> ?", path)
    same(full, "path IS ?", path)


@pytest.mark.parametrize("value", [None, 5, 2.5, b"/a"])
def test_values_that_are_no_text(full: lix_vtab.Lix, value: object) -> None:
    for operator in ("=", "IS", "GLOB", "LIKE", ">", "<"):
        same(full, f"path {operator} ?", value)
    same(full, "path IS NULL")
    same(full, "path IS NOT NULL")


def test_the_tree_is_walked_for_what_a_condition_says(lix: Session) -> None:
    for n in range(50):
        put(lix, f"f{n}", f"/d{n}/deep/file.bin", str(n))

    def plan(condition: str) -> str:
        ((*_, text),) = lix.lix.execute(
            f"EXPLAIN QUERY PLAN SELECT id FROM lix_file WHERE {condition}"
        ).rows
        return str(text)

    assert "path =" in plan("path = '/d3/deep/file.bin'")
    assert "path =" in plan("path IN ('/a', '/b')").replace("path IN", "path =")
    assert "path GLOB" in plan("path GLOB '/d3/*'")
    assert "path LIKE" in plan("path LIKE '/d3/%'")
    assert "path >" in plan("path >= '/d3/' AND path < '/d30'")
    assert "scan" in plan("length(path) = 3")


def test_limits_and_orders(lix: Session) -> None:
    for n in range(10):
        put(lix, f"f{n}", f"/d{n % 3}/{n}.bin", str(n))
    assert lix.column("SELECT id FROM lix_file ORDER BY path LIMIT 3") == ["f0", "f3", "f6"]
    assert lix.column("SELECT id FROM lix_file ORDER BY id DESC LIMIT 2 OFFSET 1") == ["f8", "f7"]
    assert len(lix.column("SELECT id FROM lix_file WHERE path GLOB '/d1/*' LIMIT 2")) == 2
    assert lix.column("SELECT id FROM lix_file WHERE path = '/d1/1.bin' LIMIT 5") == ["f1"]
    assert lix.value("SELECT count(*) FROM lix_file") == 10
    assert lix.column("SELECT data FROM lix_file ORDER BY data DESC LIMIT 2") == [b"9", b"8"]
    assert lix.rows(
        "SELECT d.path, count(*) FROM lix_file f JOIN lix_directory d ON d.id = f.directory_id"
        " GROUP BY d.path ORDER BY 1"
    ) == [("/d0/", 4), ("/d1/", 3), ("/d2/", 3)]


def queries() -> Iterator[tuple[str, Query]]:
    for module in (render, lookup):
        for name, value in vars(module).items():
            if isinstance(value, Query):
                yield f"{module.__name__}.{name}", value
            elif isinstance(value, dict):
                for key, query in value.items():
                    if isinstance(query, Query):
                        yield f"{module.__name__}.{name}[{key}]", query


def statements() -> Iterator[tuple[str, str]]:
    for module in (entries, rendering_sql):
        for name, value in vars(module).items():
            if name.isupper() and isinstance(value, str) and value.startswith(
                ("SELECT", "UPDATE", "DELETE")
            ):  # fmt: skip
                yield f"{module.__name__}.{name}", value


@pytest.mark.parametrize(("name", "query"), list(queries()))
@pytest.mark.parametrize("shape", ["0t 1o 1t", "0o 0t 0p 1t", "0p 0p"])
def test_no_query_reads_a_whole_table(
    full: lix_vtab.Lix, name: str, query: Query, shape: str
) -> None:
    params = [1] * (query.parameters + 2 + sum(2 if w[-1] == "p" else 1 for w in shape.split()))
    sql = "EXPLAIN QUERY PLAN " + query.sql("main", shape, 2)
    details = [row[3] for row in full.connection.execute(sql, params)]
    assert not [line for line in details if line.startswith("SCAN")], name
    if "_ALL" not in name:
        used = [line for line in details if line.startswith("SEARCH x ")]
        assert used
        for line in used:
            assert "entity_id=?" in line or "file_id=?" in line, (name, line)


@pytest.mark.parametrize(("name", "sql"), list(statements()))
def test_no_statement_reads_a_whole_table(full: lix_vtab.Lix, name: str, sql: str) -> None:
    count = max(sql.count("?"), 4)
    params = [1] * (
        max(n for n in range(1, 9) if f"?{n}" in sql) if "?1" in sql else sql.count("?")
    )
    details = [row[3] for row in full.connection.execute("EXPLAIN QUERY PLAN " + sql, params)]
    scans = [line for line in details if line.startswith("SCAN") and "CONSTANT" not in line]
    # the dirty ones are read whole: they are what one transaction changed
    assert [line for line in scans if "rendering_dirty" not in line] == [], (name, count)
    for line in details:
        if line.startswith("SEARCH lix_internal_entry"):
            assert "entity_id=?" in line or "name=?" in line, (name, line)


def test_contexts_are_read_by_file(full: lix_vtab.Lix) -> None:
    made = full._session.files.files._changes
    made._state(full._session.active_scope(), "f1", 1, ("entity_id", "snapshot_content"))
    assert isinstance(made, changes.Changes)
    for query in made._queries.values():
        sql = "EXPLAIN QUERY PLAN " + query.sql("main", "0t 1t", 2)
        details = [row[3] for row in full.connection.execute(sql, [1] * 6)]
        assert all("file_id=?" in line for line in details if line.startswith("SEARCH x"))
