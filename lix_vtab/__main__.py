"""`python -m lix_vtab` is the command `lix`."""

from __future__ import annotations

from lix_vtab.cli.main import main

main()
