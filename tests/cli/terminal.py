"""A terminal with a program in it: type, and read what it shows."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parents[2]
PATIENCE = 20
"""Seconds until a program that shows nothing has failed."""

_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x01\x02\x07]|\x1b[=>]|\r")


def plain(text: str) -> str:
    """Return what is left without colours, cursor movements and bells."""
    return _CODES.sub("", text)


class Terminal:
    """Runs `python -m lix_vtab ...` in a terminal of its own."""

    def __init__(
        self, *arguments: str, work: Path, columns: int = 100, python: bool = False, **env: str
    ) -> None:
        self._main, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in {"NO_COLOR", "FORCE_COLOR", "PAGER", "LIX_PAGER", "LIX_DB", "COLUMNS"}
        }
        given = {"TERM": "xterm", "HOME": str(work), "PYTHONPATH": str(ROOT), **env}
        self._process = subprocess.Popen(
            [sys.executable, *(() if python else ("-m", "lix_vtab")), *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=work,
            env={**kept, **given},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        self.seen = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._main)

    @property
    def running(self) -> bool:
        """Tell whether the program has not ended."""
        return self._process.poll() is None

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._main, text.encode())

    def until(self, pattern: str) -> str:
        """Read until a pattern is on the screen; return what was shown up to its end."""
        while True:
            shown = plain(self.seen)
            match = re.search(pattern, shown, re.DOTALL)
            if match:
                self.seen = shown[match.end() :]
                return shown[: match.end()]
            if not self._read():
                raise AssertionError(f"no {pattern!r} in {shown!r}")

    def end(self) -> tuple[int, str]:
        """Read to the end of the program; return its exit code and all it showed, as it is."""
        while self._read():
            pass
        return self._process.wait(PATIENCE), self.seen

    def _read(self) -> bool:
        began = time.monotonic()
        ready, _, _ = select.select([self._main], [], [], PATIENCE)
        assert ready, f"silent for {time.monotonic() - began:.0f} s after {self.seen!r}"
        try:
            data = os.read(self._main, 65536)
        except OSError:  # what Linux says when the other side is closed
            return False
        self.seen += data.decode("utf-8", "replace")
        return bool(data)
