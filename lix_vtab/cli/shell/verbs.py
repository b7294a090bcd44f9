"""The commands of `lix` as dot-commands of an APSW shell, on the shell's own connection."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from lix_vtab.cli.exits import DONE, NO
from lix_vtab.cli.failures import guarded
from lix_vtab.cli.index import COMMANDS
from lix_vtab.cli.main import cli

if TYPE_CHECKING:
    import apsw
    from apsw.shell import Shell

    from lix_vtab import Lix

__all__ = ["SHORT_FORMS", "Facades", "add_verbs", "adopt", "run_verb"]

SHORT_FORMS = (
    "status", "log", "show", "diff", "blame", "history", "at", "checkpoint", "undo", "redo",
    "restore", "revert", "branch", "files", "schema", "plugin", "check",
)  # fmt: skip
"""Commands that are also dot-commands of their own: `.lix-status`."""


class Facades:
    """The `Lix` of each connection of a shell."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[apsw.Connection, Lix] = WeakKeyDictionary()

    def remember(self, lix: Lix) -> None:
        """Use this `Lix` for its connection."""
        self._known[lix.connection] = lix

    def of(self, connection: apsw.Connection) -> Lix:
        """Return the `Lix` of a connection, loading lix into it when nobody has."""
        known = self._known.get(connection)
        if known is None:
            from lix_vtab.execution.guard import Reads
            from lix_vtab.execution.limits import Limits
            from lix_vtab.lix import Lix
            from lix_vtab.loading import load_into

            known = Lix(connection, load_into(connection), Reads(), Limits())
            self._known[connection] = known
        return known

    def close(self) -> None:
        """Close all of them."""
        for lix in list(self._known.values()):
            lix.close()


def add_verbs(
    cls: type[Shell], facades: Facades, failed: Callable[[], object] = lambda: None
) -> None:
    """Give a shell class the dot-commands `.lix` and `.lix-<command>`.

    `failed` is called after a command that failed; what went wrong has been printed then.
    """

    def lix(self: Shell, cmd: list[str]) -> None:
        if run_verb(self, facades, cmd) not in (DONE, NO):
            failed()

    # the shell makes its help from the first line, and finds names with underscores only
    lix.__doc__ = (
        "lix COMMAND ?ARGS?: Runs a command of lix on this database\n\n.lix --help lists them"
    )
    cls.command_lix = lix  # type: ignore[attr-defined]
    for name in SHORT_FORMS:
        setattr(cls, f"command_lix_{name}", _short_form(name, lix))


def _short_form(
    name: str, lix: Callable[[Any, list[str]], None]
) -> Callable[[Any, list[str]], None]:
    def run(self: Shell, cmd: list[str]) -> None:
        lix(self, [name, *cmd])

    run.__doc__ = f"lix_{name} ?ARGS?: {COMMANDS[name].summary.rstrip('.')}\n"
    return run


def run_verb(shell: Shell, facades: Facades, arguments: list[str]) -> int:
    """Run a command of `lix` with the output and the database of a shell; return its exit code."""
    settings: dict[str, Any] = {"lix": facades.of(shell.db), "pager": False}
    if shell.colour_scheme == "off":
        settings["color"] = "never"

    def run() -> object:
        return cli.main(arguments, prog_name=".lix", standalone_mode=False, obj=settings)

    with redirect_stdout(shell.stdout), redirect_stderr(shell.stderr):
        return guarded(run, as_json=lambda: settings.get("format") == "json")


def adopt(shell: Shell) -> None:
    """Bring lix into a running APSW shell: its tables, functions and dot-commands."""
    facades = Facades()
    facades.of(shell.db)
    add_verbs(type(shell), facades)
