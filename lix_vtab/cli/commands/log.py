"""`lix log`: commits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge

import click

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.commits import Entry, Names, file_id_of, read_log, short
from lix_vtab.cli.failures import Failure
from lix_vtab.cli.graph import Graph
from lix_vtab.cli.names import REVISION
from lix_vtab.cli.paint import Paint
from lix_vtab.cli.text import harmless

__all__ = ["describe", "log"]

_COLUMNS = ("id", "created_at", "authors", "message", "changes", "parents", "version")


@command(
    examples=(
        "lix log --graph --all           the graph of all versions",
        "lix log draft -n 5              the last five commits of a version",
        "lix log /docs/a.md              the commits that touched a file",
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
    entries = _entries(call, [*names.tips()] if every else revisions, paths, most)
    if call.screen.machine:
        call.screen.rows(_COLUMNS, (_row(entry, names) for entry in entries))
        return
    graph = Graph(call.screen.paint) if with_graph else None
    show = _one_line if oneline else describe
    with call.screen.paged():
        for entry in entries:
            text = list(show(entry, names, call.screen.paint))
            for line in graph.lines(entry.id, entry.parents, text) if graph else text:
                call.screen.say(line)


def _entries(
    call: Call, revisions: Sequence[str], paths: Sequence[str], most: int
) -> Iterator[Entry]:
    """Yield the commits of several revisions as one list, each once."""
    file_id = None
    if paths:
        file_id = file_id_of(call.lix, paths[0])
        if file_id is None:
            raise Failure(f"no file has the path '{paths[0]}'", hint="lix files ls lists them")
    lists = [read_log(call.lix, name, most=most, file_id=file_id) for name in revisions]
    seen: set[str] = set()
    for entry in merge(*lists, key=lambda entry: (entry.created_at, entry.id), reverse=True):
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
    )


def _one_line(entry: Entry, names: Names, paint: Paint) -> Iterator[str]:
    about = harmless(entry.message) or _count(entry)
    yield f"{paint('commit', short(entry.id))}{names.labels(entry.id)} {about}"


def describe(entry: Entry, names: Names, paint: Paint) -> Iterator[str]:
    """Yield what is known about a commit, line by line."""
    yield f"{paint('commit', f'commit {entry.id}')}{names.labels(entry.id)}"
    if len(entry.parents) > 1:
        yield f"Merge:   {' '.join(map(short, entry.parents))}"
    if entry.authors:
        yield f"Author:  {names.authors(entry.authors)}"
    yield f"Date:    {entry.created_at}"
    yield f"Changes: {entry.changes}{f' in {harmless(entry.version)}' if entry.version else ''}"
    if entry.message:
        yield ""
        yield from (f"    {harmless(line)}" for line in entry.message.splitlines())
    yield ""


def _count(entry: Entry) -> str:
    return f"{entry.changes} change{'' if entry.changes == 1 else 's'}"
