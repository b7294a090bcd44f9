"""Medians, percentiles, ratios, and whether a target is met."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Summary", "percentile", "summarise", "verdict"]


@dataclass(frozen=True, slots=True)
class Summary:
    """What the samples of one side amount to.

    `low` and `high` are the least and the greatest median of a round: how much the machine
    disagreed with itself.
    """

    median: float
    p95: float
    low: float
    high: float
    samples: int

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


def percentile(samples: Sequence[float], share: float) -> float:
    """Return the smallest sample that at least `share` of all do not exceed (nearest rank)."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def summarise(rounds: Sequence[Sequence[float]]) -> Summary:
    """Summarise the samples of several rounds."""
    samples = [sample for each in rounds for sample in each]
    medians = [statistics.median(each) for each in rounds if each]
    return Summary(
        median=statistics.median(samples),
        p95=percentile(samples, 0.95),
        low=min(medians),
        high=max(medians),
        samples=len(samples),
    )


def verdict(figure: float, bound: float | None) -> str:
    """Say whether a figure keeps to its bound, or by how much it misses it."""
    if bound is None:
        return "no target"
    if figure <= bound:
        return "met"
    return f"missed {_times(figure / bound)}" if bound > 0 else "missed"


def _times(ratio: float) -> str:
    return f"{ratio:.2f}x" if ratio < 10 else f"{ratio:.0f}x"
