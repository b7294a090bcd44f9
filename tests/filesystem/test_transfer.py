"""Files in and out: by path, as streams, and whole directories."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import lix_vtab
from lix_vtab.errors import FileNotFound, InputOutputError, InvalidValueError, LixError
from lix_vtab.filesystem.transfer import LARGE
from tests.filesystem.ways import commits, paths, put


@pytest.fixture
def lix() -> Iterator[lix_vtab.Lix]:
    """Return a lix in memory, which must be sound in the end."""
    with lix_vtab.open() as opened:
        yield opened
        assert opened.check() == []


def test_write_and_read(lix: lix_vtab.Lix) -> None:
    id = lix.write_file("/docs/a.json", '{"a": 1}')
    assert lix.read_file("/docs/a.json") == b'{"a": 1}'
    assert lix.write_file("/docs/a.json", b'{"a": 2}') == id
    assert lix.read_file("/docs/a.json") == b'{"a": 2}'
    assert lix.execute("SELECT value FROM json_pointer WHERE path = '/a'").rows == [(2,)]
    before = commits(lix)
    assert lix.write_file("/docs/a.json", io.BytesIO(b'{"a": 2}')) == id
    assert commits(lix) == before
    with pytest.raises(FileNotFound, match="no file has the path '/nowhere'") as caught:
        lix.read_file("/nowhere")
    assert caught.value.details["path"] == "/nowhere"
    with pytest.raises(FileNotFound):
        lix.open_file("/nowhere")
    with pytest.raises(InvalidValueError):
        lix.write_file("no/slash", b"")


def test_the_same_in_sql(lix: lix_vtab.Lix) -> None:
    ((id,),) = lix.execute("SELECT lix_write_file('/a.bin', x'0102')").rows
    assert lix.execute("SELECT id, lix_read_file('/a.bin') FROM lix_file").rows == [
        (id, b"\x01\x02")
    ]
    with pytest.raises(LixError, match="path"):
        lix.execute("SELECT lix_read_file(5)")


def test_the_writer_key(lix: lix_vtab.Lix) -> None:
    with lix.transaction(writer_key="me"):
        lix.write_file("/a.bin", b"x")
        lix.write_file("/b.bin", io.BytesIO(b"x"))
    assert lix.execute("SELECT DISTINCT lixcol_writer_key FROM lix_file").rows == [("me",)]


def test_streams_of_any_size(lix: lix_vtab.Lix) -> None:
    content = os.urandom(LARGE + 3_000_000)
    id = lix.write_file("/big.json", io.BytesIO(content))
    assert lix.read_file("/big.json") == content
    ((error,),) = lix.execute("SELECT lixcol_plugin_error FROM lix_file").rows
    assert error == "plugin_json: the content is too large"
    with lix.open_file("/big.json") as stream:
        assert stream.seek(-7, os.SEEK_END) == len(content) - 7
        assert stream.read() == content[-7:]
        stream.seek(LARGE - 3)
        assert stream.read(6) == content[LARGE - 3 : LARGE + 3]
    before = commits(lix)
    assert lix.write_file("/big.json", io.BytesIO(content)) == id
    assert commits(lix) == before
    lix.write_file("/big.json", io.BytesIO(b"{}"))
    assert lix.execute("SELECT data, lixcol_plugin_error FROM lix_file").rows == [(b"{}", None)]
    assert lix.execute("SELECT entity_id FROM lix_state WHERE file_id = ?", (id,)).rows == [("",)]
    with pytest.raises(InvalidValueError, match="binary mode"):
        lix.write_file("/text.bin", io.StringIO("text"))  # type: ignore[arg-type]


def test_a_large_file_may_be_renamed_without_being_read(lix: lix_vtab.Lix) -> None:
    lix.write_file("/big.bin", io.BytesIO(bytes(LARGE + 1)))
    lix.execute("UPDATE lix_file SET path = '/moved/big.dat'")
    assert lix.execute("SELECT path, length(data) FROM lix_file").rows == [
        ("/moved/big.dat", LARGE + 1)
    ]


def test_a_file_opened_before_it_changed(lix: lix_vtab.Lix) -> None:
    content = os.urandom(2_000_000)
    lix.write_file("/a.bin", content)
    with lix.open_file("/a.bin") as stream:
        lix.write_file("/a.bin", b"other")
        assert stream.read() == content


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a directory with files of all sorts."""
    root = tmp_path / "tree"
    (root / "docs" / "deep ü").mkdir(parents=True)
    (root / "docs" / "a.md").write_bytes(b"# A\n")
    (root / "docs" / "deep ü" / "b.json").write_bytes(b'{"b": [1]}')
    (root / "c.bin").write_bytes(bytes(range(256)))
    (root / "empty").write_bytes(b"")
    (root / ".git").mkdir()
    (root / ".git" / "HEAD").write_bytes(b"ref")
    (root / "skip.tmp").write_bytes(b"no")
    (root / "link").symlink_to(root / "c.bin")
    return root


TREE = ["/c.bin", "/docs/a.md", "/docs/deep ü/b.json", "/empty"]


def test_import_and_export(lix: lix_vtab.Lix, tree: Path, tmp_path: Path) -> None:
    calls: list[tuple[int, int, str]] = []
    before = commits(lix)
    count = lix.import_dir(
        tree, exclude=[".git", "*.tmp"], progress=lambda *call: calls.append(call)
    )
    assert count == 4
    assert commits(lix) == before + 1
    assert calls == [(n, 4, path) for n, path in enumerate(TREE, 1)]
    assert paths(lix) == TREE
    lix.import_dir(tree, exclude=[".git", "*.tmp"])
    assert commits(lix) == before + 1
    calls.clear()
    target = tmp_path / "out"
    assert lix.export_dir(target, progress=lambda *call: calls.append(call)) == 4
    assert [call[2] for call in calls] == TREE
    for path in TREE:
        assert (target / path[1:]).read_bytes() == (tree / path[1:]).read_bytes()
    assert sorted(p.name for p in target.iterdir()) == ["c.bin", "docs", "empty"]


def test_parts_of_the_tree(lix: lix_vtab.Lix, tree: Path, tmp_path: Path) -> None:
    assert lix.import_dir(tree / "docs", "/in/here/") == 2
    assert paths(lix) == ["/in/here/a.md", "/in/here/deep ü/b.json"]
    put(lix, "f", "/other.bin")
    assert lix.export_dir(tmp_path / "out", "/in/here/deep ü/") == 1
    assert (tmp_path / "out" / "b.json").read_bytes() == b'{"b": [1]}'
    assert lix.export_dir(tmp_path / "single", "/in/here/a.md") == 1
    assert [path.name for path in (tmp_path / "single").iterdir()] == ["a.md"]
    assert lix.export_dir(tmp_path / "more", "/in/here") == 2
    for nowhere in ("/nowhere", "/nowhere/", "/other.bin/", "/in/here/a"):
        with pytest.raises(FileNotFound, match=f"no file or directory has the path '{nowhere}'"):
            lix.export_dir(tmp_path / "none", nowhere)
    assert not (tmp_path / "none").exists()
    lix.import_dir(tree / "docs", "/again")
    assert lix.read_file("/again/a.md") == b"# A\n"
    with pytest.raises(InvalidValueError, match="is not a directory"):
        lix.import_dir(tmp_path / "nowhere")


def test_directories_in_sql(lix: lix_vtab.Lix, tree: Path, tmp_path: Path) -> None:
    assert lix.execute("SELECT lix_import_dir(?, '/x/')", (str(tree / "docs"),)).rows == [(2,)]
    assert lix.execute("SELECT lix_export_dir(?)", (str(tmp_path / "out"),)).rows == [(2,)]
    assert (tmp_path / "out" / "x" / "a.md").read_bytes() == b"# A\n"


def test_an_import_that_fails_leaves_nothing(lix: lix_vtab.Lix, tree: Path) -> None:
    put(lix, "d", "/docs")
    before = commits(lix)
    with pytest.raises(LixError, match="collides"):
        lix.import_dir(tree)
    assert paths(lix) == ["/docs"]
    assert commits(lix) == before


def test_an_export_does_not_follow_links(lix: lix_vtab.Lix, tmp_path: Path) -> None:
    lix.write_file("/docs/a.md", b"new")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "docs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidValueError, match="is a link"):
        lix.export_dir(tmp_path / "out")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_names_as_long_as_they_get(lix: lix_vtab.Lix, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / ("n" * 255)).write_bytes(b"x")
    assert lix.import_dir(tmp_path / "in") == 1
    assert lix.export_dir(tmp_path / "out") == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["n" * 255]


def test_a_name_that_is_not_utf8(lix: lix_vtab.Lix, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x")
    (tmp_path / os.fsdecode(b"\xff.txt")).write_bytes(b"x")
    with pytest.raises(InvalidValueError, match="is not UTF-8") as caught:
        lix.import_dir(tmp_path)
    assert "xff.txt" in caught.value.message
    assert paths(lix) == []
    assert lix.import_dir(tmp_path, exclude=[os.fsdecode(b"\xff.*")]) == 1


def test_an_export_that_fails_leaves_no_parts(lix: lix_vtab.Lix, tmp_path: Path) -> None:
    lix.write_file("/a.txt", b"x")
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(InputOutputError, match=r"a\.txt"):
        lix.export_dir(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_an_interrupted_progress_undoes_the_import(lix: lix_vtab.Lix, tree: Path) -> None:
    def stop(done: int, total: int, path: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lix.import_dir(tree, progress=stop)
    assert paths(lix) == []
