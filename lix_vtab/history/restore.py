"""Going back: making a version show what it showed before, as a new commit.

Nothing is ever lost. Restoring, reverting and undoing all compute what is different and write that,
through the same rules as any other write; the commit says what it did.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from lix_vtab.errors import CommitNotFound, ImmutableError, MergeConflictError
from lix_vtab.filesystem.filesystem import Filesystem
from lix_vtab.history.core import History
from lix_vtab.history.diff import Comparison
from lix_vtab.history.differences import NOTHING, Difference, Side, differences
from lix_vtab.history.revision import Revision
from lix_vtab.model.json import parse_json
from lix_vtab.mutation.catalogue import STORED_SCHEMA, Catalogue
from lix_vtab.mutation.withdrawal import Withdrawal
from lix_vtab.mutation.writer import RowWrite, Writer
from lix_vtab.storage.commits import Commit
from lix_vtab.storage.rows import Key
from lix_vtab.storage.store import Store
from lix_vtab.storage.versions import DESCRIPTOR, GLOBAL

__all__ = ["Restorer"]

# What others refer to is written first and deleted last.
_RANK = {
    "lix_stored_schema": 0,
    "lix_account": 1,
    "lix_label": 1,
    "lix_directory_descriptor": 2,
    "lix_file_descriptor": 3,
}

_OF_GLOBAL = frozenset([DESCRIPTOR, STORED_SCHEMA])
"""Schemas whose rows only `global` may write."""


class Restorer:
    """Writes former states into versions of one database."""

    __slots__ = ("_files", "_history", "_store", "_withdrawal", "_writer")

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        writer: Writer,
        history: History,
        files: Filesystem,
    ) -> None:
        self._store = store
        self._writer = writer
        self._withdrawal = Withdrawal(store, catalogue, writer)
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
        self.seal(version_id)
        comparison = self._history.compare(self.tip(version_id), commit)
        found = differences(self._store, comparison, hidden=True)
        files = self._reformatted(comparison)
        if only is not None or file_ids is not None:
            found = [d for d in found if _chosen(d, only or (), file_ids or ())]
            files &= {*(file_ids or ())}
        found = [d for d in found if self._matters(version_id, d)]
        files |= _files_of(found)
        return self._write(version_id, found, files, commit, message, writer_key)

    def invert(
        self, version_id: str, commit: Commit, *, message: str, writer_key: str | None = None
    ) -> Commit:
        """Take back what a commit changed, unless later changes overlap.

        Raises MergeConflictError naming the entities that changed since.
        """
        self.seal(version_id)
        parents = self._history.graph.parents(commit)
        before = parents[0] if parents else None
        return self.transfer(version_id, commit, before, message=message, writer_key=writer_key)

    def transfer(
        self,
        version_id: str,
        source: Commit | None,
        target: Commit | None,
        *,
        message: str,
        writer_key: str | None = None,
        always: bool = False,
    ) -> Commit:
        """Do to a version what leads from one commit to another.

        Its rows must be as they are in `source` (or already as in `target`). `always` makes a
        commit even if nothing is left to do. The version must be sealed.
        """
        comparison = self._history.compare(source, target)
        due, conflicts = [], []
        for difference in differences(self._store, comparison, hidden=True):
            if self._matters(version_id, difference):
                now = self._now(version_id, difference)
                if self._same(version_id, difference, now, difference.before):
                    due.append(difference)
                elif not self._same(version_id, difference, now, difference.after):
                    conflicts.append(difference[:3])
        files = self._reformatted(comparison) | _files_of(due)
        changed = {file_id for file_id in files if not self._has_bytes(version_id, file_id, source)}
        for file_id in sorted(changed - _files_of(due)):
            if not self._has_bytes(version_id, file_id, target):
                conflicts.append(("lix_file_descriptor", file_id, "lix"))
        if conflicts:
            raise _conflict(message, conflicts)
        files -= changed
        return self._write(version_id, due, files, target, message, writer_key, always=always)

    def seal(self, version_id: str) -> None:
        """Complete the open commit of a version, so that it can be compared and taken back."""
        self._store.commits.seal(self._writer.place_of(version_id)[0])

    def _write(
        self,
        version_id: str,
        wanted: Sequence[Difference],
        files: Iterable[str],
        source: Commit | None,
        message: str,
        writer_key: str | None,
        *,
        always: bool = False,
    ) -> Commit:
        """Give a version the `after` side of differences, and files the bytes of a source."""
        commits = self._store.commits
        before = self._tip_seq(version_id)
        for difference in sorted(wanted, key=_order):
            self._apply(version_id, difference, writer_key)
        listed = sorted(files)
        if listed and source is not None:
            then = self._history.scope(Revision(source.id, source))
            for file_id in listed:
                self._files.adopt_bytes(version_id, file_id, then)
        if always:
            commits.open(self._writer.place_of(version_id)[0])
        made = self.tip(version_id)
        if made.seq != before:
            commits.describe(made.seq, message)
            self.seal(version_id)
        return made

    # -- files

    def _reformatted(self, comparison: Comparison) -> set[str]:
        """Return the files whose bytes were changed in between, be it only their formatting."""
        changed = self._files.renderings.changed
        spans = comparison.between
        return {id for segment, after, upto in spans for id in changed(segment, after + 1, upto)}

    def _has_bytes(self, version_id: str, file_id: str, commit: Commit | None) -> bool:
        """Tell whether a file has the bytes it had at a commit."""
        now = self._writer.scope(version_id)
        if commit is None:
            return self._files.descriptor(now, file_id) is None
        then = self._history.scope(Revision(commit.id, commit))
        states = [
            None
            if self._files.descriptor(s, file_id) is None
            else (self._files.digest(s, file_id),)
            for s in (now, then)
        ]
        return states[0] == states[1]

    # -- rows

    def tip(self, version_id: str) -> Commit:
        """Return the tip of a version or raise CommitNotFound."""
        seq = self._tip_seq(version_id)
        commit = None if seq is None else self._store.commits.by_seq(seq)
        if commit is None:
            raise CommitNotFound(
                f"version '{version_id}' has no commit", details={"version_id": version_id}
            )
        return commit

    def _tip_seq(self, version_id: str) -> int | None:
        pointer = self._store.versions.pointer(version_id)
        return None if pointer is None else pointer.tip_seq

    def _apply(self, version_id: str, difference: Difference, writer_key: str | None) -> None:
        schema_key, entity_id, file_id, before, after = difference
        key = self._key(difference)
        if after.snapshot is None:
            if after.hides or not self._withdrawal.withdraw(version_id, key, writer_key):
                self._remove(version_id, key, writer_key, withdraw=not after.hides)
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
        try:
            # values that rows swap are only unique again at the end, as in an UPDATE of many rows
            self._writer.put(version_id, row, updates=before.snapshot is not None)
        except ImmutableError:
            # it was deleted and written anew in between, and so it is now
            self._remove(version_id, key, writer_key)
            self._writer.put(version_id, row)

    def _remove(
        self, version_id: str, key: Key, writer_key: str | None, *, withdraw: bool = False
    ) -> None:
        """Delete the tracked row of a key, also when an untracked one hides it."""
        own = self._writer.own(version_id, key)
        if own is None or not own.untracked:
            # only who inherits can come to inherit such a row
            withdraw = withdraw and len(self._writer.scope(version_id).chain) > 1
            self._writer.remove(version_id, key, writer_key=writer_key, withdraw=withdraw)
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
        segment_id = self._writer.place_of(version_id)[1]
        stored = store.rows.find(store.segments.lineage(segment_id), self._key(difference))
        if stored is None:
            return NOTHING
        plugin_id, schema_version, snapshot, metadata, _ = stored.values
        plugin_key = store.names.text(plugin_id)
        return Side(stored.change_no, snapshot, metadata, schema_version, plugin_key)

    def _matters(self, version_id: str, difference: Difference) -> bool:
        """Tell whether the version would look different: hiding nothing does not count.

        Nor do rows of `global` that a version branched from it has, for they only count there.
        """
        if difference.schema_key in _OF_GLOBAL and version_id != GLOBAL:
            return False
        if difference.before.snapshot is None and difference.after.snapshot is None:
            return self._writer.inherited(version_id, self._key(difference)) is not None
        return True

    def _same(self, version_id: str, difference: Difference, one: Side, other: Side) -> bool:
        """Tell whether two sides would make the version look the same."""
        if one.content != other.content:
            return False
        if one.content is not None or one.hides == other.hides:
            return True
        return self._writer.inherited(version_id, self._key(difference)) is None

    def _key(self, difference: Difference) -> Key:
        find = self._store.names.find
        return Key(find(difference.schema_key), difference.entity_id, find(difference.file_id))


def _files_of(wanted: Iterable[Difference]) -> set[str]:
    return {d.of_file for d in wanted if d.of_file is not None}


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


def _conflict(message: str, conflicts: Sequence[tuple[str, str, str]]) -> MergeConflictError:
    names = ("schema_key", "entity_id", "file_id")
    listed = [dict(zip(names, key, strict=True)) for key in conflicts]
    shown = ", ".join(f"{schema_key} '{entity_id}'" for schema_key, entity_id, _ in conflicts[:3])
    return MergeConflictError(
        f"{message}: {len(conflicts)} entities changed since: {shown}",
        hint="restore the entities you want instead",
        details={"conflicts": listed},
    )
