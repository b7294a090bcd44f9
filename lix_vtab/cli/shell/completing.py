"""What the tab key puts in place of the word at the cursor, when names may have blanks."""

from __future__ import annotations

from collections.abc import Iterable
from shlex import quote

from lix_vtab.model.dataclasses import dataclass

__all__ = ["Word", "open_quote"]


def open_quote(line: str) -> int | None:
    r"""Return where the single quote stands that is still open at the end of a line.

    >>> open_quote(".lix at 'a b"), open_quote("SELECT 'a', b"), open_quote('"it\'s')
    (8, None, None)
    """
    opened: int | None = None
    for position, letter in enumerate(line):
        if opened is None:
            opened = position if letter in "'\"" else None
        elif letter == line[opened]:
            opened = None
    return opened if opened is not None and line[opened] == "'" else None


@dataclass(frozen=True, slots=True)
class Word:
    """The word at the cursor: `text`, and `token`, the end of it that readline replaces.

    Readline ends words at blanks, so of `'/my fi` it only replaces `fi`.
    """

    before: str
    text: str
    token: str
    quoted: bool

    @classmethod
    def at(cls, line: str, begin: int, end: int) -> Word:
        """Find the word at the cursor; `begin` and `end` are readline's."""
        opened = open_quote(line[:end])
        if opened is None:
            return cls(line[:begin], line[begin:end], line[begin:end], quoted=False)
        return cls(line[:opened], line[opened + 1 : end], line[begin:end], quoted=True)

    def replacements(self, names: Iterable[str]) -> list[str]:
        """Return what to put in place of the token for each name that begins like the word.

        >>> Word.at(".lix at /my", 8, 11).replacements(["/my file", "/my", "/other"])
        ["'/my file' ", "'/my' "]
        >>> Word.at(".lix at '/my fi", 13, 15).replacements(["/my file"])
        ["file' "]
        """
        found = [name for name in names if name.startswith(self.text)]
        if not self.quoted and all(quote(name) == name for name in found):
            return [f"{name} " for name in found]
        kept = len(self.text) + 1 - len(self.token) if self.quoted else 0
        return [f"'{name}"[kept:] + "' " for name in found]
