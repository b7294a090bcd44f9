"""Creating, renaming, moving and deleting versions, and choosing the active one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from lix_vtab.errors import (
    ConstraintViolation,
    ForeignKeyError,
    InvalidValueError,
    LixError,
    UniqueError,
    VersionError,
)
from lix_vtab.model.cycles import cycles
from lix_vtab.model.json import parse_json
from lix_vtab.mutation.row_errors import unknown_version
from lix_vtab.mutation.writer import RowWrite, Watcher, Write, Writer
from lix_vtab.resolution.scope import Scopes
from lix_vtab.resolution.visible import Query
from lix_vtab.storage.names import LIX
from lix_vtab.storage.rows import Key
from lix_vtab.storage.store import Store
from lix_vtab.storage.versions import (
    CHAIN_LIMIT,
    DESCRIPTOR,
    GLOBAL,
    Descriptor,
    Pointer,
    read_descriptor,
)

__all__ = ["ACTIVE_VERSION", "VersionWriter"]

ACTIVE_VERSION = "lix_active_version"

_DESCRIPTORS = Query(("{snapshot}",), 1, keys=("x.schema_id = ?1",), order=("1",))


class VersionWriter:
    """Verbs on versions. `pinned` is the version this session works on, None to share.

    `wait` puts a check off to the end of the statement and tells whether that is possible.
    """

    __slots__ = ("_active", "_scopes", "_stands", "_store", "_writer", "pinned", "wait")

    def __init__(self, store: Store, scopes: Scopes, writer: Writer) -> None:
        self._store = store
        self._scopes = scopes
        self._writer = writer
        self._active: str | None = None
        self._stands = False
        self.pinned: str | None = None
        self.wait: Callable[[Callable[[], None]], bool] = lambda check: False
        writer.watch(DESCRIPTOR, Watcher(self._check_descriptor, self._follow_descriptor))
        writer.watch(ACTIVE_VERSION, Watcher(None, self._follow_active))
        store.on_foreign_write(self._forget)
        store.transaction.on_rollback(self._forget)
        store.on_check(self._problems)

    # -- the active version

    def active_id(self) -> str:
        """Return the version unqualified reads and writes use.

        Raises VersionNotFound in a session pinned to a version that is gone: to show nothing there
        would look like an answer.
        """
        if self.pinned is not None:
            if not self._stands:
                self._check_pin(self.pinned)
            return self.pinned
        if self._active is None:
            active = self._stored_active()
            if not self._store.transaction.settled:
                return active
            self._active = active
        return self._active

    def chosen_id(self) -> str:
        """Return the version this session chose or shares, be it there or not."""
        return self.active_id() if self.pinned is None else self.pinned

    def _check_pin(self, version_id: str) -> None:
        if not self._store.versions.listed(version_id):
            raise unknown_version(
                version_id, hint="this session was pinned to it: switch it to another version"
            )
        self._stands = self._store.transaction.settled

    def switch(self, version_id: str, *, session: bool = False) -> None:
        """Make a version active, for everybody or for this session only."""
        if not isinstance(version_id, str) or not version_id:
            raise InvalidValueError(
                "lix_active_version update cannot set empty version_id"
                if version_id == ""
                else "lix_active_version field 'version_id' must be a string",
                hint="give the id of a version",
            )
        if not self._store.versions.listed(version_id):
            raise ForeignKeyError(
                "Foreign key constraint violation: lix_active_version.version_id "
                f"'{version_id}' references missing lix_version_descriptor.id",
                hint="SELECT id, name FROM lix_version lists the versions",
                details={"version_id": version_id},
            )
        self._stands = False
        if session:
            self.pinned = version_id
            return
        self.pinned = None
        self._writer.put(
            GLOBAL,
            RowWrite(
                self.active_row_id(),
                ACTIVE_VERSION,
                "lix",
                "lix",
                "1",
                {"id": self.active_row_id(), "version_id": version_id},
                untracked=True,
            ),
        )

    def active_row_id(self) -> str:
        """Return the id of the one `lix_active_version` row."""
        return self._active_row()[0]

    def resolve(self, name: str) -> str:
        """Return the id of the version with this id or unique name."""
        if not isinstance(name, str):
            raise InvalidValueError(
                f"a version is named by a text, got {name!r}",
                hint="SELECT id, name FROM lix_version lists the versions",
            )
        if self._store.versions.listed(name):
            return name
        matching = [found.id for found in self.descriptors() if found.name == name]
        if len(matching) == 1:
            return matching[0]
        if matching:
            raise VersionError(
                f"{len(matching)} versions are named '{name}'",
                hint="use the id of one",
                details={"name": name, "ids": matching},
            )
        raise unknown_version(name)

    def descriptors(self) -> list[Descriptor]:
        """Return the descriptors of all versions."""
        scope = self._scopes.of(GLOBAL)
        if scope is None:
            return []
        schema_id = self._store.names.find(DESCRIPTOR)
        view = scope.view(schema_id, frozenset())
        sql = _DESCRIPTORS.sql(self._store.db, view.shape, len(scope.chain))
        found = self._store.connection.execute(sql, (schema_id, *view.params)).fetchall()
        return [read_descriptor(row[0]) for row in found]

    # -- verbs

    def create(
        self,
        descriptor: Descriptor,
        *,
        commit_id: str | None,
        working_commit_id: str | None,
        writer_key: str | None = None,
    ) -> Pointer:
        """Create a version, whose id must be free, that starts at a commit."""
        versions = self._store.versions
        if working_commit_id is not None:
            self.check_working(working_commit_id, None)
        old = versions.pointer(descriptor.id)
        if old is None:
            pointer = versions.create(
                descriptor.id, commit_id=commit_id, working_commit_id=working_commit_id
            )
        else:
            self._store.overlay.clear(old.no)
            versions.move(old, commit_id, working_commit_id or self._fresh(old), afresh=True)
            pointer = versions.pointer_by_no(old.no)
        self._describe(descriptor, writer_key)
        return pointer

    def update(self, descriptor: Descriptor, writer_key: str | None = None) -> None:
        """Rename a version, hide it, or let it inherit from another."""
        self._describe(descriptor, writer_key)

    def move(self, version_id: str, commit_id: str | None, working_commit_id: str | None) -> None:
        """Point a version at another commit and working commit.

        Without a commit it stays where it is, without a working commit it gets a fresh one.
        """
        pointer = self._store.versions.pointer(version_id)
        if pointer is None:
            raise unknown_version(version_id)
        commit_id = commit_id or pointer.commit_id
        working = working_commit_id or self._fresh(pointer)
        self.check_working(working, version_id)
        if version_id == GLOBAL and commit_id is not None and commit_id != pointer.commit_id:
            self._check_global(commit_id)
        if (commit_id, working) != (pointer.commit_id, pointer.working_commit_id):
            self._store.versions.move(pointer, commit_id, working)

    def give_way(
        self, working_commit_id: str, descriptor: Descriptor, writer_key: str | None
    ) -> None:
        """Delete the version that has the working commit another is to have."""
        holder = self._holder(working_commit_id, descriptor.id)
        if holder is None:
            return
        if holder == descriptor.inherits_from_version_id:
            raise _no_parent(descriptor.id, holder)
        self.delete(holder, writer_key)

    def check_free(self, version_id: str) -> None:
        """Refuse the id of a version there is."""
        if self._store.versions.listed(version_id):
            raise UniqueError(
                f"Primary key constraint violation: version '{version_id}' already exists",
                hint="UPDATE lix_version changes it",
                details={"version_id": version_id},
            )

    def check_parent(self, descriptor: Descriptor) -> None:
        """Refuse a parent before anything of the version is written."""
        if descriptor.inherits_from_version_id is not None:
            self._check_parent(descriptor.id, descriptor.inherits_from_version_id)

    def delete(self, version_id: str, writer_key: str | None = None) -> None:
        """Delete a version; its commits and history stay reachable by id."""
        key = Key(self._store.names.intern(DESCRIPTOR), version_id, LIX)
        self._writer.remove(GLOBAL, key, writer_key=writer_key)

    # -- rules

    def _describe(self, descriptor: Descriptor, writer_key: str | None) -> None:
        self._writer.put(
            GLOBAL,
            RowWrite(
                descriptor.id,
                DESCRIPTOR,
                "lix",
                "lix",
                "1",
                {
                    "id": descriptor.id,
                    "name": descriptor.name,
                    "inherits_from_version_id": descriptor.inherits_from_version_id,
                    "hidden": descriptor.hidden,
                },
                writer_key=writer_key,
            ),
        )

    def _check_descriptor(self, write: Write) -> None:
        if write.version_id != GLOBAL:
            raise ConstraintViolation(
                f"lix_version_descriptor '{write.key.entity_id}' must be written to version "
                f"'global', not '{write.version_id}'",
                hint="use lix_version",
            )
        if write.row.untracked:
            raise ConstraintViolation("lix_version_descriptor rows cannot be untracked")
        if write.after is None:
            self._check_delete(write.key.entity_id)
        elif write.after.get("inherits_from_version_id") is not None:
            self._check_parent(write.key.entity_id, write.after["inherits_from_version_id"])

    def _follow_descriptor(self, write: Write) -> None:
        versions = self._store.versions
        versions.changed(write.key.entity_id)
        if write.after is not None and versions.pointer(write.key.entity_id) is None:
            active = versions.pointer(self.active_id())
            versions.create(write.key.entity_id, commit_id=active.commit_id if active else None)

    def _follow_active(self, write: Write) -> None:
        self._active = None

    def _put_off(self, error: LixError, check: Callable[[], None]) -> None:
        """Look again when the statement ends, as a later row of it may mend what is wrong."""
        if not self.wait(check):
            error.early = True
            raise error

    def _check_parent(self, version_id: str, parent: str) -> None:
        error = self._parent_fault(version_id, parent)
        if error is not None:
            self._put_off(error, partial(self._look_at_parent, version_id, parent))

    def _look_at_parent(self, version_id: str, parent: str) -> None:
        found = self._store.versions.descriptor(version_id)
        if found is not None and found.inherits_from_version_id == parent:
            error = self._parent_fault(version_id, parent)
            if error is not None:
                raise error

    def _parent_fault(self, version_id: str, parent: str) -> LixError | None:
        """Return why a version cannot inherit from another as things stand."""
        if not self._store.versions.listed(parent):
            return _no_parent(version_id, parent)
        chain = self._store.versions.chain(parent)
        if version_id in chain:
            return VersionError(
                f"version '{version_id}' cannot inherit from '{parent}': that would be a cycle",
                hint=" -> ".join((version_id, *chain)),
                details={"chain": list(chain)},
            )
        if len(chain) + self._height(version_id) > CHAIN_LIMIT:
            return VersionError(
                f"version '{version_id}' would inherit through more than {CHAIN_LIMIT} versions",
                hint="let it inherit from a version nearer to the start of the chain",
            )
        return None

    def _height(self, version_id: str) -> int:
        """Return how many versions inherit one from another, from this one down."""
        if not self._store.versions.listed(version_id):
            return 1
        heirs: dict[str, list[str]] = {}
        for found in self.descriptors():
            heirs.setdefault(found.inherits_from_version_id or "", []).append(found.id)
        height, level = 0, [version_id]
        # in the middle of a statement there may be a cycle
        while level and height < CHAIN_LIMIT:
            height += 1
            level = [heir for id in level for heir in heirs.get(id, ())]
        return height

    def _check_global(self, commit_id: str) -> None:
        """Refuse a commit at which the global version knows neither itself nor the active one."""
        store = self._store
        commit = store.commits.by_id(commit_id)
        lineage = () if commit is None else store.segments.at(commit.segment_id, commit.seq)
        for id in (GLOBAL, self.chosen_id(), self._stored_active()):
            key = Key(store.names.find(DESCRIPTOR), id, LIX)
            stored = store.rows.find(lineage, key)
            if stored is None or stored.values.snapshot is None:
                raise VersionError(
                    f"version 'global' cannot move to commit '{commit_id}': "
                    f"there is no version '{id}' there",
                    hint="it holds what all versions share: choose a commit of its own",
                    details={"commit_id": commit_id, "version_id": id},
                )

    def _check_delete(self, version_id: str) -> None:
        if version_id == GLOBAL:
            raise _needed(
                version_id,
                "the global version cannot be deleted",
                "it holds what all versions share",
            )
        if version_id in (self.chosen_id(), self._stored_active()):
            raise _needed(
                version_id, f"version '{version_id}' is active", "switch to another version first"
            )
        error = self._inherited_from(version_id)
        if error is not None:
            self._put_off(error, partial(self._look_at_heirs, version_id))

    def _inherited_from(self, version_id: str) -> VersionError | None:
        """Return why a version has to stay that others inherit from."""
        heirs = [d.id for d in self.descriptors() if d.inherits_from_version_id == version_id]
        if not heirs:
            return None
        return _needed(
            version_id,
            f"version '{version_id}' is inherited from by {', '.join(sorted(heirs))}",
            "delete or re-parent those versions first, or in the same statement",
        )

    def _look_at_heirs(self, version_id: str) -> None:
        error = self._inherited_from(version_id)
        if error is not None and not self._store.versions.listed(version_id):
            raise error

    def check_working(self, working_commit_id: str, own_id: str | None) -> None:
        """Refuse a working commit that another version has."""
        holder = self._holder(working_commit_id, own_id)
        if holder is not None:
            raise UniqueError(
                f"Unique constraint violation: working_commit_id '{working_commit_id}' "
                f"already used by version '{holder}'",
                hint="leave it out to have one generated",
                details={"working_commit_id": working_commit_id, "version_id": holder},
            )

    def _holder(self, working_commit_id: str, own_id: str | None) -> str | None:
        """Return the version, other than one, that has a working commit."""
        store = self._store
        found = store.connection.execute(
            f'SELECT id FROM "{store.db}".lix_internal_version '
            "WHERE working_commit_id = ? AND id IS NOT ?",
            (working_commit_id, own_id),
        )
        return next((id for (id,) in found.fetchall() if store.versions.listed(id)), None)

    def _fresh(self, pointer: Pointer) -> str:
        number = (pointer.no << 24) + self._store.commits.next_seq()
        return self._store.identity.new("commit", number)

    def _problems(self) -> Iterator[str]:
        """Yield what is wrong between versions."""
        parents = {d.id: d.inherits_from_version_id for d in self.descriptors()}
        for id in (GLOBAL, self._stored_active()):
            if id not in parents:
                yield f"version '{id}', which is needed, does not exist"
        working: dict[str, str] = {}
        for id, parent in parents.items():
            pointer = self._store.versions.pointer(id)
            if pointer is None:
                yield f"version '{id}' has a descriptor and no pointer"
            elif working.setdefault(pointer.working_commit_id, id) != id:
                yield f"version '{id}' has the working commit of another"
            if parent is not None and parent not in parents:
                yield f"version '{id}' inherits from '{parent}', which does not exist"
        for id in cycles(parents):
            yield f"version '{id}' inherits from itself"

    # -- the stored active version

    def _active_row(self) -> tuple[str, str]:
        store = self._store
        place = store.versions.place(GLOBAL)
        schema_id = store.names.find(ACTIVE_VERSION)
        row = None
        if place is not None:
            row = store.connection.execute(
                f'SELECT entity_id, snapshot FROM "{store.db}".lix_internal_overlay '
                "WHERE version_no = ? AND schema_id = ? AND snapshot IS NOT NULL "
                "ORDER BY updated_at DESC, no LIMIT 1",
                (place[0], schema_id),
            ).fetchone()
        if row is None:
            raise VersionError("no version is active", hint="UPDATE lix_active_version")
        return row[0], parse_json(row[1])["version_id"]

    def _stored_active(self) -> str:
        return self._active_row()[1]

    def _forget(self) -> None:
        self._active = None
        self._stands = False


def _no_parent(version_id: str, parent: str) -> ForeignKeyError:
    """Say that what a version is to inherit from does not exist."""
    return ForeignKeyError(
        "Foreign key constraint violation: lix_version_descriptor.inherits_from_version_id "
        f"'{parent}' of version '{version_id}' references missing lix_version_descriptor.id",
        hint="name an existing version, or NULL for none",
        details={"version_id": version_id, "inherits_from_version_id": parent},
    )


def _needed(version_id: str, reason: str, hint: str) -> VersionError:
    """Say why a version cannot be deleted."""
    return VersionError(
        f"Cannot delete version: {reason}", hint=hint, details={"version_id": version_id}
    )
