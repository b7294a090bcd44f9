"""Long output through a pager, as version control tools do it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO

from lix_vtab.cli.exits import CONFIGURATION
from lix_vtab.cli.failures import Failure

__all__ = ["Pager", "pager_command"]

_NOT_RUN = (126, 127)
"""What a shell reports for a command that it cannot run, and for one that is not there."""


def pager_command(environment: Mapping[str, str]) -> str | None:
    """Return the command of the pager: LIX_PAGER, PAGER or less.

    None when they say no, and when nothing is said and there is no `less`.

    >>> pager_command({"PAGER": "most"}), pager_command({"LIX_PAGER": ""})
    ('most', None)
    """
    for name in ("LIX_PAGER", "PAGER"):
        if name in environment:
            command = environment[name].strip()
            return None if command in ("", "cat") else command
    from shutil import which  # for terminals only

    return "less" if which("less") else None


class Pager:
    """A running pager; write to `stream`, then close.

    `less` shows short output without taking the screen, keeps colours, and leaves the output where
    it is.
    """

    def __init__(self, command: str, environment: Mapping[str, str]) -> None:
        import subprocess  # for terminals only

        self._command = command
        self._process = subprocess.Popen(
            command,
            shell=True,  # a pager's command may have options
            stdin=subprocess.PIPE,
            env={**environment, "LESS": environment.get("LESS", "FRX")},
            encoding="utf-8",
            errors="replace",
        )
        assert self._process.stdin is not None
        self.stream: IO[str] = self._process.stdin

    def close(self) -> None:
        """Wait until the reader has seen enough."""
        try:
            self.stream.close()
        except BrokenPipeError:
            os.close(self.stream.fileno()) if not self.stream.closed else None
        while True:
            try:
                code = self._process.wait()
                break
            except KeyboardInterrupt:
                continue  # belongs to the pager
        if code in _NOT_RUN:
            raise Failure(
                f"the pager '{self._command}' cannot be run",
                hint="set LIX_PAGER, or use --no-pager",
                code=CONFIGURATION,
            )
