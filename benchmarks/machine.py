"""Where figures were taken: what a reader needs to judge them, and nothing else."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from typing import Any

__all__ = ["describe_machine", "machine_line"]


def describe_machine() -> dict[str, Any]:
    """Return the machine as it is now, with the load it is under."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def machine_line(machine: dict[str, Any]) -> str:
    """Return one sentence about a machine."""
    load = machine["load"]
    busy = (
        f"; the machine was busy (load {load}), so only ratios mean something"
        if load is not None and load > 0.75
        else ""
    )
    clock = ", processor time" if machine.get("clock") == "cpu" else ""
    return (
        f"Taken on {machine['date']}: {machine['system']}, {machine['cores']} cores, "
        f"{machine['python']}{clock}{busy}."
    )
