"""Take every figure and write docs/performance.md: `python -m benchmarks`, on a quiet machine.

About an hour with all peers. Each part can be run alone (`python -m benchmarks.compare --help`,
and so on); parts that fail do not keep the others from running.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

PARTS = (
    ["benchmarks.compare"],
    ["benchmarks.growth", "--full"],
    ["benchmarks.profiles"],
    ["benchmarks.memory", "--full"],
    ["benchmarks.compare", "--write-docs"],
)


def main() -> int:
    """Run every part and return how many ended with an error."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.parse_args()
    failed = 0
    for part in PARTS:
        print(f"== {' '.join(part)}", file=sys.stderr, flush=True)
        failed += subprocess.run([sys.executable, "-m", *part], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
