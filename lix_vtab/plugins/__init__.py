"""Plugins: what turns files into entities and entities into files.

The contract a plugin fulfils, the plugins that come with lix_vtab (`BUILTIN`), the registry that
chooses among them and the guarded calls into them. Nothing in here knows a database.
"""

from __future__ import annotations

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
from lix_vtab.plugins.csvfile.plugin import CsvPlugin
from lix_vtab.plugins.jsonfile.plugin import JsonPlugin
from lix_vtab.plugins.markdown.plugin import MarkdownPlugin
from lix_vtab.plugins.registry import PluginRegistry, load_archive
from lix_vtab.plugins.textfile.plugin import TextPlugin

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

plugin_csv = CsvPlugin()
plugin_json = JsonPlugin()
plugin_md = MarkdownPlugin()
plugin_text = TextPlugin()

BUILTIN: tuple[Plugin, ...] = (plugin_csv, plugin_json, plugin_md, plugin_text)
"""The plugins that are active unless `open(plugins=...)` says otherwise."""
