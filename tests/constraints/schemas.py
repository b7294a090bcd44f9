"""Schemas that refer to each other, and the ways rows of them can be written."""

from __future__ import annotations

from typing import Any

from tests.entities.schemas import TEXT, schema
from tests.state.session import Session

NUMBER = {"type": ["integer", "null"]}


def refers(
    local: str | list[str], key: str, remote: str | list[str] = "/id", **more: Any
) -> dict[str, Any]:
    """Return a foreign key."""
    locals_, remotes = ([p] if isinstance(p, str) else p for p in (local, remote))
    return {"properties": locals_, "references": {"schemaKey": key, "properties": remotes}} | more


PARENT = schema(
    "parent",
    {"id": TEXT, "slug": {"type": ["string", "null"]}, "a": NUMBER, "b": NUMBER},
    primary_key=["/id"],
    unique=[["/slug"], ["/a", "/b"]],
)
CHILD = schema(
    "child",
    {"id": TEXT, "parent_id": {"type": ["string", "null"]}, "n": {"type": "integer"}},
    primary_key=["/id"],
    foreign_keys=[refers("/parent_id", "parent")],
)
NODE = schema(
    "node",
    {"id": TEXT, "up": {"type": ["string", "null"]}},
    primary_key=["/id"],
    foreign_keys=[refers("/up", "node")],
)


def store(lix: Session, *definitions: dict[str, Any]) -> None:
    for definition in definitions:
        lix.lix.register_schema(definition)
    lix._dirty = True


def ids(lix: Session, table: str) -> list[str]:
    return lix.column(f"SELECT id FROM {table} ORDER BY id")
