"""The examples in docstrings hold."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import lix_vtab.plugins

MODULES = [
    "lix_vtab.testing.conformance",
    *(m.name for m in pkgutil.walk_packages(lix_vtab.plugins.__path__, "lix_vtab.plugins.")),
]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
