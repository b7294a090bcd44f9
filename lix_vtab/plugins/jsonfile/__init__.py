"""plugin_json: values of JSON files."""
