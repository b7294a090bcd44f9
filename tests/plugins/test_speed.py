"""Costs that must stay in proportion; the figures themselves belong to the benchmarks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from lix_vtab.model.json import canonical_json
from lix_vtab.plugins import (
    ActiveStateRow,
    EntityChange,
    File,
    Plugin,
    StateContext,
    plugin_csv,
    plugin_json,
    plugin_md,
    plugin_text,
)


def best(work: Callable[[], object], times: int = 5) -> float:
    found = []
    for _ in range(times):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def payload(leaves: int) -> bytes:
    values = {f"k_{n:05}": f"value_{n}" if n % 2 else n for n in range(leaves)}
    return json.dumps({"meta": {"id": 0}, "values": values}, separators=(",", ":")).encode()


def file(data: bytes) -> File:
    return File("f", "/a.json", data)


def test_a_new_file_costs_in_proportion_to_its_leaves() -> None:
    def create(data: bytes) -> Callable[[], object]:
        return lambda: plugin_json.detect_changes(None, file(data), None)

    works = [create(payload(leaves)) for leaves in (500, 5000)]
    # taken in turns, as the machine may be slower for a while
    pairs = [[best(work, 1) for work in works] for _ in range(7)]
    small, large = (min(column) for column in zip(*pairs, strict=True))
    assert large < small * 40


def test_replacing_one_value_looks_up_one_entity_and_is_far_cheaper_than_a_new_file() -> None:
    data = payload(5000)
    edited = data.replace(b"value_2501", b"other")
    looked_up: list[str] = []

    def find(schema_key: str, entity_id: str) -> ActiveStateRow:
        looked_up.append(entity_id)
        text = canonical_json({"path": entity_id, "value": "value_2501"})
        return ActiveStateRow(entity_id, schema_key, "1", text)

    def rows() -> list[ActiveStateRow]:
        raise AssertionError("all entities were fetched")

    def update() -> list[EntityChange]:
        context = StateContext(rows, find=find)
        return list(plugin_json.detect_changes(file(data), file(edited), context))

    (change,) = update()
    assert change.snapshot_content == {"path": "/values/k_02501", "value": "other"}
    assert looked_up == ["/values/k_02501"]

    def create() -> object:
        return plugin_json.detect_changes(None, file(edited), None)

    pairs = [(best(create, 1), best(update, 1)) for _ in range(5)]
    new_file, updating = (min(column) for column in zip(*pairs, strict=True))
    assert updating < new_file / 3


def test_a_value_in_an_array_of_known_elements_is_looked_up_too() -> None:
    items = [{"id": n, "on": True, "v": n % 3} for n in range(100)]
    data = json.dumps(items).encode()
    created = {
        change.entity_id: ActiveStateRow(
            change.entity_id, "json_pointer", "1", canonical_json(change.snapshot_content)
        )
        for change in plugin_json.detect_changes(None, file(data), None)
    }

    def rows() -> list[ActiveStateRow]:
        raise AssertionError("all entities were fetched")

    items[40]["on"] = False
    context = StateContext(rows, find=lambda _, id: created.get(id))
    after = file(json.dumps(items).encode())
    (change,) = plugin_json.detect_changes(file(data), after, context)
    assert change.entity_id == "/id=40/on"


@pytest.mark.parametrize("indent", [None, 2])
def test_members_that_come_and_go_look_up_those_beside_them_alone(indent: int | None) -> None:
    value = {
        "flat": {f"k_{n:05}": n for n in range(3000)},
        "items": [{"id": n, "on": [True, {"v": n}]} for n in range(3000)],
    }
    data = json.dumps(value, indent=indent).encode()
    created = {
        change.entity_id: ActiveStateRow(
            change.entity_id, "json_pointer", "1", canonical_json(change.snapshot_content)
        )
        for change in plugin_json.detect_changes(None, file(data), None)
    }
    looked_up: list[str] = []

    def find(_: str, entity_id: str) -> ActiveStateRow | None:
        looked_up.append(entity_id)
        return created.get(entity_id)

    def rows() -> list[ActiveStateRow]:
        raise AssertionError("all entities were fetched")

    def changed(edit: Callable[[Any], object]) -> list[tuple[str, bool]]:
        edited = json.loads(data)
        edit(edited)
        looked_up.clear()
        after = file(json.dumps(edited, indent=indent).encode())
        changes = plugin_json.detect_changes(file(data), after, StateContext(rows, find=find))
        assert len(looked_up) < 30
        return [(change.entity_id, change.snapshot_content is None) for change in changes]

    assert changed(lambda v: v["flat"].update(new=1)) == [("/flat/new", False)]
    assert changed(lambda v: v["flat"].pop("k_01500")) == [("/flat/k_01500", True)]
    assert changed(lambda v: v["items"][1500].update(more=[])) == [("/items/id=1500/more", False)]
    assert changed(lambda v: v["items"][1500]["on"].append(0)) == [("/items/id=1500/on/2", False)]
    assert changed(lambda v: v["items"].insert(7, {"id": "x"})) == [
        ("/items/id=x", False),
        ("/items/id=x/id", False),
    ]
    assert [id for id, gone in changed(lambda v: v["items"].pop(9)) if gone] == [
        "/items/id=9",
        "/items/id=9/id",
        "/items/id=9/on",
        "/items/id=9/on/1",
        "/items/id=9/on/1/v",
        "/items/id=9/on/0",
    ]


@pytest.mark.parametrize(
    ("plugin", "path", "head", "piece"),
    [
        (plugin_text, "/a.txt", "", "{}\n"),
        (plugin_csv, "/a.csv", "a,b\n", "{},x\n"),
        (plugin_md, "/a.md", "", "# {}\n"),
        (plugin_json, "/a.json", "", ""),
    ],
)
def test_equal_things_cost_what_different_ones_do(
    plugin: Plugin, path: str, head: str, piece: str
) -> None:
    def text(pieces: list[int]) -> bytes:
        if plugin is plugin_json:
            # new elements of an array with ids are called after their content
            return json.dumps([{"id": 0}, *[{"v": n} for n in pieces]]).encode()
        return (head + "".join(piece.format(n) for n in pieces)).encode()

    empty = File("f", path, text([]))
    rows = [
        ActiveStateRow(
            change.entity_id, change.schema_key, "1", canonical_json(change.snapshot_content)
        )
        for change in plugin.detect_changes(None, empty, None)
    ]

    def write(pieces: list[int]) -> Callable[[], object]:
        after = File("f", path, text(pieces))
        return lambda: list(plugin.detect_changes(empty, after, StateContext(rows)))

    works = [write([*range(4000)]), write([7] * 4000)]
    pairs = [[best(work, 1) for work in works] for _ in range(3)]
    different, equal = (min(column) for column in zip(*pairs, strict=True))
    assert equal < different * 4


def test_a_line_that_is_nearly_a_table_takes_no_longer_than_others() -> None:
    def write(end: bytes) -> Callable[[], object]:
        data = b"a|b\n-" + b" " * 20_000 + end
        return lambda: plugin_md.detect_changes(None, File("f", "/a.md", data), None)

    works = [lambda work=work: list(work()) for work in (write(b"|-\n"), write(b"x\n"))]
    pairs = [[best(work, 1) for work in works] for _ in range(3)]
    table, nearly = (min(column) for column in zip(*pairs, strict=True))
    assert nearly < table * 50
