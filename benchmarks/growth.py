"""Cost against size, with fitted exponents; ends with 1 when one exceeds its bound.

python -m benchmarks.growth                  up to 100,000 rows: some minutes
python -m benchmarks.growth --full           up to 1,000,000 rows, 10,000 commits and leaves
python -m benchmarks.growth --against rows   one kind of size
"""

from __future__ import annotations

import argparse
import gc
import math
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import apsw

from benchmarks import documents
from benchmarks.growth_laws import LAWS, SIZES, WORLDS, Law, World
from benchmarks.machine import describe_machine, machine_line
from benchmarks.svg import COLOURS, Drawing, decades, time_label
from benchmarks.text import markdown, number

__all__ = ["chart", "exponent", "main", "section", "table"]

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    chosen = _parse(arguments)
    run: dict[str, Any] = {"machine": describe_machine() | {"clock": chosen.clock}}
    run["results"] = [
        result
        for against in chosen.against
        for result in measure(against, _sizes(against, chosen), CLOCKS[chosen.clock])
    ]
    print(table(run["results"]))
    if chosen.svg is not None:
        chosen.svg.write_text(chart(run["results"]))
    if chosen.json is not None:
        documents.save("growth", run, chosen.json)
    elif not chosen.quick:
        whole = documents.merge(documents.load("growth"), run, "title", "against")
        print(f"kept in {documents.save('growth', whole)}", file=sys.stderr)
    return int(any(_exceeds(result) for result in run["results"]))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.growth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--against", nargs="+", default=list(SIZES), choices=SIZES)
    parser.add_argument("--full", action="store_true", help="the largest sizes too")
    parser.add_argument("--quick", action="store_true", help="tiny sizes; nothing is kept")
    parser.add_argument("--clock", default="wall", choices=CLOCKS, help="cpu: processor time")
    parser.add_argument("--json", type=Path, help="write the run here instead of keeping it")
    parser.add_argument("--svg", type=Path, help="write the picture here")
    return parser.parse_args(arguments)


def _sizes(against: str, chosen: argparse.Namespace) -> list[int]:
    usual, full = SIZES[against]
    if chosen.quick:
        return [size // 10 or 1 for size in usual[:2]] if usual[1] > 1_000 else usual[:2]
    return full if chosen.full else usual


def measure(against: str, sizes: Sequence[int], now: Callable[[], float]) -> list[dict[str, Any]]:
    """Time every law of one kind of size; a law that cannot be timed gets a note."""
    laws = [law for law in LAWS if law.against == against]
    times: dict[str, list[float]] = {law.title: [] for law in laws}
    notes: dict[str, str] = {}
    for size in sizes:
        print(f"{against}: {size:,}", file=sys.stderr, flush=True)
        world = WORLDS[against](size)
        for law in laws:
            if law.title not in notes:
                try:
                    times[law.title].append(_median(law, world, now))
                except apsw.SQLError as error:
                    notes[law.title] = f"not available: {error}"
        world.lix.close()
        gc.collect()
    return [_result(law, sizes, times[law.title], notes.get(law.title)) for law in laws]


def _median(law: Law, world: World, now: Callable[[], float]) -> float:
    """Return the median time of an action in milliseconds, after some to warm up."""
    action = law.actions(world)
    if law.rounds > 1:
        action()
    times = []
    for _ in range(law.rounds):
        start = now()
        action()
        times.append(now() - start)
    return statistics.median(times) * 1e3


def _result(
    law: Law, sizes: Sequence[int], times: Sequence[float], note: str | None
) -> dict[str, Any]:
    result: dict[str, Any] = {"title": law.title, "against": law.against, "bound": law.bound}
    if note is not None:
        return result | {"note": note}
    return result | {
        "sizes": list(sizes),
        "times": list(times),
        "exponent": steepest(sizes, times),
    }


def exponent(sizes: Sequence[float], times: Sequence[float]) -> float:
    """Return the slope of a line through the points in log-log space.

    >>> round(exponent([1, 10, 100], [2, 200, 20_000]), 3)
    2.0
    """
    x = [math.log(size) for size in sizes]
    y = [math.log(milliseconds) for milliseconds in times]
    return statistics.linear_regression(x, y).slope


def steepest(sizes: Sequence[float], times: Sequence[float]) -> float:
    """Return the exponent over all sizes or over the last step, whichever is greater.

    What every operation costs at least hides growth among small sizes, so the last step counts.
    """
    return max(exponent(sizes, times), exponent(sizes[-2:], times[-2:]))


def _exceeds(result: Mapping[str, Any]) -> bool:
    return bool(result.get("exponent", -1) > result["bound"])


def table(results: Sequence[Mapping[str, Any]]) -> str:
    """Return all laws in one table."""
    rows = [
        (
            result["title"],
            result["against"],
            ", ".join(number(time) for time in result.get("times", ())) or result["note"],
            f"{result['sizes'][0]:,} to {result['sizes'][-1]:,}" if "sizes" in result else "",
            f"{result['exponent']:+.2f}" if "exponent" in result else "",
            f"{result['bound']:.2f}",
            "exceeds" if _exceeds(result) else "holds" if "exponent" in result else "unknown",
        )
        for result in results
    ]
    head = ("what", "against", "ms at each size", "sizes", "exponent", "bound", "law")
    return markdown(head, rows, right={4, 5})


def chart(results: Sequence[Mapping[str, Any]]) -> str:
    """Draw a small log-log picture for each kind of size."""
    kinds = [kind for kind in SIZES if any(each["against"] == kind for each in results)]
    timed = [each for each in results if "times" in each]
    width, height, columns = 440, 300, 2
    drawing = Drawing(width * columns, height * -(-len(kinds) // columns), "cost against size")
    for index, kind in enumerate(kinds):
        x, y = width * (index % columns), height * (index // columns)
        _panel(drawing, x, y, kind, [each for each in timed if each["against"] == kind])
    return str(drawing)


def _panel(
    drawing: Drawing, left: int, top: int, kind: str, results: Sequence[Mapping[str, Any]]
) -> None:
    drawing.text(left + 60, top + 20, f"against {kind}", size=13)
    if not results:
        return
    sizes = [size for each in results for size in each["sizes"]]
    times = [time for each in results for time in each["times"]]
    across, up = decades(min(sizes), max(sizes)), decades(min(times), max(times))

    def place(size: float, milliseconds: float) -> tuple[float, float]:
        x = (math.log10(size) - across[0]) / (across[-1] - across[0])
        y = (math.log10(milliseconds) - up[0]) / (up[-1] - up[0])
        return left + 60 + 200 * x, top + 260 - 220 * y

    for power in up:
        start, end = place(10 ** across[0], 10.0**power), place(10 ** across[-1], 10.0**power)
        drawing.line(*start, *end)
        drawing.text(start[0] - 6, start[1] + 4, time_label(power), size=9, anchor="end")
    for power in across:
        x, y = place(10**power, 10.0 ** up[0])
        drawing.text(x, y + 14, f"{10**power:,}", size=9, anchor="middle")
    for index, each in enumerate(results):
        colour = COLOURS[index % len(COLOURS)]
        points = [place(*pair) for pair in zip(each["sizes"], each["times"], strict=True)]
        drawing.path(points, colour)
        for point in points:
            drawing.dot(*point, colour, radius=2.5)
        drawing.dot(left + 275, top + 40 + 16 * index, colour, radius=3)
        drawing.text(left + 283, top + 43 + 16 * index, each["title"], size=8)


def section(run: dict[str, Any]) -> tuple[str, str]:
    """Return the part of docs/performance.md, and its picture."""
    parts = [
        machine_line(run["machine"]),
        table(run["results"]),
        "![Cost against size](performance-growth.svg)",
    ]
    return "\n\n".join(parts), chart(run["results"])


if __name__ == "__main__":
    sys.exit(main())
