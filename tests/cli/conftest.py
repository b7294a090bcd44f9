"""Running `lix` in this process, in an empty directory."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import lix_vtab
from lix_vtab.cli.main import main


@dataclass(frozen=True, slots=True)
class Done:
    """What one call of `lix` left behind."""

    code: int
    out: str
    err: str
    raw: bytes

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Run = Callable[..., Done]


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty directory, with nothing said by the environment."""
    directory = tmp_path / "work"
    directory.mkdir()
    monkeypatch.chdir(directory)
    for name in ("LIX_DB", "LIX_PAGER", "PAGER", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    return directory


@pytest.fixture
def lix(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs `lix`; it must end with the code 0 unless told otherwise."""

    def run(*arguments: str, given: str | bytes = b"", code: int = 0) -> Done:
        data = given.encode() if isinstance(given, str) else given
        streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2)]
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
            patch.setattr(sys, "stdout", streams[0])
            patch.setattr(sys, "stderr", streams[1])
            with pytest.raises(SystemExit) as ended:
                main(arguments)
        for stream in streams:
            stream.flush()
        out, err = (stream.buffer.getvalue() for stream in streams)  # type: ignore[attr-defined]
        done = Done(int(ended.value.code or 0), out.decode("utf-8", "replace"), err.decode(), out)
        assert done.code == code, done.err
        return done

    return run


@pytest.fixture
def shop(lix: Run, work: Path) -> Iterator[lix_vtab.Lix]:
    """Return an open database that `lix` finds, with a schema, files and a checkpoint."""
    with lix_vtab.open(str(work / "shop.lix"), account={"id": "ann", "name": "Ann"}) as opened:
        fill(opened)
        yield opened
        assert opened.check() == []


TASK = {
    "x-lix-key": "task",
    "x-lix-version": "1",
    "x-lix-primary-key": ["/id"],
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "title": {"type": "string"},
        "rank": {"type": "number"},
    },
    "required": ["id", "title"],
    "additionalProperties": False,
}


def fill(opened: lix_vtab.Lix) -> None:
    """Make a history: everything of the checkpoint v1 is changed after it."""
    opened.register_schema(TASK)
    with opened.transaction():
        opened.write_file("/orders.csv", b"id,item,qty\n1,tea,2\n2,mug,3\n")
        opened.write_file("/menu.json", b'{"tea": {"price": 4}, "open": true}\n')
        opened.write_file("/docs/read.txt", b"one\ntwo\nthree\n")
        opened.write_file("/logo.bin", bytes(range(256)))
        opened.execute("INSERT INTO task (id, title, rank) VALUES ('t1', 'brew', 1)")
    opened.create_checkpoint("v1", "the first week")
    with opened.transaction():
        opened.write_file("/orders.csv", b"id,item,qty\n1,tea,5\n2,mug,3\n3,pot,1\n")
        opened.write_file("/menu.json", b'{"tea": {"price": 5}, "open": true}\n')
        opened.write_file("/docs/read.txt", b"one\n2\nthree\n")
        opened.write_file("/logo.bin", bytes(range(255)))
        opened.execute(
            "UPDATE lix_file SET path = '/docs/readme.txt' WHERE path = '/docs/read.txt'"
        )
        opened.execute("UPDATE task SET title = 'brew tea' WHERE id = 't1'")
