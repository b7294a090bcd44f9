"""What the loadable extension calls when a host has loaded it."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["initialise"]


def initialise(connection: Any) -> None:
    """Register everything of lix_vtab on the host's connection, and make a lix if it has none.

    `connection` is the shim's `HostConnection`. This is a process' way in and so stands outside of
    the layers: the package is found at run time, because nothing here imports what lies above.
    """
    importlib.import_module("lix_vtab").load(connection)
