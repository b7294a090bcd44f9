"""`lix import`: files of the disk into the database."""

from __future__ import annotations

from pathlib import Path

import click

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.progress import counting

__all__ = ["import_files"]


@command(name="import")
@click.argument("sources", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--into", metavar="PATH", default="/", help="Where to put them (/).")
@click.option(
    "--exclude",
    metavar="PATTERN",
    multiple=True,
    default=(".git", "*.lix", "*.lix-wal", "*.lix-shm"),
    show_default="git's directory and lix databases",
    help="Leave out files and directories with such names.",
)
def import_files(
    call: Call, sources: tuple[Path, ...], into: str, exclude: tuple[str, ...]
) -> None:
    """Write files and directories of the disk into the database, in one commit.

    What is below a directory comes below PATH; a file comes into it.
    """
    place = into if into.endswith("/") else into + "/"
    count = 0
    with counting("importing") as report, call.lix.transaction():
        for source in sources:
            if source.is_dir():
                count += call.lix.import_dir(source, place, exclude=exclude, progress=report)
            else:
                with source.open("rb") as stream:
                    call.lix.write_file(place + source.name, stream)
                count += 1
    call.done(f"imported {count} file{'' if count == 1 else 's'}", imported=count)
