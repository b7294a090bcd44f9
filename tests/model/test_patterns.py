"""Patterns that compile themselves when they are first used."""

from __future__ import annotations

import re

import pytest

from lix_vtab.model.patterns import pattern


def test_every_method() -> None:
    word = pattern(r"(?P<letter>[a-c])\d*", re.IGNORECASE)
    assert word.fullmatch("A1")
    assert not word.fullmatch("d")
    assert word.sub("x", "a1 b2 d") == "x x d"
    assert [match["letter"] for match in word.finditer("a B")] == ["a", "B"]
    assert word.groupindex == {"letter": 1}
    assert word.pattern == r"(?P<letter>[a-c])\d*"


def test_it_is_compiled_when_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    real = re.compile
    monkeypatch.setattr(re, "compile", lambda *given: compiled.append(given[0]) or real(*given))
    late = pattern("[0-9]+ first")
    assert compiled == []
    assert late.match("1 first")
    assert late.match("2 first")
    assert compiled == ["[0-9]+ first"]


def test_what_is_no_pattern_says_so_when_it_is_used() -> None:
    wrong = pattern("(")
    with pytest.raises(re.error):
        wrong.match("")
