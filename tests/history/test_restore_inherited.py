"""Going back to where a version had no row of its own: it shows what it inherits again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lix_vtab

GLOBAL = "global"


def put(lix, key, value, version=GLOBAL):
    lix.execute(
        "INSERT OR REPLACE INTO lix_key_value_by_version (key, value, lixcol_version_id)"
        " VALUES (?, ?, ?)",
        (key, value, version),
    )


def shown(lix, key="k"):
    return lix.rows(
        "SELECT value, lixcol_inherited_from_version_id FROM lix_key_value WHERE key = ?", (key,)
    )


def do(lix, verb, *args):
    lix._dirty = True
    return getattr(lix.lix, verb)(*args)


def branch(lix, id, source, inherits_from):
    lix._dirty = True
    lix.lix.create_version(id=id, source=source, inherits_from=inherits_from)


@pytest.fixture
def i(lix):
    put(lix, "k", "theirs")
    lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('own', '1')")
    return lix


def test_an_overridden_row_shows_again(i):
    start = i.tip()
    i.execute("UPDATE lix_key_value SET value = 'mine' WHERE key = 'k'")
    changed = i.tip()
    for back, again in (
        (("undo",), ("redo",)),
        (("restore", start), ("restore", changed)),
        (("revert", changed), ("restore", changed)),
    ):
        do(i, *back)
        assert shown(i) == [("theirs", GLOBAL)]
        do(i, *again)
        assert shown(i) == [("mine", None)]
    assert i.lix.check() == []


def test_and_it_is_inherited_live(i):
    i.execute("UPDATE lix_key_value SET value = 'mine' WHERE key = 'k'")
    do(i, "undo")
    put(i, "k", "newer")
    assert shown(i) == [("newer", GLOBAL)]
    i.execute("DELETE FROM lix_key_value_by_version WHERE key = 'k'"
              " AND lixcol_version_id = 'global'")  # fmt: skip
    assert shown(i) == []
    put(i, "k", "back")
    assert shown(i) == [("back", GLOBAL)]


def test_a_deletion_of_an_inherited_row_is_taken_back(i):
    start = i.tip()
    i.execute("DELETE FROM lix_key_value WHERE key = 'k'")
    deleted = i.tip()
    assert shown(i) == []
    for back, again in (
        (("undo",), ("redo",)),
        (("restore", start), ("restore", deleted)),
        (("revert", deleted), ("restore", deleted)),
    ):
        do(i, *back)
        assert shown(i) == [("theirs", GLOBAL)]
        do(i, *again)
        assert shown(i) == []
    assert i.lix.check() == []


def test_what_comes_later_is_inherited_too(i):
    i.execute("INSERT INTO lix_key_value (key, value) VALUES ('late', 'mine')")
    do(i, "undo")
    assert shown(i, "late") == []
    put(i, "late", "theirs")
    assert shown(i, "late") == [("theirs", GLOBAL)]


def test_no_difference_is_left(i):
    start = i.tip()
    i.execute("UPDATE lix_key_value SET value = 'mine'")
    do(i, "restore", start)
    assert i.rows("SELECT * FROM lix_diff(?, 'HEAD')", (start,)) == []
    tip = i.tip()
    assert do(i, "restore", start) == tip


def test_afterwards_it_can_be_written_like_any_inherited_row(i):
    i.execute("UPDATE lix_key_value SET value = 'mine' WHERE key = 'k'")
    do(i, "undo")
    before = i.tip()
    i.execute("UPDATE lix_key_value SET value = 'theirs' WHERE key = 'k'")
    assert i.tip() == before
    i.execute("UPDATE lix_key_value SET value = 'again' WHERE key = 'k'")
    assert shown(i) == [("again", None)]
    do(i, "undo")
    i.execute("DELETE FROM lix_key_value WHERE key = 'k'")
    assert shown(i) == []
    do(i, "undo")
    i.execute("INSERT INTO lix_key_value (key, value) VALUES ('k', 'inserted')")
    assert shown(i) == [("inserted", None)]
    assert i.lix.check() == []


def test_every_way_of_reading_agrees(i):
    i.execute("UPDATE lix_key_value SET value = 'mine' WHERE key = 'k'")
    do(i, "undo")
    for sql in (
        "SELECT snapshot_content ->> 'value' FROM lix_state WHERE entity_id = 'k'",
        "SELECT snapshot_content ->> 'value' FROM lix_state WHERE snapshot_content LIKE '%\"k\"%'",
        "SELECT value FROM lix_key_value WHERE value = 'theirs'",
        "SELECT value FROM lix_key_value_by_version WHERE key = 'k' AND lixcol_version_id ="
        " (SELECT version_id FROM lix_active_version)",
        "SELECT value FROM lix_key_value WHERE lixcol_inherited_from_version_id = 'global'"
        " AND key = 'k'",
    ):
        assert i.column(sql) == ["theirs"]
    assert i.column("SELECT key FROM lix_key_value_at('HEAD')") == ["own"]


def test_a_branch_takes_over_what_was_withdrawn(i):
    i.execute("UPDATE lix_key_value SET value = 'mine' WHERE key = 'k'")
    i.create_version("before", id="before")
    do(i, "undo")
    i.create_version("after", id="after")
    i.execute("UPDATE lix_key_value SET value = 'more' WHERE key = 'k'")
    for version, value in (("before", ("mine", None)), ("after", ("theirs", GLOBAL))):
        i.active(version)
        assert shown(i) == [value]
        i.create_version(f"{version}-2", id=f"{version}-2")
        i.active(f"{version}-2")
        i.execute("INSERT INTO lix_key_value (key, value) VALUES ('other', '1')")
        assert shown(i) == [value]
    i.active("before")
    do(i, "restore", "after")
    assert shown(i) == [("theirs", GLOBAL)]


@pytest.mark.parametrize("length", [2, 5, 12])
def test_through_long_chains(lix, length):
    """Scopes of few and of many layers, at every place of the chain, with branches in between."""
    start = lix.value("SELECT commit_id FROM lix_version WHERE id = 'global'")
    put(lix, "k", "theirs")
    above = GLOBAL
    for number in range(length):
        branch(lix, f"v{number}", start, above)
        above = f"v{number}"
        if number % 2:
            lix.active(above)
            lix.execute("UPDATE lix_key_value SET value = ? WHERE key = 'k'", (above,))
            branch(lix, f"w{number}", above, f"v{number - 1}")
            above = f"w{number}"
            lix.active(above)
            assert shown(lix) == [(f"v{number}", None)]
            lix.execute("UPDATE lix_key_value SET value = 'mine' WHERE key = 'k'")
            do(lix, "restore", start)
    lix.active(above)
    assert shown(lix) == [("theirs", GLOBAL)]
    put(lix, "k", "middle", "v0")
    assert shown(lix) == [("middle", "v0")]
    lix.execute("INSERT INTO lix_key_value_by_version (key, value, lixcol_version_id,"
                " lixcol_untracked) VALUES ('loose', 'v', 'v0', 1)")  # fmt: skip
    assert shown(lix, "loose") == [("v", "v0")]
    assert lix.rows("SELECT value FROM lix_key_value WHERE value IN ('theirs', 'mine')") == []
    assert lix.lix.check() == []


def test_untracked_rows_stay_in_front(i):
    i.execute("UPDATE lix_key_value SET value = 'mine' WHERE key = 'k'")
    i.execute(
        "INSERT OR REPLACE INTO lix_key_value (key, value, lixcol_untracked)"
        " VALUES ('k', 'local', 1)"
    )
    do(i, "undo")
    assert shown(i) == [("local", None)]
    i.execute("DELETE FROM lix_key_value WHERE key = 'k'")
    assert shown(i) == [("theirs", GLOBAL)]


def test_files_and_their_names_are_inherited_again(lix):
    lix.execute(
        "INSERT INTO lix_file_by_version (id, path, data, lixcol_version_id)"
        " VALUES ('f', '/docs/f.json', '{\"a\":1}', 'global')"
    )
    lix.execute("UPDATE lix_file SET path = '/mine.json', data = '{\"a\":2}' WHERE id = 'f'")
    files = "SELECT path, data FROM lix_file"
    do(lix, "undo")
    assert lix.rows(files) == [("/docs/f.json", b'{"a":1}')]
    assert lix.rows(f"{files} WHERE path = '/docs/f.json'") == [("/docs/f.json", b'{"a":1}')]
    assert lix.rows(f"{files} WHERE path = '/mine.json'") == []
    lix.execute(
        "UPDATE lix_file_by_version SET data = '{\"a\":3}' WHERE lixcol_version_id = 'global'"
    )
    assert lix.rows(files) == [("/docs/f.json", b'{"a":3}')]
    do(lix, "redo")
    assert lix.rows(files) == [("/mine.json", b'{"a":2}')]
    lix.execute("DELETE FROM lix_file")
    do(lix, "undo", 2)
    assert lix.rows(files) == [("/docs/f.json", b'{"a":3}')]
    lix.execute("DELETE FROM lix_file")
    assert lix.rows(files) == []
    do(lix, "undo")
    assert lix.rows(files) == [("/docs/f.json", b'{"a":3}')]
    assert lix.lix.check() == []


def test_unique_values_are_those_that_show(lix):
    lix.store_schema(
        {
            "x-lix-key": "seat",
            "x-lix-version": "1",
            "x-lix-primary-key": ["/id"],
            "x-lix-unique": [["/guest"]],
            "type": "object",
            "required": ["id"],
            "additionalProperties": False,
            "properties": {"id": {"type": "string"}, "guest": {"type": "string"}},
        }
    )
    insert = "INSERT INTO seat_by_version (id, guest, lixcol_version_id) VALUES (?, ?, 'global')"
    lix.execute(insert, ("1", "ann"))
    lix.execute("UPDATE seat SET guest = 'bob' WHERE id = '1'")
    lix.execute("INSERT INTO seat (id, guest) VALUES ('2', 'ann')")
    with pytest.raises(lix_vtab.LixError, match="unique constraint"):
        do(lix, "revert", "HEAD~1")
    do(lix, "undo", 2)
    with pytest.raises(lix_vtab.LixError, match="unique constraint"):
        lix.execute("INSERT INTO seat (id, guest) VALUES ('3', 'ann')")
    lix.execute("INSERT INTO seat (id, guest) VALUES ('3', 'bob')")
    assert lix.rows("SELECT id, guest FROM seat ORDER BY id") == [("1", "ann"), ("3", "bob")]


# -- as a law

CHAIN = ("leaf", "mid", GLOBAL)
GONE = object()

steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from(CHAIN), st.sampled_from("ab"), st.integers(0, 2)),
        st.tuples(st.just("delete"), st.sampled_from(CHAIN), st.sampled_from("ab")),
        st.tuples(st.just("undo"), st.sampled_from(CHAIN)),
        st.tuples(st.just("fork")),
    ),
    max_size=16,
)


class Model:
    """What each version of a chain has of its own: a value, `GONE`, or nothing."""

    def __init__(self, lix):
        self.lix = lix
        self.own = {version: {} for version in CHAIN}
        self.undoable = {version: [] for version in CHAIN}
        self.ids = {version: version for version in CHAIN}
        for version, parent in (("mid", GLOBAL), ("leaf", "mid")):
            lix.create_version(version, id=version, source=GLOBAL, inherits_from=parent)

    def shown(self, version, key):
        for link in CHAIN[CHAIN.index(version) :]:
            if key in self.own[link]:
                return self.own[link][key]
        return GONE

    def inherits(self, version, key):
        behind = CHAIN[CHAIN.index(version) + 1 :]
        return bool(behind) and self.shown(behind[0], key) is not GONE

    def put(self, version, key, value):
        if self.own[version].get(key) != str(value):
            self._keep(version, key)
            self.own[version][key] = str(value)
        put(self.lix, key, str(value), self.ids[version])

    def delete(self, version, key):
        if self.shown(version, key) is not GONE:
            self._keep(version, key)
            self.own[version][key] = GONE
        self.lix.execute(
            "DELETE FROM lix_key_value_by_version WHERE key = ? AND lixcol_version_id = ?",
            (key, self.ids[version]),
        )

    def undo(self, version):
        self.lix.switch_version(self.ids[version])
        if not self.undoable[version]:
            return
        self.lix.undo()
        key, before = self.undoable[version].pop()
        if before is None:
            # nobody can tell whether nothing hides nothing
            if self.own[version].get(key) is not GONE or self.inherits(version, key):
                self.own[version].pop(key, None)
        else:
            self.own[version][key] = before[0]

    def fork(self):
        """Go on with a branch in the place of the leaf; undo does not go back behind that."""
        made = self.lix.create_version(source=self.ids["leaf"], inherits_from="mid")
        self.ids["leaf"] = made.id
        # a version is made by a commit on global
        self.undoable["leaf"] = []
        self.undoable[GLOBAL] = []

    def _keep(self, version, key):
        own = self.own[version]
        self.undoable[version].append((key, (own[key],) if key in own else None))


@given(steps)
def test_undo_gives_back_what_shows(world, todo):
    with world([]) as made:
        model = Model(made.lix)
        for name, *args in todo:
            getattr(model, name)(*args)
            for version in CHAIN:
                found = made.lix.execute(
                    "SELECT key, value FROM lix_key_value_by_version"
                    " WHERE lixcol_version_id = ? AND key IN ('a', 'b') ORDER BY key",
                    (model.ids[version],),
                ).rows
                wanted = [(key, model.shown(version, key)) for key in "ab"]
                assert found == [(key, value) for key, value in wanted if value is not GONE]
        assert made.lix.check() == []
