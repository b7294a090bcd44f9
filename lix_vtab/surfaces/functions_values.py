"""SQL functions that make values: ids, times, JSON, bytes, and facts about the session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import apsw

from lix_vtab.errors import InvalidValueError
from lix_vtab.model.json import Json, NestingError, compact_json, parse_json
from lix_vtab.model.keys import split_entity_id
from lix_vtab.schema import to_sql
from lix_vtab.schema.coerce import read_jsonb
from lix_vtab.session import Session
from lix_vtab.storage.ddl import read_format
from lix_vtab.surfaces.functions import SqlFunction
from lix_vtab.surfaces.values import kind

__all__ = ["value_functions"]

MAX_NANO_LENGTH = 255
_PATH = "JSON and then the keys that lead to a value: lix_json_text(json, 'a', 'b')"


def value_functions(session: Session) -> list[SqlFunction]:
    """Return the functions every lix has for values.

    Ids and times are never constant: each row gets its own.
    """
    source = session.deterministic

    def nano_id(length: Any = 21) -> str:
        """Return a short random id; `length` is how many characters, 21 unless given."""
        if type(length) is not int or not 1 <= length <= MAX_NANO_LENGTH:
            raise InvalidValueError(
                f"lix_nano_id() length must be an integer from 1 to {MAX_NANO_LENGTH}",
                hint="leave it out for 21 characters",
                details={"length": length},
            )
        session.store.refresh()
        return source.nano_id(length)

    def active_commit_id() -> str | None:
        """Return the tip of the active version."""
        session.store.look()
        pointer = session.store.versions.pointer(session.versions.active_id())
        return None if pointer is None else pointer.commit_id

    def set_sequence(position: Any) -> None:
        """Set the last number deterministic mode used, given as JSON; NULL forgets it."""
        source.restore(None if position is None else _parsed("lix_set_sequence", position))

    return [
        SqlFunction("lix_set_sequence", set_sequence, 1, writes=True),
        SqlFunction("lix_uuid_v7", _fresh(session, source.uuid7), 0, innocuous=True),
        SqlFunction("lix_timestamp", _fresh(session, source.timestamp), 0, innocuous=True),
        SqlFunction("lix_nano_id", nano_id, innocuous=True),
        _pure("lix_json", json_blob, 1),
        _pure("lix_json_text", json_text, -1),
        _pure("lix_key_part", key_part, 3),
        _pure("lix_empty_blob", empty_blob, -1),
        _pure("lix_text_encode", text_encode, 1),
        _pure("lix_text_decode", text_decode, 1),
        SqlFunction("lix_active_commit_id", active_commit_id, 0),
        SqlFunction("lix_version", lix_version, 0, deterministic=True, innocuous=True),
        SqlFunction("lix_format", lambda: read_format(session.connection, session.db), 0),
    ]


def json_blob(value: Any) -> bytes | None:
    """Return JSON text as JSONB, which every property takes as the JSON it is.

    >>> json_blob('{"enabled": true}')[0] & 15 == 12  # an object
    True
    """
    if value is None:
        return None
    parsed = _parsed("lix_json", value)
    try:
        return apsw.jsonb_encode(parsed)
    except RecursionError as error:
        raise InvalidValueError(
            f"lix_json(): {NestingError()}", hint="keep what is nested so deeply as text"
        ) from error


def json_text(*args: Any) -> Any:
    """Follow object keys into JSON and return what is there as an SQL value.

    Booleans are 1 and 0, arrays and objects JSON text; nothing there is NULL.

    >>> json_text('{"a": {"b": [1, 2]}}', "a", "b")
    '[1,2]'
    """
    if len(args) < 2:
        raise InvalidValueError("lix_json_text() requires at least 2 arguments", hint=_PATH)
    document, *path = args
    for segment in path:
        if not isinstance(segment, str):
            raise InvalidValueError(
                "lix_json_text() path arguments must be single-quoted strings, "
                f"not {kind(segment)}",
                hint=_PATH,
            )
        if not segment:
            raise InvalidValueError("lix_json_text() path segments must not be empty", hint=_PATH)
    if document is None:
        return None
    found = _parsed("lix_json_text", document)
    for segment in path:
        found = found.get(segment) if isinstance(found, dict) else None
    return compact_json(found) if isinstance(found, dict | list) else to_sql(found)


def key_part(entity_id: Any, place: Any, count: Any) -> str | None:
    """Return one part of the entity id of a key of `count` parts, the first being 0.

    >>> key_part("a~b", 1, 2)
    'b'
    """
    if not isinstance(entity_id, str) or type(place) is not int or type(count) is not int:
        return None
    try:
        return dict(enumerate(split_entity_id(entity_id, count))).get(place)
    except ValueError:
        return None


def empty_blob(*args: Any) -> bytes:
    """Return a blob of no bytes."""
    if args:
        raise InvalidValueError(
            "lix_empty_blob() does not accept arguments", hint="x'00ff' writes a blob with bytes"
        )
    return b""


def text_encode(value: Any) -> bytes | None:
    """Return the UTF-8 bytes of a text.

    >>> text_encode("abc")
    b'abc'
    """
    if value is None or isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise InvalidValueError(
            f"lix_text_encode() expects text, got {kind(value)}",
            hint="CAST the value AS TEXT",
        )
    return value.encode()


def text_decode(value: Any) -> str | None:
    """Return the text UTF-8 bytes stand for."""
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, bytes):
        raise InvalidValueError(
            f"lix_text_decode() expects a blob, got {kind(value)}",
            hint="CAST the value AS BLOB",
        )
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise InvalidValueError(
            f"lix_text_decode() blob is not UTF-8: {error.reason} at byte {error.start}",
            hint="hex() shows any blob as text",
            details={"position": error.start},
        ) from error


def lix_version() -> str:
    """Return the version of this package."""
    from importlib.metadata import PackageNotFoundError, version  # slow to import, seldom needed

    try:
        return version("lix_vtab")
    except PackageNotFoundError:
        return "unknown (not installed)"


def _pure(name: str, call: Callable[..., Any], arguments: int) -> SqlFunction:
    return SqlFunction(name, call, arguments, deterministic=True, innocuous=True)


def _fresh(session: Session, draw: Callable[[], str]) -> Callable[[], str]:
    def call() -> str:
        session.store.refresh()
        return draw()

    return call


def _parsed(function: str, value: Any) -> Json:
    """Parse JSON given as text or as JSONB."""
    try:
        if isinstance(value, bytes):
            return read_jsonb(value)
        return parse_json(value if isinstance(value, str) else str(value))
    except (ValueError, RecursionError) as error:
        raise InvalidValueError(
            f"{function}(): malformed JSON: {error}"[:300], hint="give JSON text or JSONB"
        ) from error
