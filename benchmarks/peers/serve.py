"""What a side is, and the loop that serves it: a line of JSON in, a line of JSON out.

    {"do": "describe"}                                           -> {"version": ..., "notes": [...]}
    {"do": "prepare", "fixture": ..., "scale": ..., "place": ...} -> {}
    {"do": "run", "operation": ..., "times": n, "clock": "wall"} -> {"samples": [...]}
    {"do": "forget"}                                             -> {}

A side answers {"missing": reason} to what it does not have, and {"failed": message} to what went
wrong; it goes on either way. Samples are seconds, or the figure itself where the operation is no
duration. The clock runs inside the side, so that the pipe costs nobody anything; it is the wall
clock, or with "cpu" the processor time of the side, which a busy machine disturbs less.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["Action", "Missing", "Side", "serve"]


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


class Missing(Exception):
    """This side does not offer it."""


@dataclass(frozen=True, slots=True)
class Action:
    """One operation, ready to run: `call` is timed with what the untimed `setup` returned.

    With `figure`, `call` returns the sample itself.
    """

    call: Callable[..., Any]
    setup: Callable[[], Iterable[Any]] = tuple
    figure: bool = False

    def sample(self, times: int, clock: str = "wall") -> list[float]:
        """Run it and return its samples."""
        now = CLOCKS[clock]
        samples = []
        for _ in range(times):
            arguments = tuple(self.setup())
            start = now()
            result = self.call(*arguments)
            samples.append(float(result) if self.figure else now() - start)
        return samples


class Side(Protocol):
    """A side of the comparison."""

    def describe(self) -> dict[str, Any]:
        """Return `version` and `notes`."""

    def prepare(self, fixture: str, scale: Mapping[str, int], directory: str | None) -> None:
        """Make a fixture, in memory or in an empty directory; raise Missing if it cannot."""

    def action(self, operation: str) -> Action:
        """Return an operation on the prepared fixture, or raise Missing."""

    def close(self) -> None:
        """Let go of the fixture."""


def serve(side: Side) -> None:
    """Answer requests until the pipe ends. Whatever else is printed goes to standard error."""
    with os.fdopen(os.dup(1), "w", buffering=1) as out:
        os.dup2(2, 1)
        directory = tempfile.mkdtemp(prefix="compare-")
        server = _Server(side, directory)
        try:
            for line in sys.stdin:
                print(json.dumps(server.answer(json.loads(line))), file=out)
        finally:
            server.forget()
            shutil.rmtree(directory, ignore_errors=True)


class _Server:
    def __init__(self, side: Side, directory: str) -> None:
        self._side, self._directory = side, directory
        self._prepared: tuple[str, str] | None = None
        self._actions: dict[str, Action] = {}
        self._count = 0

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return getattr(self, request.pop("do"))(**request)
        except Missing as reason:
            return {"missing": str(reason)}
        except Exception as error:
            return {"failed": f"{type(error).__name__}: {error}"[:500]}

    def describe(self) -> dict[str, Any]:
        return self._side.describe()

    def prepare(self, fixture: str, scale: dict[str, int], place: str) -> dict[str, Any]:
        if self._prepared != (fixture, place):
            self.forget()
            self._count += 1
            directory = None
            if place == "file":
                directory = os.path.join(self._directory, f"{self._count}")
                os.mkdir(directory)
            self._side.prepare(fixture, scale, directory)
            self._prepared = (fixture, place)
        return {}

    def run(self, operation: str, times: int, clock: str) -> dict[str, Any]:
        action = self._actions.get(operation)
        if action is None:
            action = self._actions[operation] = self._side.action(operation)
        return {"samples": action.sample(times, clock)}

    def forget(self) -> dict[str, Any]:
        self._prepared = None
        self._actions.clear()
        self._side.close()
        return {}
