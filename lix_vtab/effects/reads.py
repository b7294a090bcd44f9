"""What the result of a query depends on: exactly the look-ups it made.

While a query runs, every look-up in one of our tables is noted with the values it was made for,
those of sub-queries and inner loops included. As long as no row changes that one of them could
find, the query would take the same way again and return the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from lix_vtab.effects.changes import Touch
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.mutation.writer import DERIVED
from lix_vtab.session import Session
from lix_vtab.storage.versions import DESCRIPTOR, GLOBAL
from lix_vtab.surfaces.active import ActiveAccount, ActiveVersion
from lix_vtab.surfaces.affinity import affine
from lix_vtab.surfaces.directory import DirectoryTable
from lix_vtab.surfaces.entity import Entity
from lix_vtab.surfaces.entity_label import EntityLabel
from lix_vtab.surfaces.file import FileTable
from lix_vtab.surfaces.internal_state import InternalState
from lix_vtab.surfaces.planner import Plan
from lix_vtab.surfaces.state import State
from lix_vtab.surfaces.version import VersionSurface

__all__ = ["ACTIVE", "ALL", "Dependency", "ReadSet", "Recorder", "Scope"]

Names: TypeAlias = frozenset[str] | None
"""Texts, or None for any."""

Scope: TypeAlias = str | None
"""The version a look-up was made in: its id, or one of the two below."""

ACTIVE = ""
ALL = None

_MOST = 512
"""Keys of one kind beyond which a dependency stands for all of them."""

_TREE = frozenset(["lix_file_descriptor", "lix_directory_descriptor"])
_POINTERS = frozenset(["commit_id", "working_commit_id", "updated_at", "lixcol_commit_id"])


class _Look(NamedTuple):
    """One look-up; `rows` are the keys it could find."""

    scope: Scope
    schemas: Names = None
    files: Names = None
    entities: Names = None


@dataclass(frozen=True, slots=True)
class Dependency:
    """Keys whose change may change a result; None stands for any."""

    versions: Names
    schemas: Names
    files: Names
    entities: Names

    def matches(self, touch: Touch) -> bool:
        """Tell whether a change matters."""
        version_id, schema_key, file_id, entity_id = touch
        return (
            (self.entities is None or entity_id in self.entities)
            and (self.schemas is None or schema_key in self.schemas)
            and (self.files is None or file_id in self.files)
            and (self.versions is None or version_id in self.versions)
        )


@dataclass(frozen=True, slots=True)
class ReadSet:
    """Everything one run depended on. `anything` says that any commit may matter."""

    dependencies: tuple[Dependency, ...] = ()
    scopes: frozenset[Scope] = frozenset()
    anything: bool = False


class Recorder:
    """Collects the look-ups of one run of a query."""

    __slots__ = ("_anything", "_looks")

    def __init__(self) -> None:
        self._looks: set[_Look] = set()
        self._anything = False

    def rows(self, surface: Any, plan: Plan, args: Sequence[Any]) -> None:
        """Note a look-up for rows."""
        look = _look(surface, plan, args)
        if look is None:
            self._anything = True
        else:
            self._looks.add(look)
            if isinstance(surface, FileTable | DirectoryTable):
                # a path has the names of directories in it
                self._looks.add(_Look(look.scope, _TREE - look.schemas if look.schemas else _TREE))
            elif isinstance(surface, ActiveVersion):
                # a session that pins another version shows it without a change of any row
                self._looks.add(_Look(ACTIVE, frozenset()))

    def content(self, version_id: str, file_id: str) -> None:
        """Note that the content of a file was looked at."""
        self._looks.add(_Look(version_id, files=frozenset([file_id])))

    def result(self, session: Session) -> ReadSet:
        """Return the dependencies, as versions stand now."""
        if self._anything:
            return ReadSet(anything=True)
        dependencies = tuple(
            Dependency(reach(session, scope), schemas, files, entities)
            for scope, schemas, files, entities in _merged(self._looks)
        )
        return ReadSet(dependencies, frozenset(look.scope for look in self._looks))


def reach(session: Session, scope: Scope) -> Names:
    """Return the versions whose rows can show in a scope."""
    if scope is None:
        return None
    version_id = scope or session.versions.chosen_id()
    return frozenset(session.store.versions.chain(version_id))


def _look(surface: Any, plan: Plan, args: Sequence[Any]) -> _Look | None:
    """Say which keys a plan can find; None when it shows more than rows of keys."""
    if isinstance(surface, VersionSurface) and _uses(surface, plan, _POINTERS):
        return None
    if isinstance(surface, FileTable | DirectoryTable) and _uses(surface, plan, _POINTERS):
        return None
    if isinstance(surface, EntityLabel):
        # the labels of checkpoints follow from commits
        return None
    schemas = _values(surface, plan, args, "schema")
    if isinstance(surface, State):
        if isinstance(surface, InternalState) and (schemas is None or schemas & DERIVED):
            return None
        scope = _scope(surface, plan, args)
    elif isinstance(surface, Entity):
        schemas = frozenset([surface.schema.key])
        scope = surface.schema.home or _scope(surface, plan, args)
    elif isinstance(surface, FileTable | DirectoryTable):
        schemas = frozenset([surface.schema_key])
        scope = _scope(surface, plan, args)
    elif isinstance(surface, VersionSurface):
        schemas, scope = frozenset([DESCRIPTOR]), GLOBAL
    elif isinstance(surface, ActiveVersion | ActiveAccount):
        schemas, scope = frozenset([surface.name]), GLOBAL
    else:
        return None
    files = _values(surface, plan, args, "file")
    entities = _values(surface, plan, args, "entity")
    if entities is None and isinstance(surface, Entity):
        entity_id = surface.entity_id(plan, args)
        entities = None if entity_id is None else frozenset([entity_id])
    return _Look(scope, schemas, files, entities)


def _uses(surface: Any, plan: Plan, names: frozenset[str]) -> bool:
    used = {*plan.columns, *(term.column for term in plan.terms)}
    return any(surface.columns[column].name in names for column in used)


def _scope(surface: Any, plan: Plan, args: Sequence[Any]) -> Scope:
    """Return the version a look-up is made in, ALL for several."""
    if not surface.multi:
        return ACTIVE
    versions = _values(surface, plan, args, "version")
    return next(iter(versions)) if versions is not None and len(versions) == 1 else ALL


def _values(surface: Any, plan: Plan, args: Sequence[Any], role: str) -> Names:
    """Return the values a plan asks of the columns of a role, None for any."""
    found: Names = None
    for term in plan.terms:
        column = surface.columns[term.column]
        if column.role != role or not term.exact or term.operator not in ("=", "IS", "IN"):
            continue
        given = args[term.argument] if term.operator == "IN" else [args[term.argument]]
        values = frozenset(_texts(given))
        found = values if found is None else found & values
    return found


def _texts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        text = affine(value, "TEXT")
        if isinstance(text, str):
            yield text


def _merged(looks: Iterable[_Look]) -> Iterator[_Look]:
    """Put together what differs in its entities only, and give up on very many of them."""
    groups: dict[_Look, set[str] | None] = {}
    for look in looks:
        group = look._replace(entities=None)
        known = groups.setdefault(group, set())
        if look.entities is None or known is None:
            groups[group] = None
        else:
            known |= look.entities
            if len(known) > _MOST:
                groups[group] = None
    for group, entities in groups.items():
        yield group._replace(entities=None if entities is None else frozenset(entities))
