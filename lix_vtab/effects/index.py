"""Which queries a change concerns, found without asking each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from lix_vtab.effects.changes import Touch
from lix_vtab.effects.reads import Dependency, ReadSet, Scope

__all__ = ["Index"]

T = TypeVar("T")
N = TypeVar("N")


class Index(Generic[T]):
    """Maps changes to whoever depends on them.

    Each dependency is filed under what narrows it most, so a change costs a few look-ups and the
    dependencies that share a value with it, however many there are.
    """

    __slots__ = ("_by_entity", "_by_file", "_by_schema", "_others", "_sets", "anything", "scopes")

    def __init__(self) -> None:
        self._sets: dict[T, ReadSet] = {}
        self._by_entity: dict[str, dict[T, None]] = {}
        self._by_file: dict[str, dict[T, None]] = {}
        self._by_schema: dict[str, dict[T, None]] = {}
        self._others: dict[T, None] = {}
        self.anything: dict[T, None] = {}
        self.scopes: dict[Scope, dict[T, None]] = {}

    def __len__(self) -> int:
        return len(self._sets)

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._sets))

    def put(self, owner: T, reads: ReadSet) -> None:
        """File what `owner` depends on, in place of what it did before."""
        known = self._sets.get(owner)
        if known == reads:
            return
        self.remove(owner)
        self._sets[owner] = reads
        for place, name in self._places(reads):
            place.setdefault(name, {})[owner] = None
        for scope in reads.scopes:
            self.scopes.setdefault(scope, {})[owner] = None
        if reads.anything:
            self.anything[owner] = None
        if any(_is_open(dependency) for dependency in reads.dependencies):
            self._others[owner] = None

    def remove(self, owner: T) -> None:
        """Forget `owner`."""
        reads = self._sets.pop(owner, None)
        if reads is None:
            return
        for place, name in self._places(reads):
            _drop(place, name, owner)
        for scope in reads.scopes:
            _drop(self.scopes, scope, owner)
        self.anything.pop(owner, None)
        self._others.pop(owner, None)

    def concerned(self, touches: Iterable[Touch]) -> Iterator[T]:
        """Yield everybody a change may matter to, each once."""
        told: set[T] = set(self.anything)
        yield from self.anything
        for touch in dict.fromkeys(touches):
            _, schema_key, file_id, entity_id = touch
            for owners in (
                self._by_entity.get(entity_id),
                self._by_file.get(file_id),
                self._by_schema.get(schema_key),
                self._others,
            ):
                for owner in owners or ():
                    if owner not in told and self._matches(owner, touch):
                        told.add(owner)
                        yield owner

    def _matches(self, owner: T, touch: Touch) -> bool:
        return any(dependency.matches(touch) for dependency in self._sets[owner].dependencies)

    def _places(self, reads: ReadSet) -> Iterator[tuple[dict[str, dict[T, None]], str]]:
        for dependency in reads.dependencies:
            if dependency.entities is not None:
                place, names = self._by_entity, dependency.entities
            elif dependency.files is not None:
                place, names = self._by_file, dependency.files
            elif dependency.schemas is not None:
                place, names = self._by_schema, dependency.schemas
            else:
                continue
            for name in names:
                yield place, name


def _is_open(dependency: Dependency) -> bool:
    return dependency.entities is None and dependency.files is None and dependency.schemas is None


def _drop(place: dict[N, dict[T, None]], name: N, owner: T) -> None:
    owners = place.get(name)
    if owners is not None:
        owners.pop(owner, None)
        if not owners:
            del place[name]
