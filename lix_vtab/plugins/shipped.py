"""The plugins that come with lix_vtab."""

from __future__ import annotations

from lix_vtab.plugins.contract import Plugin
from lix_vtab.plugins.csvfile.plugin import CsvPlugin
from lix_vtab.plugins.jsonfile.plugin import JsonPlugin
from lix_vtab.plugins.markdown.plugin import MarkdownPlugin
from lix_vtab.plugins.textfile.plugin import TextPlugin

__all__ = ["BUILTIN", "plugin_csv", "plugin_json", "plugin_md", "plugin_text"]

plugin_csv = CsvPlugin()
plugin_json = JsonPlugin()
plugin_md = MarkdownPlugin()
plugin_text = TextPlugin()

BUILTIN: tuple[Plugin, ...] = (plugin_csv, plugin_json, plugin_md, plugin_text)
"""The plugins that are active unless `open(plugins=...)` says otherwise."""
