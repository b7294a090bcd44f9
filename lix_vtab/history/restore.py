"""Going back: making a version show what it showed before, as a new commit.

Nothing is ever lost. Restoring, reverting and undoing all compute what is different and write that,
through the same rules as any other write; the commit says what it did.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from lix_vtab.errors import CommitNotFound, ImmutableError, MergeConflictError
from lix_vtab.filesystem.descriptors import FILE
from lix_vtab.filesystem.filesystem import Filesystem
from lix_vtab.history.core import History
from lix_vtab.history.diff import Comparison
from lix_vtab.history.revision import Revision
from lix_vtab.model.json import parse_json
from lix_vtab.mutation.writer import RowWrite, Writer
from lix_vtab.storage.commits import Commit
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.first_names import FILE_ID, LIX
from lix_vtab.storage.rows import Key
from lix_vtab.storage.store import Store

__all__ = ["Difference", "Restorer", "differences"]


class Side(NamedTuple):
    """What one state shows for a key: nothing when the snapshot is None."""

    change_no: int | None
    snapshot: str | None
    metadata: str | None
    schema_version: str | None
    plugin_key: str | None

    @property
    def content(self) -> tuple[str | None, ...] | None:
        """Return what makes a row what it is."""
        return None if self.snapshot is None else self[1:]


class Difference(NamedTuple):
    """A key two states show differently."""

    schema_key: str
    entity_id: str
    file_id: str
    before: Side
    after: Side


_SIDE = ("no", "snapshot_content", "metadata", "schema_version", "plugin_key")
_OUTPUTS = (
    "{schema_key}",
    "{entity_id}",
    "{file_id}",
    *(f"{{before_{name}}}" for name in _SIDE),
    *(f"{{after_{name}}}" for name in _SIDE),
)


def differences(store: Store, comparison: Comparison) -> list[Difference]:
    """Return everything two states show differently."""
    sql = qualify(comparison.sql(_OUTPUTS), store.db)
    rows = store.connection.execute(sql, comparison.params(searched=False)).fetchall()
    return [Difference(row[0], row[1], row[2], Side(*row[3:8]), Side(*row[8:13])) for row in rows]


# What others refer to is written first and deleted last.
_RANK = {
    "lix_stored_schema": 0,
    "lix_account": 1,
    "lix_label": 1,
    "lix_directory_descriptor": 2,
    "lix_file_descriptor": 3,
}


class Restorer:
    """Writes former states into versions of one database."""

    __slots__ = ("_files", "_history", "_store", "_writer")

    def __init__(self, store: Store, writer: Writer, history: History, files: Filesystem) -> None:
        self._store = store
        self._writer = writer
        self._history = history
        self._files = files

    def restore(
        self,
        version_id: str,
        commit: Commit,
        *,
        only: Collection[tuple[str, str, str]] | None = None,
        file_ids: Collection[str] | None = None,
        message: str,
        writer_key: str | None = None,
    ) -> Commit:
        """Make a version show the state of a commit, or that of some keys and files in it.

        Keys are (schema, entity, file). Returns the new commit, or the tip when nothing differs.
        """
        tip = self.tip(version_id)
        found = differences(self._store, self._history.compare(tip, commit))
        if only is not None or file_ids is not None:
            found = [d for d in found if _chosen(d, only or (), file_ids or ())]
        return self.write(
            version_id,
            found,
            commit,
            message=message,
            writer_key=writer_key,
            file_ids=file_ids or (),
        )

    def invert(
        self, version_id: str, commit: Commit, *, message: str, writer_key: str | None = None
    ) -> Commit:
        """Take back what a commit changed, unless later changes overlap.

        Raises MergeConflictError naming the entities that changed since.
        """
        parents = self._history.graph.parents(commit)
        before = parents[0] if parents else None
        undone = differences(self._store, self._history.compare(commit, before))
        return self.transfer(version_id, undone, before, message=message, writer_key=writer_key)

    def transfer(
        self,
        version_id: str,
        wanted: Iterable[Difference],
        source: Commit | None,
        *,
        message: str,
        writer_key: str | None = None,
    ) -> Commit:
        """Apply differences to a version whose rows must be as they were before those."""
        due, conflicts = [], []
        for difference in wanted:
            now = self._now(version_id, difference)
            if now.content == difference.before.content:
                due.append(difference)
            elif now.content != difference.after.content:
                conflicts.append(difference)
        if conflicts:
            raise _conflict(message, conflicts)
        return self.write(version_id, due, source, message=message, writer_key=writer_key)

    def write(
        self,
        version_id: str,
        wanted: Sequence[Difference],
        source: Commit | None,
        *,
        message: str,
        writer_key: str | None = None,
        file_ids: Collection[str] = (),
    ) -> Commit:
        """Give a version the `after` side of differences of a source, in a commit of its own.

        Files concerned, and those named, get the very bytes they have there.
        """
        commits = self._store.commits
        pointer = self._store.versions.pointer(version_id)
        assert pointer is not None
        commits.seal(pointer.no)
        before = self.tip(version_id)
        for difference in sorted(wanted, key=_order):
            self._apply(version_id, difference, writer_key)
        if source is not None:
            touched = {d.file_id for d in wanted if d.file_id != "lix"}
            touched |= {d.entity_id for d in wanted if d.schema_key == FILE}
            if touched or file_ids:
                self._restore_bytes(version_id, {*touched, *file_ids}, source, writer_key)
        made = self.tip(version_id)
        if made.seq != before.seq:
            commits.describe(made.seq, message)
            commits.seal(pointer.no)
        return made

    def _restore_bytes(
        self, version_id: str, file_ids: Iterable[str], source: Commit, writer_key: str | None
    ) -> None:
        """Give files the formatting they had, which their entities do not tell."""
        files = self._files
        then = self._history.scope(Revision(source.id, source))
        now = self._writer.scope(version_id)
        for file_id in sorted(file_ids):
            if files.descriptor(then, file_id) is None or files.descriptor(now, file_id) is None:
                continue
            files.settle()
            if files.digest(then, file_id) != files.digest(now, file_id):
                visible = self._writer.visible(version_id, Key(FILE_ID, file_id, LIX))
                assert visible is not None
                data = files.data(then, file_id)
                files.files.update(version_id, visible, {"data": data}, writer_key)

    def tip(self, version_id: str) -> Commit:
        """Return the tip of a version or raise CommitNotFound."""
        pointer = self._store.versions.pointer(version_id)
        seq = None if pointer is None else pointer.tip_seq
        commit = None if seq is None else self._store.commits.by_seq(seq)
        if commit is None:
            raise CommitNotFound(
                f"version '{version_id}' has no commit", details={"version_id": version_id}
            )
        return commit

    def _apply(self, version_id: str, difference: Difference, writer_key: str | None) -> None:
        schema_key, entity_id, file_id, _, after = difference
        names = self._store.names
        key = Key(names.find(schema_key), entity_id, names.find(file_id))
        if after.snapshot is None:
            self._remove(version_id, key, writer_key)
            return
        assert after.plugin_key is not None
        assert after.schema_version is not None
        row = RowWrite(
            entity_id,
            schema_key,
            file_id,
            after.plugin_key,
            after.schema_version,
            parse_json(after.snapshot),
            None if after.metadata is None else parse_json(after.metadata),
            writer_key,
        )
        # values that rows swap are only unique again at the end, as in an UPDATE of several rows
        updates = difference.before.snapshot is not None
        try:
            self._writer.put(version_id, row, updates=updates)
        except ImmutableError:
            # it was deleted and written anew in between, and so it is now
            self._remove(version_id, key, writer_key)
            self._writer.put(version_id, row)

    def _remove(self, version_id: str, key: Key, writer_key: str | None) -> None:
        """Delete the tracked row of a key, also when an untracked one hides it."""
        own = self._writer.own(version_id, key)
        if own is None or not own.untracked:
            self._writer.remove(version_id, key, writer_key=writer_key)
            return
        names, values = self._store.names, own.values
        self._writer.put(
            version_id,
            RowWrite(
                key.entity_id,
                names.text(key.schema_id),
                names.text(key.file_id),
                names.text(values.plugin_id),
                values.schema_version,
                None,
                writer_key=writer_key,
            ),
        )

    def _now(self, version_id: str, difference: Difference) -> Side:
        store = self._store
        place = store.versions.place(version_id)
        assert place is not None
        key = Key(
            store.names.find(difference.schema_key),
            difference.entity_id,
            store.names.find(difference.file_id),
        )
        stored = store.rows.find(store.segments.lineage(place[1]), key)
        if stored is None:
            return Side(None, None, None, None, None)
        plugin_id, schema_version, snapshot, metadata, _ = stored.values
        plugin_key = store.names.text(plugin_id)
        return Side(stored.change_no, snapshot, metadata, schema_version, plugin_key)


def _order(difference: Difference) -> tuple[object, ...]:
    """Sort deletions first, what depends on others before those; then the others the other way.

    Of each schema, rows that are there change before others are added, which may get their values.
    """
    schema_key, entity_id, _, before, after = difference
    rank = _RANK.get(schema_key, 4)
    if after.snapshot is None:
        return (0, -rank, schema_key, 0, entity_id)
    return (1, rank, schema_key, before.snapshot is None, entity_id)


def _chosen(
    difference: Difference,
    keys: Collection[tuple[str, str, str]],
    file_ids: Collection[str],
) -> bool:
    schema_key, entity_id, file_id = difference[:3]
    if (schema_key, entity_id, file_id) in keys or file_id in file_ids:
        return True
    return entity_id in file_ids and schema_key in (
        "lix_file_descriptor",
        "lix_directory_descriptor",
        "lix_binary_blob_ref",
    )


def _conflict(message: str, conflicts: Sequence[Difference]) -> MergeConflictError:
    listed = [
        {"schema_key": d.schema_key, "entity_id": d.entity_id, "file_id": d.file_id}
        for d in conflicts
    ]
    names = ", ".join(f"{d.schema_key} '{d.entity_id}'" for d in conflicts[:3])
    return MergeConflictError(
        f"{message}: {len(conflicts)} entities changed since: {names}",
        hint="restore the entities you want instead",
        details={"conflicts": listed},
    )
