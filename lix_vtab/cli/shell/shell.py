"""`lix shell`: the APSW shell with everything loaded."""

# mypy: allow-untyped-calls
# (the shell has no annotations)

from __future__ import annotations

import inspect
import os
from collections.abc import Sequence
from typing import IO, Any

import apsw
from apsw.shell import Shell
from click.shell_completion import ShellComplete

from lix_vtab import Lix
from lix_vtab import open as open_lix
from lix_vtab.cli.database import interruptible
from lix_vtab.cli.main import cli
from lix_vtab.cli.names import MOST
from lix_vtab.cli.paint import Paint, wants_color
from lix_vtab.cli.screen import draw_rows
from lix_vtab.cli.shell.completing import Word
from lix_vtab.cli.shell.statements import Rows, named, split
from lix_vtab.cli.shell.verbs import Facades, add_verbs
from lix_vtab.errors import LixError

__all__ = ["LixShell"]

_IN_LITERALS = """
SELECT name FROM lix_version WHERE hidden = 0
UNION SELECT name FROM lix_checkpoint WHERE name IS NOT NULL
UNION SELECT schema_key FROM lix_state GROUP BY schema_key
UNION SELECT path FROM (SELECT path FROM lix_file WHERE path LIKE ?1 || '%' LIMIT ?2)
"""
_DELIMITERS = ' \t\n`!@#$%^&*()=+[{]}\\|;:",<>?'
"""Between words; letters of paths, revisions and dot-commands are none.

Nor is the single quote: after one that is, readline adds another at the end on its own.
"""

_NARROWEST = 32


class LixShell(Shell):
    """A shell whose prompt is the active version; `.help lix` and `.lix --help` say what is new.

    `failures` counts the statements and commands that failed.
    """

    def __init__(
        self,
        lix: Lix,
        *,
        color: str | None = None,
        stdin: IO[str] | None = None,
        stdout: IO[str] | None = None,
        stderr: IO[str] | None = None,
    ) -> None:
        self.failures = 0
        self._facades = Facades()
        self._facades.remember(lix)
        super().__init__(
            stdin=stdin,  # type: ignore[arg-type]
            stdout=stdout,  # type: ignore[arg-type]
            stderr=stderr,  # type: ignore[arg-type]
            db=lix.connection,
        )
        self.dbfilename: Any = lix.connection.filename
        self.history_file = "~/.lix_history"
        self.moreprompt = "   ...> "
        if not wants_color(color, os.environ, terminal=self.stdout.isatty()):
            self.command_colour(["off"])
        if self.interactive:
            self.output = self.output_lix
        add_verbs(type(self), self._facades, self._count_failure)

    @property
    def prompt(self) -> str:
        """Return the prompt: the active version."""
        return f"{self._facades.of(self.db).active_version.name}> "

    @prompt.setter
    def prompt(self, text: str) -> None:
        """Ignore what the shell sets: the prompt says which version is written to."""

    def output_lix(self, column_names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Aligned columns when there is room for them, else one row below the other"""
        paint = Paint(self.colour is not self._colours["off"])
        wide = self._terminal_width(_NARROWEST) if self.stdout.isatty() else None
        for line in draw_rows(column_names, rows, paint=paint, wide=wide):
            self.write(self.stdout, line + "\n")

    output_lix.all_at_once = True  # type: ignore[attr-defined]

    def command_open(self, cmd: list[str]) -> None:
        """Open a database instead of the one that is open."""
        if len(cmd) > 1 or (cmd and cmd[0].startswith("-")):
            raise self.Error("Only the name of a file can be given")
        opened = open_lix(*cmd)
        interruptible(opened.connection)
        self._facades.remember(opened)
        self.dbfilename = opened.connection.filename
        self._db: Any = opened.connection
        self.db_references.add(opened.connection)

    # what .help shows: the shell wants the syntax in the first line
    command_open.__doc__ = """open ?FILE?: Opens a database, creating it and its lix when needed

        A database in memory when there is no FILE
        """

    def command_tables(self, cmd: list[str]) -> None:
        """List tables, without those that lix keeps to itself."""
        pattern = cmd[0] if cmd else "%"
        self.push_output()
        self.output = self.output_list
        self.header = False
        try:
            self.process_sql(_TABLES, (pattern,), internal=True)
        finally:
            self.pop_output()

    command_tables.__doc__ = """tables ?PATTERN?: Lists names of tables matching LIKE pattern

        Views are listed too; tables internal to lix are not
        """

    def close(self) -> None:
        """Close every database that was opened here."""
        self._facades.close()

    # -- statements

    def process_sql(
        self,
        sql: str,
        bindings: Any = None,
        internal: bool = False,
        summary: tuple[str, str] | None = None,
    ) -> None:
        """Run what was typed; RETURNING and ON CONFLICT work on every table, as in `lix sql`."""
        if internal:
            super().process_sql(sql, bindings, internal, summary)
            return
        for text, lowered in split(sql):
            try:
                if lowered:
                    self._lowered(text, self.bindings if bindings is None else bindings)
                else:
                    super().process_sql(text, bindings, internal, summary)
            except apsw.SQLError as error:
                self._hint(error, text)
                raise

    def _lowered(self, sql: str, bindings: Any) -> None:
        """Run a statement that SQLite alone would refuse for a virtual table."""
        result = self._facades.of(self.db).execute(sql, named(sql, bindings))
        if not result.columns or not result.rows:
            return
        if getattr(self.output, "all_at_once", False):
            self.output(result.columns, result.rows)
            return
        whole = list(inspect.signature(self.output).parameters.values())[1]
        source = self.PositionRow(Rows(result.columns, result.rows))
        self.output(True, result.columns)
        for row in source:
            self.output(False, row if whole.annotation == "Shell.Row" else row.row)

    def _hint(self, error: apsw.SQLError, sql: str) -> None:
        """Print what might have been meant; what was wrong has been said."""
        if isinstance(error, LixError):
            return
        try:
            self._facades.of(self.db).explain(sql)
        except LixError as told:
            if told.hint:
                self.write(self.stderr, f"hint: {told.hint}\n")

    # -- trouble

    def handle_exception(self) -> None:
        """Print what went wrong, and count it."""
        self._count_failure()
        super().handle_exception()

    def _count_failure(self) -> None:
        self.failures += 1

    # -- completion

    def cmdloop(self, intro: str | None = None, transient: str | None = None) -> None:
        """Run the shell, with paths and revisions as single words for completion."""
        if self.interactive:
            import readline

            readline.set_completer_delims(_DELIMITERS)
        super().cmdloop(intro, transient)

    def complete_sql(self, line: str, token: str, beg: int, end: int) -> list[str]:
        """Complete SQL; inside a literal, versions, checkpoints, schemas and paths."""
        word = Word.at(line, beg, end)
        if word.quoted:
            rows = self.db.execute(_IN_LITERALS, (word.text, MOST)).fetchall()
            return word.replacements(name for (name,) in rows)
        found: list[str] = super().complete_sql(line, token, beg, end)
        return [name for name in found if not name.startswith("lix_internal")]

    def complete_command(self, line: str, token: str, beg: int, end: int) -> list[str]:
        """Complete dot-commands; those of lix with what the command line would offer."""
        word = Word.at(line, beg, end)
        words = word.before.split()
        if not words or not (words[0] == ".lix" or words[0].startswith(".lix-")):
            found: list[str] = super().complete_command(line, token, beg, end)
            return found
        arguments = [words[0].removeprefix(".lix").removeprefix("-"), *words[1:]]
        settings: dict[str, Any] = {"obj": {"lix": self._facades.of(self.db)}}
        completer = ShellComplete(cli, settings, "lix", "_LIX_COMPLETE")
        items = completer.get_completions([each for each in arguments if each], word.text)
        return word.replacements(item.value for item in items)


_TABLES = """
SELECT name FROM (
  SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')
  UNION ALL SELECT name FROM sqlite_temp_schema WHERE type IN ('table', 'view')
)
WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
  AND name NOT LIKE 'lix\\_internal%' ESCAPE '\\'
  AND name LIKE ?1
ORDER BY name
"""
