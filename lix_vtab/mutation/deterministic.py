"""Deterministic mode: ids and times that a script gets again when it runs again.

The mode is a key value of the global version, `lix_deterministic_mode`. What SQL functions and
defaults draw comes from one counter, kept in the untracked key value
`lix_deterministic_sequence_number` (the last number used), so it survives restarts and takes part
in rollbacks. Ids and times of rows the engine makes follow their own numbers (see
`storage.identity`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.deterministic import moment_of, shuffled, uuid_of
from lix_vtab.model.ids import NANO_LENGTH, SystemSource
from lix_vtab.model.json import Json, canonical_json, parse_json
from lix_vtab.mutation.writer import Watcher, Write, Writer
from lix_vtab.storage.names import LIX
from lix_vtab.storage.rows import Key, Values
from lix_vtab.storage.store import Store
from lix_vtab.storage.versions import GLOBAL

__all__ = ["MODE_KEY", "SEQUENCE_KEY", "Deterministic", "Settings"]

KEY_VALUE = "lix_key_value"
MODE_KEY = "lix_deterministic_mode"
SEQUENCE_KEY = "lix_deterministic_sequence_number"


@dataclass(frozen=True, slots=True)
class Settings:
    """Which ids and times repeat."""

    ids: bool = False
    times: bool = False
    shuffle: bool = False

    @classmethod
    def of(cls, value: Json) -> Settings:
        """Read the value of the mode's key; what is no object, or not enabled, switches all off.

        >>> Settings.of({"enabled": True, "timestamp": False})
        Settings(ids=True, times=False, shuffle=False)
        """
        if not isinstance(value, dict) or not _is_true(value.get("enabled")):
            return cls()
        return cls(
            ids=not _is_false(value.get("uuid_v7", True)),
            times=not _is_false(value.get("timestamp", True)),
            shuffle=_is_true(value.get("timestamp_shuffle")),
        )


class Deterministic:
    """Where SQL functions and defaults get ids and times from."""

    __slots__ = ("_settings", "_stale", "_store", "_system", "_volatile", "_writer", "on")

    def __init__(self, store: Store, writer: Writer) -> None:
        self._store = store
        self._writer = writer
        self._system = SystemSource()
        self._settings = Settings()
        self._stale = True
        self._volatile = False
        self.on = False
        writer.watch(KEY_VALUE, Watcher(then=self._follow))
        store.on_foreign_write(self._reload)
        store.transaction.on_begin(self._renew)
        store.transaction.on_rollback(self._doubt)

    # -- settings

    def preset(self, key_values: Iterable[Mapping[str, Any]]) -> None:
        """Let the key values a database is created with apply to its creation."""
        value = None
        for given in key_values:
            if given.get("key") == MODE_KEY and given.get("version_id") in (None, GLOBAL):
                value = given.get("value")
        self._apply(Settings.of(value))

    @property
    def settings(self) -> Settings:
        """Return what is repeatable now."""
        self._renew()
        return self._settings

    def _follow(self, write: Write) -> None:
        if write.key.entity_id == MODE_KEY and write.version_id == GLOBAL:
            self._reload()
            self._volatile = not self._store.transaction.settled

    def _renew(self) -> None:
        if self._stale or self._volatile:
            self._volatile = False
            self._reload()

    def _reload(self) -> None:
        self._apply(Settings.of(self._value(MODE_KEY)))

    def _apply(self, settings: Settings) -> None:
        self._settings = settings
        self._stale = False
        self.on = settings.ids or settings.times
        identity = self._store.identity
        identity.repeat_ids, identity.repeat_times = settings.ids, settings.times

    def _doubt(self) -> None:
        # the hook of a rollback must not run SQL
        self._stale = True

    # -- drawing

    def uuid7(self) -> str:
        """Return an id: random, or the next of the sequence."""
        if not self.settings.ids:
            return self._system.uuid7()
        return uuid_of(self._draw())

    def timestamp(self) -> str:
        """Return the current moment, or the next of the sequence."""
        settings = self.settings
        if not settings.times:
            return self._system.timestamp()
        number = self._draw()
        return moment_of(shuffled(number) if settings.shuffle else number)

    def nano_id(self, length: int = NANO_LENGTH) -> str:
        """Return a short id: random, or the next of the sequence, whatever the length."""
        if not self.settings.ids:
            return self._system.nano_id(length)
        return f"test_{self._draw():010d}"

    # -- the sequence

    def position(self) -> Json:
        """Return the last number used as it is stored, None for none."""
        return self._value(SEQUENCE_KEY)

    def restore(self, position: Json) -> None:
        """Go back to where a statement began that failed."""
        if self.position() != position:
            self._store_position(position)

    def _draw(self) -> int:
        number = _last_used(self.position()) + 1
        self._store_position(number)
        return number

    def _store_position(self, number: Json) -> None:
        names = self._store.names
        place = self._store.versions.place(GLOBAL)
        assert place is not None
        content = None if number is None else {"key": SEQUENCE_KEY, "value": number}
        if content is None:
            self._store.overlay.delete(place[0], self._key(SEQUENCE_KEY))
            return
        values = Values(names.intern("lix"), "1", canonical_json(content), None, None)
        self._store.overlay.write_quietly(place[0], self._key(SEQUENCE_KEY), values)

    def _value(self, key: str) -> Json:
        found = self._writer.visible(GLOBAL, self._key(key))
        if found is None or found.values.snapshot is None:
            return None
        return parse_json(found.values.snapshot).get("value")

    def _key(self, key: str) -> Key:
        return Key(self._store.names.find(KEY_VALUE), key, LIX)


def _last_used(position: Json) -> int:
    """Read the stored number: an integer, or one written as text."""
    if isinstance(position, bool):
        return -1
    if isinstance(position, int):
        return position
    try:
        return int(position) if isinstance(position, str) else -1
    except ValueError:
        return -1


def _is_true(value: Json) -> bool:
    return value is True or value == "1" or (_is_number(value) and value == 1)


def _is_false(value: Json) -> bool:
    return value is False or value in ("", "0", []) or (_is_number(value) and value == 0)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
