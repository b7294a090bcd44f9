"""Where a command's output goes, and in which form: for people, or as JSON or CSV."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any

from lix_vtab.cli.pager import Pager, pager_command
from lix_vtab.cli.paint import Paint, wants_color
from lix_vtab.cli.records import draw_records
from lix_vtab.cli.table import draw_table, fits
from lix_vtab.cli.values import json_object

__all__ = ["Screen", "draw_rows", "open_screen"]

_READABLE = 36
"""What stays of every column of a query's rows: an id, in full."""


class Screen:
    """What a command prints on.

    `say` is for people and silent in the machine formats; `rows` prints in all of them. `form` is
    `text`, `json` or `csv`.
    """

    def __init__(
        self,
        form: str = "text",
        *,
        out: IO[str],
        paint: Paint,
        wide: int | None = None,
        pager: str | None = None,
    ) -> None:
        self.form = form
        self.paint = paint
        self.wide = wide
        self._out = out
        self._pager = pager

    @property
    def machine(self) -> bool:
        """Tell whether a program reads the output."""
        return self.form != "text"

    def say(self, line: str = "") -> None:
        """Print a line for people."""
        if not self.machine:
            self.write(line + "\n")

    def write(self, text: str) -> None:
        """Print text as it is."""
        self._out.write(text)

    def rows(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Print rows in the format asked for."""
        if self.form == "json":
            self._json(columns, rows)
        elif self.form == "csv":
            import csv

            writer = csv.writer(self._out, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([_csv_value(value) for value in row] for row in rows)
        else:
            for line in draw_table(columns, list(rows), paint=self.paint, columns_wide=self.wide):
                self.say(line)

    def results(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Print the rows of a query: like `rows`, but without cutting what one wants to read."""
        if self.machine:
            self.rows(columns, rows)
            return
        for line in draw_rows(columns, rows, paint=self.paint, wide=self.wide):
            self.say(line)

    def _json(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        opening = "["
        for row in rows:
            self.write(f"{opening}{json_object(columns, row)}")
            opening = ",\n "
        self.write("]\n" if opening != "[" else "[]\n")

    @contextmanager
    def paged(self) -> Iterator[None]:
        """Send what is printed inside the block through the pager, when there is one."""
        if self._pager is None or self.machine:
            yield
            return
        before = self._out
        pager = Pager(self._pager, os.environ)
        self._out = pager.stream
        try:
            yield
        except BrokenPipeError:
            pass  # the reader has seen enough
        finally:
            self._out = before
            pager.close()


def draw_rows(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], *, paint: Paint, wide: int | None
) -> Iterator[str]:
    """Yield the lines of a query's rows: a table when there is room for it, else records."""
    if wide is None or not rows or fits(columns, rows, wide, _READABLE):
        return draw_table(columns, rows, paint=paint, columns_wide=wide)
    return draw_records(columns, rows, paint=paint)


def _csv_value(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def _columns() -> int:
    from shutil import get_terminal_size  # costs 3 ms, for a terminal only

    return get_terminal_size((100, 24)).columns


def open_screen(
    *, form: str | None, color: str | None, pager: bool | None, environment: Mapping[str, str]
) -> Screen:
    """Return the screen of this process' standard output."""
    out = sys.stdout
    terminal = out.isatty()
    paged = terminal if pager is None else pager
    return Screen(
        form or "text",
        out=out,
        paint=Paint(wants_color(color, environment, terminal=terminal)),
        wide=_columns() if terminal else None,
        pager=pager_command(environment) if paged and terminal else None,
    )
