"""Revision names: how people say which commit they mean.

- `HEAD`: the tip of the active version; so are `@` and the empty text
- a commit id, or at least four letters of its beginning when no other id begins so
- a version by id or unique name: its tip; a working commit by its id
- a checkpoint by name, or a commit by the name of a label on it: the newest of that name
- `main@2026-01-31T12:00`: the commit of that line as of a moment, UTC unless it says otherwise
- `draft~2`, `HEAD^2~1`: `~n` goes to the n-th first parent, `^n` to the n-th parent
"""

from __future__ import annotations

from datetime import UTC, datetime

from lix_vtab.errors import CommitNotFound, InvalidValueError, VersionError
from lix_vtab.history.graph import Graph
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.json import canonical_json
from lix_vtab.model.patterns import pattern
from lix_vtab.mutation.versions import VersionWriter
from lix_vtab.resolution.scope import Scopes
from lix_vtab.resolution.visible import Query
from lix_vtab.storage.commits import Commit
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.store import Store
from lix_vtab.storage.versions import DESCRIPTOR, GLOBAL, Pointer

__all__ = ["Revision", "Revisions"]

SHORTEST_PREFIX = 4

_HEADS = ("HEAD", "@", "")
_STEPS = pattern(r"((?:[~^][0-9]*)+)\Z")
_STEP = pattern(r"([~^])([0-9]*)")
_LABELS = Query(
    ("{snapshot} ->> '$.entity_id'",),
    2,
    keys=("x.schema_id = ?1",),
    filters=(
        "{snapshot} ->> '$.schema_key' = 'lix_commit'",
        "{snapshot} ->> '$.label_id' IN (SELECT value FROM json_each(?2))",
    ),
)
_NAMED = Query(
    ("{entity_id}",), 2, keys=("x.schema_id = ?1",), filters=("{snapshot} ->> '$.name' = ?2",)
)


@dataclass(frozen=True, slots=True)
class Revision:
    """What a revision name stands for.

    For a working commit `working` is the pointer of its version and `commit` the version's tip,
    whose state is what the working commit would have.
    """

    id: str
    commit: Commit
    working: Pointer | None = None


class Revisions:
    """Finds the commits that revision names stand for."""

    __slots__ = ("_graph", "_scopes", "_store", "_versions")

    def __init__(self, store: Store, scopes: Scopes, versions: VersionWriter, graph: Graph) -> None:
        self._store = store
        self._scopes = scopes
        self._versions = versions
        self._graph = graph

    def head(self, version_id: str | None = None) -> Revision:
        """Return the tip of a version, of the active one by default."""
        return self._tip(version_id or self._versions.active_id(), "HEAD")

    def tip(self, version_id: str | None = None) -> Revision | None:
        """Return the tip of a version, None while that has no commit: then it has no history."""
        pointer = self._store.versions.pointer(version_id or self._versions.active_id())
        seq = None if pointer is None else pointer.tip_seq
        commit = None if seq is None else self._store.commits.by_seq(seq)
        return None if commit is None else Revision(commit.id, commit)

    def resolve(self, name: object) -> Revision:
        """Return what a revision name stands for or raise CommitNotFound."""
        if not isinstance(name, str):
            raise InvalidValueError(
                f"a revision must be a text, got {name!r}",
                hint="a commit id, the name of a version or checkpoint, HEAD, HEAD~2",
            )
        steps = _STEPS.search(name)
        if steps is not None and name[: steps.start()] in _HEADS:
            return self._walk(self.head(), steps[1], name)
        found = self._base(name)
        if found is not None:
            return found
        if steps is not None:
            # a name may look like steps itself, so the longest one that exists is taken
            for step in reversed([*_STEP.finditer(name, steps.start())]):
                base = self._base(name[: step.start()])
                if base is not None:
                    return self._walk(base, name[step.start() :], name)
        raise CommitNotFound(
            f"revision '{name}' names no commit",
            hint="a commit id, the name of a version or checkpoint, HEAD, HEAD~2 or "
            "@2026-01-31T12:00",
            details={"revision": name},
        )

    def by_id(self, id: str) -> Revision | None:
        """Return the commit or working commit with exactly this id."""
        return self._commit(id) or self._working(id)

    # -- single names, most exact first

    def _base(self, name: str) -> Revision | None:
        if name in _HEADS:
            return self.head()
        return (
            self._commit(name)
            or self._working(name)
            or self._version(name)
            or self._checkpoint(name)
            or self._at_moment(name)
            or self._labelled(name)
            or self._abbreviated(name)
        )

    def _commit(self, name: str) -> Revision | None:
        commit = self._store.commits.by_id(name)
        return None if commit is None else Revision(commit.id, commit)

    def _working(self, name: str) -> Revision | None:
        row = self._one("SELECT id FROM lix_internal_version WHERE working_commit_id = ?", name)
        if row is None:
            return None
        pointer = self._store.versions.pointer(str(row))
        assert pointer is not None
        return Revision(name, self._tip(pointer.id, name).commit, pointer)

    def _version(self, name: str) -> Revision | None:
        if self._store.versions.place(name) is not None:
            return self._tip(name, name)
        named = self._visible(DESCRIPTOR, _NAMED, name, GLOBAL)
        if len(named) > 1:
            raise VersionError(
                f"{len(named)} versions are named '{name}'",
                hint="use the id of one",
                details={"name": name, "ids": named},
            )
        return self._tip(named[0], name) if named else None

    def _tip(self, version_id: str, name: str) -> Revision:
        found = self.tip(version_id)
        if found is None:
            raise CommitNotFound(
                f"revision '{name}' names no commit: version '{version_id}' has none yet",
                hint="write something to it first",
                details={"revision": name, "version_id": version_id},
            )
        return found

    def _checkpoint(self, name: str) -> Revision | None:
        seq = self._one("SELECT max(seq) FROM lix_internal_checkpoint WHERE name = ?", name)
        return self._by_seq(seq)

    def _at_moment(self, name: str) -> Revision | None:
        base, mark, moment = name.rpartition("@")
        text = _moment(moment) if mark else None
        start = None if text is None else self._base(base)
        if start is None:
            return None
        for segment_id, upto in self._graph.line(start.commit):
            seq = self._one(
                "SELECT seq FROM lix_internal_commit WHERE segment_id = ? AND seq <= ? "
                "AND created_at <= ? ORDER BY seq DESC LIMIT 1",
                segment_id,
                upto,
                text,
            )
            if seq is not None:
                return self._by_seq(seq)
        raise CommitNotFound(
            f"revision '{name}' names no commit: the line begins after {text}",
            hint="SELECT commit_id, created_at FROM lix_log() lists the line, newest first",
            details={"revision": name},
        )

    def _labelled(self, name: str) -> Revision | None:
        labels = self._visible("lix_label", _NAMED, name)
        if not labels:
            return None
        listed = canonical_json(labels)
        commits = [self._commit(id) for id in self._visible("lix_entity_label", _LABELS, listed)]
        found = [revision for revision in commits if revision is not None]
        return max(found, key=lambda revision: revision.commit.seq, default=None)

    def _abbreviated(self, name: str) -> Revision | None:
        if len(name) < SHORTEST_PREFIX:
            return None
        rows = self._store.connection.execute(
            qualify(
                "SELECT seq FROM lix_internal_commit WHERE id >= ?1 AND id < ?1 || char(1114111) "
                "LIMIT 2",
                self._store.db,
            ),
            (name,),
        ).fetchall()
        if len(rows) > 1:
            raise CommitNotFound(
                f"revision '{name}' is ambiguous: several commit ids begin with it",
                hint="use more of the id",
                details={"revision": name},
            )
        return self._by_seq(rows[0][0]) if rows else None

    # -- steps

    def _walk(self, base: Revision, steps: str, name: str) -> Revision:
        commit: Commit | None = base.commit
        for kind, digits in _STEP.findall(steps):
            # no history is longer than a number SQLite can hold
            count = min(int(digits.lstrip("0")[:12] or 0), 2**31) if digits else 1
            if commit is None:
                break
            if kind == "~":
                commit = self._graph.ancestor(commit, count)
            elif count:
                commit = dict(enumerate(self._graph.parents(commit), 1)).get(count)
        if commit is None:
            raise CommitNotFound(
                f"revision '{name}' names no commit: history does not go back that far",
                hint="SELECT commit_id FROM lix_log() lists the line, newest first",
                details={"revision": name},
            )
        return Revision(commit.id, commit)

    # -- looking things up

    def _by_seq(self, seq: object) -> Revision | None:
        commit = self._store.commits.by_seq(seq) if isinstance(seq, int) else None
        return None if commit is None else Revision(commit.id, commit)

    def _one(self, sql: str, *params: object) -> object:
        row = self._store.connection.execute(qualify(sql, self._store.db), params).fetchone()
        return None if row is None else row[0]

    def _visible(
        self, schema_key: str, query: Query, value: str, version_id: str | None = None
    ) -> list[str]:
        """Return the first column of rows visible in a version, the active one by default."""
        store = self._store
        scope = self._scopes.of(version_id or self._versions.active_id())
        schema_id = store.names.find(schema_key)
        if scope is None or schema_id == -1:
            return []
        view = scope.view(schema_id, store.overlay.occupied())
        sql = query.sql(store.db, view.shape, len(scope.chain))
        found = store.connection.execute(sql, (schema_id, value, *view.params))
        return [row[0] for row in found]


def _moment(text: str) -> str | None:
    """Return a moment as commits write theirs, None when the text is not one.

    >>> _moment("2026-01-31T12:00+01:00")
    '2026-01-31T11:00:00.000Z'
    """
    try:
        parsed = datetime.fromisoformat(text)
        moment = parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
