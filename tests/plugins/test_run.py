"""Guarded calls: limits, one kind of error, nothing odd let through."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from lix_vtab.errors import PluginError
from lix_vtab.plugins import EntityChange, File, PluginInternal, PluginInvalidInput, StateContext
from lix_vtab.plugins.answer import MOST_CHANGES
from lix_vtab.plugins.run import DetectedChange, PluginRunner, apply, detect
from lix_vtab.plugins.watchdog import TimeLimitExceeded, Watchdog
from tests.pace import pace

FILE = File("file-1", "/a.thing", b"data")
SCHEMA = {"x-lix-key": "thing", "x-lix-version": "1"}


@dataclass
class Odd:
    """A plugin made of what a test needs."""

    on_detect: Callable[..., Any] = lambda *_: []
    on_apply: Callable[..., Any] = lambda *_: b""
    on_invalid: str = "error"
    key: str = "odd"
    schemas: list[dict[str, str]] = field(default_factory=lambda: [SCHEMA])

    @property
    def manifest(self) -> dict[str, Any]:
        return {"key": self.key, "on_invalid": self.on_invalid}

    def detect_changes(self, before: Any, after: Any, state_context: Any) -> Any:
        return self.on_detect(before, after, state_context)

    def apply_changes(self, file: Any, changes: Any) -> Any:
        return self.on_apply(file, changes)


def raising(problem: BaseException) -> Callable[..., Any]:
    def call(*_: Any) -> Any:
        raise problem

    return call


def test_changes_come_back_checked_and_in_order() -> None:
    def changes(*_: Any) -> Iterator[EntityChange]:
        yield EntityChange("b", "thing", {"z": 1, "a": [None, 1.5, True, "é"]})
        yield EntityChange("a", "thing", None)

    found = detect(Odd(changes), None, FILE)
    assert found.rejected is None
    assert found.changes == (
        DetectedChange("b", "thing", "1", '{"a":[null,1.5,true,"é"],"z":1}'),
        DetectedChange("a", "thing", "1", None),
    )


def test_the_plugin_gets_what_was_given() -> None:
    seen: list[Any] = []
    before, context = File("file-1", "/old.thing", b""), StateContext()
    detect(Odd(lambda *given: seen.append(given) or []), before, FILE, context)
    assert seen == [(before, FILE, context)]
    assert apply(Odd(on_apply=lambda file, changes: file.data * len(changes)), FILE, [1, 2]) == (  # type: ignore[list-item]
        b"datadata"
    )


@pytest.mark.parametrize("data", [b"x", bytearray(b"x"), memoryview(b"x")])
def test_bytes_like_results_become_bytes(data: Any) -> None:
    result = apply(Odd(on_apply=lambda *_: data), FILE, [])
    assert type(result) is bytes
    assert result == b"x"


@pytest.mark.parametrize(
    ("problem", "kind", "text"),
    [
        (PluginInvalidInput("line 3 is bad"), "invalid-input", "line 3 is bad"),
        (PluginInternal("lost my mind"), "internal", "lost my mind"),
        (KeyError("name"), "internal", "KeyError: 'name'"),
        (RecursionError("deep"), "internal", "RecursionError: deep"),
        (SystemExit(3), "internal", "SystemExit: 3"),
        (BaseException("odd"), "internal", "BaseException: odd"),
        (MemoryError(), "internal", "MemoryError"),
    ],
)
def test_every_failure_names_plugin_file_and_reason(
    problem: BaseException, kind: str, text: str
) -> None:
    for call, stage in (
        (lambda: detect(Odd(raising(problem)), None, FILE), "failed to call detect-changes export"),
        (lambda: apply(Odd(on_apply=raising(problem)), FILE, []), "failed to call apply-changes"),
    ):
        with pytest.raises(PluginError) as caught:
            call()
        message = str(caught.value)
        assert all(part in message for part in (stage, "'odd'", "'file-1'", "/a.thing", text))
        assert caught.value.details == {
            "plugin": "odd",
            "file_id": "file-1",
            "path": "/a.thing",
            "kind": kind,
        }
        assert caught.value.__cause__ is problem


def test_a_keyboard_interrupt_passes() -> None:
    with pytest.raises(KeyboardInterrupt):
        detect(Odd(raising(KeyboardInterrupt())), None, FILE)


def test_a_plugin_may_leave_what_it_rejects_to_be_a_blob() -> None:
    found = detect(Odd(raising(PluginInvalidInput("no table")), on_invalid="blob"), None, FILE)
    assert (found.changes, found.rejected) == ((), "no table")
    found = detect(Odd(raising(PluginInvalidInput()), on_invalid="blob"), None, FILE)
    assert found.rejected == "invalid input"
    with pytest.raises(PluginError):
        detect(Odd(raising(ValueError()), on_invalid="blob"), None, FILE)
    with pytest.raises(PluginError):
        apply(Odd(on_apply=raising(PluginInvalidInput()), on_invalid="blob"), FILE, [])


class Text(str):
    """A kind of text JSON does not need to know."""

    __slots__ = ()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"entity_id": "a"}, "expected EntityChange"),
        (None, "expected EntityChange"),
        (EntityChange(1, "thing", {}), "entity_id must be text"),  # type: ignore[arg-type]
        (EntityChange("a", "other", {}), "unknown schema key 'other' .*declares: thing"),
        (EntityChange("a", None, {}), "unknown schema key None"),  # type: ignore[arg-type]
        (EntityChange("a", ["thing"], {}), "unknown schema key"),  # type: ignore[arg-type]
        (EntityChange("a", "thing", {}, ""), "schema_version must be text"),
        (EntityChange("a", "thing", {}, 1), "schema_version must be text"),  # type: ignore[arg-type]
        (
            EntityChange("a", "thing", {}, "2"),
            "unknown version '2' of schema 'thing' .*declares: 1",
        ),
        (EntityChange("\ud800", "thing", {}), "entity_id must be text"),
        (EntityChange("a", "thing", {"a": "\ud800"}), "is not JSON: .*surrogates not allowed"),
        (EntityChange("a", "thing", {1}), "is not JSON"),
        (EntityChange("a", "thing", {1: 2}), "is not JSON"),
        (EntityChange("a", "thing", {"a": b""}), "is not JSON"),
        (EntityChange("a", "thing", {"a": float("nan")}), "is not JSON: nan"),
        (EntityChange("a", "thing", {"a": {"b": [float("inf")]}}), "is not JSON: inf"),
        (EntityChange("a", "thing", {"a": Text("x"), "b": object()}), "is not JSON"),
    ],
)
def test_nonsense_is_refused(change: Any, text: str) -> None:
    with pytest.raises(PluginError, match=text) as caught:
        detect(Odd(lambda *_: [change]), None, FILE)
    assert "failed to decode plugin output for key 'odd'" in str(caught.value)
    assert caught.value.details["kind"] == "nonsense"


@pytest.mark.parametrize("result", [None, 5])
def test_a_result_that_is_no_sequence(result: Any) -> None:
    with pytest.raises(PluginError, match="TypeError"):
        detect(Odd(lambda *_: result), None, FILE)


@pytest.mark.parametrize("result", [None, "text", [1]])
def test_a_result_that_is_no_bytes(result: Any) -> None:
    with pytest.raises(PluginError, match=r"apply_changes returned (NoneType|str|list), not bytes"):
        apply(Odd(on_apply=lambda *_: result), FILE, [])


def test_an_answer_without_end_is_given_up() -> None:
    endless = (EntityChange(f"{number}", "thing", None) for number in count())
    with pytest.raises(PluginError, match=f"more than {MOST_CHANGES + 4 * len(FILE.data)} changes"):
        PluginRunner(time_limit=None).detect(Odd(lambda *_: endless), None, FILE)
    again = (EntityChange("a", "thing", None) for _ in count())
    with pytest.raises(PluginError, match="duplicate change key"):
        PluginRunner(time_limit=None).detect(Odd(lambda *_: again), None, FILE)


def test_deep_nesting_is_refused_and_not_a_crash() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(PluginError, match="is not JSON"):
        detect(Odd(lambda *_: [EntityChange("a", "thing", deep)]), None, FILE)
    while deep:
        deep = deep[0]


def test_one_entity_may_be_named_once() -> None:
    changes = [EntityChange("a", "thing", {}), EntityChange("a", "thing", None)]
    with pytest.raises(PluginError, match="duplicate change key for plugin 'odd' file 'file-1'"):
        detect(Odd(lambda *_: changes), None, FILE)


def test_a_hanging_plugin_is_stopped() -> None:
    def hang(*_: Any) -> Any:
        while True:
            pass

    runner = PluginRunner(time_limit=0.05)
    start = time.perf_counter()
    with pytest.raises(PluginError, match=r"\(timeout\) .*stopped after 0.05 s"):
        runner.detect(Odd(hang), None, FILE)
    with pytest.raises(PluginError, match=r"\(timeout\)"):
        runner.apply(Odd(on_apply=hang), FILE, [])
    assert time.perf_counter() - start < 20
    runner.time_limit = 20
    assert runner.detect(Odd(), None, FILE).changes == ()


def test_a_generator_that_never_ends_is_stopped() -> None:
    def forever(*_: Any) -> Iterator[EntityChange]:
        while True:
            yield from ()

    with pytest.raises(PluginError, match="timeout"):
        PluginRunner(time_limit=0.05).detect(Odd(forever), None, FILE)


def test_swallowing_the_exception_does_not_help() -> None:
    def stubborn() -> None:
        while True:
            with contextlib.suppress(BaseException):
                time.perf_counter()

    with pytest.raises(TimeLimitExceeded):
        Watchdog().call(0.05, stubborn)


def test_no_limit() -> None:
    assert PluginRunner(time_limit=None).detect(Odd(), None, FILE).changes == ()


def test_limits_hold_in_every_thread_and_nested() -> None:
    watchdog = Watchdog()
    outcomes: list[str] = []

    def loop() -> None:
        while True:
            pass

    def worker(limit: float) -> None:
        try:
            watchdog.call(limit, loop)
        except TimeLimitExceeded as problem:
            outcomes.append(f"{problem.limit:g}")

    threads = [threading.Thread(target=worker, args=(limit,)) for limit in (0.15, 0.05, 0.1)]
    for thread in threads:
        thread.start()
    assert watchdog.call(20, lambda: watchdog.call(20, lambda: "both")) == "both"
    for thread in threads:
        thread.join(10)
    assert sorted(outcomes) == ["0.05", "0.1", "0.15"]
    with pytest.raises(TimeLimitExceeded) as caught:
        watchdog.call(0.05, watchdog.call, 20, loop)
    assert caught.value.limit == 0.05


def test_calls_that_end_at_the_deadline_leave_nothing_behind() -> None:
    watchdog = Watchdog()
    stopped = 0
    for number in range(60):
        until = time.perf_counter() + 0.002
        try:
            watchdog.call(0.002, lambda until=until: _spin(until))  # type: ignore[misc]
        except TimeLimitExceeded:
            stopped += 1
        assert sum(range(500)) == 124750, number
    assert stopped <= 60


AFTERWARDS = """
import cProfile, sys, threading
from lix_vtab.plugins.watchdog import TimeLimitExceeded, Watchdog

def loop():
    while True:
        pass

def late():
    try:
        loop()
    except BaseException:
        return "late"

watchdog = Watchdog()
for call in (loop, late):
    try:
        assert watchdog.call(0.02, call) == "late"
    except TimeLimitExceeded:
        pass
    profiler = cProfile.Profile()
    profiler.runcall(lambda: None)
    sys.settrace(lambda *event: None)
    (lambda: None)()
    sys.settrace(None)
"""


def test_a_debugger_runs_after_a_call_was_stopped() -> None:
    """An exception that is announced and never comes stops CPython 3.11 under any tracer."""
    done = subprocess.run([sys.executable, "-c", AFTERWARDS], timeout=60, check=False)
    assert done.returncode == 0


def test_whoever_comes_as_the_watch_ends_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lix_vtab.plugins.watchdog._IDLE_SECONDS", 0.0)
    watchdog = Watchdog()
    for number in range(300):
        assert watchdog.call(20, lambda number=number: number) == number  # type: ignore[misc]
        if number % 30 == 0:
            with pytest.raises(TimeLimitExceeded):
                watchdog.call(0.005, _spin, time.perf_counter() + 20)


def _spin(until: float) -> None:
    while time.perf_counter() < until:
        pass


def test_the_watching_thread_goes_away_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lix_vtab.plugins.watchdog._IDLE_SECONDS", 0.01)
    watchdog = Watchdog()
    for _ in range(2):
        assert watchdog.call(0.5, lambda: 1) == 1
        deadline = time.perf_counter() + 20
        while watchdog._thread is not None and time.perf_counter() < deadline:
            time.sleep(0.005)
        assert watchdog._thread is None
    with pytest.raises(TimeLimitExceeded):
        watchdog.call(0.02, _spin, time.perf_counter() + 20)


def test_a_normal_call_costs_little() -> None:
    runner, plugin = PluginRunner(), Odd()
    runner.detect(plugin, None, FILE)
    costs = []
    for _ in range(200):
        start = time.perf_counter()
        runner.detect(plugin, None, FILE)
        costs.append(time.perf_counter() - start)
    assert min(costs) < 50e-6 * pace()
