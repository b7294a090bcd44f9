"""The commit graph: who can be reached from whom, how far away, and where two lines meet.

Commits of a segment follow each other, so what can be reached from a commit is a prefix of each
segment it touches. Only the commits with more than one parent (merges and checkpoints) and the
starts of segments make the graph more than a line; answers cost as much as there are of those.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush

from lix_vtab.model.tuples import NamedTuple
from lix_vtab.storage.commits import COMMIT_COLUMNS, Commit
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.store import Store

__all__ = ["LONGEST", "Graph", "Reach", "Stretch"]

LONGEST = 1 << 40
"""More commits than any history has."""

CACHED_ROOTS = 256
"""How many answers of `Graph.reach` are kept."""


class Stretch(NamedTuple):
    """A run of commits of one segment, up to and including `upto`."""

    segment_id: int
    upto: int


class _Junction(NamedTuple):
    """A commit whose parents are not just the commit before it in its segment."""

    seq: int
    generation: int
    parents: tuple[tuple[int, int, int], ...]
    """Segment, seq and generation of the parents that lie elsewhere."""


class Reach:
    """Which commits can be reached from a root, and their distance over any parents."""

    __slots__ = ("_ends", "_values")

    def __init__(self, anchors: dict[int, list[tuple[int, int]]]) -> None:
        """Take (seq, distance plus generation) of the points where each segment is entered."""
        self._ends: dict[int, list[int]] = {}
        self._values: dict[int, list[int]] = {}
        for segment_id, points in anchors.items():
            ends: list[int] = []
            values: list[int] = []
            for seq, value in sorted(points, reverse=True):
                if not values or value < values[-1]:
                    ends.append(seq)
                    values.append(value)
            self._ends[segment_id] = ends[::-1]
            self._values[segment_id] = values[::-1]

    def depth(self, segment_id: int, seq: int, generation: int) -> int | None:
        """Return the distance of a commit from the root, None when it cannot be reached."""
        ends = self._ends.get(segment_id)
        if ends is None:
            return None
        place = bisect_left(ends, seq)
        return None if place == len(ends) else self._values[segment_id][place] - generation

    def farther(self) -> Reach:
        """Return the same commits as seen from one step farther away."""
        points: dict[int, list[tuple[int, int]]] = {}
        for segment_id, _, upto, value in self.entries():
            points.setdefault(segment_id, []).append((upto, value + 1))
        return Reach(points)

    def __contains__(self, commit: Commit) -> bool:
        return self.depth(commit.segment_id, commit.seq, commit.generation) is not None

    def line(self) -> tuple[int, list[int], list[int]] | None:
        """Return (segment, ends, values) when all that can be reached lies in one segment.

        A commit there is `values[n] - generation` away, for the first end that is not before it.
        """
        if len(self._ends) != 1:
            return None
        ((segment_id, ends),) = self._ends.items()
        return segment_id, ends, self._values[segment_id]

    def stretches(self) -> Iterator[Stretch]:
        """Yield how much of each segment can be reached."""
        for segment_id, ends in self._ends.items():
            yield Stretch(segment_id, ends[-1])

    def entries(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield (segment, after, upto, value): commits there are `value - generation` away."""
        for segment_id, ends in self._ends.items():
            after = 0
            for upto, value in zip(ends, self._values[segment_id], strict=True):
                yield segment_id, after, upto, value
                after = upto


class Graph:
    """Answers questions about the commits of one database.

    What is complete never changes, so it is remembered; nothing is while a transaction writes.
    """

    __slots__ = ("_fresh", "_known", "_newest", "_reaches", "_starts", "_store")

    def __init__(self, store: Store) -> None:
        self._store = store
        # commits with further parents by segment: those up to `newest`, and later ones
        self._known: dict[int, list[_Junction]] = {}
        self._fresh: dict[int, list[_Junction]] = {}
        self._newest = 0
        self._starts: dict[int, _Junction] = {}
        self._reaches: OrderedDict[tuple[int, str], Reach] = OrderedDict()
        store.on_foreign_write(self.forget)
        store.transaction.on_rollback(self.forget)

    def forget(self) -> None:
        """Drop what is remembered."""
        self._known.clear()
        self._fresh.clear()
        self._newest = 0
        self._starts.clear()
        self._reaches.clear()

    def reach(self, commit: Commit) -> Reach:
        """Return what can be reached from a commit, itself included at distance 0."""
        self._refresh()
        key = (commit.seq, commit.id)
        known = self._reaches.get(key)
        if known is None:
            known = self._explore(commit)
            if not self._store.transaction.active:
                self._reaches[key] = known
                if len(self._reaches) > CACHED_ROOTS:
                    self._reaches.popitem(last=False)
        return known

    def commits(self, reach: Reach, farthest: float | None = None) -> Iterator[Commit]:
        """Yield the commits that can be reached, or those at most so far away.

        A bound is kept by looking at no more commits of each stretch than it allows.
        """
        sql = qualify(
            f"SELECT {COMMIT_COLUMNS} FROM lix_internal_commit "
            "WHERE segment_id = ? AND seq > ? AND seq <= ? AND generation >= ? "
            "ORDER BY seq DESC LIMIT ?",
            self._store.db,
        )
        if farthest is not None:
            # no history is longer, and a number beyond 64 bits cannot be bound
            farthest = max(-1, min(farthest, LONGEST))
        for segment_id, after, upto, value in reach.entries():
            least, most = (0, -1) if farthest is None else (value - farthest, int(farthest) + 1)
            if most != 0:
                rows = self._store.connection.execute(sql, (segment_id, after, upto, least, most))
                yield from (Commit(*row) for row in rows)

    def line(self, commit: Commit) -> Iterator[Stretch]:
        """Yield the stretches of a commit's first-parent line, nearest first."""
        at: tuple[int, int] | None = (commit.segment_id, commit.seq)
        while at is not None:
            yield Stretch(*at)
            start = self._start(at[0])
            at = start.parents[0][:2] if start is not None and start.parents else None

    def ancestor(self, commit: Commit, steps: int) -> Commit | None:
        """Return the commit so many first parents before another."""
        for segment_id, upto in self.line(commit):
            row = self._fetch(
                "SELECT seq FROM lix_internal_commit WHERE segment_id = ? AND seq <= ? "
                "ORDER BY seq DESC LIMIT 1 OFFSET ?",
                (segment_id, upto, steps),
            )
            if row:
                return self._store.commits.by_seq(row[0][0])
            (count,) = self._fetch(
                "SELECT count(*) FROM lix_internal_commit WHERE segment_id = ? AND seq <= ?",
                (segment_id, upto),
            )[0]
            steps -= count
        return None

    def parents(self, commit: Commit) -> list[Commit]:
        """Return the parents of a commit, in order."""
        seqs = [] if commit.parent_seq is None else [commit.parent_seq]
        seqs += (
            row[0]
            for row in self._fetch(
                "SELECT parent_seq FROM lix_internal_parent WHERE seq = ? ORDER BY position",
                (commit.seq,),
            )
        )
        found = (self._store.commits.by_seq(seq) for seq in seqs)
        return [parent for parent in found if parent is not None]

    def is_ancestor(self, ancestor: Commit, commit: Commit) -> bool:
        """Tell whether a commit can be reached from another (or is the other)."""
        return ancestor in self.reach(commit)

    def merge_bases(self, one: Commit, other: Commit) -> list[Commit]:
        """Return the best common ancestors of two commits, newest first."""
        mine = dict(self.reach(one).stretches())
        theirs = dict(self.reach(other).stretches())
        # the newest common commit of each segment; whatever is older there is its ancestor
        common = []
        for segment_id in mine.keys() & theirs.keys():
            row = self._fetch(
                "SELECT max(seq) FROM lix_internal_commit WHERE segment_id = ? AND seq <= ?",
                (segment_id, min(mine[segment_id], theirs[segment_id])),
            )
            common += [seq for (seq,) in row if seq is not None]
        bases: list[Commit] = []
        for seq in sorted(common, reverse=True):
            commit = self._store.commits.by_seq(seq)
            if commit is not None and not any(self.is_ancestor(commit, base) for base in bases):
                bases.append(commit)
        return bases

    # -- exploring

    def _explore(self, root: Commit) -> Reach:
        """Walk from a commit, nearest first.

        The walk enters a segment at a point and goes down to the next junction at or below it;
        from a junction it goes on to the next one and to the junction's parents elsewhere.
        """
        anchors: dict[int, list[tuple[int, int]]] = {}
        passed: set[int] = set()
        heap = [(0, root.segment_id, root.seq, root.generation, False)]
        while heap:
            depth, segment_id, seq, generation, at_junction = heappop(heap)
            junctions = self._of_segment(segment_id)
            place = bisect_right(junctions, seq, key=_seq_of) - 1
            if at_junction:
                if seq in passed:
                    continue
                passed.add(seq)
                for parent in junctions[place].parents:
                    heappush(heap, (depth + 1, *parent, False))
                place -= 1
            else:
                anchors.setdefault(segment_id, []).append((seq, depth + generation))
            if place >= 0 and junctions[place].seq not in passed:
                below = junctions[place]
                distance = depth + generation - below.generation
                heappush(heap, (distance, segment_id, below.seq, below.generation, True))
        return Reach(anchors)

    def _of_segment(self, segment_id: int) -> list[_Junction]:
        """Return the junctions of a segment, oldest first; its first commit is always one."""
        start = self._start(segment_id)
        more = [*self._known.get(segment_id, ()), *self._fresh.get(segment_id, ())]
        if start is None:
            return more
        if more and more[0].seq == start.seq:
            both = (*start.parents, *more[0].parents)
            return [start._replace(parents=both), *more[1:]]
        return [start, *more]

    def _start(self, segment_id: int) -> _Junction | None:
        """Return the first commit of a segment, with its first parent if it has one."""
        known = self._starts.get(segment_id)
        if known is not None:
            return known
        rows = self._fetch(
            "SELECT c.seq, c.generation, p.segment_id, p.seq, p.generation "
            "FROM lix_internal_commit c LEFT JOIN lix_internal_commit p ON p.seq = c.parent_seq "
            "WHERE c.segment_id = ? ORDER BY c.seq LIMIT 1",
            (segment_id,),
        )
        if not rows:
            return None
        seq, generation, parent_segment, parent_seq, parent_generation = rows[0]
        parents = ((parent_segment, parent_seq, parent_generation),) if parent_seq else ()
        start = _Junction(seq, generation, parents)
        if not self._store.transaction.active:
            self._starts[segment_id] = start
        return start

    def _refresh(self) -> None:
        """Notice new merges and checkpoints."""
        newest = self._fetch("SELECT coalesce(max(seq), 0) FROM lix_internal_parent")[0][0]
        if newest < self._newest:
            self.forget()
        self._fresh = self._load(self._newest) if newest > self._newest else {}
        if self._fresh and not self._store.transaction.active:
            for segment_id, junctions in self._fresh.items():
                self._known.setdefault(segment_id, []).extend(junctions)
            self._fresh = {}
            self._newest = newest

    def _load(self, after: int) -> dict[int, list[_Junction]]:
        """Return the commits with further parents that are newer than one, by segment."""
        rows = self._fetch(
            "SELECT c.segment_id, c.seq, c.generation, p.segment_id, p.seq, p.generation "
            "FROM lix_internal_parent x CROSS JOIN lix_internal_commit c ON c.seq = x.seq "
            "JOIN lix_internal_commit p ON p.seq = x.parent_seq "
            "WHERE x.seq > ? ORDER BY x.seq, x.position",
            (after,),
        )
        found: dict[int, list[_Junction]] = {}
        for segment_id, seq, generation, *parent in rows:
            place = (parent[0], parent[1], parent[2])
            junctions = found.setdefault(segment_id, [])
            if junctions and junctions[-1].seq == seq:
                last = junctions.pop()
                junctions.append(last._replace(parents=(*last.parents, place)))
            else:
                junctions.append(_Junction(seq, generation, (place,)))
        return found

    def _fetch(self, sql: str, params: Sequence[object] = ()) -> list[tuple[int, ...]]:
        return self._store.connection.execute(qualify(sql, self._store.db), params).fetchall()


def _seq_of(junction: _Junction) -> int:
    return junction.seq
