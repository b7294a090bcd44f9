"""Version control for structured data and files inside SQLite."""

from __future__ import annotations

from lix_vtab.errors import LixError
from lix_vtab.lix import Lix, load, open

__all__ = ["Lix", "LixError", "load", "open"]
