"""SQLite's lexical rules (https://www.sqlite.org/draft/tokenreq.html), enough to cut SQL apart.

The tokenizer never fails: text SQLite would refuse becomes an `OTHER` token, and SQLite says what
is wrong with it when the statement is prepared.
"""

from __future__ import annotations

import re

from lix_vtab.model.tuples import NamedTuple

__all__ = [
    "BLOB",
    "CLOSE",
    "NAME",
    "NUMBER",
    "OPEN",
    "OTHER",
    "PARAMETER",
    "SEMICOLON",
    "STRING",
    "WORD",
    "Token",
    "identifier",
    "quote",
    "tokenize",
    "unquote",
]

WORD = "word"
NAME = "name"
STRING = "string"
BLOB = "blob"
NUMBER = "number"
PARAMETER = "parameter"
SEMICOLON = "semicolon"
OPEN = "open"
CLOSE = "close"
OTHER = "other"

# What cannot be in a name, and what cannot begin one, all of it ASCII: saying it this way round
# spares every process milliseconds of compiling sets that reach up to U+10FFFF.
_NO_ID = r"\x00-#%-/:-@\[-^`{-\x7f"
_NO_START = r"\x00-@\[-^`{-\x7f"
_TOKEN = re.compile(
    rf"""
    (?:[ \t\n\f\r\ufeff]+ | --[^\n]* | /\*(?s:.*?)(?:\*/|\Z))*+
    (?:
        (?P<blob>[xX]'[^']*')
      | (?P<word>[^{_NO_START}][^{_NO_ID}]*+)
      | (?P<number>(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?[^{_NO_ID}]*+)
      | (?P<semicolon>;)
      | (?P<open>\()
      | (?P<close>\))
      | (?P<string>'(?:[^']|'')*+')
      | (?P<name>"(?:[^"]|"")*+" | `(?:[^`]|``)*+` | \[[^\]]*\])
      | (?P<parameter>\?\d*+ | [$:@](?:[^{_NO_ID}]|::)*+(?:(?<=[^{_NO_ID}])\([^)\s]*\))?)
      | (?P<other>->>? | \|\| | [<>=!]=? | <> | << | >> | ['"`\[](?s:.*)\Z | (?s:.))
      | \Z
    )
    """,
    re.VERBOSE,
)

_new = tuple.__new__


class Token(NamedTuple):
    """One lexical unit: `kind`, its `text`, and where it stands (`start` to `end`)."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def keyword(self) -> str:
        """Return the upper-case word, or an empty text for anything that is not a bare word."""
        return self.text.upper() if self.kind == WORD else ""


def tokenize(text: str) -> list[Token]:
    """Return the tokens of `text` without white space and comments.

    >>> [token.text for token in tokenize("SELECT 'a;b' -- c")]
    ['SELECT', "'a;b'"]
    """
    # This runs over every new text: tuple.__new__ is three times as fast as calling the class.
    return [
        _new(Token, (match.lastgroup, match[match.lastindex], *match.span(match.lastindex)))
        for match in _TOKEN.finditer(text)
        if match.lastindex
    ]


def unquote(text: str) -> str:
    """Return the name an identifier token stands for, whatever its quotes.

    >>> [unquote(text) for text in ('a', '"a""b"', '[a b]', '`a`', "'a'")]
    ['a', 'a"b', 'a b', 'a', 'a']
    """
    first = text[:1]
    if first == "[":
        return text[1:-1]
    if first and first in "\"'`":
        return text[1:-1].replace(first * 2, first)
    return text


def quote(name: str) -> str:
    """Return `name` as a quoted identifier.

    >>> quote('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def identifier(token: Token) -> str | None:
    """Return the name `token` stands for, or None when it cannot be a name."""
    return unquote(token.text) if token.kind in (WORD, NAME, STRING) else None
