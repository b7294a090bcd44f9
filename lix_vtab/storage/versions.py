"""Versions: pointers into the commit graph, and the chain of versions each one inherits from."""

from __future__ import annotations

from lix_vtab.errors import CommitNotFound, CorruptError
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.json import parse_json
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.storage.commits import Commits
from lix_vtab.storage.connection import Connection
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.identity import Identity
from lix_vtab.storage.names import LIX, Names
from lix_vtab.storage.rows import Key, Rows
from lix_vtab.storage.segments import Segments
from lix_vtab.storage.transaction import Transaction

__all__ = [
    "CHAIN_LIMIT",
    "DESCRIPTOR",
    "GLOBAL",
    "Descriptor",
    "Pointer",
    "Versions",
    "read_descriptor",
]

GLOBAL = "global"
CHAIN_LIMIT = 64
"""How many ancestors a version can inherit from."""

DESCRIPTOR = "lix_version_descriptor"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a version is called and inherits from: a tracked row of the global version."""

    id: str
    name: str
    inherits_from_version_id: str | None
    hidden: bool


class Pointer(NamedTuple):
    """Where a version stands. `tip_seq` is None when its commit id names no known commit."""

    no: int
    id: str
    segment_id: int
    commit_id: str | None
    tip_seq: int | None
    working_commit_id: str
    working_change_set_id: str
    baseline_seq: int | None


_POINTER = (
    "no, id, segment_id, commit_id, tip_seq, working_commit_id, working_change_set_id, baseline_seq"
)


class Versions:
    """Finds, creates and moves versions.

    Chains and segments are cached until a version changes; tips move with every commit and are
    read when asked for. `generation` is another number whenever what is known of a version may be
    wrong, `births` when there may be one more.
    """

    __slots__ = (
        "_chains",
        "_commits",
        "_connection",
        "_db",
        "_descriptors",
        "_identity",
        "_linked",
        "_names",
        "_parents",
        "_places",
        "_rows",
        "_segments",
        "_transaction",
        "_volatile",
        "births",
        "generation",
    )

    def __init__(
        self,
        connection: Connection,
        db: str,
        transaction: Transaction,
        identity: Identity,
        names: Names,
        segments: Segments,
        commits: Commits,
        rows: Rows,
    ) -> None:
        self._connection = connection
        self._db = db
        self._transaction = transaction
        self._identity = identity
        self._names = names
        self._segments = segments
        self._commits = commits
        self._rows = rows
        self._places: dict[str, tuple[int, int]] = {}
        self._chains: dict[str, tuple[str, ...]] = {}
        self._linked: set[str] = set()
        self._descriptors: dict[str, Descriptor | None] = {}
        self._parents: frozenset[str] | None = None
        self._volatile = False
        self.generation = 0
        self.births = 0
        transaction.after_commit(self._settle)
        transaction.on_rollback(self.forget)

    # -- finding

    def pointer(self, id: str) -> Pointer | None:
        """Return the pointer of a version as it is now."""
        sql = qualify(f"SELECT {_POINTER} FROM lix_internal_version WHERE id = ?", self._db)
        row = self._connection.run(sql, (id,)).get
        return None if row is None else Pointer(*row)

    def pointer_by_no(self, no: int) -> Pointer:
        """Return the pointer of the version with this number."""
        sql = qualify(f"SELECT {_POINTER} FROM lix_internal_version WHERE no = ?", self._db)
        row = self._connection.run(sql, (no,)).get
        if row is None:
            raise CorruptError(f"version number {no} has no pointer")
        return Pointer(*row)

    def pointers(self) -> list[Pointer]:
        """Return all pointers, those of deleted versions included, oldest first."""
        sql = qualify(f"SELECT {_POINTER} FROM lix_internal_version ORDER BY no", self._db)
        return [Pointer(*row) for row in self._connection.execute(sql)]

    def place(self, id: str) -> tuple[int, int] | None:
        """Return the number and the segment of a version, from memory where possible."""
        known = self._places.get(id)
        if known is None:
            pointer = self.pointer(id)
            if pointer is None:
                return None
            known = (pointer.no, pointer.segment_id)
            if self._keeps:
                self._places[id] = known
        return known

    def descriptor(self, id: str) -> Descriptor | None:
        """Return the live descriptor of a version."""
        if id in self._descriptors:
            return self._descriptors[id]
        place = self.place(GLOBAL)
        found: Descriptor | None = None
        if place is not None:
            key = Key(self._names.find(DESCRIPTOR), id, LIX)
            stored = self._rows.find(self._segments.lineage(place[1]), key)
            if stored is not None and stored.values.snapshot is not None:
                found = read_descriptor(stored.values.snapshot)
        if self._keeps:
            self._descriptors[id] = found
        return found

    def listed(self, id: str) -> bool:
        """Tell whether a version exists for the public surfaces."""
        return self.descriptor(id) is not None

    def has_heirs(self, id: str) -> bool:
        """Tell whether other versions inherit from one."""
        known = self._parents
        if known is None:
            chains = [self.chain(pointer.id) for pointer in self.pointers()]
            known = frozenset(parent for chain in chains for parent in chain[1:])
            if self._keeps:
                self._parents = known
        return id in known

    def deleted(self, id: str) -> bool:
        """Tell whether a version once had a descriptor and lost it."""
        place = self.place(GLOBAL)
        if place is None:
            return False
        key = Key(self._names.find(DESCRIPTOR), id, LIX)
        stored = self._rows.find(self._segments.lineage(place[1]), key)
        return stored is not None and stored.values.snapshot is None

    def chain(self, id: str) -> tuple[str, ...]:
        """Return a version and the versions it inherits from, nearest first."""
        known = self._chains.get(id)
        if known is None:
            links = [id]
            while len(links) <= CHAIN_LIMIT:
                descriptor = self.descriptor(links[-1])
                parent = descriptor and descriptor.inherits_from_version_id
                if not parent or parent in links:
                    break
                links.append(parent)
            known = tuple(links)
            if self._keeps:
                self._chains[id] = known
                self._linked.update(known)
        return known

    # -- writing

    def create(
        self,
        id: str,
        *,
        commit_id: str | None = None,
        working_commit_id: str | None = None,
    ) -> Pointer:
        """Create the pointer of a version that starts at a commit, known or not."""
        self.changed(id)
        no = self.next_no()
        segment_id, tip_seq, commit_id = self._start(commit_id)
        now = self._identity.now(no)
        made = Pointer(
            no,
            id,
            segment_id,
            commit_id,
            tip_seq,
            working_commit_id or self._identity.new("commit", no << 24),
            self._identity.new("change_set", no << 24),
            tip_seq,
        )
        self._connection.run(
            qualify(
                f"INSERT INTO lix_internal_version({_POINTER}, created_at, updated_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                self._db,
            ),
            (*made, now, now),
        )
        return made

    def move(
        self,
        pointer: Pointer,
        commit_id: str | None,
        working_commit_id: str,
        *,
        afresh: bool = False,
    ) -> None:
        """Point a version at another commit and working commit.

        `afresh` starts from the commit even if the version already stands there.
        """
        self.changed()
        self._commits.forget_open(pointer.no)
        segment_id, tip_seq = pointer.segment_id, pointer.tip_seq
        baseline, change_set = pointer.baseline_seq, pointer.working_change_set_id
        if afresh or commit_id != pointer.commit_id:
            segment_id, tip_seq, commit_id = self._start(commit_id)
            baseline = tip_seq
        if working_commit_id != pointer.working_commit_id:
            change_set = self._identity.new(
                "change_set", (pointer.no << 24) + self._commits.next_seq()
            )
        self._connection.execute(
            qualify(
                "UPDATE lix_internal_version SET segment_id = ?, commit_id = ?, tip_seq = ?, "
                "working_commit_id = ?, working_change_set_id = ?, baseline_seq = ?, "
                "updated_at = ? WHERE no = ?",
                self._db,
            ),
            (
                segment_id,
                commit_id,
                tip_seq,
                working_commit_id,
                change_set,
                baseline,
                self._identity.now(self._commits.next_seq()),
                pointer.no,
            ),
        )

    def rotate(self, no: int, working_commit_id: str, change_set_id: str, baseline: int) -> None:
        """Give a version a fresh working commit after its old one became a checkpoint."""
        self._connection.execute(
            qualify(
                "UPDATE lix_internal_version SET working_commit_id = ?, "
                "working_change_set_id = ?, baseline_seq = ? WHERE no = ?",
                self._db,
            ),
            (working_commit_id, change_set_id, baseline, no),
        )

    def changed(self, id: str | None = None) -> None:
        """Drop what is cached because a version, that with this id or any, is about to change."""
        if not self._transaction.settled:
            self._volatile = True
        if id is None or id in self._places or id in self._linked:
            self._drop()
        else:
            # nothing that is cached stands on a version nobody has looked at, but that it is not
            self._descriptors.pop(id, None)
            self._parents = None
            self.births += 1

    def forget(self) -> None:
        """Drop what is cached because something was undone or another connection wrote."""
        self._drop()
        self._volatile = self._transaction.active and self._volatile

    def _drop(self) -> None:
        self._places.clear()
        self._chains.clear()
        self._linked.clear()
        self._descriptors.clear()
        self._parents = None
        self.generation += 1
        self._transaction.stale()

    @property
    def volatile(self) -> bool:
        """Tell whether versions were changed inside a savepoint that may still be undone."""
        return self._volatile

    @property
    def _keeps(self) -> bool:
        return not self._volatile

    def _settle(self) -> None:
        if self._volatile:
            self._volatile = False
            self.forget()

    def _start(self, commit_id: str | None) -> tuple[int, int | None, str | None]:
        """Return a new segment for what starts at a commit, and the commit it starts at."""
        commit = None if commit_id is None else self._commits.by_id(commit_id)
        if commit is None:
            return self._segments.create(), None, commit_id
        first_open = self._commits.first_open
        if first_open is not None and commit.seq >= first_open:
            # what the transaction writes afterwards must not show in what starts here
            self._commits.seal(commit.version_no)
            if self._commits.by_seq(commit.seq) is None:
                # all it had was undone again, so it was taken back
                before = commit.parent_seq and self._commits.by_seq(commit.parent_seq)
                return self._start(before.id if before else None)
        return self._segments.fork(commit.segment_id, commit.seq), commit.seq, commit.id

    def require_commit(self, commit_id: str) -> None:
        """Refuse a commit id that names no commit."""
        if self._commits.by_id(commit_id) is None:
            raise CommitNotFound(
                f"Commit with id '{commit_id}' does not exist",
                hint="SELECT id FROM lix_commit lists them",
                details={"commit_id": commit_id},
            )

    def next_no(self) -> int:
        """Return the number the next version will get."""
        sql = qualify("SELECT coalesce(max(no), 0) + 1 FROM lix_internal_version", self._db)
        return int(self._connection.run(sql).get)


def read_descriptor(snapshot: str) -> Descriptor:
    """Read a descriptor from its snapshot."""
    value = parse_json(snapshot)
    return Descriptor(
        value["id"],
        value["name"],
        value.get("inherits_from_version_id"),
        bool(value.get("hidden", False)),
    )
