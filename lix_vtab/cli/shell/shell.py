"""`lix shell`: the APSW shell with everything loaded."""

# mypy: allow-untyped-calls
# (the shell has no annotations)

from __future__ import annotations

from typing import IO, Any

from apsw.shell import Shell
from click.shell_completion import ShellComplete

from lix_vtab import Lix
from lix_vtab import open as open_lix
from lix_vtab.cli.main import cli
from lix_vtab.cli.names import MOST
from lix_vtab.cli.shell.verbs import Facades, add_verbs

__all__ = ["LixShell"]

_IN_LITERALS = """
SELECT name FROM lix_version UNION SELECT name FROM lix_checkpoint WHERE name IS NOT NULL
UNION SELECT schema_key FROM lix_state GROUP BY schema_key
UNION SELECT path FROM (SELECT path FROM lix_file WHERE path LIKE ?1 || '%' LIMIT ?2)
"""
_DELIMITERS = " \t\n`!@#$%^&*()=+[{]}\\|;:'\",<>?"
"""Between words; letters of paths, revisions and dot-commands are none."""


class LixShell(Shell):
    """A shell whose prompt is the active version; `.help lix` and `.lix --help` say what is new."""

    history_file = "~/.lix_history"

    def __init__(
        self,
        lix: Lix,
        *,
        stdin: IO[str] | None = None,
        stdout: IO[str] | None = None,
        stderr: IO[str] | None = None,
    ) -> None:
        self._facades = Facades()
        self._facades.remember(lix)
        super().__init__(
            stdin=stdin,  # type: ignore[arg-type]
            stdout=stdout,  # type: ignore[arg-type]
            stderr=stderr,  # type: ignore[arg-type]
            db=lix.connection,
        )
        self.dbfilename: Any = lix.connection.filename
        self.moreprompt = "   ...> "
        add_verbs(type(self), self._facades)

    @property
    def prompt(self) -> str:
        """Return the prompt: the active version."""
        return f"{self._facades.of(self.db).active_version.name}> "

    @prompt.setter
    def prompt(self, text: str) -> None:
        """Ignore what the shell sets: the prompt says which version is written to."""

    def command_open(self, cmd: list[str]) -> None:
        """Open a database instead of the one that is open."""
        if len(cmd) > 1 or (cmd and cmd[0].startswith("-")):
            raise self.Error("Only the name of a file can be given")
        opened = open_lix(*cmd)
        self._facades.remember(opened)
        self.dbfilename = opened.connection.filename
        self._db: Any = opened.connection
        self.db_references.add(opened.connection)

    # what .help shows: the shell wants the syntax in the first line
    command_open.__doc__ = """open ?FILE?: Opens a database, creating it and its lix when needed

        A database in memory when there is no FILE
        """

    # -- completion

    def cmdloop(self, intro: str | None = None, transient: str | None = None) -> None:
        """Run the shell, with paths and revisions as single words for completion."""
        if self.interactive:
            import readline

            readline.set_completer_delims(_DELIMITERS)
        super().cmdloop(intro, transient)

    def complete_sql(self, line: str, token: str, beg: int, end: int) -> list[str]:
        """Complete SQL; inside a literal, versions, checkpoints, schemas and paths."""
        if line[:beg].count("'") % 2:
            rows = self.db.execute(_IN_LITERALS, (token, MOST)).fetchall()
            return [f"{name}'" for (name,) in rows if name and name.startswith(token)]
        found: list[str] = super().complete_sql(line, token, beg, end)
        return [name for name in found if not name.startswith("lix_internal")]

    def complete_command(self, line: str, token: str, beg: int, end: int) -> list[str]:
        """Complete dot-commands; those of lix with what the command line would offer."""
        words = line[:beg].split()
        if not words or not (words[0] == ".lix" or words[0].startswith(".lix-")):
            found: list[str] = super().complete_command(line, token, beg, end)
            return found
        arguments = [words[0].removeprefix(".lix").removeprefix("-"), *words[1:]]
        settings: dict[str, Any] = {"obj": {"lix": self._facades.of(self.db)}}
        completer = ShellComplete(cli, settings, "lix", "_LIX_COMPLETE")
        items = completer.get_completions([word for word in arguments if word], token)
        return [f"{item.value} " for item in items if item.value.startswith(token)]
