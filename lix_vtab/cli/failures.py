"""How a command fails: what it prints on the error stream, and its exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress

import click

from lix_vtab.cli.exits import DEFECT, INPUT, INTERRUPTED, exit_code
from lix_vtab.cli.paint import Paint, wants_color

__all__ = ["Failure", "ReaderLeft", "guarded", "report"]

_CLOSED_PIPE = 141
"""What a shell reports for a program that a closed pipe has ended."""


class Failure(click.ClickException):
    """A command cannot do what was asked; not an error of the library below."""

    def __init__(self, message: str, *, hint: str | None = None, code: int = INPUT) -> None:
        super().__init__(message)
        self.hint = hint
        self.leaves = code


class ReaderLeft(click.ClickException):
    """Nobody reads the output any more; click would call that the exit code 1."""

    def __init__(self) -> None:
        super().__init__("nobody reads the output any more")


def guarded(action: Callable[[], object], *, as_json: Callable[[], bool]) -> int:
    """Run a command and return its exit code, having printed what went wrong.

    A command that returns a number has chosen its exit code.
    """
    try:
        code = action()
        sys.stdout.flush()
    except click.exceptions.Exit as done:
        return done.exit_code
    except (click.exceptions.Abort, KeyboardInterrupt):
        _print("interrupted")
        return INTERRUPTED
    except (BrokenPipeError, ReaderLeft):
        # nobody reads any more; keep the interpreter from complaining when it flushes at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return _CLOSED_PIPE
    except click.UsageError as error:
        _usage(error)
        return INPUT
    except Exception as error:
        return report(error, as_json=as_json())
    return code if isinstance(code, int) else 0


def _usage(error: click.UsageError) -> None:
    """Say how the command is used, as people know it from other tools."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        _print(error.format_message())
        return
    command = error.ctx.command_path if error.ctx else "lix"
    if error.ctx is not None:
        _print(error.ctx.get_usage())
    _complain(error.format_message(), f"see {command} --help")


def report(error: Exception, *, as_json: bool = False) -> int:
    """Print an error on the error stream and return its exit code."""
    code = exit_code(error)
    if isinstance(error, click.ClickException):
        code = error.leaves if isinstance(error, Failure) else INPUT
    if code == DEFECT:
        from traceback import print_exception

        print_exception(error, file=sys.stderr)
    message = getattr(error, "message", None) or str(error) or type(error).__name__
    if isinstance(error, click.ClickException):
        message = error.format_message()
    name = getattr(error, "code", None)
    hint = getattr(error, "hint", None)
    if as_json:
        import json

        details = getattr(error, "details", {})
        fields = {"code": name, "message": message, "hint": hint, "details": details}
        _print(json.dumps({"error": fields}, default=str, ensure_ascii=False))
    else:
        _complain(f"{name}: {message}" if name else message, hint)
    return code


def _complain(message: str, hint: str | None) -> None:
    paint = Paint(wants_color(None, os.environ, terminal=sys.stderr.isatty()))
    _print(f"{paint('error', 'error:')} {message}")
    if hint:
        _print(f"{paint('hint', 'hint:')} {hint}")


def _print(line: str) -> None:
    """Print on the error stream; when that is full or gone, the exit code still says it."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)
