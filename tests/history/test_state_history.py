"""`lix_state_history` and `<schema>_history`: changes with their distance from a root."""

from __future__ import annotations

import pytest

import lix_vtab
from lix_vtab.errors import TableNotFound
from tests.state.session import snapshot as content

S = "test_state_history_schema"


@pytest.fixture
def h(lix):
    lix.schema(S)
    return lix


def put(lix, entity, value):
    lix.execute(
        "INSERT INTO lix_state (entity_id, schema_key, file_id, plugin_key, schema_version,"
        f" snapshot_content) VALUES (?, '{S}', 'f0', 'lix', '1', ?)",
        (entity, content(value)),
    )
    return lix.tip()


def update(lix, entity, value):
    lix.execute(
        f"UPDATE lix_state SET snapshot_content = ? WHERE entity_id = ? AND schema_key = '{S}'",
        (content(value), entity),
    )
    return lix.tip()


def delete(lix, entity):
    lix.execute(f"DELETE FROM lix_state WHERE entity_id = ? AND schema_key = '{S}'", (entity,))
    return lix.tip()


def history(lix, root, where="1", columns="depth, snapshot_content"):
    return lix.rows(
        f"SELECT {columns} FROM lix_state_history WHERE root_commit_id = ? AND schema_key = '{S}'"
        f" AND {where} ORDER BY depth, entity_id",
        (root,),
    )


def checkpoint(lix, *args):
    lix._dirty = True
    return lix.lix.create_checkpoint(*args)


def test_depths_count_commits(h):
    put(h, "e", "value0")
    update(h, "e", "value1")
    root = update(h, "e", "value2")
    assert history(h, root) == [
        (0, content("value2")),
        (1, content("value1")),
        (2, content("value0")),
    ]


def test_each_root_has_its_own_view(h):
    c1 = put(h, "entity1", "initial")
    c2 = update(h, "entity1", "updated")
    columns = "snapshot_content, commit_id, root_commit_id, depth"
    assert history(h, c1, columns=columns) == [(content("initial"), c1, c1, 0)]
    assert history(h, c2, columns=columns) == [
        (content("updated"), c2, c2, 0),
        (content("initial"), c1, c2, 1),
    ]


def test_the_root_is_the_active_tip_by_default(h):
    put(h, "e", "1")
    root = update(h, "e", "2")
    every = h.rows(
        f"SELECT depth, snapshot_content, root_commit_id FROM lix_state_history"
        f" WHERE schema_key = '{S}' ORDER BY depth"
    )
    assert every == [(0, content("2"), root), (1, content("1"), root)]


def test_an_unknown_root_has_no_history(h):
    put(h, "e", "1")
    assert history(h, "nobody") == []


def test_several_roots_by_in_and_by_join(h):
    c1 = put(h, "e", "1")
    c2 = update(h, "e", "2")
    wanted = [(c1, c1), (c2, c1), (c2, c2)]
    for sql in (
        f"SELECT root_commit_id, commit_id FROM lix_state_history WHERE schema_key = '{S}'"
        " AND root_commit_id IN (?1, ?2)",
        "SELECT h.root_commit_id, h.commit_id FROM lix_commit c JOIN lix_state_history h"
        f" ON h.root_commit_id = c.id WHERE h.schema_key = '{S}' AND c.id IN (?1, ?2)",
        "SELECT h.root_commit_id, h.commit_id FROM lix_state_history h, lix_commit c"
        f" WHERE h.schema_key = '{S}' AND h.root_commit_id = c.id AND c.id IN (?1, ?2)",
    ):
        assert sorted(h.rows(sql, (c1, c2))) == sorted(wanted), sql


def test_it_stays_sparse_when_others_change(h):
    c1 = put(h, "entity-a", "a0")
    put(h, "entity-b", "b0")
    c3 = update(h, "entity-b", "b1")
    assert history(
        h, c3, "entity_id = 'entity-a'", "commit_id, root_commit_id, depth, snapshot_content"
    ) == [(c1, c3, 2, content("a0"))]


def test_depth_zero_is_what_the_root_itself_changed(h):
    put(h, "entity-a", "a0")
    put(h, "entity-b", "b0")
    c3 = update(h, "entity-b", "b1")
    assert history(h, c3, "depth = 0 AND entity_id = 'entity-a'") == []
    assert history(
        h, c3, "depth = 0 AND entity_id = 'entity-b'", "commit_id, root_commit_id, snapshot_content"
    ) == [(c3, c3, content("b1"))]


def test_bounds_on_depth_and_commit_agree_with_filtering(h):
    for number in range(6):
        put(h, f"e{number % 3}", str(number))
    root = h.tip()
    whole = history(h, root, columns="depth, entity_id, commit_id")
    assert [depth for depth, *_ in whole] == list(range(6))
    for bound in range(-1, 8):
        assert history(h, root, f"depth = {bound}", "depth, entity_id, commit_id") == [
            row for row in whole if row[0] == bound
        ]
        for operator, holds in (
            ("<", lambda d, b: d < b),
            ("<=", lambda d, b: d <= b),
            (">", lambda d, b: d > b),
        ):
            assert history(h, root, f"depth {operator} {bound}", "depth, entity_id, commit_id") == [
                row for row in whole if holds(row[0], bound)
            ]
    for depth, entity, commit in whole:
        assert history(h, root, f"commit_id = '{commit}'", "depth, entity_id") == [(depth, entity)]
    assert history(h, root, "commit_id = 'nobody'") == []
    assert history(h, root, "depth BETWEEN 2 AND 3 AND entity_id = 'e0'") == [(2, content("3"))]


def test_a_deletion_is_a_row_without_snapshot(h):
    put(h, "e", "1")
    root = delete(h, "e")
    assert history(h, root) == [(0, None), (1, content("1"))]
    assert history(h, root, "snapshot_content IS NOT NULL") == [(1, content("1"))]
    put(h, "e", "2")
    assert history(h, h.tip()) == [(0, content("2")), (1, None), (2, content("1"))]


def test_a_checkpoint_repeats_nothing(h):
    put(h, "e", "1")
    update(h, "e", "2")
    put(h, "f", "1")
    made = checkpoint(h)
    assert history(h, made.id, columns="depth, entity_id, snapshot_content, commit_id") == [
        (0, "e", content("2"), made.id),
        (0, "f", content("1"), made.id),
        (3, "e", content("1"), history(h, made.id, "depth = 3", "commit_id")[0][0]),
    ]


def test_a_checkpoint_shortens_the_way_to_the_last_one(h):
    for number in range(4):
        put(h, "e", str(number))
    first = checkpoint(h)
    for number in range(4, 8):
        put(h, "e", str(number))
    second = checkpoint(h)
    depths = [depth for depth, _ in history(h, second.id)]
    # the checkpoint, the commits since the one before, and from that one on
    assert depths == [0, 1, 2, 3, 3, 4, 4, 5]
    assert history(h, second.id, "depth = 1", "commit_id") == [(first.id,)]


def test_the_working_commit_is_a_root(h):
    put(h, "e", "1")
    made = checkpoint(h)
    update(h, "e", "2")
    update(h, "e", "3")
    put(h, "new", "1")
    (working,) = h.column("SELECT working_commit_id FROM lix_version WHERE name = 'main'")
    assert history(h, working, columns="depth, entity_id, snapshot_content, commit_id") == [
        (0, "e", content("3"), working),
        (0, "new", content("1"), working),
        (1, "e", content("1"), made.id),
    ]


def test_history_goes_on_through_a_branch(h):
    put(h, "e", "1")
    h.create_version("draft", id="draft")
    update(h, "e", "main only")
    h.active("draft")
    root = update(h, "e", "2")
    assert history(h, root) == [(0, content("2")), (1, content("1"))]


def test_untracked_rows_have_none(h):
    h.row("u", h.main(), "x", schema=S, untracked=1)
    assert history(h, h.tip()) == []


def test_count_is_the_number_of_rows(h):
    put(h, "e", "1")
    root = update(h, "e", "2")
    assert h.value(
        f"SELECT count(*) FROM lix_state_history WHERE root_commit_id = ? AND schema_key = '{S}'"
        " AND entity_id = 'e'",
        (root,),
    ) == len(history(h, root))
    everything = h.value("SELECT count(*) FROM lix_state_history")
    assert everything == len(h.rows("SELECT * FROM lix_state_history"))


@pytest.mark.parametrize(
    "where",
    [
        "entity_id = 'b'",
        "entity_id IN ('a', 'c')",
        f"schema_key = '{S}' AND entity_id = 'b'",
        f"schema_key IN ('{S}', 'lix_key_value') AND entity_id > 'a'",
        "file_id = 'f0'",
        "file_id = 'f0' AND entity_id = 'b'",
        f"file_id = 'f0' AND schema_key = '{S}'",
        "file_id IN ('f0', 'lix')",
        "file_id <> 'lix'",
        "plugin_key = 'lix' AND file_id = 'f0'",
        "snapshot_content IS NULL",
        "snapshot_content LIKE '%2%'",
        "schema_key LIKE 'test%'",
        "schema_key > 'm'",
        "change_id > '0'",
        "metadata IS NULL AND entity_id = 'a'",
        "schema_version = 1 AND file_id = 'f0'",
        "entity_id = NULL",
        "version_id = 'global' AND entity_id = 'a'",
    ],
)
def test_conditions_mean_what_they_say(h, where):
    """What is pushed down finds the same as a filter over a copy of everything."""
    for number, entity in enumerate("abcabc"):
        put(h, entity, str(number))
    delete(h, "b")
    checkpoint(h)
    put(h, "a", "last")
    h.execute("INSERT INTO lix_key_value (key, value) VALUES ('a', 'kv')")
    h.renew()
    columns = (
        "entity_id, schema_key, file_id, plugin_key, snapshot_content, metadata, schema_version,"
        " change_id, commit_id, root_commit_id, depth, version_id"
    )
    h.connection.execute("DROP TABLE IF EXISTS temp.copied")
    h.connection.execute(
        "CREATE TEMP TABLE copied (entity_id TEXT, schema_key TEXT, file_id TEXT, plugin_key TEXT,"
        " snapshot_content TEXT, metadata TEXT, schema_version TEXT, change_id TEXT,"
        " commit_id TEXT, root_commit_id TEXT, depth INTEGER, version_id TEXT)"
    )
    h.connection.execute("INSERT INTO copied SELECT * FROM lix_state_history")
    found = h.connection.execute(f"SELECT {columns} FROM lix_state_history WHERE {where}")
    wanted = h.connection.execute(f"SELECT {columns} FROM copied WHERE {where}")
    assert sorted(found, key=repr) == sorted(wanted, key=repr)


@pytest.mark.parametrize("table", ["lix_state_history", "lix_key_value_history"])
def test_it_cannot_be_written(h, table):
    column = "entity_id" if table == "lix_state_history" else "key"
    put(h, "e", "1")
    h.execute("INSERT INTO lix_key_value (key, value) VALUES ('k', 'v')")
    for verb, sql in (
        ("INSERT", f"INSERT INTO {table} ({column}) VALUES ('x')"),
        ("UPDATE", f"UPDATE {table} SET {column} = 'x'"),
        ("DELETE", f"DELETE FROM {table}"),
    ):
        with pytest.raises(lix_vtab.LixError, match=f"{table} is read-only; {verb}"):
            h.execute(sql)


def test_entity_history_shows_properties(lix):
    lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('key-history', 'value-history')")
    lix.execute("UPDATE lix_key_value SET value = 'second' WHERE key = 'key-history'")
    rows = lix.rows(
        "SELECT key, value, lixcol_commit_id, lixcol_depth FROM lix_key_value_history"
        " WHERE key = 'key-history' ORDER BY lixcol_depth"
    )
    assert [(key, value, depth) for key, value, _, depth in rows] == [
        ("key-history", "second", 0),
        ("key-history", "value-history", 1),
    ]
    lix.execute("DELETE FROM lix_key_value WHERE key = 'key-history'")
    assert lix.rows(
        "SELECT key, value, lixcol_depth FROM lix_key_value_history WHERE key = 'key-history'"
        " AND lixcol_depth = 0"
    ) == [("key-history", None, 0)]
    assert lix.execute("SELECT * FROM lix_key_value_history").columns == (
        "key",
        "value",
        "lixcol_entity_id",
        "lixcol_schema_key",
        "lixcol_file_id",
        "lixcol_version_id",
        "lixcol_plugin_key",
        "lixcol_schema_version",
        "lixcol_change_id",
        "lixcol_metadata",
        "lixcol_commit_id",
        "lixcol_root_commit_id",
        "lixcol_depth",
    )


def test_a_property_may_be_called_like_a_column_of_history(lix):
    lix.store_schema(
        {
            "x-lix-key": "sounding",
            "x-lix-version": "1",
            "x-lix-primary-key": ["/id"],
            "type": "object",
            "properties": {
                "id": {"type": "string"},
                "depth": {"type": "integer"},
                "commit_id": {"type": "string"},
            },
            "required": ["id", "depth"],
            "additionalProperties": False,
        }
    )
    lix.execute("INSERT INTO sounding (id, depth, commit_id) VALUES ('s', 90, 'mine')")
    lix.execute("UPDATE sounding SET depth = 100")
    assert lix.rows(
        "SELECT depth, commit_id, lixcol_depth FROM sounding_history WHERE depth > 1 ORDER BY 1"
    ) == [(90, "mine", 1), (100, "mine", 0)]


def test_limits_count_rows(h):
    for number in range(5):
        put(h, "e", str(number))
    for table in ("lix_state_history", f"{S}_history", "lix_log", "lix_blame", "lix_checkpoint",
                  "lix_commit_ancestry", "lix_diff", "lix_diff_property", "lix_working_changes",
                  "lix_state_at", "lix_commit", "lix_commit_edge", "lix_change", "lix_check",
                  "lix_change_set", "lix_change_set_element", "lix_version_pointer"):  # fmt: skip
        whole = len(h.rows(f"SELECT * FROM {table}"))
        for limit, offset in ((0, 0), (2, 0), (2, 1), (100, 2), (-1, 1)):
            found = h.rows(f"SELECT * FROM {table} LIMIT {limit} OFFSET {offset}")
            rest = max(0, whole - offset)
            assert len(found) == (rest if limit < 0 else min(limit, rest)), table


@pytest.mark.parametrize("way", ["delete", "undo"])
def test_rows_of_a_schema_that_is_gone_are_found_by_their_id(way):
    with lix_vtab.open() as lix:
        definition = {
            "x-lix-key": "note",
            "x-lix-version": "1",
            "x-lix-primary-key": ["/id"],
            "type": "object",
            "additionalProperties": False,
            "properties": {"id": {"type": "string"}},
        }
        lix.register_schema(definition)
        lix.execute("INSERT INTO note (id) VALUES ('n')")
        lix.create_checkpoint("noted")
        lix.execute("DELETE FROM note")
        if way == "delete":
            lix.execute("DELETE FROM lix_stored_schema WHERE lixcol_entity_id = 'note~1'")
        else:
            lix.switch_version("global")
            lix.undo()
            lix.switch_version("main")
        with pytest.raises(TableNotFound):
            lix.execute("SELECT * FROM note")
        for table, column, expected in (
            ("lix_state_history", "depth", [(0,), (1,)]),
            ("lix_state_at('noted')", "schema_key", [("note",)]),
            ("lix_diff('noted', 'HEAD')", "status", [("removed",)]),
            ("lix_log", "depth", [(0,), (2,)]),
        ):
            found = lix.execute(f"SELECT {column} FROM {table} WHERE entity_id = 'n' ORDER BY 1")
            assert found.rows == expected, table
        assert lix.execute("SELECT property FROM lix_blame('n', 'noted')").rows == [("id",)]


# -- roots given by sub-queries


@pytest.fixture
def forked(h):
    """Make a version that goes on where `main` stays: `b` is deleted there, `c` only there."""
    for entity in "ab":
        put(h, entity, entity)
    made = h.lix.create_version("fork")
    h.lix.switch_version(made)
    delete(h, "b")
    put(h, "c", "c")
    return h


MAIN = "(SELECT commit_id FROM lix_version WHERE name = 'main')"


@pytest.mark.parametrize(
    "root",
    [
        f"root_commit_id = {MAIN}",
        f"root_commit_id IN {MAIN}",
        f"root_commit_id IS {MAIN}",
        "root_commit_id = ?",
        "root_commit_id = '{0}'",
    ],
)
@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("(entity_id = 'b' OR file_id = 'nowhere')", ["b"]),
        ("(entity_id = 'b' OR depth = 1)", ["a", "b"]),
        ("(entity_id = 'c' OR change_id = 'c')", []),
        (
            "(entity_id = 'a' AND depth >= 0 OR schema_key = 'nothing') AND plugin_key = 'lix'",
            ["a"],
        ),
        ("(entity_id = 'a' OR entity_id = 'b' OR commit_id = 'x')", ["a", "b"]),
    ],
)
def test_a_root_is_known_in_every_branch_of_an_or(forked, root, where, found):
    tip = forked.tip(forked.main())
    condition = root.format(tip)
    sql = f"SELECT entity_id FROM lix_state_history WHERE {condition} AND {where} ORDER BY 1"
    assert forked.rows(sql, (tip,) if "?" in sql else ()) == [(entity,) for entity in found]


def test_a_branch_is_a_look_up_when_the_root_stands_in_the_query(forked):
    plans = {}
    for root in (f"'{forked.tip()}'", MAIN):
        sql = (
            f"EXPLAIN QUERY PLAN SELECT 1 FROM lix_state_history WHERE root_commit_id = {root}"
            " AND (entity_id = 'a' OR file_id = 'f0')"
        )
        plans[root] = " ".join(row[3] for row in forked.rows(sql))
    literal, asked = plans.values()
    assert "MULTI-INDEX OR" in literal
    assert "MULTI-INDEX OR" not in asked


@pytest.mark.parametrize(
    ("bound", "least"),
    [("9e999", 2), ("9e99", 2), ("9223372036854775807", 2), ("1.5", 2), ("0.5", 1), ("-0.5", 0),
     ("-9e999", 0), ("-9223372036854775808", 0)],
)  # fmt: skip
def test_any_number_bounds_the_depth(h, bound, least):
    put(h, "a", "1")
    update(h, "a", "2")
    for operator in ("<", "<="):
        found = h.rows(
            f"SELECT depth FROM lix_state_history WHERE entity_id = 'a' AND depth {operator} {bound}"
        )
        assert len(found) == least
        sql = f"SELECT depth FROM lix_commit_ancestry WHERE depth {operator} {bound} ORDER BY depth"
        known = h.rows("SELECT depth FROM lix_commit_ancestry ORDER BY depth")
        assert h.rows(sql) == [
            row for row in known if h.value(f"SELECT {row[0]} {operator} {bound}")
        ]
