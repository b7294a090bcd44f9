"""Plugins: what turns files into entities and entities into files.

The contract a plugin fulfils, the plugins that come with lix_vtab (`BUILTIN`), the registry that
chooses among them and the guarded calls into them. Nothing in here knows a database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lix_vtab.plugins.contract import (
    ActiveStateRow,
    EntityChange,
    File,
    Plugin,
    PluginInternal,
    PluginInvalidInput,
    Replacement,
    StateContext,
)
from lix_vtab.plugins.registry import PluginRegistry, load_archive

__all__ = [
    "BUILTIN",
    "ActiveStateRow",
    "EntityChange",
    "File",
    "Plugin",
    "PluginInternal",
    "PluginInvalidInput",
    "PluginRegistry",
    "Replacement",
    "StateContext",
    "load_archive",
    "plugin_csv",
    "plugin_json",
    "plugin_md",
    "plugin_text",
]

if TYPE_CHECKING:
    from lix_vtab.plugins.shipped import BUILTIN, plugin_csv, plugin_json, plugin_md, plugin_text


def __getattr__(name: str) -> Any:
    """Import the shipped plugins when one is asked for: who looks at no file needs none."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lix_vtab.plugins import shipped

    value = globals()[name] = getattr(shipped, name)
    return value
