"""The way of bytes into entities and back, through plugins and without."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lix_vtab
from lix_vtab.errors import LixError, PluginError
from tests.filesystem.toys import BeforeAware, Curious, Forgiving, Moody, Noop, PathEcho, Toy
from tests.filesystem.ways import commits, data, entities, paths, put, put_in
from tests.state.session import Session


def raw_rows(lix: lix_vtab.Lix, file_id: str, plugin: str) -> list[tuple[str, str | None]]:
    """Return own rows of a file and plugin, tombstones included."""
    return lix.execute(
        "SELECT entity_id, snapshot_content FROM lix_internal_state_vtable"
        " WHERE file_id = ? AND plugin_key = ? ORDER BY 1",
        (file_id, plugin),
    ).rows


def opened(*plugins: object) -> lix_vtab.Lix:
    return lix_vtab.open(plugins=plugins, internal=True)


@pytest.fixture
def words() -> Iterator[tuple[lix_vtab.Lix, Toy]]:
    """Return a lix whose only plugin is the toy that counts its calls."""
    toy = Toy()
    with opened(toy) as lix:
        yield lix, toy
        assert lix.check() == []


# -- without a plugin


def test_a_file_without_plugin_is_a_blob(lix: Session) -> None:
    put(lix, "file-no-plugin", "/assets/video.mp4")
    ((schema, plugin, content),) = lix.rows(
        "SELECT schema_key, plugin_key, snapshot_content FROM lix_state"
        " WHERE file_id = 'file-no-plugin'"
    )
    assert (schema, plugin) == ("lix_binary_blob_ref", "lix_builtin_binary_fallback")
    ref = json.loads(content)
    assert (ref["id"], ref["size_bytes"], len(ref["blob_hash"])) == ("file-no-plugin", 7, 64)


@pytest.mark.parametrize("given", [b"", ""])
def test_empty_content_is_content(lix: Session, given: object) -> None:
    put(lix, "empty", "/empty.bin", given)
    put(lix, "none", "/none.bin", None)
    assert lix.rows("SELECT id, data FROM lix_file ORDER BY id") == [("empty", b""), ("none", b"")]
    refs = lix.rows("SELECT file_id, snapshot_content FROM lix_state WHERE file_id <> 'lix'")
    assert [(file_id, json.loads(ref)["blob_hash"]) for file_id, ref in refs] == [
        ("empty", "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262")
    ]
    lix.execute("UPDATE lix_file SET data = NULL")
    assert lix.rows("SELECT data FROM lix_file") == [(b"",), (b"",)]
    assert lix.rows("SELECT * FROM lix_state WHERE file_id <> 'lix'") == []


def test_data_may_be_any_expression(lix: Session) -> None:
    lix.execute("INSERT INTO lix_file (path, data) VALUES ('/ex' || 'pr.bin', 'a' || 'b')")
    lix.execute("INSERT INTO lix_file (path, data) SELECT '/copy.bin', data FROM lix_file")
    lix.execute("INSERT INTO lix_file (path, data) VALUES ('/zero.bin', zeroblob(3))")
    lix.execute("INSERT INTO lix_file (data, path) VALUES (?, ?), (?, ?)", (b"1", "/1", b"2", "/2"))
    assert lix.rows("SELECT path, data FROM lix_file ORDER BY path") == [
        ("/1", b"1"),
        ("/2", b"2"),
        ("/copy.bin", b"ab"),
        ("/expr.bin", b"ab"),
        ("/zero.bin", b"\0\0\0"),
    ]
    lix.execute("UPDATE lix_file SET data = data || '!' WHERE path IN ('/1', '/2')")
    assert lix.column("SELECT data FROM lix_file WHERE path IN ('/1', '/2') ORDER BY path") == [
        b"1!",
        b"2!",
    ]
    lix.execute(
        "UPDATE lix_file SET data = CASE path WHEN '/1' THEN x'00' ELSE data END WHERE path < '/3'"
    )
    assert lix.column("SELECT data FROM lix_file WHERE path = '/1'") == [b"\0"]


def test_text_is_stored_as_utf8(lix: Session) -> None:
    put(lix, "f", "/f.bin", "grün 段落 😀")
    assert data(lix, "f") == "grün 段落 😀".encode()


@pytest.mark.parametrize("size", [1, 4096, 65_536, 300_000, 5_000_000])
def test_sizes(lix: Session, size: int) -> None:
    content = bytes(size) if size == 300_000 else (b"0123456789abcdef" * (size // 16 + 1))[:size]
    put(lix, "f", "/f.bin", content)
    assert data(lix, "f") == content
    assert lix.value("SELECT length(data) FROM lix_file") == size


def test_the_same_bytes_again_are_no_change(lix: Session) -> None:
    put(lix, "f", "/f.bin", "same")
    put(lix, "j", "/j.json", '{ "a": 1 }')
    before = commits(lix)
    lix.execute("UPDATE lix_file SET data = 'same' WHERE id = 'f'")
    lix.execute("UPDATE lix_file SET data = '{ \"a\": 1 }' WHERE id = 'j'")
    assert commits(lix) == before


# -- plugins


def test_insert_update_and_rename_of_a_json_file(lix: Session) -> None:
    put(lix, "f", "/combined.json", '{"hello":"before","remove":"soon-gone"}')
    assert entities(lix, "f") == ["", "/hello", "/remove"]
    before = commits(lix)
    lix.execute(
        "UPDATE lix_file SET path = '/combined-renamed.json',"
        ' data = \'{"hello":"after","added":true}\' WHERE id = \'f\''
    )
    assert commits(lix) == before + 1
    assert entities(lix, "f") == ["", "/added", "/hello"]
    assert lix.rows("SELECT path, data FROM lix_file") == [
        ("/combined-renamed.json", b'{"hello":"after","added":true}')
    ]


def test_an_entity_of_a_file_belongs_to_its_plugin_unless_said_otherwise(lix: Session) -> None:
    put(lix, "f", "/f.json", '{"a":1}')
    put(lix, "b", "/b.bin", b"\x00\xff")
    insert = "INSERT INTO json_pointer (path, value, lixcol_file_id) VALUES ('/b', 2, ?)"
    for file_id in ("f", "b", "nowhere"):
        lix.execute(insert, (file_id,))
    assert data(lix, "f") == b'{"a":1,"b":2}'
    plugins = "SELECT lixcol_file_id, lixcol_plugin_key FROM json_pointer WHERE path = '/b'"
    assert sorted(lix.rows(plugins)) == [("b", "lix"), ("f", "plugin_json"), ("nowhere", "lix")]


def test_entities_written_by_sql_show_in_the_bytes(lix: Session) -> None:
    put(lix, "f", "/f.json", '{"content": "Start"}\n')
    assert data(lix, "f") == b'{"content": "Start"}\n'
    lix.execute(
        "INSERT INTO json_pointer (path, value, lixcol_file_id, lixcol_plugin_key)"
        " VALUES ('/extra', 'Add', 'f', 'plugin_json')"
    )
    assert json.loads(data(lix, "f")) == {"content": "Start", "extra": "Add"}
    lix.execute(
        'UPDATE lix_state SET snapshot_content = \'{"path":"/content","value":"New"}\''
        " WHERE file_id = 'f' AND entity_id = '/content'"
    )
    assert json.loads(data(lix, "f")) == {"content": "New", "extra": "Add"}
    lix.execute("DELETE FROM lix_state WHERE file_id = 'f' AND entity_id = '/content'")
    assert json.loads(data(lix, "f")) == {"extra": "Add"}
    lix.execute("DELETE FROM lix_state WHERE file_id = 'f'")
    assert data(lix, "f") == b""


def test_one_row_edited_leaves_the_rest_as_it_was_written(lix: Session) -> None:
    text = '{\n  "b" : 1.50,\r\n\t"a":[1,  2],  "c": "\\u00e9" }\n\n'
    put(lix, "f", "/f.json", text)
    lix.execute("UPDATE json_pointer SET value = 3 WHERE path = '/a/1' AND lixcol_file_id = 'f'")
    assert data(lix, "f").decode() == text.replace("[1,  2]", "[1,  3]")


def test_switching_plugins_by_path() -> None:
    with opened(*lix_vtab.plugins.BUILTIN, Noop()) as lix:
        put(lix, "f", "/switch.json", '{"hello":"before"}')
        assert entities(lix, "f") == ["", "/hello"]
        before = commits(lix)
        lix.execute("UPDATE lix_file SET path = '/switch.txt'")
        assert commits(lix) == before + 1
        assert [content for _, content in raw_rows(lix, "f", "plugin_json")] == [None, None]
        assert data(lix, "f") == b'{"hello":"before"}'
        lix.execute("UPDATE lix_file SET path = '/switch.bin'")
        assert data(lix, "f") == b'{"hello":"before"}'
        assert len(raw_rows(lix, "f", "lix_builtin_binary_fallback")) == 1
        lix.execute("UPDATE lix_file SET path = '/back.json'")
        assert entities(lix, "f") == ["", "/hello"]
        assert raw_rows(lix, "f", "lix_builtin_binary_fallback")[0][1] is None
        assert data(lix, "f") == b'{"hello":"before"}'
        assert lix.check() == []


def test_detect_is_called_once_with_what_was_there(words: tuple[lix_vtab.Lix, Toy]) -> None:
    lix, toy = words
    put(lix, "f", "/a.words", "one two")
    lix.execute("UPDATE lix_file SET data = 'one three', path = '/b.words'")
    assert [(b and (b.path, b.data), a.path, a.data) for b, a in toy.detected] == [
        (None, "/a.words", b"one two"),
        (("/a.words", b"one two"), "/b.words", b"one three"),
    ]
    assert toy.contexts == [None, None]
    assert toy.applied == []
    assert entities(lix, "f") == ["000", "001"]


def test_nothing_is_rendered_that_was_written_as_bytes(words: tuple[lix_vtab.Lix, Toy]) -> None:
    lix, toy = words
    put(lix, "f", "/a.words", "one   two")
    assert data(lix, "f") == b"one   two"
    lix.execute("UPDATE lix_file SET path = '/moved/b.words'")
    lix.execute("UPDATE lix_directory SET name = 'again'")
    assert (paths(lix), data(lix, "f")) == (["/again/b.words"], b"one   two")
    assert (len(toy.detected), toy.applied) == (1, [])


def test_formatting_alone_makes_a_commit(words: tuple[lix_vtab.Lix, Toy]) -> None:
    lix, _ = words
    put(lix, "f", "/a.words", "one two")
    before = commits(lix)
    changes = lix.execute("SELECT count(*) FROM lix_change").rows
    lix.execute("UPDATE lix_file SET data = 'one    two'")
    assert data(lix, "f") == b"one    two"
    assert commits(lix) == before + 1
    assert lix.execute("SELECT count(*) FROM lix_change").rows == changes
    with lix.transaction():
        lix.execute("UPDATE lix_file SET data = 'one two'")
        lix.execute("UPDATE lix_file SET data = 'one    two'")
    assert commits(lix) == before + 1
    assert data(lix, "f") == b"one    two"


def test_entities_are_rendered_once_at_the_end(words: tuple[lix_vtab.Lix, Toy]) -> None:
    lix, toy = words
    put(lix, "f", "/a.words", "one two three")
    with lix.transaction():
        for n in range(3):
            lix.execute(
                "UPDATE toy_word SET value = ? WHERE path = ? AND lixcol_file_id = 'f'",
                (f"w{n}", f"{n:03}"),
            )
        assert toy.applied == []
    assert [(file.data, len(changes)) for file, changes in toy.applied] == [(b"one two three", 3)]
    assert data(lix, "f") == b"w0 w1 w2"
    assert len(toy.applied) == 1


def test_reads_in_a_transaction_see_the_entities(words: tuple[lix_vtab.Lix, Toy]) -> None:
    lix, _ = words
    put(lix, "f", "/a.words", "one two")
    with lix.transaction():
        lix.execute("UPDATE toy_word SET value = 'x' WHERE path = '000'")
        assert data(lix, "f") == b"x two"
        lix.execute("UPDATE toy_word SET value = 'y' WHERE path = '001'")
        assert data(lix, "f") == b"x y"
    assert data(lix, "f") == b"x y"


def test_the_path_is_only_asked_for_when_rendering() -> None:
    with opened(PathEcho()) as lix:
        put(lix, "f", "/docs/readme.echo", "written")
        assert data(lix, "f") == b"written"
        lix.execute("UPDATE toy_echo SET value = 'touched'")
        assert data(lix, "f") == b"/docs/readme.echo"


def test_before_is_what_was_there() -> None:
    with opened(BeforeAware()) as lix:
        put(lix, "f", "/f.before", "one")
        kind = "SELECT value FROM toy_before"
        assert lix.execute(kind).rows == [("none",)]
        lix.execute("UPDATE lix_file SET data = 'two'")
        assert lix.execute(kind).rows == [("non-empty",)]
        lix.execute("UPDATE lix_file SET data = ''")
        lix.execute("UPDATE lix_file SET data = 'three'")
        assert lix.execute(kind).rows == [("empty",)]


def test_the_context_has_what_was_asked_for() -> None:
    toy = Curious()
    with opened(toy) as lix:
        put(lix, "f", "/f.curious", "one two")
        lix.execute("UPDATE lix_file SET data = 'one two three'")
        first, second = toy.contexts
        assert first is not None
        assert first.active_state == ()
        assert second is not None
        version = lix.active_version.id
        rows = [(r.entity_id, r.snapshot_content, r.version_id, r.plugin_key)
                for r in second.active_state]  # fmt: skip
        assert rows[:2] == [
            ("000", '{"path":"000","value":"one"}', version, None),
            ("001", '{"path":"001","value":"two"}', version, None),
        ]
        found = second.find("toy_curious", "001")
        assert found is not None
        assert found.entity_id == "001"
        assert second.find("toy_curious", "999") is None


def test_many_files_in_one_statement(words: tuple[lix_vtab.Lix, Toy]) -> None:
    lix, _ = words
    before = commits(lix)
    lix.execute(
        "INSERT INTO lix_file (id, path, data) VALUES ('a', '/x/a.words', 'a b'),"
        " ('b', '/x/b.words', 'c'), ('c', '/x/c.bin', 'd')"
    )
    assert commits(lix) == before + 1
    assert (entities(lix, "a"), entities(lix, "b"), entities(lix, "c")) == (
        ["000", "001"],
        ["000"],
        [],
    )


def test_scripts_see_what_came_before(lix: Session) -> None:
    lix.execute(
        "INSERT INTO lix_file (id, path, data) VALUES ('drop', '/drop.json', '{\"a\":1}');"
        "UPDATE lix_file SET data = '{\"a\":2,\"b\":true}' WHERE id = 'drop';"
        "INSERT INTO lix_file (id, path, data) VALUES ('keep', '/keep.json', '{\"k\":1}');"
        "UPDATE lix_file SET path = CASE id WHEN 'keep' THEN '/kept.json' ELSE path END;"
        "DELETE FROM lix_file WHERE metadata IS NULL AND id = 'drop'"
    )
    assert entities(lix, "keep") == ["", "/k"]
    assert entities(lix, "drop") == []
    assert lix.rows("SELECT path, data FROM lix_file") == [("/kept.json", b'{"k":1}')]


def test_the_active_version_may_change_in_a_script(lix: Session) -> None:
    lix.version("b", inherits=lix.main())
    put_in(lix, "b", "f", "/f.json", '{"hello":"before"}')
    lix.execute(
        "UPDATE lix_active_version SET version_id = 'b';"
        'UPDATE lix_file SET data = \'{"hello":"after"}\''
    )
    assert data(lix, "f") == b'{"hello":"after"}'
    assert lix.value(
        "SELECT snapshot_content ->> '$.value' FROM lix_state_by_version"
        " WHERE entity_id = '/hello' AND version_id = 'b'"
    ) == "after"  # fmt: skip


# -- when plugins fail


@pytest.mark.parametrize(
    ("mood", "text"),
    [
        ("invalid", "this mood is not valid"),
        ("internal", "broken inside"),
        ("crash", "ZeroDivisionError: oops"),
        ("hang", "moody"),
        ("twice", "duplicate change key for plugin 'moody'"),
        ("stranger", "unknown schema key 'unheard_of'"),
        ("nonsense", "failed to decode plugin output for key 'moody'"),
        ("misfit", "entity_id 'm' is inconsistent"),
        ("unschematic", "does not match schema 'toy_mood'"),
    ],
)
@pytest.mark.parametrize("in_transaction", [False, True])
def test_a_failing_plugin_fails_the_statement(mood: str, text: str, in_transaction: bool) -> None:
    with opened(Moody(), Toy()) as lix:
        lix._session.files.plugins.limit(0.2 if mood == "hang" else 20)
        put(lix, "good", "/good.mood", "good")
        before = lix.execute("SELECT id, path, data FROM lix_file").rows
        count = lix.execute("SELECT count(*) FROM lix_change").rows
        if in_transaction:
            lix.connection.execute("BEGIN")
        with pytest.raises(LixError, match=text):
            lix.execute(
                "INSERT INTO lix_file (path, data) VALUES ('/new/first.words', 'a b'),"
                " ('/new/bad.mood', ?)",
                (mood,),
            )
        with pytest.raises(LixError, match=text) as refused:
            lix.execute("UPDATE lix_file SET path = '/other/x.mood', data = ?", (mood,))
        assert "'moody'" in refused.value.message
        assert refused.value.details["plugin"] == "moody"
        if in_transaction:
            lix.connection.execute("COMMIT")
        assert lix.execute("SELECT id, path, data FROM lix_file").rows == before
        assert lix.execute("SELECT count(*) FROM lix_change").rows == count
        assert lix.execute("SELECT * FROM lix_directory").rows == []
        assert lix.check() == []


def test_how_long_a_plugin_may_take() -> None:
    class Slow(Toy):
        seconds = 0.3

        def detect_changes(self, *arguments: Any) -> Any:
            until = time.monotonic() + self.seconds
            while time.monotonic() < until:
                pass
            return super().detect_changes(*arguments)

    for seconds in (20, None):
        with lix_vtab.open(plugins=[Slow()], plugin_timeout=seconds) as lix:
            lix.write_file("/a.words", "a")
    Slow.seconds = 60
    with lix_vtab.open(plugins=[Slow()], plugin_timeout=0.05) as lix:
        with pytest.raises(PluginError, match=r"stopped after 0\.05 s") as caught:
            lix.write_file("/a.words", "a")
        assert caught.value.details["kind"] == "timeout"
        assert paths(lix) == []


def test_a_script_with_a_failing_plugin_leaves_nothing() -> None:
    with opened(Moody()) as lix:
        with pytest.raises(PluginError):
            lix.execute(
                "INSERT INTO lix_file (path, data) VALUES ('/a.mood', 'fine');"
                "INSERT INTO lix_file (path, data) VALUES ('/b.mood', 'crash')"
            )
        assert paths(lix) == []


def test_what_a_forgiving_plugin_rejects_is_a_blob_until_repaired() -> None:
    with opened(Forgiving()) as lix:
        put(lix, "f", "/f.kind", "good")
        lix.execute("UPDATE lix_file SET data = 'invalid'")
        shown = "SELECT data, lixcol_plugin_error FROM lix_file"
        assert lix.execute(shown).rows == [(b"invalid", "forgiving: this mood is not valid")]
        assert entities(lix, "f") == []
        before = commits(lix)
        lix.execute("UPDATE lix_file SET data = 'invalid', path = '/g.kind'")
        assert lix.execute(shown).rows == [(b"invalid", "forgiving: this mood is not valid")]
        assert commits(lix) == before + 1
        lix.execute("UPDATE lix_file SET data = 'better'")
        assert lix.execute(shown).rows == [(b"better", None)]
        assert entities(lix, "f") == ["m"]
        assert lix.execute(
            "SELECT * FROM lix_state WHERE schema_key = 'lix_binary_blob_ref'"
        ).rows == []  # fmt: skip
        put(lix, "new", "/new.kind", "invalid")
        assert lix.execute(
            "SELECT path FROM lix_file WHERE lixcol_plugin_error IS NOT NULL"
        ).rows == [("/new.kind",)]  # fmt: skip


def test_entities_that_cannot_be_rendered_are_refused() -> None:
    with opened(Moody(), Toy()) as lix:
        put(lix, "f", "/f.mood", "good")
        put(lix, "g", "/g.words", "other file")
        for mood in ("no rendering", "no bytes"):
            with pytest.raises(PluginError, match="plugin materialization"):
                lix.execute("UPDATE toy_mood SET value = ?", (mood,))
            assert data(lix, "f") == b"good"
        lix.connection.execute("BEGIN")
        lix.execute("UPDATE toy_word SET value = 'lost' WHERE path = '000'")
        lix.execute("UPDATE toy_mood SET value = 'no rendering'")
        with pytest.raises(PluginError):
            lix.execute("COMMIT")
        assert not lix.connection.in_transaction
        assert (data(lix, "f"), data(lix, "g")) == (b"good", b"other file")
        assert lix.check() == []


def test_one_unreadable_file_does_not_hide_the_others() -> None:
    with opened(Moody()) as lix:
        put(lix, "f", "/f.mood", "good")
        put(lix, "g", "/g.mood", "fine")
        with lix.transaction():
            lix.execute("UPDATE toy_mood SET value = 'no rendering' WHERE lixcol_file_id = 'f'")
            with pytest.raises(PluginError):
                data(lix, "f")
            assert data(lix, "g") == b"fine"
            assert lix.execute("SELECT path FROM lix_file ORDER BY path").rows == [
                ("/f.mood",),
                ("/g.mood",),
            ]
            ((error,),) = lix.execute(
                "SELECT lixcol_plugin_error FROM lix_file WHERE id = 'f'"
            ).rows
            assert "this cannot be rendered" in error
            lix.execute("UPDATE toy_mood SET value = 'well' WHERE lixcol_file_id = 'f'")
        assert data(lix, "f") == b"well"


# -- plugins come and go


def test_files_older_than_their_plugin_stay_readable() -> None:
    with opened() as lix:
        put(lix, "f", "/f.words", "one two")
        assert entities(lix, "f") == []
        lix.install_plugin(Toy())
        assert data(lix, "f") == b"one two"
        lix.execute("UPDATE lix_file SET data = 'one two'")
        assert entities(lix, "f") == ["000", "001"]
        assert lix.execute(
            "SELECT * FROM lix_state WHERE schema_key = 'lix_binary_blob_ref'"
        ).rows == []  # fmt: skip
        assert data(lix, "f") == b"one two"


def test_files_younger_than_their_plugin_stay_readable() -> None:
    with opened(Toy()) as lix:
        put(lix, "f", "/f.words", "one  two")
        lix.uninstall_plugin("toy_words")
        assert data(lix, "f") == b"one  two"
        lix.execute("UPDATE toy_word SET value = 'x' WHERE path = '000'")
        assert lix.execute("SELECT data, lixcol_plugin_error FROM lix_file").rows == [
            (b"one  two", "plugin 'toy_words' is not installed")
        ]
        assert lix.execute("SELECT path FROM lix_file WHERE data = x'6f6e65202074776f'").rows
        lix.gc()
        assert data(lix, "f") == b"one  two"
        lix.execute("UPDATE lix_file SET data = 'bytes'")
        assert lix.execute("SELECT data, lixcol_plugin_error FROM lix_file").rows == [
            (b"bytes", None)
        ]
        assert entities(lix, "f") == []
        with pytest.raises(PluginError, match="plugin 'toy_words' is not installed"):
            lix.uninstall_plugin("toy_words")


def test_what_was_edited_without_the_plugin_shows_when_it_is_back(tmp_path: Path) -> None:
    path = str(tmp_path / "app.lix")
    with lix_vtab.open(path, plugins=[Toy()]) as lix:
        put(lix, "f", "/f.words", "one two")
    with lix_vtab.open(path, plugins=[]) as lix:
        lix.execute("UPDATE toy_word SET value = 'x' WHERE path = '000'")
        lix.execute("UPDATE toy_word SET value = 'y' WHERE path = '001'")
        assert data(lix, "f") == b"one two"
        lix.rebuild()
        assert data(lix, "f") == b"one two"
        assert lix.check() == []
        lix.install_plugin(Toy())
        assert lix.execute("SELECT data, lixcol_plugin_error FROM lix_file").rows == [
            (b"x y", None)
        ]
        lix.uninstall_plugin("toy_words")
        assert data(lix, "f") == b"one two"
    with lix_vtab.open(path, plugins=[Toy()]) as lix:
        assert data(lix, "f") == b"x y"
        lix.execute("UPDATE toy_word SET value = 'z' WHERE path = '001'")
        assert data(lix, "f") == b"x z"
        history = lix.execute("SELECT data FROM lix_file_history ORDER BY lixcol_depth").rows
        assert [bytes(content) for (content,) in history] == [
            b"x z", b"x y", b"x two", b"one two"
        ]  # fmt: skip
        assert lix.check() == []


def test_schemas_of_plugins_are_stored() -> None:
    with opened() as lix:
        assert lix.install_plugin(Toy) == "toy_words"
        assert lix.execute("SELECT * FROM toy_word").rows == []
        put(lix, "f", "/f.words", "one")
        assert lix.execute("SELECT path, value FROM toy_word").rows == [("000", "one")]


def test_a_plugin_the_database_has_not_met(tmp_path: object) -> None:
    path = f"{tmp_path}/app.lix"
    lix_vtab.open(path, plugins=[]).close()
    with lix_vtab.open(path, plugins=[Toy()]) as lix:
        put(lix, "f", "/f.words", "one")
        assert lix.execute("SELECT path, value FROM toy_word").rows == [("000", "one")]
    with lix_vtab.open(path, plugins=[]) as lix:
        assert data(lix, "f") == b"one"
        assert lix.execute("SELECT path, value FROM toy_word").rows == [("000", "one")]
        assert lix.check() == []


def test_entities_may_be_older_than_their_file() -> None:
    with opened(Toy()) as lix:
        main = lix.active_version
        child = lix.create_version("child", inherits_from=main)
        put(lix, "other", "/other.words", "x")

        def write(version: lix_vtab.Version, word: str, untracked: int = 0) -> None:
            lix.execute(
                "INSERT INTO lix_state_by_version (entity_id, schema_key, file_id, version_id,"
                " plugin_key, schema_version, snapshot_content, untracked) VALUES ('001',"
                " 'toy_word', 'f', ?, 'toy_words', '1', json_object('path', '001', 'value', ?), ?)",
                (version.id, word, untracked),
            )

        write(child, "child")
        local = lix.create_version("local", inherits_from=main)
        write(local, "local", 1)
        put(lix, "f", "/f.words", "one two")
        assert data(lix, "f") == b"one two"
        lix.switch_version(child)
        assert data(lix, "f") == b"one child"
        lix.switch_version(local)
        assert data(lix, "f") == b"one local"
        assert lix.check() == []


@pytest.mark.parametrize("suffix", ["json", "csv", "tsv", "md", "txt"])
@pytest.mark.parametrize("data", [b"a,b\n1\x00,2\n", b"a,b\n\xff,2\n"])
def test_what_is_no_text_is_a_blob_under_any_name(suffix: str, data: bytes) -> None:
    with lix_vtab.open() as lix:
        lix.write_file(f"/a.{suffix}", data)
        assert lix.execute("SELECT data, lixcol_plugin_error IS NULL FROM lix_file").rows == [
            (data, 0)
        ]
        assert lix.execute("SELECT count(*) FROM lix_state WHERE plugin_key <> 'lix'").rows == [
            (1,)
        ]
