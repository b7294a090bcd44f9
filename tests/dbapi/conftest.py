"""Connections with a schema or two in them."""

from __future__ import annotations

import json

import pytest

from lix_vtab import dbapi

PERSON = {
    "x-lix-key": "person",
    "x-lix-version": "1",
    "x-lix-primary-key": ["/id"],
    "type": "object",
    "properties": {
        "id": {"type": "string", "x-lix-default": "lix_uuid_v7()"},
        "name": {"type": "string"},
    },
    "required": ["id", "name"],
    "additionalProperties": False,
}
TASK = {
    "x-lix-key": "task",
    "x-lix-version": "1",
    "x-lix-primary-key": ["/id"],
    "x-lix-foreign-keys": [
        {
            "properties": ["/person_id"],
            "references": {"schemaKey": "person", "properties": ["/id"]},
        }
    ],
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "title": {"type": "string"},
        "done": {"type": "boolean"},
        "rank": {"type": "number"},
        "person_id": {"type": "string"},
    },
    "required": ["id", "title"],
    "additionalProperties": False,
}


def register(execute):
    for definition in (PERSON, TASK):
        execute("SELECT lix_register_schema(?)", (json.dumps(definition),))


@pytest.fixture
def connection():
    with_schemas = dbapi.connect()
    register(with_schemas.execute)
    with_schemas.commit()
    yield with_schemas
    with_schemas.rollback()
    assert with_schemas.lix.check() == []
    with_schemas.close()
