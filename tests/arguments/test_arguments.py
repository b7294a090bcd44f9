"""Whatever a method is given that it has no use for: a LixError with a code and a hint."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

import lix_vtab
from lix_vtab import Lix, LixError
from lix_vtab.arguments import ArgumentError, shown

SURROGATE = "\ud800"
NO_TEXTS = (5, 1.5, True, b"x", [], {}, object(), int, SURROGATE)
NO_CALLABLES = (None, 5, "", [], object())
NO_NUMBERS = ("x", None, b"x", [], object(), -1, 2**70, True, math.nan)
NO_FLAGS = (None, 5, "", "no", [], object(), math.nan)
NO_LISTS = (5, object(), int)

Call = Callable[[Lix, Any], object]

CALLS: dict[str, tuple[Call, tuple[Any, ...]]] = {
    "execute: sql": (lambda lix, it: lix.execute(it), (*NO_TEXTS, None)),
    "execute: params": (lambda lix, it: lix.execute("SELECT 1", it), (5, "x", object(), {1})),
    "execute: a parameter": (
        lambda lix, it: lix.execute("SELECT ?", (it,)),
        ([], object(), 2**70, SURROGATE),
    ),
    "execute: writer_key": (lambda lix, it: lix.execute("SELECT 1", writer_key=it), NO_TEXTS),
    "transaction": (lambda lix, it: lix.transaction(writer_key=it).__enter__(), NO_TEXTS),
    "retry: work": (lambda lix, it: lix.retry(it), NO_CALLABLES),
    "retry: attempts": (
        lambda lix, it: lix.retry(lambda transaction: 1, attempts=it),
        (*NO_NUMBERS, 0, 1.5),
    ),
    "explain": (lambda lix, it: lix.explain(it), (*NO_TEXTS, None)),
    "commits: schema_keys": (
        lambda lix, it: lix.commits(schema_keys=it),
        (*NO_LISTS, None, [5], [SURROGATE], {"a": 1}),
    ),
    "commits: include_untracked": (lambda lix, it: lix.commits(include_untracked=it), NO_FLAGS),
    "commits: queue": (lambda lix, it: lix.commits(queue=it), (*NO_NUMBERS, 0)),
    "commits: follow": (lambda lix, it: lix.commits(follow=it), NO_FLAGS),
    "commits: since": (
        lambda lix, it: lix.commits(since=it),
        [it for it in NO_NUMBERS if it is not None],
    ),
    "commits: timeout": (
        lambda lix, it: lix.commits().next(timeout=it),
        ("x", [], object(), True, math.nan),
    ),
    "on_commit: callback": (lambda lix, it: lix.on_commit(it), NO_CALLABLES),
    "on_commit: a condition": (lambda lix, it: lix.on_commit(print, **{it: ["a"]}), ("schemas",)),
    "observe: sql": (lambda lix, it: lix.observe(it).next(), (*NO_TEXTS, None)),
    "observe: timeout": (
        lambda lix, it: [lix.observe("SELECT 1").next(timeout=it)],
        ("x", [], object(), True, math.nan),
    ),
    "emit: kind": (lambda lix, it: lix.emit(it), (*NO_TEXTS, None)),
    "emit: key": (lambda lix, it: lix.emit("mail", key=it), NO_TEXTS),
    "on_effect: kind": (lambda lix, it: lix.on_effect(it, print), (*NO_TEXTS, None)),
    "on_effect: handler": (lambda lix, it: lix.on_effect("mail", it), NO_CALLABLES),
    "on_effect: attempts": (
        lambda lix, it: lix.on_effect("mail", print, attempts=it),
        (*NO_NUMBERS, 0),
    ),
    "on_effect: backoff": (lambda lix, it: lix.on_effect("mail", print, backoff=it), NO_NUMBERS),
    "run_effects": (lambda lix, it: lix.run_effects(it), NO_NUMBERS),
    "create_version: name": (lambda lix, it: lix.create_version(it), NO_TEXTS),
    "create_version: id": (lambda lix, it: lix.create_version(id=it), NO_TEXTS),
    "create_version: source": (lambda lix, it: lix.create_version(source=it), NO_TEXTS),
    "create_version: inherits_from": (
        lambda lix, it: lix.create_version(inherits_from=it),
        NO_TEXTS,
    ),
    "create_version: hidden": (lambda lix, it: lix.create_version(hidden=it), NO_FLAGS),
    "switch_version": (lambda lix, it: lix.switch_version(it), (*NO_TEXTS, None)),
    "switch_version: session": (lambda lix, it: lix.switch_version("main", session=it), NO_FLAGS),
    "delete_version": (lambda lix, it: lix.delete_version(it), (*NO_TEXTS, None)),
    "version": (lambda lix, it: lix.version(it), (*NO_TEXTS, None)),
    "check": (lambda lix, it: lix.check(content=it), NO_FLAGS),
    "read_file": (lambda lix, it: lix.read_file(it), (*NO_TEXTS, None)),
    "open_file": (lambda lix, it: lix.open_file(it), (*NO_TEXTS, None)),
    "write_file: path": (lambda lix, it: lix.write_file(it, b""), (*NO_TEXTS, None)),
    "write_file: data": (
        lambda lix, it: lix.write_file("/a", it),
        (5, None, [], object(), SURROGATE),
    ),
    "import_dir": (lambda lix, it: lix.import_dir(it), (5, None, b"x", object(), "a\0b", "nope")),
    "import_dir: into": (lambda lix, it: lix.import_dir(".", it), (*NO_TEXTS, None)),
    "import_dir: exclude": (
        lambda lix, it: lix.import_dir(".", exclude=it),
        (*NO_LISTS, None, [5]),
    ),
    "import_dir: progress": (lambda lix, it: lix.import_dir(".", progress=it), NO_CALLABLES[1:]),
    "export_dir": (lambda lix, it: lix.export_dir(it), (5, None, b"x", object(), "a\0b")),
    "export_dir: source": (lambda lix, it: lix.export_dir(".", it), (*NO_TEXTS, None)),
    "export_dir: progress": (lambda lix, it: lix.export_dir(".", progress=it), NO_CALLABLES[1:]),
    "install_plugin": (
        lambda lix, it: lix.install_plugin(it),
        (5, None, b"x", object(), "a\0b", SURROGATE, "nope", int),
    ),
    "uninstall_plugin": (lambda lix, it: lix.uninstall_plugin(it), (*NO_TEXTS, None)),
    "create_checkpoint: name": (lambda lix, it: lix.create_checkpoint(it), NO_TEXTS),
    "create_checkpoint: message": (lambda lix, it: lix.create_checkpoint("a", it), NO_TEXTS),
    "restore": (lambda lix, it: lix.restore(it), (*NO_TEXTS, None)),
    "restore: paths": (
        lambda lix, it: lix.restore("HEAD", it),
        (*NO_LISTS, [5], b"x", {"a": 1}, [SURROGATE]),
    ),
    "restore: entities": (
        lambda lix, it: lix.restore("HEAD", entities=it),
        (*NO_LISTS, "x", ["x"], [{}], [{"schema_key": 5, "entity_id": "a"}]),
    ),
    "undo": (lambda lix, it: lix.undo(it), (*NO_NUMBERS, 0)),
    "undo: own": (lambda lix, it: lix.undo(own=it), NO_FLAGS),
    "redo": (lambda lix, it: lix.redo(it), (*NO_NUMBERS, 0)),
    "revert": (lambda lix, it: lix.revert(it), (*NO_TEXTS, None)),
}

OPENINGS: dict[str, tuple[Any, ...]] = {
    "path": (5, None, b"x", object(), "a\0b", SURROGATE),
    "version": (*NO_TEXTS, "nope"),
    "account": ("x", 5, {}, {"id": "a"}, {"id": "a", "name": 5}, {"id": "a", "name": SURROGATE}),
    "key_values": (
        *(3, "x", {"key": "a"}, [3], [{}], [{"key": "a"}], [{"key": 5, "value": 1}]),
        *([{"key": "a", "value": object()}], [{"key": "a", "value": 1, "version_id": 5}]),
    ),
    "plugins": (3, "x", int, [3], [None]),
    "internal": NO_FLAGS,
    "read_only": NO_FLAGS,
    "writer_key": NO_TEXTS,
    "statement_timeout": ("x", 0, -1, [], math.nan, 2**70),
    "row_limit": ("x", -1, [], 1.5, 2**70),
    "plugin_timeout": ("x", 0, -1, [], math.nan),
}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, (_, bad) in CALLS.items() for value in bad],
    ids=repr,
)
def test_a_method_refuses_by_code_and_hint(
    lix: Lix, name: str, value: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LixError) as caught:
        CALLS[name][0](lix, value)
    error = caught.value
    assert error.code != "LIX_ERROR_UNKNOWN"
    assert error.hint
    assert lix.check() == []


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, bad in OPENINGS.items() for value in bad], ids=repr
)
def test_open_refuses_by_code_and_hint(name: str, value: object) -> None:
    with pytest.raises(LixError) as caught:
        lix_vtab.open(**{name: value})  # type: ignore[arg-type]
    assert caught.value.hint


def test_a_message_says_which_argument_of_which_method(lix: Lix) -> None:
    with pytest.raises(LixError) as caught:
        lix.create_checkpoint(5)  # type: ignore[arg-type]
    assert caught.value.message == "create_checkpoint: name must be a text, got 5"
    assert caught.value.details == {"argument": "create_checkpoint: name", "type": "int"}


def test_who_catches_what_python_raises_catches_it_too(lix: Lix) -> None:
    with pytest.raises(TypeError):
        lix.read_file(5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="undo: steps"):
        lix.undo(0)
    with pytest.raises(apsw.MismatchError):
        lix.undo(0)


@pytest.mark.parametrize("connection", [sqlite3.connect(":memory:"), None, 5, apsw.Connection])
def test_load_names_the_way_for_other_connections(connection: Any) -> None:
    with pytest.raises(ArgumentError, match=r"an apsw\.Connection") as caught:
        lix_vtab.load(connection)
    assert "loadable_path" in str(caught.value.hint)
    if isinstance(connection, sqlite3.Connection):
        connection.close()


def test_load_refuses_a_closed_connection_by_code() -> None:
    connection = apsw.Connection("")
    connection.close()
    with pytest.raises(LixError) as caught:
        lix_vtab.load(connection)
    assert caught.value.code == "LIX_ERROR_CLOSED"


def test_time_left_may_be_over_or_endless(lix: Lix) -> None:
    with lix.commits() as stream:
        assert stream.next(timeout=-1) is None
    assert stream.next(timeout=math.inf) is None
    assert stream.next(timeout=2**70) is None


def test_values_are_shown_short() -> None:
    class Silent:
        def __repr__(self) -> str:
            raise RuntimeError

    assert len(shown("x" * 10_000)) < 70
    assert len(shown([1] * 10_000)) < 70
    assert shown(10**5000) == "a value of type int"
    assert shown(Silent()) == "a value of type Silent"
    assert shown("x") == "'x'"


def test_what_the_host_refuses_is_an_error_of_its_own(lix: Lix, tmp_path: Path) -> None:
    lix.write_file("/a.txt", "a")
    file = tmp_path / "file"
    file.write_text("x", encoding="utf-8")
    for target in (file, file / "below", Path("/proc/nothing")):
        with pytest.raises(LixError) as caught:
            lix.export_dir(target)
        assert (caught.value.code, bool(caught.value.hint)) == ("LIX_ERROR_IO", True)
    with pytest.raises(LixError, match="is not a directory: a file is there"):
        lix.import_dir(file)
    with pytest.raises(LixError, match="is not a directory: nothing is there"):
        lix.import_dir(tmp_path / "nope")


METHODS: dict[str, Call] = {
    "execute": lambda lix, _: lix.execute("SELECT 1"),
    "transaction": lambda lix, _: lix.transaction().__enter__(),
    "retry": lambda lix, _: lix.retry(print),
    "explain": lambda lix, _: lix.explain("SELECT 1"),
    "commits": lambda lix, _: lix.commits(),
    "on_commit": lambda lix, _: lix.on_commit(print),
    "observe": lambda lix, _: lix.observe("SELECT 1"),
    "emit": lambda lix, _: lix.emit("mail"),
    "on_effect": lambda lix, _: lix.on_effect("mail", print),
    "run_effects": lambda lix, _: lix.run_effects(),
    "active_version": lambda lix, _: lix.active_version,
    "create_version": lambda lix, _: lix.create_version(),
    "switch_version": lambda lix, pinned: lix.switch_version("main", session=pinned),
    "delete_version": lambda lix, _: lix.delete_version("main"),
    "version": lambda lix, _: lix.version("main"),
    "register_schema": lambda lix, _: lix.register_schema({"x-lix-key": "a"}),
    "rebuild": lambda lix, _: lix.rebuild(),
    "check": lambda lix, _: lix.check(),
    "gc": lambda lix, _: lix.gc(),
    "read_file": lambda lix, _: lix.read_file("/a"),
    "open_file": lambda lix, _: lix.open_file("/a"),
    "write_file": lambda lix, stream: lix.write_file("/a", bytearray() if stream else b""),
    "import_dir": lambda lix, _: lix.import_dir("."),
    "export_dir": lambda lix, _: lix.export_dir("."),
    "install_plugin": lambda lix, _: lix.install_plugin(object()),
    "uninstall_plugin": lambda lix, _: lix.uninstall_plugin("a"),
    "create_checkpoint": lambda lix, _: lix.create_checkpoint(),
    "restore": lambda lix, _: lix.restore("HEAD"),
    "undo": lambda lix, _: lix.undo(),
    "redo": lambda lix, _: lix.redo(),
    "revert": lambda lix, _: lix.revert("HEAD"),
    "connection": lambda lix, _: lix.connection,
}


@pytest.mark.parametrize("other", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_a_closed_lix_names_the_method_that_was_called(
    closed: Lix, method: str, *, other: bool
) -> None:
    with pytest.raises(LixError, match=rf"lix is closed; {method}(\(\))? is unavail") as caught:
        METHODS[method](closed, other)
    assert caught.value.code == "LIX_ERROR_CLOSED"
    assert caught.value.hint


def test_every_method_is_tried() -> None:
    public = {name for name in dir(Lix) if not name.startswith("_")}
    assert public == {*METHODS, "close"}
