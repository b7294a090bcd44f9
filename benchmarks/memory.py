"""Peak memory of what is large: each case in a process of its own.

python -m benchmarks.memory          100,000 rows, a file of 64 MB, 5,000 files
python -m benchmarks.memory --full   1,000,000 rows, a file of 1 GB, 100,000 files
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import lix_vtab
from benchmarks import documents
from benchmarks.machine import describe_machine, machine_line
from benchmarks.rows import INSERT, Rows, open_lix
from benchmarks.text import markdown, number

__all__ = ["CASES", "main", "section", "table"]

ROOT = Path(__file__).parents[1]
MEGABYTE = 1 << 20
UNIT = MEGABYTE if sys.platform == "darwin" else 1024
"""What `ru_maxrss` counts in, as a part of a megabyte: bytes there, kilobytes elsewhere."""


def nothing(size: int, path: str) -> None:
    """Open a database: what every other case starts from."""
    lix_vtab.open(path).close()


def bulk(size: int, path: str) -> None:
    """Write rows in one transaction, from an iterator."""
    with open_lix(path) as lix, lix.transaction():
        lix.connection.executemany(INSERT, some(size))


def some(size: int) -> Iterator[tuple[str, str]]:
    """Yield so many rows without holding them."""
    rows = iter(Rows())
    return (next(rows) for _ in range(size))


def scan(size: int, path: str) -> None:
    """Read all rows, one at a time."""
    bulk(size, path)
    with lix_vtab.open(path) as lix:
        for _ in lix.connection.execute("SELECT * FROM lix_state WHERE schema_key = 'bench_row'"):
            pass


class Noise:
    """A binary file of so many megabytes that do not compress, made as it is read."""

    def __init__(self, megabytes: int) -> None:
        self._left = megabytes * MEGABYTE
        self._random = random.Random(7)

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, a megabyte at most."""
        size = min(MEGABYTE if size < 0 else size, MEGABYTE, self._left)
        self._left -= size
        return self._random.randbytes(size)


def write_stream(size: int, path: str) -> None:
    """Write one large file from a stream."""
    with lix_vtab.open(path) as lix:
        lix.write_file("/large.bin", Noise(size))  # type: ignore[arg-type]


def read_stream(size: int, path: str) -> None:
    """Read one large file in pieces, after writing it."""
    write_stream(size, path)
    with lix_vtab.open(path) as lix, lix.open_file("/large.bin") as large:
        while large.read(MEGABYTE):
            pass


def files(size: int, path: str) -> None:
    """Write many small files in one transaction."""
    with lix_vtab.open(path) as lix, lix.transaction():
        lix.connection.executemany(
            "INSERT INTO lix_file (path, data) VALUES (?, ?)",
            ((f"/{n // 100}/{n}.txt", b"line %d\nline\n" % n) for n in range(size)),
        )


def list_files(size: int, path: str) -> None:
    """List the paths of many files, one at a time."""
    files(size, path)
    with lix_vtab.open(path) as lix:
        for _ in lix.connection.execute("SELECT path FROM lix_file"):
            pass


Case = tuple[str, Callable[[int, str], None], int, int]

CASES: dict[str, Case] = {
    "nothing": ("open a database", nothing, 0, 0),
    "bulk": ("write {:,} rows in one transaction", bulk, 100_000, 1_000_000),
    "scan": ("write and read {:,} rows", scan, 100_000, 1_000_000),
    "write_stream": ("write a file of {:,} MB from a stream", write_stream, 64, 1024),
    "read_stream": ("write and read a file of {:,} MB", read_stream, 64, 1024),
    "files": ("write {:,} files in one transaction", files, 5_000, 100_000),
    "list_files": ("write and list {:,} files", list_files, 5_000, 100_000),
}
"""By name: what is said of it, what it does, and its size usually and in a full run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    chosen = _parse(arguments)
    if chosen.case is not None:
        name, size, path = chosen.case
        CASES[name][1](int(size), path)
        print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / UNIT))
        return 0
    run: dict[str, Any] = {"machine": describe_machine(), "results": []}
    for name in chosen.only:
        run["results"].append(_measure(name, chosen))
    print(table(run["results"]))
    if chosen.json is not None:
        documents.save("memory", run, chosen.json)
    elif not chosen.quick:
        whole = documents.merge(documents.load("memory"), run, "name", "size")
        print(f"kept in {documents.save('memory', whole)}", file=sys.stderr)
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.memory",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--quick", action="store_true", help="tiny sizes; nothing is kept")
    parser.add_argument("--directory", help="where databases are made (needs 3 GB for --full)")
    parser.add_argument("--json", type=Path, help="write the run here instead of keeping it")
    parser.add_argument("--case", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _measure(name: str, chosen: argparse.Namespace) -> dict[str, Any]:
    """Run a case in a process of its own and return its peak, or why there is none."""
    title, _, usual, full = CASES[name]
    size = full if chosen.full else usual // 50 if chosen.quick else usual
    result: dict[str, Any] = {"name": name, "size": size, "title": title.format(size)}
    print(result["title"], file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="memory-", dir=chosen.directory) as directory:
        path = os.path.join(directory, "large.lix")
        command = [sys.executable, "-m", "benchmarks.memory", "--case", name, str(size), path]
        start = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            said = done.stderr.strip().splitlines()
            return result | {"note": f"failed: {said[-1] if said else done.returncode}"}
        return result | {
            "peak": json.loads(done.stdout),
            "seconds": time.monotonic() - start,
            "database": sum(each.stat().st_size for each in Path(directory).iterdir()) / MEGABYTE,
        }


def table(results: Sequence[dict[str, Any]]) -> str:
    """Return one line for each case."""
    rows = [
        (
            result["title"],
            number(result.get("peak")),
            number(result.get("database")),
            number(result.get("seconds")),
            result.get("note", ""),
        )
        for result in results
    ]
    head = ("what", "peak (MB)", "database (MB)", "seconds", "note")
    return markdown(head, rows, right={1, 2, 3})


def section(run: dict[str, Any]) -> tuple[str, None]:
    """Return the part of docs/performance.md."""
    return f"{machine_line(run['machine'])}\n\n{table(run['results'])}", None


if __name__ == "__main__":
    sys.exit(main())
