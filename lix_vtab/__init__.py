"""Version control for structured data and files inside SQLite.

    import lix_vtab
    lix = lix_vtab.open("app.lix")
    lix.execute("SELECT name FROM lix_version")

`open` gives a `Lix`; `load` adds lix to an APSW connection you have.
"""

from __future__ import annotations

from lix_vtab.errors import LixError
from lix_vtab.lix import Lix, Version, load, open
from lix_vtab.schema import validate_data, validate_schema

__all__ = ["Lix", "LixError", "Version", "load", "open", "validate_data", "validate_schema"]
