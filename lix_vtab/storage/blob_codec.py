"""How bytes become chunks: where they are cut, and how one chunk is held in its row."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from blake3 import blake3

from lix_vtab.errors import CorruptError

if TYPE_CHECKING:
    from pyfastcdc import FastCDC

__all__ = ["RAW", "SINGLE_MAX", "ZSTD", "Codec", "Readable", "digest_of"]

RAW = 0
"""The row holds the bytes themselves."""

ZSTD = 1
"""The row holds one Zstandard frame."""

SINGLE_MAX = 16 * 1024
"""A payload up to this size is never cut."""

_MIN_CHUNK = 4 * 1024
_AVG_CHUNK = 16 * 1024
_MAX_CHUNK = 64 * 1024

# Below this even good text saves less than the frame and the time cost.
_COMPRESS_FROM = 256
_LEVEL = 3


class Readable(Protocol):
    """A source of bytes, such as an open file."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none mean the end."""


class Codec(threading.local):
    """Cuts, compresses and restores bytes; each thread gets machinery of its own.

    The compressor and the cutter keep scratch memory that two threads must not share.
    """

    @cached_property
    def _compress(self) -> Callable[..., bytes]:
        import zstandard  # with what it brings 2 ms, and small files stay as they are

        return zstandard.ZstdCompressor(level=_LEVEL).compress

    @cached_property
    def _decompress(self) -> Callable[..., bytes]:
        import zstandard

        return zstandard.ZstdDecompressor().decompress

    @cached_property
    def _cutter(self) -> FastCDC:
        from pyfastcdc import FastCDC  # costs 4 ms, and most files are never cut

        return FastCDC(_AVG_CHUNK, min_size=_MIN_CHUNK, max_size=_MAX_CHUNK)

    def encode(self, data: bytes | memoryview) -> tuple[int, bytes]:
        """Return the codec and the stored form of one chunk, compressed only where it helps."""
        size = len(data)
        if size >= _COMPRESS_FROM:
            packed = self._compress(data)
            if len(packed) < size - (size >> 4):
                return ZSTD, packed
        return RAW, bytes(data)

    def decode(self, codec: int, size: int, data: bytes) -> bytes:
        """Return the plain bytes of one chunk row; raise CorruptError when they do not fit it."""
        if codec == ZSTD:
            import zstandard

            try:
                data = self._decompress(data, max_output_size=size)
            except zstandard.ZstdError as error:
                raise CorruptError(f"a chunk cannot be decompressed: {error}") from error
        elif codec != RAW:
            raise CorruptError(
                f"a chunk has the unknown codec {codec}", hint="a newer lix_vtab may know it"
            )
        if len(data) != size:
            raise CorruptError(f"a chunk holds {len(data)} bytes, its row says {size}")
        return data

    def cut(self, data: bytes | memoryview) -> Iterator[memoryview]:
        """Cut bytes where their content says so; each piece is a view of `data`."""
        for chunk in self._cutter.cut_buf(data):
            yield chunk.data

    def cut_stream(self, source: Readable) -> Iterator[memoryview]:
        """Cut what `source` yields at the same places; a piece is valid until the next one."""
        for chunk in self._cutter.cut_stream(source):
            yield chunk.data


def digest_of(data: bytes | memoryview) -> bytes:
    """Return the BLAKE3 digest of `data`, 32 bytes."""
    return blake3(data).digest()
