"""A gigabyte goes through in bounded memory."""

from __future__ import annotations

import random
import resource
from pathlib import Path

import apsw
import pytest
from blake3 import blake3

from lix_vtab.storage.blob_gc import delete_unreferenced
from tests.storage.content import create

MEGABYTE = 1 << 20


class Stream:
    """A file of pseudo-random megabytes, made while it is read."""

    def __init__(self, megabytes: int) -> None:
        self.left = megabytes
        self.source = random.Random(7)
        self.rest = b""
        self.hash = blake3()

    def read(self, size: int, /) -> bytes:
        if not self.rest and self.left:
            self.left -= 1
            self.rest = self.source.randbytes(MEGABYTE)
            self.hash.update(self.rest)
        part, self.rest = self.rest[:size], self.rest[size:]
        return part


@pytest.mark.slow
def test_a_gigabyte_is_streamed_in_bounded_memory(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "large.db"))
    connection.pragma("synchronous", 0)
    blobs = create(connection)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    source = Stream(1024)
    connection.execute("BEGIN")
    ref = blobs.put(source)
    connection.execute("COMMIT")
    assert ref.size == 1024 * MEGABYTE
    assert ref.hash == source.hash.hexdigest()
    seen = blake3()
    with blobs.open(ref.hash) as file:
        while part := file.read(MEGABYTE):
            seen.update(part)
        file.seek(-100, 2)
        assert len(file.read()) == 100
    assert seen.hexdigest() == ref.hash
    assert delete_unreferenced(connection, []).blobs == 1
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before  # kilobytes
    assert grown < 64 * 1024
