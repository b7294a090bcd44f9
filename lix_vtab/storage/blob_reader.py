"""Reading a payload of many chunks as a file, one chunk at a time."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

import apsw
import orjson

from lix_vtab.errors import ClosedError, CorruptError
from lix_vtab.model.dataclasses import dataclass

__all__ = ["ChunkReader", "Manifest"]


@dataclass(frozen=True, slots=True)
class Manifest:
    """Which chunks make up a payload: `ends[i]` is where chunk `chunk_ids[i]` ends."""

    size: int
    chunk_ids: list[int]
    ends: list[int]

    @classmethod
    def parse(cls, size: int, chunks: str) -> Manifest:
        """Read the columns of a blob row.

        >>> Manifest.parse(5, "[3,11,2,12]")
        Manifest(size=5, chunk_ids=[11, 12], ends=[3, 5])
        """
        flat = orjson.loads(chunks)
        ends = list(accumulate(flat[::2]))
        if not ends or ends[-1] != size:
            raise CorruptError(f"the chunks of a blob do not add up to its {size} bytes")
        return cls(size, flat[1::2], ends)


class ChunkReader(io.RawIOBase):
    """A seekable file over a manifest; `load` returns the bytes of a chunk by its id.

    Holds one chunk at a time, so memory does not depend on the size of the payload.
    """

    def __init__(self, manifest: Manifest, load: Callable[[int], bytes]) -> None:
        self._manifest = manifest
        self._load = load
        self._position = 0
        self._index = -1
        self._chunk = b""

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position of the next read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to `offset` from the start, the position or the end; past the end is allowed."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._manifest.size}
        if whence not in base:
            raise ValueError(f"invalid whence {whence}")
        target = base[whence] + offset
        if target < 0:
            raise ValueError(f"cannot seek to {target}")
        self._position = target
        return target

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Fill `buffer` from the chunk at the position; return how many bytes were there."""
        if self.closed:
            raise ValueError("read of closed file")
        if self._position >= self._manifest.size:
            return 0
        index = bisect_right(self._manifest.ends, self._position)
        if index != self._index:
            try:
                self._chunk = self._load(self._manifest.chunk_ids[index])
            except apsw.ConnectionClosedError as error:
                raise ClosedError("lix is closed; its files cannot be read any more") from error
            self._index = index
        start = self._manifest.ends[index] - len(self._chunk)
        if start != (self._manifest.ends[index - 1] if index else 0):
            raise CorruptError("a chunk of a blob does not begin where the one before ends")
        part = self._chunk[self._position - start :][: len(buffer)]
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)
