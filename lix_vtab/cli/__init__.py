"""The command line: `lix`, or `python -m lix_vtab`."""
