"""Random transactions: what is delivered is what was committed, all of it, once, in order.

The model keeps the committed rows of each version as dictionaries and derives from two states of
them what a batch must say. Observed queries are compared with the query itself after every commit.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import lix_vtab
from tests.effects.conftest import RAW

KEYS = ("a", "b", "c")
VERSIONS = ("global", "child")

Row = tuple[str, str, bool]
"""Version, key, untracked."""


@dataclass
class Model:
    """Rows as versions hold them: a value, None for a tombstone, or nothing."""

    rows: dict[Row, Any] = field(default_factory=dict)

    def copy(self) -> Model:
        return Model(dict(self.rows))

    def put(self, version: str, key: str, value: Any, untracked: bool) -> None:
        self.rows[version, key, untracked] = value

    def delete(self, version: str, key: str, start: Model) -> None:
        """Delete what the version shows, as DELETE on the by-version table does.

        `start` is how things were when the transaction began: a row it made itself goes without a
        trace when there is none below that a tombstone had to hide.
        """
        if (version, key, True) in self.rows:
            if self.rows[version, key, True] is not None:
                del self.rows[version, key, True]
        elif self.rows.get((version, key, False)) is not None and (
            version == "child"
            and (version, key, False) not in start.rows
            and not any(("global", key, layer) in self.rows for layer in (True, False))
        ):
            del self.rows[version, key, False]
        elif self.rows.get((version, key, False)) is not None or (
            (version, key, False) not in self.rows
            and version == "child"
            and self.shown("global", key) is not None
        ):
            self.rows[version, key, False] = None

    def shown(self, version: str, key: str) -> Any:
        """Return what a version shows: untracked before tracked, own before inherited."""
        for link in (version,) if version == "global" else (version, "global"):
            for untracked in (True, False):
                if (link, key, untracked) in self.rows:
                    return self.rows[link, key, untracked]
        return None

    def visible(self, version: str) -> list[tuple[str, Any]]:
        found = [(key, self.shown(version, key)) for key in KEYS]
        return [(key, value) for key, value in found if value is not None]

    def before(self, row: Row, later: Model) -> Any:
        """Return what a layer showed to its version before a transaction that led to `later`."""
        version, key, untracked = row
        if row in self.rows:
            return self.rows[row]
        if version == "global" or (untracked and (version, key, False) in self.rows | later.rows):
            return None
        if untracked and (version, key, False) in later.rows:
            return None
        return self.shown("global", key)


def expected(before: Model, after: Model) -> set[tuple[Any, ...]]:
    """Say what a batch must contain, apart from the order."""
    found = set()
    for row in before.rows.keys() | after.rows.keys():
        old, new = before.rows.get(row, "none"), after.rows.get(row, "none")
        if old == new and type(old) is type(new):
            continue
        shown = before.before(row, after)
        if new is None or new == "none":
            if shown is not None:
                found.add(("delete", *row, shown))
        else:
            found.add(("insert" if shown is None else "update", *row, new))
    return found


def sure(found: set[tuple[Any, ...]], before: Model) -> set[tuple[Any, ...]]:
    """Leave out what depends on which of two versions a transaction wrote to first.

    A tracked row written again as it was is left out too: it is told when an untracked row hid it
    meanwhile, because the change log has it then.
    """
    found = {c for c in found if c[0] != "update" or before.rows.get(c[1:4], c) != c[4]}
    told = {change[1:3] for change in found}
    return {
        change
        for change in found
        if change[1] == "global"
        or ("global", change[2]) not in told
        or ("child", change[2], change[3]) in before.rows
    }


def delivered(batch: Any) -> set[tuple[Any, ...]]:
    return {
        (
            c.operation,
            "child" if c.version_id != "global" else "global",
            c.entity_id,
            c.untracked,
            c.snapshot_content and c.snapshot_content["value"],
        )
        for c in batch.changes
    }


PUTS = st.tuples(
    st.just("put"),
    st.sampled_from(VERSIONS),
    st.sampled_from(KEYS),
    st.integers(0, 2),
    st.booleans(),
)
DELETES = st.tuples(st.just("delete"), st.sampled_from(VERSIONS), st.sampled_from(KEYS))
STEPS = st.one_of(
    PUTS, PUTS, DELETES, st.sampled_from([("savepoint",), ("undo",), ("release",), ("fail",)])
)
TRANSACTIONS = st.tuples(
    st.lists(STEPS, min_size=1, max_size=8), st.sampled_from(["commit", "commit", "rollback"])
)


class World:
    """A lix and its model, which take the same steps."""

    def __init__(self, lix: lix_vtab.Lix) -> None:
        self.lix = lix
        self.model = Model()
        self.child = lix.active_version.id

    def run(self, steps: list[tuple[Any, ...]], end: str) -> tuple[Model, Model]:
        """Run one transaction and return the model before and after it."""
        before, working = self.model.copy(), self.model.copy()
        marks: list[Model] = []
        self.lix.execute("BEGIN")
        for step in steps:
            working = self.step(step, working, marks, before)
        self.lix.execute("COMMIT" if end == "commit" else "ROLLBACK")
        self.model = working if end == "commit" else before
        return before, self.model

    def step(self, step: tuple[Any, ...], model: Model, marks: list[Model], start: Model) -> Model:
        execute = self.lix.execute
        if step[0] == "put":
            _, version, key, value, untracked = step
            content = json.dumps({"key": key, "value": value})
            execute(RAW, (key, content, self.id(version), int(untracked)))
            model.put(version, key, value, untracked)
        elif step[0] == "delete":
            _, version, key = step
            execute(
                "DELETE FROM lix_state_by_version WHERE schema_key = 'lix_key_value'"
                " AND entity_id = ? AND version_id = ?",
                (key, self.id(version)),
            )
            model.delete(version, key, start)
        elif step[0] == "fail":
            # the first row is fine, the second is not: nothing of the statement may remain
            with pytest.raises(lix_vtab.LixError):
                execute(
                    f"{RAW}, ('bad', 'lix_key_value', 'lix', 'global', 'lix', '{{}}', '1', 0)",
                    ("a", '{"key":"a","value":"never"}', "global", 1),
                )
        elif step[0] == "savepoint":
            execute(f"SAVEPOINT s{len(marks)}")
            marks.append(model.copy())
        elif marks and step[0] == "undo":
            execute(f"ROLLBACK TO s{len(marks) - 1}")
            return marks[-1].copy()
        elif marks:
            execute(f"RELEASE s{len(marks) - 1}")
            marks.pop()
        return model

    def id(self, version: str) -> str:
        return "global" if version == "global" else self.child


QUERIES = (
    ("SELECT entity_id, snapshot_content ->> '$.value' FROM lix_state"
     " WHERE schema_key = 'lix_key_value' ORDER BY 1", ()),
    ("SELECT key, value FROM lix_key_value WHERE key = ?", ("a",)),
    ("SELECT key, value, lixcol_version_id FROM lix_key_value_by_version ORDER BY 1, 3", ()),
    ("SELECT value FROM lix_key_value_by_version WHERE lixcol_version_id = 'global' AND key = 'b'", ()),
    ("SELECT a.key, b.value FROM lix_key_value a JOIN lix_key_value b ON b.key = 'c' AND a.value = b.value ORDER BY 1", ()),
    ("SELECT count(*) FROM lix_change", ()),
    ("SELECT max(value) FROM lix_key_value WHERE value >= 1", ()),
)  # fmt: skip


def check(transactions: list[Any]) -> None:
    with lix_vtab.open(internal=True) as lix:
        lix.execute(
            "DELETE FROM lix_key_value_by_version WHERE lixcol_inherited_from_version_id IS NULL"
        )
        world = World(lix)
        stream = lix.commits(schema_keys=["lix_key_value"])
        calls: list[Any] = []
        lix.on_commit(calls.append, schema_keys=["lix_key_value"])
        observed = [lix.observe(sql, params) for sql, params in QUERIES]
        last = [events.next().rows for events in observed]
        for steps, end in transactions:
            before, after = world.run(steps, end)
            wanted = expected(before, after) if end == "commit" else set()
            batch = stream.try_next()
            assert sure(delivered(batch) if batch else set(), before) == sure(wanted, before)
            assert stream.try_next() is None
            assert [call.changes for call in calls] == ([batch.changes] if batch else [])
            calls.clear()
            in_order(batch)
            last = events_agree(lix, observed, last)
            shown = lix.execute(*QUERIES[0]).rows
            assert shown == world.model.visible("child")


def in_order(batch: Any) -> None:
    """Tracked changes come in the order of the change log."""
    if batch is not None:
        ids = [change.change_id for change in batch.changes if not change.untracked]
        assert len(ids) == len(set(ids))


def events_agree(lix: lix_vtab.Lix, observed: list[Any], last: list[Any]) -> list[Any]:
    """An event comes if, and only if, the result of a query has changed."""
    current = [lix.execute(sql, params).rows for sql, params in QUERIES]
    for events, old, new, (sql, _) in zip(observed, last, current, QUERIES, strict=True):
        event = events.try_next()
        assert (event is not None) == (old != new), sql
        assert event is None or event.rows == new, sql
        assert events.try_next() is None, sql
    return current


CAME_AND_WENT = [
    ([
        ("put", "child", "b", 0, False),
        ("delete", "child", "b"),
        ("put", "global", "b", 0, False),
    ], "commit"),
]  # fmt: skip


@example(CAME_AND_WENT)
@given(st.lists(TRANSACTIONS, min_size=1, max_size=5))
def test_effects_are_those_of_committed_work(transactions):
    check(transactions)


@pytest.mark.slow
@settings(max_examples=120)
@given(st.lists(TRANSACTIONS, min_size=1, max_size=12))
def test_effects_are_those_of_committed_work_at_length(transactions):
    check(transactions)
