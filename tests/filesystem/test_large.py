"""A gigabyte in bounded memory."""

from __future__ import annotations

import hashlib
import io
import resource
from pathlib import Path

import pytest

import lix_vtab

SIZE = 1 << 30
BLOCK = 1 << 20
BOUND = 256 * 1024  # kilobytes


class Pattern(io.RawIOBase):
    """A stream of so many bytes, made as they are read; its blocks repeat a little."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._number = 0
        self.digest = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        size = min(size, self._left)
        seed = hashlib.sha256(b"%d" % (self._number % 700)).digest()
        self._number += 1
        data = (seed * (size // 32 + 1))[:size]
        self._left -= size
        self.digest.update(data)
        return data


@pytest.mark.slow
def test_a_gigabyte_in_and_out(tmp_path: Path) -> None:
    with lix_vtab.open(str(tmp_path / "app.lix")) as lix:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        stream = Pattern(SIZE)
        lix.write_file("/big/file.bin", stream)  # type: ignore[arg-type]
        digest = hashlib.sha256()
        with lix.open_file("/big/file.bin") as content:
            while block := content.read(BLOCK):
                digest.update(block)
        assert digest.digest() == stream.digest.digest()
        lix.execute("UPDATE lix_file SET path = '/moved.bin'")
        with lix.open_file("/moved.bin") as content:
            assert content.seek(0, io.SEEK_END) == SIZE
        target = tmp_path / "out"
        lix.export_dir(target)
        assert (target / "moved.bin").stat().st_size == SIZE
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < BOUND
        assert lix.check() == []
