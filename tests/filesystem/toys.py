"""Plugins made for tests: each shows one thing about how plugins are called."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lix_vtab.plugins import EntityChange, File, PluginInternal, PluginInvalidInput, StateContext


def toy_schema(key: str, primary: str = "path") -> dict[str, Any]:
    return {
        "x-lix-key": key,
        "x-lix-version": "1",
        "x-lix-primary-key": [f"/{primary}"],
        "type": "object",
        "properties": {primary: {"type": "string"}, "value": {}},
        "required": [primary, "value"],
        "additionalProperties": False,
    }


def manifest(key: str, glob: str, **more: Any) -> dict[str, Any]:
    return {
        "key": key,
        "runtime": "python",
        "api_version": "0.1.0",
        "match": {"path_glob": glob},
        **more,
    }


class Toy:
    """Keeps each word of a text as an entity; counts its calls."""

    key = "toy_words"
    glob = "*.words"
    schema_key = "toy_word"
    more: Mapping[str, Any] = {}

    def __init__(self) -> None:
        self.manifest = manifest(self.key, self.glob, **self.more)
        self.schemas: Sequence[Mapping[str, Any]] = [toy_schema(self.schema_key)]
        self.detected: list[tuple[File | None, File]] = []
        self.applied: list[tuple[File, list[EntityChange]]] = []
        self.contexts: list[StateContext | None] = []

    def words(self, data: bytes) -> dict[str, str]:
        """Return the words of a text by their positions."""
        return {f"{n:03}": word for n, word in enumerate(data.decode().split())}

    def detect_changes(
        self, before: File | None, after: File, state_context: StateContext | None
    ) -> Iterable[EntityChange]:
        self.detected.append((before, after))
        self.contexts.append(state_context)
        old = self.words(before.data) if before else {}
        new = self.words(after.data)
        for place in sorted(old.keys() - new.keys()):
            yield EntityChange(place, self.schema_key, None)
        for place, word in new.items():
            if old.get(place) != word:
                yield EntityChange(place, self.schema_key, {"path": place, "value": word})

    def apply_changes(self, file: File, changes: Sequence[EntityChange]) -> bytes:
        self.applied.append((file, list(changes)))
        words = sorted((c.entity_id, c.snapshot_content["value"]) for c in changes)
        return " ".join(word for _, word in words).encode()


class PathEcho(Toy):
    """Renders the path of the file."""

    key = "path_echo"
    glob = "*.echo"
    schema_key = "toy_echo"

    def detect_changes(
        self, before: File | None, after: File, state_context: StateContext | None
    ) -> Iterable[EntityChange]:
        return [EntityChange("r", self.schema_key, {"path": "r", "value": after.data.decode()})]

    def apply_changes(self, file: File, changes: Sequence[EntityChange]) -> bytes:
        return file.path.encode()


class BeforeAware(Toy):
    """Records whether it was shown what was there before."""

    key = "before_aware"
    glob = "*.before"
    schema_key = "toy_before"

    def detect_changes(
        self, before: File | None, after: File, state_context: StateContext | None
    ) -> Iterable[EntityChange]:
        word = "none" if before is None else "non-empty" if before.data else "empty"
        return [EntityChange("/before", self.schema_key, {"path": "/before", "value": word})]


class Noop(Toy):
    """Takes text files and makes nothing of them."""

    key = "txt_noop"
    glob = "*.txt"
    schema_key = "toy_nothing"

    def detect_changes(
        self, before: File | None, after: File, state_context: StateContext | None
    ) -> Iterable[EntityChange]:
        return []

    def apply_changes(self, file: File, changes: Sequence[EntityChange]) -> bytes:
        return file.data


class Moody(Toy):
    """Fails in the way the content says."""

    key = "moody"
    glob = "*.mood"
    schema_key = "toy_mood"

    def detect_changes(
        self, before: File | None, after: File, state_context: StateContext | None
    ) -> Iterable[Any]:
        mood = after.data.decode()
        change = EntityChange("m", self.schema_key, {"path": "m", "value": mood})
        if mood == "invalid":
            raise PluginInvalidInput("this mood is not valid")
        if mood == "internal":
            raise PluginInternal("broken inside")
        if mood == "crash":
            raise ZeroDivisionError("oops")
        if mood == "hang":
            while True:
                time.sleep(0.01)
        if mood == "twice":
            return [change, change]
        if mood == "stranger":
            return [EntityChange("m", "unheard_of", {"path": "m", "value": 1})]
        if mood == "nonsense":
            return ["no change at all"]
        if mood == "misfit":
            return [EntityChange("m", self.schema_key, {"path": "other", "value": 1})]
        if mood == "unschematic":
            return [EntityChange("m", self.schema_key, {"path": "m"})]
        return [change]

    def apply_changes(self, file: File, changes: Sequence[EntityChange]) -> Any:
        ((mood,),) = [[c.snapshot_content["value"]] for c in changes] or [["none"]]
        if mood == "no bytes":
            return "text"
        if mood == "no rendering":
            raise PluginInvalidInput("this cannot be rendered")
        return str(mood).encode()


class Forgiving(Moody):
    """Like Moody, but what it rejects is kept as it is."""

    key = "forgiving"
    glob = "*.kind"
    schema_key = "toy_kind"
    more: Mapping[str, Any] = {"on_invalid": "blob"}


class Curious(Toy):
    """Asks for the entities there are, and for nothing of them but what it names."""

    key = "curious"
    glob = "*.curious"
    schema_key = "toy_curious"
    more: Mapping[str, Any] = {
        "detect_changes": {
            "state_context": {
                "include_active_state": True,
                "columns": ["entity_id", "schema_key", "snapshot_content", "version_id"],
            }
        }
    }
