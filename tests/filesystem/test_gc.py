"""Clean-up of content: only what nothing names is freed."""

from __future__ import annotations

import os
from pathlib import Path

import apsw
import pytest

import lix_vtab
from lix_vtab.errors import LixError
from tests.filesystem.toys import Toy
from tests.filesystem.ways import data, put


def chunks(lix: lix_vtab.Lix) -> int:
    return int(lix.connection.execute("SELECT count(*) FROM lix_internal_chunk").get)


def test_nothing_reachable_is_freed() -> None:
    with lix_vtab.open(internal=True) as lix:
        contents = {n: os.urandom(3000 if n % 2 else 200_000) for n in range(12)}
        put(lix, "f", "/f.bin", contents[0])
        branch = lix.create_version("branch")
        for n in range(1, 6):
            lix.execute("UPDATE lix_file SET data = ?", (contents[n],))
        put(lix, "u", "/u.bin", contents[6], lixcol_untracked=1)
        lix.execute("DELETE FROM lix_file WHERE id = 'f'")
        lix.switch_version(branch)
        lix.execute("UPDATE lix_file SET data = ?", (contents[7],))
        lix.switch_version("main")
        assert lix.gc() == lix_vtab.storage.blob_gc.Collected(0, 0, 0)
        assert data(lix, "u") == contents[6]
        session = lix._session
        (segment_id,) = {
            row[0] for row in lix.connection.execute(
                "SELECT segment_id FROM lix_internal_version WHERE id = ?", (lix.active_version.id,)
            )
        }  # fmt: skip
        seen = [hash for _, hash in session.files.renderings.commits(segment_id, "f") if hash]
        assert [session.files.blobs.get(hash) for hash in seen] == [contents[n] for n in range(6)]
        assert lix.check() == []


def test_what_nothing_names_is_freed() -> None:
    with lix_vtab.open(internal=True) as lix:
        put(lix, "u", "/u.bin", os.urandom(400_000), lixcol_untracked=1)
        put(lix, "v", "/v.bin", os.urandom(100), lixcol_untracked=1)
        before = chunks(lix)
        lix.execute("DELETE FROM lix_file WHERE id = 'u'")
        lix.execute("UPDATE lix_file SET data = 'other'")
        freed = lix.gc()
        assert (freed.blobs, freed.chunks) == (1, before)
        assert freed.bytes >= 400_000
        assert chunks(lix) == 1
        assert data(lix, "v") == b"other"
        assert lix.check() == []


def test_content_of_undone_writes_is_gone() -> None:
    with lix_vtab.open(internal=True) as lix:
        with pytest.raises(LixError):
            lix.execute(
                "INSERT INTO lix_file (path, data) VALUES ('/a.bin', 'lost'), ('/a.bin', '')"
            )
        assert chunks(lix) == 0
        assert lix.gc().chunks == 0


def test_intermediate_renderings_are_freed() -> None:
    with lix_vtab.open(plugins=[Toy()], internal=True) as lix:
        with lix.transaction():
            for n in range(5):
                lix.write_file("/f.words", f"version {n}")
        assert chunks(lix) == 5
        assert lix.gc().chunks == 4
        assert lix.read_file("/f.words") == b"version 4"


def test_as_a_sql_function() -> None:
    with lix_vtab.open() as lix:
        assert lix.execute("SELECT lix_gc()").rows == [('{"blobs":0,"bytes":0,"chunks":0}',)]
        lix.connection.execute("CREATE VIEW v AS SELECT lix_gc()")
        with pytest.raises(apsw.SQLError, match="unsafe"):
            lix.connection.execute("SELECT * FROM v").fetchall()


def test_while_another_connection_writes(tmp_path: Path) -> None:
    path = str(tmp_path / "app.lix")
    with lix_vtab.open(path) as one, lix_vtab.open(path) as other:
        one.write_file("/a.bin", b"a" * 5000)
        other.connection.execute("BEGIN IMMEDIATE")
        other.write_file("/b.bin", b"b" * 5000)
        one.connection.set_busy_timeout(0)
        with pytest.raises(LixError):
            one.gc()
        other.connection.execute("COMMIT")
        assert one.gc().chunks == 0
        assert one.read_file("/b.bin") == other.read_file("/b.bin") == b"b" * 5000
        assert one.check() == []


def test_a_check_may_leave_content_unread(tmp_path: Path) -> None:
    path = str(tmp_path / "app.lix")
    with lix_vtab.open(path) as lix:
        lix.write_file("/a.bin", b"x" * 100_000)
        assert lix.check() == lix.check(content=False) == []
    plain = apsw.Connection(path)
    plain.execute("UPDATE lix_internal_chunk SET data = zeroblob(length(data))")
    plain.close()
    with lix_vtab.open(path) as lix:
        found = lix.check()
        assert [problem.split()[0] for problem in found] == ["chunk", "chunk", "blob"]
        assert lix.check(content=False) == []
        for sql in ("lix_check", "lix_check(1)", "lix_check WHERE content = 1"):
            assert lix.execute(f"SELECT problem FROM {sql}").rows == [(text,) for text in found]
        for sql in ("lix_check(0)", "lix_check WHERE content = 0"):
            assert lix.execute(f"SELECT problem FROM {sql}").rows == []
        with pytest.raises(LixError, match="chunk"):
            lix.read_file("/a.bin")
    plain = apsw.Connection(path)
    plain.execute("DELETE FROM lix_internal_chunk")
    plain.close()
    with lix_vtab.open(path) as lix:
        (problem,) = lix.check(content=False)
        assert "is missing" in problem
        assert len(lix.check()) == 2
