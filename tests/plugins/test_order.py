"""Order keys: always room between two, few keys change."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lix_vtab.plugins.order import between, increasing, is_order_key, place, spread


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_there_is_always_room(positions: list[float]) -> None:
    keys: list[str] = []
    for position in positions:
        at = round(position * len(keys))
        low = keys[at - 1] if at else None
        high = keys[at] if at < len(keys) else None
        keys.insert(at, between(low, high))
    assert keys == sorted(set(keys))
    assert all(map(is_order_key, keys))


def test_growing_at_an_end_keeps_keys_short() -> None:
    up = spread(None, None, 10_000)
    down = spread(None, "a0", 10_000)
    assert up == sorted(set(up))
    assert down == sorted(set(down))
    assert down[-1] < "a0"
    assert max(map(len, up + down)) <= 4


def test_inserting_at_one_place_again_and_again() -> None:
    low, high = "a0", "a1"
    for _ in range(200):
        middle = between(low, high)
        assert low < middle < high
        low, high = (middle, high) if random.Random(middle).random() < 0.5 else (low, middle)


@pytest.mark.parametrize(("low", "high"), [("a0", "a0"), ("a1", "a0")])
def test_no_room_between_equals(low: str, high: str) -> None:
    with pytest.raises(ValueError, match="no room"):
        between(low, high)


def test_the_far_ends_of_the_scale() -> None:
    top = "z" * 27
    assert between(top, None) > top
    bottom = "A" + "0" * 25 + "1"
    lower = between(None, bottom)
    assert lower < bottom
    assert is_order_key(lower)
    assert between(None, lower) < lower
    assert between("Zz", "a1") == "a0"
    assert between("Zz", "a0") == "ZzV"


@pytest.mark.parametrize("text", ["", "a", "a00", "b0", "1", "A" + "0" * 26, "a0!", None, 1, "aé"])
def test_what_is_no_key(text: object) -> None:
    assert not is_order_key(text)


@given(st.lists(st.one_of(st.none(), st.integers(0, 20)), max_size=30))
def test_increasing_is_a_longest_ascending_run(values: list[int | None]) -> None:
    kept = increasing(values)
    picked = [values[at] for at in kept]
    assert kept == sorted(kept)
    assert None not in picked
    assert picked == sorted(set(picked))  # type: ignore[type-var]
    best: list[int] = []
    for at, value in enumerate(values):
        lengths = [best[i] for i in range(at) if (values[i] or -1) < (value or -1)]
        best.append(0 if value is None else 1 + max([0, *lengths]))
    assert len(kept) == max(best, default=0) or 0 in values


MEMBERS = st.lists(
    st.one_of(st.none(), st.sampled_from(["a0", "a0V", "a1", "a5", "b00", "x", ""])), max_size=12
)


@given(MEMBERS)
def test_place_orders_everything_and_changes_little(orders: list[str | None]) -> None:
    members = [(order, f"{at:03}") for at, order in enumerate(orders)]
    placed = place(members)
    pairs = [(order, id) for order, (_, id) in zip(placed, members, strict=True)]
    assert pairs == sorted(pairs)
    assert all(map(is_order_key, placed))
    kept = sum(new == old for new, (old, _) in zip(placed, members, strict=True))
    usable = [(order, id) if is_order_key(order) else None for order, id in members]
    ties = len(orders) - len(set(orders))
    assert kept >= len(increasing(usable)) - ties


def test_members_with_one_key_stay_as_they_are_unless_something_comes_between() -> None:
    assert place([("a0", "x"), ("a0", "y")]) == ["a0", "a0"]
    assert place([("a0", "x"), (None, "n"), ("a0", "y"), ("a1", "z")]) == ["a0", "a0V", "a0l", "a1"]
