"""Every value through every writable column and back, or refused with a code and no trace."""

from __future__ import annotations

import datetime
import decimal
import json
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import apsw
import pytest

import lix_vtab
from lix_vtab import Lix, LixError
from tests.execution.values import (
    INVALID,
    SCHEMA,
    VALUES,
    Refused,
    literal,
    of_data,
    of_flag,
    of_json,
    of_property,
    of_required_text,
    of_text,
    read_json,
    same,
    stored,
)

TYPES = ("string", "integer", "number", "boolean", "object", "array")
BOX = {
    "x-lix-key": "box",
    "x-lix-version": "1",
    "x-lix-primary-key": ["/id"],
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "any": {},
        **{kind: {"type": [kind, "null"]} for kind in TYPES},
    },
    "required": ["id"],
    "additionalProperties": False,
}
STATE = "(entity_id, schema_key, file_id, plugin_key, schema_version, snapshot_content"
KEY_VALUE = """'k', 'lix_key_value', 'lix', 'lix', '1', '{"key":"k","value":1}'"""
IN_GLOBAL = "VALUES ('k', 'lix_key_value', 'lix', 'lix', '1', '{\"key\":\"k\",\"value\":1}', ?, "


@pytest.fixture
def lix() -> Iterator[Lix]:
    with lix_vtab.open() as lix:
        lix.register_schema(BOX)
        lix.execute("INSERT INTO box (id) VALUES ('u')")
        lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('u', 0)")
        lix.execute("INSERT INTO lix_file (id, path, data) VALUES ('u', '/u.bin', x'00')")
        lix.execute("INSERT INTO lix_directory (id, path) VALUES ('u', '/u/')")
        lix.execute("INSERT INTO lix_version (id, name) VALUES ('u', 'u')")
        yield lix


TRACES = (
    "SELECT * FROM lix_state_by_version ORDER BY schema_key, entity_id, version_id",
    "SELECT id, path, data, metadata FROM lix_file_by_version ORDER BY id, lixcol_version_id",
    "SELECT * FROM lix_version ORDER BY id",
    "SELECT * FROM lix_active_version",
    "SELECT * FROM lix_active_account",
    "SELECT * FROM lix_effect ORDER BY id",
    "SELECT id FROM lix_change ORDER BY id",
    "SELECT id FROM lix_commit ORDER BY id",
)


def everything(lix: Lix) -> list[list[tuple[Any, ...]]]:
    """Return all anybody can see."""
    return [lix.execute(sql).rows for sql in TRACES]


@dataclass(frozen=True)
class Place:
    """A column that can be written: how, what it shows then, and what that should be."""

    write: str
    read: str
    expect: Callable[[Any], Any]


def inserted(table: str, columns: str, values: str, read: str, expect: Callable[..., Any]) -> Place:
    return Place(f"INSERT INTO {table} {columns} VALUES ({values})", read, expect)


def updated(table: str, column: str, expect: Callable[[Any], Any]) -> Place:
    where = "id = 'u'"
    if table.startswith("lix_state"):
        where = "entity_id = 'u' AND schema_key = 'lix_key_value'"
    elif table == "lix_key_value":
        where = "key = 'u'"
    sql = f"UPDATE {table} SET {column} = ? WHERE {where}"
    return Place(sql, f"SELECT DISTINCT {column} FROM {table} WHERE {where}", expect)


def kept(expect: Callable[[Any], Any], when_null: Any) -> Callable[[Any], Any]:
    """Expect NULL to mean something of its own."""
    return lambda value: when_null if stored(value) is None else expect(value)


def refuse(code: str) -> Callable[[Any], Any]:
    return lambda _: Refused(code)


def schema_text(value: Any) -> Any:
    """Expect the text of a property that must be there."""
    value = stored(value)
    if isinstance(value, bytes) or value in (float("inf"), float("-inf")):
        return Refused(INVALID)
    return value if isinstance(value, str) else Refused(SCHEMA)


def state_json(value: Any) -> Any:
    return of_json(value, SCHEMA)


def file_flag(value: Any) -> Any:
    """Expect true or false, but no fraction."""
    return Refused(INVALID) if stored(value).__class__ is float else of_flag(value)


PLACES: dict[str, Place] = {}
for kind in ("any", *TYPES):
    expect = lambda value, kind=kind: of_property(kind, value)  # noqa: E731
    PLACES[f"box.{kind}"] = inserted(
        "box", f"(id, {kind})", "'n', ?", f"SELECT {kind} FROM box WHERE id = 'n'", expect
    )
    PLACES[f"box.{kind}, update"] = updated("box", kind, expect)
    PLACES[f"box_by_version.{kind}, update"] = updated("box_by_version", kind, expect)
PLACES |= {
    "box.id": inserted(
        "box",
        "(id)",
        "?",
        "SELECT id FROM box WHERE id <> 'u'",
        kept(schema_text, Refused("LIX_CONSTRAINT_VIOLATION")),
    ),
    "lix_key_value.value, update": updated(
        "lix_key_value", "value", lambda value: of_property("any", value)
    ),
    "lix_account.name": inserted(
        "lix_account",
        "(id, name)",
        "'a', ?",
        "SELECT name FROM lix_account",
        kept(schema_text, Refused(SCHEMA)),
    ),
    **{
        f"lix_state.{column}": inserted(
            "lix_state",
            f"{STATE}, {column})",
            f"{KEY_VALUE}, ?",
            f"SELECT {column} FROM lix_state WHERE entity_id = 'k'",
            expect,
        )
        for column, expect in {
            "metadata": state_json,
            "writer_key": of_text,
            "untracked": lambda value: Refused(INVALID) if value == "true" else of_flag(value),
        }.items()
    },
    "lix_state.metadata, update": updated("lix_state", "metadata", state_json),
    "lix_state.writer_key, update": updated("lix_state", "writer_key", of_text),
    "lix_state_by_version.metadata, update": updated(
        "lix_state_by_version", "metadata", state_json
    ),
    "lix_state.entity_id, update": updated("lix_state", "entity_id", refuse("LIX_ERROR_READ_ONLY")),
    "lix_file.data": inserted(
        "lix_file",
        "(path, data)",
        "'/n.bin', ?",
        "SELECT data FROM lix_file WHERE path = '/n.bin'",
        of_data,
    ),
    "lix_file.data of a JSON file": inserted(
        "lix_file",
        "(path, data)",
        "'/n.json', ?",
        "SELECT data FROM lix_file WHERE path = '/n.json'",
        of_data,
    ),
    "lix_file.data, update": updated("lix_file", "data", of_data),
    "lix_file.metadata": inserted(
        "lix_file",
        "(path, metadata)",
        "'/n', ?",
        "SELECT metadata FROM lix_file WHERE path = '/n'",
        of_json,
    ),
    "lix_file.metadata, update": updated("lix_file", "metadata", of_json),
    "lix_file_by_version.metadata, update": updated("lix_file_by_version", "metadata", of_json),
    "lix_file.lixcol_metadata, update": updated("lix_file", "lixcol_metadata", of_json),
    "lix_file.hidden, update": updated("lix_file", "hidden", file_flag),
    "lix_file.id": inserted(
        "lix_file",
        "(id, path)",
        "?, '/n'",
        "SELECT id FROM lix_file WHERE path = '/n' AND length(id) <> 36",
        kept(of_required_text, None),
    ),
    "lix_directory.hidden, update": updated("lix_directory", "hidden", file_flag),
    "lix_version.id": inserted(
        "lix_version",
        "(id, name)",
        "?, 'n'",
        "SELECT id FROM lix_version WHERE name = 'n' AND length(id) <> 36",
        kept(of_required_text, None),
    ),
    "lix_version.name, update": updated("lix_version", "name", of_required_text),
    "lix_version.hidden, update": updated("lix_version", "hidden", of_flag),
    "lix_effect.payload": inserted(
        "lix_effect",
        "(kind, payload)",
        "'mail', ?",
        "SELECT payload FROM lix_effect",
        lambda value: "null" if state_json(value) is None else state_json(value),
    ),
}


def attempt(lix: Lix, place: Place, sql: str, params: tuple[Any, ...]) -> Any:
    """Write and return what can be read then, or how it was refused; undo a success."""
    lix.connection.execute("SAVEPOINT here")
    try:
        lix.execute(sql, params)
        rows = lix.execute(place.read).rows
        assert len(rows) <= 1
        return rows[0][0] if rows else None
    except LixError as error:
        return Refused(str(error).partition(": ")[0])
    finally:
        lix.connection.execute("ROLLBACK TO here; RELEASE here")


@pytest.mark.parametrize("name", PLACES)
def test_each_value_comes_back_or_is_refused(lix, name):
    place = PLACES[name]
    before = everything(lix)
    wrong = []
    for label, value in VALUES.items():
        expected = place.expect(value)
        ways = [(place.write, (value,))]
        if len(repr(value)) < 5000:
            ways.append((place.write.replace("?", literal(value)), ()))
        for sql, params in ways:
            found = attempt(lix, place, sql, params)
            if label == "too deep" and isinstance(expected, Refused):
                # both its type and its depth may be wrong
                assert isinstance(found, Refused)
                assert found.code in {INVALID, SCHEMA, expected.code}
            elif not same(found, expected):
                wrong.append(f"{label}{'' if params else ' (literal)'}: {found!r:.80}")
                wrong.append(f"   expected {expected!r:.80}")
    assert not wrong, "\n".join(wrong)
    assert everything(lix) == before


@pytest.mark.parametrize("name", PLACES)
def test_a_refused_value_leaves_nothing_behind(lix, name):
    """Outside a transaction, where the statement is all there is to undo."""
    place = PLACES[name]
    before = everything(lix)
    for label, value in VALUES.items():
        if isinstance(place.expect(value), Refused):
            with pytest.raises(LixError):
                lix.execute(place.write, (value,))
            assert not lix.connection.in_transaction, label
            with pytest.raises(apsw.Error):
                lix.connection.execute(place.write, (value,))
    assert everything(lix) == before
    assert lix.check() == []


@pytest.mark.parametrize(
    "value",
    [
        2**63,
        -(2**63) - 1,
        "a\ud800b",
        datetime.date(2026, 1, 31),
        datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC),
        decimal.Decimal("1.5"),
        uuid.UUID(int=1),
        {"a": 1},
        [1],
        object(),
        1j,
    ],
    ids=repr,
)
@pytest.mark.parametrize("named", [False, True])
def test_what_sqlite_cannot_hold_is_refused_by_name(lix, value, named):
    before = everything(lix)
    sql = "INSERT INTO box (id, \"any\") VALUES ('n', :v)"
    params: Any = {"v": value}
    if not named:
        sql, params = sql.replace(":v", "?"), (value,)
    with pytest.raises(lix_vtab.LixError, match=r"parameter ('v'|1) cannot be stored") as caught:
        lix.execute(sql, params)
    assert caught.value.code == INVALID
    assert caught.value.details["type"] == type(value).__name__
    assert everything(lix) == before


def test_subclasses_and_buffers_are_taken_for_what_they_are(lix):
    class Text(str):
        __slots__ = ()

    class Number(int):
        __slots__ = ()

    lix.execute('INSERT INTO box (id, "any") VALUES (?, ?)', (Text("n"), Number(7)))
    assert lix.execute("SELECT \"any\" FROM box WHERE id = 'n'").rows == [(7,)]
    for number, data in enumerate((bytearray(b"ab"), memoryview(b"ab"), apsw.zeroblob(2))):
        path = f"/{number}.bin"
        lix.execute("INSERT INTO lix_file (path, data) VALUES (?, ?)", (path, data))
        wanted = b"\0\0" if isinstance(data, apsw.zeroblob) else b"ab"
        assert lix.execute("SELECT data FROM lix_file WHERE path = ?", (path,)).rows == [(wanted,)]


JSON_VALUES = [
    None,
    True,
    False,
    0,
    -1,
    2**63 - 1,
    -(2**63),
    10**30,
    0.1,
    -0.0,
    5e-324,
    1.7976931348623157e308,
    "",
    "a\0b",
    "\U0001f600\u2028",
    [],
    {},
    [None, [True, {"a": "", "b": [1.5]}]],
    {"": {"\0": "~1/"}, "\U0001f600": None},
]


@pytest.mark.parametrize("value", JSON_VALUES, ids=repr)
def test_json_is_the_same_through_every_reader(lix, value):
    """Written as JSON, read from state, history, the log, a diff, a stream and a file."""
    stream = lix.commits(schema_keys=["box"])
    text = json.dumps({"id": "n", "any": value})
    lix.execute(
        f"INSERT INTO lix_state {STATE}) VALUES ('n', 'box', 'lix', 'lix', '1', ?)", (text,)
    )
    for sql in (
        "SELECT snapshot_content FROM lix_state WHERE entity_id = 'n'",
        "SELECT snapshot_content FROM lix_state_by_version WHERE entity_id = 'n'",
        "SELECT snapshot_content FROM lix_state_history WHERE entity_id = 'n' AND depth = 0",
        "SELECT snapshot_content FROM lix_change WHERE entity_id = 'n'",
        "SELECT after_snapshot_content FROM lix_diff('HEAD~1', 'HEAD') WHERE entity_id = 'n'",
        "SELECT snapshot_content FROM lix_state_at('HEAD') WHERE entity_id = 'n'",
    ):
        for (found,) in lix.execute(sql).rows:
            assert same(json.loads(found)["any"], value), sql
        assert len(lix.execute(sql)) >= 1
    assert same(stream.next(timeout=0).changes[0].snapshot_content["any"], value)
    lix.write_file("/n.json", json.dumps({"any": value}).encode())
    assert same(json.loads(lix.read_file("/n.json"))["any"], value)


@pytest.mark.parametrize("value", JSON_VALUES, ids=repr)
def test_json_goes_through_jsonb_into_any_property(lix, value):
    lix.execute("INSERT INTO box (id, \"any\") VALUES ('n', lix_json(?))", (json.dumps(value),))
    found = lix.execute("SELECT snapshot_content FROM lix_state WHERE entity_id = 'n'").rows[0][0]
    expected = value
    if isinstance(value, int) and value >= 2**63:
        expected = json.loads(json.dumps(value))
    assert same(json.loads(found)["any"], expected)


@pytest.mark.parametrize(
    "segment",
    [v for v in VALUES.values() if isinstance(v, str) and v and len(v) < 1000],
)
def test_text_in_paths(lix, segment):
    for table, path in (("lix_file", f"/{segment}x"), ("lix_directory", f"/{segment}x/")):
        if "\0" in path:
            before = everything(lix)
            with pytest.raises(LixError, match="NUL") as caught:
                lix.execute(f"INSERT INTO {table} (path) VALUES (?)", (path,))
            assert caught.value.code == INVALID
            assert everything(lix) == before
        else:
            lix.execute(f"INSERT INTO {table} (path) VALUES (?)", (path,))
            assert lix.execute(f"SELECT path FROM {table} WHERE path = ?", (path,)).rows == [
                (path,)
            ]
            lix.execute(f"DELETE FROM {table} WHERE path = ?", (path,))


def test_a_text_that_is_not_utf8_is_refused(lix):
    before = everything(lix)
    for sql in (
        "INSERT INTO lix_file (path) VALUES ('/' || x'ff')",
        "INSERT INTO box (id) VALUES (CAST(x'ff' AS TEXT))",
        "SELECT CAST(x'ff' AS TEXT)",
    ):
        with pytest.raises(LixError, match="not UTF-8") as caught:
            lix.execute(sql)
        assert caught.value.code == INVALID
    assert everything(lix) == before


@pytest.mark.parametrize("size", [0, 1, 4095, 65536, 10_000_000])
def test_blobs_of_every_size(lix, size):
    data = random.Random(size).randbytes(size)
    lix.execute("INSERT INTO lix_file (path, data) VALUES ('/n.bin', ?)", (data,))
    assert lix.execute("SELECT data FROM lix_file WHERE path = '/n.bin'").rows == [(data,)]
    assert lix.read_file("/n.bin") == data


@pytest.mark.slow
def test_a_blob_of_a_hundred_megabytes(lix):
    data = random.Random(1).randbytes(1_000_000) * 100
    lix.execute("INSERT INTO lix_file (path, data) VALUES ('/n.bin', ?)", (data,))
    assert lix.execute("SELECT data FROM lix_file WHERE path = '/n.bin'").rows == [(data,)]


def test_a_value_beyond_sqlites_length_is_refused(lix):
    lix.connection.limit(apsw.SQLITE_LIMIT_LENGTH, 1_000_000)
    before = everything(lix)
    for sql, value in (
        ("INSERT INTO lix_file (path, data) VALUES ('/n.bin', ?)", b"x" * 1_000_001),
        ("INSERT INTO box (id, \"any\") VALUES ('n', ?)", "x" * 1_000_001),
        ("INSERT INTO box (id, \"any\") VALUES ('n', ?)", "\x01" * 400_000),
    ):
        with pytest.raises(LixError) as caught:
            lix.execute(sql, (value,))
        assert caught.value.code == "LIX_ERROR_TOO_BIG"
    assert everything(lix) == before


FUNCTIONS = {
    "lix_register_schema(?)": "LIX_ERROR_SCHEMA_DEFINITION",
    "lix_set_sequence(?)": INVALID,
    "lix_row_key(?, 'entity_id')": INVALID,
    "lix_row_key(1, ?)": INVALID,
    "lix_row_key_by_version(?, 'entity_id')": INVALID,
    "lix_run_task(?)": "LIX_ERROR_NOT_FOUND",
    "lix_read_file(?)": INVALID,
    "lix_import_dir(?)": INVALID,
    "lix_export_dir(?)": INVALID,
    "lix_text_encode(?)": INVALID,
}


@pytest.mark.parametrize("call", FUNCTIONS)
def test_functions_refuse_what_they_cannot_use(lix, call):
    before = everything(lix)
    for value in (b"\xff", 0.5, "a\0b", "[" * 600 + "]" * 600):
        if (call, type(value)) in (
            ("lix_text_encode(?)", bytes),
            ("lix_text_encode(?)", str),
        ) or (
            call.startswith(("lix_set", "lix_read", "lix_import", "lix_export"))
            and (value == 0.5 or "[" in str(value))
        ):
            continue
        with pytest.raises(LixError) as caught:
            lix.execute(f"SELECT {call}", (value,))
        assert caught.value.code == FUNCTIONS[call]
    assert everything(lix) == before


@pytest.mark.parametrize(
    "call", ["lix_text_diff('a')", "lix_switch_version()", "lix_create_version(1,2,3,4,5,6)"]
)
def test_functions_refuse_too_few_and_too_many_arguments(lix, call):
    with pytest.raises(LixError, match="wrong number of arguments to function"):
        lix.execute(f"SELECT {call}")
    with pytest.raises(apsw.SQLError, match="wrong number of arguments to function"):
        lix.connection.execute(f"SELECT {call}")


def test_what_the_disk_refuses_has_a_code(lix, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(LixError) as caught:
        lix.execute("SELECT lix_export_dir(?)", (str(tmp_path / "file"),))
    assert caught.value.code == "LIX_ERROR_IO"
    assert caught.value.details["path"] == str(tmp_path / "file")


def test_the_oracle_reads_json_as_strictly_as_sqlite():
    """What the tests expect of JSON is what SQLite says of it, but for its limits."""
    db = apsw.Connection(":memory:")
    for label, value in VALUES.items():
        if not isinstance(value, str) or "deep" in label or label == "escaped half of a pair":
            continue
        try:
            read_json(value)
            valid = 1
        except ValueError:
            valid = 0
        if label != "float too large as text":
            assert db.execute("SELECT json_valid(?)", (value,)).get == valid, label
    db.close()


def test_each_value_is_the_same_in_every_table_of_a_schema(lix):
    """Live, inherited, by version, in history, at a commit, after a merge and after a rebuild."""
    values = {
        label: value
        for label, value in VALUES.items()
        if not isinstance(of_property("any", value), Refused)
    }
    with lix.transaction() as transaction:
        for label, value in values.items():
            transaction.execute('INSERT INTO box (id, "any") VALUES (?, ?)', (label, value))
    child = lix.create_version("child", source="global", inherits_from=lix.active_version)
    branch = lix.create_version("branch")

    def agree(sql: str) -> None:
        found = dict(lix.execute(sql).rows)
        for label, value in values.items():
            assert same(found[label], of_property("any", value)), (label, sql)

    tables = (
        'SELECT id, "any" FROM box',
        f"SELECT id, \"any\" FROM box_by_version WHERE lixcol_version_id = '{child.id}'",
        f"SELECT id, \"any\" FROM box_by_version WHERE lixcol_version_id = '{branch.id}'",
        'SELECT id, "any" FROM box_history WHERE lixcol_depth = 0',
        "SELECT id, \"any\" FROM box_at('HEAD')",
    )
    for sql in tables:
        agree(sql)
    for version in (child, branch):
        lix.switch_version(version)
        agree(tables[0])
    lix.rebuild()
    agree(tables[0])
    assert lix.check() == []


@pytest.mark.parametrize("column", ["any", *TYPES])
def test_a_value_is_found_by_itself(lix, column):
    """A condition on a column finds what the column shows."""
    for label, value in VALUES.items():
        shown = of_property(column, value)
        if isinstance(shown, Refused) or shown is None:
            continue
        lix.execute(f'INSERT INTO box (id, "{column}") VALUES (?, ?)', (label, value))
        found = lix.execute(f'SELECT id FROM box WHERE "{column}" = ? AND id = ?', (shown, label))
        assert found.rows == [(label,)], label
        listed = lix.execute(f'SELECT id FROM box WHERE "{column}" IN (?, ?)', (shown, shown))
        assert (label,) in listed.rows
        plain = lix.execute(f'SELECT id FROM box WHERE +"{column}" = ?', (shown,))
        pushed = lix.execute(f'SELECT id FROM box WHERE "{column}" = ?', (shown,))
        assert sorted(plain.rows) == sorted(pushed.rows), label


@pytest.mark.parametrize("operator", ["<", ">=", "IS", "IS NOT", "<>", "LIKE", "BETWEEN 0 AND"])
def test_conditions_mean_what_sqlite_means(lix, operator):
    """A condition that is handed down finds the rows SQLite would find by itself."""
    for label, value in VALUES.items():
        if not isinstance(of_property("any", value), Refused):
            lix.execute('INSERT INTO box (id, "any") VALUES (?, ?)', (label, value))
    for label, value in VALUES.items():
        if isinstance(value, str) and len(value) > 1000 and operator == "LIKE":
            continue  # SQLite refuses patterns that long
        sql = f'SELECT id FROM box WHERE {{}}"any" {operator} ? ORDER BY id'
        handed_down = lix.execute(sql.format(""), (value,)).rows
        assert handed_down == lix.execute(sql.format("+"), (value,)).rows, label
