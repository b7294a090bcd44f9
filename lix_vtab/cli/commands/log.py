"""`lix log`: commits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge
from typing import TYPE_CHECKING

import click

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.commits import Entry, Ids, Names, read_log
from lix_vtab.cli.failures import Failure
from lix_vtab.cli.graph import Graph
from lix_vtab.cli.names import REVISION
from lix_vtab.cli.paint import Paint
from lix_vtab.cli.text import harmless

if TYPE_CHECKING:
    from lix_vtab import Lix

__all__ = ["describe", "log", "one_line"]

_COLUMNS = ("id", "created_at", "authors", "message", "changes", "parents", "version", "checkpoint")


@command(
    examples=(
        "lix log --graph --all         # the graph of all versions",
        "lix log draft -n 5            # the last five commits of a version",
        "lix log /docs/a.md            # the commits that touched a file",
    )
)
@click.argument("what", nargs=-1, metavar="[REV]... [PATH]", type=REVISION)
@click.option("-n", "--max-count", "most", type=int, default=-1, help="List so many at most.")
@click.option("--graph", "with_graph", is_flag=True, help="Draw how commits follow each other.")
@click.option("--oneline", is_flag=True, help="Use one line for each commit.")
@click.option("--all", "every", is_flag=True, help="List the commits of all versions.")
def log(
    call: Call, what: tuple[str, ...], most: int, with_graph: bool, oneline: bool, every: bool
) -> None:
    """List commits, newest first, that led to REV (HEAD).

    With a PATH, those that touched the file that is there now, under whatever name it had.
    """
    paths = [each for each in what if each.startswith("/")]
    revisions = [each for each in what if not each.startswith("/")] or ["HEAD"]
    if len(paths) > 1:
        raise Failure(f"more than one path: {' '.join(paths)}")
    names = Names(call.lix, call.screen.paint)
    path = paths[0] if paths else None
    entries = _entries(call.lix, names.tips() if every else revisions, path, most)
    if call.screen.machine:
        call.screen.rows(_COLUMNS, (_row(entry, names) for entry in entries))
        return
    graph = Graph(call.screen.paint) if with_graph else None
    ids = Ids(call.lix)
    with call.screen.paged():
        for entry in entries:
            about = one_line if oneline else describe
            text = list(about(entry, names, ids, call.screen.paint))
            for line in graph.lines(entry.id, entry.parents, text) if graph else text:
                call.screen.say(line)


def _entries(lix: Lix, revisions: Sequence[str], path: str | None, most: int) -> Iterator[Entry]:
    """Yield the commits of several revisions as one list, each once."""
    lists = [read_log(lix, name, most=most, path=path) for name in revisions]
    seen: set[str] = set()
    for entry in merge(*lists, key=lambda entry: entry.seq, reverse=True):
        if entry.id not in seen and (most < 0 or len(seen) < most):
            seen.add(entry.id)
            yield entry


def _row(entry: Entry, names: Names) -> tuple[object, ...]:
    return (
        entry.id,
        entry.created_at,
        names.authors(entry.authors),
        entry.message,
        entry.changes,
        " ".join(entry.parents),
        entry.version,
        entry.checkpoint,
    )


def one_line(entry: Entry, names: Names, ids: Ids, paint: Paint) -> Iterator[str]:
    """Yield the one line that tells most about a commit."""
    about = harmless(entry.message.partition("\n")[0]) or _count(entry)
    yield f"{paint('commit', ids.short(entry.id))}{names.labels(entry)} {about}"


def describe(entry: Entry, names: Names, ids: Ids, paint: Paint) -> Iterator[str]:
    """Yield what is known about a commit, line by line."""
    yield f"{paint('commit', f'commit {entry.id}')}{names.labels(entry)}"
    if len(entry.parents) > 1:
        yield f"Merge:   {' '.join(map(ids.short, entry.parents))}"
    if entry.authors:
        yield f"Author:  {names.authors(entry.authors)}"
    yield f"Date:    {entry.created_at}"
    yield f"Changes: {_count(entry)}{f' in {harmless(entry.version)}' if entry.version else ''}"
    if entry.message:
        yield ""
        yield from (f"    {harmless(line)}" for line in entry.message.splitlines())
    yield ""


def _count(entry: Entry) -> str:
    return f"{entry.changes} change{'' if entry.changes == 1 else 's'}"
