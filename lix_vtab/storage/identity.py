"""Ids and times of rows the engine makes: real, or repeatable in deterministic mode."""

from __future__ import annotations

import time

import uuid_utils

from lix_vtab.model.deterministic import internal_id, moment_of
from lix_vtab.model.ids import format_timestamp

__all__ = ["Identity"]


class Identity:
    """Gives new things their id and moment.

    `repeat_ids` and `repeat_times` follow the settings of deterministic mode.
    """

    __slots__ = ("_last_ms", "_last_text", "repeat_ids", "repeat_times")

    def __init__(self) -> None:
        self.repeat_ids = False
        self.repeat_times = False
        self._last_ms = -1
        self._last_text = ""

    def new(self, family: str, number: int) -> str:
        """Return the id of the `number`-th change, commit, change_set, version or row."""
        if self.repeat_ids:
            return internal_id(family, number)
        return str(uuid_utils.uuid7())

    def now(self, number: int) -> str:
        """Return the current moment; `number` stands for it in deterministic mode."""
        if self.repeat_times:
            return moment_of(number)
        ms = time.time_ns() // 1_000_000
        if ms != self._last_ms:
            self._last_ms = ms
            self._last_text = format_timestamp(ms)
        return self._last_text
