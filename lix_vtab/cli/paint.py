"""Colours, named by what they mean."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["Paint", "wants_color"]

_CODES = {
    "heading": "1",
    "added": "32",
    "removed": "31",
    "changed": "33",
    "commit": "33",
    "version": "1;36",
    "active": "1;32",
    "label": "1;35",
    "place": "36",
    "dim": "2",
    "error": "1;31",
    "hint": "36",
    "added word": "1;4;32",
    "removed word": "1;4;31",
    "graph 0": "31",
    "graph 1": "32",
    "graph 2": "33",
    "graph 3": "34",
    "graph 4": "35",
    "graph 5": "36",
}


class Paint:
    r"""Paints text, or leaves it alone.

    >>> Paint(True)("added", "+1"), Paint(False)("added", "+1")
    ('\x1b[32m+1\x1b[0m', '+1')
    """

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled

    def __call__(self, meaning: str, text: str) -> str:
        """Return the text in the colour of its meaning."""
        if not self.enabled or not text:
            return text
        return f"\x1b[{_CODES[meaning]}m{text}\x1b[0m"


def wants_color(choice: str | None, environment: Mapping[str, str], *, terminal: bool) -> bool:
    """Decide whether to colour: the option first, then NO_COLOR, FORCE_COLOR, the terminal.

    >>> wants_color(None, {"NO_COLOR": "1"}, terminal=True), wants_color(None, {}, terminal=True)
    (False, True)
    """
    if choice in ("always", "never"):
        return choice == "always"
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return terminal and environment.get("TERM") != "dumb"
