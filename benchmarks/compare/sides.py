"""Who is compared, and how each is installed and started."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.compare.child import ROOT, Child

__all__ = ["CACHE", "SIDES", "Recipe", "Unavailable"]

CACHE = ROOT / "benchmarks" / ".cache"
PEERS = ROOT / "benchmarks" / "peers"
MINUTES = 10


class Unavailable(Exception):
    """This side cannot take part here."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A side: what it is called in tables, and how a process of it starts.

    `rows` bounds its fixtures, where filling larger ones would take it hours.
    """

    title: str
    start: Callable[[Path], Child]
    rows: int | None = None


def _own(module: str) -> Callable[[Path], Child]:
    return lambda cache: Child([sys.executable, "-m", f"benchmarks.peers.{module}"])


def _from_index(module: str, package: str, version: str) -> Callable[[Path], Child]:
    def start(cache: Path) -> Child:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        home = _installed(
            cache / f"{package}-{version}",
            lambda place: [*pip, "--target", str(place), f"{package}=={version}"],
        )
        command = [sys.executable, "-m", f"benchmarks.peers.{module}"]
        return Child(command, {"PYTHONPATH": str(home)})

    return start


def _from_npm(module: str, package: str, version: str) -> Callable[[Path], Child]:
    def start(cache: Path) -> Child:
        for program in ("node", "npm"):
            if shutil.which(program) is None:
                raise Unavailable(f"there is no {program} here")
        npm = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        home = _installed(
            cache / f"{package.strip('@').replace('/', '-')}-{version}",
            lambda place: [*npm, "--prefix", str(place), f"{package}@{version}"],
        )
        return Child(["node", str(PEERS / module), str(home)])

    return start


def _installed(home: Path, command: Callable[[Path], list[str]]) -> Path:
    """Return the directory of a package, after installing it there if it is not there yet."""
    if home.exists():
        return home
    part = home.with_name(home.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        subprocess.run(command(part), check=True, capture_output=True, timeout=60 * MINUTES)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"it could not be installed within {MINUTES} minutes") from None
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()
        reason = said.splitlines()[-1] if said else str(error)
        raise Unavailable(f"it could not be installed: {reason}") from error
    part.rename(home)
    return home


SIDES: dict[str, Recipe] = {
    "lix": Recipe("lix_vtab", _own("lix_side")),
    "floor": Recipe("floor", _own("floor_side")),
    "doltlite": Recipe("doltlite", _from_index("doltlite_side", "doltlite", "0.51.3")),
    "sdk17": Recipe("lix-js 0.17.0", _from_npm("sdk17.mjs", "@lix-js/sdk", "0.17.0")),
    "sdk05": Recipe("lix-js 0.5.1", _from_npm("sdk05.mjs", "@lix-js/sdk", "0.5.1"), rows=1_000),
    "git": Recipe("git", _from_index("git_side", "pygit2", "1.21.0")),
}
"""By the names the command line knows; ours first, then the floor, then the peers."""
