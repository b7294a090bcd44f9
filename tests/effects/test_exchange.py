"""Connections to one file hear of each other, and of nobody else."""

from __future__ import annotations

import gc
import os
import threading
import weakref

import apsw

import lix_vtab
from lix_vtab.effects import exchange
from lix_vtab.effects.exchange import exchange_of
from tests.effects.conftest import told

INSERT = "INSERT INTO lix_key_value (key, value) VALUES ('a', 1)"


def heard(stream):
    batch = stream.try_next()
    return None if batch is None else told(batch)


def test_one_file_by_any_name(tmp_path, monkeypatch):
    path = tmp_path / "app.lix"
    (tmp_path / "link.lix").symlink_to(path)
    monkeypatch.chdir(tmp_path)
    names = [
        str(path),
        "app.lix",
        "link.lix",
        f"file:{path}?cache=private",
        f"{tmp_path}/./app.lix",
    ]
    for name in names:
        with lix_vtab.open(path) as one, lix_vtab.open(name) as other:
            stream = one.commits(schema_keys=["lix_key_value"])
            other.execute(INSERT)
            assert heard(stream) == [("insert", "a", 1)], name
            other.execute("DELETE FROM lix_key_value WHERE key = 'a'")


def test_a_bare_connection_is_heard_too(tmp_path):
    path = str(tmp_path / "app.lix")
    with lix_vtab.open(path) as lix:
        bare = apsw.Connection(path)
        lix_vtab.load(bare)
        stream = lix.commits(schema_keys=["lix_key_value"])
        bare.execute(INSERT)
        assert heard(stream) == [("insert", "a", 1)]
        bare.close()


def test_a_file_in_the_place_of_another_is_another_database(tmp_path):
    path = tmp_path / "app.lix"
    with lix_vtab.open(path) as old:
        stream = old.commits(schema_keys=["lix_key_value"])
        for name in os.listdir(tmp_path):
            os.rename(tmp_path / name, tmp_path / name.replace("app", "moved"))
        with lix_vtab.open(path) as new:
            other = new.commits(schema_keys=["lix_key_value"])
            new.execute(INSERT)
            assert stream.try_next() is None
            assert heard(other) == [("insert", "a", 1)]
            with lix_vtab.open(tmp_path / "moved.lix") as moved:
                moved.execute(INSERT.replace("'a'", "'b'"))
            assert heard(stream) == [("insert", "b", 1)]
            assert other.try_next() is None


def test_memory_databases_are_alone():
    assert exchange_of("") is not exchange_of("")
    assert exchange_of(":memory:") is not exchange_of(":memory:")
    with lix_vtab.open() as one, lix_vtab.open() as other:
        stream = one.commits()
        other.execute(INSERT)
        assert stream.try_next() is None


def test_an_attached_database_has_its_own(tmp_path):
    path = str(tmp_path / "other.lix")
    with lix_vtab.open(path) as other, lix_vtab.open() as lix:
        stream, own = other.commits(), lix.commits(schema_keys=["lix_key_value"])
        lix.execute("ATTACH ? AS b", (path,))
        lix.execute(INSERT.replace("lix_key", "b.lix_key"))
        assert heard(stream) == [("insert", "a", 1)]
        assert own.try_next() is None


def test_nothing_is_kept_of_what_was_closed_or_forgotten(tmp_path):
    path = str(tmp_path / "app.lix")
    gc.collect()
    before = len(exchange._exchanges)
    seen = []
    for close in (True, False):
        lix = lix_vtab.open(path)
        stream = lix.commits()
        seen += [weakref.ref(lix._hub), weakref.ref(lix._hub._exchange), weakref.ref(stream)]
        if close:
            lix.close()
        else:
            lix.connection.close()
        del lix, stream
    gc.collect()
    assert [ref() for ref in seen] == [None] * 6
    assert len(exchange._exchanges) == before


def test_threads_that_open_at_once_find_the_same(tmp_path):
    path = str(tmp_path / "app.lix")
    lix_vtab.open(path).close()
    found = []
    barrier = threading.Barrier(8)

    def look():
        barrier.wait()
        found.append(exchange_of(path))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(one) for one in found}) == 1
