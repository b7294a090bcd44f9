"""Which member of a new sequence is which member of the old one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lix_vtab.plugins.align import align, common_prefix, common_suffix, text_similarity

LETTERS = st.text("abcd", max_size=14)


@given(LETTERS, LETTERS)
def test_a_member_is_matched_once_and_equals_find_each_other(old: str, new: str) -> None:
    matches = align(old, new)
    used = [at for at in matches if at is not None]
    assert len(used) == len(set(used))
    for letter in "abcd":
        equal = sum(
            at is not None and old[at] == c == letter for at, c in zip(matches, new, strict=True)
        )
        assert equal == min(old.count(letter), new.count(letter))


@given(LETTERS)
def test_equal_sequences_match_in_place(letters: str) -> None:
    assert align(letters, letters) == list(range(len(letters)))


@given(LETTERS, st.integers(0, 14), st.sampled_from("abcdx"))
def test_an_insertion_is_seen_as_one(letters: str, at: int, letter: str) -> None:
    at = min(at, len(letters))
    matches = align(letters, letters[:at] + letter + letters[at:])
    assert matches.count(None) == 1
    rest = [match for match in matches if match is not None]
    assert rest == list(range(len(letters)))


def test_moves_and_edits() -> None:
    assert align("abcdef", "efabcd") == [4, 5, 0, 1, 2, 3]
    assert align("abc", "xbz") == [0, 1, 2]
    assert align("abc", "c") == [2]
    assert align("", "ab") == [None, None]


def test_similar_members_are_paired_first() -> None:
    old = ["red apple", "blue sky"]
    new = ["something else", "one more", "blue skies"]

    def similar(i: int, j: int) -> float:
        return text_similarity(old[i], new[j])

    assert align(old, new, similar=similar)[2] == 1
    assert align(old, new, similar=similar, threshold=0.9) == [None, None, None]
    assert align(old, new, similar=lambda i, j: -1.0) == [None, None, None]


def test_an_edited_member_is_found_far_away() -> None:
    old = ["alpha", "beta is here", "gamma"]
    new = ["beta is there", "alpha", "gamma"]

    def similar(i: int, j: int) -> float:
        return text_similarity(old[i], new[j])

    assert align(old, new, similar=similar) == [1, 0, 2]
    assert align(old, new) == [None, 0, 2]


def test_large_inputs_without_unique_members_stay_fast() -> None:
    old = ["a", "b"] * 2000
    new = ["b", "a", "a"] * 1500
    matches = align(old, new)
    assert sum(match is not None for match in matches) >= 3500
    matches = align(["x"] * 5000 + ["y"], ["y"] + ["x"] * 5000)
    assert None not in matches


@given(st.text("ab", max_size=9), st.text("ab", max_size=9))
def test_common_ends(a: str, b: str) -> None:
    head = common_prefix(a, b)
    assert a[:head] == b[:head]
    assert head == min(len(a), len(b)) or a[head] != b[head]
    most = min(len(a), len(b)) - head
    tail = common_suffix(a, b, most)
    assert a[len(a) - tail :] == b[len(b) - tail :]
    assert tail == most or a[len(a) - tail - 1] != b[len(b) - tail - 1]
    assert 0 <= text_similarity(a, b) <= 1
    assert (text_similarity(a, b) == 1) == (a == b)
