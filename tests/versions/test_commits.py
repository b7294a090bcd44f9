"""What a tracked write records: changes, one commit per version, and everything derived from it."""

from __future__ import annotations

import json

import pytest

from tests.state.session import snapshot as content

S = "test_schema"
RAW = (
    "INSERT INTO lix_internal_state_vtable (entity_id, schema_key, file_id, version_id,"
    " plugin_key, snapshot_content, schema_version) VALUES "
)


@pytest.fixture
def cm(lix):
    lix.schema(S, "key")
    return lix


def put(lix, entity, value, version="global", **options):
    lix.row(entity, version, value, schema=S, prop="key", file="file-1", **options)


def commit(lix, commit_id):
    """Return a commit as a dict, its lists parsed."""
    ((own, change_set, changes, meta, authors, parents),) = lix.rows(
        "SELECT id, change_set_id, change_ids, meta_change_ids, author_account_ids,"
        " parent_commit_ids FROM lix_commit WHERE id = ?",
        (commit_id,),
    )
    return {
        "id": own,
        "change_set_id": change_set,
        "change_ids": json.loads(changes),
        "meta_change_ids": json.loads(meta),
        "author_account_ids": json.loads(authors),
        "parent_commit_ids": json.loads(parents),
    }


def change_ids(lix, *entities):
    return lix.column(
        "SELECT id FROM lix_change WHERE schema_key = ? AND entity_id IN"
        " (SELECT value FROM json_each(?)) ORDER BY id",
        (S, json.dumps(entities)),
    )


def commits_of(lix, ids):
    """Return the commits whose change list is exactly `ids`."""
    return [
        c
        for c, listed in lix.rows("SELECT id, change_ids FROM lix_commit")
        if set(json.loads(listed)) == set(ids)
    ]


def counts(lix):
    return {
        table: lix.value(f"SELECT count(*) FROM {table}")
        for table in ("lix_commit", "lix_change", "lix_change_set_element", "lix_commit_edge")
    }


def test_each_write_is_one_commit_on_top_of_the_last(cm):
    put(cm, "para-0", "v0")
    before = cm.tip("global")
    put(cm, "para-1", "v1")
    after = cm.tip("global")
    assert after != before
    assert cm.rows(
        "SELECT snapshot_content FROM lix_change WHERE schema_key = ? AND entity_id = 'para-1'",
        (S,),
    ) == [('{"key":"v1"}',)]
    assert cm.rows(
        "SELECT parent_id, child_id FROM lix_commit_edge WHERE child_id = ?", (after,)
    ) == [(before, after)]
    edge = cm.value(
        "SELECT snapshot_content FROM lix_internal_state_vtable"
        " WHERE schema_key = 'lix_commit_edge' AND entity_id = ?",
        (f"{before}~{after}",),
    )
    assert json.loads(edge) == {"parent_id": before, "child_id": after}
    pointer = cm.value(
        "SELECT snapshot_content FROM lix_internal_state_vtable"
        " WHERE schema_key = 'lix_version_pointer' AND entity_id = 'global'"
    )
    assert json.loads(pointer)["commit_id"] == after
    assert cm.value("SELECT count(*) FROM lix_change WHERE schema_key = 'lix_commit_edge'") == 0


def test_untracked_writes_record_nothing(cm):
    before = counts(cm), cm.rows("SELECT id, commit_id FROM lix_version ORDER BY 1")
    put(cm, "u", "x", untracked=1)
    put(cm, "u", "y", untracked=1)
    cm.execute("DELETE FROM lix_internal_state_vtable WHERE entity_id = 'u' AND untracked = 1")
    with cm.transaction() as tx:
        tx.execute(
            RAW.replace("schema_version)", "schema_version, untracked)")
            + f"('v', '{S}', 'f', 'global', 'lix', '{{\"key\":\"x\"}}', '1', 1)"
        )
    assert (counts(cm), cm.rows("SELECT id, commit_id FROM lix_version ORDER BY 1")) == before


def test_a_multi_row_insert_is_one_commit(cm):
    cm.execute(
        RAW + f"('entity-a', '{S}', 'file-1', 'version-main', 'lix', '{{\"key\":\"a\"}}', '1'),"
        f" ('entity-b', '{S}', 'file-1', 'version-main', 'lix', '{{\"key\":\"b\"}}', '1')"
    )
    assert_one_commit(cm, "entity-a", "entity-b")


@pytest.mark.parametrize("how", ["script", "block", "statements"])
def test_a_transaction_is_one_commit_per_version(cm, how):
    one = RAW + f"('entity-c', '{S}', 'file-1', 'version-main', 'lix', '{{\"key\":\"c\"}}', '1')"
    two = RAW + f"('entity-d', '{S}', 'file-1', 'version-main', 'lix', '{{\"key\":\"d\"}}', '1')"
    if how == "script":
        cm.execute(f"BEGIN; {one}; {two}; COMMIT;")
    elif how == "block":
        with cm.transaction() as tx:
            tx.execute(one)
            tx.execute(two)
    else:
        for sql in ("BEGIN", one, two, "COMMIT"):
            cm.execute(sql)
    assert_one_commit(cm, "entity-c", "entity-d")


def assert_one_commit(lix, *entities):
    ids = change_ids(lix, *entities)
    assert len(ids) == len(entities)
    (found,) = commits_of(lix, ids)
    change_set = commit(lix, found)["change_set_id"]
    elements = lix.rows(
        "SELECT json_extract(snapshot_content, '$.change_id'), version_id"
        " FROM lix_internal_state_vtable WHERE schema_key = 'lix_change_set_element'"
        " AND json_extract(snapshot_content, '$.change_set_id') = ?",
        (change_set,),
    )
    assert sorted(elements) == [(i, "global") for i in ids]


def test_a_script_without_begin_is_one_transaction(cm):
    cm.execute(
        "; ".join(
            RAW + f"('{e}', '{S}', 'file-1', 'global', 'lix', '{{\"key\":\"{e}\"}}', '1')"
            for e in ("x", "y", "z")
        )
    )
    assert_one_commit(cm, "x", "y", "z")


def test_a_transaction_over_two_versions_is_two_commits(cm):
    cm.version("version-a")
    tips = cm.tip("global"), cm.tip("version-a")
    with cm.transaction() as tx:
        for entity, version in (("g1", "global"), ("a1", "version-a"), ("g2", "global")):
            tx.execute(
                RAW + f"('{entity}', '{S}', 'f', '{version}', 'lix', '{{\"key\":\"x\"}}', '1')"
            )
    assert cm.tip("global") != tips[0]
    assert cm.tip("version-a") != tips[1]
    assert sorted(commit(cm, cm.tip("global"))["change_ids"]) == change_ids(cm, "g1", "g2")
    assert commit(cm, cm.tip("version-a"))["change_ids"] == change_ids(cm, "a1")


def test_a_reader_inside_the_transaction_sees_the_new_tip(cm):
    before = cm.tip("global")
    with cm.transaction() as tx:
        tx.execute(RAW + f"('e', '{S}', 'f', 'global', 'lix', '{{\"key\":\"x\"}}', '1')")
        (tip,) = tx.execute("SELECT commit_id FROM lix_version WHERE id = 'global'").rows[0]
        (of_row,) = tx.execute(
            "SELECT commit_id FROM lix_state_by_version"
            f" WHERE schema_key = '{S}' AND version_id = 'global'"
        ).rows[0]
        assert tip != before
        assert of_row == tip
        tx.execute(RAW + f"('f', '{S}', 'f', 'global', 'lix', '{{\"key\":\"x\"}}', '1')")
        assert tx.execute("SELECT commit_id FROM lix_version WHERE id = 'global'").rows == [(tip,)]
    assert cm.tip("global") == tip


def test_a_transaction_that_writes_nothing_makes_no_commit(cm):
    put(cm, "e", "x", cm.main())
    before = counts(cm)
    with cm.transaction() as tx:
        tx.execute("SELECT count(*) FROM lix_state")
        tx.execute("UPDATE lix_state SET metadata = NULL WHERE schema_key = ?", (S,))
        tx.execute("DELETE FROM lix_state WHERE entity_id = 'nobody'")
    assert counts(cm) == before


def test_commit_with_one_change_and_one_author(cm):
    cm.execute("INSERT INTO lix_active_account (account_id) VALUES ('acct-1')")
    main = cm.main()
    put(cm, "before", "x", main)
    parent = cm.tip()
    edges = counts(cm)["lix_commit_edge"]
    put(cm, "e", "x", main, writer_key="writer:test")
    made = commit(cm, cm.tip())
    (change,) = change_ids(cm, "e")
    assert made["change_ids"] == [change]
    assert made["parent_commit_ids"] == [parent]
    assert made["author_account_ids"] == ["acct-1"]
    assert cm.rows("SELECT account_id FROM lix_change_author WHERE change_id = ?", (change,)) == [
        ("acct-1",)
    ]
    assert cm.rows(
        "SELECT entity_id, schema_key, file_id, change_id FROM lix_change_set_element"
        " WHERE change_set_id = ?",
        (made["change_set_id"],),
    ) == [("e", S, "file-1", change)]
    assert counts(cm)["lix_commit_edge"] == edges + 1
    assert cm.rows(
        "SELECT entity_id, version_id, snapshot_content FROM lix_internal_state_vtable"
        " WHERE schema_key = 'lix_change_author' AND entity_id = ?",
        (f"{change}~acct-1",),
    ) == [
        (
            f"{change}~acct-1",
            "global",
            json.dumps({"account_id": "acct-1", "change_id": change}, separators=(",", ":")),
        )
    ]


def test_commits_on_two_versions_by_two_authors(cm):
    cm.execute("INSERT INTO lix_active_account (account_id) VALUES ('acct-2'), ('acct-1')")
    main = cm.main()
    edges = counts(cm)["lix_commit_edge"]
    cm.execute(
        RAW + f"('g', '{S}', 'f', 'global', 'lix', '{{\"key\":\"g\"}}', '1'),"
        f" ('m', '{S}', 'f', '{main}', 'lix', '{{\"key\":\"m\"}}', '1')"
    )
    for version, entity in (("global", "g"), (main, "m")):
        made = commit(cm, cm.tip(version))
        assert made["change_ids"] == change_ids(cm, entity)
        assert made["author_account_ids"] == ["acct-1", "acct-2"]
    assert counts(cm)["lix_commit_edge"] == edges + 2
    ids = change_ids(cm, "g", "m")
    assert sorted(
        cm.rows(
            "SELECT change_id, account_id FROM lix_change_author"
            " WHERE change_id IN (SELECT value FROM json_each(?))",
            (json.dumps(ids),),
        )
    ) == [(i, a) for i in ids for a in ("acct-1", "acct-2")]
    assert cm.column(
        "SELECT DISTINCT version_id FROM lix_internal_state_vtable"
        " WHERE schema_key IN ('lix_change_set_element', 'lix_change_author', 'lix_commit')"
    ) == ["global"]


def test_commit_without_active_account_has_no_author(cm):
    put(cm, "e", "x")
    assert commit(cm, cm.tip("global"))["author_account_ids"] == []
    assert cm.rows("SELECT * FROM lix_change_author") == []


def test_authors_are_those_of_the_moment(cm):
    cm.execute("INSERT INTO lix_active_account (account_id) VALUES ('one')")
    put(cm, "e", "x")
    first = cm.tip("global")
    cm.execute("DELETE FROM lix_active_account")
    cm.execute("INSERT INTO lix_active_account (account_id) VALUES ('two')")
    put(cm, "e", "y")
    assert commit(cm, first)["author_account_ids"] == ["one"]
    assert commit(cm, cm.tip("global"))["author_account_ids"] == ["two"]


def test_every_commit_has_one_change_set_listed(cm):
    put(cm, "e", "x")
    sets = cm.column("SELECT change_set_id FROM lix_commit")
    assert len(set(sets)) == len(sets)
    assert set(sets) <= set(cm.column("SELECT id FROM lix_change_set"))


def test_every_edge_joins_two_commits_and_every_parent_has_an_edge(cm):
    cm.version("unknown-start")
    cm.create_version("draft", id="draft")
    for version in ("global", "draft", cm.main(), "draft"):
        put(cm, "e", f"in {version}", version)
    edges = set(cm.rows("SELECT parent_id, child_id FROM lix_commit_edge"))
    listed = {
        (parent, child)
        for child, parents in cm.rows("SELECT id, parent_commit_ids FROM lix_commit")
        for parent in json.loads(parents)
    }
    ids = set(cm.column("SELECT id FROM lix_commit"))
    assert {(p, c) for p, c in edges if p in ids} == {(p, c) for p, c in listed if p in ids}
    assert {c for _, c in edges} <= ids


def test_the_graph_has_no_cycle_and_no_isolated_commit(cm):
    cm.create_version("draft", id="draft")
    for version in ("global", "draft", cm.main(), "draft"):
        put(cm, "e", f"in {version}", version)
    assert (
        cm.value(
            "WITH RECURSIVE walk(start, at, depth) AS ("
            " SELECT parent_id, child_id, 1 FROM lix_commit_edge UNION"
            " SELECT start, child_id, depth + 1 FROM walk JOIN lix_commit_edge ON parent_id = at"
            " WHERE depth < 128) SELECT count(*) FROM walk WHERE start = at"
        )
        == 0
    )
    assert (
        cm.rows(
            "SELECT id FROM lix_commit WHERE id NOT IN (SELECT parent_id FROM lix_commit_edge)"
            " AND id NOT IN (SELECT child_id FROM lix_commit_edge)"
            " AND id NOT IN (SELECT commit_id FROM lix_version)"
            " AND id NOT IN (SELECT working_commit_id FROM lix_version)"
        )
        == []
    )


def test_journal_rows_say_everything_about_a_change(cm):
    put(cm, "e", "x", metadata='{"m":1}')
    ((change,),) = cm.raw("change_id")
    row = cm.execute("SELECT * FROM lix_change WHERE id = ?", (change,))
    named = dict(zip(row.columns, row.rows[0], strict=True))
    wanted = {
        "id": change,
        "entity_id": "e",
        "schema_key": S,
        "schema_version": "1",
        "file_id": "file-1",
        "plugin_key": "lix",
        "snapshot_content": content("x", "key"),
        "metadata": '{"m":1}',
    }
    assert {k: named[k] for k in wanted} == wanted
    assert named["created_at"] == cm.raw("updated_at")[0][0]


def test_journal_shows_the_running_transaction(cm):
    with cm.transaction() as tx:
        tx.execute(RAW + f"('e', '{S}', 'f', 'global', 'lix', '{{\"key\":\"x\"}}', '1')")
        assert tx.execute("SELECT count(*) FROM lix_change WHERE schema_key = ?", (S,)).rows == [
            (1,)
        ]


def test_change_ids_of_rows_are_in_the_journal(cm):
    cm.execute("INSERT INTO lix_active_account (account_id) VALUES ('acct-1')")
    cm.create_version("draft", id="draft")
    put(cm, "e", "x", "draft")
    assert (
        cm.rows(
            "SELECT schema_key, entity_id, change_id FROM lix_state_by_version"
            " WHERE untracked = 0 AND change_id NOT IN (SELECT id FROM lix_change)"
        )
        == []
    )
    assert (
        cm.rows(
            "SELECT * FROM lix_change_set_element"
            " WHERE change_id NOT IN (SELECT id FROM lix_change)"
        )
        == []
    )


@pytest.mark.parametrize(
    "table",
    ["lix_commit", "lix_commit_edge", "lix_change", "lix_change_set", "lix_change_set_element"],
)
def test_bookkeeping_tables_cannot_be_forged(cm, table):
    put(cm, "e", "x")
    before = cm.rows(f"SELECT * FROM {table}")
    column = "id" if table in ("lix_commit", "lix_change", "lix_change_set") else None
    column = column or {"lix_commit_edge": "child_id"}.get(table, "change_id")
    for sql in (
        f"UPDATE {table} SET {column} = 'forged'",
        f"DELETE FROM {table}",
    ):
        with pytest.raises(Exception, match=table):
            cm.execute(sql)
    assert cm.rows(f"SELECT * FROM {table}") == before


def test_children_and_parents_get_no_commit(cm):
    cm.version("parent")
    cm.version("child", inherits="parent")
    before = dict(cm.rows("SELECT id, commit_id FROM lix_version"))
    put(cm, "e", "x", "parent")
    after = dict(cm.rows("SELECT id, commit_id FROM lix_version"))
    assert {v for v in after if after[v] != before[v]} == {"parent"}


def test_writing_what_is_there_already_does_not_touch_the_version(cm):
    put(cm, "e", "v")
    before = cm.rows("SELECT * FROM lix_version ORDER BY id")
    put(cm, "e", "v")
    assert cm.rows("SELECT * FROM lix_version ORDER BY id") == before


@pytest.mark.parametrize("source", ["global", None])
def test_a_row_that_came_and_went_in_one_transaction_leaves_nothing(lix, source):
    """On a branch as well as on a version that stands on nothing else."""
    lix.schema("s")
    lix.row("old", lix.main(), "x", schema="s")
    lix.create_version("branch", id="branch", source=source)
    lix.active("branch")
    before = lix.tip(), lix.raw(), lix.value("SELECT count(*) FROM lix_commit")
    with lix.transaction() as tx:
        for entity in ("new", "newer"):
            tx.execute(
                "INSERT INTO lix_state (entity_id, schema_key, file_id, plugin_key, schema_version,"
                " snapshot_content) VALUES (?, 's', 'test-file', 'lix', '1', '{\"value\":\"y\"}')",
                (entity,),
            )
        tx.execute("DELETE FROM lix_state WHERE entity_id GLOB 'new*'")
    assert (lix.tip(), lix.raw(), lix.value("SELECT count(*) FROM lix_commit")) == before
    if source is None:
        lix.execute("DELETE FROM lix_state WHERE entity_id = 'old'")
        assert lix.tip() != before[0]
        assert lix.value("SELECT count(*) FROM lix_state WHERE schema_key = 's'") == 0
