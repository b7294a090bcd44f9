"""Brings lix into the stock APSW shell: `python -m apsw -init <this file> app.lix`.

`lix shell --init-file` prints where this file is.
"""

from __future__ import annotations

from lix_vtab.cli.shell.verbs import adopt

__all__: list[str] = []

if "shell" in globals():  # the APSW shell runs this file with itself in scope
    adopt(globals()["shell"])
