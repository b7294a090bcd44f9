"""docs/performance.md: its tables come from the JSON files of the runs, and from nowhere else.

The page keeps its own words. What stands between `<!-- compare -->` and `<!-- /compare -->`, and
so on, is written by `write`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["PAGE", "RESULTS", "load", "merge", "render", "save", "write"]

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"
RESULTS = ROOT / "benchmarks" / "results"

Section = Callable[[dict[str, Any]], tuple[str, str | None]]
"""From the JSON of a run to a part of the page, and a picture if there is one."""


def load(name: str) -> dict[str, Any] | None:
    """Return the kept run of this name, if there is one."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def save(name: str, run: Mapping[str, Any], path: Path | None = None) -> Path:
    """Keep a run, and return where."""
    path = path or RESULTS / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(run, indent=1) + "\n")
    return path


def merge(old: dict[str, Any] | None, new: dict[str, Any], *keys: str) -> dict[str, Any]:
    """Return the new run with those results of an old one that it did not take again.

    Results of another machine, Python or clock are not kept: they do not compare.
    """
    changing = ("date", "load")
    if old is None or any(
        old["machine"].get(each) != fact
        for each, fact in new["machine"].items()
        if each not in changing
    ):
        return new
    taken = {tuple(each[key] for key in keys) for each in new["results"]}
    kept = [each for each in old["results"] if tuple(each[key] for key in keys) not in taken]
    sides = {**old.get("sides", {}), **new.get("sides", {})}
    return {
        **old,
        **new,
        **({"sides": sides} if sides else {}),
        "results": [*kept, *new["results"]],
    }


def render(page: str, sections: Mapping[str, Section]) -> tuple[str, dict[str, str]]:
    """Return the page with its sections filled in, and the pictures by their names."""
    pictures = {}
    for name, section in sections.items():
        run = load(name)
        text = f"No figures are kept: `python -m benchmarks.{name}` takes them."
        if run is not None:
            text, picture = section(run)
            if picture is not None:
                pictures[name] = picture
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        page = pattern.sub(lambda match, text=text: f"{match[1]}{text}\n{match[2]}", page)
    return page, pictures


def write(sections: Mapping[str, Section]) -> list[Path]:
    """Write the page and its pictures again, and return what was written."""
    page, pictures = render(PAGE.read_text(), sections)
    PAGE.write_text(page)
    written = [PAGE]
    for name, picture in pictures.items():
        path = PAGE.with_name(f"performance-{name}.svg")
        path.write_text(picture)
        written.append(path)
    return written
