"""Who is who in an array: which new element is which stored one, and the tokens of new ones.

An array whose elements are objects with an `id` (or `key`) is addressed by that: `/items/id=7`.
Other elements start with their index as token and keep it for life; one that is put between others
later gets a token from its content, so that two versions that insert different things stay apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import blake2b

from lix_vtab.plugins.align import align
from lix_vtab.plugins.jsonfile.scan import Node
from lix_vtab.plugins.jsonfile.tree import Entity, content_of, is_index
from lix_vtab.plugins.minting import Minter

__all__ = ["fresh_tokens", "identity_of", "match_elements", "new_tokens"]

_LONGEST_ID = 200


def fresh_tokens(elements: Sequence[Node]) -> tuple[list[str], str]:
    """Return the tokens of a new array's elements and how they came about."""
    for name in ("id", "key"):
        found = [identity_of(element, name) for element in elements]
        tokens = [f"{name}={value}" for value in found if value is not None]
        if len(tokens) == len(elements) == len(set(tokens)):
            return tokens, name
    return [str(at) for at in range(len(elements))], "index"


def identity_of(element: Node | Entity, name: str) -> str | None:
    """Return the text of an element's id property: a string or a whole number."""
    if element.kind != "{":
        return None
    for child in element.children:
        if child.token == name:
            value = None if child.kind else child.value
            if isinstance(value, str | int) and not isinstance(value, bool):
                text = str(value)
                return text if 0 < len(text) <= _LONGEST_ID else None
    return None


def match_elements(old: Sequence[Entity], new: Sequence[Node], how: str) -> list[Entity | None]:
    """Return the stored element that each new one is."""
    if how not in ("id", "key"):
        found = align([content_of(entity) for entity in old], [content_of(node) for node in new])
    else:
        old_ids = [identity_of(entity, how) for entity in old]
        new_ids = [identity_of(node, how) for node in new]
        named = _once(old_ids) & _once(new_ids)
        found = align(
            _names(old, old_ids, named), _names(new, new_ids, named), similar=_another_thing
        )
    return [None if at is None else old[at] for at in found]


def _names(
    elements: Sequence[Node | Entity], ids: Sequence[str | None], named: set[str]
) -> list[tuple[str, ...]]:
    """Return what each element is known by: its id where that is certain, else its content."""
    return [
        (id,) if id is not None and id in named else (content_of(element), "")
        for id, element in zip(ids, elements, strict=True)
    ]


def _another_thing(_old: int, _new: int) -> float:
    """Refuse to pair elements with different ids."""
    return -1.0


def _once(ids: Sequence[str | None]) -> set[str]:
    return {id for id, count in Counter(ids).items() if id is not None and count == 1}


def new_tokens(
    matches: Sequence[Entity | None],
    elements: Sequence[Node],
    old: Iterable[Entity],
    how: str,
) -> list[str]:
    """Return each element's token: the old one, its id, the next index at the end, or a hash."""
    used = {entity.token for entity in old}
    indexes = [int(token) for token in used if is_index(token)]
    following = max(indexes, default=-1) + 1
    last_kept = max((at for at, match in enumerate(matches) if match is not None), default=-1)
    minter = Minter(used.__contains__, start=2)
    tokens: list[str] = []
    for at, (match, element) in enumerate(zip(matches, elements, strict=True)):
        if match is not None:
            tokens.append(match.token)
            continue
        identity = identity_of(element, how) if how in ("id", "key") else None
        token = f"{how}={identity}"
        if identity is None or token in used:
            if how not in ("id", "key") and at > last_kept:
                token = str(following)
                following += 1
            else:
                token = _content_token(element, used, minter)
        used.add(token)
        tokens.append(token)
    return tokens


def _content_token(element: Node, used: set[str], minter: Minter) -> str:
    token = f"+{blake2b(content_of(element).encode(), digest_size=5).hexdigest()}"
    return minter.mint(f"{token}.") if token in used else token
