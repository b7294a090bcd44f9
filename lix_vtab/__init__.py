"""Version control for structured data and files inside SQLite.

    import lix_vtab
    lix = lix_vtab.open("app.lix")
    lix.execute("SELECT name FROM lix_version")

`open` gives a `Lix`; `load` adds lix to an APSW connection you have; `loadable_path` names the
extension that adds it to any other host of SQLite.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lix_vtab import errors, plugins
    from lix_vtab.errors import LixError
    from lix_vtab.lix import Lix, Version
    from lix_vtab.loadable import loadable_path
    from lix_vtab.opening import load, open
    from lix_vtab.schema import validate_data, validate_schema

__all__ = [
    "Lix",
    "LixError",
    "Version",
    "errors",
    "load",
    "loadable_path",
    "open",
    "plugins",
    "validate_data",
    "validate_schema",
]

_HOMES = {
    "Lix": "lix",
    "LixError": "errors",
    "Version": "lix",
    "load": "opening",
    "loadable_path": "loadable",
    "open": "opening",
    "validate_data": "schema",
    "validate_schema": "schema",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: the command line starts without it all."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES.get(name)
    if home is None:
        return import_module(f"{__name__}.{name}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value
