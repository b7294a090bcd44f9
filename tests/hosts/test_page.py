"""What docs/hosts.md shows of other programs, run in them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.docs.blocks import Block, read_blocks
from tests.docs.console import run_console
from tests.hosts.hosts import stock_python

PAGE = Path(__file__).parents[2] / "docs" / "hosts.md"


def blocks(start: str) -> list[Block]:
    """Return the console blocks that begin with a command and show what it prints."""
    found = [block for block in read_blocks(PAGE) if block.language == "console"]
    shown = [block for block in found if block.text.startswith(start)]
    assert shown, f"the page has no block that begins with {start}"
    return shown


def test_the_sqlite3_shell(lix_extension: Path, tmp_path: Path) -> None:
    if shutil.which("sqlite3") is None:
        pytest.skip("the sqlite3 shell is not installed")
    for block in blocks("$ sqlite3 -batch"):
        run_console(block, tmp_path, tmp_path / "bin")


def test_python_s_own_sqlite3(lix_extension: Path, tmp_path: Path) -> None:
    python = stock_python()
    if python is None:
        pytest.skip("no Python of this version has an sqlite3 that loads extensions")
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "python3").write_text(f'#!/bin/sh\nexec "{python}" "$@"\n')
    (commands / "python3").chmod(0o755)
    for block in blocks("$ cat > stock.py"):
        run_console(block, tmp_path, commands)
