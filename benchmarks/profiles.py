"""What each hot path costs, by stage, and how many statements it runs inside.

    python -m benchmarks.profiles                  every hot path
    python -m benchmarks.profiles --only merge     those whose title has the word
    python -m benchmarks.profiles --statements 5   the costliest inner statements of each, too
    python -m benchmarks.profiles --functions 15   the costliest functions of each, too

The time is the median without the profiler. The profiler slows Python down and SQLite not at all,
so the shares favour SQLite's part a little less than the truth does.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from benchmarks import documents
from benchmarks.machine import describe_machine, machine_line
from benchmarks.profile_paths import PATHS, HotPath
from benchmarks.text import markdown, number
from lix_vtab.storage.trusted import TrustedConnection

__all__ = ["main", "section", "seen", "stage_of", "statements", "table"]

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
SQLITE = "SQLite"
SEEN = Path(__file__).with_name("seen_statements.py")
STAGES = (
    SQLITE,
    "surfaces",
    "resolution",
    "mutation",
    "schema",
    "storage",
    "filesystem",
    "plugins",
)
"""The columns of the table; what is in none of them counts as "other"."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    chosen = _parse(arguments)
    wanted = [path for path in PATHS if any(word in path.title for word in chosen.only or [""])]
    run: dict[str, Any] = {"machine": describe_machine() | {"clock": chosen.clock}}
    run["results"] = [_profile(path, chosen) for path in wanted]
    print(table(run["results"]))
    for result in run["results"]:
        _details(result)
    if chosen.json is not None:
        documents.save("profiles", run, chosen.json)
    elif not chosen.quick:
        whole = documents.merge(documents.load("profiles"), run, "title")
        print(f"kept in {documents.save('profiles', whole)}", file=sys.stderr)
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.profiles",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", metavar="WORD", help="words of titles")
    parser.add_argument("--statements", type=int, default=0, metavar="N")
    parser.add_argument("--functions", type=int, default=0, metavar="N")
    parser.add_argument("--clock", default="wall", choices=CLOCKS, help="cpu: processor time")
    parser.add_argument("--quick", action="store_true", help="few rounds; nothing is kept")
    parser.add_argument("--json", type=Path, help="write the run here instead of keeping it")
    return parser.parse_args(arguments)


def _profile(path: HotPath, chosen: argparse.Namespace) -> dict[str, Any]:
    """Time a path, count its inner statements and split its time; or say why it cannot be."""
    print(path.title, file=sys.stderr, flush=True)
    times = min(path.times, 3) if chosen.quick else path.times
    try:
        median = _median(path, times, CLOCKS[chosen.clock])
        runs, spent = statements(path, times, chosen.clock)
        stages, functions = _stages(path, times, chosen)
    except (apsw.SQLError, AttributeError) as error:
        return {"title": path.title, "note": f"not available: {error}"}
    except Exception as error:
        return {"title": path.title, "note": f"failed: {type(error).__name__}: {error}"}
    return {
        "title": path.title,
        "median": median * 1e3,
        "statements": sum(runs.values()) / times,
        "stages": stages,
        "functions": functions,
        "costly": [
            (sql, runs[sql] / times, microseconds / times / 1e3)
            for sql, microseconds in spent.most_common(chosen.statements)
        ],
    }


def _median(path: HotPath, times: int, now: Callable[[], float]) -> float:
    lix, setup, action = path.prepare()
    samples = []
    with lix:
        action(setup())
        for _ in range(times):
            argument = setup()
            start = now()
            action(argument)
            samples.append(now() - start)
    return statistics.median(samples)


@contextmanager
def seen(
    tally: Callable[[str, int, float], None] | None = None, clock: str = "wall"
) -> Iterator[None]:
    """Let the profiler, and the tally, see the statements of connections opened meanwhile.

    A profiler does not see C functions that are called through `functools.partial`, as ours are,
    nor properties of C objects, and would count their time as that of their callers.
    """
    original = TrustedConnection.__init__
    names = {"__name__": "lix_vtab.storage.trusted"}
    exec(compile(SEEN.read_text(), str(SEEN), "exec"), names)

    def init(self: TrustedConnection, connection: Any) -> None:
        original(self, connection)
        self.execute, self.executemany = names["see"](connection, tally, CLOCKS[clock])
        self.run = self.execute

    TrustedConnection.__init__ = init  # type: ignore[method-assign]
    try:
        yield
    finally:
        TrustedConnection.__init__ = original  # type: ignore[method-assign]


def _stages(
    path: HotPath, times: int, chosen: argparse.Namespace
) -> tuple[dict[str, float], list[tuple[str, float, float]]]:
    """Return the share of each stage, and the costliest functions with calls and time (ms)."""
    profiler = cProfile.Profile()
    if chosen.clock == "cpu":
        profiler = cProfile.Profile(time.process_time_ns, 1e-9)
    with seen():
        lix, setup, action = path.prepare()
    with lix:
        action(setup())
        for _ in range(times):
            argument = setup()
            profiler.enable()
            action(argument)
            profiler.disable()
    shares: Counter[str] = Counter()
    costs: list[tuple[float, str, float]] = []
    entries: Mapping[Any, Any] = pstats.Stats(profiler).stats  # type: ignore[attr-defined]
    for (file, line, name), (_, calls, own, _, _) in entries.items():
        shares[stage_of(file, name)] += own
        place = f"{'/'.join(Path(file).parts[-2:])}:{line} " if line else ""
        costs.append((own / times * 1e3, f"{place}{name}", calls / times))
    total = sum(shares.values())
    costs.sort(reverse=True)
    return (
        {stage: share / total for stage, share in shares.items()},
        [(name, calls, cost) for cost, name, calls in costs[: chosen.functions]],
    )


def stage_of(file: str, name: str) -> str:
    """Return the stage a function belongs to: a package of ours, SQLite, or other.

    What APSW's functions take themselves is SQLite's time: Python called back from inside a
    statement is counted by itself.
    """
    if file == str(SEEN) or "apsw." in name:
        return SQLITE
    parts = Path(file).parts
    if "lix_vtab" in parts:
        package = parts[len(parts) - parts[::-1].index("lix_vtab")]
        return package if package in STAGES else "other"
    return "other"


def statements(path: HotPath, times: int, clock: str) -> tuple[Counter[str], Counter[str]]:
    """Count the inner statements by their text, and the microseconds spent in each."""
    runs: Counter[str] = Counter()
    spent: Counter[str] = Counter()

    def tally(sql: str, number: int, seconds: float) -> None:
        text = " ".join(sql.split())
        runs[text] += number
        spent[text] += round(seconds * 1e6)

    with seen(tally, clock):
        lix, setup, action = path.prepare()
    totals = Counter[str](), Counter[str]()
    with lix:
        action(setup())
        for _ in range(times):
            argument = setup()
            runs.clear()
            spent.clear()
            action(argument)
            for total, each in zip(totals, (runs, spent), strict=True):
                total.update(each)
    return totals


def table(results: Sequence[Mapping[str, Any]]) -> str:
    """Return one line for each path: its time, its statements, and the stages' shares of it."""
    rows = []
    for result in results:
        if "note" in result:
            rows.append((result["title"], *[""] * (len(STAGES) + 2), result["note"]))
            continue
        stages = result["stages"]
        shares = [stages.get(stage, 0.0) for stage in STAGES]
        rows.append(
            (
                result["title"],
                number(result["median"]),
                number(result["statements"]),
                *(_percent(share) for share in shares),
                _percent(1 - sum(shares)),
            )
        )
    head = ("hot path", "ms", "statements", *STAGES, "other")
    return markdown(head, rows, right=set(range(1, len(head))))


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.005 else ""


def _details(result: Mapping[str, Any]) -> None:
    for kind in ("costly", "functions"):
        if result.get(kind):
            print(f"\n{result['title']}")
            for name, calls, cost in result[kind]:
                print(f"  {cost * 1e3:9.1f} us {calls:8.1f}x  {name[:160]}")


def section(run: dict[str, Any]) -> tuple[str, None]:
    """Return the part of docs/performance.md."""
    return f"{machine_line(run['machine'])}\n\n{table(run['results'])}", None


if __name__ == "__main__":
    sys.exit(main())
