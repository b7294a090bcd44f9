"""Which members of a new sequence are members of the old one: insertions, moves and edits.

A member is known by a hashable content. Unchanged members are found first (in order where possible,
then anywhere), and what is left between them is taken for edited members.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from typing import AnyStr

from lix_vtab.plugins.order import increasing

__all__ = ["Similarity", "align", "common_prefix", "common_suffix", "text_similarity"]

Similarity = Callable[[int, int], float]
"""Tell how alike old member i and new member j are: 1 equal, 0 little, below 0 never the same."""

_LARGEST_TABLE = 40_000


def align(
    old: Sequence[Hashable],
    new: Sequence[Hashable],
    *,
    similar: Similarity | None = None,
    threshold: float = 0.0,
) -> list[int | None]:
    """Return for each member of `new` the index of the member of `old` it is, or None.

    Edited members are paired by position between unchanged neighbours, the most similar first when
    `similar` is given; pairs less alike than `threshold` are left apart.

    >>> align("abc", "axc")
    [0, 1, 2]
    >>> align("abc", "cab")
    [2, 0, 1]
    """
    matches: list[int | None] = [None] * len(new)
    anchors = _in_order(old, new)
    for i, j in anchors:
        matches[j] = i
    if len(anchors) < min(len(old), len(new)):
        taken = {i for i, _ in anchors}
        _match_moved(old, new, matches, taken)
        _match_edited(len(old), matches, anchors, taken, similar, threshold)
    return matches


def text_similarity(a: str, b: str) -> float:
    """Return the share of two texts that is a common beginning or a common end.

    >>> text_similarity("Beta", "Beta plus")
    0.6153846153846154
    """
    if a == b:
        return 1.0
    head = common_prefix(a, b)
    tail = common_suffix(a, b, min(len(a), len(b)) - head)
    return 2 * (head + tail) / (len(a) + len(b))


def common_prefix(a: AnyStr, b: AnyStr) -> int:
    """Return the length of the common beginning, by bisection over slices."""
    low, high = 0, min(len(a), len(b))
    if a[:high] == b[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle
    return low


def common_suffix(a: AnyStr, b: AnyStr, most: int) -> int:
    """Return the length of the common end, at most `most`."""
    low, high = 0, most + 1
    while high - low > 1:
        middle = (low + high) // 2
        if a[len(a) - middle : len(a) - low] == b[len(b) - middle : len(b) - low]:
            low = middle
        else:
            high = middle
    return low


_Pairs = list[tuple[int, int]]


def _in_order(old: Sequence[Hashable], new: Sequence[Hashable]) -> _Pairs:
    """Return equal pairs that ascend on both sides: patience first, a table for what is left."""
    pairs: _Pairs = []
    work = [(0, len(old), 0, len(new))]
    while work:
        a, b, c, d = work.pop()
        while a < b and c < d and old[a] == new[c]:
            pairs.append((a, c))
            a, c = a + 1, c + 1
        while a < b and c < d and old[b - 1] == new[d - 1]:
            b, d = b - 1, d - 1
            pairs.append((b, d))
        if a == b or c == d:
            continue
        anchors = _unique_anchors(old, new, a, b, c, d)
        if not anchors:
            pairs += _common_subsequence(old, new, a, b, c, d)
            continue
        for i, j in [*anchors, (b, d)]:
            work.append((a, i, c, j))
            a, c = i + 1, j + 1
        pairs += anchors
    pairs.sort()
    return pairs


def _unique_anchors(
    old: Sequence[Hashable], new: Sequence[Hashable], a: int, b: int, c: int, d: int
) -> _Pairs:
    """Return an ascending run of members that occur exactly once on both sides."""
    old_at = _single(old, a, b)
    new_at = _single(new, c, d)
    both = [(old_at[value], j) for value, j in new_at.items() if value in old_at]
    return [both[at] for at in increasing([i for i, _ in both])]


def _single(values: Sequence[Hashable], start: int, stop: int) -> dict[Hashable, int]:
    seen: dict[Hashable, int] = {}
    for at in range(start, stop):
        seen[values[at]] = -1 if values[at] in seen else at
    return {value: at for value, at in seen.items() if at >= 0}


def _common_subsequence(
    old: Sequence[Hashable], new: Sequence[Hashable], a: int, b: int, c: int, d: int
) -> _Pairs:
    """Return a longest common subsequence, or a greedy one when the table would be too large."""
    if (b - a) * (d - c) > _LARGEST_TABLE:
        return _greedy_subsequence(old, new, a, b, c, d)
    width = d - c + 1
    table = [[0] * width]
    for i in range(b - 1, a - 1, -1):
        below, row = table[-1], [0] * width
        for j in range(width - 2, -1, -1):
            equal = old[i] == new[c + j]
            row[j] = below[j + 1] + 1 if equal else max(below[j], row[j + 1])
        table.append(row)
    table.reverse()
    pairs, i, j = [], 0, 0
    while i < b - a and j < d - c:
        if old[a + i] == new[c + j]:
            pairs.append((a + i, c + j))
            i, j = i + 1, j + 1
        elif table[i + 1][j] >= table[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs


def _greedy_subsequence(
    old: Sequence[Hashable], new: Sequence[Hashable], a: int, b: int, c: int, d: int
) -> _Pairs:
    places: defaultdict[Hashable, deque[int]] = defaultdict(deque)
    for i in range(a, b):
        places[old[i]].append(i)
    both = [(places[new[j]].popleft(), j) for j in range(c, d) if places.get(new[j])]
    return [both[at] for at in increasing([i for i, _ in both])]


def _match_moved(
    old: Sequence[Hashable],
    new: Sequence[Hashable],
    matches: list[int | None],
    taken: set[int],
) -> None:
    """Match equal members that changed places, the first occurrence with the first."""
    places: defaultdict[Hashable, deque[int]] = defaultdict(deque)
    for i, value in enumerate(old):
        if i not in taken:
            places[value].append(i)
    for j, match in enumerate(matches):
        if match is None and places.get(new[j]):
            i = places[new[j]].popleft()
            matches[j] = i
            taken.add(i)


def _match_edited(
    count: int,
    matches: list[int | None],
    anchors: _Pairs,
    taken: set[int],
    similar: Similarity | None,
    threshold: float,
) -> None:
    """Pair what is left between two anchors, then (with `similar`) what is left anywhere."""
    a = c = 0
    for i, j in [*anchors, (count, len(matches))]:
        olds = [at for at in range(a, i) if at not in taken]
        news = [at for at in range(c, j) if matches[at] is None]
        a, c = i + 1, j + 1
        for left, right in _pair(olds, news, similar, threshold):
            matches[right] = left
            taken.add(left)
    if similar is not None:
        olds = [at for at in range(count) if at not in taken]
        news = [at for at, match in enumerate(matches) if match is None]
        for left, right in _most_similar(olds, news, similar, max(threshold, 0.5)):
            matches[right] = left


def _pair(olds: list[int], news: list[int], similar: Similarity | None, threshold: float) -> _Pairs:
    if similar is None:
        return list(zip(olds, news, strict=False))
    if len(olds) == len(news) or len(olds) * len(news) > _LARGEST_TABLE:
        return [(i, j) for i, j in zip(olds, news, strict=False) if similar(i, j) >= threshold]
    return _most_similar(olds, news, similar, threshold)


def _most_similar(
    olds: list[int], news: list[int], similar: Similarity, threshold: float
) -> _Pairs:
    """Pair the most similar first; ties go to the earlier members."""
    if not olds or not news or len(olds) * len(news) > _LARGEST_TABLE:
        return []
    scored = [(-similar(i, j), i, j) for i in olds for j in news]
    scored.sort()
    pairs: _Pairs = []
    free_olds, free_news = set(olds), set(news)
    for score, i, j in scored:
        if -score < threshold:
            break
        if i in free_olds and j in free_news:
            free_olds.discard(i)
            free_news.discard(j)
            pairs.append((i, j))
    return pairs
