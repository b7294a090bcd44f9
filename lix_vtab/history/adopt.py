"""Adopting: making changes of one line part of another without recording them anew."""

from __future__ import annotations

from collections.abc import Iterable

from lix_vtab.errors import CorruptError, VersionNotFound
from lix_vtab.storage.commits import Commit
from lix_vtab.storage.store import Store

__all__ = ["adopt"]


def adopt(
    store: Store, version_id: str, changes: Iterable[int], parents: Iterable[Commit] = ()
) -> int:
    """Make changes, by number, the newest rows of a version; return the commit that holds them.

    That is the version's open commit, which gets further `parents`: with the tip of another version
    among them it is a merge. A change the version already shows is left as it is. Must run inside a
    transaction; everything that follows rows (`Rows.on_place`) hears of each.
    """
    place = store.versions.place(version_id)
    if place is None:
        raise VersionNotFound(
            f"Version with id '{version_id}' does not exist", details={"version_id": version_id}
        )
    version_no, segment_id = place
    seq = store.commits.open(version_no)
    for parent in parents:
        store.commits.add_parent(seq, parent.seq)
    lineage = store.segments.lineage(segment_id)
    for number in changes:
        key, values = store.rows.key_of(number), store.rows.values_of(number)
        if key is None or values is None:
            raise CorruptError(f"change number {number} does not exist")
        previous = store.rows.find(lineage, key)
        if previous is None or previous.change_no != number:
            store.rows.place(segment_id, seq, key, number, values, previous)
            store.commits.adopt(seq, number)
    return seq
