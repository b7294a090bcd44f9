"""A program."""

from __future__ import annotations

import sys


def main() -> int:
    for number, line in enumerate(sys.stdin, 1):
        if line.strip():
            print(f"{number}: {line}", end="")

    return 0


if __name__ == "__main__":
    sys.exit(main())
