"""Compile the loadable extension into wheels, where a C compiler makes that possible.

Without a compiler or Python's headers the wheel is pure Python and says so; then, as in an editable
install, `lix_vtab.loadable_path()` compiles the extension when it is first needed.
"""

from __future__ import annotations

import runpy
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "lix_vtab/loadable"


class LoadableBuildHook(BuildHookInterface):
    """Add both files of the extension to a wheel, and tag the wheel for its Python and platform."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build into a scratch directory that lives until the wheel is finished."""
        self._scratch = tempfile.TemporaryDirectory()
        if self.target_name != "wheel" or version == "editable":
            return
        # the package itself cannot be imported: its dependencies are not there while it is built
        module = runpy.run_path(str(Path(self.root, PACKAGE, "build.py")))
        try:
            module["build"](Path(self._scratch.name))
        except module["BuildUnavailable"] as problem:
            self.app.display_warning(f"lix_vtab: no loadable extension in this wheel: {problem}")
            return
        for file in Path(self._scratch.name).iterdir():
            build_data["force_include"][str(file)] = f"{PACKAGE}/{file.name}"
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the scratch directory."""
        self._scratch.cleanup()
