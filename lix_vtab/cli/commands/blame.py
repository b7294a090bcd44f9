"""`lix blame`: who set it last."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import click

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.commits import Ids, Names
from lix_vtab.cli.failures import Failure
from lix_vtab.cli.names import FILE_PATH, REVISION
from lix_vtab.cli.text import harmless, pad, width
from lix_vtab.model.dataclasses import dataclass

__all__ = ["blame"]

_COLUMNS = (
    "entity_id, schema_key, property, value, commit_id, author_account_ids, created_at, message"
)
_CONTENT = {
    "text_line": "content",
    "markdown_block": "markdown",
    "csv_row": "cells",
    "json_pointer": "value",
}
"""What a part of a file says, for the parts that make up what people see of it."""


@dataclass(frozen=True, slots=True)
class _Line:
    place: tuple[Any, ...]
    text: str
    commit: str
    authors: tuple[str, ...]
    at: str


@command(
    examples=(
        "lix blame /docs/a.md          # a file, now",
        "lix blame /orders.csv v1      # a file as it was at the checkpoint v1",
        "lix blame --table task t1     # the properties of a row",
    )
)
@click.argument("target", metavar="PATH|ENTITY", type=FILE_PATH)
@click.argument("revision", default="HEAD", metavar="[REV]", type=REVISION)
@click.option("--table", metavar="NAME", help="ENTITY is a row of this schema's table.")
def blame(call: Call, target: str, revision: str, table: str | None) -> None:
    """Say for each line, record, node or property who set it last, and in which commit."""
    query = f"SELECT {_COLUMNS} FROM lix_blame(:target, :revision)"
    given = {"target": target, "revision": revision}
    if table is not None:
        query = (
            f"SELECT {_COLUMNS} FROM lix_blame WHERE entity_id = :target AND schema_key = :table"
            " AND revision = :revision"
        )
        given["table"] = table
    result = call.lix.execute(query, given)
    if call.screen.machine:
        call.screen.rows(result.columns, result.rows)
        return
    lines = sorted(_lines(result.rows), key=lambda line: line.place)
    if not lines:
        raise Failure(f"nothing is known about '{target}' at {revision}")
    names, ids = Names(call.lix, call.screen.paint), Ids(call.lix)
    with call.screen.paged():
        for line in _drawn(lines, names, ids, call):
            call.screen.say(line)


def _lines(rows: Iterable[tuple[Any, ...]]) -> Iterator[_Line]:
    """Turn rows into lines: the parts of a file in its order, or every property by name."""
    entities: dict[tuple[str, str], dict[str, tuple[Any, ...]]] = {}
    for row in rows:
        entities.setdefault((row[1], row[0]), {})[row[2]] = row
    in_file = any(schema in _CONTENT for schema, _ in entities)
    for (schema, entity), properties in entities.items():
        content = properties.get(_CONTENT.get(schema, ""))
        if content is not None:
            order = properties.get("order", (None,) * 4)[3]
            place = (order or "", *_natural(entity))
            for text in _texts(schema, entity, content[3]):
                yield _Line(place, text, content[4], tuple(json.loads(content[5])), content[6])
        elif not in_file:
            for name, row in properties.items():
                text = f"{schema}.{name} = {json.dumps(row[3], ensure_ascii=False)}"
                yield _Line((schema, entity, name), text, row[4], tuple(json.loads(row[5])), row[6])


def _natural(name: str) -> Iterator[tuple[int, str]]:
    """Order pointers with their numbers as numbers."""
    for part in re.split(r"(\d+)", name):
        yield (int(part), "") if part.isdigit() else (-1, part)


def _texts(schema: str, entity: str, value: Any) -> list[str]:
    if schema == "csv_row":
        return ["  ".join(map(str, json.loads(value).values()))]
    if schema == "json_pointer":
        shown = value if value in ("{}", "[]") else json.dumps(value, ensure_ascii=False)
        return [f"{entity or '/'}: {shown}"]
    return str(value).split("\n")


def _drawn(lines: list[_Line], names: Names, ids: Ids, call: Call) -> Iterator[str]:
    authors = [names.authors(line.authors) for line in lines]
    wide = max(map(width, authors))
    commits = [ids.short(line.commit) if line.commit else "untracked" for line in lines]
    long = max(map(len, commits))
    for line, author, commit in zip(lines, authors, commits, strict=True):
        who = f"{pad(author, wide)} " if wide else ""
        yield (
            f"{call.screen.paint('commit', commit.ljust(long))} "
            f"({who}{call.screen.paint('dim', line.at[:16].replace('T', ' '))}) "
            f"{harmless(line.text)}"
        ).rstrip()
