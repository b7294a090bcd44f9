"""The manifest of a plugin: which files it takes and how it wants to be called."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from lix_vtab.errors import PluginError
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.json import parse_json
from lix_vtab.model.patterns import pattern
from lix_vtab.plugins.matching import GlobError, compile_glob

__all__ = ["DEFAULT_COLUMNS", "STATE_COLUMNS", "Manifest", "parse_manifest"]

STATE_COLUMNS = (
    "entity_id",
    "schema_key",
    "schema_version",
    "snapshot_content",
    "file_id",
    "plugin_key",
    "version_id",
    "change_id",
    "metadata",
    "created_at",
    "updated_at",
)
DEFAULT_COLUMNS = STATE_COLUMNS[:4]

_ENTRIES = {"python": "plugin.py", "wasm-component-v1": "plugin.wasm"}
_KEY = pattern(r"[a-z][a-z0-9_-]*", re.ASCII)
_API_VERSION = pattern(r"[0-9]+\.[0-9]+\.[0-9]+", re.ASCII)
_MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class Manifest:
    """A valid manifest.

    `state_columns` is None when the plugin asks for no context; `on_invalid` says what becomes of a
    file the plugin rejects: "error" fails the statement, "blob" keeps the bytes as they are.
    """

    key: str
    runtime: Literal["python", "wasm-component-v1"]
    api_version: str
    path_glob: str
    content_type: Literal["text", "binary"] | None
    state_columns: tuple[str, ...] | None
    entry: str
    on_invalid: Literal["blob", "error"]


def parse_manifest(source: str | bytes | Mapping[str, Any]) -> Manifest:
    """Check a manifest given as JSON text or as a mapping; name every violation at once.

    >>> parse_manifest({"key": "toml", "runtime": "python", "api_version": "1.0.0",
    ...                 "match": {"path_glob": "*.toml"}}).entry
    'plugin.py'
    """
    value = _decode(source) if isinstance(source, str | bytes) else source
    violations = _Violations()
    manifest = _read(value, violations)
    if violations.found or manifest is None:
        raise PluginError(
            f"Invalid plugin manifest: {'; '.join(violations.found)}",
            hint="docs/plugins.md lists the keys of a manifest",
            details={"violations": tuple(violations.found)},
        )
    return manifest


def _decode(text: str | bytes) -> Any:
    try:
        return parse_json(text)
    except ValueError as problem:
        message = f"Invalid plugin manifest: the manifest must be valid JSON: {problem}"
        raise PluginError(message, details={"violations": (str(problem),)}) from problem


class _Violations:
    """Collect what is wrong, each with the place where it is."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, path: str, text: str) -> None:
        self.found.append(f"{path or '/'} {text}")

    def members(
        self, value: Any, path: str, *, required: tuple[str, ...], optional: tuple[str, ...]
    ) -> Mapping[str, Any]:
        """Return `value` when it is an object, else an empty one; check the names of its keys."""
        if not isinstance(value, Mapping):
            self.add(path, "must be an object")
            return {}
        for name in required:
            if name not in value:
                self.add(path, f"lacks the required key '{name}'")
        for name in value:
            if name not in required and name not in optional:
                known = ", ".join(required + optional)
                self.add(path, f"has the unknown key {name!r} (known: {known})")
        return value

    def text(
        self,
        members: Mapping[str, Any],
        name: str,
        path: str,
        wanted: str,
        good: Callable[..., Any],
    ) -> str:
        """Return the text under `name`; complain when it is there and not `good`."""
        value = members.get(name, _MISSING)
        if value is not _MISSING and not (isinstance(value, str) and good(value)):
            self.add(f"{path}/{name}", f"must be {wanted}, not {value!r}")
        return value if isinstance(value, str) else ""


def _read(value: Any, violations: _Violations) -> Manifest | None:
    members = violations.members(
        value,
        "",
        required=("key", "runtime", "api_version", "match"),
        optional=("detect_changes", "entry", "on_invalid"),
    )
    text = violations.text
    key = text(
        members,
        "key",
        "",
        "1 to 128 characters matching ^[a-z][a-z0-9_-]*$",
        lambda key: len(key) <= 128 and _KEY.fullmatch(key),
    )
    runtime = text(members, "runtime", "", "'python' or 'wasm-component-v1'", _ENTRIES.__contains__)
    api_version = text(members, "api_version", "", "a version like '1.0.0'", _API_VERSION.fullmatch)
    entry = text(members, "entry", "", "a file name", bool)
    on_invalid = text(
        members, "on_invalid", "", "'blob' or 'error'", ("blob", "error").__contains__
    )
    glob, content_type = _read_match(members, violations)
    columns = _read_state_context(members, violations)
    if violations.found:
        return None
    return Manifest(
        key=key,
        runtime=runtime,  # type: ignore[arg-type]  # checked against the two names above
        api_version=api_version,
        path_glob=glob,
        content_type=content_type or None,  # type: ignore[arg-type]
        state_columns=columns,
        entry=entry or _ENTRIES[runtime],
        on_invalid=on_invalid or "error",  # type: ignore[arg-type]
    )


def _read_match(members: Mapping[str, Any], violations: _Violations) -> tuple[str, str]:
    if "match" not in members:
        return "", ""
    match = violations.members(
        members["match"], "/match", required=("path_glob",), optional=("content_type",)
    )
    glob = violations.text(match, "path_glob", "/match", "a glob such as '*.json'", bool)
    content_type = violations.text(
        match, "content_type", "/match", "'text' or 'binary'", ("text", "binary").__contains__
    )
    if glob:
        try:
            compile_glob(glob)
        except GlobError as problem:
            violations.found.append(f"match.path_glob is invalid: {problem}")
    return glob, content_type


def _read_state_context(
    members: Mapping[str, Any], violations: _Violations
) -> tuple[str, ...] | None:
    if "detect_changes" not in members:
        return None
    path = "/detect_changes"
    detect = violations.members(
        members["detect_changes"], path, required=(), optional=("state_context",)
    )
    if "state_context" not in detect:
        return None
    path += "/state_context"
    context = violations.members(
        detect["state_context"], path, required=(), optional=("include_active_state", "columns")
    )
    include = context.get("include_active_state", False)
    if not isinstance(include, bool):
        violations.add(f"{path}/include_active_state", f"must be a boolean, not {include!r}")
    if "columns" not in context:
        return DEFAULT_COLUMNS if include is True else None
    if include is not True:
        violations.add(path, "may have 'columns' only when include_active_state is true")
    return _read_columns(context["columns"], f"{path}/columns", violations)


def _read_columns(columns: Any, path: str, violations: _Violations) -> tuple[str, ...] | None:
    if not isinstance(columns, list | tuple) or not columns:
        violations.add(path, f"must be an array with at least one column, not {columns!r}")
        return None
    unknown = [column for column in columns if column not in STATE_COLUMNS]
    if unknown:
        names = ", ".join(map(repr, unknown))
        violations.add(path, f"names unknown columns: {names} (known: {', '.join(STATE_COLUMNS)})")
        return None
    if len(set(columns)) != len(columns):
        violations.add(path, "must not repeat a column")
    if "entity_id" not in columns:
        violations.add(path, "must contain 'entity_id'")
    return tuple(columns)
