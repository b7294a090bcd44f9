"""The pages about every command, made from the commands: `python -m lix_vtab.cli.reference`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from lix_vtab.cli.index import COMMANDS
from lix_vtab.cli.main import cli

__all__ = ["reference"]

_SHARED = frozenset({"--db", "--json", "--csv", "--color", "--pager", "--help"})


def reference() -> str:
    """Return the reference of all commands in Markdown."""
    with click.Context(cli, info_name="lix", **cli.context_settings) as root:
        parts = ["\n".join(_options(cli, root, shared=True))]
        section = ""
        for name, entry in COMMANDS.items():
            if entry.section != section:
                section = entry.section
                parts.append(f"## {section}")
            command = cli.get_command(root, name)
            assert command is not None
            parts += _command(command, root, name)
    return "\n\n".join(parts) + "\n"


def _command(command: click.Command, parent: click.Context, name: str) -> Iterator[str]:
    with click.Context(command, parent=parent, info_name=name) as ctx:
        usage = " ".join(command.collect_usage_pieces(ctx))
        about, _, examples = (command.help or "").partition("\n\n\b\n")
        yield f"### {ctx.command_path}"
        yield f"`{ctx.command_path} {usage}`"
        yield about
        if examples:
            lines = "\n".join(line.strip() for line in examples.splitlines())
            yield f"```sh\n{lines}\n```"
        options = list(_options(command, ctx))
        if options:
            yield "\n".join(options)
        if isinstance(command, click.Group):
            for inner in command.list_commands(ctx):
                found = command.get_command(ctx, inner)
                assert found is not None
                yield from _command(found, ctx, inner)


def _options(command: click.Command, ctx: click.Context, *, shared: bool = False) -> Iterator[str]:
    """Yield a table of options; the ones every command takes only when asked for."""
    records = [
        parameter.get_help_record(ctx)
        for parameter in command.get_params(ctx)
        if isinstance(parameter, click.Option)
        and (shared or not _SHARED & {*parameter.opts, *parameter.secondary_opts})
    ]
    rows = [record for record in records if record is not None]
    if rows:
        yield "| option | what it does |"
        yield "|---|---|"
    for names, text in rows:
        shown = names.replace("|", "\\|")
        yield f"| `{shown}` | {text.replace('|', chr(92) + '|')} |"


if __name__ == "__main__":
    click.echo(reference(), nl=False)
