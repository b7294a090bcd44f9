"""The options every command takes, wherever on the line they stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = ["common", "setting"]

F = TypeVar("F", bound=Callable[..., Any])


def common(function: F) -> F:
    """Add the options that group and commands share; the one nearest to the end counts."""
    for decorate in reversed(_OPTIONS):
        function = decorate(function)
    return function


def setting(ctx: click.Context, name: str) -> Any:
    """Return what was given for a shared option, None when it was not."""
    return ctx.ensure_object(dict).get(name)


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    source = ctx.get_parameter_source(param.name or "")
    if value is not None and source is not click.core.ParameterSource.DEFAULT:
        ctx.ensure_object(dict)[param.name] = value


def _option(*names: str, **attributes: Any) -> Callable[[F], F]:
    return click.option(*names, expose_value=False, callback=_remember, **attributes)


_OPTIONS = (
    _option(
        "--db",
        metavar="PATH",
        type=click.Path(dir_okay=False),
        help="The database; else $LIX_DB, else the nearest .lix file upwards.",
    ),
    _option("--json", "format", flag_value="json", default=None, help="Print JSON."),
    _option("--csv", "format", flag_value="csv", default=None, help="Print CSV."),
    _option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        help="Colour the output (auto: on a terminal, unless $NO_COLOR is set).",
    ),
    _option("--pager/--no-pager", default=None, help="Page long output (on a terminal)."),
)
