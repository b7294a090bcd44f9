"""Run a `console` block that starts with `$ lix` in a directory of its own.

Lines that start with `$ ` are commands (a `> ` line continues one), the lines after a command are
what it prints on both streams. `$ echo $?` shows the exit code of the command before it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.docs.blocks import Block
from tests.docs.outcome import verify

__all__ = ["is_run", "run_console"]

_ROOT = Path(__file__).parents[2]


def is_run(block: Block) -> bool:
    """Tell whether the harness executes this console block."""
    return block.text.startswith("$ lix")


def run_console(block: Block, directory: Path, commands: Path) -> None:
    """Execute `block` in `directory`; `commands` is where a `lix` command is put."""
    environment = _environment(directory, commands)
    code = 0
    for command, shown in _exchanges(block):
        done = subprocess.run(
            ["sh", "-c", f"(exit {code}); {command}"],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        code = done.returncode
        verify(shown, done.stdout.decode(), f"{block}: $ {command}")


def _exchanges(block: Block) -> list[tuple[str, str]]:
    """Return pairs of a command and the output shown for it."""
    exchanges: list[tuple[str, str]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            exchanges.append((line[2:], ""))
        elif line.startswith("> ") and exchanges and not exchanges[-1][1]:
            exchanges[-1] = (f"{exchanges[-1][0]}\n{line[2:]}", "")
        else:
            command, shown = exchanges[-1]
            exchanges[-1] = (command, f"{shown}{line}\n")
    return exchanges


def _environment(directory: Path, commands: Path) -> dict[str, str]:
    commands.mkdir(exist_ok=True)
    script = commands / "lix"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lix_vtab "$@"\n')
    script.chmod(0o755)
    return {
        "PATH": f"{commands}:{os.environ['PATH']}",
        "PYTHONPATH": str(_ROOT),
        "HOME": str(directory),
        "LANG": "C.UTF-8",
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }
