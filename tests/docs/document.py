"""Run a whole document: its blocks in order, on one namespace, one database and one directory."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import lix_vtab
from tests.docs.blocks import Block
from tests.docs.console import is_run, run_console
from tests.docs.python import run_python
from tests.docs.sql import run_sql

__all__ = ["run_document"]


def run_document(blocks: list[Block], directory: Path, commands: Path) -> int:
    """Execute `blocks` and return how many were executed.

    SQL runs on `lix`: the one a Python block of the document opened, or else a fresh one in
    memory. A block tagged `sql fresh` always begins a new one.
    """
    module = types.ModuleType("documented")
    names = module.__dict__
    sys.modules["documented"] = module
    executed = 0
    try:
        for block in blocks:
            if block.language == "python":
                run_python(block, names)
            elif block.language == "sql":
                if "fresh" in block.words or "lix" not in names:
                    _close(names)
                    names["lix"] = lix_vtab.open()
                run_sql(block, names["lix"])
            elif block.language == "console" and is_run(block):
                run_console(block, directory, commands)
            else:
                continue
            executed += 1
    finally:
        _close(names)
        del sys.modules["documented"]
    return executed


def _close(names: dict[str, object]) -> None:
    for value in names.values():
        if isinstance(value, lix_vtab.Lix):
            value.close()
