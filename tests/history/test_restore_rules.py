"""Going back obeys the rules between rows at its end, not in between."""

from __future__ import annotations

import pytest

import lix_vtab


def schema(key, properties, **words):
    return {
        "x-lix-key": key,
        "x-lix-version": "1",
        "x-lix-primary-key": ["/id"],
        "type": "object",
        "required": ["id"],
        "additionalProperties": False,
        "properties": {name: {"type": "string"} for name in ("id", *properties)},
        **{f"x-lix-{word.replace('_', '-')}": value for word, value in words.items()},
    }


def to(key):
    return [{"properties": ["/at"], "references": {"schemaKey": key, "properties": ["/id"]}}]


@pytest.fixture
def r(lix):
    for stored in (
        schema("seat", ["guest"], unique=[["/guest"]]),
        schema("shelf", []),
        schema("book", ["at"], foreign_keys=to("shelf")),
        schema("stamp", ["ink"], immutable=True),
    ):
        lix.store_schema(stored)
    return lix


def do(lix, verb, *args):
    lix._dirty = True
    return getattr(lix.lix, verb)(*args)


SEATS = "SELECT id, guest FROM seat ORDER BY id"


def test_values_that_were_swapped_are_swapped_back(r):
    r.execute("INSERT INTO seat (id, guest) VALUES ('1', 'ann'), ('2', 'bob')")
    start = r.tip()
    with r.transaction() as tx:
        tx.execute("UPDATE seat SET guest = NULL WHERE id = '1'")
        tx.execute("UPDATE seat SET guest = 'ann' WHERE id = '2'")
        tx.execute("UPDATE seat SET guest = 'bob' WHERE id = '1'")
    do(r, "undo")
    assert r.rows(SEATS) == [("1", "ann"), ("2", "bob")]
    do(r, "redo")
    assert r.rows(SEATS) == [("1", "bob"), ("2", "ann")]
    do(r, "restore", start)
    assert r.rows(SEATS) == [("1", "ann"), ("2", "bob")]
    assert r.lix.check() == []


def test_a_value_passes_to_a_row_that_comes_back(r):
    r.execute("INSERT INTO seat (id, guest) VALUES ('1', 'ann'), ('2', 'bob')")
    r.execute("DELETE FROM seat WHERE id = '1'")
    r.execute("UPDATE seat SET guest = 'ann' WHERE id = '2'")
    do(r, "restore", "HEAD~2")
    assert r.rows(SEATS) == [("1", "ann"), ("2", "bob")]


def test_a_value_somebody_else_has_by_now_is_refused(r):
    r.execute("INSERT INTO seat (id, guest) VALUES ('1', 'ann')")
    r.execute("DELETE FROM seat")
    r.execute("INSERT INTO seat (id, guest) VALUES ('2', 'ann')")
    tip = r.tip()
    with pytest.raises(lix_vtab.LixError) as caught:
        do(r, "revert", "HEAD~1")
    assert caught.value.code == "LIX_ERROR_UNIQUE"
    assert r.tip() == tip
    assert r.rows(SEATS) == [("2", "ann")]


def test_what_refers_to_each_other_comes_and_goes_together(r):
    with r.transaction() as tx:
        tx.execute("INSERT INTO shelf (id) VALUES ('s')")
        tx.execute("INSERT INTO book (id, at) VALUES ('b', 's')")
    do(r, "undo")
    assert r.rows("SELECT id FROM book UNION ALL SELECT id FROM shelf") == []
    do(r, "redo")
    assert r.rows("SELECT id, at FROM book") == [("b", "s")]
    r.execute("DELETE FROM book")
    r.execute("DELETE FROM shelf")
    do(r, "undo", 2)
    assert r.rows("SELECT id, at FROM book") == [("b", "s")]


def test_what_others_refer_to_by_now_cannot_be_taken_back(r):
    r.execute("INSERT INTO shelf (id) VALUES ('s')")
    r.execute("INSERT INTO book (id, at) VALUES ('b', 's')")
    with pytest.raises(lix_vtab.LixError) as caught:
        do(r, "revert", "HEAD~1")
    assert caught.value.code == "LIX_FOREIGN_KEY_VIOLATION"
    assert r.rows("SELECT id FROM shelf") == [("s",)]


def test_rows_that_never_change_come_back_as_they_were(r):
    r.execute("INSERT INTO stamp (id, ink) VALUES ('s', 'red')")
    r.execute("DELETE FROM stamp")
    r.execute("INSERT INTO stamp (id, ink) VALUES ('s', 'blue')")
    do(r, "restore", "HEAD~2")
    assert r.rows("SELECT id, ink FROM stamp") == [("s", "red")]
    do(r, "undo")
    assert r.rows("SELECT id, ink FROM stamp") == [("s", "blue")]
    assert r.lix.check() == []


def test_names_that_were_swapped_are_swapped_back(r):
    r.execute(
        "INSERT INTO lix_file (id, path, data)"
        " VALUES ('x', '/one/x.txt', 'x'), ('y', '/two/y.txt', 'y')"
    )
    start = r.tip()
    swap = "UPDATE lix_file SET path = ? WHERE id = ?"
    with r.transaction() as tx:
        for path, id in (("/t", "x"), ("/one/x.txt", "y"), ("/two/y.txt", "x")):
            tx.execute(swap, (path, id))
    with r.transaction() as tx:
        for old, new in (("one", "t"), ("two", "one"), ("t", "two")):
            tx.execute("UPDATE lix_directory SET name = ? WHERE name = ?", (new, old))
    paths = "SELECT id, path, data FROM lix_file ORDER BY id"
    swapped = r.rows(paths)
    assert swapped == [("x", "/one/y.txt", b"x"), ("y", "/two/x.txt", b"y")]
    do(r, "undo", 2)
    assert r.rows(paths) == [("x", "/one/x.txt", b"x"), ("y", "/two/y.txt", b"y")]
    do(r, "redo", 2)
    assert r.rows(paths) == swapped
    do(r, "restore", start)
    assert r.rows(paths) == [("x", "/one/x.txt", b"x"), ("y", "/two/y.txt", b"y")]
    assert r.lix.check() == []


def test_a_file_and_a_directory_change_places(r):
    r.execute("INSERT INTO lix_file (id, path, data) VALUES ('f', '/a/b', '1')")
    r.execute("UPDATE lix_file SET path = '/z' WHERE id = 'f'")
    r.execute("UPDATE lix_directory SET name = 'b' WHERE path = '/a/'")
    r.execute("UPDATE lix_file SET path = '/a' WHERE id = 'f'")
    do(r, "restore", "HEAD~3")
    assert r.column("SELECT path FROM lix_file") == ["/a/b"]
    assert r.column("SELECT path FROM lix_directory") == ["/a/"]
    do(r, "undo")
    assert r.column("SELECT path FROM lix_file") == ["/a"]
    assert r.column("SELECT path FROM lix_directory") == ["/b/"]


def test_a_directory_and_the_one_in_it_change_places(r):
    r.execute("INSERT INTO lix_directory (id, path) VALUES ('one', '/1/'), ('two', '/1/2/')")
    with r.transaction() as tx:
        tx.execute("UPDATE lix_directory SET parent_id = NULL WHERE id = 'two'")
        tx.execute("UPDATE lix_directory SET parent_id = 'two' WHERE id = 'one'")
    do(r, "restore", "HEAD~1")
    assert r.column("SELECT path FROM lix_directory ORDER BY 1") == ["/1/", "/1/2/"]
    do(r, "undo")
    assert r.column("SELECT path FROM lix_directory ORDER BY 1") == ["/2/", "/2/1/"]
