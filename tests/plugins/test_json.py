"""plugin_json: which values an edit touches, how a file is written, what is refused."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from lix_vtab.plugins import EntityChange, File, PluginInvalidInput, plugin_json
from tests.plugins.world import World, ids_of

KEY = "json_pointer"


def world(text: str | bytes) -> World:
    return World(plugin_json, "/x.json", text if isinstance(text, bytes) else text.encode())


def text_of(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def edited(before: Any, after: Any) -> list[str]:
    """Name what changes between two values in compact texts; `=value` shows new scalars."""
    made = world(text_of(before))
    found = []
    for _, id, text in made.write(text_of(after)):
        snapshot = None if text is None else json.loads(text)
        found.append(f"-{id}" if snapshot is None else f"{id}={json.dumps(snapshot['value'])}")
    return found


def rows(*pairs: tuple[str, Any]) -> list[EntityChange]:
    return [EntityChange(id, KEY, value) for id, value in pairs]


def node(id: str, value: Any, **more: Any) -> tuple[str, Any]:
    return id, {"path": id, "value": value, **more}


def applied(*pairs: tuple[str, Any], root: Any = None) -> bytes:
    given = [pair for pair in pairs if pair[0] == ""]
    start = [] if given or root is False else [node("", {} if root is None else root)]
    return plugin_json.apply_changes(
        File("f1", "/x.json", b'{"stale":"cache"}'), rows(*start, *pairs)
    )


GOLDEN = '{"b":1,"a":{"z":[1,{"k":null}],"y":{}},"c":[]}'


def test_the_values_of_a_new_file() -> None:
    changes = world("").write(GOLDEN.encode())
    assert ids_of(changes) == ["", "/a", "/a/y", "/a/z", "/a/z/0", "/a/z/1", "/a/z/1/k", "/b", "/c"]
    made = world(GOLDEN)
    values = {id: made.snapshot(KEY, id)["value"] for id in made.ids(KEY)}
    assert values[""] == values["/a"] == values["/a/y"] == values["/a/z/1"] == {}
    assert values["/a/z"] == values["/c"] == []
    assert (values["/b"], values["/a/z/0"], values["/a/z/1/k"]) == (1, 1, None)
    assert all(made.snapshot(KEY, id)["path"] == id for id in made.ids(KEY))


def test_a_plain_file_needs_no_layout() -> None:
    made = world('{"a":1,"b":{"c":"x"},"d":[]}')
    assert all("layout" not in text for text in made.entities.values())


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({"Name": "Anna", "Age": 20}, {"Name": "Anna", "Age": 20}, []),
        ({"Name": "Anna"}, {"Name": "Anna", "City": "New York"}, ['/City="New York"']),
        ({"list": ["a", "b", "c"]}, {"list": ["a", "x"]}, ['/list/1="x"', "-/list/2"]),
        ({"a": {"x": 1}}, {"a": 2}, ["-/a/x", "/a=2"]),
        (["a", "b", "c", "d"], ["a"], ["-/3", "-/2", "-/1"]),
        ({"a": {"b": 1}}, {}, ["-/a", "-/a/b"]),
        ({"a": {"b": 1}}, 2, ["-/a", "-/a/b", "=2"]),
        ({}, [], ["=[]"]),
        ({"numbers": [1, 2, 3]}, {"numbers": [1, 4, 3, 5]}, ["/numbers/1=4", "/numbers/3=5"]),
        (
            {"node": {"child": {"leaf": 1}}},
            {"node": "s"},
            ["-/node/child", "-/node/child/leaf", '/node="s"'],
        ),
        (
            {"x": 1, "m": {"b": 1, "a": 2}},
            {"c": 0, "m": {"a": 3, "z": 1}, "a": 9},
            ["/m/a=3", "-/m/b", "/m/z=1", "-/x", "/a=9", "/c=0"],
        ),
        (
            {"obj": {"k": 1, "nested": {"z": 1}}, "x": 1},
            {"x": 1},
            ["-/obj", "-/obj/k", "-/obj/nested", "-/obj/nested/z"],
        ),
        ({"a": {"b": {"c": 1, "d": 2}, "e": 3}}, {"a": {"e": 3}}, ["-/a/b", "-/a/b/c", "-/a/b/d"]),
        ({"x": 1}, {"x": 1.0}, ["/x=1.0"]),
        ({"x": 1}, {"x": True}, ["/x=true"]),
        ({"x": 0}, {"x": None}, ["/x=null"]),
        ({"a.b": {"c/d": {"t~": 0}}}, {"a.b": {"c/d": {"t~": 1}}}, ["/a.b/c~1d/t~0=1"]),
        ({"😀": {" s ": 0}}, {"😀": {" s ": 1}}, ["/😀/ s =1"]),
    ],
)
def test_what_an_edit_touches(before: Any, after: Any, changes: list[str]) -> None:
    assert edited(before, after) == changes


def test_the_deletion_of_an_array_names_all_of_it() -> None:
    gone = edited({"arr": [{"x": 1}, 2, 3], "k": 1}, {"k": 1})
    assert set(gone) == {"-/arr", "-/arr/0", "-/arr/0/x", "-/arr/1", "-/arr/2"}


def test_an_id_used_by_both_kinds_of_container_appears_once() -> None:
    assert edited([1], {"0": 1}) == ["={}"]
    assert edited([1], {"0": 2}) == ["={}", "/0=2"]
    assert edited([1, 2], {"0": True}) == ["-/1", "={}", "/0=true"]


def test_an_insertion_in_front_touches_the_inserted_element_alone() -> None:
    made = world(text_of({"list": ["a", "b", "c"]}))
    (change,) = made.write(text_of({"list": ["x", "a", "b", "c"]}))
    assert change[1].startswith("/list/+")
    (change,) = made.write(text_of({"list": ["x", "a", "new", "b", "c"]}))
    assert len(made.write(text_of({"list": ["x", "a", "new", "c"]}))) == 1
    assert ids_of(made.write(text_of({"list": ["x", "a", "new", "c", "end"]}))) == ["/list/3"]
    assert ids_of(made.write(text_of({"list": ["x", "a", "new", "C", "end"]}))) == ["/list/2"]


def test_elements_with_an_id_are_known_by_it() -> None:
    items = [{"id": n, "v": f"v{n}"} for n in range(50)]
    made = world(text_of(items))
    assert {"/id=7", "/id=7/id", "/id=7/v"} <= set(made.ids(KEY))
    items[7]["v"] = "other"
    assert ids_of(made.write(text_of(items))) == ["/id=7/v"]
    items.insert(0, {"id": 99, "v": "new"})
    assert ids_of(made.write(text_of(items))) == ["/id=99", "/id=99/id", "/id=99/v"]
    items.append(items.pop(3))
    assert ids_of(made.write(text_of(items))) == ["/id=2"]
    items[10]["v"] = "moved about"
    assert ids_of(made.write(text_of(items))) == [f"/id={items[10]['id']}/v"]
    gone = items.pop(20)["id"]
    assert ids_of(made.write(text_of(items))) == [
        f"-/id={gone}",
        f"-/id={gone}/id",
        f"-/id={gone}/v",
    ]
    items[0], items[5] = items[5], items[0]
    assert len(made.write(text_of(items))) == 2


def test_ids_may_be_texts_or_called_key_or_repeat() -> None:
    made = world(text_of([{"key": "b/c"}, {"key": "a"}]))
    assert made.ids(KEY) == ["", "/key=a", "/key=a/key", "/key=b~1c", "/key=b~1c/key"]
    assert world(text_of([{"id": 1}, {"id": "1"}])).ids(KEY) == ["", "/0", "/0/id", "/1", "/1/id"]
    assert world(text_of([{"id": True}, {"id": None}])).ids(KEY)[1] == "/0"
    made = world(text_of([{"id": 1, "v": 1}, {"id": 2, "v": 2}]))
    made.write(text_of([{"id": 1, "v": 1}, {"id": 1, "v": 5}, {"id": 2, "v": 2}]))
    made.write(text_of([{"v": 5}, {"id": 2, "v": 2}, {"id": 1, "v": 1}]))


def test_a_new_element_with_a_taken_token_gets_another() -> None:
    made = world(text_of([{"id": 1}, {"id": 2}]))
    made.edit(KEY, "/id=1/id", {"path": "/id=1/id", "value": 3})
    changes = made.write(text_of([{"id": 3}, {"id": 2}, {"id": 1}]))
    assert len(changes) == 2
    assert changes[0][1].startswith("/+")


@pytest.mark.parametrize("size", [3, 40])
def test_moving_keys_touches_the_moved_ones(size: int) -> None:
    value = {f"k{n}": n for n in range(size)}
    made = world(text_of(value))
    first = value.pop("k0")
    assert ids_of(made.write(text_of({**value, "k0": first}))) == ["/k0"]
    assert ids_of(made.write(text_of({"k0": first, **value}))) == ["/k0"]
    assert made.write(text_of({"k0": first, **value})) == []


PRETTY = """{
  "name": "thing",
  "version": "1.0.0",
  "list": [1, 2, 3],
  "deep": {
    "empty": {},
    "none": [],
    "price": 1.50
  }
}
"""


def test_a_pretty_file_keeps_its_style_in_the_root() -> None:
    made = world(PRETTY)
    laid_out = {id for id in made.ids(KEY) if "layout" in made.snapshot(KEY, id)}
    assert laid_out == {"", "/list", "/deep/price"}


def test_indenting_differently_touches_the_root_alone() -> None:
    made = world(PRETTY)
    for indent in ("    ", "\t", " "):
        text = "\n".join(
            line.replace("  ", indent, (len(line) - len(line.lstrip())) // 2)
            for line in PRETTY.split("\n")
        )
        assert ids_of(made.write(text.encode())) == [""]
    assert ids_of(made.write(PRETTY.encode())) == [""]
    assert ids_of(made.write(PRETTY.replace("\n", "\r\n").encode())) == [""]
    assert ids_of(made.write(b"\xef\xbb\xbf" + PRETTY.replace("\n", "\r\n").encode())) == [""]


def test_small_changes_of_layout_touch_what_they_are_at() -> None:
    made = world(PRETTY)
    for old, new, id in (
        ('"version": ', '"version" :  ', "/version"),
        ("1.50", "15e-1", "/deep/price"),
        ('"thing"', '"th\\u0069ng"', "/name"),
        ('"none": []', '"none": [ ]', "/deep/none"),
        ("[1, 2, 3]", "[1, 2,   3]", "/list/2"),
        ("[1, 2,   3]", "[ 1,2,   3 ]", "/list"),
        ('  "deep": {', '\n  "deep": {', "/deep"),
    ):
        assert made.data is not None
        text = made.data.decode()
        assert old in text
        assert ids_of(made.write(text.replace(old, new).encode())) == [id], (old, new)


def test_an_edit_by_hand_writes_its_own_spot_alone() -> None:
    made = world(PRETTY)
    before = PRETTY
    for id, value, old, new in (
        ("/name", "other", '"thing"', '"other"'),
        ("/list/1", "two", "2,", '"two",'),
        ("/deep/price", 2, "1.50", "2"),
        ("/deep/none", {}, "[]", "{}"),
    ):
        snapshot = made.snapshot(KEY, id)
        after = made.edit(KEY, id, {**snapshot, "value": value}).decode()
        assert after == before.replace(old, new, 1)
        before = after


def test_entities_added_and_deleted_by_hand_take_on_the_style() -> None:
    made = world(PRETTY)
    made.edit(KEY, "/deep/extra", {"path": "/deep/extra", "value": [1]})
    assert b'    "extra": [\n      1\n    ],\n    "none": []' in (made.data or b"")
    made.edit(KEY, "/list/3", {"path": "/list/3", "value": 4})
    assert b"[1, 2, 3, 4]" in (made.data or b"")
    made.edit(KEY, "/list/1", None)
    assert b"[1, 3, 4]" in (made.data or b"")
    made.edit(KEY, "/name", None)
    assert (made.data or b"").startswith(b'{\n  "version"')
    made.write((made.data or b"").replace(b"[1, 3, 4]", b"[1, 3, 4, 5]"))


def test_a_container_written_into_one_row_is_understood() -> None:
    made = world(PRETTY)
    made.edit(KEY, "/more", {"path": "/more", "value": {"a": [1, {"b": 2}], "c": None}})
    assert made.data is not None
    assert json.loads(made.data)["more"] == {"a": [1, {"b": 2}], "c": None}
    made.edit(KEY, "/more/c", {"path": "/more/c", "value": 7})
    assert json.loads(made.data)["more"]["c"] == 7
    assert ids_of(made.write(made.data.replace(b"thing", b"other"))) == ["/name"]
    changed = ids_of(made.write(made.data.replace(b'"b": 2', b'"b": 3')))
    assert changed == ["/more", "/more/a", "/more/a/0", "/more/a/1", "/more/a/1/b"]


def test_repeated_keys_are_kept_and_the_last_one_counts() -> None:
    made = world('{"a": 1, "b": 2, "a": 3}')
    assert made.snapshot(KEY, "/a")["value"] == 3
    made.edit(KEY, "/a", {**made.snapshot(KEY, "/a"), "value": 4})
    assert made.data == b'{"a": 1, "b": 2, "a": 4}'
    made.edit(KEY, "/a", None)
    assert made.data == b'{ "b": 2}'
    made = world('{"a": 1, "a": 3, "b": [{"x":1,"x":{"y":2}}]}')
    assert ids_of(made.write(b'{"a": 1, "a": 5, "b": [{"x":1,"x":{"y":3}}]}')) == ["/a", "/b/0/x/y"]
    made.write(b'{"a": 5, "b": [{"x":{"y":3}}]}')


def test_a_shadow_that_is_no_member_is_not_written() -> None:
    made = world('{"a":1,"b":2,"a":3}')
    for text in ('"a":1', "nonsense,", '"b":1,', '"a":1},{', '"a":1,"c":2,'):
        snapshot = made.snapshot(KEY, "/b")
        made.edit(KEY, "/b", {**snapshot, "layout": {"shadows": [["a", text]]}})
        assert made.data == b'{"b":2,"a":3}'


def test_stale_spellings_give_way() -> None:
    made = world('{"n": 1.50, "s": "\\u0041", "\\u006b": 1}')
    for id, value, text in (("/n", 3, b'"n": 3,'), ("/s", "A", b'"\\u0041"'), ("/s", "B", b'"B"')):
        made.edit(KEY, id, {**made.snapshot(KEY, id), "value": value})
        assert text in (made.data or b"")
    assert made.data == b'{"n": 3, "s": "B", "\\u006b": 1}'
    made.edit(KEY, "/k", {"path": "/k", "value": 1, "layout": {"key": '"other"', "raw": "2"}})
    assert made.data == b'{"n": 3, "s": "B", "k": 1}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        " 1 ",
        '"x"',
        "[]",
        "{}",
        "\ufeff{}\n",
        "[ ]",
        "{\n}",
        "-0",
        "1e2",
        "1E+2",
        "0.10",
        "18446744073709551616",
        "-9223372036854775809",
        "1" * 400,
        '"\\ud83d\\ude00"',
        '"\u2028/\\/"',
        '{"":{"":1}}',
        '{"a":[\n]}',
        "[[[]]]",
        '{"__proto__":{"constructor":1}}',
        "[1 , 2 ]",
        '{"a" : 1 ,"b":2 }',
        '[{"id":1},\n {"id":2}]',
        '{"big":12345678901234567890.5}',
    ],
)
def test_odd_files_come_back_as_they_were(text: str) -> None:
    assert world(text).data == text.encode()


def test_wide_numbers_are_exact() -> None:
    made = world('{"a":123456789012345678901234567890,"b":1}')
    assert made.snapshot(KEY, "/a")["value"] == 123456789012345678901234567890
    assert ids_of(made.write(b'{"a":123456789012345678901234567891,"b":1}')) == ["/a"]
    assert ids_of(made.write(b'{"a":123456789012345678901234567891,"b":2}')) == ["/b"]


def test_deep_nesting_comes_back() -> None:
    deep, other = ('{"a":' * 64 + f'"{leaf}"' + "}" * 64 for leaf in ("x", "y"))
    made = world(deep)
    assert ids_of(made.write(other.encode())) == ["/a" * 64]


def test_nesting_is_limited() -> None:
    assert world("[" * 127 + "]" * 127).data is not None
    with pytest.raises(PluginInvalidInput, match="nest deeper than 127"):
        list(plugin_json.detect_changes(None, File("f", "/x", b"[" * 128 + b"]" * 128), None))
    with pytest.raises(PluginInvalidInput, match="must be valid JSON"):
        list(plugin_json.detect_changes(None, File("f", "/x", b"[" * 100_000), None))


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"nope",
        b"[1,]",
        b'{"a":1,}',
        b"{'a':1}",
        b"[01]",
        b"[1.]",
        b"[.5]",
        b"+1",
        b"NaN",
        b"[Infinity]",
        b"\xff",
        b'"\\x"',
        b'"\\ud800"',
        b'{"\\udc00":1}',
        b'"\x01"',
        b"1 2",
        b"{}\0",
        b"1e400",
        b"-1e999",
        b" ",
        b"\n",
        b"// c\n{}",
        b"9" * 5000,
        b'"',
        b"[1 2]",
        b'{"a":1 "b":2}',
        b'{"a"}',
        b"tru",
    ],
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(PluginInvalidInput, match=r"file\.data must be valid JSON UTF-8 bytes"):
        list(plugin_json.detect_changes(None, File("f1", "/x.json", data), None))
    made = world("{}")
    with pytest.raises(PluginInvalidInput):
        list(plugin_json.detect_changes(made.file(b"{}"), made.file(data), made.context()))


def test_a_file_that_was_a_blob_starts_anew() -> None:
    changes = plugin_json.detect_changes(File("f", "/x", b"{"), File("f", "/x", b"[]"), None)
    assert [change.entity_id for change in changes] == [""]


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        (
            [node("/Name", "Samuel"), node("/Age", 20), ("/City", None)],
            {"Name": "Samuel", "Age": 20},
        ),
        (
            [node("/list", []), *(node(f"/list/{n}", v) for n, v in enumerate("axcd"))],
            {"list": ["a", "x", "c", "d"]},
        ),
        (
            [node("/team", []), node("/team/0", {}), node("/team/0/name", "Ada")],
            {"team": [{"name": "Ada"}]},
        ),
        ([("", None)], None),
        ([node("/__proto__", {}), node("/__proto__/x", 1)], {"__proto__": {"x": 1}}),
        ([node("/arr", []), node("/arr/0", "x")], {"arr": ["x"]}),
        ([node("/arr", []), ("/arr/00", None)], {"arr": []}),
        ([node("/arr", []), ("/arr/-", None)], {"arr": []}),
        ([node("/arr", []), node("/arr/0", None), ("/arr/foo", None)], {"arr": [None]}),
        ([node("/0", 1), node("/-", 2), node("/01", 3)], {"-": 2, "0": 1, "01": 3}),
        ([node("/o", {"in": 1, "out": 2}), node("/o/in", 5)], {"o": {"in": 5, "out": 2}}),
    ],
)
def test_sets_that_are_a_value(pairs: list[tuple[str, Any]], expected: Any) -> None:
    assert json.loads(applied(*pairs)) == expected
    shuffled = list(pairs)
    random.Random(1).shuffle(shuffled)
    assert applied(*shuffled) == applied(*pairs)


@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        ([("/foo", {"value": 1})], "must contain 'path'"),
        ([node("/foo", 1), node("/foo", 2)], "duplicate entity_id"),
        ([("/foo", {"path": "/bar", "value": 1})], "snapshot path '/bar' does not match"),
        ([node("/foo/~2bar", 1)], "invalid JSON pointer escape"),
        ([node("/foo~", 1)], "invalid JSON pointer escape"),
        ([node("foo", 1)], "must start with '/'"),
        ([node("foo/bar", 1)], "must start with '/'"),
        ([node("/list", []), node("/list/-", {}), node("/list/-/x", 1)], "non-canonical '-'"),
        ([("/a", None), node("/a/b", 1)], "conflicts with tombstoned ancestor"),
        ([("/a", None), node("/a/b/c", 1)], "conflicts with tombstoned ancestor '/a'"),
        ([("", None), node("/a", 1)], "root tombstone cannot coexist"),
        ([("/foo", {"path": 123, "value": 1})], "must be a string"),
        ([node("/foo", 1, extra=1)], "unsupported properties: extra"),
        ([("/foo", {"path": "/foo"})], "must contain 'value'"),
        ([("/foo", 5)], "must be an object"),
        ([node("/foo/0", 1)], "missing ancestor container row '/foo'"),
        ([node("/list", []), node("/list/100001", 1)], "exceeds max supported index"),
        ([node("/arr", []), node("/arr/01", 1)], "non-canonical array index"),
        ([node("/arr", []), node("/arr/x", 1)], "non-canonical array index"),
        ([node("/arr", []), node("/arr/٣", 1)], "non-canonical array index"),
        ([node("/arr", []), node("/arr/5", 1)], "sparse array projection"),
        ([node("/arr", []), node("/arr/1", 1), node("/arr/01", 1)], "non-canonical"),
        ([node("/arr", []), node("/arr/0", 1), ("/arr/01", None)], "non-canonical"),
        ([node("/arr", []), node("/arr/0", 1), ("/arr/-", None)], "non-canonical '-'"),
        (
            [node("/arr", []), node("/arr/0", None), node("/arr/1", 1), ("/arr/01", None)],
            "non-canon",
        ),
        ([node("", 7), node("/a", 1)], "is not a container"),
        ([node("/a", 1), node("/a/b", 2)], "is not a container"),
        ([node("/a", 1, layout=[])], "must be an object"),
        ([node("/a", 1, layout={"colour": 1})], "has no property 'colour'"),
        ([node("/a", 1, layout={"before": "x"})], "layout.before"),
        ([node("/a", 1, layout={"colon": "="})], "layout.colon"),
        ([node("/a", 1, layout={"before": " \n\x0b"})], "layout.before"),
        ([node("/a", 1, layout={"at": ["b", "nonsense!"]})], "layout.at"),
        ([node("/a", 1, layout={"order": "ab"})], "layout.order"),
        ([node("/a", 1, layout={"shadows": [["a"]]})], "layout.shadows"),
        ([node("/a", "\ud800")], "written as UTF-8"),
    ],
)
def test_sets_that_are_no_value(pairs: list[tuple[str, Any]], text: str) -> None:
    with pytest.raises(PluginInvalidInput, match=text):
        applied(*pairs)


def test_other_refusals_and_what_is_left_aside() -> None:
    with pytest.raises(PluginInvalidInput, match="require a root row"):
        applied(node("/0", 1), root=False)
    with pytest.raises(PluginInvalidInput, match="require a root row"):
        applied(("/0", None), root=False)
    file = File("f1", "/x.json", b"old")
    with pytest.raises(PluginInvalidInput, match="unsupported schema_version '999'"):
        plugin_json.apply_changes(file, [EntityChange("", KEY, node("", {})[1], "999")])
    foreign = EntityChange("/a", "other", {"x": 1}, "999")
    assert plugin_json.apply_changes(file, [foreign, *rows(node("", 1))]) == b"1"
    assert plugin_json.apply_changes(file, []) == b""


def test_a_set_spoiled_by_hand_is_replaced() -> None:
    made = world('{"a":{"b":1},"c":2}')
    del made.entities[KEY, "/a"]
    made.data = b"old"
    changes = made.write(b'{"c":2}')
    assert "-/a/b" in ids_of(changes)
    assert made.ids(KEY) == ["", "/c"]


ROUND_TRIPS: list[tuple[Any, Any]] = [
    (
        {"n": "A", "age": 1, "tags": ["x", "y"], "deep": {"k": [1, {"z": None}]}},
        {"n": "B", "tags": ["y"], "deep": {"k": [{"z": 1}], "new": {}}, "more": True},
    ),
    ({}, {"a": {"b": [{"c": 1}]}}),
    ({"1": "a", "2": {"3": "b"}}, {"2": {"3": "c", "0": 1}}),
    ([1, 2, 3, 4, 5], [5, 1]),
    ({"a/b": 1, "tilde~key": 2}, {"a/b": 2, "tilde~key": {"x/~": 3}}),
    ([{}, "x"], [1, "x"]),
    ([[], "x"], [{}, "x"]),
    ([{"a": 1}, {"b": 2}, 3], 7),
    ({"__proto__": 1, "prototype": {}, "constructor": []}, {"__proto__": {"constructor": 2}}),
    ({"-": 1}, {"-": {"-": []}}),
    ({"": 1, "/": 2, "~": 3, "~1": 4, "~0": 5}, {"": {"": 0}, "~1": [], "~0": {}}),
    ({"~1": "x"}, []),
    ({"x": {"~1": "v"}}, {"x": []}),
    ({"-": 0, "01": 1, "foo": 2}, []),
]


@pytest.mark.parametrize(("before", "after"), ROUND_TRIPS)
def test_round_trips_with_and_without_context(before: Any, after: Any) -> None:
    for start, end in ((before, after), (after, before)):
        world(text_of(start)).write(text_of(end))
        made = world(text_of(start))
        delta = plugin_json.detect_changes(made.file(text_of(start)), made.file(text_of(end)), None)
        merged = {row.entity_id: row for row in rows(*_creation(start))}
        merged |= {change.entity_id: change for change in delta}
        live = [row for row in merged.values() if row.snapshot_content is not None]
        for order in (live, live[::-1], sorted(live, key=lambda row: row.entity_id)):
            assert plugin_json.apply_changes(made.file(b'{"stale":1}'), order) == text_of(end)


def _creation(value: Any) -> list[tuple[str, Any]]:
    made = world(text_of(value))
    return [(id, made.snapshot(KEY, id)) for id in made.ids(KEY)]


def test_two_versions_may_insert_at_the_same_place_and_be_merged() -> None:
    start = text_of({"list": ["a", "b"], "n": 1})
    left, right = world(start), world(start)
    left.write(text_of({"list": ["a", "left", "b"], "n": 1, "l": 0}))
    right.write(text_of({"list": ["a", "right", "b"], "n": 2}))
    merged = {
        **left.entities,
        **{k: v for k, v in right.entities.items() if k not in left.entities},
    }
    merged[KEY, "/n"] = right.entities[KEY, "/n"]
    left.entities = merged
    left.data = left.render()
    value = json.loads(left.data)
    assert value["n"] == 2
    assert sorted(value["list"]) == ["a", "b", "left", "right"]
    assert (value["list"][0], value["list"][-1]) == ("a", "b")
    assert left.detect(left.data) == []
    value["list"].insert(2, "between")
    left.write(text_of(value))


def test_two_versions_may_shorten_and_lengthen_an_array() -> None:
    start = text_of(["a", "b", "c", "d"])
    left, right = world(start), world(start)
    left.write(text_of(["a", "b", "c"]))
    right.write(text_of(["a", "b", "c", "d", "e"]))
    merged = {**right.entities}
    del merged[KEY, "/3"]
    assert left.render(merged) == text_of(["a", "b", "c", "e"])
    left.entities, left.data = merged, text_of(["a", "b", "c", "e"])
    assert ids_of(left.write(text_of(["a", "b", "c", "E"]))) == ["/4"]


def test_an_array_that_was_empty_may_grow() -> None:
    made = world(text_of({"a": [], "b": []}))
    made.write(text_of({"a": [1, 2], "b": [{"id": "x"}, {"id": "c"}]}))
    assert ids_of(made.write(text_of({"a": [2], "b": [{"id": "c"}]}))) == [
        "-/a/0",
        "-/b/id=x",
        "-/b/id=x/id",
    ]


def test_the_schema() -> None:
    (schema,) = plugin_json.schemas
    assert (schema["x-lix-key"], schema["x-lix-version"]) == (KEY, "1")
    assert schema["x-lix-primary-key"] == ["/path"]
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"path", "value"}
