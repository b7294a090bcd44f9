"""plugin_md: blocks of Markdown files."""
