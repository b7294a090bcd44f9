"""The laws of plugin_json, held over random texts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lix_vtab.model.json import parse_json
from lix_vtab.plugins import EntityChange, plugin_json
from lix_vtab.plugins.align import common_prefix, common_suffix
from lix_vtab.plugins.entities import current_entities
from lix_vtab.plugins.jsonfile.members import edited_members
from lix_vtab.plugins.jsonfile.plugin import _update
from lix_vtab.plugins.jsonfile.quick import replaced_scalar
from tests.plugins.json_texts import SCALARS, VALUES, texts
from tests.plugins.world import World

KEY = "json_pointer"


@given(texts())
def test_bytes_come_back_as_they_were(data: bytes) -> None:
    world = World(plugin_json, "/a.json", data)
    assert world.detect(data) == []


@given(st.lists(texts(), min_size=2, max_size=5))
def test_any_sequence_of_edits_is_followed(steps: list[bytes]) -> None:
    world = World(plugin_json, "/a.json", steps[0])
    for data in steps[1:]:
        world.write(data)
        assert world.detect(data) == []
    world.write(b"")
    assert world.entities == {}


def _mutated(draw: st.DrawFn, value: Any) -> Any:
    """Change one spot of a value, deep inside if it has an inside."""
    if isinstance(value, list) and value and draw(st.booleans()):
        at = draw(st.integers(0, len(value) - 1))
        action = draw(st.sampled_from(["change", "insert", "delete", "move", "swap"]))
        rest = value[:at] + value[at + 1 :]
        if action == "insert":
            return [*value[:at], draw(VALUES), *value[at:]]
        if action == "delete":
            return rest
        if action == "move":
            return [value[at], *rest]
        if action == "swap":
            return [*rest, value[at]]
        return [*value[:at], _mutated(draw, value[at]), *value[at + 1 :]]
    if isinstance(value, dict) and value and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(value)))
        action = draw(st.sampled_from(["change", "insert", "delete", "move"]))
        rest = {name: member for name, member in value.items() if name != key}
        if action == "insert":
            return {"new": draw(VALUES), **value}
        if action == "delete":
            return rest
        if action == "move":
            return {**rest, key: value[key]}
        return {**value, key: _mutated(draw, value[key])}
    return draw(SCALARS)


@given(VALUES, st.sampled_from([None, 2]), st.data())
def test_small_edits_in_a_row(value: Any, indent: int | None, data: st.DataObject) -> None:
    world = World(plugin_json, "/a.json", json.dumps(value, indent=indent).encode())
    for _ in range(4):
        value = data.draw(st.composite(lambda draw, v: _mutated(draw, v))(value))
        world.write(json.dumps(value, indent=indent).encode())


@given(texts(), st.data())
def test_edits_by_hand_leave_the_rest_as_it_was(text: bytes, data: st.DataObject) -> None:
    world = World(plugin_json, "/a.json", text)
    ids = world.ids(KEY)
    id = data.draw(st.sampled_from(ids))
    snapshot = world.snapshot(KEY, id)
    if isinstance(snapshot["value"], dict | list):
        return
    new = data.draw(SCALARS)
    changed = world.edit(KEY, id, {**snapshot, "value": new})
    assert _kept(text, changed, len(json.dumps(new)) + len(json.dumps(snapshot["value"])))
    world.edit(KEY, id, snapshot)
    assert world.data == text
    world.write(text + b"\n")


def _kept(before: bytes, after: bytes, most: int) -> bool:
    """Tell whether two texts differ in one spot of at most the given size (spelling aside)."""
    head = common_prefix(before, after)
    tail = common_suffix(before, after, min(len(before), len(after)) - head)
    return len(before) - head - tail <= most * 6 and len(after) - head - tail <= most * 6


@given(texts(), texts())
def test_the_quick_way_says_what_the_long_way_says(before: bytes, after: bytes) -> None:
    _compare_ways(before, after)


@given(VALUES, st.sampled_from([None, 2]), st.data())
@example([{"id": 1, "v": True}, {"id": 2, "v": True}], None, None)
def test_the_quick_way_agrees_on_small_edits(value: Any, indent: Any, data: Any) -> None:
    if data is None:
        changed = [{"id": 1, "v": True}, {"id": 2, "v": False}]
    else:
        changed = data.draw(st.composite(lambda draw, v: _mutated(draw, v))(value))
    _compare_ways(json.dumps(value, indent=indent).encode(), json.dumps(changed).encode())
    _compare_ways(
        json.dumps(value, indent=indent).encode(), json.dumps(changed, indent=indent).encode()
    )


def _compare_ways(before: bytes, after: bytes) -> None:
    world = World(plugin_json, "/a.json", before)
    quick = replaced_scalar(before, after, world.context())
    if quick is None or before == after:
        return
    world.entities[KEY, quick.entity_id] = json.dumps(quick.snapshot_content)
    assert world.render() == after


@given(texts(), texts(), st.randoms())
def test_the_order_of_the_rows_does_not_matter(before: bytes, after: bytes, random: Any) -> None:
    world = World(plugin_json, "/a.json", before)
    world.write(after)
    rows = [EntityChange(id, KEY, parse_json(text)) for (_, id), text in world.entities.items()]
    random.shuffle(rows)
    assert plugin_json.apply_changes(world.file(b"{"), rows) == after


@pytest.mark.slow
@settings(max_examples=5000, deadline=None)
@given(st.lists(texts(), min_size=2, max_size=6))
def test_any_sequence_of_edits_is_followed_at_length(steps: list[bytes]) -> None:
    world = World(plugin_json, "/a.json", steps[0])
    for data in steps[1:]:
        world.write(data)
        assert world.detect(data) == []


def _edited(draw: st.DrawFn, value: Any) -> Any:
    """Insert, remove, replace, rename or move one member somewhere inside a value."""
    if isinstance(value, dict):
        pairs = list(value.items())
        names = st.sampled_from(["a", "n", "id", "zz"])
    elif isinstance(value, list):
        pairs = list(enumerate(value))
        names = st.just(0)
    else:
        return draw(SCALARS)
    at = draw(st.integers(0, len(pairs)))
    action = draw(st.sampled_from(["inside", "inside", "insert", "remove", "move", "rename"]))
    if action == "insert" or at == len(pairs):
        pairs.insert(at, (draw(names), draw(VALUES)))
    elif action == "inside":
        pairs[at] = (pairs[at][0], _edited(draw, pairs[at][1]))
    else:
        name, member = pairs.pop(at)
        if action == "move":
            pairs.insert(draw(st.integers(0, len(pairs))), (name, member))
        elif action == "rename":
            pairs.insert(at, (draw(names), member))
    return dict(pairs) if isinstance(value, dict) else [member for _, member in pairs]


ITEMS = st.lists(
    st.builds(lambda id, more: {"id": id, "v": more}, st.integers(0, 9), VALUES), max_size=6
)


@given(st.one_of(VALUES, ITEMS), st.sampled_from([None, 2]), st.data())
def test_the_short_way_says_what_the_long_way_says(
    value: Any, indent: int | None, data: st.DataObject
) -> None:
    made = World(plugin_json, "/a.json", json.dumps(value, indent=indent).encode())
    for _ in range(4):
        value = data.draw(st.composite(_edited)(value))
        text = json.dumps(value, indent=indent).encode()
        short = edited_members(made.data or b"", text, made.context())
        if short is not None:
            stored = current_entities(made.context(), (KEY,))[KEY]
            long = {change.entity_id: change for change in _update(stored, text)}
            assert {change.entity_id: change for change in short} == long
        made.write(text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # two members of one name, in front of the edit, within it, and behind it
        ('{"a":1,"a":2,"b":3,"c":4,"d":5}', '{"a":1,"a":2,"b":3,"n":0,"c":4,"d":5}'),
        ('{"a":1,"b":3,"c":4}', '{"a":1,"n":1,"n":2,"b":3,"c":4}'),
        ('{"a":1,"n":6,"c":3}', '{"n":5,"a":1,"n":6,"c":3}'),
        ('{"a":{"x":1},"a":{"x":1,"y":2}}', '{"a":{"x":1},"a":{"x":1,"y":2,"z":3}}'),
        # space that changes together with the members
        ('{"a": 1}', '{"a": 1, "b": 2 }'),
        ('{"a": 1, "c": 2}', '{ "a": 1, "b": 3, "c": 2}'),
        ('{"a": 1, "c": 2}', '{"a": 1, "b": 3, "c": 2} '),
        ('{"a": 1, "c": 2}', '{"b": 3, "a": 1, "c": 2}'),
        ('{"a": 1.0, "c": 2}', '{"a": 1, "b": 3, "c": 2}'),
        # elements whose ids are not theirs alone, or change
        ('[{"id":1,"v":[]},{"id":2}]', '[{"id":1,"v":[1]},{"id":1}]'),
        ('[{"id":1,"v":[]},{"id":2}]', '[{"v":[]},{"id":2}]'),
        ('[{"id":1},{"id":2}]', '[{"id":1},{"id":"1"},{"id":2}]'),
    ],
)
def test_edits_in_odd_places(before: str, after: str) -> None:
    made = World(plugin_json, "/a.json", before.encode())
    made.write(after.encode())
    made.write(before.encode())


def test_what_nests_too_deep_in_all_is_refused_although_each_part_does_not() -> None:
    made = World(plugin_json, "/a.json", b'{"a":' * 20 + b'{"v":1}' + b"}" * 20)
    deep = b'{"a":' * 20 + b'{"n":' + b"[" * 106 + b"]" * 106 + b',"v":1}' + b"}" * 20
    with pytest.raises(AssertionError, match="deeper than 127"):
        made.write(deep.replace(b"[]", b"[[]]"))
    made.write(deep)
