"""Schemas: what they may say, and what follows from them for rows. No database, no SQL."""

from __future__ import annotations

from lix_vtab.schema.builtin import BUILTIN_KEYS, builtin_schemas, compiled_builtins
from lix_vtab.schema.coerce import from_sql, to_sql
from lix_vtab.schema.compatibility import breaking_changes
from lix_vtab.schema.compiled import CompiledSchema, compile_schema
from lix_vtab.schema.data import validate_data
from lix_vtab.schema.definition import refuse_reserved_key, schema_definition, validate_schema
from lix_vtab.schema.keys import ForeignKey, SchemaKey
from lix_vtab.schema.overrides import Overrides
from lix_vtab.schema.pointers import MISSING, Pointer, parse_pointer
from lix_vtab.schema.stored import schema_of_snapshot, snapshot_of_schema
from lix_vtab.schema.targets import check_foreign_key_targets, state_target
from lix_vtab.schema.types import Property

__all__ = [
    "BUILTIN_KEYS",
    "MISSING",
    "CompiledSchema",
    "ForeignKey",
    "Overrides",
    "Pointer",
    "Property",
    "SchemaKey",
    "breaking_changes",
    "builtin_schemas",
    "check_foreign_key_targets",
    "compile_schema",
    "compiled_builtins",
    "from_sql",
    "parse_pointer",
    "refuse_reserved_key",
    "schema_definition",
    "schema_of_snapshot",
    "snapshot_of_schema",
    "state_target",
    "to_sql",
    "validate_data",
    "validate_schema",
]
