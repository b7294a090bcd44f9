"""Hypothesis strategies: JSON texts as people and programs write them."""

from __future__ import annotations

import json

from hypothesis import strategies as st

SPACE = st.sampled_from(["", "", "", " ", "\n", "\n  ", "\r\n\t", "  "])
KEYS = st.one_of(
    st.sampled_from(["", "a", "b", "c", "x", "id", "key", "~", "~0", "~1", "/", "a/b", "-", "01"]),
    st.text(st.characters(codec="utf-8"), max_size=3),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "s", "é", "a/b", "\u2028", 'q"', "\\", "\n"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(KEYS, inner, max_size=4),
        st.lists(
            st.dictionaries(st.sampled_from(["v", "w"]), inner, max_size=1).flatmap(
                lambda rest: st.integers(0, 5).map(lambda id: {"id": id, **rest})
            ),
            max_size=4,
        ),
    ),
    max_leaves=12,
)


def _scalar(draw: st.DrawFn, value: object) -> str:
    text = json.dumps(value, ensure_ascii=draw(st.booleans()))
    if value == 100 and type(value) is int:
        return "1e2"
    if type(value) is float and "e" not in text and draw(st.booleans()):
        return text + "0"
    if type(value) is str and "/" in value and draw(st.booleans()):
        return text.replace("/", "\\/")
    return text


def _write(draw: st.DrawFn, value: object, space: st.SearchStrategy[str]) -> str:
    if isinstance(value, list):
        items = [draw(space) + _write(draw, item, space) + draw(space) for item in value]
        return f"[{','.join(items) or draw(space)}]"
    if isinstance(value, dict):
        members = [
            draw(space) + _scalar(draw, key) + draw(space) + ":" + draw(space)
            + _write(draw, item, space) + draw(space)
            for key, item in value.items()
        ]  # fmt: skip
        if members and draw(st.integers(0, 9)) == 0:
            members.append(draw(st.sampled_from(members)))  # a key may occur twice
        return f"{{{','.join(members) or draw(space)}}}"
    return _scalar(draw, value)


@st.composite
def texts(draw: st.DrawFn, values: st.SearchStrategy[object] = VALUES) -> bytes:
    """Draw the bytes of a JSON file."""
    value = draw(values)
    style = draw(st.integers(0, 3))
    if style == 0:
        text = json.dumps(value, indent=draw(st.sampled_from([None, 0, 1, 2, 4, "\t"])))
    elif style == 1:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    else:
        lead = draw(st.sampled_from(["", "", "\ufeff", " ", "\ufeff\n"]))
        text = lead + _write(draw, value, SPACE) + draw(SPACE)
    if draw(st.integers(0, 5)) == 0:
        text = text.replace("\n", "\r\n").replace("\r\r", "\r")
    return (text + draw(st.sampled_from(["", "\n"]))).encode()
