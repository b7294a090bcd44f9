"""Measure lix_vtab beside its floor and its peers.

python -m benchmarks.compare                     every row, every side: half an hour
python -m benchmarks.compare --rows 1 2 3        some rows; kept results of others stay
python -m benchmarks.compare --sides lix floor   some sides
python -m benchmarks.compare --quick             a tiny profile that shows that it works
python -m benchmarks.compare --write-docs        write docs/performance.md from what is kept
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import documents
from benchmarks.compare.chart import chart
from benchmarks.compare.child import Child, Gone
from benchmarks.compare.measure import Options, Run
from benchmarks.compare.operations import BOTH, OPERATIONS, select
from benchmarks.compare.report import notes_list, ratios_table
from benchmarks.compare.sides import CACHE, SIDES, Unavailable
from benchmarks.machine import describe_machine
from benchmarks.peers.scale import Scale
from benchmarks.sections import SECTIONS

QUICK = Options(Scale(200), seconds=0.05, rounds=2, limit=60, most=20)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    chosen = _parse(arguments)
    if chosen.write_docs:
        for path in documents.write(SECTIONS):
            print(path)
        return 0
    given = Options(Scale(chosen.size), chosen.seconds, chosen.rounds, chosen.limit)
    options = replace(QUICK if chosen.quick else given, clock=chosen.clock)
    wanted = select(chosen.rows, chosen.only, chosen.places)
    run = _measure(chosen.sides, chosen.cache, options, wanted)
    print(ratios_table(run["results"]))
    print()
    print(notes_list(run["sides"], run["results"]))
    _keep(run, chosen)
    return 0 if any("median" in r["sides"].get("lix", {}) for r in run["results"]) else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    keys = [operation.key for operation in OPERATIONS]
    defaults = Options()
    add = parser.add_argument
    add("--rows", type=int, nargs="+", default=(), metavar="N", help="rows of the table")
    add("--only", nargs="+", default=(), choices=keys, metavar="KEY", help=", ".join(keys))
    add("--sides", nargs="+", default=list(SIDES), choices=SIDES)
    add("--places", nargs="+", default=BOTH, choices=BOTH)
    add("--size", type=int, default=defaults.scale.rows, help="rows of the fixtures")
    add("--seconds", type=float, default=defaults.seconds, help="for each side and operation")
    add("--rounds", type=int, default=defaults.rounds, help="turns the sides take")
    add("--limit", type=float, default=defaults.limit, help="seconds to prepare or to answer")
    add("--clock", default=defaults.clock, choices=("wall", "cpu"), help="cpu: processor time")
    add("--quick", action="store_true", help="tiny, to see that it works; nothing is kept")
    add("--cache", type=Path, default=CACHE, help="where the peers are installed")
    add("--json", type=Path, help="write the run here instead of keeping it")
    add("--svg", type=Path, help="write the picture here")
    add("--write-docs", action="store_true", help="write docs/performance.md, measure nothing")
    return parser.parse_args(arguments)


def _measure(
    names: Sequence[str], cache: Path, options: Options, wanted: Sequence[Any]
) -> dict[str, Any]:
    machine = describe_machine() | {"clock": options.clock}
    sides: dict[str, dict[str, Any]] = {}
    children: dict[str, Child] = {}
    with contextlib.ExitStack() as stack:
        for name in names:
            try:
                child = stack.enter_context(SIDES[name].start(cache))
                sides[name] = child.ask(60, do="describe")
                if "version" in sides[name]:
                    children[name] = child
                else:
                    sides[name] = {"note": f"skipped: {next(iter(sides[name].values()))}"}
            except (Gone, Unavailable) as reason:
                sides[name] = {"note": f"skipped: {reason}"}
            _say(f"{name}: {sides[name]}")
        rows = {name: SIDES[name].rows for name in children if SIDES[name].rows is not None}
        for name, number in rows.items():
            if number < options.scale.rows:
                sides[name]["notes"].append(f"with {number:,} rows or files at most")
        results = Run(children, options, _say, rows).measure(wanted)
    return {"machine": machine, "sides": sides, "results": results}


def _keep(run: dict[str, Any], chosen: argparse.Namespace) -> None:
    """Write the run where it was asked for; a run of the usual size is kept for the page."""
    if chosen.svg is not None:
        chosen.svg.write_text(chart(run["results"]))
    if chosen.json is not None:
        documents.save("compare", run, chosen.json)
    elif not chosen.quick:
        whole = documents.merge(documents.load("compare"), run, "operation", "place")
        _say(f"kept in {documents.save('compare', whole)}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
