"""Cut a text into statements and say what each is, without understanding it.

Only the verb, the target table and two clauses matter here; everything else is SQLite's business,
so whatever SQLite accepts passes, now and in later releases.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lix_vtab.execution.contracts import Kind, ParsedScript, Placeholder, Statement
from lix_vtab.execution.errors import EmptyScript
from lix_vtab.execution.tokens import (
    CLOSE,
    OPEN,
    PARAMETER,
    SEMICOLON,
    Token,
    identifier,
    tokenize,
)
from lix_vtab.model.patterns import pattern

__all__ = ["parse"]

_KINDS = {
    "SELECT": Kind.SELECT,
    "VALUES": Kind.SELECT,
    "INSERT": Kind.INSERT,
    "REPLACE": Kind.INSERT,
    "UPDATE": Kind.UPDATE,
    "DELETE": Kind.DELETE,
    "BEGIN": Kind.BEGIN,
    "COMMIT": Kind.COMMIT,
    "END": Kind.COMMIT,
    "SAVEPOINT": Kind.SAVEPOINT,
    "RELEASE": Kind.RELEASE,
    "PRAGMA": Kind.PRAGMA,
    "ATTACH": Kind.ATTACH,
    "DETACH": Kind.DETACH,
    "VACUUM": Kind.VACUUM,
    "CREATE": Kind.DEFINE,
    "DROP": Kind.DEFINE,
    "ALTER": Kind.DEFINE,
    "EXPLAIN": Kind.EXPLAIN,
}
_MAIN_VERBS = frozenset({"SELECT", "VALUES", "INSERT", "REPLACE", "UPDATE", "DELETE"})

# A query without placeholders, comments at its start or inner semicolons needs no tokenizer.
_PLAIN_QUERY = pattern(r"\s*(?:SELECT|VALUES)\b[^;?:@$]*;?\s*", re.IGNORECASE | re.ASCII)


def parse(sql: str) -> ParsedScript:
    """Return the statements of `sql`.

    >>> [statement.kind.value for statement in parse("BEGIN; SELECT 1; COMMIT").statements]
    ['begin', 'select', 'commit']
    """
    if _PLAIN_QUERY.fullmatch(sql):
        return ParsedScript(sql, (Statement(sql, Kind.SELECT),))
    pieces = _split(tokenize(sql))
    if not pieces:
        raise EmptyScript(
            "sql planner produced an execution plan without statements: the text is empty or"
            " holds only comments",
            hint="write a statement, such as SELECT 1",
        )
    if len(pieces) == 1:
        whole = _statement(sql, pieces[0], 0)
        if not (whole.upsert or whole.returning):
            return ParsedScript(sql, (whole,))
        # its clauses are taken apart: what stands behind the last one must not become part of it
    return ParsedScript(
        sql,
        tuple(
            _statement(sql[piece[0].start : piece[-1].end], piece, piece[0].start)
            for piece in pieces
        ),
    )


def _split(tokens: list[Token]) -> list[list[Token]]:
    """Group tokens into statements; semicolons inside a trigger's body do not end one."""
    pieces: list[list[Token]] = []
    start = 0
    for position, token in enumerate(tokens):
        if token.kind != SEMICOLON:
            continue
        if position == start:
            start += 1
        elif not _defines_trigger(tokens, start) or _closes_trigger(tokens, position):
            pieces.append(tokens[start:position])
            start = position + 1
    if start < len(tokens):
        pieces.append(tokens[start:])
    return pieces


def _defines_trigger(tokens: list[Token], start: int) -> bool:
    """Tell whether the statement at `start` is a CREATE TRIGGER."""
    words = [token.keyword for token in tokens[start : start + 6]]
    if words[0] == "EXPLAIN":
        words = words[3:] if words[1:3] == ["QUERY", "PLAN"] else words[1:]
    if words[:1] != ["CREATE"]:
        return False
    return "TRIGGER" in (words[2:3] if words[1:2] in (["TEMP"], ["TEMPORARY"]) else words[1:2])


def _closes_trigger(tokens: list[Token], position: int) -> bool:
    """Tell whether the semicolon follows the END that closes a body: `; END ;`."""
    return tokens[position - 1].keyword == "END" and tokens[position - 2].kind == SEMICOLON


def _statement(text: str, tokens: Sequence[Token], offset: int) -> Statement:
    """Classify one statement whose tokens count from `offset`."""
    placeholders = tuple(
        Placeholder(token.text, token.start - offset, token.end - offset)
        for token in tokens
        if token.kind == PARAMETER
    )
    verb, position = tokens[0].keyword, 0
    if verb == "WITH":
        position = _main_verb(tokens)
        verb = tokens[position].keyword
    kind = _KINDS.get(verb, Kind.OTHER)
    if kind.changes_rows:
        upsert, returning = _clauses(tokens, position)
        database, target = _target(tokens, position)
        return Statement(text, kind, placeholders, target, upsert, returning, offset, database)
    if verb == "ROLLBACK":
        words = {token.keyword for token in tokens[1:3]}
        kind = Kind.ROLLBACK_TO if "TO" in words else Kind.ROLLBACK
    return Statement(text, kind, placeholders, start=offset)


def _main_verb(tokens: Sequence[Token]) -> int:
    """Return the position of the verb behind a WITH clause, or 0."""
    depth = 0
    for position, token in enumerate(tokens):
        if token.kind == OPEN:
            depth += 1
        elif token.kind == CLOSE:
            depth -= 1
        elif depth == 0 and token.keyword in _MAIN_VERBS:
            return position
    return 0


def _target(tokens: Sequence[Token], verb: int) -> tuple[str | None, str | None]:
    """Return the table a write is about: the database it names, if any, and its own name."""
    position = verb + 1
    while position < len(tokens):
        keyword = tokens[position].keyword
        if keyword == "OR":
            position += 2
        elif keyword in ("INTO", "FROM"):
            position += 1
        else:
            break
    database = None
    if position + 2 < len(tokens) and tokens[position + 1].text == ".":
        database = identifier(tokens[position])
        position += 2
    return database, identifier(tokens[position]) if position < len(tokens) else None


def _clauses(tokens: Sequence[Token], verb: int) -> tuple[bool, bool]:
    """Tell whether a write has ON CONFLICT and RETURNING clauses of its own."""
    upsert = returning = False
    depth = 0
    for position in range(verb, len(tokens)):
        kind = tokens[position].kind
        if kind == OPEN:
            depth += 1
        elif kind == CLOSE:
            depth -= 1
        elif depth == 0 and kind == "word":
            keyword = tokens[position].keyword
            if keyword == "CONFLICT" and tokens[position - 1].keyword == "ON":
                upsert = True
            elif keyword == "RETURNING":
                returning = True
    return upsert, returning
