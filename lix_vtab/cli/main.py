"""The command `lix`."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from lix_vtab.cli.failures import guarded
from lix_vtab.cli.index import COMMANDS
from lix_vtab.cli.lazy import LazyGroup
from lix_vtab.cli.options import common

__all__ = ["cli", "main"]

_NEW_OBJECTS = 100_000
"""After how many new objects cycles are looked for: importing makes fewer, and no cycles."""


@click.group(
    "lix",
    cls=LazyGroup,
    entries=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="REV names a revision: a commit id or the start of one, a version, a checkpoint, HEAD, "
    "and name~3 for three commits earlier.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda *given: _version(*given),
    help="Print versions and exit.",
)
@common
def cli() -> None:
    """Version control for structured data and files inside SQLite."""


def _version(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    """Print the versions that matter in a report of a defect."""
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    import apsw

    try:
        ours = version("lix_vtab")
    except PackageNotFoundError:
        ours = "(not installed)"
    python = ".".join(map(str, sys.version_info[:3]))
    click.echo(f"lix {ours}, SQLite {apsw.sqlite_lib_version()}, Python {python}")
    ctx.exit()


def _open_streams() -> None:
    """Give what is printed a place to go when whoever started us closed the stream."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code."""
    _open_streams()
    gc.set_threshold(_NEW_OBJECTS)
    atexit.register(gc.freeze)  # what is left at the end need not be looked through once more
    settings: dict[str, Any] = {}

    def run() -> object:
        return cli.main(arguments, prog_name="lix", standalone_mode=False, obj=settings)

    sys.exit(guarded(run, as_json=lambda: settings.get("format") == "json"))
