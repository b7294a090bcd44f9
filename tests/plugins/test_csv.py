"""plugin_csv: rows that keep their identity, cells that keep their spelling."""

from __future__ import annotations

from collections.abc import Iterator
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
    plugin_csv,
)
from lix_vtab.plugins.csvfile.quick import edited_rows
from lix_vtab.plugins.csvfile.table import HEADER_ID
from lix_vtab.plugins.csvfile.update import update
from lix_vtab.plugins.entities import current_entities
from tests.plugins.world import World, ids_of

HEADER, ROW = "csv_header", "csv_row"
PEOPLE = b"Name,Age\nAnna,20\nPeter,50\n"


def world(data: bytes, path: str = "/a.csv") -> World:
    return World(plugin_csv, path, data)


PIECES = st.lists(
    st.sampled_from(
        [
            "a",
            "b",
            "id",
            '"x"',
            '"a,b"',
            '"q""q"',
            '"two\nlines"',
            ",",
            ",",
            ";",
            "\t",
            "\n",
            "\n",
            "\r\n",
            "\r",
            "'",
            "é",
            " ",
            '""',
            "1",
            "\ufeff",
        ]
    ),
    max_size=20,
).map(lambda pieces: "".join(pieces).encode())


def _readable(data: bytes) -> bool:
    try:
        list(plugin_csv.detect_changes(None, File("f", "/a.csv", data), None))
    except PluginInvalidInput:
        return False
    return True


@given(st.lists(PIECES.filter(_readable), min_size=1, max_size=5))
def test_any_sequence_of_edits(steps: list[bytes]) -> None:
    made = world(steps[0])
    for data in steps[1:]:
        made.write(data)
        assert made.detect(data) == []


CELLS = st.sampled_from(["", "x", "y", "1", "a,b", 'q"', "two\nlines", " s "])
TABLES = st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=6)


def _csv(table: list[list[str]], quote: bool) -> bytes:
    def cell(text: str) -> str:
        needs = quote or any(symbol in text for symbol in ',"\n')
        return '"' + text.replace('"', '""') + '"' if needs else text

    return "".join(",".join(map(cell, row)) + "\n" for row in [["a", "b", "c"], *table]).encode()


@given(TABLES, st.booleans(), st.data())
def test_an_edit_touches_its_rows_alone(table: list[list[str]], quote: bool, data: Any) -> None:
    made = world(_csv(table, quote))
    for _ in range(4):
        at = data.draw(st.integers(0, len(table)))
        if not table or data.draw(st.booleans()):
            table.insert(at, data.draw(st.lists(CELLS, min_size=3, max_size=3)))
            most = 1 + (len(table) == 1)
        elif data.draw(st.booleans()):
            table[min(at, len(table) - 1)][data.draw(st.integers(0, 2))] = data.draw(CELLS)
            most = 2
        else:
            del table[min(at, len(table) - 1)]
            most = 1
        assert len(made.write(_csv(table, quote))) <= most


def test_a_new_table() -> None:
    made = world(PEOPLE)
    assert made.snapshot(HEADER, "header") == {
        "id": "header",
        "columns": [{"key": "Name", "name": "Name"}, {"key": "Age", "name": "Age"}],
        "delimiter": ",",
        "newline": "\n",
        "unique_column": "Name",
    }
    assert made.ids(ROW) == ["Name|Anna", "Name|Peter"]
    assert made.snapshot(ROW, "Name|Anna")["cells"] == {"Name": "Anna", "Age": "20"}


@pytest.mark.parametrize(
    ("after", "changes"),
    [
        (PEOPLE, []),
        (PEOPLE + b"John,30\n", ["Name|John"]),
        (b"Name,Age\nAnna,21\nPeter,50\n", ["Name|Anna"]),
        (b"Name,Age\nAnna,20\n", ["-Name|Peter"]),
        (b"Age,Name\n20,Anna\n50,Peter\n", ["header"]),
        (b"Name,Years\nAnna,20\nPeter,50\n", ["header"]),
        (b"Years,Name\n20,Anna\n50,Peter\n", ["header"]),
        (b"Name;Age\nAnna;20\nPeter;50\n", ["header"]),
        (b"Name,Age\r\nAnna,20\r\nPeter,50\r\n", ["header"]),
        (b"Name,Age\nAnna,20\nPeter,50", ["header"]),
        (b'"Name","Age"\n"Anna","20"\n"Peter","50"\n', ["header"]),
        (b"\xef\xbb\xbf" + PEOPLE, ["header"]),
        (b'Name,Age\nAnna,"20"\nPeter,50\n', ["Name|Anna"]),
        (b"Name,Age\nAnna,20\r\nPeter,50\n", ["Name|Anna"]),
        (b"Name,Age\nNew,1\nAnna,20\nPeter,50\n", ["Name|New"]),
        (b"Name,Age\nAnna,20\n\nPeter,50\n", [None]),
        (b"Name,Age\nAnnie,20\nPeter,50\n", ["Name|Anna"]),
        (b"Name,Age\nAnna,20,extra\nPeter\n", ["Name|Anna", "Name|Peter"]),
        (b"Name,Age,City\nAnna,20,Rome\nPeter,50,\n", ["header", "Name|Anna", "Name|Peter"]),
        (b"Name\nAnna\nPeter\n", ["header", "Name|Anna", "Name|Peter"]),
        (b"", ["-header", "-Name|Anna", "-Name|Peter"]),
    ],
)
def test_what_an_edit_touches(after: bytes, changes: list[str | None]) -> None:
    made = world(PEOPLE)
    found = ids_of(made.write(after))
    assert len(found) == len(changes)
    assert all(
        id in (name, id if name is None else name) for id, name in zip(found, changes, strict=True)
    )
    made.write(PEOPLE)


def test_moved_rows_keep_their_identity() -> None:
    made = world(b"id,v\n1,a\n2,b\n3,c\n4,d\n")
    assert ids_of(made.write(b"id,v\n4,d\n1,a\n2,b\n3,c\n")) == ["id|4"]
    assert ids_of(made.write(b"id,v\n4,d\n1,a\n2,B\n3,c\n")) == ["id|2"]
    made = world(b"a,b\nx,1\nx,2\nx,1\n")
    assert "unique_column" not in made.snapshot(HEADER, "header")
    assert len(made.write(b"a,b\nx,1\nx,1\nx,2\n")) == 1
    assert len(made.write(b"a,b\nx,1\nx,1\ny,2\n")) == 1


def test_columns_that_name_rows() -> None:
    assert world(b"v,ID\na,1\nb,2\n").ids(ROW) == ["ID|1", "ID|2"]
    assert world(b"v,w\na,1\na,2\n").ids(ROW) == ["w|1", "w|2"]
    assert all(id.startswith("row:") for id in world(b"v,w\na,1\na,1\n").ids(ROW))
    made = world(b"a,b\n")
    made.write(b"a,b\n1,2\n")
    assert made.ids(ROW) == ["a|1"]
    made.write(b"a,b\n1,2\n1,3\n")
    assert len(made.ids(ROW)) == 2
    made.write(b"b\n2\n3\n")
    made = world(b"a|b\nx|y|z\n", "/a.csv")
    assert made.ids(ROW) == ["a|x"]


def test_repeated_and_nameless_columns_have_keys_of_their_own() -> None:
    made = world(b"a,a,,#1\n1,2,3,4,5\n")
    keys = [column["key"] for column in made.snapshot(HEADER, "header")["columns"]]
    assert keys == ["a", "a (2)", "column 3", "column 4"]
    (row,) = made.ids(ROW)
    assert made.snapshot(ROW, row)["cells"] == {
        "a": "1",
        "a (2)": "2",
        "column 3": "3",
        "column 4": "4",
        "#1": "5",
    }


@pytest.mark.parametrize(
    ("data", "path", "delimiter"),
    [
        (b"a,b\n1,2\n", "/a.csv", ","),
        (b"a;b\n1;2,5\n", "/a.csv", ";"),
        (b"a\tb\n1\t2\n", "/a.csv", "\t"),
        (b"a|b|c\n1|2|3\n", "/a.csv", "|"),
        (b"a,b\tc\n", "/a.tsv", "\t"),
        (b"one\ntwo\n", "/a.csv", ","),
        (b'"a;b",c\n1,2\n', "/a.csv", ","),
        (b"", "/a.csv", None),
    ],
)
def test_the_delimiter_is_found(data: bytes, path: str, delimiter: str | None) -> None:
    made = world(data, path)
    if delimiter is None:
        assert made.entities == {}
    else:
        assert made.snapshot(HEADER, "header")["delimiter"] == delimiter


@pytest.mark.parametrize(
    "data",
    [
        b"\n",
        b"a",
        b"a\n",
        b'""\n',
        b"a\n\n\nb",
        b"a,b\n,\n,,\n",
        b"a\rb\rc",
        b"a\r\nb\nc\r\n",
        b'a"b,c"d\n',
        b'"a"x,b\n',
        b'a,b\n"1\n2",3\n',
        b"\xef\xbb\xbf",
        b"\xef\xbb\xbfa,b\n",
        b"a,b\n1\r,2\r\n",
        b'a\n""\n\n',
        b'"a,b"\n"c"\n',
        b"a,b\n\r",
        b"a;b,c\n1;2\n",
    ],
)
def test_odd_tables_come_back_as_they_were(data: bytes) -> None:
    assert world(data).data == data


@pytest.mark.parametrize("data", [b"\xff", b'a,b\n"1,2\n', b'"', b'a\n1\n"x""'])
def test_what_is_no_table_is_refused(data: bytes) -> None:
    with pytest.raises(PluginInvalidInput):
        list(plugin_csv.detect_changes(None, File("f", "/a.csv", data), None))
    changes = list(
        plugin_csv.detect_changes(File("f", "/a.csv", data), File("f", "/a.csv", PEOPLE), None)
    )
    assert len(changes) == 3


def test_an_open_quote_is_located() -> None:
    with pytest.raises(PluginInvalidInput, match="the quote in line 3 never closes"):
        list(plugin_csv.detect_changes(None, File("f", "/a.csv", b'a,b\n1,2\n3,"x\n'), None))


QUOTED = b'id;text;n\r\n1;"plain";"a;b"\r\n2;"say ""hi""";7\r\n\r\n3;x;\r\n'


def test_an_edit_by_hand_leaves_the_other_cells_as_they_are_spelled() -> None:
    made = world(QUOTED)
    row = made.snapshot(ROW, "id|1")
    row["cells"]["n"] = "new; value"
    assert made.edit(ROW, "id|1", row) == QUOTED.replace(b'"a;b"', b'"new; value"')
    row["cells"]["n"] = "8"
    assert made.edit(ROW, "id|1", row) == QUOTED.replace(b'"a;b"', b"8")
    row["cells"]["text"] = "other"
    assert made.edit(ROW, "id|1", row) == QUOTED.replace(b'"plain";"a;b"', b"other;8")
    new = {"id": "mine", "order": "z" * 27, "cells": {"id": "9", "n": 'q"'}}
    assert made.edit(ROW, "mine", new).endswith(b'3;x;\r\n9;;"q"""\r\n')
    assert b"2;" not in made.edit(ROW, "id|2", None)
    assert made.edit(ROW, "no order", {"id": "no order", "cells": {"id": "10"}}).endswith(b"10\r\n")


def test_a_header_edited_by_hand() -> None:
    made = world(PEOPLE)
    header = made.snapshot(HEADER, "header")
    header["columns"].reverse()
    header["delimiter"] = "\t"
    assert made.edit(HEADER, "header", header) == b"Age\tName\n20\tAnna\n50\tPeter\n"
    header["columns"][0]["name"] = "Years\told"
    header["quoting"] = "all"
    assert made.edit(HEADER, "header", header).startswith(b'"Years\told"\t"Name"\n"20"')


def test_spellings_that_do_not_fit_are_left_aside() -> None:
    made = world(b"a,b\n1,2\n")
    row = made.snapshot(ROW, "a|1")
    for raw in ("3", '"2', "2,3", '"2",3', 5):
        made.edit(ROW, "a|1", {**row, "raw": {"b": raw}})
        assert made.data == b"a,b\n1,2\n"
    made.edit(ROW, "a|1", {**row, "raw": "nonsense"})
    made.edit(ROW, "a|1", {**row, "cells": {"a": "1", "b": "x\r", "unknown": "y"}})
    assert made.data == b'a,b\n1,"x\r"\n'


def rows(header: Any, *cells: Any) -> list[EntityChange]:
    changes = [] if header is None else [EntityChange("header", HEADER, header)]
    return changes + [EntityChange(str(at), ROW, row) for at, row in enumerate(cells)]


HEAD = {"id": "header", "columns": [{"key": "a", "name": "a"}]}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (rows(None, {"id": "0", "cells": {}}), "missing csv_header snapshot"),
        (rows(HEAD, 5), "must be an object"),
        (rows(HEAD, {"id": "0", "cells": {"a": 1}}), "an object of strings"),
        (rows(HEAD, {"id": "0", "cells": []}), "an object of strings"),
        (rows(HEAD, {"id": "0", "cells": {}, "ending": "x"}), "is no line ending"),
        (rows({"id": "header"}), "columns of a table must be"),
        (rows({"id": "header", "columns": []}), "columns of a table must be"),
        (rows({"id": "header", "columns": [{"key": 1, "name": ""}]}), "'key' must be a string"),
        (rows({**HEAD, "delimiter": '"'}), "needs a delimiter"),
        (rows({**HEAD, "delimiter": ",,"}), "needs a delimiter"),
        (rows({**HEAD, "newline": ""}), "needs a delimiter and a newline"),
        (rows({**HEAD, "delimiter": 1}), "'delimiter' must be a string"),
        (rows("text"), "must be an object"),
        (rows(HEAD, {"id": "0", "cells": {"a": "\ud800"}}), "written as UTF-8"),
    ],
)
def test_sets_that_are_no_table(changes: list[EntityChange], text: str) -> None:
    with pytest.raises(PluginInvalidInput, match=text):
        plugin_csv.apply_changes(File("f", "/a.csv", b""), changes)


def test_empty_sets() -> None:
    file = File("f", "/a.csv", b"old")
    assert plugin_csv.apply_changes(file, []) == b""
    assert plugin_csv.apply_changes(file, [EntityChange("header", HEADER, None)]) == b""
    assert plugin_csv.apply_changes(file, rows(HEAD)) == b"a\n"


def test_two_versions_edit_two_rows_and_insert() -> None:
    left, right = world(PEOPLE), world(PEOPLE)
    left.write(b"Name,Age\nAnna,21\nZoe,1\nPeter,50\n")
    right.write(b"Age,Name\n20,Anna\n2,Yan\n51,Peter\n")
    merged = {**left.entities}
    merged[HEADER, "header"] = right.entities[HEADER, "header"]
    merged[ROW, "Name|Peter"] = right.entities[ROW, "Name|Peter"]
    merged[ROW, "Name|Yan"] = right.entities[ROW, "Name|Yan"]
    assert left.render(merged) == b"Age,Name\n21,Anna\n2,Yan\n1,Zoe\n51,Peter\n"
    left.entities, left.data = merged, left.render(merged)
    assert ids_of(left.write(left.data + b"3,Last\n")) == ["Name|Last"]


def test_the_schemas() -> None:
    assert [schema["x-lix-key"] for schema in plugin_csv.schemas] == [HEADER, ROW]
    assert all(schema["x-lix-primary-key"] == ["/id"] for schema in plugin_csv.schemas)


CELL = st.sampled_from(["", "a", "b", "1", "2", '"a,b"', '"x\ny"', '"q"', 'a"b', "c\r"])
LINES = st.lists(st.lists(CELL, min_size=1, max_size=3), max_size=8)


@given(
    st.lists(LINES, min_size=2, max_size=6),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["id,n", "\ufeffid,n", "n", "n,n"]),
    st.booleans(),
)
def test_the_quick_way_says_no_more_than_the_long_way(
    steps: list[list[list[str]]], newline: str, head: str, ended: bool
) -> None:
    made = world(b"")
    for lines in steps:
        text = newline.join([head, *map(",".join, lines)]) + newline * ended
        try:
            long = [*_updated(made, text.encode())]
        except PluginInvalidInput:
            continue
        sets = current_entities(made.context(), (HEADER, ROW))
        header = sets[HEADER].get(HEADER_ID)
        if header is not None and text.encode() != made.data:
            quick = edited_rows(header, made.data or b"", text.encode(), made.context())
            # the habit of quoting is reconsidered only when all rows are looked at
            if quick is not None and HEADER_ID not in [change.entity_id for change in long]:
                # of rows that are alike it may keep others; `write` sees that it is right
                assert len(quick) <= len(long)
        made.write(text.encode())


def _updated(made: World, data: bytes) -> Iterator[EntityChange]:
    sets = current_entities(made.context(), (HEADER, ROW))
    return update(sets[HEADER].get(HEADER_ID), sets[ROW], made.file(data))


@pytest.mark.parametrize("head", ["id,name", "name,size"])
def test_an_edit_of_a_long_table_looks_up_its_neighbourhood_alone(head: str) -> None:
    lines = [f"{head}\n".encode(), *[f'{n},"row {n}"\n'.encode() for n in range(20_000)]]
    file = File("f", "/a.csv", b"".join(lines))
    created = {
        (change.schema_key, change.entity_id): ActiveStateRow(
            change.entity_id, change.schema_key, "1", canonical_json(change.snapshot_content)
        )
        for change in plugin_csv.detect_changes(None, file, None)
    }
    looked_up: list[str] = []

    def find(schema_key: str, entity_id: str) -> ActiveStateRow | None:
        looked_up.append(entity_id)
        return created.get((schema_key, entity_id))

    def rows() -> list[ActiveStateRow]:
        raise AssertionError("all rows were fetched")

    inserted, removed, changed = lines[:], lines[:], lines[:]
    inserted.insert(9_000, b"x,new\n")
    del removed[9_000]
    changed[9_000] = b'8999,"row ""8999"", changed"\n'
    for new in (inserted, removed, changed, [*lines, b"y,last\n"], [lines[0], *lines[2:]]):
        looked_up.clear()
        after = File("f", "/a.csv", b"".join(new))
        found = plugin_csv.detect_changes(file, after, StateContext(rows, find=find))
        assert len(list(found)) == 1
        assert len(looked_up) < 10
