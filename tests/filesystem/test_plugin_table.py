"""`lix_plugin`, and plugins installed into the database."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

import lix_vtab
from lix_vtab.errors import InvalidValueError, LixError, PluginError, ReadOnlyError
from lix_vtab.plugins import EntityChange
from tests.filesystem.toys import Toy, manifest, toy_schema
from tests.filesystem.ways import data, entities, put


@pytest.fixture
def lix() -> Iterator[lix_vtab.Lix]:
    """Return a lix in memory, which must be sound in the end."""
    with lix_vtab.open() as opened:
        yield opened
        assert opened.check() == []


CODE = """
from lix_vtab.plugins import EntityChange

def words(data):
    return {f"{n:03}": word for n, word in enumerate(data.decode().split())}

def detect_changes(before, after, state_context):
    old = words(before.data) if before else {}
    new = words(after.data)
    for place in sorted(old.keys() - new.keys()):
        yield EntityChange(place, "packed_word", None)
    for place, word in new.items():
        if old.get(place) != word:
            yield EntityChange(place, "packed_word", {"path": place, "value": word})

def apply_changes(file, changes):
    return "SEPARATOR".join(c.snapshot_content["value"] for c in changes).encode()
"""


@lru_cache
def archive(separator: str = " ", version: str = "1.0.0", glob: str = "*.packed") -> bytes:
    """Build an archive the way a plugin author would."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        described = {**manifest("packed", glob), "api_version": version}
        packed.writestr("manifest.json", json.dumps(described))
        packed.writestr("schemas/word.json", json.dumps(toy_schema("packed_word")))
        packed.writestr("plugin.py", CODE.replace("SEPARATOR", separator))
    return out.getvalue()


def test_the_shipped_plugins_are_listed(lix: lix_vtab.Lix) -> None:
    assert lix.execute(
        "SELECT key, runtime, match_path_glob, on_invalid, installed FROM lix_plugin ORDER BY key"
    ).rows == [
        ("plugin_csv", "python", "*.{csv,tsv}", "blob", 0),
        ("plugin_json", "python", "*.json", "blob", 0),
        ("plugin_md", "python", "*.{md,markdown,mdx}", "blob", 0),
        ("plugin_text", "python", "*", "blob", 0),
    ]
    ((text, keys),) = lix.execute(
        "SELECT manifest, schema_keys FROM lix_plugin WHERE key = 'plugin_json'"
    ).rows
    assert json.loads(text)["key"] == "plugin_json"
    assert json.loads(keys) == ["json_pointer"]


def test_an_archive_lives_in_the_database(tmp_path: Path) -> None:
    path = str(tmp_path / "app.lix")
    with lix_vtab.open(path) as lix:
        assert lix.install_plugin(archive()) == "packed"
        put(lix, "f", "/f.packed", "one two")
        assert entities(lix, "f") == ["000", "001"]
    with lix_vtab.open(path) as lix:
        lix.execute("UPDATE packed_word SET value = 'three' WHERE path = '001'")
        assert data(lix, "f") == b"one three"
        shown = "SELECT key, api_version, entry, installed FROM lix_plugin WHERE key = 'packed'"
        assert lix.execute(shown).rows == [("packed", "1.0.0", "plugin.py", 1)]
        assert lix.check() == []


def test_an_upgrade_takes_the_place_of_the_old_one() -> None:
    with lix_vtab.open(plugins=[]) as lix:
        lix.install_plugin(archive())
        dates = "SELECT created_at, updated_at <> '' FROM lix_plugin"
        ((created, _),) = lix.execute(dates).rows
        put(lix, "f", "/f.packed", "one two")
        lix.install_plugin(archive("_", "1.1.0", "*.{packed,pkd}"))
        assert lix.execute("SELECT api_version, match_path_glob FROM lix_plugin").rows == [
            ("1.1.0", "*.{packed,pkd}")
        ]
        assert lix.execute(dates).rows == [(created, 1)]
        assert data(lix, "f") == b"one two"
        lix.execute("UPDATE packed_word SET value = 'x' WHERE path = '000'")
        assert data(lix, "f") == b"x_two"


def test_installing_by_sql(tmp_path: Path) -> None:
    (tmp_path / "packed.lixplugin").write_bytes(archive())
    with lix_vtab.open(plugins=[]) as lix:
        assert lix.execute("SELECT lix_install_plugin(?)", (archive(),)).rows == [("packed",)]
        assert lix.execute("SELECT lix_uninstall_plugin('packed')").rows == [("packed",)]
        assert lix.execute("SELECT key FROM lix_plugin").rows == []
        lix.install_plugin(tmp_path / "packed.lixplugin")
        assert lix.execute("SELECT archive FROM lix_plugin").rows == [(archive(),)]
        lix.execute("DELETE FROM lix_plugin")
        assert lix.execute("SELECT key FROM lix_plugin").rows == []
        lix.execute("INSERT INTO lix_plugin (archive) VALUES (?)", (archive(),))
        assert lix.execute("SELECT key FROM lix_plugin").rows == [("packed",)]
        with pytest.raises(ReadOnlyError):
            lix.execute("UPDATE lix_plugin SET api_version = '9.0.0'")
        with pytest.raises(InvalidValueError, match="requires archive"):
            lix.execute("INSERT INTO lix_plugin (key) VALUES ('x')")
        with pytest.raises(ReadOnlyError, match="the archive says it"):
            lix.execute("INSERT INTO lix_plugin (key, archive) VALUES ('x', ?)", (archive(),))


def test_installing_is_undone_with_its_transaction() -> None:
    with lix_vtab.open(plugins=[]) as lix:
        lix.connection.execute("BEGIN")
        lix.install_plugin(archive())
        put(lix, "f", "/f.packed", "one")
        assert entities(lix, "f") == ["000"]
        lix.connection.execute("ROLLBACK")
        assert lix.execute("SELECT key FROM lix_plugin").rows == []
        put(lix, "f", "/f.packed", "one")
        assert entities(lix, "f") == []
        with pytest.raises(LixError):
            lix.execute("SELECT * FROM packed_word")


def test_other_connections_see_what_was_installed(tmp_path: Path) -> None:
    path = str(tmp_path / "app.lix")
    with lix_vtab.open(path, plugins=[]) as one, lix_vtab.open(path, plugins=[]) as other:
        put(other, "a", "/a.packed", "one")
        one.install_plugin(archive())
        put(other, "b", "/b.packed", "one two")
        assert (entities(other, "a"), entities(other, "b")) == ([], ["000", "001"])
        one.uninstall_plugin("packed")
        put(other, "c", "/c.packed", "one")
        assert entities(other, "c") == []


@pytest.mark.parametrize(
    "plugin",
    [
        b"no archive",
        b"",
        object(),
        type("Unfinished", (), {"key": "x", "manifest": manifest("x", "*"), "schemas": []}),
        type("Reserved", (Toy,), {"key": "lix_builtin_binary_fallback"}),
    ],
)
def test_what_is_no_plugin_is_refused(plugin: object) -> None:
    with lix_vtab.open(plugins=[]) as lix:
        with pytest.raises(PluginError) as caught:
            lix.install_plugin(plugin)
        assert caught.value.details["violations"]
        assert lix.execute("SELECT key FROM lix_plugin").rows == []


def test_installed_plugins_come_before_those_of_the_session() -> None:
    class Packed(Toy):
        key = "packed"
        glob = "*.packed"

    with lix_vtab.open(plugins=[Packed()]) as lix:
        lix.install_plugin(archive("+"))
        assert lix.execute("SELECT key, installed FROM lix_plugin").rows == [("packed", 1)]
        lix.uninstall_plugin("packed")
        assert lix.execute("SELECT key, installed FROM lix_plugin").rows == [("packed", 0)]


def packed(*schemas: object, code: str = CODE) -> bytes:
    """Build an archive with any schemas."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("manifest.json", json.dumps(manifest("packed", "*.packed")))
        for number, schema in enumerate(schemas):
            made.writestr(f"schemas/{number}.json", json.dumps(schema))
        made.writestr("plugin.py", code)
    return out.getvalue()


UNFIT = [
    ({**toy_schema("odd"), "type": 5}, "Invalid Lix schema definition"),
    (toy_schema("lix_mine"), "'lix_mine' is reserved"),
    ({**toy_schema("json_pointer"), "properties": {"path": {}}}, "'json_pointer'"),
    (
        {
            **toy_schema("odd"),
            "x-lix-foreign-keys": [
                {
                    "properties": ["/value"],
                    "references": {"schemaKey": "nowhere", "properties": ["/id"]},
                }
            ],
        },
        "nowhere",
    ),
]


@pytest.mark.parametrize(("schema", "reason"), UNFIT)
@pytest.mark.parametrize("sql", ["INSERT INTO lix_plugin (archive) VALUES (?)", None])
def test_unfit_schemas_are_reasons_and_nothing_is_installed(
    lix: lix_vtab.Lix, schema: object, reason: str, sql: str | None
) -> None:
    stored = "SELECT count(*) FROM lix_stored_schema"
    before = lix.execute(stored).rows
    lix.connection.execute("BEGIN")
    lix.write_file("/a.bin", "x")
    with pytest.raises(PluginError) as refused:
        if sql is None:
            lix.install_plugin(packed(toy_schema("packed_word"), schema))
        else:
            lix.execute(sql, (packed(toy_schema("packed_word"), schema),))
    assert reason in refused.value.details["violations"][0]
    lix.connection.execute("COMMIT")
    assert lix.execute(stored).rows == before
    assert lix.execute("SELECT key FROM lix_plugin WHERE key = 'packed'").rows == []


def test_schemas_may_be_named_by_others_of_their_plugin(lix: lix_vtab.Lix) -> None:
    reference = {
        "properties": ["/value"],
        "references": {"schemaKey": "packed_word", "properties": ["/path"]},
    }
    naming = {**toy_schema("packed_note"), "x-lix-foreign-keys": [reference]}
    assert lix.install_plugin(packed(toy_schema("packed_word"), naming)) == "packed"


def test_an_upgrade_may_widen_a_schema_but_not_narrow_it(lix: lix_vtab.Lix) -> None:
    lix.install_plugin(archive())
    put(lix, "f", "/f.packed", "one two")
    schema = toy_schema("packed_word")
    wide = {**schema, "properties": {**schema["properties"], "length": {"type": "integer"}}}
    code = CODE.replace('"value": word}', '"value": word, "length": len(word)}')
    lix.install_plugin(packed(wide, code=code.replace("SEPARATOR", " ")))
    lix.execute("UPDATE lix_file SET data = 'one three'")
    assert lix.execute("SELECT path, length FROM packed_word ORDER BY path").rows == [
        ("000", None),
        ("001", 5),
    ]
    with pytest.raises(PluginError, match="/properties/length was removed"):
        lix.install_plugin(archive())
    lix.execute("UPDATE lix_file SET data = 'one three four'")
    assert data(lix, "f") == b"one three four"


def test_a_wrong_manifest_is_called_one_whichever_way_it_comes(lix: lix_vtab.Lix) -> None:
    wrong = {"runtime": "python", "api_version": "1.0.0", "match": {"path_glob": "*"}}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("manifest.json", json.dumps(wrong))
        made.writestr("schemas/a.json", json.dumps(toy_schema("a")))
        made.writestr("plugin.py", CODE)

    class Wrong(Toy):
        def __init__(self) -> None:
            super().__init__()
            self.manifest = wrong

    for plugin in (out.getvalue(), Wrong, Wrong()):
        with pytest.raises(PluginError, match=r"Invalid plugin manifest: .*'key'"):
            lix.install_plugin(plugin)
    with pytest.raises(PluginError, match=r"Invalid plugin manifest: .*'key'"):
        lix_vtab.open(plugins=[Wrong])


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file with a plugin that works where it was installed, and not here."""
    path = str(tmp_path / "app.lix")
    code = 'import os\nos.environ["PACKED_HERE"]\n' + CODE.replace("SEPARATOR", " ")
    monkeypatch.setenv("PACKED_HERE", "1")
    with lix_vtab.open(path) as lix:
        lix.install_plugin(packed(toy_schema("packed_word"), code=code))
        lix.write_file("/a.packed", b"one two")
    monkeypatch.delenv("PACKED_HERE")
    return path


def test_a_plugin_that_cannot_be_loaded_here_concerns_its_own_files(
    elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lix_vtab.open(elsewhere) as lix:
        lix.write_file("/b.json", b"{}")
        assert lix.read_file("/a.packed") == b"one two"
        assert lix.execute("SELECT installed FROM lix_plugin WHERE key = 'packed'").rows == [(1,)]
        with pytest.raises(PluginError, match=r"'packed'.*PACKED_HERE"):
            lix.write_file("/a.packed", b"one")
        # as without the plugin, edits of entities wait until there is somebody to render them
        lix.execute("UPDATE packed_word SET value = 'ONE' WHERE value = 'one'")
        shown = "SELECT data, lixcol_plugin_error FROM lix_file WHERE path = '/a.packed'"
        ((data, error),) = lix.execute(shown).rows
        assert data == b"one two"
        assert "PACKED_HERE" in error
    monkeypatch.setenv("PACKED_HERE", "1")
    with lix_vtab.open(elsewhere) as lix:
        assert lix.read_file("/a.packed") == b"ONE two"


def test_a_plugin_that_cannot_be_loaded_here_can_be_removed(elsewhere: str) -> None:
    with lix_vtab.open(elsewhere) as lix:
        lix.uninstall_plugin("packed")
        lix.write_file("/a.packed", b"one")
        assert lix.read_file("/a.packed") == b"one"


def test_an_archive_that_cannot_be_read_here_is_listed_and_can_be_removed(tmp_path: Path) -> None:
    path = str(tmp_path / "app.lix")
    with lix_vtab.open(path, internal=True) as lix:
        lix.install_plugin(archive())
        lix.execute("UPDATE lix_internal_plugin SET archive = x'00'")
    with lix_vtab.open(path) as lix:
        lix.write_file("/b.json", b"{}")
        shown = "SELECT installed, manifest, runtime FROM lix_plugin WHERE key = 'packed'"
        assert lix.execute(shown).rows == [(1, None, None)]
        lix.execute("DELETE FROM lix_plugin WHERE key = 'packed'")
        assert lix.execute(shown).rows == []


def test_installing_repeats_itself_in_deterministic_mode() -> None:
    mode = {"key": "lix_deterministic_mode", "value": {"enabled": True}, "version_id": "global"}
    found = []
    for _ in range(2):
        with lix_vtab.open(key_values=[mode]) as lix:
            lix.install_plugin(archive())
            put(lix, "f", "/docs/f.packed", "one two")
            found.append(
                [
                    lix.execute(sql).rows
                    for sql in (
                        "SELECT created_at, updated_at FROM lix_plugin WHERE installed",
                        "SELECT * FROM lix_file",
                        "SELECT * FROM lix_directory",
                        "SELECT id, created_at FROM lix_change ORDER BY id",
                    )
                ]
            )
    assert found[0] == found[1]


def test_a_blob_from_before_the_plugin_does_not_come_back(lix: lix_vtab.Lix) -> None:
    put(lix, "f", "/f.packed", "before")
    lix.install_plugin(archive())
    lix.execute("UPDATE lix_file SET data = 'one two'")
    lix.uninstall_plugin("packed")
    assert data(lix, "f") == b"one two"
    lix.execute("UPDATE lix_file SET data = 'after'")
    assert (data(lix, "f"), entities(lix, "f")) == (b"after", [])


def test_a_newer_plugin_of_a_program_widens_its_schema(tmp_path: Path) -> None:
    class Newer(Toy):
        def __init__(self) -> None:
            super().__init__()
            (schema,) = self.schemas
            more = {**schema["properties"], "length": {"type": "integer"}}
            self.schemas = [{**schema, "properties": more}]

        def detect_changes(self, *args: Any) -> Iterator[EntityChange]:
            for id, key, content, version in super().detect_changes(*args):
                more = content and {**content, "length": len(content["value"])}
                yield EntityChange(id, key, more, version)

    class Narrower(Toy):
        def __init__(self) -> None:
            super().__init__()
            number = {"path": {"type": "string"}, "value": {"type": "integer"}}
            self.schemas = [{**toy_schema("toy_word"), "x-lix-version": "2", "properties": number}]

        def detect_changes(self, *args: Any) -> Iterator[EntityChange]:
            yield EntityChange("000", "toy_word", {"path": "000", "value": 8}, "2")

    path = str(tmp_path / "app.lix")
    stored = "SELECT count(*) FROM lix_change WHERE schema_key = 'lix_stored_schema'"
    counts = []
    for plugin, word in ((Toy, "one"), (Newer, "three"), (Toy, "four"), (Newer, "seven")):
        with lix_vtab.open(path, plugins=[plugin]) as lix:
            lix.write_file("/f.words", word)
            counts += lix.execute(stored).rows
            assert lix.check() == []
    assert counts[1:] == [(counts[0][0] + 1,)] * 3
    with lix_vtab.open(path, plugins=[Narrower]) as lix:
        with pytest.raises(PluginError, match=r"'toy_words' cannot be used: .*not compatible"):
            lix.write_file("/f.words", "eight")
        assert lix.read_file("/f.words") == b"seven"
        assert lix.execute("SELECT value, length FROM toy_word").rows == [("seven", 5)]
