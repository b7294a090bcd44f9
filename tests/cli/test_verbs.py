"""Versions, files, schemas, plugins and upkeep through the command line."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

import lix_vtab

SCHEMA = {
    "x-lix-key": "note",
    "x-lix-version": "1",
    "x-lix-primary-key": ["/id"],
    "type": "object",
    "properties": {"id": {"type": "string"}},
    "required": ["id"],
    "additionalProperties": False,
}


def rows(done):
    return json.loads(done.out)


# Versions -----------------------------------------------------------------------------------------


def test_branches(lix, shop):
    assert lix("branch", "create", "draft").out == "created version draft\n"
    listed = lix("branch").lines
    assert [line[:7] for line in listed] == ["  globa", "* main ", "  draft"]
    assert lix("branch", "switch", "draft").out == "switched to version draft\n"
    assert lix("branch", "rename", "draft", "work").out == "renamed version draft to work\n"
    assert shop.active_version.name == "work"
    assert "active" in lix("branch", "delete", "work", code=20).err
    lix("branch", "switch", "main")
    assert lix("branch", "delete", "work").out == "deleted version work\n"
    assert [row["name"] for row in rows(lix("branch", "--json"))] == ["global", "main"]


def test_branch_options(lix, shop):
    first = shop.execute("SELECT id FROM lix_checkpoint WHERE name = 'v1'").rows[0][0]
    lix("branch", "create", "old", "--from", first, "--alone", "--hidden", "--switch")
    version = shop.active_version
    assert (version.name, version.commit_id, version.hidden) == ("old", first, True)
    assert version.inherits_from_version_id is None
    assert "old" not in lix("branch").out
    assert "old" in lix("branch", "list", "--hidden").out
    lix("branch", "create", "child", "--inherits", "main")
    assert shop.version("child").inherits_from_version_id == shop.version("main").id
    assert (
        "exclude each other"
        in lix("branch", "create", "x", "--alone", "--inherits", "m", code=10).err
    )


def test_an_unknown_version(lix, shop):
    for arguments in (("switch", "no"), ("delete", "no"), ("rename", "no", "x")):
        assert "LIX_VERSION_NOT_FOUND" in lix("branch", *arguments, code=10).err


# Files --------------------------------------------------------------------------------------------


def test_listing(lix, shop):
    assert lix("files", "ls").lines == [
        "/docs/readme.txt",
        "/logo.bin",
        "/menu.json",
        "/orders.csv",
    ]
    assert lix("files", "ls", "/docs").lines == ["/docs/readme.txt"]
    assert lix("files", "ls", "/logo.bin").lines == ["/logo.bin"]
    assert lix("files", "ls", "/*.json").lines == ["/menu.json"]
    assert lix("files", "ls", "/nothing/").out == ""
    long = rows(lix("files", "ls", "-l", "--json", "/docs/"))
    assert [(row["path"], row["size"]) for row in long] == [("/docs/readme.txt", 12)]
    shop.execute("UPDATE lix_file SET hidden = 1 WHERE path = '/logo.bin'")
    assert "/logo.bin" not in lix("files", "ls").lines
    assert "/logo.bin" in lix("files", "ls", "--all").lines


def test_bytes_in_and_out(lix, shop, work: Path):
    data = bytes(range(256)) * 3
    lix("files", "write", "/raw.bin", given=data)
    assert lix("files", "cat", "/raw.bin").raw == data
    (work / "from.txt").write_bytes(b"text\n")
    lix("files", "write", "/t.txt", "from.txt")
    assert lix("files", "cat", "/t.txt", "/t.txt").raw == b"text\ntext\n"
    assert "LIX_FILE_NOT_FOUND" in lix("files", "cat", "/nothing", code=10).err


def test_moving_and_removing(lix, shop):
    lix("files", "mv", "/docs", "/papers")
    assert lix("files", "ls", "/papers/").lines == ["/papers/readme.txt"]
    lix("files", "mv", "/papers/readme.txt", "/")
    lix("files", "mv", "/readme.txt", "/papers/r.txt")
    assert "is a directory" in lix("files", "rm", "/papers", code=10).err
    lix("files", "rm", "-r", "/papers")
    lix("files", "rm", "/logo.bin", "/menu.json")
    assert lix("files", "ls").lines == ["/orders.csv"]
    assert "no file" in lix("files", "rm", "/logo.bin", code=10).err
    assert "nothing has the path" in lix("files", "mv", "/logo.bin", "/x", code=10).err


def test_removing_is_all_or_nothing(lix, shop):
    lix("files", "rm", "/logo.bin", "/nothing", code=10)
    assert "/logo.bin" in lix("files", "ls").lines


def test_import_and_export(lix, shop, work: Path):
    source = work / "source"
    (source / "deep" / ".git").mkdir(parents=True)
    (source / "a.txt").write_bytes(b"a\n")
    (source / "deep" / "b.bin").write_bytes(b"\0\1")
    (source / "deep" / ".git" / "config").write_bytes(b"no")
    (work / "single.md").write_bytes(b"# one\n")
    before = len(shop.execute("SELECT 1 FROM lix_log").rows)
    done = lix("import", "--into", "/in", "source", "single.md")
    assert done.out == "imported 3 files\n"
    assert len(shop.execute("SELECT 1 FROM lix_log").rows) == before + 1
    assert lix("files", "ls", "/in").lines == ["/in/a.txt", "/in/deep/b.bin", "/in/single.md"]
    assert lix("export", "target", "/in").out == "exported 3 files to target\n"
    assert (work / "target" / "deep" / "b.bin").read_bytes() == b"\0\1"
    assert (work / "target" / "single.md").read_bytes() == b"# one\n"


def test_import_leaves_out_what_is_excluded(lix, shop, work: Path):
    (work / "d").mkdir()
    (work / "d" / "a.txt").write_bytes(b"a")
    (work / "d" / "b.tmp").write_bytes(b"b")
    lix("import", "d", "--exclude", "*.tmp", "--into", "/d")
    assert lix("files", "ls", "/d").lines == ["/d/a.txt"]


def test_export_of_another_version(lix, shop, work: Path):
    lix("branch", "create", "draft")
    shop.write_file("/new.txt", b"only on main\n")
    lix("export", "out", "--version", "draft")
    assert not (work / "out" / "new.txt").exists()
    assert (work / "out" / "orders.csv").exists()
    assert shop.active_version.name == "main"


# Schemas and plugins ------------------------------------------------------------------------------


def test_schemas(lix, shop, work: Path):
    assert lix("schema", "register", "-", given=json.dumps(SCHEMA)).out == "registered note\n"
    listed = rows(lix("schema", "--json"))
    assert {"table": "note", "version": "1", "columns": "id"} in listed
    assert not [row for row in listed if row["table"].startswith("lix_")]
    assert any(
        row["table"] == "lix_file_descriptor"
        for row in rows(lix("schema", "list", "--all", "--json"))
    )
    assert json.loads(lix("schema", "show", "note").out) == SCHEMA
    assert "no schema 'nope'" in lix("schema", "show", "nope", code=10).err
    second = SCHEMA | {
        "x-lix-version": "2",
        "properties": {"id": {"type": "string"}, "text": {"type": "string"}},
    }
    (work / "s.json").write_text(json.dumps([second]))
    lix("schema", "register", "s.json")
    assert json.loads(lix("schema", "show", "note").out) == second
    assert json.loads(lix("schema", "show", "note", "--version", "1").out) == SCHEMA


@pytest.mark.parametrize("text", ["{", "[]", "5", '[{"a": 1}, 5]'])
def test_what_is_no_schema(lix, shop, text):
    assert lix("schema", "register", "-", given=text, code=10).out == ""


def test_a_bad_schema_registers_nothing(lix, shop):
    given = json.dumps([SCHEMA, {"x-lix-key": "?"}])
    assert "LIX_ERROR_SCHEMA_DEFINITION" in lix("schema", "register", "-", given=given, code=10).err
    assert "note" not in lix("schema").out


def archive() -> bytes:
    """Return a plugin archive that keeps files as one entity."""
    manifest = {
        "key": "plugin_upper",
        "runtime": "python",
        "api_version": "0.1.0",
        "match": {"path_glob": "*.upper"},
        "entry": "plugin.py",
    }
    schema = {
        "x-lix-key": "upper_text",
        "x-lix-version": "1",
        "x-lix-primary-key": ["/id"],
        "type": "object",
        "properties": {"id": {"type": "string"}, "text": {"type": "string"}},
        "required": ["id", "text"],
        "additionalProperties": False,
    }
    code = (
        "from lix_vtab.plugins import EntityChange\n"
        "def detect_changes(before, after, state_context=None):\n"
        "    return [EntityChange('all', 'upper_text', {'id': 'all', 'text': after.data.decode()})]\n"
        "def apply_changes(file, changes):\n"
        "    return b''.join(c.snapshot_content['text'].encode() for c in changes)\n"
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as members:
        members.writestr("manifest.json", json.dumps(manifest))
        members.writestr("schemas/upper_text.json", json.dumps(schema))
        members.writestr("plugin.py", code)
    return packed.getvalue()


def test_plugins(lix, shop, work: Path):
    (work / "p.lixplugin").write_bytes(archive())
    assert lix("plugin", "install", "p.lixplugin").out == "installed plugin_upper\n"
    listed = {row["key"]: row for row in rows(lix("plugin", "--json"))}
    assert listed["plugin_upper"]["from"] == "database"
    assert listed["plugin_json"]["from"] == "Python"
    lix("files", "write", "/a.upper", given="LOUD")
    assert lix("sql", "--list", "SELECT text FROM upper_text").out == "LOUD\n"
    assert lix("plugin", "remove", "plugin_upper").out == "removed plugin_upper\n"
    assert lix("files", "cat", "/a.upper").out == "LOUD"
    (work / "bad.lixplugin").write_bytes(b"no zip")
    assert "LIX_ERROR_PLUGIN" in lix("plugin", "install", "bad.lixplugin", code=40).err


# Upkeep -------------------------------------------------------------------------------------------


def test_check(lix, shop, work: Path):
    assert lix("check").out == "sound\n"
    assert rows(lix("check", "--json")) == []
    with lix_vtab.open(str(work / "damaged.lix"), internal=True) as damaged:
        damaged.execute("INSERT INTO lix_key_value (key, value) VALUES ('k', 1)")
        damaged.connection.execute("DELETE FROM lix_internal_tip WHERE entity_id = 'k'")
    done = lix("check", "--db", "damaged.lix", code=50)
    assert done.lines
    assert "sound" not in done.out
    assert lix("rebuild", "--db", "damaged.lix").out == "rebuilt\n"
    assert lix("check", "--db", "damaged.lix").out == "sound\n"


def test_gc(lix, shop):
    assert lix("gc").out == "freed 0 contents, 0 bytes\n"
    assert rows(lix("gc", "--json")) == [{"blobs": 0, "chunks": 0, "bytes": 0}]


def test_export_sql_runs_in_a_plain_database(lix, shop, work: Path):
    import apsw

    shop.execute("CREATE TABLE mine (a PRIMARY KEY, b)")
    shop.execute("CREATE INDEX mine_b ON mine (b)")
    shop.execute("CREATE VIEW seen AS SELECT a FROM mine")
    shop.execute("CREATE VIRTUAL TABLE words USING fts5(text)")
    values = (1, "it's", 2.5, b"\0\xff", None, 'a\0b"')
    for n, value in enumerate(values):
        shop.execute("INSERT INTO mine VALUES (?, ?)", (n, value))
    plain = apsw.Connection(":memory:")
    plain.execute(lix("export-sql").out)
    tables = {name for (name,) in plain.execute("SELECT name FROM sqlite_schema")}
    assert {"task", "file", "mine", "mine_b", "seen"} <= tables
    assert not [name for name in tables if name.startswith(("lix_", "words", "csv_"))]
    assert plain.execute("SELECT id, title, rank FROM task").fetchall() == [("t1", "brew tea", 1)]
    assert [b for (b,) in plain.execute("SELECT b FROM mine ORDER BY a")] == list(values)
    for path, data in shop.execute("SELECT path, data FROM lix_file"):
        assert plain.execute("SELECT data FROM file WHERE path = ?", (path,)).get == data
    plain.close()


def test_export_sql_options(lix, shop):
    lix("branch", "create", "draft")
    shop.execute("DELETE FROM task")
    assert 'INSERT INTO "task"' not in lix("export-sql").out
    assert 'INSERT INTO "task"' in lix("export-sql", "--version", "draft").out
    assert 'INTO "file"' not in lix("export-sql", "--no-files").out
    assert lix("export-sql", "-").out == lix("export-sql").out
    assert shop.active_version.name == "main"


def test_export_sql_to_a_new_file(lix, shop, tmp_path: Path):
    target = tmp_path / "plain.sql"
    assert lix("export-sql", str(target)).out == ""
    assert target.read_text(encoding="utf-8") == lix("export-sql").out
    for taken in (target, tmp_path / "no" / "plain.sql"):
        refused = lix("export-sql", str(taken), code=10)
        assert "cannot write" in refused.err
        assert "hint:" in refused.err


def test_the_loadable_path(lix, tmp_path: Path):
    from lix_vtab.loadable import build

    try:
        build.build(tmp_path / "probe")
    except build.BuildUnavailable as problem:
        hint = problem.hint
        assert hint in lix("loadable-path", "--cache", "c", code=30).err
        return
    path = Path(lix("loadable-path", "--cache", str(tmp_path / "cache")).out.strip())
    assert path.is_file()
    assert path == Path(lix("loadable-path", "--cache", str(tmp_path / "cache")).out.strip())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(lix, shell, monkeypatch):
    script = lix("completion", shell).out
    assert "_LIX_COMPLETE" in script
    monkeypatch.setenv("SHELL", f"/bin/{shell}")
    assert lix("completion").out == script


def test_completion_of_an_unknown_shell(lix, monkeypatch):
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert "no completion for the shell 'tcsh'" in lix("completion", code=10).err
