"""Taking over the tests of another module, to run them with the fixtures of this directory."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["adopt"]


def adopt(module: dict[str, Any], name: str, *, without: tuple[str, ...] = ()) -> None:
    """Copy the tests and fixtures of the module `name`, except some."""
    for key, value in vars(import_module(name)).items():
        if not key.startswith("__") and key not in without:
            module.setdefault(key, value)
