"""A side in a process of its own, asked by lines of JSON, with a limit to every answer."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["Child", "Gone"]

ROOT = Path(__file__).parents[2]


class Gone(Exception):
    """The process took too long or ended."""


class Child:
    """A process that is started when it is first asked, and again after it was lost."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] = {}) -> None:
        self._command = list(command)
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        self._read = b""

    def ask(self, limit: float, **request: Any) -> dict[str, Any]:
        """Send a request and return its answer; raise Gone when none comes within the limit."""
        process = self._started()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            raise self._lost("it ended") from None
        answer: dict[str, Any] = json.loads(self._line(process, limit))
        return answer

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._read = b""
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
            )
        return self._process

    def _line(self, process: subprocess.Popen[bytes], limit: float) -> bytes:
        assert process.stdout is not None
        until = time.monotonic() + limit
        with selectors.DefaultSelector() as ready:
            ready.register(process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._read:
                left = until - time.monotonic()
                if left <= 0 or not ready.select(left):
                    raise self._lost(f"it took longer than {limit:g} s")
                piece = os.read(process.stdout.fileno(), 1 << 16)
                if not piece:
                    raise self._lost("it ended")
                self._read += piece
        line, self._read = self._read.split(b"\n", 1)
        return line

    def _lost(self, reason: str) -> Gone:
        self.close()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        self._errors.seek(0)
        self._errors.truncate()
        return Gone(f"{reason}: {lines[-1]}" if lines and reason == "it ended" else reason)

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:
                continue
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        self._errors.close()
