"""A history made by git, replayed: after each commit every file is the same, byte for byte."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

import lix_vtab
from tests.filesystem.repository import Author, Repository

COMMITS = 200


def blob_id(data: bytes) -> str:
    """Return what git calls a content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def write_history(root: Path, commits: int, seed: int) -> Repository:
    repository = Repository(root)
    author = Author(root, seed)
    for number in range(commits):
        author.work(author.random.randint(1, 4))
        repository.commit(number)
    return repository


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("seed", [1])
def test_a_git_history_replayed_is_byte_identical(tmp_path: Path, seed: int) -> None:
    repository = write_history(tmp_path, COMMITS, seed)
    ids = repository.commits()
    assert len(ids) == COMMITS
    lix = lix_vtab.open()
    kept: list[tuple[str, dict[str, str]]] = []
    statuses = set()
    for commit in ids:
        before = lix.active_version.commit_id
        with lix.transaction():
            changes = list(repository.changes(commit))
            statuses |= {change.status for change in changes}
            for change in changes:
                if change.status == "D":
                    lix.execute("DELETE FROM lix_file WHERE path = ?", (f"/{change.path}",))
                elif change.status == "R":
                    lix.execute(
                        "UPDATE lix_file SET path = ?, data = ? WHERE path = ?",
                        (
                            f"/{change.path}",
                            repository.read(commit, change.path),
                            f"/{change.source}",
                        ),
                    )
                else:
                    lix.execute(
                        "INSERT INTO lix_file (path, data) VALUES (?1, ?2)"
                        " ON CONFLICT (path) DO UPDATE SET data = excluded.data",
                        (f"/{change.path}", repository.read(commit, change.path)),
                    )
        tree = {f"/{path}": id for path, id in repository.tree(commit).items()}
        stored = lix.execute("SELECT path, data FROM lix_file").rows
        assert {path: blob_id(data) for path, data in stored} == tree, commit
        assert (lix.active_version.commit_id == before) == (not changes)
        kept.append((lix.active_version.commit_id or "", tree))
    assert statuses == {"A", "M", "D", "R"}
    assert lix.check() == []
    then_as_now(lix, kept[:: COMMITS // 20])
    lix.gc()
    then_as_now(lix, kept[:: COMMITS // 20])
    lix.close()


def then_as_now(lix: lix_vtab.Lix, kept: list[tuple[str, dict[str, str]]]) -> None:
    """Compare old commits with what they were."""
    session = lix._session
    for commit_id, tree in kept:
        commit = session.store.commits.by_id(commit_id)
        assert commit is not None
        scope = session.scopes.at(commit.segment_id, commit.seq)
        shown = {
            path: blob_id(session.files.data(scope, id)) for id, path in session.files.list(scope)
        }
        assert shown == tree
