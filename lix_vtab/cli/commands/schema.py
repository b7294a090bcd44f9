"""`lix schema`: what rows may look like."""

from __future__ import annotations

import json
from typing import Any, TextIO

import click

from lix_vtab.cli.call import Call, command, group
from lix_vtab.cli.failures import Failure
from lix_vtab.cli.names import SCHEMA
from lix_vtab.cli.text import harmless

__all__ = ["schema"]

_STORED = """
SELECT value ->> '$."x-lix-key"' AS key, value ->> '$."x-lix-version"' AS version, value
FROM lix_stored_schema ORDER BY 1, length(2), 2
"""


@group("list")
def schema() -> None:
    """List, show and register schemas; without a command, list."""


@command(schema, "list")
@click.option("--all", "every", is_flag=True, help="List the schemas of lix itself too.")
def list_schemas(call: Call, every: bool) -> None:
    """List stored schemas: their tables, versions and columns."""
    rows = [
        (key, version, ", ".join(json.loads(definition).get("properties", {})))
        for key, version, definition in call.lix.execute(_STORED)
        if every or not key.startswith("lix_")
    ]
    if not rows and not call.screen.machine:
        call.screen.say("no schemas; register one: lix schema register FILE")
        return
    call.screen.rows(("table", "version", "columns"), rows)


@command(schema)
@click.argument("key", type=SCHEMA)
@click.option("--version", "wanted", metavar="N", help="Which version of it (the latest).")
def show(call: Call, key: str, wanted: str | None) -> None:
    """Print a schema as JSON."""
    found = [
        definition
        for name, version, definition in call.lix.execute(_STORED)
        if name == key and wanted in (None, version)
    ]
    if not found:
        raise Failure(f"no schema '{key}' is stored", hint="lix schema lists them")
    call.screen.write(json.dumps(json.loads(found[-1]), indent=2, ensure_ascii=False) + "\n")


@command(schema)
@click.argument("file", type=click.File(encoding="utf-8-sig"), metavar="FILE")
def register(call: Call, file: TextIO) -> None:
    """Store the schemas in a JSON file: one, or an array of them. - reads standard input."""
    definitions = _definitions(file)
    with call.lix.transaction():
        for definition in definitions:
            call.lix.register_schema(definition)
    names = [str(definition.get("x-lix-key")) for definition in definitions]
    call.done(f"registered {', '.join(map(harmless, names))}", tables=" ".join(names))


def _definitions(file: TextIO) -> list[dict[str, Any]]:
    try:
        given = json.load(file)
    except ValueError as error:
        raise Failure(f"this is no JSON: {error}") from error
    definitions = given if isinstance(given, list) else [given]
    if not definitions or not all(isinstance(each, dict) for each in definitions):
        raise Failure("there is no schema in it", hint="a schema is a JSON object")
    return definitions
