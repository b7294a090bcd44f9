"""plugin_text: lines of text files."""
