"""Laws of growth: what must not depend on how much is there already.

Times of the processor are compared with each other, never with a clock on the wall, and the factors
are generous: a law that is broken is broken by the ratio of the sizes, which is a hundred or more.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator

import pytest

import lix_vtab
from tests.state.session import one_property

S = "growth_schema"
SMALL, LARGE = 1_000, 100_000
FACTOR = 6
INSERT = (
    "INSERT INTO lix_state (entity_id, schema_key, file_id, plugin_key, schema_version,"
    f" snapshot_content) VALUES (?, '{S}', 'f', 'lix', '1', '{{\"value\":\"some content here\"}}')"
)
FILL = (
    "INSERT INTO lix_state (entity_id, schema_key, file_id, plugin_key, schema_version,"
    " snapshot_content) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
    f" WHERE i < ?) SELECT 'row-' || i, '{S}', 'f', 'lix', '1', json_object('value', 'v' || i)"
    " FROM n"
)


def filled(rows: int) -> lix_vtab.Lix:
    lix = lix_vtab.open(internal=True)
    lix.register_schema(one_property(S))
    lix.execute(FILL, (rows,))
    return lix


@pytest.fixture(scope="module")
def sizes() -> Iterator[tuple[lix_vtab.Lix, lix_vtab.Lix]]:
    """The same database with few and with many rows."""
    small, large = filled(SMALL), filled(LARGE)
    yield small, large
    small.close()
    large.close()


def fastest(action: Callable[[], object], repeats: int = 25) -> float:
    """Return the least time of several runs: noise only ever adds."""

    def once() -> float:
        start = time.process_time()
        action()
        return time.process_time() - start

    return min(once() for _ in range(repeats))


numbers = itertools.count()


def creating(lix: lix_vtab.Lix) -> float:
    return fastest(lambda: lix.create_version(f"branch-{next(numbers)}"))


def writing(lix: lix_vtab.Lix) -> float:
    return fastest(lambda: lix.execute(INSERT, (f"new-{next(numbers)}",)))


def updating(lix: lix_vtab.Lix) -> float:
    return fastest(
        lambda: lix.execute(
            f"UPDATE lix_state SET metadata = json_object('n', ?) WHERE schema_key = '{S}'"
            " AND entity_id = 'row-500' AND file_id = 'f'",
            (next(numbers),),
        )
    )


def updating_inherited(lix: lix_vtab.Lix) -> float:
    """Write one row in a fresh branch, which has a hundred thousand rows from its source."""

    def act() -> None:
        lix.create_version(name := f"branch-{next(numbers)}", id=name)
        lix.execute(
            "UPDATE lix_state_by_version SET metadata = '{}' WHERE schema_key = ?"
            " AND version_id = ? AND entity_id = 'row-500' AND file_id = 'f'",
            (S, name),
        )

    return fastest(act)


def deleting(lix: lix_vtab.Lix) -> float:
    def act() -> None:
        name = f"short-lived-{next(numbers)}"
        lix.execute(INSERT, (name,))
        lix.execute(f"DELETE FROM lix_state WHERE schema_key = '{S}' AND entity_id = ?", (name,))

    return fastest(act)


def reading(lix: lix_vtab.Lix) -> float:
    return fastest(
        lambda: (
            lix.execute(
                f"SELECT snapshot_content FROM lix_state WHERE schema_key = '{S}'"
                " AND entity_id = 'row-700' AND file_id = 'f'"
            ).rows
        )
    )


def rolling_back(lix: lix_vtab.Lix) -> float:
    def act() -> None:
        lix.execute("BEGIN")
        lix.execute(INSERT, (f"undone-{next(numbers)}",))
        lix.execute("ROLLBACK")

    return fastest(act)


def moving_a_tip(lix: lix_vtab.Lix) -> float:
    made = lix.create_version()
    return fastest(
        lambda: lix.execute(
            "UPDATE lix_version SET commit_id = ?, working_commit_id = ? WHERE id = ?",
            (made.commit_id, f"working-{next(numbers)}", made.id),
        )
    )


ACTS = [
    creating,
    writing,
    updating,
    updating_inherited,
    deleting,
    reading,
    rolling_back,
    moving_a_tip,
]


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_cost_does_not_depend_on_the_number_of_rows(sizes, act):
    small, large = sizes
    assert act(large) < FACTOR * act(small)


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_cost_does_not_depend_on_the_length_of_history(act):
    with filled(SMALL) as lix:
        for number in range(10):
            lix.execute(INSERT, (f"early-{number}",))
        young = act(lix)
        for number in range(2_000):
            lix.execute(INSERT, (f"late-{number}",))
        assert act(lix) < FACTOR * young


def test_cost_of_a_write_does_not_depend_on_the_number_of_versions():
    with filled(SMALL) as lix:
        few = writing(lix)
        for number in range(300):
            lix.create_version(f"v{number}")
        assert writing(lix) < FACTOR * few


def size(lix: lix_vtab.Lix) -> int:
    (pages,) = lix.execute("PRAGMA page_count").rows[0]
    (page,) = lix.execute("PRAGMA page_size").rows[0]
    return pages * page


@pytest.mark.parametrize("kind", ["insert", "update", "delete and insert"])
def test_a_one_row_commit_costs_less_than_a_kilobyte(kind):
    with filled(SMALL) as lix:
        start = size(lix)
        for number in range(1_000):
            if kind == "insert":
                lix.execute(INSERT, (f"new-{number}",))
            elif kind == "update":
                lix.execute(
                    "UPDATE lix_state SET snapshot_content = json_object('value', ?)"
                    f" WHERE schema_key = '{S}' AND entity_id = 'row-7'",
                    (f"some content {number}",),
                )
            elif number % 2:
                lix.execute("DELETE FROM lix_state WHERE entity_id = 'row-7'")
            else:
                lix.execute(INSERT, ("row-7",))
        assert (size(lix) - start) / 1_000 <= 1024


def test_a_version_costs_less_than_two_kilobytes(sizes):
    _, large = sizes
    start = size(large)
    for _ in range(200):
        large.create_version()
    assert (size(large) - start) / 200 <= 2048


def test_rolled_back_writes_cost_nothing():
    with filled(SMALL) as lix:
        start = size(lix)
        for number in range(50):
            lix.execute("BEGIN")
            lix.execute(FILL.replace("row-", f"undone-{number}-"), (100,))
            lix.execute("ROLLBACK")
        assert size(lix) == start
