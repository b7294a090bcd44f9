"""What the stored schemas demand of rows beyond their own content."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from functools import lru_cache

from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.json import Json, canonical_json
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.mutation.writer import DERIVED
from lix_vtab.schema import CompiledSchema, Pointer, parse_pointer
from lix_vtab.schema.coerce import SqlValue
from lix_vtab.schema.groups import group_value, member_values
from lix_vtab.storage.names import Names

__all__ = ["STATE", "WORDS", "Group", "Reference", "Rules", "collect_rules", "group_name"]

STATE = "lix_state"
"""Target of foreign keys that may point at any row."""

WORDS = ('"x-lix-unique"', '"x-lix-foreign-keys"', '"x-lix-index"')
"""What a definition mentions when rules follow from it."""

Definition = dict[str, Json]

_WIDE = 1 << 63
"""What no whole number of SQL reaches."""

_EXEMPT = frozenset([*DERIVED, "lix_active_account", "lix_active_version"])
"""Schemas whose foreign keys are not enforced: derived rows, and sessions' own choices."""

_ELSEWHERE = frozenset(["lix_file_descriptor", "lix_directory_descriptor"])
"""Schemas whose unique rules are those of paths, which the file system knows better."""


class Group(NamedTuple):
    """A group of properties of one schema. `id` is -1 until a row can have a value in it."""

    id: int
    schema_key: str
    pointers: tuple[Pointer, ...]

    @property
    def text(self) -> str:
        """Return the pointers for messages."""
        return ", ".join(pointer.text for pointer in self.pointers)

    def value(self, content: Json) -> SqlValue:
        """Return what the index holds for a row, None when a member is null or absent."""
        name = self.pointers[0].name
        if name is not None and len(self.pointers) == 1 and type(content) is dict:
            value = content.get(name)
            kind = type(value)
            # most values need no further thought
            if (
                value is None
                or (kind is str and len(value) < 200)
                or (kind is int and -_WIDE < value < _WIDE)
            ):
                return value
        values = member_values(self.pointers, content)
        return None if values is None else group_value(values)


class Reference(NamedTuple):
    """A foreign key at work: who refers, with which properties, to what.

    `target` is the group referred to, None for the primary key (and for `lix_state`).
    """

    schema_version: str
    local: Group
    target_key: str
    target_properties: tuple[Pointer, ...]
    target: Group | None
    materialized: bool
    same_file: bool
    textual: bool
    """Whether the target's key consists of texts only, so that its entity id tells it all."""

    @property
    def to_state(self) -> bool:
        """Tell whether any row can be the target."""
        return self.target_key == STATE


@dataclass(slots=True)
class Rules:
    """The rules of one set of stored schemas.

    `groups` is by interned schema key and lists what is indexed; the others are by schema key.
    """

    groups: dict[int, tuple[Group, ...]] = field(default_factory=dict)
    unique: dict[str, tuple[Group, ...]] = field(default_factory=dict)
    references: dict[str, tuple[Reference, ...]] = field(default_factory=dict)
    referrers: dict[str, tuple[Reference, ...]] = field(default_factory=dict)

    def concern(self, schema_key: str, *, removal: bool) -> bool:
        """Tell whether rows of a schema are under any rule."""
        if schema_key in self.referrers:
            return True
        if removal:
            return STATE in self.referrers
        return schema_key in self.unique or schema_key in self.references

    def indexed(self, schema_id: int) -> frozenset[Group]:
        """Return the groups rows of a schema are indexed by."""
        return frozenset(self.groups.get(schema_id, ()))

    def referring_to(self, schema_key: str) -> tuple[Reference, ...]:
        """Return the references rows of a schema may be the target of."""
        return (*self.referrers.get(schema_key, ()), *self.referrers.get(STATE, ()))


def group_name(schema_key: str, pointers: Iterable[Pointer]) -> str:
    """Return the text that is interned for a group.

    >>> from lix_vtab.schema import parse_pointer
    >>> group_name("task", [parse_pointer("/rank")])
    'task["/rank"]'
    """
    return schema_key + canonical_json([pointer.text for pointer in pointers])


def indexed_groups(schema: CompiledSchema) -> Iterator[tuple[Pointer, ...]]:
    """Yield the groups whose values are indexed for rows of a schema."""
    if schema.key not in _EXEMPT | _ELSEWHERE:
        yield from schema.unique
    if schema.key not in _EXEMPT:
        yield from (key.properties for key in schema.foreign_keys)
    yield from schema.indexes


def collect_rules(
    definitions: Iterable[Definition],
    newest: Callable[[str], Definition | None],
    names: Names,
) -> Rules:
    """Collect the rules of the newest definition of each key.

    Newer versions never add rules to older ones, so they are right for rows of any version.
    `newest` finds the definition of a key that a foreign key refers to.
    """
    rules = Rules()
    for definition in definitions:
        _Collector(rules, names, newest).collect(definition)
    return rules


class _Collector(NamedTuple):
    """Adds the rules of one definition at a time."""

    rules: Rules
    names: Names
    newest: Callable[[str], Definition | None]

    def collect(self, definition: Definition) -> None:
        rules, key = self.rules, definition["x-lix-key"]
        unique = definition.get("x-lix-unique")
        if unique and key not in _EXEMPT | _ELSEWHERE:
            rules.unique[key] = tuple(self._group(key, texts) for texts in unique)
        for foreign in () if key in _EXEMPT else definition.get("x-lix-foreign-keys", ()):
            self._add_reference(self._reference(definition, foreign))
        indexes = (self._group(key, texts) for texts in definition.get("x-lix-index", ()))
        for group in (*rules.unique.get(key, ()), *indexes):
            self._index(group)

    def _add_reference(self, reference: Reference) -> None:
        rules, key, target = self.rules, reference.local.schema_key, reference.target_key
        rules.references[key] = (*rules.references.get(key, ()), reference)
        rules.referrers[target] = (*rules.referrers.get(target, ()), reference)
        self._index(reference.local)
        if reference.target is not None and target not in DERIVED:
            self._index(reference.target)

    def _reference(self, definition: Definition, foreign: Definition) -> Reference:
        references = foreign["references"]
        target_key, remote = references["schemaKey"], references["properties"]
        target = None if target_key == STATE else self.newest(target_key)
        by_key = target is None or remote == target.get("x-lix-primary-key")
        return Reference(
            definition["x-lix-version"],
            self._group(definition["x-lix-key"], foreign["properties"]),
            target_key,
            tuple(map(parse_pointer, remote)),
            None if by_key else self._group(target_key, remote),
            foreign.get("mode") == "materialized",
            "file_id" in foreign.get("scope", ()),
            target is not None and by_key and all(_is_text(target, name) for name in remote),
        )

    def _group(self, schema_key: str, texts: Iterable[str]) -> Group:
        name, pointers = _read_group(schema_key, tuple(texts))
        return Group(self.names.find(name), schema_key, pointers)

    def _index(self, group: Group) -> None:
        schema_id = self.names.find(group.schema_key)
        known = self.rules.groups.get(schema_id, ())
        if group not in known:
            self.rules.groups[schema_id] = (*known, group)


@lru_cache(maxsize=2048)
def _read_group(schema_key: str, texts: tuple[str, ...]) -> tuple[str, tuple[Pointer, ...]]:
    """Return the name and the pointers of a group, which are needed whenever a schema changes."""
    pointers = tuple(map(parse_pointer, texts))
    return group_name(schema_key, pointers), pointers


def _is_text(definition: Definition, pointer: str) -> bool:
    name = parse_pointer(pointer).name
    property = definition.get("properties", {}).get(name)
    return isinstance(property, dict) and property.get("type") == "string"
