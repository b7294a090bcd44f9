"""`lix_stored_schema` rows: filling them in, judging them, and what storing one sets off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from lix_vtab.errors import (
    ConstraintViolation,
    ForeignKeyError,
    LixError,
    SchemaDefinitionError,
    SchemaNotFound,
    UniqueError,
)
from lix_vtab.model.json import Json, canonical_json, parse_json
from lix_vtab.mutation.catalogue import STORED_SCHEMA, Catalogue
from lix_vtab.mutation.writer import RowWrite, Watcher, Write, Writer
from lix_vtab.schema import (
    BUILTIN_KEYS,
    CompiledSchema,
    SchemaKey,
    breaking_changes,
    builtin_schemas,
    check_foreign_key_targets,
    refuse_reserved_key,
    schema_of_snapshot,
    snapshot_of_schema,
    validate_schema,
)
from lix_vtab.storage.versions import GLOBAL

__all__ = ["StoredSchemas"]

_OWN_VERSION = "1"
"""The version of the schema of schemas."""

Occupied = Callable[[str, str | None], str | None]
"""Finds a version that shows rows of a schema key (of one schema version only when given)."""


class StoredSchemas:
    """Rules of the schema of schemas.

    `allow_reserved` says whether keys that belong to lix may be stored; `occupied` finds versions
    that still show rows of a schema. Hooks are told before and after each change. `wait` puts a
    check off to the end of the statement and tells whether that is possible.
    """

    __slots__ = (
        "_allow_reserved",
        "_catalogue",
        "_occupied",
        "_on_change",
        "_on_check",
        "_writer",
        "wait",
    )

    def __init__(
        self,
        writer: Writer,
        catalogue: Catalogue,
        occupied: Occupied,
        *,
        allow_reserved: Callable[[], bool] = lambda: False,
    ) -> None:
        self._catalogue = catalogue
        self._writer = writer
        self._occupied = occupied
        self._allow_reserved = allow_reserved
        self.wait: Callable[[Callable[[], None]], bool] = lambda check: False
        self._on_check: list[Callable[[CompiledSchema], None]] = []
        self._on_change: list[Callable[[Write], None]] = []
        writer.watch(STORED_SCHEMA, Watcher(self._check, self._then, self._prepare))

    def on_check(self, hook: Callable[[CompiledSchema], None]) -> None:
        """Let `hook` refuse a schema that is about to be stored."""
        self._on_check.append(hook)

    def on_change(self, hook: Callable[[Write], None]) -> None:
        """Call `hook` after a schema was stored or removed."""
        self._on_change.append(hook)

    def register(self, definition: str, writer_key: str | None = None) -> str:
        """Store a schema given as JSON text; return the entity id of its row."""
        try:
            value = parse_json(definition)
        except (ValueError, RecursionError) as error:
            raise SchemaDefinitionError(
                f"Invalid Lix schema definition: not JSON: {error}"
            ) from error
        if not isinstance(value, dict) or not self._catalogue.holds(value):
            validate_schema(value)
        content = snapshot_of_schema(value)
        id = schema_of_snapshot(content)[0].entity_id
        row = RowWrite(
            id, STORED_SCHEMA, "lix", "lix", _OWN_VERSION, content, writer_key=writer_key
        )
        self._writer.put(GLOBAL, row)
        return id

    def reasons(self, definitions: Iterable[Mapping[str, Json]]) -> list[str]:
        """Say why definitions cannot be stored together; those stored already may be changed."""
        together: dict[str, CompiledSchema] = {}
        found = []
        for definition in definitions:
            try:
                schema = self._judged(dict(definition))
                together[schema.key] = schema
            except LixError as error:
                found.append(error.message)
        for schema in together.values():
            try:
                check_foreign_key_targets(
                    schema, lambda key: together.get(key) or self._catalogue.latest(key)
                )
            except LixError as error:
                found.append(error.message)
        return found

    def _judged(self, definition: dict[str, Json]) -> CompiledSchema:
        """Return a schema that could be stored, if what it references were."""
        if not self._catalogue.holds(definition):
            validate_schema(definition)
        schema = self._catalogue.compile(definition)
        before = self._catalogue.definition(schema.key, schema.version)
        if before is not None:
            _refuse_breaks(before, definition)
        self._check_new(schema)
        return schema

    def complete(self, given: dict[str, Any]) -> dict[str, Any]:
        """Fill in what a stored schema's row must say; refuse anything else."""
        identity = self._identity(given.get("snapshot_content"))
        fixed = {**_fixed(identity), "version_id": GLOBAL}
        for column, value in fixed.items():
            if given.get(column) not in (None, value):
                raise _must_say(column, value, given[column])
        return {**given, **fixed}

    def _identity(self, content: Any) -> SchemaKey:
        if not isinstance(content, str):
            raise SchemaDefinitionError("stored schema insert requires snapshot_content")
        return schema_of_snapshot(content)[0]

    # -- rules

    def _prepare(self, row: RowWrite) -> RowWrite:
        """Judge a definition by the rules of definitions, before it is one more JSON value."""
        content = row.content
        definition = content.get("value") if isinstance(content, dict) else None
        if isinstance(definition, dict) and not self._catalogue.holds(definition):
            validate_schema(definition)
        identity, _ = schema_of_snapshot(content or {})
        if identity.entity_id != row.entity_id:
            raise ConstraintViolation(
                "stored schema insert entity_id must match schema key + version: "
                f"'{row.entity_id}' cannot become '{identity.entity_id}'",
                hint="store the new definition with INSERT",
                details={"entity_id": row.entity_id, "expected": identity.entity_id},
            )
        fixed = _fixed(identity)
        for column, value in fixed.items():
            said = getattr(row, column)
            # a table of a schema speaks of its own version where nobody did
            if said != value and (column, said) != ("schema_version", _OWN_VERSION):
                raise _must_say(column, value, said)
        return row._replace(**fixed)

    def _check(self, write: Write) -> None:
        if write.version_id != GLOBAL:
            raise _must_say("version_id", GLOBAL, write.version_id)
        if write.row.untracked:
            raise ConstraintViolation("stored schema insert requires untracked = 0")
        before = None if write.before is None else write.before.values.snapshot
        if write.after is None:
            if before is not None:
                self._check_removal(parse_json(before)["value"])
            return
        definition = write.after["value"]
        if _is_builtin(definition):
            return
        schema = self._catalogue.compile(definition)
        self._check_targets(schema, may_wait=not write.updates)
        if before is not None:
            self._check_replacement(parse_json(before)["value"], definition, write)
        self._check_new(schema)

    def _check_new(self, schema: CompiledSchema) -> None:
        refuse_reserved_key(schema.key, allow_reserved=self._allow_reserved())
        self._check_compatible(schema)
        self._check_referrers(schema)
        for hook in self._on_check:
            hook(schema)

    def _check_targets(self, schema: CompiledSchema, *, may_wait: bool) -> None:
        try:
            check_foreign_key_targets(schema, self._catalogue.latest)
        except SchemaNotFound as error:
            if not may_wait:
                raise
            self._put_off(error, partial(self._look_at_targets, schema))

    def _put_off(self, error: LixError, check: Callable[[], None]) -> None:
        """Look again when the statement ends, as a later row of it may mend what is wrong."""
        if not self.wait(check):
            error.early = True
            raise error

    def _look_at_targets(self, schema: CompiledSchema) -> None:
        self._catalogue.forget()
        if any(known.version == schema.version for known in self._catalogue.versions(schema.key)):
            check_foreign_key_targets(schema, self._catalogue.latest)

    def _look_at_referrers(self, key: str) -> None:
        self._catalogue.forget()
        if not any(True for _ in self._catalogue.versions(key)):
            self._check_unreferenced(key)

    def _check_replacement(
        self, before: dict[str, Json], after: dict[str, Json], write: Write
    ) -> None:
        """Refuse to replace a definition, except by an UPDATE that keeps its rows valid."""
        if before == after and canonical_json(before) == canonical_json(after):
            return
        id = write.key.entity_id
        key, _, version = id.rpartition("~")
        if not write.updates or _is_builtin(before):
            raise UniqueError(
                f"schema '{key}' ({version}) is already stored with another definition",
                hint=f"store the new one as version {int(version) + 1}",
                details={"schema_key": key, "schema_version": version},
            )
        _refuse_breaks(before, after)

    def _check_compatible(self, schema: CompiledSchema) -> None:
        """Compare with the next older and the next newer stored version."""
        number = int(schema.version)
        others = {int(s.version): s for s in self._catalogue.versions(schema.key)}
        older = max((n for n in others if n < number), default=None)
        newer = min((n for n in others if n > number), default=None)
        new = dict(schema.definition)
        if older is not None:
            breaks = breaking_changes(dict(others[older].definition), new)
            if breaks:
                raise _incompatible(schema.key, str(older), schema.version, breaks)
        if newer is not None:
            breaks = breaking_changes(new, dict(others[newer].definition))
            if breaks:
                raise _incompatible(schema.key, schema.version, str(newer), breaks)

    def _check_referrers(self, schema: CompiledSchema) -> None:
        """Refuse a newest version that takes away a key others refer to."""
        newest = self._catalogue.latest(schema.key)
        if newest is None or int(newest.version) > int(schema.version):
            return

        def latest(key: str) -> CompiledSchema | None:
            return schema if key == schema.key else self._catalogue.latest(key)

        for key, version in self._referring_to(schema.key):
            try:
                check_foreign_key_targets(self._catalogue.get(key, version), latest)
            except SchemaDefinitionError as error:
                raise SchemaDefinitionError(
                    f"schema '{schema.key}' ({schema.version}) cannot be stored: schema '{key}' "
                    f"({version}): {error.message}",
                    hint=f"keep the unique group, or store a version of '{key}' without the "
                    "reference first",
                    details={"schema_key": schema.key, "referenced_by": key},
                ) from error

    def _referring_to(self, key: str) -> list[tuple[str, str]]:
        """Return key and version of the other schemas that refer to one."""
        return [
            (definition["x-lix-key"], definition["x-lix-version"])
            for definition in self._catalogue.definitions('"x-lix-foreign-keys"')
            if definition["x-lix-key"] != key
            and any(
                foreign["references"]["schemaKey"] == key
                for foreign in definition.get("x-lix-foreign-keys", ())
            )
        ]

    def _check_removal(self, definition: dict[str, Json]) -> None:
        key, version = definition["x-lix-key"], definition["x-lix-version"]
        if key in BUILTIN_KEYS and _is_builtin(definition):
            raise ConstraintViolation(
                f"schema '{key}' ({version}) belongs to lix and cannot be deleted",
                details={"schema_key": key},
            )
        last = [s.version for s in self._catalogue.versions(key)] == [version]
        found = self._occupied(key, None if last else version)
        if found is not None:
            raise ConstraintViolation(
                f"schema '{key}' ({version}) cannot be deleted: version '{found}' still has rows "
                "of it",
                hint=f"delete the rows of '{key}' in every version first",
                details={"schema_key": key, "schema_version": version, "version_id": found},
            )
        if last:
            try:
                self._check_unreferenced(key)
            except ForeignKeyError as error:
                self._put_off(error, partial(self._look_at_referrers, key))

    def _check_unreferenced(self, key: str) -> None:
        for other, version in self._referring_to(key):
            raise ForeignKeyError(
                f"schema '{key}' cannot be deleted: schema '{other}' ({version}) references it",
                hint=f"delete '{other}' first, or in the same statement",
                details={"schema_key": key, "referenced_by": other},
            )

    def _then(self, write: Write) -> None:
        self._catalogue.changed()
        for hook in self._on_change:
            hook(write)


def _fixed(identity: SchemaKey) -> dict[str, Any]:
    """Return what the row of a schema says about itself."""
    return {
        "entity_id": identity.entity_id,
        "schema_key": STORED_SCHEMA,
        "schema_version": identity.version,
        "file_id": "lix",
        "plugin_key": "lix",
    }


def _must_say(column: str, value: str, said: Any) -> ConstraintViolation:
    return ConstraintViolation(
        f"stored schema insert entity_id must match schema key + version: '{value}', not '{said}'"
        if column == "entity_id"
        else f"stored schema insert requires {column} = '{value}', got '{said}'",
        hint="schemas are global: write to lix_stored_schema"
        if column == "version_id"
        else f"leave {column} out",
        details={"column": column, "value": said},
    )


def _is_builtin(definition: dict[str, Json]) -> bool:
    key = definition.get("x-lix-key")
    return any(known["x-lix-key"] == key and known == definition for known in builtin_schemas())


def _refuse_breaks(before: dict[str, Json], after: dict[str, Json]) -> None:
    """Refuse a change of a definition that would refuse rows it admitted."""
    breaks = breaking_changes(before, after)
    if breaks:
        key, version = str(before["x-lix-key"]), str(before["x-lix-version"])
        raise _incompatible(key, version, version, breaks)


def _incompatible(key: str, old: str, new: str, breaks: list[str]) -> SchemaDefinitionError:
    return SchemaDefinitionError(
        f"schema '{key}' ({new}) is not compatible with ({old}): {'; '.join(breaks)}",
        hint="a newer version may add optional properties and loosen constraints",
        details={"schema_key": key, "from": old, "to": new, "violations": breaks},
    )
