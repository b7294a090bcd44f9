"""Editing entities of a file by SQL: its bytes follow, and a large file is not written anew."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

import lix_vtab
from lix_vtab.plugins import BUILTIN, EntityChange, File
from lix_vtab.plugins.jsonfile.plugin import JsonPlugin

KEYS = [f"k{number}" for number in range(300)]
TEXT = json.dumps({"meta": {"version": 1}, "values": dict.fromkeys(KEYS, 7)}, indent=1)
LINES = "".join(f"line {number}\n" for number in range(300))
TABLE = "id,name\r\n" + "".join(f"{number},name {number}\r\n" for number in range(300))
PROSE = "\n\n".join(f"# Part {number}\n\nText of part {number}." for number in range(150)) + "\n"

EDITS = {
    "/a.json": (
        TEXT,
        "UPDATE json_pointer SET value = ? WHERE path = '/meta/version'",
        [2, "two", "2", None, 2.5],
        lambda value: TEXT.replace('"version": 1', f'"version": {json.dumps(value)}'),
    ),
    "/a.txt": (
        LINES,
        "UPDATE text_line SET content = ?1 WHERE id = (SELECT id FROM text_line"
        " WHERE content = 'line 7' OR content LIKE '%new%')",
        ["new", "newer", "a\nnew one"],
        lambda value: LINES.replace("line 7\n", f"{value}\n"),
    ),
    "/a.csv": (
        TABLE,
        "UPDATE csv_row SET cells = json_object('id', '7', 'name', ?) WHERE id = 'id|7'",
        ["new", 'a "quoted" one', "two\nlines", ""],
        lambda value: TABLE.replace("\r\n7,name 7\r\n", f"\r\n7,{quoted(value)}\r\n"),
    ),
    "/a.md": (
        PROSE,
        "UPDATE markdown_block SET markdown = ?1 WHERE id = (SELECT id FROM markdown_block"
        " WHERE markdown = 'Text of part 7.' OR markdown LIKE '%new%')",
        ["new", "new *one*", "new\nlines"],
        lambda value: PROSE.replace("Text of part 7.\n", f"{value}\n"),
    ),
}


def quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if set('"\n') & set(value) else value


class Counting:
    """Stands in front of a plugin and counts how often it writes whole files."""

    def __init__(self, plugin: Any) -> None:
        self.plugin = plugin
        self.applied = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plugin, name)

    def apply_changes(self, file: File, changes: Sequence[EntityChange]) -> bytes:
        self.applied += 1
        return self.plugin.apply_changes(file, changes)


@pytest.fixture
def plugins() -> list[Counting]:
    return [Counting(plugin) for plugin in BUILTIN]


@pytest.fixture
def lix(plugins: list[Counting]) -> Iterator[lix_vtab.Lix]:
    with lix_vtab.open(plugins=plugins) as lix:
        yield lix
        assert lix.check() == []


def rendered(plugins: Sequence[Counting]) -> int:
    return sum(plugin.applied for plugin in plugins)


@pytest.mark.parametrize("path", EDITS)
def test_an_edit_is_put_into_the_bytes_as_they_were(
    lix: lix_vtab.Lix, plugins: list[Counting], path: str
) -> None:
    text, sql, values, expected = EDITS[path]
    lix.write_file(path, text)
    for value in values:
        lix.execute(sql, (value,))
        assert lix.read_file(path).decode() == expected(value), value
    assert rendered(plugins) == 0


@pytest.mark.parametrize("path", EDITS)
def test_a_child_edits_what_it_inherits(
    lix: lix_vtab.Lix, plugins: list[Counting], path: str
) -> None:
    text, sql, values, expected = EDITS[path]
    lix.write_file(path, text)
    child = lix.create_version("child", inherits_from=lix.active_version)
    heir = lix.create_version("heir", source="global", inherits_from=lix.active_version)
    for version in (child, heir):
        lix.switch_version(version)
        lix.execute(sql, (values[0],))
        assert lix.read_file(path).decode() == expected(values[0])
    lix.switch_version("main")
    assert lix.read_file(path).decode() == text
    assert rendered(plugins) == 0


def test_several_edits_of_one_transaction(lix: lix_vtab.Lix, plugins: list[Counting]) -> None:
    lix.write_file("/a.json", TEXT)
    wanted = json.loads(TEXT)
    with lix.transaction():
        lix.execute("UPDATE json_pointer SET value = 2 WHERE path = '/meta/version'")
        for key in KEYS[:5]:
            lix.execute(f"UPDATE json_pointer SET value = 8 WHERE path = '/values/{key}'")
            wanted["values"][key] = 8
        lix.execute("UPDATE json_pointer SET value = 3 WHERE path = '/meta/version'")
        wanted["meta"]["version"] = 3
    assert lix.read_file("/a.json").decode() == json.dumps(wanted, indent=1)
    assert rendered(plugins) == 0


def test_many_edits_write_the_file_anew(lix: lix_vtab.Lix, plugins: list[Counting]) -> None:
    lix.write_file("/a.json", TEXT)
    lix.execute("UPDATE json_pointer SET value = 8 WHERE value = 7")
    assert lix.read_file("/a.json").decode() == TEXT.replace(": 7", ": 8")
    assert rendered(plugins) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM json_pointer WHERE path = '/meta/version'",
        "INSERT INTO json_pointer (path, value, lixcol_file_id, lixcol_plugin_key)"
        " SELECT '/meta/new', 1, id, 'plugin_json' FROM lix_file",
    ],
)
def test_what_is_no_edit_writes_the_file_anew(
    lix: lix_vtab.Lix, plugins: list[Counting], sql: str
) -> None:
    lix.write_file("/a.json", TEXT)
    with lix.transaction():
        lix.execute("UPDATE json_pointer SET value = 8 WHERE path = '/values/k7'")
        lix.execute(sql)
    found = json.loads(lix.read_file("/a.json"))
    assert found["values"]["k7"] == 8
    assert found["meta"] == ({} if sql.startswith("DELETE") else {"version": 1, "new": 1})
    assert rendered(plugins) == 1


@pytest.mark.parametrize("way", ["transaction", "one by one", "bytes first", "edit first"])
def test_bytes_and_entities_by_turns(lix: lix_vtab.Lix, way: str) -> None:
    """The bytes an edit goes into are those of the commit before, not of the statement before."""
    lix.write_file("/a.json", '{"a": 1, "b":  1}')

    def write() -> None:
        lix.write_file("/a.json", '{ "a": 1, "b": 5, "c": 5 }')

    def edit() -> None:
        lix.execute("UPDATE json_pointer SET value = 9 WHERE path = '/b'")

    if way == "one by one":
        write()
        edit()
    else:
        with lix.transaction():
            if way != "bytes first":
                edit()
            if way != "edit first":
                write()
                edit()
    wanted = '{"a": 1, "b":  9}' if way == "edit first" else '{ "a": 1, "b": 9, "c": 5 }'
    assert lix.read_file("/a.json").decode() == wanted


def test_history_has_the_bytes_of_every_edit(lix: lix_vtab.Lix) -> None:
    lix.write_file("/a.txt", "a\nb\nc\n")
    lix.execute("UPDATE text_line SET content = 'B' WHERE content = 'b'")
    lix.execute("UPDATE text_line SET content = 'BB' WHERE content = 'B'")
    found = lix.execute("SELECT data FROM lix_file_history ORDER BY lixcol_depth")
    assert [bytes(data) for (data,) in found] == [b"a\nBB\nc\n", b"a\nB\nc\n", b"a\nb\nc\n"]


JSON_DOUBTS: list[tuple[str, str, Any, str]] = [
    # text, pointer, new value, text afterwards
    ('{"a":1,"a":1}', "/a", 2, '{"a":1,"a":2}'),
    ('{"a":2,"a":1}', "/a", 2, '{"a":2,"a":2}'),
    ('{"m":{"v":1},"m":{"v":1}}', "/m/v", 2, '{"m":{"v":1},"m":{"v":2}}'),
    ('{"a":{"b":1},"b":1}', "/b", 2, '{"a":{"b":1},"b":2}'),
    ('{"x\\u0041":1,"xB":1}', "/xA", 2, '{"x\\u0041":2,"xB":1}'),
    ('{"a~b":{"c/d":1}}', "/a~0b/c~1d", 2, '{"a~b":{"c/d":2}}'),
    ("[1,2,1]", "/1", 3, "[1,3,1]"),
    ("[1,2,1]", "/2", 3, "[1,2,3]"),
    ("[[1],[1]]", "/1/0", 3, "[[1],[3]]"),
    ('[{"id":1,"v":0},{"id":2,"v":0}]', "/id=2/v", 5, '[{"id":1,"v":0},{"id":2,"v":5}]'),
    ('[{"id":1,"v":0},{"id":2,"v":0}]', "/id=2/id", 3, '[{"id":1,"v":0},{"id":3,"v":0}]'),
    ('[{"id":"1","v":0},{"id":1,"v":0}]', "/1/v", 5, '[{"id":"1","v":0},{"id":1,"v":5}]'),
    ("[1.0,1]", "/1", 3, "[1.0,3]"),
    ("[true,1]", "/1", 3, "[true,3]"),
    ('{"a":1e2}', "/a", 100, '{"a":100}'),
    ('{"a":100000000000000000001}', "/a", 1, '{"a":1}'),
    ('{"a":1}', "/a", 100000000000000000001, '{"a":100000000000000000001}'),
    ("7", "", 8, "8"),
    ("\ufeff7\n", "", 8, "\ufeff8\n"),
    ('{"a":"x\\/y"}', "/a", "z", '{"a":"z"}'),
    ('{"a":{"b":[{}, {"c": [ "d" ] }]}}', "/a/b/1/c/0", "e", '{"a":{"b":[{}, {"c": [ "e" ] }]}}'),
]


@pytest.mark.parametrize(("text", "pointer", "value", "wanted"), JSON_DOUBTS)
def test_json_edits_that_are_easily_misplaced(
    lix: lix_vtab.Lix, text: str, pointer: str, value: Any, wanted: str
) -> None:
    id = lix.write_file("/a.json", text)
    ((snapshot,),) = lix.execute(
        "SELECT snapshot_content FROM lix_state WHERE file_id = ? AND entity_id = ?", (id, pointer)
    )
    edited = {**json.loads(snapshot), "value": value}
    lix.execute(
        "UPDATE lix_state SET snapshot_content = ? WHERE file_id = ? AND entity_id = ?",
        (json.dumps(edited), id, pointer),
    )
    assert lix.read_file("/a.json").decode() == wanted


class Wrong(JsonPlugin):
    """Answers what it should not, or not at all."""

    answer: Callable[[], Any]

    def replace_entities(self, *arguments: object) -> Any:
        return self.answer()


def boom() -> bytes:
    raise KeyError("boom")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda: "text", "replace_entities returned str, not bytes"),
        (lambda: 5, "replace_entities returned int, not bytes"),
        (boom, "KeyError"),
    ],
)
def test_a_wrong_answer_fails_the_statement(answer: Callable[[], Any], message: str) -> None:
    plugin = Wrong()
    plugin.answer = answer
    with lix_vtab.open(plugins=[plugin]) as lix:
        lix.write_file("/a.json", '{"a":1}')
        commits = lix.execute("SELECT count(*) FROM lix_commit").rows
        with pytest.raises(lix_vtab.LixError, match=message):
            lix.execute("UPDATE json_pointer SET value = 2 WHERE path = '/a'")
        assert lix.read_file("/a.json") == b'{"a":1}'
        assert lix.execute("SELECT value FROM json_pointer WHERE path = '/a'").rows == [(1,)]
        assert lix.execute("SELECT count(*) FROM lix_commit").rows == commits
        plugin.answer = lambda: None
        lix.execute("UPDATE json_pointer SET value = 2 WHERE path = '/a'")
        assert lix.read_file("/a.json") == b'{"a":2}'
