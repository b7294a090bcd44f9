"""`lix_log(revision, path)`: the commits that led to a revision, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from typing import Any

import orjson

from lix_vtab.errors import FileNotFound, InvalidValueError
from lix_vtab.history.content import CHANGE_COUNT, PARENTS
from lix_vtab.history.graph import Reach
from lix_vtab.history.revision import Revision
from lix_vtab.history.touching import Touching
from lix_vtab.model.json import canonical_json
from lix_vtab.session import Session
from lix_vtab.storage.ddl import qualify
from lix_vtab.surfaces.base import ReadOnlySurface
from lix_vtab.surfaces.planner import Column, Plan

__all__ = ["Log"]

_CHECKPOINT = "(SELECT k.name FROM lix_internal_checkpoint k WHERE k.seq = c.seq)"
_TEXTS = {
    "commit_id": "c.id",
    "created_at": "c.created_at",
    "author_account_ids": "coalesce(c.authors, '[]')",
    "message": "c.message",
    "change_count": CHANGE_COUNT,
    "parent_commit_ids": "(SELECT json_group_array(id) "
    f"FROM (SELECT id FROM ({PARENTS}) ORDER BY position))",
    "version_id": "(SELECT v.id FROM lix_internal_version v WHERE v.no = c.version_no)",
    "is_checkpoint": "EXISTS (SELECT 1 FROM lix_internal_checkpoint k WHERE k.seq = c.seq)",
    "checkpoint_name": _CHECKPOINT,
    "depth": "c.generation",
}
_NUMBERS = ("change_count", "is_checkpoint", "depth")
_ARGUMENTS = ("revision", "path", "entity_id", "schema_key", "file_id")


class Log(ReadOnlySurface):
    """Commits with what a log shows of them, without any order asked for the newest first.

    `revision` is HEAD when left out. `path` or `file_id` follow one file whatever it was called,
    `entity_id` (with `schema_key` and `file_id`) one entity: only commits that changed it are
    listed.
    """

    name = "lix_log"
    columns: Sequence[Column] = (
        *(Column(name, "INTEGER" if name in _NUMBERS else "TEXT") for name in _TEXTS),
        *(Column(name, "TEXT", "", "argument", hidden=True) for name in _ARGUMENTS),
    )

    def __init__(self, session: Session) -> None:
        self._session = session

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find commits."""
        session = self._session
        session.store.refresh()
        given: dict[str, str] = {}
        for n, name in enumerate(_ARGUMENTS, len(_TEXTS)):
            term = plan.find(n, "=", "IS")
            if term is not None:
                value = args[term.argument]
                if value is None:
                    return ()
                given[name] = _text(name, value)
        root = session.history.resolve(given.get("revision"))
        reach = session.history.graph.reach(root.commit)
        wanted = self._wanted(given, root, reach)
        return self._listed(plan, reach, wanted)

    def _wanted(self, given: dict[str, str], root: Revision, reach: Reach) -> set[int] | None:
        """Return the commits to list when the log follows something."""
        session = self._session
        touching = Touching(session.store, session.files, reach)
        file_id = given.get("file_id")
        if "path" in given:
            found = session.files.find(session.history.scope(root), given["path"])
            if not found:
                raise FileNotFound(
                    f"no file has the path '{given['path']}' at this revision",
                    hint="give the file_id of a deleted file",
                    details={"path": given["path"]},
                )
            file_id = found[0]
        if "entity_id" in given:
            schema_ids = session.catalogue.schema_ids()
            if "schema_key" in given:
                schema_ids = canonical_json([session.store.names.find(given["schema_key"])])
            return set(touching.of_entity(given["entity_id"], schema_ids, file_id))
        if "schema_key" in given:
            raise InvalidValueError(
                "lix_log: schema_key needs entity_id", hint="lix_state_history lists a whole schema"
            )
        if file_id is not None:
            return set(touching.of_file(file_id))
        return None

    def _listed(self, plan: Plan, reach: Reach, wanted: set[int] | None) -> Iterator[Sequence[Any]]:
        execute = self._session.store.connection.execute
        last = max(plan.columns, default=-1)
        texts = list(_TEXTS.values())
        listed = [
            texts[n] if n in plan.columns and n < len(texts) else "NULL" for n in range(last + 1)
        ]
        outputs = ", ".join((*listed, "c.segment_id", "c.generation", "c.seq"))
        text = f"SELECT {outputs} FROM lix_internal_commit c WHERE {{0}} ORDER BY c.seq DESC"
        found: Iterable[tuple[Any, ...]]
        if wanted is not None:
            sql = text.format("c.seq IN (SELECT value FROM json_each(?))")
            found = execute(
                qualify(sql, self._session.db), (orjson.dumps(sorted(wanted)).decode(),)
            )
        else:
            sql = qualify(text.format("c.segment_id = ? AND c.seq <= ?"), self._session.db)
            lines = [execute(sql, (s.segment_id, s.upto)) for s in reach.stretches()]
            found = lines[0] if len(lines) == 1 else merge(*lines, key=_seq, reverse=True)
        depth = list(_TEXTS).index("depth")
        for row in found:
            segment_id, generation, seq = row[-3:]
            values = [*row]
            if depth <= last:
                values[depth] = reach.depth(segment_id, seq, generation)
            yield values


def _seq(row: tuple[Any, ...]) -> int:
    return int(row[-1])


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidValueError(
            f"lix_log: {name} must be a text, got {value!r}",
            hint="a revision such as 'HEAD', and a path such as '/docs/a.md'",
        )
    return value
