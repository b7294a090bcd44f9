"""The parts of docs/performance.md that are made from runs."""

from __future__ import annotations

from typing import Any

from benchmarks import growth, memory, profiles
from benchmarks.compare.chart import chart
from benchmarks.compare.report import figures_table, notes_list, ratios_table
from benchmarks.documents import Section
from benchmarks.machine import machine_line

__all__ = ["SECTIONS"]


def compare(run: dict[str, Any]) -> tuple[str, str]:
    """Ratios, the picture, all figures, and who took part."""
    results = run["results"]
    size = max(result["size"] for result in results)
    parts = [
        f"{machine_line(run['machine'])} {size:,} rows or files; milliseconds, medians.",
        ratios_table(results),
        "![Median time of each operation](performance-compare.svg)",
        "Every side's median:",
        figures_table(results),
        "Who took part, and what there is no figure for:",
        notes_list(run["sides"], results),
    ]
    return "\n\n".join(parts), chart(results)


SECTIONS: dict[str, Section] = {
    "compare": compare,
    "growth": growth.section,
    "profiles": profiles.section,
    "memory": memory.section,
}
