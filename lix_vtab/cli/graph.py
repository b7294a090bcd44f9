"""The commit graph, drawn with characters beside a list of commits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lix_vtab.cli.paint import Paint

__all__ = ["Graph"]

_COLOURS = 6


class Graph:
    r"""Draws one commit after the other, children before their parents.

    A lane is a column that waits for a commit; lane `k` is character `2 * k` of a line, lines that
    lead from lane to lane use the characters between.

    >>> graph = Graph(Paint(False))
    >>> for commit, parents in [("d", ["b", "c"]), ("c", ["a"]), ("b", ["a"]), ("a", [])]:
    ...     for line in graph.lines(commit, parents, [commit]): print(line)
    *   d
    |\
    | * c
    * | b
    |/
    * a
    """

    def __init__(self, paint: Paint) -> None:
        self._paint = paint
        self._lanes: list[str | None] = []
        self._drawn = 0  # characters of the last edge, which has colours in it

    def lines(self, commit: str, parents: Sequence[str], text: Sequence[str]) -> Iterator[str]:
        """Yield the lines of one commit, the graph on their left, as many as `text` has or more."""
        node = self._find(commit)
        for lane in range(len(self._lanes) - 1, node, -1):
            if self._lanes[lane] == commit:
                self._lanes[lane] = None
                yield self._edge(node, lane, "/").rstrip()
        self._trim()
        rest = list(text)
        room = 2 * len(self._lanes) + 2 * max(len(parents) - 1, 0)
        first = rest.pop(0) if rest else ""
        yield f"{self._row(node)}{self._gap(room)}{first}".rstrip()
        edges = list(self._turn(node, parents))
        for edge in edges:
            line = rest.pop(0) if rest else ""
            yield f"{edge}{self._gap(room, self._drawn)}{line}".rstrip()
        for line in rest:
            yield f"{self._row()}{self._gap(room)}{line}".rstrip()

    # -- lanes

    def _find(self, commit: str) -> int:
        if commit not in self._lanes:
            self._lanes[self._free(0)] = commit
        return self._lanes.index(commit)

    def _free(self, after: int) -> int:
        for lane in range(after, len(self._lanes)):
            if self._lanes[lane] is None:
                return lane
        self._lanes.append(None)
        return len(self._lanes) - 1

    def _trim(self) -> None:
        while self._lanes and self._lanes[-1] is None:
            self._lanes.pop()

    def _turn(self, node: int, parents: Sequence[str]) -> Iterator[str]:
        """Let lanes wait for the parents; yield the lines that lead there."""
        self._lanes[node] = parents[0] if parents else None
        for parent in parents[1:]:
            if parent in self._lanes:
                lane = self._lanes.index(parent)
                if lane != node:
                    yield self._edge(node, lane, "\\" if lane > node else "/")
                continue
            lane = self._free(node + 1)
            yield self._edge(node, lane, "\\")
            self._lanes[lane] = parent
        self._trim()

    # -- characters

    def _row(self, node: int | None = None) -> str:
        cells = []
        for lane, waiting in enumerate(self._lanes):
            mark = "*" if lane == node else "|" if waiting is not None else " "
            cells.append(mark if mark == " " else self._colour(lane, mark))
        return " ".join(cells)

    def _gap(self, room: int, used: int | None = None) -> str:
        drawn = max(2 * len(self._lanes) - 1, 0) if used is None else used
        return " " * max(room - drawn, 1)

    def _edge(self, node: int, lane: int, mark: str) -> str:
        """Draw the line between a node's lane and another one."""
        low, high = min(node, lane), max(node, lane)
        self._drawn = 2 * max(len(self._lanes), high + 1) - 1
        cells = [" "] * self._drawn
        for each, waiting in enumerate(self._lanes):
            if waiting is not None:
                cells[2 * each] = self._colour(each, "|")
        turn = 2 * high - 1 if lane > node else 2 * low + 1
        for between in range(2 * low + 1, 2 * high, 2):
            cells[between] = self._colour(lane, mark if between == turn else "_")
        return "".join(cells)

    def _colour(self, lane: int, mark: str) -> str:
        return self._paint(f"graph {lane % _COLOURS}", mark)
