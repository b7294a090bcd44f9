"""No refusal without a hint: read from the code itself, so that new ones are held to it too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import lix_vtab
from lix_vtab import errors

PACKAGE = Path(lix_vtab.__file__).parent
SILENT = {
    name for name in errors.__all__ if not getattr(errors, name).advice and name != "CallbackError"
} | {"ArgumentError", "EmptyScript", "LoweringError", "PlaceholderError", "ScriptShapeError"}
"""Kinds whose hint depends on the case. A CallbackError carries what a callback raised."""


def unhinted(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        given = {keyword.arg for keyword in node.keywords}
        if node.func.id in SILENT and not given & {"hint", None}:
            yield f"{path.relative_to(PACKAGE)}:{node.lineno} {node.func.id}"


@pytest.mark.parametrize("area", sorted({path.parent for path in PACKAGE.rglob("*.py")}))
def test_every_refusal_has_a_hint(area: Path) -> None:
    assert [found for path in sorted(area.glob("*.py")) for found in unhinted(path)] == []
