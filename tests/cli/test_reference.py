"""The page about the command line says what the command line says."""

from __future__ import annotations

from pathlib import Path

from lix_vtab.cli import exits
from lix_vtab.cli.index import COMMANDS
from lix_vtab.cli.reference import reference

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")


def test_the_page_ends_with_the_reference() -> None:
    _, marked, shown = PAGE.partition("| option | what it does |")
    assert marked + shown == reference(), "end it with: python -m lix_vtab.cli.reference"


def test_every_command_is_in_it() -> None:
    assert [name for name in COMMANDS if f"### lix {name}\n" not in PAGE] == []
    assert "### lix branch create\n" in PAGE


def test_exit_codes() -> None:
    rows = [line for line in (exits.__doc__ or "").splitlines() if line.startswith("| ")]
    assert len(rows) > 8
    assert [row for row in rows if row not in PAGE] == []
