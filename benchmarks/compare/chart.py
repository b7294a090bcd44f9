"""The comparison as a picture: a line of dots for each operation, on a logarithmic axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log10
from typing import Any

from benchmarks.compare.report import BY_KEY, lines
from benchmarks.compare.sides import SIDES
from benchmarks.svg import COLOURS, Drawing, decades, time_label

__all__ = ["chart"]

LEFT, RIGHT, TOP, STEP, WIDTH = 300, 30, 70, 20, 900


def chart(results: Sequence[Mapping[str, Any]]) -> str:
    """Draw every operation that takes time, with its target as a tick."""
    sides = {(each["operation"], each["place"]): each["sides"] for each in results}
    timed = [
        (line, sides[line.operation.key, line.place])
        for line in lines(results)
        if line.operation.unit == "ms"
    ]
    figures = [side["median"] for _, each in timed for side in each.values() if "median" in side]
    if not figures:
        return str(Drawing(WIDTH, TOP, "nothing was measured"))
    powers = decades(min(figures), max(figures))
    drawing = Drawing(WIDTH, TOP + STEP * len(timed) + 20, "median time of each operation")

    def across(milliseconds: float) -> float:
        share = (log10(milliseconds) - powers[0]) / (powers[-1] - powers[0])
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    _frame(drawing, powers, across, TOP + STEP * len(timed))
    for index, (line, each) in enumerate(timed):
        y = TOP + STEP * index + STEP / 2
        place = " (file)" if line.place == "file" else ""
        title = f"{BY_KEY[line.operation.key].title}{place}"
        drawing.text(LEFT - 10, y + 4, title, size=11, anchor="end")
        drawing.line(LEFT, y, WIDTH - RIGHT, y)
        target = line.operation.targets.get(line.place)
        if target is not None and target.most:
            x = across(max(min(target.most, 10.0 ** powers[-1]), 10.0 ** powers[0]))
            drawing.line(x, y - 7, x, y + 7, colour="#111827", width=2)
        for colour, (name, recipe) in reversed([*zip(COLOURS, SIDES.items(), strict=False)]):
            median = each.get(name, {}).get("median")
            if median:
                label = f"{recipe.title}: {median:.3g} ms"
                drawing.dot(across(median), y, colour, label, 6 if name == "lix" else 4)
    return str(drawing)


def _frame(drawing: Drawing, powers: range, across: Any, bottom: float) -> None:
    x = 20
    for colour, recipe in zip(COLOURS, SIDES.values(), strict=False):
        drawing.dot(x, 20, colour)
        drawing.text(x + 9, 24, recipe.title)
        x += 30 + 8 * len(recipe.title)
    drawing.line(x, 13, x, 27, colour="#111827", width=2)
    drawing.text(x + 9, 24, "target")
    for power in powers:
        drawing.line(across(10.0**power), TOP - 8, across(10.0**power), bottom)
        drawing.text(across(10.0**power), TOP - 14, time_label(power), size=10, anchor="middle")
