"""From a run to tables: ratios to the floor and the peers, targets met or missed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.compare.operations import OPERATIONS, Operation, Target
from benchmarks.compare.sides import SIDES
from benchmarks.compare.statistics import verdict
from benchmarks.text import markdown, number

__all__ = ["Line", "figures_table", "lines", "notes_list", "ratios_table"]

PEERS = [name for name in SIDES if name not in ("lix", "floor")]
BY_KEY = {operation.key: operation for operation in OPERATIONS}


@dataclass(frozen=True, slots=True)
class Line:
    """One operation in one place: our figure, what it is compared with, and the verdict."""

    operation: Operation
    place: str
    ours: float | None
    p95: float | None
    floor: float | None
    peer: str | None
    theirs: float | None
    target: str
    verdict: str

    @property
    def to_floor(self) -> float | None:
        """Return ours / floor."""
        return self.ours / self.floor if self.ours is not None and self.floor else None

    @property
    def to_peer(self) -> float | None:
        """Return ours / best peer."""
        return self.ours / self.theirs if self.ours is not None and self.theirs else None


def lines(results: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Judge every result, in the order of the numbers of their rows."""
    found = [_line(result, results) for result in results if result["operation"] in BY_KEY]
    keys = list(BY_KEY)
    return sorted(found, key=lambda line: (line.operation.row, keys.index(line.operation.key)))


def _line(result: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> Line:
    operation, place, sides = BY_KEY[result["operation"]], result["place"], result["sides"]
    ours = sides.get("lix", {}).get("median")
    floor = sides.get("floor", {}).get("median")
    peers = {name: sides[name]["median"] for name in PEERS if "median" in sides.get(name, {})}
    best = min(peers, key=peers.__getitem__, default=None)
    target = operation.targets.get(place, Target())
    said = "not available" if ours is None else _judge(ours, floor, target, place, results)
    return Line(
        operation=operation,
        place=place,
        ours=ours,
        p95=sides.get("lix", {}).get("p95"),
        floor=floor,
        peer=best,
        theirs=peers.get(best) if best else None,
        target=_target_text(target, operation.unit),
        verdict=said,
    )


def _judge(
    ours: float,
    floor: float | None,
    target: Target,
    place: str,
    results: Sequence[Mapping[str, Any]],
) -> str:
    """Compare by ratio where there is one to compare with, else by the figure itself."""
    if target.times is not None:
        now = next(
            (
                result["sides"].get("lix", {}).get("median")
                for result in results
                if result["operation"] == target.of and result["place"] == place
            ),
            None,
        )
        return "not comparable" if now is None else verdict(ours / now, target.times)
    if target.floor is not None and floor:
        return verdict(ours / floor, target.floor)
    return verdict(ours, target.most)


def _target_text(target: Target, unit: str) -> str:
    if target.of is not None:
        return f"{number(target.times)}x {BY_KEY[target.of].title}"
    parts = []
    if target.floor is not None:
        parts.append(f"{number(target.floor)}x floor")
    if target.most is not None:
        parts.append(f"{number(target.most)} {unit}")
    return " / ".join(parts)


def ratios_table(results: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of ratios."""
    rows = [
        (
            line.operation.row,
            _title(line),
            number(line.ours),
            number(line.p95),
            number(line.floor),
            number(line.to_floor),
            SIDES[line.peer].title if line.peer else "",
            number(line.theirs),
            number(line.to_peer),
            line.target,
            line.verdict,
        )
        for line in lines(results)
    ]
    head = "# | operation | lix_vtab | p95 | floor | x floor | best peer | its figure | x peer"
    return markdown((*head.split(" | "), "target", "verdict"), rows, right={0, 2, 3, 4, 5, 7, 8})


def figures_table(results: Sequence[Mapping[str, Any]]) -> str:
    """Return every side's median."""
    by_place = {(result["operation"], result["place"]): result["sides"] for result in results}
    rows = []
    for line in lines(results):
        sides = by_place[line.operation.key, line.place]
        medians = [number(sides.get(name, {}).get("median")) for name in SIDES]
        rows.append((line.operation.row, _title(line), *medians))
    titles = [recipe.title for recipe in SIDES.values()]
    return markdown(("#", "operation", *titles), rows, right={0, *range(2, 2 + len(titles))})


def _title(line: Line) -> str:
    unit = "" if line.operation.unit == "ms" else f" ({line.operation.unit})"
    return f"{line.operation.title}{' (file)' if line.place == 'file' else ''}{unit}"


def notes_list(sides: Mapping[str, Any], results: Iterable[Mapping[str, Any]]) -> str:
    """Return who took part, and what there is no figure for."""
    said = []
    for name, side in sides.items():
        notes = "; ".join(side.get("notes", ())) or side.get("note", "")
        version = f" {side['version']}" if "version" in side else ""
        said.append(f"- **{SIDES[name].title}**{version}{f': {notes}' if notes else ''}")
        reasons: dict[str, list[str]] = {}
        for result in results:
            note = result["sides"].get(name, {}).get("note")
            if note is not None and "note" not in side:
                place = " (file)" if result["place"] == "file" else ""
                reasons.setdefault(note, []).append(f"{result['operation']}{place}")
        said += [f"  - no {', '.join(each)}: {reason}" for reason, each in reasons.items()]
    return "\n".join(said)
