"""Random histories with merges, and what they must look like: plain dictionaries.

A `World` holds a database and, for each commit, the state it had, its parents and what it changed.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from hypothesis import strategies as st

import lix_vtab
from lix_vtab.history.adopt import adopt

State = dict[str, str]
KEYS = ("a", "b", "c", "d")

steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("write"),
            st.integers(0, 3),
            st.lists(
                st.tuples(st.sampled_from(KEYS), st.sampled_from(["1", "2", "3", None])),
                min_size=1,
                max_size=3,
            ),
        ),
        st.tuples(st.just("branch"), st.integers(0, 9), st.integers(0, 9)),
        st.tuples(st.just("merge"), st.integers(0, 3), st.integers(0, 3)),
        st.tuples(st.just("checkpoint"), st.integers(0, 3)),
        st.tuples(st.just("move"), st.integers(0, 3), st.integers(0, 9)),
    ),
    min_size=1,
    max_size=14,
)
"""What to do, in order; numbers choose among the versions and commits there are."""


@dataclass
class Commit:
    """A commit as the model knows it. `changes` maps keys to the values it gave them."""

    id: str
    parents: tuple[str, ...]
    state: State
    changes: dict[str, str | None]


@dataclass
class World:
    """A database and its model."""

    lix: lix_vtab.Lix
    commits: dict[str, Commit] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    moves: int = 0

    @classmethod
    def new(cls, folder: Path) -> World:
        """Begin with a copy of a fresh database, which is faster than making one each time."""
        fresh, path = folder / "fresh.lix", folder / f"{uuid4()}.lix"
        if not fresh.exists():
            lix_vtab.open(str(fresh)).close()
        shutil.copy(fresh, path)
        lix = lix_vtab.open(str(path), internal=True)
        world = cls(lix)
        start = lix.active_version
        assert start.commit_id is not None
        world.commits[start.commit_id] = Commit(start.commit_id, (), {}, {})
        world.versions[start.id] = start.commit_id
        return world

    def run(self, todo: list[tuple[Any, ...]]) -> None:
        for name, *args in todo:
            getattr(self, name)(*args)

    def version(self, number: int) -> str:
        return list(self.versions)[number % len(self.versions)]

    def commit(self, number: int) -> Commit:
        return list(self.commits.values())[number % len(self.commits)]

    def tip(self, version: str) -> Commit:
        return self.commits[self.versions[version]]

    def write(self, number: int, rows: list[tuple[str, str | None]]) -> None:
        version = self.version(number)
        state = dict(self.tip(version).state)
        changed: dict[str, str | None] = {}
        with self.lix.transaction() as tx:
            for key, value in rows:
                if value is None:
                    tx.execute(
                        "DELETE FROM lix_key_value_by_version WHERE key = ?"
                        " AND lixcol_version_id = ?",
                        (key, version),
                    )
                else:
                    tx.execute(
                        "INSERT OR REPLACE INTO lix_key_value_by_version"
                        " (key, value, lixcol_version_id) VALUES (?, ?, ?)",
                        (key, value, version),
                    )
                if state.get(key) != value:
                    changed[key] = value
                    state.pop(key, None)
                    if value is not None:
                        state[key] = value
        self._committed(version, state, changed)

    def branch(self, number: int, name: int) -> None:
        source = self.commit(number)
        made = self.lix.create_version(
            f"v{len(self.versions)}", source=source.id, inherits_from=None
        )
        self.versions[made.id] = source.id

    def move(self, number: int, target: int) -> None:
        version, commit = self.version(number), self.commit(target)
        self.moves += 1
        self.lix.execute(
            "UPDATE lix_version SET commit_id = ?, working_commit_id = ? WHERE id = ?",
            (commit.id, f"working-{self.moves}", version),
        )
        self.versions[version] = commit.id

    def merge(self, number: int, other: int) -> None:
        """Let the target adopt every live row of the source that differs (theirs win)."""
        target, source = self.version(number), self.version(other)
        if self.versions[target] == self.versions[source]:
            return
        theirs = self.tip(source)
        session = self.lix._session
        rows, mine = (
            dict(
                self.lix.execute(
                    "SELECT entity_id, change_id FROM lix_state_at(?)"
                    " WHERE schema_key = 'lix_key_value'",
                    (commit,),
                ).rows
            )
            for commit in (theirs.id, self.versions[target])
        )
        adopted = {key: change for key, change in rows.items() if mine.get(key) != change}
        numbers = [
            session.connection.execute(
                "SELECT no FROM lix_internal_change WHERE id = ?", (change,)
            ).get
            for change in adopted.values()
        ]
        commit = session.history.resolve(theirs.id).commit
        with session.atomic():
            adopt(session.store, target, numbers, [commit])
        state = self.tip(target).state | {key: theirs.state[key] for key in adopted}
        before = self.versions[target]
        changed = {key: theirs.state[key] for key in adopted}
        self._committed(target, state, changed, (before, theirs.id))

    def checkpoint(self, number: int) -> None:
        version = self.version(number)
        self.lix.switch_version(version)
        self.lix.create_checkpoint()
        now = self._now(version)
        before = self.tip(version)
        if now != before.id:
            listed = self.lix.execute(
                "SELECT parent_id FROM lix_commit_edge WHERE child_id = ?", (now,)
            ).rows
            parents = tuple(parent for (parent,) in listed)
            repeated = self.lix.execute(
                "SELECT e.entity_id, h.snapshot_content ->> 'value' FROM lix_commit c"
                " JOIN lix_change_set_element e ON e.change_set_id = c.change_set_id"
                " JOIN lix_change h ON h.id = e.change_id WHERE c.id = ?",
                (now,),
            ).rows
            assert all(before.state.get(key) == value for key, value in repeated)
            self.commits[now] = Commit(now, parents, before.state, dict(repeated))
            self.versions[version] = now

    def ancestors(self, commit: str) -> dict[str, int]:
        """Return every commit that can be reached, with its distance."""
        found = {commit: 0}
        edge = [commit]
        while edge:
            edge = [
                parent
                for child in edge
                for parent in self.commits[child].parents
                if parent not in found and (found.setdefault(parent, found[child] + 1) or True)
            ]
        return found

    def _committed(
        self,
        version: str,
        state: State,
        changed: dict[str, str | None],
        parents: tuple[str, ...] | None = None,
    ) -> None:
        now = self._now(version)
        if now == self.versions[version]:
            assert state == self.tip(version).state
            return
        self.commits[now] = Commit(now, parents or (self.versions[version],), state, changed)
        self.versions[version] = now

    def _now(self, version: str) -> str:
        ((tip,),) = self.lix.execute(
            "SELECT commit_id FROM lix_version WHERE id = ?", (version,)
        ).rows
        return str(tip)
