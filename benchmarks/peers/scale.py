"""How large the fixtures are, and what files are made of: the same on every side."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

__all__ = ["Scale", "csv_file", "json_file"]


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes of the fixtures, all from the number of rows; a full run has 10,000."""

    rows: int = 10_000

    def as_dict(self) -> dict[str, int]:
        """Return every size by its name, as the sides are told them."""
        rows, in_file, changed = self.rows, min(120, self.rows // 2), min(100, self.rows // 4)
        return asdict(self) | {
            "bulk": rows,
            "files": rows,
            "leaves": rows,
            "in_file": in_file,
            "changes": min(100, rows),
            "changed": changed,
            "stride": (rows - in_file) // changed,
            "commits": rows // 5,
            "past": rows // 10,
        }


def json_file(leaves: int, changed: int | None = None, value: int = 0) -> bytes:
    """Return a JSON file of so many leaves, ten to a group, one of them with another value."""
    values = {
        f"group {start}": {
            f"key {number}": f"changed to {value}" if number == changed else f"value {number}"
            for number in range(start, min(start + 10, leaves))
        }
        for start in range(0, leaves, 10)
    }
    return json.dumps(values, indent=2).encode()


def csv_file(records: int, seed: int = 0) -> bytes:
    """Return a CSV file of so many records."""
    lines = [f"{seed}-{number},name {number},{number}" for number in range(records)]
    return "\n".join(["id,name,rank", *lines, ""]).encode()
