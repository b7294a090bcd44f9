"""Reading large content as a file."""

from __future__ import annotations

import io
import random
import tempfile
from typing import BinaryIO

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lix_vtab.errors import CorruptError
from lix_vtab.storage.blob_reader import ChunkReader, Manifest
from tests.storage.content import create, noise

PIECES = {11: b"abc", 12: b"defgh", 13: b"i", 14: b"jklmnop"}
WHOLE = b"".join(PIECES.values())
LAYOUT = "[3,11,5,12,1,13,7,14]"


def reader(loaded: list[int] | None = None) -> ChunkReader:
    def load(chunk_id: int) -> bytes:
        if loaded is not None:
            loaded.append(chunk_id)
        return PIECES[chunk_id]

    return ChunkReader(Manifest.parse(len(WHOLE), LAYOUT), load)


def test_reads_no_chunk_before_it_is_needed_and_none_twice_in_a_row() -> None:
    loaded: list[int] = []
    file = reader(loaded)
    assert loaded == []
    file.seek(9)
    assert file.read(2) == b"jk"
    assert file.read(1) == b"l"
    assert loaded == [14]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(0, 20), st.just(0)),
        st.tuples(st.just("seek"), st.integers(0, 20), st.just(io.SEEK_SET)),
        st.tuples(st.just("seek"), st.integers(-3, 3), st.just(io.SEEK_CUR)),
        st.tuples(st.just("seek"), st.integers(-20, 3), st.just(io.SEEK_END)),
    ),
    max_size=20,
)


def run(file: BinaryIO | io.BufferedIOBase, script: list[tuple[str, int, int]]) -> list[object]:
    seen: list[object] = []
    for step, amount, whence in script:
        if step == "read":
            seen.append(file.read(amount))
        elif whence == io.SEEK_SET or file.tell() + amount >= 0:
            try:
                seen.append(file.seek(amount, whence))
            except (OSError, ValueError):
                seen.append("refused")
        seen.append(file.tell())
    return seen


@given(steps)
def test_behaves_like_an_ordinary_file(script: list[tuple[str, int, int]]) -> None:
    ours = run(io.BufferedReader(reader(), 4), script)
    with tempfile.TemporaryFile() as file:
        file.write(WHOLE)
        file.seek(0)
        assert ours == run(file, script)


def test_a_closed_file_reads_nothing() -> None:
    file = reader()
    assert file.readable()
    assert file.seekable()
    assert not file.writable()
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file.read(1)


@pytest.mark.parametrize(("offset", "whence"), [(-1, 0), (-1, 1), (-17, 2), (0, 9)])
def test_impossible_positions_are_refused(offset: int, whence: int) -> None:
    with pytest.raises(ValueError, match=r"cannot seek|invalid whence"):
        reader().seek(offset, whence)


@pytest.mark.parametrize("layout", ["[]", "[3,11]", "[3,11,5,12,1,13,8,14]"])
def test_a_manifest_must_add_up(layout: str) -> None:
    with pytest.raises(CorruptError, match="add up"):
        Manifest.parse(len(WHOLE), layout)


def test_a_chunk_of_another_length_is_noticed() -> None:
    file = ChunkReader(Manifest.parse(16, "[4,11,4,12,1,13,7,14]"), PIECES.__getitem__)
    with pytest.raises(CorruptError, match="does not begin"):
        file.read(1)


def test_content_collected_under_an_open_file_is_an_error() -> None:
    connection = apsw.Connection(":memory:")
    blobs = create(connection)
    file = blobs.open(blobs.put(noise(200_000)).hash)
    assert file.read(10) == noise(200_000)[:10]
    connection.execute("DELETE FROM lix_internal_chunk")
    connection.execute("DELETE FROM lix_internal_blob")
    blobs.put(random.Random(2).randbytes(200_000))
    with pytest.raises(CorruptError, match="may have been collected"):
        file.read()
