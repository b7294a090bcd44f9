"""How fast this machine is just now, for the few bounds that are said in microseconds."""

from __future__ import annotations

import time

__all__ = ["pace"]

USUAL = 46e-6
"""What one round of the yardstick takes on the machine the bounds were set on."""


def pace() -> float:
    """Return how many times longer than usual Python takes here and now, at least 1."""
    return max(1.0, min(_round() for _ in range(50)) / USUAL)


def _round() -> float:
    start = time.process_time()
    for number in range(1_000):
        _step(number)
    return time.process_time() - start


def _step(number: int) -> int:
    return number + 1
