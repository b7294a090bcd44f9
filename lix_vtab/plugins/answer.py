"""What a plugin answers to detect_changes, read change by change; nonsense goes no further."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, NoReturn

from lix_vtab.model.json import Json, canonical_json, parse_json
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.plugins.contract import EntityChange, Plugin

__all__ = ["MOST_CHANGES", "Answer", "DetectedChange", "Nonsense", "RepeatedChange", "read_changes"]

MOST_CHANGES = 250_000
"""A detect call may name this many changes, and four more for every byte of the files."""

_STRINGS = frozenset({str})
_PLAIN = frozenset({str, int, bool, type(None)})


class Nonsense(Exception):
    """An answer is not what the contract asks for; the text says what is wrong with it."""


class RepeatedChange(Nonsense):
    """An answer names one entity twice."""


class DetectedChange(NamedTuple):
    """One checked change; `snapshot_text` is canonical JSON, None for a vanished entity."""

    entity_id: str
    schema_key: str
    schema_version: str
    snapshot_text: str | None


class Answer(NamedTuple):
    """Checked changes in the plugin's order, and what the snapshot of each says as JSON."""

    changes: tuple[DetectedChange, ...] = ()
    contents: tuple[Json, ...] = ()


def read_changes(plugin: Plugin, changes: Iterable[Any], size: int) -> Answer:
    """Read an answer to its end, however it is made; raise Nonsense at the first wrong change.

    `size` is how many bytes the plugin was shown. Answers that never end are given up.
    """
    known = {(schema["x-lix-key"], schema["x-lix-version"]) for schema in plugin.schemas}
    most = MOST_CHANGES + 4 * size
    checked: dict[tuple[str, str], DetectedChange] = {}
    contents: list[Json] = []
    for change in changes:
        if not isinstance(change, EntityChange):
            raise Nonsense(f"expected EntityChange, got {change!r:.200}")
        entity_id, schema_key, content, version = change
        if type(entity_id) is not str or not entity_id.isascii() or type(schema_key) is not str:
            _check_texts(entity_id, schema_key, known)
        if type(version) is not str or (schema_key, version) not in known:
            _refuse(schema_key, version, known)
        key = (schema_key, entity_id)
        if key in checked:
            raise RepeatedChange(f"schema_key='{schema_key}' entity_id='{entity_id:.200}'")
        if len(checked) == most:
            raise Nonsense(f"more than {most} changes")
        text = None
        try:
            if content is not None:
                text = canonical_json(content)
                content = _json_content(content, text)
        except (TypeError, ValueError, RecursionError) as problem:
            where = f"schema_key={schema_key!r} entity_id={entity_id!r:.200}"
            raise Nonsense(f"the snapshot of {where} is not JSON: {problem}") from problem
        checked[key] = DetectedChange(entity_id, schema_key, version, text)
        contents.append(content)
    return Answer(tuple(checked.values()), tuple(contents))


def _check_texts(entity_id: Any, schema_key: Any, known: set[tuple[str, str]]) -> None:
    if type(entity_id) is not str:
        raise Nonsense(f"entity_id must be text, not {entity_id!r:.200}")
    try:
        entity_id.encode()
    except UnicodeEncodeError as problem:
        raise Nonsense(f"entity_id must be text, not {entity_id!r:.200}") from problem
    if type(schema_key) is not str:
        _refuse(schema_key, "", known)


def _refuse(schema_key: Any, version: Any, known: set[tuple[str, str]]) -> NoReturn:
    keys = sorted({str(key) for key, _ in known})
    if type(schema_key) is not str or schema_key not in keys:
        names = ", ".join(keys)
        raise Nonsense(f"unknown schema key {schema_key!r:.200} (the plugin declares: {names})")
    if type(version) is not str or not version:
        raise Nonsense(f"schema_version must be text, not {version!r:.200}")
    versions = ", ".join(sorted(version for key, version in known if key == schema_key))
    raise Nonsense(
        f"unknown version {version!r:.200} of schema '{schema_key}' (the plugin declares:"
        f" {versions})"
    )


def _json_content(content: Any, text: str) -> Json:
    """Return what a text says, made of JSON's own types; raise for what is no JSON."""
    if not text.isascii():
        text.encode()  # a lone surrogate is no text
    # The fast serializer writes NaN as null and knows types that JSON does not; texts with
    # neither a null nor an odd type are the rule, and the walk below is for the rest.
    if type(content) is dict and "null" not in text and _is_plain(content):
        return content
    _require_json(content)
    return parse_json(text)


def _is_plain(content: dict[Any, Any]) -> bool:
    return _STRINGS.issuperset(map(type, content)) and _PLAIN.issuperset(
        map(type, content.values())
    )


def _require_json(value: Any) -> None:
    if value is None or type(value) in (str, int, bool):
        return
    if type(value) is float:
        if not isfinite(value):
            raise ValueError(f"{value} is no JSON number")
    elif isinstance(value, Mapping):
        for name, member in value.items():
            if not isinstance(name, str):
                raise TypeError(f"the object key {name!r} is not text")
            _require_json(member)
    elif isinstance(value, list | tuple):
        for member in value:
            _require_json(member)
    else:
        raise TypeError(f"{type(value).__name__} is no JSON type")
