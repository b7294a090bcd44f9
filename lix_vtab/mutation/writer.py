"""The one way rows are written, whatever surface the write came through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lix_vtab.errors import PluginError, ReadOnlyError
from lix_vtab.model.ids import Source, SystemSource
from lix_vtab.model.json import Json, canonical_json
from lix_vtab.mutation.catalogue import STORED_SCHEMA, Catalogue
from lix_vtab.mutation.row_errors import already_there, immutable, unknown_version
from lix_vtab.mutation.writes import Lane, RowWrite, Visible, Watcher, Write
from lix_vtab.resolution.scope import Scope, Scopes
from lix_vtab.schema.compiled import CompiledSchema
from lix_vtab.storage.rows import WITHDRAWN, Key, Stored, Values
from lix_vtab.storage.store import Store
from lix_vtab.storage.versions import DESCRIPTOR

__all__ = [
    "ABORT",
    "DERIVED",
    "IGNORE",
    "REPLACE",
    "RowWrite",
    "Visible",
    "Watcher",
    "Write",
    "Writer",
]

IGNORE, ABORT, REPLACE = 2, 4, 5
"""SQLite's numbers for some of the things to do about a conflict."""

DERIVED = frozenset(
    [
        "lix_change",
        "lix_change_author",
        "lix_change_set",
        "lix_change_set_element",
        "lix_commit",
        "lix_commit_edge",
        "lix_version_pointer",
    ]
)
"""Schemas whose rows are derived from commits and pointers, hence never written."""


class Writer:
    """Writes rows into versions of one database.

    `guard` gives the rules between rows that a schema key is under, when a row is written or (with
    True) removed. `conflict` is what the running statement wants done about a conflict, as SQLite
    numbers it. `guest` is the plugin that is at work, which may look but not write.
    """

    __slots__ = (
        "_any", "_catalogue", "_epoch", "_lanes", "_preparing", "_scopes", "_store", "_watchers",
        "conflict", "guard", "guest", "source",
    )  # fmt: skip

    def __init__(self, store: Store, scopes: Scopes, catalogue: Catalogue) -> None:
        self._store = store
        self._scopes = scopes
        self._catalogue = catalogue
        self._epoch = -1
        self._lanes: dict[object, Lane] = {}
        self._watchers: dict[str, tuple[Watcher, ...]] = {}
        self._any: tuple[Watcher, ...] = ()
        self._preparing: dict[str, tuple[Callable[[RowWrite], RowWrite], ...]] = {}
        self.source: Source = SystemSource()
        self.guard: Callable[[str, bool], tuple[Watcher, ...]] = lambda schema_key, removal: ()
        self.conflict = ABORT
        self.guest: str | None = None

    def watch(self, schema_key: str | None, watcher: Watcher) -> None:
        """Register rules for a schema key, or for every row with None."""
        if schema_key is not None:
            if watcher.prepare is not None:
                known_first = self._preparing.get(schema_key, ())
                self._preparing[schema_key] = (*known_first, watcher.prepare)
            known = self._watchers.get(schema_key, self._any)
            self._watchers[schema_key] = (*known, watcher)
            return
        self._any += (watcher,)
        for key, watchers in self._watchers.items():
            self._watchers[key] = (*watchers, watcher)

    def watched(self, schema_key: str, *, removal: bool = False) -> tuple[Watcher, ...]:
        """Return the rules rows of a schema key are under when written, or when removed."""
        watchers = self._watchers.get(schema_key, self._any)
        guards = self.guard(schema_key, removal)
        return (*watchers, *guards) if guards else watchers

    def refuse_guest(self) -> None:
        """Refuse to write on behalf of a plugin."""
        if self.guest is not None:
            raise PluginError(
                f"plugin '{self.guest}' may not write to the database it works for",
                hint="what a plugin wants written it returns",
                details={"plugin": self.guest},
            )

    def place_of(self, version_id: str) -> tuple[int, int]:
        """Return the number and segment of a version that can be written, or raise."""
        return self._place(version_id, raw=False)

    # -- writing

    def put(
        self,
        version_id: str,
        row: RowWrite,
        *,
        defaults: bool = False,
        unique: bool = False,
        raw: bool = False,
        updates: bool = False,
        shown: Visible | None = None,
        copies: bool = False,
    ) -> int:
        """Insert or replace a row; return its rowid.

        `defaults` fills in properties the schema has defaults for, `unique` refuses a key the
        version already has, `raw` accepts an unknown version, `updates` says that the row changes
        one that shows. `shown` is that row, for those who have just looked: an inherited one is
        not copied when nothing changes, unless `copies`.
        """
        content, kind = row.content, (row[1:5], row.content is None, version_id)
        lane = self._lane(kind)
        if lane is None:
            row = self._prepared(row)
            schema = self._schema(row)
        else:
            schema = lane.schema
        if schema is not None:
            content = self._validated(row, schema, defaults=defaults)
        if lane is None:
            lane = self._open_lane(version_id, row, schema, raw=raw)
            if not raw and self._remembers(row.schema_key):
                self._lanes[kind] = lane
        key = Key(lane.schema_id, row.entity_id, lane.file_id)
        values = Values(
            lane.plugin_id,
            row.schema_version,
            None if content is None else canonical_json(content),
            None if row.metadata is None else canonical_json(row.metadata),
            row.writer_key,
        )
        if lane.plain and not (row.untracked or updates):
            added = self._store.rows.add(lane.version_no, lane.segment_id, key, values)
            if added:
                return added
        # over an inherited row there may be one that was withdrawn
        before = shown if shown is not None and not shown.depth else self._own(lane, key)
        if before is not None and before.values.snapshot is not None:
            self._check_existing(before, row, values, schema, unique=unique)
        elif (
            updates and _frozen(schema) and (copies or not shown or shown.values[:4] != values[:4])
        ):
            raise immutable(row)
        own = before is not None and not before.withdrawn
        found = before if own else (None if copies else shown)
        if found is not None and found.untracked == row.untracked:
            same = found.values == values if not row.untracked else found.values[:4] == values[:4]
            if same:
                return 0 if before is None else self._rowid(before, lane.version_no, key)
        if row.untracked or lane.watchers:
            write = Write(version_id, lane.version_no, key, schema, row, before, content, updates)
            return self._store_write(write, lane, values)
        return self._store_tracked(lane, key, values, before)

    def _lane(self, kind: object) -> Lane | None:
        """Return what is remembered about rows of a kind."""
        epoch = self._store.transaction.epoch
        if epoch != self._epoch:
            self._lanes.clear()
            self._epoch = epoch
        return self._lanes.get(kind)

    def _open_lane(
        self, version_id: str, row: RowWrite, schema: CompiledSchema | None, *, raw: bool
    ) -> Lane:
        """Look up what all rows of a kind have in common."""
        store, names = self._store, self._store.names
        version_no, segment_id = self._place(version_id, raw=raw)
        lineage = store.segments.lineage(segment_id)
        schema_id = names.intern(row.schema_key)
        overlaid = (version_no, schema_id) in store.overlay.occupied()
        watchers = self.watched(row.schema_key)
        return Lane(
            schema,
            version_no,
            segment_id,
            lineage,
            schema_id,
            names.intern(row.file_id),
            names.intern(row.plugin_key),
            overlaid,
            watchers,
            len(lineage) == 1 and not overlaid and not watchers,
        )

    def _remembers(self, schema_key: str) -> bool:
        """Tell whether nothing that a lane was made of can be undone without a word."""
        if schema_key in self._preparing or not self._catalogue.settled:
            return False
        store = self._store
        if store.versions.volatile or store.transaction.epoch != self._epoch:
            return False
        return store.transaction.settled or not store.names.growing

    def _schema(self, row: RowWrite) -> CompiledSchema | None:
        if row.schema_key in DERIVED:
            raise ReadOnlyError(
                f"{row.schema_key} is derived from commits and versions and cannot be written",
                hint="writing rows, checkpoints and versions makes such rows",
                details={"schema_key": row.schema_key},
            )
        if row.content is None:
            return None
        return self._catalogue.get(row.schema_key, row.schema_version)

    def _prepared(self, row: RowWrite) -> RowWrite:
        """Let those who know rows of a kind refuse or complete one."""
        if row.content is not None:
            for prepare in self._preparing.get(row.schema_key, ()):
                row = prepare(row)
        return row

    def _validated(self, row: RowWrite, schema: CompiledSchema, *, defaults: bool) -> Json:
        """Hold content against its schema and return it, with defaults when asked for."""
        content: Any = row.content
        if defaults:
            content = schema.apply_defaults(content, self.source)
        schema.validate(content, row.entity_id)
        schema.check_entity_id(row.entity_id, content)
        return content

    def remove(
        self,
        version_id: str,
        key: Key,
        *,
        writer_key: str | None = None,
        raw: bool = False,
        matched: Values | None = None,
        shown: Visible | None = None,
        withdraw: bool = False,
    ) -> bool:
        """Delete the visible row of a key from a version; tell whether there was one.

        An untracked row of the version itself is removed, so that a tracked one shows again; any
        other row is hidden by a tombstone. `matched` is an inherited row the statement found: the
        version gets its tombstone even if the same statement deleted the row at its origin.
        `shown` is the visible row, for those who have just looked. To `withdraw` a row hides
        nothing the version may inherit one day.
        """
        visible = shown or (self.own(version_id, key) if raw else self.visible(version_id, key))
        # an untracked tombstone, which only the raw table shows, hides something until it is gone
        uncovers = raw and visible is not None and visible.untracked
        if visible is None and matched is not None and self.own(version_id, key) is None:
            visible = Visible(1, False, matched, "", None)
        elif visible is None or (visible.values.snapshot is None and not uncovers):
            return False
        version_no, segment_id = self._place(version_id, raw=raw)
        names = self._store.names
        row = RowWrite(
            key.entity_id,
            names.text(key.schema_id),
            names.text(key.file_id),
            names.text(visible.values.plugin_id),
            visible.values.schema_version,
            None,
            None,
            writer_key,
            visible.untracked and visible.depth == 0,
        )
        write = Write(version_id, version_no, key, None, row, visible, None)
        self._store_removal(write, segment_id, visible, withdraw=withdraw)
        return True

    # -- looking

    def locate(
        self, version_id: str, number: int, *, raw: bool = False
    ) -> tuple[Key, Visible | None] | None:
        """Return the key of the row read as `number`, and what the version shows for it now.

        With `raw` that is the version's own row, a tombstone included.
        """
        store = self._store
        if number < 0:
            overlay = store.overlay.by_no(-number) or store.overlay.gone(-number)
            if overlay is None:
                return None
            key = overlay.key
        else:
            place = store.versions.place(version_id)
            located = store.rows.locate(place[1] if place else 0, number)
            if located is None:
                return None
            key, stored = located
            covered = place and (place[0], key.schema_id) in store.overlay.occupied()
            if stored is not None and not covered:
                # nothing is nearer than a version's own newest row
                found = Visible(0, False, stored.values, stored.created_at, stored)
                return key, found if raw or stored.values.snapshot is not None else None
        return key, self.own(version_id, key) if raw else self.visible(version_id, key)

    def matched(self, number: int) -> Values | None:
        """Return what the row read as `number` said, which the statement may have removed."""
        if number > 0:
            return self._store.rows.values_of(number)
        gone = self._store.overlay.gone(-number)
        return None if gone is None else gone.values

    def own(self, version_id: str, key: Key) -> Visible | None:
        """Return a version's own row of a key, tombstones included: overlay before tracked."""
        place = self._store.versions.place(version_id)
        if place is None:
            return None
        return self._look(place, 0, key)

    def _own(self, lane: Lane, key: Key) -> Visible | None:
        if lane.overlaid:
            return self._look((lane.version_no, lane.segment_id), 0, key)
        stored = self._store.rows.find(lane.lineage, key)
        if stored is None:
            return None
        return Visible(0, False, stored.values, stored.created_at, stored)

    def visible(self, version_id: str, key: Key) -> Visible | None:
        """Return the row a version shows for a key: own, or inherited; a tombstone hides."""
        return self._first(version_id, key)

    def beneath(self, version_id: str, key: Key) -> Visible | None:
        """Return the row a version shows once its own untracked row of a key is gone."""
        return self._first(version_id, key, tracked=True)

    def inherited(self, version_id: str, key: Key) -> Visible | None:
        """Return the row a version would show for a key if it had none of its own."""
        return self._first(version_id, key, nearest=1)

    def _first(
        self, version_id: str, key: Key, *, nearest: int = 0, tracked: bool = False
    ) -> Visible | None:
        """Return the first row of the chain; `tracked` leaves out untracked ones of the first."""
        scope = self._scopes.of(version_id)
        if scope is None:
            return None
        for depth, link in enumerate(scope.chain[nearest:], nearest):
            place = self._store.versions.place(link)
            only = tracked and not depth
            found = None if place is None else self._look(place, depth, key, tracked=only)
            if found is not None and not found.withdrawn:
                return found if found.values.snapshot is not None else None
        return None

    def scope(self, version_id: str) -> Scope:
        """Return the scope of a version or raise VersionNotFound."""
        scope = self._scopes.of(version_id)
        if scope is None:
            raise unknown_version(version_id)
        return scope

    def _look(
        self, place: tuple[int, int], depth: int, key: Key, *, tracked: bool = False
    ) -> Visible | None:
        store = self._store
        overlay = None if tracked else store.overlay.find(place[0], key)
        if overlay is not None:
            return Visible(depth, True, overlay.values, "", None)
        stored = store.rows.find(store.segments.lineage(place[1]), key)
        if stored is None:
            return None
        return Visible(depth, False, stored.values, stored.created_at, stored)

    # -- storing

    def _place(self, version_id: str, *, raw: bool) -> tuple[int, int]:
        versions = self._store.versions
        place = versions.place(version_id)
        if raw:
            if place is None:
                versions.create(version_id, working_commit_id=version_id)
                place = versions.place(version_id)
        elif place is None or not versions.listed(version_id):
            raise unknown_version(version_id)
        assert place is not None
        return place

    def _check_existing(
        self,
        before: Visible,
        row: RowWrite,
        values: Values,
        schema: CompiledSchema | None,
        *,
        unique: bool,
    ) -> None:
        if unique:
            raise already_there(row, schema)
        if _frozen(schema) and before.values[:4] != values[:4]:
            raise immutable(row)

    def _store_write(self, write: Write, lane: Lane, values: Values) -> int:
        for watcher in lane.watchers:
            if watcher.check is not None:
                watcher.check(write)
        if write.row.untracked:
            store = self._store
            store.overlay.write(write.version_no, write.key, values)
            found = store.overlay.find(write.version_no, write.key)
            assert found is not None
            rowid = -found.no
        else:
            rowid = self._store_tracked(lane, write.key, values, write.before)
        for watcher in lane.watchers:
            if watcher.then is not None:
                watcher.then(write)
        return rowid

    def _store_tracked(self, lane: Lane, key: Key, values: Values, before: Visible | None) -> int:
        stored = None if before is None else self._tracked(lane.segment_id, key, before)
        if stored is not None and stored.values == values:
            # what an untracked row hides is said again
            return stored.change_no
        return self._store.rows.write(lane.version_no, lane.segment_id, key, values, stored)

    def _store_removal(
        self, write: Write, segment_id: int, visible: Visible, *, withdraw: bool
    ) -> None:
        watchers = self.watched(write.row.schema_key, removal=True)
        for watcher in watchers:
            if watcher.check is not None:
                watcher.check(write)
        store = self._store
        if write.row.untracked:
            store.overlay.delete(write.version_no, write.key)
        else:
            values = visible.values._replace(snapshot=None, writer_key=write.row.writer_key)
            if withdraw:
                values = values._replace(schema_version=WITHDRAWN, metadata=None)
            stored = self._tracked(segment_id, write.key, visible)
            if stored is not None and self._was_born_here(write, stored):
                store.rows.erase(segment_id, stored.from_seq, write.key, stored)
            else:
                store.rows.write(write.version_no, segment_id, write.key, values, stored)
        for watcher in watchers:
            if watcher.then is not None:
                watcher.then(write)

    def _tracked(self, segment_id: int, key: Key, before: Visible) -> Stored | None:
        """Return the version's own tracked row, which an overlay row may have hidden."""
        if before.depth == 0 and not before.untracked:
            return before.stored
        store = self._store
        return store.rows.find(store.segments.lineage(segment_id), key)

    def _was_born_here(self, write: Write, stored: Stored) -> bool:
        """Tell whether this transaction made the row from nothing, so that nothing need stay."""
        if not stored.in_tip or stored.first_seq != stored.from_seq:
            return False
        if write.row.schema_key == DESCRIPTOR:
            # it must stay known that there was such a version
            return False
        if stored.from_seq != self._store.commits.open(write.version_no):
            return False
        if self._store.versions.has_heirs(write.version_id):
            # a statement over several versions may still have to hide the row in those
            return False
        place = self._store.versions.place(write.version_id)
        assert place is not None
        if self._store.rows.find(self._store.segments.lineage(place[1])[1:], write.key) is not None:
            return False
        scope = self.scope(write.version_id)
        return all(
            found is None
            for depth, link in enumerate(scope.chain[1:], 1)
            if (place := self._store.versions.place(link)) is not None
            for found in [self._look(place, depth, write.key)]
        )

    def _rowid(self, visible: Visible, version_no: int, key: Key) -> int:
        if visible.stored is not None:
            return visible.stored.change_no
        found = self._store.overlay.find(version_no, key)
        assert found is not None
        return -found.no


def _frozen(schema: CompiledSchema | None) -> bool:
    """Tell whether rows must stay as they are; stored schemas have finer rules of their own."""
    return schema is not None and schema.immutable and schema.key != STORED_SCHEMA
