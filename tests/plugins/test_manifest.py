"""Manifests: what is accepted, and that everything wrong is named at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lix_vtab.errors import PluginError
from lix_vtab.plugins.manifest import DEFAULT_COLUMNS, parse_manifest

MINIMAL: dict[str, Any] = {
    "key": "plugin_json",
    "runtime": "wasm-component-v1",
    "api_version": "0.1.0",
    "match": {"path_glob": "*.json"},
}


def with_context(**context: Any) -> dict[str, Any]:
    return {**MINIMAL, "detect_changes": {"state_context": context}}


def refused(manifest: Any) -> str:
    with pytest.raises(PluginError) as caught:
        parse_manifest(manifest)
    assert "Invalid plugin manifest: " in str(caught.value)
    return str(caught.value)


def test_a_minimal_manifest_gets_its_defaults() -> None:
    manifest = parse_manifest(json.dumps(MINIMAL))
    assert manifest == parse_manifest(json.dumps(MINIMAL).encode()) == parse_manifest(MINIMAL)
    assert (manifest.key, manifest.entry, manifest.on_invalid) == (
        "plugin_json",
        "plugin.wasm",
        "error",
    )
    assert manifest.content_type is manifest.state_columns is None


def test_every_key_is_read() -> None:
    manifest = parse_manifest(
        {
            "key": "a-1_b",
            "runtime": "python",
            "api_version": "10.20.30",
            "match": {"path_glob": " *.{md,mdx} ", "content_type": "text"},
            "detect_changes": {"state_context": {"include_active_state": True}},
            "entry": "main.py",
            "on_invalid": "blob",
        }
    )
    assert manifest.path_glob == " *.{md,mdx} "
    assert manifest.content_type == "text"
    assert manifest.state_columns == DEFAULT_COLUMNS
    assert (manifest.entry, manifest.on_invalid) == ("main.py", "blob")


def test_a_python_plugin_is_a_python_file_unless_said_otherwise() -> None:
    assert parse_manifest({**MINIMAL, "runtime": "python"}).entry == "plugin.py"


@pytest.mark.parametrize(
    ("context", "columns"),
    [
        ({}, None),
        ({"include_active_state": False}, None),
        ({"include_active_state": True}, DEFAULT_COLUMNS),
        (
            {"include_active_state": True, "columns": ["entity_id", "schema_key"]},
            ("entity_id", "schema_key"),
        ),
    ],
)
def test_columns_of_the_state_context(context: dict[str, Any], columns: Any) -> None:
    assert parse_manifest(with_context(**context)).state_columns == columns


@pytest.mark.parametrize("flag", [{}, {"include_active_state": False}])
def test_columns_need_the_flag(flag: dict[str, Any]) -> None:
    text = refused(with_context(columns=["entity_id"], **flag))
    assert "detect_changes/state_context" in text
    assert "columns" in text


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        (["schema_key"], "must contain 'entity_id'"),
        (["entity_id", "colour"], "'colour'"),
        (["entity_id", "entity_id"], "must not repeat"),
        ([], "at least one column"),
        ("entity_id", "must be an array"),
        ([["entity_id"]], "entity_id"),
        (None, "must be an array"),
    ],
)
def test_wrong_columns(columns: Any, text: str) -> None:
    assert text in refused(with_context(include_active_state=True, columns=columns))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"key": None}, "/key must be"),
        ({"key": ""}, "/key must be"),
        ({"key": "9a"}, "/key must be"),
        ({"key": "a" * 129}, "/key must be"),
        ({"key": "a\n"}, "/key must be"),
        ({"runtime": "native"}, "/runtime must be"),
        ({"runtime": ["python"]}, "/runtime must be"),
        ({"api_version": "1.0"}, "/api_version must be"),
        ({"api_version": "1.0.٣"}, "/api_version must be"),
        ({"match": "*.json"}, "/match must be an object"),
        ({"match": {}}, "/match lacks the required key 'path_glob'"),
        ({"match": {"path_glob": ""}}, "/match/path_glob must be"),
        ({"match": {"path_glob": "*.{md,mdx"}}, "match.path_glob is invalid"),
        ({"match": {"path_glob": "*", "content_type": "image"}}, "/match/content_type must be"),
        ({"match": {"path_glob": "*", "more": 1}}, "/match has the unknown key 'more'"),
        ({"detect_changes": None}, "/detect_changes must be an object"),
        ({"detect_changes": {"x": 1}}, "/detect_changes has the unknown key 'x'"),
        ({"detect_changes": {"state_context": None}}, "/detect_changes/state_context must be"),
        ({"detect_changes": {"state_context": {"include_active_state": 1}}}, "must be a boolean"),
        ({"entry": ""}, "/entry must be"),
        ({"entry": None}, "/entry must be"),
        ({"on_invalid": "ignore"}, "/on_invalid must be"),
        ({"priority": 1}, "has the unknown key 'priority'"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], text: str) -> None:
    assert text in refused({**MINIMAL, **change})


@pytest.mark.parametrize("key", ["key", "runtime", "api_version", "match"])
def test_required_keys(key: str) -> None:
    manifest = {name: value for name, value in MINIMAL.items() if name != key}
    assert f"lacks the required key '{key}'" in refused(manifest)


def test_everything_wrong_is_named_at_once() -> None:
    text = refused({"runtime": "x", "match": {"path_glob": "["}, "entry": 1, "z": 2})
    for part in (
        "'key'",
        "'api_version'",
        "/runtime",
        "match.path_glob is invalid",
        "/entry",
        "'z'",
    ):
        assert part in text
    assert text.count("; ") >= 5


@pytest.mark.parametrize("source", ["{", b"\xff", "NaN"])
def test_text_that_is_no_json(source: str | bytes) -> None:
    assert "must be valid JSON" in refused(source)


@pytest.mark.parametrize("source", ["[]", "null", "1"])
def test_json_that_is_no_object(source: str) -> None:
    assert "must be an object" in refused(source)
