"""`lix_commit_ancestry(root)`: the commits that led to one, with their distance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lix_vtab.session import Session
from lix_vtab.storage.commits import Commit
from lix_vtab.surfaces.base import ReadOnlySurface
from lix_vtab.surfaces.planner import Column, Plan

__all__ = ["CommitAncestry"]


class CommitAncestry(ReadOnlySurface):
    """A commit and all its ancestors, nearest first along each line.

    `root` is any revision name, HEAD when left out. `depth` is the length of the shortest way over
    any parents, 0 for the root itself.
    """

    name = "lix_commit_ancestry"
    columns: Sequence[Column] = (
        Column("commit_id", "TEXT", "", "hint"),
        Column("depth", "INTEGER", "", "hint"),
        Column("created_at", "TEXT"),
        Column("root", "TEXT", "", "argument", hidden=True),
    )

    def __init__(self, session: Session) -> None:
        self._session = session

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find ancestors."""
        session = self._session
        session.store.refresh()
        given = plan.find(3, "=", "IS")
        if given is not None and args[given.argument] is None:
            return ()
        root = session.history.resolve(None if given is None else args[given.argument])
        reach = session.history.graph.reach(root.commit)
        wanted = plan.find(0, "=", "IS")
        if wanted is not None:
            commit = session.store.commits.by_id(args[wanted.argument])
            return self._placed(reach.depth, [commit] if commit is not None else [])
        bounds = [plan.find(1, "=", "IS", "<=", "<")]
        farthest = next((args[term.argument] for term in bounds if term is not None), None)
        return self._placed(
            reach.depth,
            session.history.graph.commits(
                reach, farthest if isinstance(farthest, int | float) else None
            ),
        )

    def _placed(self, depth_of: Any, commits: Iterable[Commit]) -> Iterator[Sequence[Any]]:
        for commit in commits:
            depth = depth_of(commit.segment_id, commit.seq, commit.generation)
            if depth is not None:
                yield commit.id, depth, commit.created_at, None, commit.seq
