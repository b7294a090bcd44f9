"""What must hold of any history, with branches, merges, checkpoints and moved tips."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.history.graphs import State, World, steps


def state_at(made: World, revision: str) -> State:
    rows = made.lix.execute("SELECT key, value FROM lix_key_value_at(?)", (revision,)).rows
    assert len(rows) == len(dict(rows))
    return dict(rows)


def diff(made: World, one: str, other: str) -> list[tuple[Any, ...]]:
    return made.lix.execute(
        "SELECT entity_id, status, before_snapshot_content ->> 'value',"
        " after_snapshot_content ->> 'value', before_change_id, after_change_id"
        " FROM lix_diff(?, ?) ORDER BY entity_id",
        (one, other),
    ).rows


@given(steps)
def test_the_state_at_each_commit_is_the_models(world, todo):
    with world(todo) as made:
        for commit in made.commits.values():
            assert state_at(made, commit.id) == commit.state
        assert made.lix.check() == []


@given(steps)
def test_the_state_at_the_tip_is_the_live_state(world, todo):
    with world(todo) as made:
        for version, tip in made.versions.items():
            live = made.lix.execute(
                "SELECT key, value, lixcol_change_id, lixcol_created_at, lixcol_updated_at"
                " FROM lix_key_value_by_version WHERE lixcol_version_id = ?"
                " AND lixcol_inherited_from_version_id IS NULL",
                (version,),
            ).rows
            then = made.lix.execute(
                "SELECT key, value, lixcol_change_id, lixcol_created_at, lixcol_updated_at"
                " FROM lix_key_value_at(?)",
                (tip,),
            ).rows
            assert sorted(then) == sorted(live)


@given(steps)
def test_depth_is_the_shortest_way(world, todo):
    with world(todo) as made:
        for commit in made.commits:
            found = dict(
                made.lix.execute(
                    "SELECT commit_id, depth FROM lix_commit_ancestry(?)", (commit,)
                ).rows
            )
            assert found == made.ancestors(commit)


@given(steps)
def test_history_agrees_with_walking(world, todo):
    """Each change is listed at the nearest commit that contains it, with its content."""
    with world(todo) as made:
        contained = {
            commit: made.lix.execute(
                "SELECT e.entity_id, e.change_id, h.snapshot_content ->> 'value'"
                " FROM lix_commit c JOIN lix_change_set_element e"
                " ON e.change_set_id = c.change_set_id JOIN lix_change h ON h.id = e.change_id"
                " WHERE c.id = ?",
                (commit,),
            ).rows
            for commit in made.commits
        }
        for root in made.commits:
            nearest: dict[str, tuple[Any, ...]] = {}
            for commit, depth in made.ancestors(root).items():
                for entity, change, value in contained[commit]:
                    if change not in nearest or depth < nearest[change][2]:
                        nearest[change] = (entity, value, depth)
            found = made.lix.execute(
                "SELECT change_id, entity_id, snapshot_content ->> 'value', depth"
                " FROM lix_state_history WHERE root_commit_id = ?",
                (root,),
            ).rows
            assert {change: tuple(row) for change, *row in found} == nearest
            assert len(found) == len(nearest)
            for key in "abcd":
                by_key = made.lix.execute(
                    "SELECT change_id, depth, commit_id FROM lix_state_history"
                    " WHERE root_commit_id = ? AND schema_key = 'lix_key_value'"
                    " AND entity_id = ?",
                    (root, key),
                ).rows
                wanted = {c: row[2] for c, row in nearest.items() if row[0] == key}
                assert {change: depth for change, depth, _ in by_key} == wanted
                for change, _, commit in by_key:
                    assert change in {c for _, c, _ in contained[commit]}


@given(steps, st.integers(0, 99), st.integers(0, 99))
def test_a_difference_leads_from_one_state_to_the_other(world, todo, one, other):
    with world(todo) as made:
        before, after = made.commit(one), made.commit(other)
        state = dict(before.state)
        for entity, status, old, new, *_ in diff(made, before.id, after.id):
            assert state.get(entity) == old
            assert status == ("added" if old is None else "removed" if new is None else "modified")
            assert old != new
            state.pop(entity, None)
            if new is not None:
                state[entity] = new
        assert state == after.state


@given(steps, st.integers(0, 99), st.integers(0, 99))
def test_differences_mirror_each_other(world, todo, one, other):
    with world(todo) as made:
        before, after = made.commit(one).id, made.commit(other).id
        swapped = {"added": "removed", "removed": "added", "modified": "modified"}
        mirrored = [
            (entity, swapped[status], new, old, after_id, before_id)
            for entity, status, old, new, before_id, after_id in diff(made, before, after)
        ]
        assert diff(made, after, before) == mirrored
        for row in mirrored:
            assert made.lix.execute(
                "SELECT entity_id, status FROM lix_diff(?, ?) WHERE entity_id = ?",
                (after, before, row[0]),
            ).rows == [row[:2]]


@given(steps)
def test_rebuilding_changes_nothing(world, todo):
    with world(todo) as made:
        made.lix.rebuild()
        for commit in made.commits.values():
            assert state_at(made, commit.id) == commit.state


@given(steps)
def test_merge_bases_are_best(world, todo):
    with world(todo) as made:
        graph = made.lix._session.history.graph
        resolve = made.lix._session.history.resolve
        names = list(made.commits)
        for one in names[-4:]:
            for other in names[-4:]:
                common = made.ancestors(one).keys() & made.ancestors(other).keys()
                best = {
                    c for c in common if not any(c != d and c in made.ancestors(d) for d in common)
                }
                found = graph.merge_bases(resolve(one).commit, resolve(other).commit)
                assert {base.id for base in found} == best


def _unbroken(made: World, start: str, end: str, shows: Callable[[State], bool]) -> bool:
    """Tell whether a way leads from one commit to another through states that show the same."""
    pending, seen = [start], set[str]()
    while pending:
        commit = pending.pop()
        if commit not in seen and shows(made.commits[commit].state):
            seen.add(commit)
            pending += made.commits[commit].parents
    return end in seen


@given(steps)
def test_blame_finds_where_a_value_came_from(world, todo):
    with world(todo) as made:
        for tip in set(made.versions.values()):
            blamed = made.lix.execute(
                "SELECT entity_id, property, commit_id FROM lix_blame"
                " WHERE schema_key = 'lix_key_value' AND revision = ?",
                (tip,),
            ).rows
            state = made.commits[tip].state
            assert sorted(row[:2] for row in blamed) == sorted(
                (key, name) for key in state for name in ("key", "value")
            )
            for key, name, commit in blamed:
                shows = partial(_shows, key, state[key] if name == "value" else None)
                setter = made.commits[commit]
                assert key in setter.changes
                assert _unbroken(made, tip, commit, shows)
                assert not any(shows(made.commits[parent].state) for parent in setter.parents)


def _shows(key: str, value: str | None, state: State) -> bool:
    """Tell whether a state has a row, and in it a value if one is given."""
    return key in state and value in (None, state[key])
