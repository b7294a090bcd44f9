"""Thousands of observed queries: a commit costs those it concerns.

python -m benchmarks.bench_observe
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest

import lix_vtab

OBSERVERS = 5_000
INSERT = "INSERT INTO lix_key_value (key, value) VALUES (?, ?)"
UPDATE = "UPDATE lix_key_value SET value = ? WHERE key = ?"
ONE = "SELECT value FROM lix_key_value WHERE key = ?"


class Crowd:
    """A lix with many observed queries that differ in a literal."""

    def __init__(self, count: int) -> None:
        self.lix = lix_vtab.open()
        with self.lix.transaction() as transaction:
            for number in range(max(count, 1)):
                transaction.execute(INSERT, (f"key {number}", 0))
        begin = time.perf_counter()
        self.observations = [self.lix.observe(ONE, (f"key {number}",)) for number in range(count)]
        for observation in self.observations:
            observation.next()
        self.seconds = time.perf_counter() - begin
        self._value = 0

    def write(self) -> None:
        """Change the row of one of them."""
        self._value += 1
        self.lix.execute(UPDATE, (self._value, "key 0"))

    def marked(self) -> int:
        """Count the queries that would run again."""
        return sum(observation._watch.trigger is not None for observation in self.observations)


def microseconds(work: Callable[[], object], rounds: int = 200) -> float:
    """Return the median time of `work`."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1e6


def test_a_commit_marks_only_what_it_concerns() -> None:
    crowd = Crowd(OBSERVERS)
    crowd.write()
    assert crowd.marked() == 1
    crowd.lix.close()


@pytest.mark.parametrize("count", [0, 1, 100, OBSERVERS])
def test_commit(benchmark: Callable[..., object], count: int) -> None:
    crowd = Crowd(count)
    benchmark(crowd.write)
    crowd.lix.close()


def main() -> None:
    """Print what a commit and an event cost with few and with many observers."""
    print("observers   start each    commit  commit + event  idle poll")
    for count in (0, 1, 100, 1000, OBSERVERS):
        crowd = Crowd(count)
        each = crowd.seconds / max(count, 1) * 1e6
        commit = microseconds(crowd.write)
        event = idle = float("nan")
        if count:
            first, last = crowd.observations[0], crowd.observations[-1]
            first.try_next()
            event = microseconds(lambda c=crowd, o=first: (c.write(), o.try_next()))
            idle = microseconds(last.try_next)
        print(f"{count:>9} {each:>10.0f}us {commit:>7.0f}us {event:>13.0f}us {idle:>8.1f}us")
        crowd.lix.close()


if __name__ == "__main__":
    main()
