"""The builtin schemas."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lix_vtab.errors import SchemaValidationError
from lix_vtab.schema import (
    BUILTIN_KEYS,
    builtin_schemas,
    check_foreign_key_targets,
    compiled_builtins,
    schema_definition,
    snapshot_of_schema,
    validate_schema,
)
from tests.schema.samples import schema

ALL = compiled_builtins()
IN_GLOBAL = {
    "lix_stored_schema",
    "lix_account",
    "lix_active_account",
    "lix_active_version",
    "lix_change_author",
    "lix_change_set",
    "lix_change_set_element",
    "lix_commit",
    "lix_commit_edge",
}


def test_there_are_eighteen() -> None:
    assert len(builtin_schemas()) == 18
    assert tuple(ALL) == BUILTIN_KEYS


@pytest.mark.parametrize("definition", builtin_schemas(), ids=lambda each: each["x-lix-key"])
def test_each_is_a_valid_definition(definition: dict[str, object]) -> None:
    validate_schema(definition)
    assert definition["x-lix-version"] == "1"


def test_each_finds_its_targets_among_the_earlier_ones() -> None:
    stored = {}
    for key, compiled in ALL.items():
        check_foreign_key_targets(compiled, stored.get)
        stored[key] = compiled
    assert sum(len(each.foreign_keys) for each in stored.values()) == 12


@pytest.mark.parametrize("key", BUILTIN_KEYS)
def test_overrides(key: str) -> None:
    overrides = ALL[key].overrides
    expected = None if key == "lix_binary_blob_ref" else "lix"
    assert (overrides.file_id, overrides.plugin_key) == (expected, expected)
    assert overrides.version_id == ("global" if key in IN_GLOBAL else None)
    assert overrides.untracked == (key in {"lix_active_account", "lix_active_version"})


def test_the_stored_schema_holds_the_meta_schema() -> None:
    value = ALL["lix_stored_schema"].definition["properties"]["value"]
    assert value["allOf"] == [schema_definition()]
    assert ALL["lix_stored_schema"].immutable


def test_a_stored_schema_is_content_of_the_stored_schema() -> None:
    stored = ALL["lix_stored_schema"]
    row = snapshot_of_schema(schema("task"))
    stored.validate(row)
    assert stored.entity_id_of(row) == "task~1"
    for builtin in builtin_schemas():
        stored.validate(snapshot_of_schema(builtin))
    with pytest.raises(SchemaValidationError, match="x-lix-version"):
        stored.validate({"value": schema("task") | {"x-lix-version": "0"}})


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        ("lix_stored_schema", ["/value/x-lix-key", "/value/x-lix-version"]),
        ("lix_key_value", ["/key"]),
        ("lix_entity_label", ["/entity_id", "/schema_key", "/file_id", "/label_id"]),
        ("lix_change_set_element", ["/change_set_id", "/change_id"]),
        ("lix_commit_edge", ["/parent_id", "/child_id"]),
        ("lix_file_descriptor", ["/id"]),
    ],
)
def test_primary_keys(key: str, parts: list[str]) -> None:
    assert [pointer.text for pointer in ALL[key].primary_key] == parts


@pytest.mark.parametrize("value", [{"a": 1}, [1], "1", 1, 1.5, True, None])
def test_key_values_hold_any_json(value: object) -> None:
    ALL["lix_key_value"].validate({"key": "k", "value": value})


@pytest.mark.parametrize(
    "name", ["a", "a.b", ".git", "back\\slash", "?#+ %20", "😀", "line\nbreak", "..x", "..."]
)
def test_names_of_files_and_directories(name: str) -> None:
    directory = {"id": "d", "parent_id": None, "name": name}
    ALL["lix_directory_descriptor"].validate(directory)
    file = {"id": "f", "directory_id": None, "name": name, "extension": None}
    ALL["lix_file_descriptor"].validate(file)


@pytest.mark.parametrize("name", ["", "a/b", "a\0b", "/"])
def test_slash_and_nul_are_no_part_of_names(name: str) -> None:
    with pytest.raises(SchemaValidationError):
        ALL["lix_directory_descriptor"].validate({"id": "d", "parent_id": None, "name": name})
    with pytest.raises(SchemaValidationError):
        ALL["lix_file_descriptor"].validate(
            {"id": "f", "directory_id": None, "name": name, "extension": "md"}
        )


@pytest.mark.parametrize("name", [".", ".."])
def test_dots_are_no_directory_names(name: str) -> None:
    with pytest.raises(SchemaValidationError):
        ALL["lix_directory_descriptor"].validate({"id": "d", "parent_id": None, "name": name})


@pytest.mark.parametrize("extension", ["", "a.b", "a/b", "\0"])
def test_extensions_have_no_dot(extension: str) -> None:
    with pytest.raises(SchemaValidationError):
        ALL["lix_file_descriptor"].validate(
            {"id": "f", "directory_id": None, "name": "n", "extension": extension}
        )


def test_sql_types() -> None:
    types = {name: each.sql_type for name, each in ALL["lix_file_descriptor"].properties.items()}
    assert types == {
        "directory_id": "TEXT",
        "extension": "TEXT",
        "hidden": "BOOLEAN",
        "id": "TEXT",
        "metadata": "",
        "name": "TEXT",
    }


def test_compiling_them_is_light() -> None:
    script = (
        "import sys; from lix_vtab.schema import compiled_builtins; compiled_builtins()\n"
        "assert not {'jsonschema', 'celpy', 'referencing'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
