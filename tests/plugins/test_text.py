"""plugin_text: lines with lasting ids."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lix_vtab.model.json import canonical_json
from lix_vtab.plugins import (
    ActiveStateRow,
    EntityChange,
    File,
    PluginInvalidInput,
    StateContext,
    plugin_text,
)
from lix_vtab.plugins.entities import current_entities
from lix_vtab.plugins.textfile.lines import split
from lix_vtab.plugins.textfile.plugin import _edit, _update
from tests.plugins.world import World, ids_of

LINE, DOCUMENT, ROOT = "text_line", "text_document", "__document__"


def world(data: bytes = b"") -> World:
    return World(plugin_text, "/a.txt", data)


def line_ids(made: World) -> list[str]:
    """Return the ids of the lines in file order."""
    return sorted(made.ids(LINE), key=lambda id: (made.snapshot(LINE, id)["order"], id))


PIECES = st.lists(
    st.sampled_from([b"a", b"b", b"\n", b"\n", b"\r\n", b"\r", b"\xff", b"\0", b"}", "é".encode()]),
    max_size=20,
).map(b"".join)


@given(st.lists(PIECES, min_size=1, max_size=6))
def test_any_bytes_and_any_sequence_of_edits(steps: list[bytes]) -> None:
    made = world(steps[0])
    for data in steps[1:]:
        made.write(data)
        assert made.detect(data) == []


@given(st.lists(st.sampled_from("abc}"), min_size=1, max_size=20), st.data())
def test_an_edit_touches_its_lines_alone(lines: list[str], data: st.DataObject) -> None:
    made = world("".join(f"{line}\n" for line in lines).encode())
    for _ in range(5):
        at = data.draw(st.integers(0, len(lines)))
        if data.draw(st.booleans()) or not lines:
            lines.insert(at, data.draw(st.sampled_from("xyab")))
        else:
            at = min(at, len(lines) - 1)
            if data.draw(st.booleans()):
                del lines[at]
            else:
                lines[at] = data.draw(st.sampled_from("xyab"))
        assert len(made.write("".join(f"{line}\n" for line in lines).encode())) <= 1


def test_a_new_file() -> None:
    made = world()
    assert made.entities == {(DOCUMENT, ROOT): '{"id":"__document__","newline":"\\n"}'}
    changes = world().write(b"a\nb\n")
    assert [schema for schema, _, _ in changes] == [LINE, LINE]
    made = world(b"a\nb\n")
    assert [made.snapshot(LINE, id)["content"] for id in line_ids(made)] == ["a", "b"]


def test_inserting_deleting_changing_swapping() -> None:
    made = world(b"a\nb\n")
    first, second = line_ids(made)
    (new,) = ids_of(made.write(b"a\nx\nb\n"))
    assert line_ids(made) == [first, new, second]
    assert ids_of(made.write(b"a\nx\n")) == [f"-{second}"]
    assert ids_of(made.write(b"a\nchanged\n")) == [new]
    moved = ids_of(made.write(b"changed\na\n"))
    assert moved in ([first], [new])
    assert line_ids(made) == [new, first]


def test_equal_lines_keep_apart() -> None:
    made = world(b"\n\n}\n\n}\n")
    ids = line_ids(made)
    assert len(set(ids)) == 5
    made.write(b"\n\n\n}\n\n}\n")
    made.write(b"}\n\n\n\n}\n\n}\n")
    made.write(b"}\n\nx\n\n\n}\n\n}\n")
    assert set(ids) <= set(made.ids(LINE))
    made.write(b"x\n}\n\n\n")


def test_reordering_and_then_appending() -> None:
    made = world(b"one\ntwo\nthree\n")
    made.write(b"three\none\ntwo\n")
    assert len(made.write(b"three\none\ntwo\nfour\n")) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"line 1\nline 2\r\nline 3",
        b"\xff\n\x00\r\n\x7f",
        b"\r",
        b"\n",
        b"\r\n",
        b"a\rb",
        b"\xef\xbb\xbfa\n",
    ],
)
def test_bytes_come_back(data: bytes) -> None:
    assert world(data).data == data


def test_line_endings_live_in_the_document() -> None:
    made = world(b"a\nb\nc")
    assert ids_of(made.write(b"a\r\nb\r\nc")) == [ROOT]
    assert ids_of(made.write(b"a\r\nb\r\nc\r\n")) == [ROOT]
    made.write(b"a\r\nb\nc\r\n")
    (_, middle, _) = line_ids(made)
    assert made.snapshot(LINE, middle)["ending"] == "\n"
    assert ids_of(made.write(b"a\r\nb\nc")) == [ROOT]
    assert ids_of(made.write(b"a\r\nb\nc\r\nd")) == [line_ids(made)[-1]]


def test_edits_by_hand() -> None:
    made = world(b"a\nb\nc\n")
    first, second, third = line_ids(made)
    assert made.edit(LINE, second, {**made.snapshot(LINE, second), "content": "B"}) == b"a\nB\nc\n"
    assert made.edit(LINE, first, None) == b"B\nc\n"
    order = made.snapshot(LINE, third)["order"]
    assert made.edit(LINE, "mine", {"id": "mine", "order": order + "V", "content": "d"}) == (
        b"B\nc\nd\n"
    )
    assert made.edit(LINE, "last", {"id": "last", "content": "no order"}) == b"B\nc\nd\nno order\n"
    made.edit(LINE, second, {**made.snapshot(LINE, second), "content": "two\nin one"})
    made.write(b"two\nin one\nc\nd\nno order\nmore\n")
    assert len(made.write(b"two\nin one\nc\nd\nno order\nmore\nand more\n")) == 1


def rows(*pairs: tuple[str, str, Any]) -> list[EntityChange]:
    return [EntityChange(id, schema, content) for schema, id, content in pairs]


A = (LINE, "a", {"id": "a", "order": "a0", "content": "a"})
B = (LINE, "b", {"id": "b", "order": "a1", "content": "b"})
DOC = (DOCUMENT, ROOT, {"id": ROOT})
FILE = File("f", "/a.txt", b"base")


def test_order_is_in_the_keys() -> None:
    changes = rows(DOC, B, A)
    random.Random(0).shuffle(changes)
    assert plugin_text.apply_changes(FILE, changes) == b"a\nb\n"
    swapped = (LINE, "a", {**A[2], "order": "a2"})
    assert plugin_text.apply_changes(FILE, rows(DOC, B, swapped)) == b"b\na\n"
    tied = (LINE, "a", {**A[2], "order": "a1"})
    assert plugin_text.apply_changes(FILE, rows(DOC, B, tied)) == b"a\nb\n"
    assert plugin_text.apply_changes(FILE, rows(DOC, (LINE, "x", None))) == b""
    assert plugin_text.apply_changes(FILE, rows((DOCUMENT, ROOT, None))) == b""
    assert plugin_text.apply_changes(FILE, []) == b""


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (rows(A), "missing text_document snapshot"),
        (rows(A, A, DOC), "duplicate entity_id 'a'"),
        (rows(DOC, (DOCUMENT, "other", {"id": "other"}), A), "must be '__document__'"),
        ([EntityChange("a", LINE, A[2], "2"), *rows(DOC)], "unsupported schema_version '2'"),
        (rows(DOC, (LINE, "a", "text")), "must be an object"),
        (rows((DOCUMENT, ROOT, 1), A), "must be an object"),
        (rows(DOC, (LINE, "a", {**A[2], "content": 1})), "'content' must be a string"),
        (rows(DOC, (LINE, "a", {**A[2], "order": 1})), "'order' must be a string"),
        (rows(DOC, (LINE, "a", {**A[2], "content": "\ud800"})), "written as UTF-8"),
        (rows(DOC, (LINE, "a", {"id": "a", "content_base64": "?"})), "is not base64"),
        (rows(DOC, (LINE, "a", {**A[2], "ending": "\r"})), "a line ending must be"),
        (rows((DOCUMENT, ROOT, {"id": ROOT, "newline": "x"}), A), "a line ending must be"),
    ],
)
def test_sets_that_are_no_text(changes: list[EntityChange], text: str) -> None:
    with pytest.raises(PluginInvalidInput, match=text):
        plugin_text.apply_changes(FILE, changes)


def test_a_document_that_was_deleted_by_hand_comes_back() -> None:
    made = world(b"")
    assert made.edit(DOCUMENT, ROOT, None) == b""
    made.write(b"new\n")
    assert len(made.entities) == 2


def test_without_context_the_old_bytes_tell_the_ids() -> None:
    made = world(b"a\nb\n")
    changes = list(plugin_text.detect_changes(made.file(b"a\nb\n"), made.file(b"a\nx\nb\n"), None))
    (change,) = changes
    made.entities[LINE, change.entity_id] = canonical_json(change.snapshot_content)
    assert made.render() == b"a\nx\nb\n"


def test_two_versions_insert_at_one_place() -> None:
    left, right = world(b"a\nb\n"), world(b"a\nb\n")
    left.write(b"a\nleft\nb\n")
    right.write(b"a\nright\nb\n")
    left.entities = {**left.entities, **right.entities}
    left.data = left.render()
    assert sorted(left.data.split()) == [b"a", b"b", b"left", b"right"]
    head, *_, last = left.data.split()
    assert (head, last) == (b"a", b"b")
    assert left.detect(left.data) == []
    assert len(left.write(left.data + b"more\n")) == 1
    lines = left.data.split(b"\n")
    left.write(b"\n".join([*lines[:2], b"between", *lines[2:]]))


def _block(number: int, kind: str = "pkg") -> str:
    return (
        f'"{kind}-{number}@^1.0.0":\n  version "{number % 9 + 1}.{7 * number % 40}"\n'
        f"  resolved https://example.org/{kind}-{number}.tgz\n  integrity {31 * number + 17:x}\n\n"
    )


def test_a_lock_file() -> None:
    blocks = [_block(n) for n in range(300)]
    made = world("".join(blocks).encode())
    blocks[150] = _block(150, "patched")
    blocks[100:100] = [_block(n, "new") for n in range(5)]
    changes = made.write("".join(blocks).encode())
    assert len(changes) <= 5 * 5 + 5
    assert not [id for id in ids_of(changes) if id.startswith("-")]
    moved = blocks[:20]
    changes = made.write("".join(blocks[20:60] + moved + blocks[60:]).encode())
    assert len(changes) <= 20 * 5 + 5
    assert not [id for id in ids_of(changes) if id.startswith("-")]


def test_the_schemas() -> None:
    keys = [(schema["x-lix-key"], schema["x-lix-version"]) for schema in plugin_text.schemas]
    assert keys == [(LINE, "1"), (DOCUMENT, "1")]
    assert plugin_text.manifest["key"] == "plugin_text"
    assert plugin_text.manifest["runtime"] == "python"


LINES = st.lists(st.sampled_from(["a", "b", "ab", "", "}", "a\r"]), max_size=12)


@given(st.lists(LINES, min_size=2, max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_the_quick_way_says_what_the_long_way_says(steps: list[list[str]], newline: str) -> None:
    texts = ["".join(line + newline for line in lines).encode() for lines in steps]
    made = world(texts[0])
    for data in texts[1:]:
        context = made.context()
        quick = _edit(made.data or b"", data, context)
        if quick is not None and data != made.data:
            sets = current_entities(context, (LINE, DOCUMENT))
            assert quick == list(_update(sets[LINE], sets[DOCUMENT][ROOT], split(data)))
        made.write(data)


def test_an_edit_of_a_long_text_looks_up_its_neighbourhood_alone() -> None:
    lines = [b"line %d\n" % n for n in range(20_000)]
    created = {
        (change.schema_key, change.entity_id): ActiveStateRow(
            change.entity_id, change.schema_key, "1", canonical_json(change.snapshot_content)
        )
        for change in plugin_text.detect_changes(None, File("f", "/a.txt", b"".join(lines)), None)
    }
    looked_up: list[str] = []

    def find(schema_key: str, entity_id: str) -> ActiveStateRow | None:
        looked_up.append(entity_id)
        return created.get((schema_key, entity_id))

    def rows() -> list[ActiveStateRow]:
        raise AssertionError("all lines were fetched")

    inserted, removed = lines[:], lines[:]
    inserted.insert(9_000, b"new\n")
    del removed[9_000]
    for new in (inserted, removed, [*lines[:9_000], b"other\n", *lines[9_001:]]):
        looked_up.clear()
        found = plugin_text.detect_changes(
            File("f", "/a.txt", b"".join(lines)),
            File("f", "/a.txt", b"".join(new)),
            StateContext(rows, find=find),
        )
        assert len(list(found)) == 1
        assert len(looked_up) < 8
