"""Checkpoints: the working commit of a version becomes a commit, and a new one takes its place."""

from __future__ import annotations

from lix_vtab.errors import CommitNotFound
from lix_vtab.history.content import WORKING_OF_VERSION
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.mutation.row_errors import unknown_version
from lix_vtab.storage.commits import Commit
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.store import Store
from lix_vtab.storage.versions import Pointer

__all__ = ["Checkpoint", "create_checkpoint"]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint: the commit and the change set it collected."""

    id: str
    change_set_id: str


def create_checkpoint(
    store: Store, version_id: str, *, name: str | None = None, message: str | None = None
) -> Checkpoint:
    """Promote the working commit of a version, with all changes since its last checkpoint.

    Without changes, and without a name or message to keep, the tip is returned as it is.
    """
    pointer = _pointer(store, version_id)
    store.commits.seal(pointer.no)
    pointer = _pointer(store, version_id)
    tip = None if pointer.tip_seq is None else store.commits.by_seq(pointer.tip_seq)
    if tip is None:
        raise CommitNotFound(
            f"tip commit '{pointer.commit_id}' is missing: version '{version_id}' has no commit",
            hint="write something first",
            details={"version_id": version_id, "commit_id": pointer.commit_id},
        )
    if name is None and message is None and not _has_changes(store, pointer):
        return Checkpoint(tip.id, tip.change_set_id)
    seq = _promote(store, pointer, tip, message)
    store.connection.execute(
        qualify("INSERT INTO lix_internal_checkpoint VALUES (?, ?)", store.db), (seq, name)
    )
    store.commits.seal(pointer.no)
    store.versions.rotate(
        pointer.no,
        store.identity.new("commit", (pointer.no << 24) + seq),
        store.identity.new("change_set", (pointer.no << 24) + seq),
        seq,
    )
    made = store.commits.by_seq(seq)
    assert made is not None
    return Checkpoint(made.id, made.change_set_id)


def _pointer(store: Store, version_id: str) -> Pointer:
    pointer = store.versions.pointer(version_id)
    if pointer is None:
        raise unknown_version(version_id)
    return pointer


def _has_changes(store: Store, pointer: Pointer) -> bool:
    sql = f"SELECT EXISTS ({WORKING_OF_VERSION})"
    return bool(store.connection.execute(qualify(sql, store.db), (pointer.no,)).get)


def _promote(store: Store, pointer: Pointer, tip: Commit, message: str | None) -> int:
    """Make the working commit a commit on top of the tip and of the last checkpoint."""
    known = store.commits.by_id(pointer.working_commit_id) is not None
    working = store.connection.execute(
        qualify(WORKING_OF_VERSION, store.db), (pointer.no,)
    ).fetchall()
    seq = store.commits.insert(
        pointer.no,
        pointer.segment_id,
        tip.seq,
        tip.generation + 1,
        id=None if known else pointer.working_commit_id,
        change_set_id=None if known else pointer.working_change_set_id,
        message=message,
    )
    if pointer.baseline_seq is not None and pointer.baseline_seq != tip.seq:
        store.commits.add_parent(seq, pointer.baseline_seq)
    for change_no, _ in working:
        store.commits.adopt(seq, change_no)
    return seq
