"""`lix export`: files of the database onto the disk."""

from __future__ import annotations

from pathlib import Path

import click

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.names import FILE_PATH, VERSION
from lix_vtab.cli.progress import counting

__all__ = ["export_files"]


@command(name="export")
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
@click.argument("source", default="/", type=FILE_PATH)
@click.option("--version", metavar="VERSION", type=VERSION, help="Of this version (the active).")
def export_files(call: Call, target: Path, source: str, version: str | None) -> None:
    """Write the file SOURCE, or the files below it (/), into the directory TARGET of the disk.

    Files that are there and have no counterpart stay.
    """
    if str(target) == "-":
        raise click.UsageError("files are written to a directory; lix files cat writes bytes")
    if version is not None:
        call.lix.switch_version(version, session=True)
    with counting("exporting") as report:
        count = call.lix.export_dir(target, source, progress=report)
    call.done(f"exported {count} file{'' if count == 1 else 's'} to {target}", exported=count)
