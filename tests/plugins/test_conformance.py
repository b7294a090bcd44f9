"""The shipped plugins hold the laws over real-looking files, and the check notices offenders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from lix_vtab.errors import PluginError
from lix_vtab.plugins import (
    BUILTIN,
    EntityChange,
    File,
    Plugin,
    PluginInternal,
    PluginInvalidInput,
    PluginRegistry,
    plugin_json,
)
from lix_vtab.testing.conformance import ConformanceError, check_plugin

SAMPLES = {path.name: path.read_bytes() for path in (Path(__file__).parent / "samples").iterdir()}
REGISTRY = PluginRegistry(BUILTIN)


def variants(name: str) -> dict[str, bytes]:
    """Return a sample and ways it may look after a day's work."""
    data = SAMPLES[name]
    stem, dot, suffix = name.partition(".")
    lines = data.splitlines(keepends=True)
    made = {
        "": data,
        "-crlf": data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
        "-lf": data.replace(b"\r\n", b"\n"),
        "-end": data.rstrip() + b"\n",
        "-empty": b"",
    }
    if not name.endswith(".json"):
        made["-cut"] = b"".join(lines[: len(lines) // 2])
        made["-reordered"] = b"".join(lines[:1] + lines[:0:-1])
        made["-more"] = b"".join([*lines[:3], b"one more line\n", *lines[3:]])
    else:
        made["-edited"] = data.replace(b"2", b"3").replace(b"true", b"null")
        made["-compact"] = data.replace(b" ", b"").replace(b"\n", b"").replace(b"\t", b"")
    return {
        f"/{stem}{kind}{dot}{suffix}" if dot else f"/{kind}/{name}": d for kind, d in made.items()
    }


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_the_shipped_plugins_conform(name: str) -> None:
    plugin = REGISTRY.match(f"/{name}", SAMPLES[name])
    assert plugin is not None
    found = variants(name)
    readable = {}
    for path, data in found.items():
        try:
            list(plugin.detect_changes(None, File("f", path, data), None))
        except PluginInvalidInput:
            continue
        readable[path] = data
    assert len(readable) >= 5
    check_plugin(plugin, readable)


def test_samples_may_come_without_paths() -> None:
    check_plugin(plugin_json, [b"{}", b"[1]"])
    check_plugin(type(plugin_json), [b"{}"])


class Whole:
    """A plugin with one entity that holds the file; its descendants break one law each."""

    key = "whole"
    manifest: Mapping[str, Any] = {
        "key": "whole",
        "runtime": "python",
        "api_version": "1.0.0",
        "match": {"path_glob": "*.whole"},
    }
    schemas: Sequence[Mapping[str, Any]] = ({"x-lix-key": "whole", "x-lix-version": "1"},)

    def detect_changes(self, before: File | None, after: File, state_context: Any) -> Any:
        if before is not None and before.data == after.data:
            return []
        try:
            content = {"id": "all", "text": after.data.decode()}
        except UnicodeDecodeError as problem:
            raise PluginInvalidInput(str(problem)) from problem
        return [EntityChange("all", "whole", content)]

    def apply_changes(self, file: File, changes: Any) -> bytes:
        for change in changes:
            text: str = change.snapshot_content["text"]
            return text.encode()
        return b""


class ForgetsTheEnd(Whole):
    def apply_changes(self, file: File, changes: Any) -> bytes:
        return super().apply_changes(file, changes).rstrip()


class LooksAtOldBytes(Whole):
    def apply_changes(self, file: File, changes: Any) -> bytes:
        return file.data or super().apply_changes(file, changes)


class NeverQuiet(Whole):
    def detect_changes(self, before: File | None, after: File, state_context: Any) -> Any:
        return super().detect_changes(None, after, state_context)


class BuriesTheUnborn(Whole):
    def detect_changes(self, before: File | None, after: File, state_context: Any) -> Any:
        found = super().detect_changes(before, after, state_context)
        return [*found, EntityChange("ghost", "whole", None)] if found else []


class Counts(Whole):
    number = 0

    def detect_changes(self, before: File | None, after: File, state_context: Any) -> Any:
        found = super().detect_changes(before, after, state_context)
        self.number += 1
        return [
            EntityChange("all", "whole", {**each.snapshot_content, "number": self.number})
            for each in found
        ]


class TwoHalves(Whole):
    def detect_changes(self, before: File | None, after: File, state_context: Any) -> Any:
        found = super().detect_changes(before, after, state_context)
        return [
            EntityChange(half, "whole", {"id": half, "text": text})
            for each in found
            for text in [each.snapshot_content["text"]]
            for half, text in (("a", text[:3]), ("b", text[3:]))
        ]

    def apply_changes(self, file: File, changes: Any) -> bytes:
        return "".join(change.snapshot_content["text"] for change in changes).encode()


class Rude(Whole):
    def detect_changes(self, before: File | None, after: File, state_context: Any) -> Any:
        try:
            return super().detect_changes(before, after, state_context)
        except PluginInvalidInput as problem:
            raise PluginInternal(str(problem)) from problem


class Stubborn(Whole):
    def apply_changes(self, file: File, changes: Any) -> bytes:
        if not changes:
            raise KeyError("all")
        return super().apply_changes(file, changes)


def test_a_plain_plugin_conforms() -> None:
    check_plugin(Whole, {"/a.whole": b"some text\n", "/b.whole": b"other text\n"})


@pytest.mark.parametrize(
    ("plugin", "law"),
    [
        (ForgetsTheEnd, "round trip"),
        (LooksAtOldBytes, "following"),
        (NeverQuiet, "quiet"),
        (BuriesTheUnborn, "tidy"),
        (Counts, "deterministic"),
        (TwoHalves, "order"),
        (Rude, "manners"),
        (Stubborn, "edits by hand"),
    ],
)
def test_every_law_is_checked(plugin: type[Plugin], law: str) -> None:
    with pytest.raises(ConformanceError, match=f"^{law}: /"):
        check_plugin(plugin, {"/a.whole": b"some text\n", "/b.whole": b"other text\n"})


def test_samples_must_fit_and_be_readable() -> None:
    with pytest.raises(ConformanceError, match="the glob does not match"):
        check_plugin(Whole, {"/a.txt": b""})
    with pytest.raises(ConformanceError, match="at least one sample"):
        check_plugin(Whole, {})
    with pytest.raises(ConformanceError, match=r"samples: /sample\.json: was refused"):
        check_plugin(plugin_json, [b"{"])
    with pytest.raises(PluginError):
        check_plugin(Whole, {"/a.whole": b"\xff"})
    with pytest.raises(PluginError, match="manifest must be a mapping"):
        check_plugin(object, [b""])
