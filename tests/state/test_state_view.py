"""`lix_state`: what the active version sees, and writes that go to it."""

from __future__ import annotations

import json

import pytest

from lix_vtab import errors
from tests.state.session import snapshot as content

S = "test_state_schema"
WHERE = f"schema_key = '{S}'"
KEY = f"{WHERE} AND entity_id = ? AND file_id = 'test-file'"


@pytest.fixture
def ab(lix):
    """Two sibling versions of `global`, the first of them active."""
    lix.schema(S, "value")
    lix.version("version-a")
    lix.version("version-b")
    lix.active("version-a")
    return lix


def insert(lix, entity, value, file="file-0", **options):
    return lix.execute(
        "INSERT INTO lix_state"
        " (entity_id, file_id, schema_key, plugin_key, schema_version, snapshot_content)"
        " VALUES (?, ?, ?, 'lix', '1', ?)",
        (entity, file, S, content(value)),
        **options,
    )


def visible(lix, columns="entity_id, snapshot_content"):
    return lix.rows(f"SELECT {columns} FROM lix_state WHERE {WHERE} ORDER BY entity_id, file_id")


COLUMNS = (
    "entity_id schema_key file_id version_id plugin_key snapshot_content schema_version created_at"
    " updated_at inherited_from_version_id change_id commit_id untracked writer_key metadata"
)
VTABLE_COLUMNS = (
    "entity_id schema_key file_id version_id plugin_key snapshot_content metadata schema_version"
    " created_at updated_at inherited_from_version_id change_id writer_key untracked"
)


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("lix_state", COLUMNS),
        ("lix_state_by_version", COLUMNS),
        ("lix_internal_state_vtable", VTABLE_COLUMNS),
    ],
)
def test_columns_come_in_the_documented_order(lix, table, columns):
    assert lix.execute(f"SELECT * FROM {table}").columns == tuple(columns.split())


# Reading ------------------------------------------------------------------------------------------


def test_select_exposes_commit_id(ab):
    ab.row("entity-commit", "version-a", "A")
    (commit,) = ab.column(f"SELECT commit_id FROM lix_state WHERE {KEY}", ("entity-commit",))
    assert commit == ab.tip()


def test_commit_id_is_known_wherever_the_query_mentions_it(ab):
    ab.row("e", "version-a", "A")
    ab.row("f", "version-a", "B")
    tip = ab.tip()
    assert ab.column(f"SELECT entity_id FROM lix_state WHERE {WHERE} ORDER BY commit_id DESC") == [
        "f",
        "e",
    ]
    joined = ab.rows(
        "SELECT s.entity_id FROM lix_commit c JOIN lix_state s ON s.commit_id = c.id"
        f" WHERE s.{WHERE} AND c.id = ?",
        (tip,),
    )
    assert joined == [("f",)]


def test_select_scopes_to_active_version(ab):
    ab.row("entity-a", "version-a", "A")
    ab.row("entity-b", "version-b", "B")
    assert visible(ab) == [("entity-a", content("A"))]


def test_version_id_is_the_active_version_in_every_row(ab):
    ab.row("entity-g", "global", "G")
    ab.row("entity-a", "version-a", "A")
    assert ab.column("SELECT DISTINCT version_id FROM lix_state") == ["version-a"]


def test_select_hides_tombstones(ab):
    ab.row("entity-x", "version-a", "A")
    ab.row("entity-x", "version-a", None)
    assert visible(ab) == []


def test_select_prioritizes_untracked_in_active_version(ab):
    ab.row("entity-x", "version-a", "tracked")
    ab.row("entity-x", "version-a", "untracked", untracked=1)
    assert visible(ab, "snapshot_content, untracked, change_id, commit_id") == [
        (content("untracked"), 1, "untracked", "untracked")
    ]


def test_select_without_schema_key_filter(ab):
    ab.row("entity-a", "version-a", "A")
    ab.row("entity-b", "version-b", "B")
    assert ab.rows("SELECT entity_id, schema_key FROM lix_state WHERE file_id = 'test-file'") == [
        ("entity-a", S)
    ]


def test_select_switches_with_active_version(ab):
    ab.row("entity-a", "version-a", "A")
    ab.row("entity-b", "version-b", "B")
    assert visible(ab) == [("entity-a", content("A"))]
    ab.active("version-b")
    assert visible(ab) == [("entity-b", content("B"))]


def test_unknown_schema_key_gives_no_rows_and_no_error(ab):
    ab.row("e", "version-a", "A")
    assert ab.rows("SELECT * FROM lix_state WHERE schema_key = 'never_heard_of'") == []
    ab.execute("UPDATE lix_state SET metadata = '{}' WHERE schema_key = 'never_heard_of'")
    ab.execute("DELETE FROM lix_state WHERE schema_key = 'never_heard_of'")
    assert visible(ab) == [("e", content("A"))]


def test_bookkeeping_is_not_listed(ab):
    ab.row("e", "version-a", "A")
    derived = (
        "('lix_commit','lix_commit_edge','lix_change_set','lix_change_set_element',"
        "'lix_change_author','lix_version_pointer','lix_change')"
    )
    for table in ("lix_state", "lix_state_by_version"):
        assert ab.rows(f"SELECT 1 FROM {table} WHERE schema_key IN {derived}") == []


def test_filter_on_other_columns_applies_after_the_winner_is_chosen(ab):
    ab.row("e", "version-a", "tracked", metadata='{"m":1}')
    ab.row("e", "version-a", "untracked", untracked=1)
    for condition in (
        f"snapshot_content = '{content('tracked')}'",
        "metadata IS NOT NULL",
        "untracked = 0",
        "commit_id <> 'untracked'",
    ):
        assert ab.rows(f"SELECT 1 FROM lix_state WHERE {WHERE} AND {condition}") == []


def test_where_on_the_right_side_of_a_left_join_stays_after_the_join(ab):
    ab.execute("CREATE TABLE t (id TEXT)")
    ab.execute("INSERT INTO t VALUES ('e'), ('f')")
    ab.row("e", "version-a", "A")
    ab.row("f", "version-a", "B")
    assert ab.rows(
        "SELECT t.id, s.snapshot_content FROM t LEFT JOIN lix_state s ON s.entity_id = t.id"
        f" WHERE s.snapshot_content = '{content('A')}'"
    ) == [("e", content("A"))]
    assert ab.rows(
        "SELECT t.id FROM t LEFT JOIN lix_state s ON s.entity_id = t.id AND s.file_id = 'nope'"
        " WHERE s.entity_id IS NULL ORDER BY 1"
    ) == [("e",), ("f",)]


def test_equality_across_tables_may_stand_in_where(ab):
    ab.execute("CREATE TABLE t (id TEXT)")
    ab.execute("INSERT INTO t VALUES ('e'), ('zzz')")
    ab.row("e", "version-a", "A")
    assert ab.rows(f"SELECT t.id FROM lix_state s, t WHERE s.entity_id = t.id AND s.{WHERE}") == [
        ("e",)
    ]


@pytest.mark.parametrize(
    "table",
    [
        "lix_state",
        "lix_state_by_version",
        "lix_internal_state_vtable",
        "lix_version",
        "lix_active_version",
        "lix_active_account",
        "lix_commit",
        "lix_commit_edge",
        "lix_change",
        "lix_change_set",
        "lix_change_set_element",
        "lix_change_author",
    ],
)
def test_count_equals_the_number_of_rows(ab, table):
    ab.execute("INSERT INTO lix_active_account (account_id) VALUES ('acct-1')")
    ab.row("e", "global", "A")
    ab.row("f", "version-a", "B")
    ab.row("f", "version-a", None)
    ab.row("g", "version-a", "C", untracked=1)
    rows = ab.rows(f"SELECT * FROM {table}")
    assert len(rows) > 0
    assert ab.value(f"SELECT count(*) FROM {table}") == len(rows)
    assert ab.value(f"SELECT count(*) FROM (SELECT DISTINCT * FROM {table})") == len(rows)


def test_explain_works(lix):
    plan = lix.rows(
        "EXPLAIN SELECT COUNT(*) FROM lix_state"
        " WHERE file_id = 'missing' AND plugin_key = 'plugin_json'"
    )
    assert len(plan) > 0
    assert "lix_state" in str(lix.rows("EXPLAIN QUERY PLAN SELECT * FROM lix_state"))


def test_subqueries_compounds_and_views_work(ab):
    ab.row("e", "version-a", "A")
    ab.row("f", "version-b", "B")
    ab.execute(f"CREATE TEMP VIEW mine AS SELECT entity_id FROM lix_state WHERE schema_key = '{S}'")
    assert ab.lix.execute("SELECT entity_id FROM mine").rows == [("e",)]
    assert ab.rows(
        "WITH x AS (SELECT entity_id AS id FROM lix_state_by_version"
        f" WHERE {WHERE}) SELECT id FROM x WHERE id NOT IN (SELECT entity_id FROM lix_state)"
        " UNION SELECT 'z' ORDER BY 1"
    ) == [("f",), ("z",)]
    assert ab.rows(f"SELECT EXISTS (SELECT 1 FROM lix_state WHERE {KEY})", ("e",)) == [(1,)]


def test_table_names_are_case_insensitive(ab):
    ab.row("e", "version-a", "A")
    assert ab.rows(f"SELECT ENTITY_ID FROM LIX_STATE WHERE {WHERE}") == [("e",)]


def test_ordinary_tables_are_fed_from_lix_tables(ab):
    ab.row("e", "version-a", "A")
    ab.execute("CREATE TABLE copy (id TEXT, body TEXT)")
    ab.execute(f"INSERT INTO copy SELECT entity_id, snapshot_content FROM lix_state WHERE {WHERE}")
    assert ab.rows("SELECT * FROM copy") == [("e", content("A"))]
    ab.execute("DELETE FROM copy WHERE id IN (SELECT entity_id FROM lix_state)")
    assert ab.rows("SELECT * FROM copy") == []


# INSERT -------------------------------------------------------------------------------------------


def test_insert_routes_to_active_version(ab):
    insert(ab, "entity-0", "A")
    assert ab.raw() == [("version-a", content("A"))]
    ab.active("version-b")
    insert(ab, "entity-0", "B")
    assert ab.raw() == [("version-a", content("A")), ("version-b", content("B"))]


def test_insert_routes_to_active_version_with_placeholders(ab):
    ab.execute(
        "INSERT INTO lix_state"
        " (entity_id, file_id, schema_key, plugin_key, schema_version, snapshot_content)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        ("entity-p", "file-p", S, "lix", "1", content("P")),
    )
    assert ab.raw() == [("version-a", content("P"))]


@pytest.mark.parametrize("version", ["version-a", "version-b"])
def test_the_active_version_is_not_for_lix_state_to_name(ab, version):
    with pytest.raises(errors.ReadOnlyError, match="lix_state insert cannot set version_id"):
        ab.execute(
            "INSERT INTO lix_state (entity_id, file_id, schema_key, plugin_key, schema_version,"
            " snapshot_content, version_id) VALUES ('e', 'f', ?, 'lix', '1', ?, ?)",
            (S, content("x"), version),
        )
    assert ab.raw() == []
    ab.row("e", "version-a", "A")
    with pytest.raises(errors.ReadOnlyError, match="lix_state update cannot set version_id"):
        ab.execute("UPDATE lix_state SET version_id = ? WHERE entity_id = 'e'", (version,))
    assert ab.raw() == [("version-a", content("A"))]


def test_insert_is_an_upsert_that_keeps_created_at(ab):
    insert(ab, "e", "old", file="test-file")
    ((created, change),) = visible(ab, "created_at, change_id")
    insert(ab, "e", "new", file="test-file")
    assert visible(ab, "created_at, snapshot_content") == [(created, content("new"))]
    assert visible(ab, "change_id") != [(change,)]


def test_created_at_survives_deletion_and_rebirth(ab):
    insert(ab, "e", "old", file="test-file")
    created = visible(ab, "created_at")
    ab.execute(f"DELETE FROM lix_state WHERE {KEY}", ("e",))
    insert(ab, "e", "again", file="test-file")
    assert visible(ab, "created_at") == created


def test_timestamps_have_milliseconds_and_zulu(ab):
    insert(ab, "e", "A")
    for name in ("created_at", "updated_at"):
        assert ab.value(
            f"SELECT {name} GLOB '????-??-??T??:??:??.???Z' FROM lix_state WHERE {WHERE}"
        )


def test_insert_applies_schema_defaults_everywhere(lix):
    lix.store_schema(
        {
            "x-lix-key": "with_default",
            "x-lix-version": "1",
            "type": "object",
            "properties": {"name": {"type": "string"}, "state": {"default": "open"}},
            "required": ["name"],
            "additionalProperties": False,
        }
    )
    for table, version, untracked in (
        ("lix_state", "", 0),
        ("lix_state_by_version", "global", 0),
        ("lix_internal_state_vtable", "global", 1),
    ):
        lix.execute(
            f"INSERT INTO {table} (entity_id, file_id, schema_key, plugin_key, schema_version,"
            f" snapshot_content, untracked{', version_id' if version else ''})"
            f" VALUES (?, 'f', 'with_default', 'lix', '1', '{{\"name\":\"n\"}}', ?"
            f"{', ?' if version else ''})",
            (table, untracked, version)[: 3 if version else 2],
        )
    assert lix.column(
        "SELECT DISTINCT snapshot_content FROM lix_state WHERE schema_key = 'with_default'"
    ) == ['{"name":"n","state":"open"}']


@pytest.mark.parametrize("untracked", [0, 1])
def test_snapshot_and_metadata_are_canonical_after_every_write(ab, untracked):
    ab.execute(
        "INSERT INTO lix_state (entity_id, file_id, schema_key, plugin_key, schema_version,"
        " snapshot_content, metadata, untracked) VALUES ('e', 'test-file', ?, 'lix', '1',"
        ' \'{ "value" : "\\u00e9" }\', \'{ "b": 1, "a": [ 1, 2 ] }\', ?)',
        (S, untracked),
    )
    assert visible(ab, "snapshot_content, metadata") == [('{"value":"é"}', '{"a":[1,2],"b":1}')]
    ab.execute(
        'UPDATE lix_state SET snapshot_content = \' {"value":"z" }\', metadata = \'{"y": 1 }\''
        f" WHERE {WHERE}"
    )
    assert visible(ab, "snapshot_content, metadata") == [('{"value":"z"}', '{"y":1}')]


def test_content_may_hold_anything_a_string_can(ab):
    for number, text in enumerate(("what? ?1 $2 :a", 'it\'s "quoted"', "\u0000\u2028😀", "")):
        insert(ab, f"e{number}", text)
        ((stored,),) = ab.rows(
            f"SELECT snapshot_content FROM lix_state WHERE entity_id = 'e{number}' AND {WHERE}"
        )
        assert json.loads(stored) == {"value": text}


def test_insert_of_null_snapshot_writes_a_tombstone(ab):
    ab.row("e", "global", "G")
    ab.execute(
        "INSERT INTO lix_state (entity_id, file_id, schema_key, plugin_key, schema_version,"
        " snapshot_content) VALUES ('e', 'test-file', ?, 'lix', '1', NULL)",
        (S,),
    )
    assert visible(ab) == []
    assert ab.raw() == [("global", content("G")), ("version-a", None)]


REQUIRED = {
    "entity_id": "'e'",
    "schema_key": f"'{S}'",
    "file_id": "'f'",
    "plugin_key": "'lix'",
    "schema_version": "'1'",
}


@pytest.mark.parametrize("missing", REQUIRED)
def test_insert_names_the_missing_column(ab, missing):
    given = {k: v for k, v in REQUIRED.items() if k != missing}
    with pytest.raises(errors.LixError, match=missing):
        ab.execute(
            f"INSERT INTO lix_state ({', '.join(given)}, snapshot_content)"
            f" VALUES ({', '.join(given.values())}, '{content('x')}')"
        )
    assert ab.raw() == []


@pytest.mark.parametrize(
    ("column", "value", "error", "phrase"),
    [
        ("snapshot_content", "'{'", errors.LixError, "invalid JSON"),
        ("snapshot_content", "'{}'", errors.SchemaValidationError, "does not match schema"),
        ("snapshot_content", "'7'", errors.SchemaValidationError, "does not match schema"),
        ("snapshot_content", "7", errors.LixError, "snapshot_content"),
        ("metadata", "'{'", errors.LixError, "invalid JSON"),
        ("metadata", "7", errors.LixError, "metadata"),
        ("untracked", "2", errors.InvalidValueError, "untracked"),
        ("untracked", "'x'", errors.InvalidValueError, "untracked"),
        ("writer_key", "x'00'", errors.InvalidValueError, "writer_key"),
        ("entity_id", "5.5", errors.InvalidValueError, "entity_id"),
        ("schema_key", "'nope'", errors.SchemaNotFound, "not stored"),
        ("schema_version", "'99'", errors.SchemaNotFound, "not stored"),
    ],
)
@pytest.mark.parametrize("untracked", [0, 1])
def test_insert_refuses_a_bad_value(ab, column, value, error, phrase, untracked):
    given = REQUIRED | {
        "snapshot_content": f"'{content('x')}'",
        "untracked": str(untracked),
        column: value,
    }
    with pytest.raises(error, match=phrase):
        ab.execute(
            f"INSERT INTO lix_state ({', '.join(given)}) VALUES ({', '.join(given.values())})"
        )
    assert ab.raw() == []


def test_insert_with_unknown_column_is_refused(ab):
    with pytest.raises(errors.LixError, match="colour"):
        ab.execute("INSERT INTO lix_state (entity_id, colour) VALUES ('e', 'red')")


def test_entity_id_must_agree_with_the_primary_key(lix):
    lix.schema("keyed", "id", **{"x-lix-primary-key": ["/id"]})
    with pytest.raises(errors.ConstraintError, match="inconsistent"):
        lix.row("other", "global", "mine", schema="keyed", prop="id")
    lix.row("mine", "global", "mine", schema="keyed", prop="id")
    assert lix.raw("entity_id") == [("mine",)]


# UPDATE -------------------------------------------------------------------------------------------


def test_update_routes_to_active_version(ab):
    ab.row("entity-u", "version-a", "A-initial")
    ab.row("entity-u", "version-b", "B-initial")
    ab.execute(
        f"UPDATE lix_state SET snapshot_content = ? WHERE {KEY}", (content("new"), "entity-u")
    )
    assert ab.raw() == [("version-a", content("new")), ("version-b", content("B-initial"))]


def test_update_allows_untracked_without_untracked_predicate(ab):
    ab.row("untracked-entity-u", "version-a", "initial", untracked=1)
    ab.execute(
        "UPDATE lix_state SET snapshot_content = ? WHERE entity_id = 'untracked-entity-u'",
        (content("updated"),),
    )
    assert visible(ab, "snapshot_content, untracked") == [(content("updated"), 1)]


def test_update_treats_each_row_in_its_own_layer(ab):
    ab.row("t", "version-a", "tracked")
    ab.row("u", "version-a", "untracked", untracked=1)
    ab.execute(f"UPDATE lix_state SET metadata = '{{\"m\":1}}' WHERE {WHERE}")
    assert visible(ab, "entity_id, metadata, untracked") == [
        ("t", '{"m":1}', 0),
        ("u", '{"m":1}', 1),
    ]
    assert ab.value("SELECT count(*) FROM lix_change WHERE entity_id = 'u'") == 0


def test_update_of_a_shadowed_row_leaves_the_tracked_one_alone(ab):
    ab.row("e", "version-a", "tracked")
    ab.row("e", "version-a", "local", untracked=1)
    ab.execute(f"UPDATE lix_state SET snapshot_content = ? WHERE {WHERE}", (content("new"),))
    assert visible(ab) == [("e", content("new"))]
    ab.execute(f"DELETE FROM lix_state WHERE {WHERE} AND untracked = 1")
    assert visible(ab) == [("e", content("tracked"))]


def test_update_with_a_predicate_on_another_version_matches_nothing(ab):
    ab.row("e", "version-a", "A")
    ab.row("e", "version-b", "B")
    result = ab.execute("UPDATE lix_state SET metadata = '{}' WHERE version_id = 'version-b'")
    assert result.changes == 0
    assert ab.raw("version_id, metadata") == [("version-a", None), ("version-b", None)]


def test_update_without_a_key_touches_every_visible_row(lix):
    lix.schema(S, "value")
    lix.row("e", lix.main(), "A")
    lix.row("g", "global", "G")
    with pytest.raises(errors.LixError):
        lix.execute("UPDATE lix_state SET snapshot_content = '{}'")
    assert (
        lix.execute("UPDATE lix_state SET metadata = '{}' WHERE file_id = 'test-file'").changes == 2
    )
    assert visible(lix, "entity_id, metadata, inherited_from_version_id") == [
        ("e", "{}", None),
        ("g", "{}", None),
    ]


def test_update_of_an_inherited_row_copies_it(ab):
    ab.row("e", "global", "G", metadata='{"keep":1}')
    ab.execute(f"UPDATE lix_state SET snapshot_content = ? WHERE {WHERE}", (content("mine"),))
    assert visible(ab, "snapshot_content, metadata, inherited_from_version_id") == [
        (content("mine"), '{"keep":1}', None)
    ]
    assert ab.raw() == [("global", content("G")), ("version-a", content("mine"))]


def test_update_never_resurrects(ab):
    ab.row("e", "version-a", "A")
    ab.execute(f"DELETE FROM lix_state WHERE {WHERE}")
    tip = ab.tip()
    result = ab.execute(
        f"UPDATE lix_state SET snapshot_content = ? WHERE {WHERE}", (content("back"),)
    )
    assert result.changes == 0
    assert visible(ab) == []
    assert ab.tip() == tip


def test_update_to_null_deletes(ab):
    ab.row("e", "version-a", "A")
    ab.execute(f"UPDATE lix_state SET snapshot_content = NULL WHERE {WHERE}")
    assert visible(ab) == []
    assert ab.raw() == [("version-a", None)]


def test_update_carries_what_is_not_assigned(ab):
    ab.row("e", "version-a", "A", metadata='{"m":1}')
    ab.execute(f"UPDATE lix_state SET plugin_key = 'other' WHERE {WHERE}")
    assert visible(ab, "snapshot_content, metadata, plugin_key, schema_version") == [
        (content("A"), '{"m":1}', "other", "1")
    ]
    ab.execute(f"UPDATE lix_state SET metadata = NULL WHERE {WHERE}")
    assert visible(ab, "snapshot_content, metadata, plugin_key") == [(content("A"), None, "other")]


def test_update_by_expression(ab):
    ab.row("e", "version-a", "A")
    ab.execute(
        "UPDATE lix_state SET snapshot_content ="
        " json_set(snapshot_content, '$.value', json_extract(snapshot_content, '$.value') || '!')"
        f" WHERE {WHERE}"
    )
    assert visible(ab) == [("e", content("A!"))]


@pytest.mark.parametrize(
    ("assignment", "error", "phrase"),
    [
        ("snapshot_content = '{'", errors.LixError, "invalid JSON"),
        ("snapshot_content = '{}'", errors.SchemaValidationError, "does not match schema"),
        (
            "snapshot_content = json_set(snapshot_content, '$.value', 5)",
            errors.SchemaValidationError,
            "does not match schema",
        ),
        ("snapshot_content = 5", errors.LixError, "snapshot_content"),
        ("metadata = '{'", errors.LixError, "invalid JSON"),
        ("schema_version = '99'", errors.SchemaNotFound, "not stored"),
        ("writer_key = 5.5", errors.InvalidValueError, "writer_key"),
    ],
)
@pytest.mark.parametrize("untracked", [0, 1])
def test_update_refuses_a_bad_value(ab, assignment, error, phrase, untracked):
    ab.row("e", "version-a", "A", untracked=untracked)
    with pytest.raises(error, match=phrase):
        ab.execute(f"UPDATE lix_state SET {assignment} WHERE {WHERE}")
    assert visible(ab) == [("e", content("A"))]


IDENTITY_AND_COMPUTED = [
    "entity_id",
    "schema_key",
    "file_id",
    "version_id",
    "created_at",
    "updated_at",
    "inherited_from_version_id",
    "change_id",
    "commit_id",
]


@pytest.mark.parametrize("column", IDENTITY_AND_COMPUTED)
@pytest.mark.parametrize("table", ["lix_state", "lix_state_by_version"])
def test_update_refuses_identity_and_computed_columns(ab, table, column):
    ab.row("e", "version-a", "A")
    before = ab.rows(f"SELECT * FROM lix_state WHERE {WHERE}")
    with pytest.raises(errors.ReadOnlyError, match=column):
        ab.execute(f"UPDATE {table} SET {column} = 'moved' WHERE {WHERE}")
    with pytest.raises(errors.ReadOnlyError, match=column):
        ab.execute(f"UPDATE {table} SET ({column}, metadata) = ('moved', '{{}}') WHERE {WHERE}")
    assert ab.rows(f"SELECT * FROM lix_state WHERE {WHERE}") == before


@pytest.mark.parametrize("untracked", [0, 1])
def test_update_cannot_change_the_layer(ab, untracked):
    ab.row("e", "version-a", "A", untracked=untracked)
    with pytest.raises(errors.ReadOnlyError, match="untracked"):
        ab.execute(f"UPDATE lix_state SET untracked = {1 - untracked} WHERE {WHERE}")
    assert visible(ab, "untracked") == [(untracked,)]


@pytest.mark.parametrize("placeholder", ["?", "?1", "$k", ":k"])
def test_schema_key_may_be_a_parameter(ab, placeholder):
    ab.row("e", "version-a", "A")
    params = {"k": S} if placeholder[1:] == "k" else (S,)
    ab.execute(f"UPDATE lix_state SET metadata = '{{}}' WHERE schema_key = {placeholder}", params)
    assert visible(ab, "metadata") == [("{}",)]
    ab.execute(f"DELETE FROM lix_state WHERE schema_key = {placeholder}", params)
    assert visible(ab) == []


def test_placeholders_in_set_and_where_keep_their_order(ab):
    ab.row("e", "version-a", "A")
    ab.row("f", "version-a", "B")
    with pytest.raises(errors.SchemaValidationError):
        ab.execute(
            "UPDATE lix_state SET snapshot_content = ? WHERE entity_id = ? AND schema_key = ?",
            ("{}", "e", S),
        )
    ab.execute(
        "UPDATE lix_state SET snapshot_content = ? WHERE entity_id = ? AND schema_key = ?",
        (content("new"), "f", S),
    )
    assert visible(ab) == [("e", content("A")), ("f", content("new"))]


def test_update_of_an_immutable_schema_is_refused(ab):
    ab.schema("frozen", "value", **{"x-lix-immutable": True})
    ab.row("e", "version-a", "A", schema="frozen")
    with pytest.raises(errors.ImmutableError, match="immutable"):
        ab.execute(
            "UPDATE lix_state SET snapshot_content = ? WHERE schema_key = 'frozen'",
            (content("B"),),
        )
    with pytest.raises(errors.ImmutableError, match="immutable"):
        ab.row("e", "version-a", "B", schema="frozen")
    assert ab.raw() == [("version-a", content("A"))]


# DELETE -------------------------------------------------------------------------------------------


def test_delete_routes_to_active_version(ab):
    ab.row("entity-d", "version-a", "A-initial")
    ab.row("entity-d", "version-b", "B-initial")
    ab.execute(f"DELETE FROM lix_state WHERE {KEY}", ("entity-d",))
    assert ab.raw() == [("version-a", None), ("version-b", content("B-initial"))]


def test_delete_allows_untracked_with_untracked_predicate(ab):
    ab.row("untracked-entity-d", "version-a", "A", untracked=1)
    ab.row("untracked-entity-d", "version-b", "B-untracked", untracked=1)
    ab.execute(f"DELETE FROM lix_state WHERE {KEY} AND untracked = 1", ("untracked-entity-d",))
    assert ab.raw("version_id, snapshot_content, untracked") == [
        ("version-b", content("B-untracked"), 1)
    ]


def test_delete_is_scoped_to_active_version_even_with_explicit_version_predicate(ab):
    ab.row("e", "version-a", "A")
    ab.row("e", "version-b", "B")
    assert ab.execute("DELETE FROM lix_state WHERE version_id = 'version-b'").changes == 0
    assert ab.raw() == [("version-a", content("A")), ("version-b", content("B"))]


def test_delete_without_untracked_predicate_removes_the_visible_layer(ab):
    ab.row("e", "version-a", "tracked")
    ab.row("e", "version-a", "local", untracked=1)
    tip = ab.tip()
    ab.execute(f"DELETE FROM lix_state WHERE {WHERE}")
    assert visible(ab, "snapshot_content, untracked") == [(content("tracked"), 0)]
    assert ab.tip() == tip
    ab.execute(f"DELETE FROM lix_state WHERE {WHERE}")
    assert visible(ab) == []
    assert ab.tip() != tip


def test_delete_of_an_inherited_row_hides_it_here_only(ab):
    ab.row("e", "global", "G")
    assert ab.execute(f"DELETE FROM lix_state WHERE {KEY}", ("e",)).changes == 1
    assert visible(ab) == []
    ab.active("version-b")
    assert visible(ab) == [("e", content("G"))]
    assert ab.raw() == [("global", content("G")), ("version-a", None)]


def test_delete_can_be_undone_by_inserting_again(ab):
    ab.row("e", "global", "G")
    ab.execute(f"DELETE FROM lix_state WHERE {KEY}", ("e",))
    insert(ab, "e", "mine", file="test-file")
    assert visible(ab, "snapshot_content, inherited_from_version_id") == [(content("mine"), None)]


def test_delete_twice_writes_one_tombstone(ab):
    ab.row("e", "version-a", "A")
    ab.execute(f"DELETE FROM lix_state WHERE {WHERE}")
    tip = ab.tip()
    assert ab.execute(f"DELETE FROM lix_state WHERE {WHERE}").changes == 0
    assert ab.tip() == tip
    assert ab.value("SELECT count(*) FROM lix_change WHERE entity_id = 'e'") == 2


@pytest.mark.parametrize(
    ("condition", "left"),
    [
        ("inherited_from_version_id IS NULL", ["entity-global"]),
        ("inherited_from_version_id IS NOT NULL", ["entity-local"]),
        ("inherited_from_version_id = 'global'", ["entity-local"]),
        ("(inherited_from_version_id = 'x' OR entity_id = 'entity-local')", ["entity-global"]),
    ],
)
def test_delete_filters_on_inheritance_like_on_any_column(lix, condition, left):
    lix.schema(S, "value")
    lix.version("version-child")
    lix.active("version-child")
    lix.row("entity-global", "global", "global")
    lix.row("entity-local", "version-child", "local")
    lix.execute(
        f"DELETE FROM lix_state WHERE {WHERE} AND entity_id LIKE 'entity-%' AND {condition}"
    )
    assert lix.column(f"SELECT entity_id FROM lix_state WHERE {WHERE}") == left


def test_changes_counts_visible_rows(ab):
    ab.row("e", "global", "G")
    ab.row("f", "version-a", "F")
    ab.row("g", "version-a", "X", untracked=1)
    assert ab.execute(f"UPDATE lix_state SET metadata = '{{}}' WHERE {WHERE}").changes == 3
    assert ab.execute(f"DELETE FROM lix_state WHERE {WHERE}").changes == 3
    assert visible(ab) == []
