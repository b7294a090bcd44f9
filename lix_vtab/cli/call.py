"""What a command is given: the database and the screen."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Sequence
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from lix_vtab.cli.database import find_database, open_existing
from lix_vtab.cli.failures import ReaderLeft
from lix_vtab.cli.options import common, setting
from lix_vtab.cli.screen import Screen, open_screen

if TYPE_CHECKING:
    from lix_vtab import Lix

__all__ = ["Call", "command", "group"]


class Call:
    """One call of a command; opens things when they are needed and closes them at its end."""

    def __init__(self, ctx: click.Context) -> None:
        self._ctx = ctx

    @property
    def given_path(self) -> Path | None:
        """Return the path that was given, by option or environment."""
        given = setting(self._ctx, "db") or os.environ.get("LIX_DB")
        return Path(given) if given else None

    @cached_property
    def path(self) -> Path:
        """Return the path of the database."""
        return find_database(setting(self._ctx, "db"), os.environ, Path.cwd())

    @cached_property
    def lix(self) -> Lix:
        """Open the database; in a shell it is open already."""
        given = setting(self._ctx, "lix")
        if given is not None:
            return cast("Lix", given)
        opened = open_existing(self.path)
        self._ctx.call_on_close(opened.close)
        return opened

    @cached_property
    def screen(self) -> Screen:
        """Return what to print on."""
        return open_screen(
            form=setting(self._ctx, "format"),
            color=setting(self._ctx, "color"),
            pager=setting(self._ctx, "pager"),
            environment=os.environ,
        )

    @property
    def color(self) -> str | None:
        """Return the choice of colours that was given."""
        return cast("str | None", setting(self._ctx, "color"))

    def done(self, sentence: str, **facts: Any) -> None:
        """Report what was done: a sentence to people, its facts to programs."""
        if self.screen.machine:
            self.screen.rows(tuple(facts), [tuple(facts.values())])
        else:
            self.screen.say(sentence)


def command(
    parent: click.Group | None = None,
    name: str | None = None,
    *,
    examples: Sequence[str] = (),
    **attributes: Any,
) -> Callable[[Callable[..., Any]], click.Command]:
    """Turn a function of a `Call` into a command with the shared options.

    `parent` is the group it belongs to; `examples` are shown below its help.
    """

    def decorate(function: Callable[..., Any]) -> click.Command:
        @wraps(function)
        @click.pass_context
        def run(ctx: click.Context, /, **given: Any) -> Any:
            try:
                return function(Call(ctx), **given)
            except BrokenPipeError as error:
                raise ReaderLeft from error

        about = inspect.cleandoc(function.__doc__ or "")
        if examples:
            about += "\n\n\b\n" + "\n".join(f"  {line}" for line in examples)
        make = click.command if parent is None else parent.command
        return make(name, help=about, **attributes)(common(run))

    return decorate


def group(default: str | None = None) -> Callable[[Callable[[], None]], click.Group]:
    """Turn a function into a group of commands; `default` is the one that runs without a name."""

    def decorate(function: Callable[[], None]) -> click.Group:
        @wraps(function)
        @click.pass_context
        def run(ctx: click.Context, /) -> Any:
            if default is None or ctx.invoked_subcommand is not None:
                return None
            command = made.get_command(ctx, default)
            assert command is not None
            return ctx.invoke(command)

        made: click.Group = click.group(invoke_without_command=default is not None)(common(run))
        return made

    return decorate
