"""The run: every operation on every side, in turns, so that a busy moment hits all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from benchmarks.compare.child import Child, Gone
from benchmarks.compare.operations import Operation
from benchmarks.compare.statistics import summarise
from benchmarks.peers.scale import Scale

__all__ = ["Options", "Run"]


@dataclass(frozen=True, slots=True)
class Options:
    """How long to measure: `seconds` for each side and operation, in `rounds` turns.

    `limit` is how long a side may take to prepare a fixture or to answer. `clock` is "wall" or
    "cpu", processor time.
    """

    scale: Scale = field(default_factory=Scale)
    seconds: float = 1.0
    rounds: int = 5
    limit: float = 300.0
    most: int = 400
    clock: str = "wall"


class Run:
    """One run over several sides."""

    def __init__(
        self,
        children: Mapping[str, Child],
        options: Options,
        say: Callable[[str], None],
        rows: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """Take turns among `children`; `rows` bounds the fixtures of those that have a bound."""
        self._children = children
        self._options = options
        self._scales = {
            name: Scale(min(options.scale.rows, rows.get(name, options.scale.rows))).as_dict()
            for name in children
        }
        self._say = say
        self._unprepared: dict[tuple[str, str, str], str] = {}

    def measure(self, wanted: Sequence[tuple[Operation, str]]) -> list[dict[str, Any]]:
        """Measure operations, each in its place, and return a result for each."""
        results = []
        for operation, place in wanted:
            started = time.monotonic()
            sides = self._operation(operation, place)
            results.append(
                {
                    "operation": operation.key,
                    "place": place,
                    "size": self._options.scale.rows,
                    "sides": sides,
                }
            )
            self._say(_line(operation, place, sides, time.monotonic() - started))
        return results

    def _operation(self, operation: Operation, place: str) -> dict[str, dict[str, Any]]:
        """Return a summary, or a note that says why there is none, for every side."""
        notes: dict[str, str] = {}
        times: dict[str, int] = {}
        samples: dict[str, list[list[float]]] = {}
        for name in self._children:
            try:
                self._prepare(name, operation.fixture, place)
                first, times[name] = self._warm(name, operation)
                samples[name] = [first] if not times[name] else []
            except _NoFigure as reason:
                notes[name] = str(reason)
        order = [name for name in times if times[name]]
        for _ in range(1 if operation.most == 1 else self._options.rounds):
            for name in [name for name in order if name in times]:
                try:
                    samples[name].append(self._run(name, operation, times[name]))
                except _NoFigure as reason:
                    notes[name] = str(reason)
                    del times[name]
            order.reverse()
        figures = {name: summarise(samples[name]).as_dict() for name in times}
        return {name: figures.get(name) or {"note": notes[name]} for name in self._children}

    def _prepare(self, name: str, fixture: str, place: str) -> None:
        """Make the fixture on a side, unless it failed to before."""
        key = (name, fixture, place)
        if key not in self._unprepared:
            try:
                self._ask(
                    name,
                    do="prepare",
                    fixture=fixture,
                    scale=self._scales[name],
                    place=place,
                )
                return
            except _NoFigure as reason:
                self._unprepared[key] = str(reason)
        raise _NoFigure(self._unprepared[key])

    def _warm(self, name: str, operation: Operation) -> tuple[list[float], int]:
        """Warm a side up; return what that took, and how often to run it in each round.

        What takes many times the seconds there are is not run again: 0.
        """
        if operation.most == 1:
            return [], 1
        options = self._options
        most = min(operation.most, options.most)
        start = time.monotonic()
        first: list[float] = []
        batch = 1
        while len(first) < most and time.monotonic() - start < options.seconds / 3:
            first += self._run(name, operation, batch)
            batch = min(2 * batch, most - len(first))
        seconds = (time.monotonic() - start) / len(first)
        if seconds > 10 * options.seconds:
            return first, 0
        share = options.seconds / options.rounds / max(seconds, 1e-6)
        return first, max(1, min(int(share), most // options.rounds))

    def _run(self, name: str, operation: Operation, times: int) -> list[float]:
        answer = self._ask(
            name, do="run", operation=operation.key, times=times, clock=self._options.clock
        )
        factor = 1e3 if operation.unit == "ms" else 1.0
        if operation.per is not None:
            factor /= self._scales[name][operation.per]
        return [sample * factor for sample in answer["samples"]]

    def _ask(self, name: str, **request: Any) -> dict[str, Any]:
        try:
            answer = self._children[name].ask(self._options.limit, **request)
        except Gone as error:
            raise _NoFigure(f"{error}") from error
        if "missing" in answer:
            raise _NoFigure(f"not available: {answer['missing']}")
        if "failed" in answer:
            raise _NoFigure(f"failed: {answer['failed']}")
        return answer


class _NoFigure(Exception):
    """A side has no figure for an operation; the text says why."""


def _line(
    operation: Operation, place: str, sides: Mapping[str, Mapping[str, Any]], seconds: float
) -> str:
    figures = ", ".join(
        f"{name} {side['median']:.4g}" if "median" in side else f"{name} -"
        for name, side in sides.items()
    )
    return f"{operation.row:>2} {operation.key} ({place}): {figures}  [{seconds:.1f} s]"
