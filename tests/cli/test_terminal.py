"""`lix` in a terminal: when the pager runs, progress on long work, what a pipe gets instead."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lix_vtab.cli.pager import pager_command
from lix_vtab.cli.progress import counting
from tests.cli.terminal import ROOT, Terminal, plain

MARK = "sed s/^/paged:/"
"""A pager that shows that it was one."""


def shown(work: Path, *arguments: str, code: int = 0, **env: str) -> str:
    with Terminal(*arguments, work=work, **env) as terminal:
        ended, seen = terminal.end()
    assert ended == code, seen
    return seen


# The pager ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "command"),
    [
        ({"PAGER": "most"}, "most"),
        ({"PAGER": "most", "LIX_PAGER": "more -s"}, "more -s"),
        ({"PAGER": "most", "LIX_PAGER": ""}, None),
        ({"PAGER": "cat"}, None),
        ({"PAGER": " "}, None),
    ],
)
def test_which_pager(environment: dict[str, str], command: str | None) -> None:
    assert pager_command(environment) == command


def test_without_less_nothing_is_paged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert pager_command({}) is None
    (tmp_path / "less").touch(mode=0o755)
    assert pager_command({}) == "less"


@pytest.mark.parametrize("command", [["log"], ["diff"], ["blame", "/orders.csv"]])
def test_long_output_is_paged(shop, work: Path, command: list[str]) -> None:
    lines = plain(shown(work, *command, LIX_PAGER=MARK)).splitlines()
    assert len(lines) > 2
    assert all(line.startswith("paged:") for line in lines)


@pytest.mark.parametrize(
    "options", [["--no-pager"], ["--json"], ["--csv"]], ids=lambda options: options[0]
)
def test_what_is_not_paged(shop, work: Path, options: list[str]) -> None:
    seen = shown(work, "log", *options, LIX_PAGER=MARK)
    assert "first week" in seen
    assert "paged:" not in seen


def test_a_pager_that_cannot_be_run(shop, work: Path) -> None:
    seen = shown(work, "log", LIX_PAGER="/no/such/pager", code=30)
    assert "the pager '/no/such/pager' cannot be run" in seen
    assert "--no-pager" in seen


def test_a_pager_that_had_enough_is_no_failure(shop, work: Path) -> None:
    assert "paged" not in shown(work, "log", LIX_PAGER="false")


def test_short_answers_are_not_paged(shop, work: Path) -> None:
    assert "paged:" not in shown(work, "status", LIX_PAGER=MARK)


def test_a_pipe_is_not_paged(shop, work: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lix_vtab", "log", "--pager"],
        cwd=work, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "LIX_PAGER": MARK},
    )  # fmt: skip
    assert done.stdout.startswith("commit ")


def test_a_reader_who_has_seen_enough(shop, work: Path) -> None:
    shop.write_file("/long.txt", b"".join(b"line %d\n" % n for n in range(20_000)))
    seen = shown(work, "diff", "/long.txt", LIX_PAGER="head -n 1")
    assert plain(seen).splitlines() == ["added /long.txt"]


def test_less_is_left_at_once_when_all_fits(shop, work: Path) -> None:
    seen = plain(shown(work, "log", "--oneline", PAGER="less"))
    assert "Initial commit" in seen


def test_colours_reach_the_pager(shop, work: Path) -> None:
    assert "paged:\x1b[33m" in shown(work, "log", "--oneline", LIX_PAGER=MARK)
    assert "\x1b[33m" not in shown(work, "log", "--oneline", LIX_PAGER=MARK, NO_COLOR="1")


# Progress -----------------------------------------------------------------------------------------


IMPATIENT = """
from lix_vtab.cli import progress
from lix_vtab.cli.main import main
progress._QUIET = 0.0  # on a fast machine the import is over before anything would be drawn
main()
"""


def test_imports_show_how_far_they_are(lix, work: Path) -> None:
    source = work / "many"
    source.mkdir()
    for number in range(300):
        (source / f"{number:04}.txt").write_text(f"file {number}\n" * 20)
    lix("init", "a.lix")
    with Terminal("-c", IMPATIENT, "import", str(source), work=work, python=True) as terminal:
        terminal.until(r"\[#*\.*\] \d+/300 ")
        code, _ = terminal.end()
    assert code == 0
    assert lix("sql", "--list", "SELECT count(*) FROM lix_file").out == "300\n"
    machine = lix("import", str(source), "--json")
    assert "#" not in machine.err


class Screen:
    """Remembers what is written; a terminal or none."""

    def __init__(self, *, terminal: bool) -> None:
        self.terminal = terminal
        self.text = ""

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


def test_quick_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for terminal, pause in ((True, 0.0), (False, 60.0)):
        clock = [0.0]
        monkeypatch.setattr(time, "monotonic", lambda clock=clock: clock[0])
        screen = Screen(terminal=terminal)
        with counting("import", screen) as report:  # type: ignore[arg-type]
            clock[0] += pause
            report(1, 2, "a.txt")
        assert screen.text == ""


def test_the_bar_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    screen = Screen(terminal=True)
    with counting("import", screen) as report:  # type: ignore[arg-type]
        clock[0] = 1.0
        report(1, 2, "a\x1b[2Jb")
        report(2, 2, "too early to be drawn")
    assert screen.text.startswith("\r\x1b[Kimport [############............] 1/2 a")
    assert "\x1b[2J" not in screen.text
    assert "too early" not in screen.text
    assert screen.text.endswith("\r\x1b[K")
