"""What the filesystem says about commits, and bytes taken over from them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import lix_vtab
from lix_vtab.resolution.scope import Scope
from lix_vtab.surfaces.directory import DIRECTORY_COLUMNS, DirectoryRows
from lix_vtab.surfaces.file import FILE_COLUMNS, FileRows
from lix_vtab.surfaces.planner import Offer, plan
from lix_vtab.surfaces.tree_rows import Lazy
from tests.filesystem.toys import Toy
from tests.filesystem.ways import data, entities, put

PATH = 4
DATA = 5


@pytest.fixture
def lix() -> Iterator[lix_vtab.Lix]:
    with lix_vtab.open(plugins=[Toy()]) as opened:
        yield opened
        assert opened.check() == []


def tip(lix: lix_vtab.Lix) -> Scope:
    """Return the scope of the active version's newest commit."""
    session = lix._session
    commit = session.store.commits.by_id(lix.active_version.commit_id or "")
    assert commit is not None
    return session.scopes.at(commit.segment_id, commit.seq)


def test_commits_stay_as_they_were(lix: lix_vtab.Lix) -> None:
    files = lix._session.files
    put(lix, "f", "/docs/f.words", "one  two")
    first = tip(lix)
    lix.execute("UPDATE lix_file SET data = 'one two'")
    second = tip(lix)
    lix.execute("UPDATE toy_word SET value = 'x' WHERE path = '000'")
    third = tip(lix)
    lix.execute("UPDATE lix_directory SET name = 'papers'")
    lix.execute("DELETE FROM lix_file")
    last = tip(lix)
    assert [files.data(scope, "f") for scope in (first, second, third)] == [
        b"one  two",
        b"one two",
        b"x two",
    ]
    assert [list(files.list(scope)) for scope in (first, third, last)] == [
        [("f", "/docs/f.words")],
        [("f", "/docs/f.words")],
        [],
    ]
    assert files.find(first, "/docs/f.words") == ["f"]
    assert files.find(last, "/docs/f.words") == []
    assert files.path(third, "f") == "/docs/f.words"
    assert files.path(last, "f") is None
    assert files.descriptor(last, "f") is None
    assert files.digest(first, "f") != files.digest(second, "f")
    assert files.digest(last, "f") is None
    segment = first.layers[0].params[0]
    seqs = [seq for seq, _ in files.renderings.commits(segment, "f")]
    assert seqs == sorted(seqs)
    assert len(seqs) == 4


def test_rows_of_a_commit(lix: lix_vtab.Lix) -> None:
    put(lix, "f", "/docs/deep/f.words", "one  two")
    put(lix, "g", "/g.bin", b"\0")
    scope = tip(lix)
    lix.execute("UPDATE lix_file SET path = '/moved/' || id, data = 'new'")
    lix.execute("UPDATE lix_directory SET name = 'renamed' WHERE name = 'docs'")
    rows = FileRows(lix._session)
    glob = plan(FILE_COLUMNS, [Offer(PATH, 66)], [], frozenset([0, PATH, DATA]))
    assert glob is not None
    found = [list(row) for row in rows.at(glob, ["/docs/*"], scope)]
    assert [(row[0], row[PATH]) for row in found] == [("f", "/docs/deep/f.words")]
    lazy = found[0][DATA]
    assert isinstance(lazy, Lazy)
    assert lazy.make(lazy.scope, lazy.id) == b"one  two"
    exact = plan(FILE_COLUMNS, [Offer(PATH, 2)], [], frozenset([0]))
    assert exact is not None
    assert [row[0] for row in rows.at(exact, ["/g.bin"], scope)] == ["g"]
    assert [row[0] for row in rows.at(exact, ["/moved/g"], scope)] == []
    everything = plan(DIRECTORY_COLUMNS, [], [], frozenset([3]))
    assert everything is not None
    directories = DirectoryRows(lix._session).at(everything, [], scope)
    assert sorted(row[3] for row in directories) == ["/docs/", "/docs/deep/"]


def test_bytes_of_a_commit_are_taken_over(lix: lix_vtab.Lix) -> None:
    session = lix._session
    put(lix, "f", "/f.words", "one  two")
    put(lix, "g", "/g.words", "three")
    before = tip(lix)
    lix.execute("UPDATE lix_file SET data = 'one two' WHERE id = 'f'")
    lix.execute("UPDATE lix_file SET data = 'four' WHERE id = 'g'")
    version = lix.active_version.id
    taken: list[bool] = []
    session.tasks[1] = lambda: taken.extend(
        session.files.adopt_bytes(version, id, before) for id in ("f", "g", "nowhere")
    )
    lix.execute("SELECT lix_run_task(1)")
    assert taken == [True, False, False]
    assert (data(lix, "f"), data(lix, "g")) == (b"one  two", b"four")


def test_a_file_of_a_version_that_inherits_nothing_can_be_changed(lix: lix_vtab.Lix) -> None:
    lix.switch_version("global")
    put(lix, "f", "/f.words", "one  two")
    lix.execute("UPDATE lix_file SET data = 'one two'")
    assert data(lix, "f") == b"one two"
    assert lix.check() == []


def test_bytes_made_of_what_was_inherited_get_entities_with_the_next_write() -> None:
    with lix_vtab.open() as lix:
        put(lix, "f", "/f.csv", "id,n\n1,a\n2,b\n")
        child = lix.create_version("child", source="global", inherits_from=lix.active_version)
        lix.switch_version(child)
        lix.execute("UPDATE lix_file SET path = '/g.csv'")
        lix.execute("UPDATE lix_file SET data = 'id,n\n1,c\n2,b\n'")
        there = lix.active_version.commit_id
        lix.switch_version(lix.create_version("alone", source="global", inherits_from=None))
        lix.restore(there)
        assert data(lix, "f") == b"id,n\n1,c\n2,b\n"
        assert entities(lix, "f") == ["id|1"]
        lix.execute("UPDATE lix_file SET data = 'id,n\n1,c\n2,d\n'")
        assert entities(lix, "f") == ["header", "id|1", "id|2"]
        lix.execute("UPDATE csv_row SET cells = json_set(cells, '$.n', 'x') WHERE id = 'id|1'")
        assert data(lix, "f") == b"id,n\n1,x\n2,d\n"
        assert lix.check() == []
