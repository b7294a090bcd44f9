"""Plugins as one file: a `.lixplugin` zip of manifest.json, schemas/*.json and the code.

An archive comes from somebody else. Names that leave it, sizes that explode, links and encrypted
members are refused before anything is unpacked, and nothing is ever written to disk.

A Python plugin in an archive is a program: loading it runs it with the rights of the process.
"""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from lix_vtab.errors import PluginError
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.json import parse_json
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.plugins.contract import EntityChange, File, Plugin, PluginInternal, StateContext
from lix_vtab.plugins.manifest import Manifest, parse_manifest
from lix_vtab.plugins.watchdog import TIME_LIMIT, Watchdog, interrupts

if TYPE_CHECKING:
    import zipfile

__all__ = ["ArchivedPlugin", "UnusablePlugin", "load_archive", "load_installed"]

_MOST_MEMBERS = 256
_MOST_BYTES = 64 * 1024 * 1024
_METHODS = (0, 8)  # stored and deflated, as the format numbers them


@dataclass(frozen=True, slots=True)
class ArchivedPlugin:
    """A Python plugin whose archive holds functions rather than a `plugin` object."""

    key: str
    manifest: Mapping[str, Any]
    schemas: Sequence[Mapping[str, Any]]
    module: ModuleType

    def detect_changes(
        self, before: File | None, after: File, state_context: StateContext | None
    ) -> Iterable[EntityChange]:
        """Call the module's `detect_changes`."""
        changes: Iterable[EntityChange] = self.module.detect_changes(before, after, state_context)
        return changes

    def apply_changes(self, file: File, changes: Sequence[EntityChange]) -> bytes:
        """Call the module's `apply_changes`."""
        data: bytes = self.module.apply_changes(file, changes)
        return data


@dataclass(frozen=True, slots=True)
class UnusablePlugin:
    """An installed plugin that cannot be loaded here; its files stay as they are."""

    key: str
    manifest: Mapping[str, Any]
    schemas: Sequence[Mapping[str, Any]]
    reason: str

    def detect_changes(
        self, before: File | None, after: File, state_context: StateContext | None
    ) -> Iterable[EntityChange]:
        """Refuse."""
        raise PluginInternal(self.reason)

    def apply_changes(self, file: File, changes: Sequence[EntityChange]) -> bytes:
        """Refuse."""
        raise PluginInternal(self.reason)


class _Contents(NamedTuple):
    """What an archive holds: its manifest, parsed and as it is, its schemas and its code."""

    manifest: Manifest
    manifest_value: Mapping[str, Any]
    schemas: Sequence[Mapping[str, Any]]
    code: bytes


def load_archive(
    source: str | os.PathLike[str] | bytes, *, time_limit: float | None = TIME_LIMIT
) -> Plugin:
    """Load a plugin from an archive given as a path or as bytes; refuse it with every reason.

    `plugin.py` defines the functions `detect_changes` and `apply_changes`; manifest and schemas
    come from the archive's JSON files. The code may take `time_limit` seconds to be loaded.
    """
    return _load(_read_archive(source), time_limit)


def load_installed(source: bytes, *, time_limit: float | None = TIME_LIMIT) -> Plugin | None:
    """Load a plugin that was found fit once, elsewhere perhaps, as far as that can be done here.

    What cannot be loaded stands for itself without working; None when not even its manifest can
    be read.
    """
    try:
        contents = _read_archive(source)
    except PluginError:
        return None
    try:
        return _load(contents, time_limit)
    except PluginError as problem:
        key, value = contents.manifest.key, contents.manifest_value
        return UnusablePlugin(key, value, contents.schemas, problem.message)


def _read_archive(source: str | os.PathLike[str] | bytes) -> _Contents:
    """Read what is in an archive without running it; refuse it with every reason."""
    data = source if isinstance(source, bytes) else _read_file(source)
    members = _read_members(data)
    problems: list[str] = []
    manifest_value = _json_member(members, "manifest.json", problems)
    manifest: Manifest | None = None
    if manifest_value is not None:
        try:
            manifest = parse_manifest(manifest_value)
        except PluginError as problem:
            problems += [
                f"Invalid plugin manifest: {text}" for text in problem.details["violations"]
            ]
    schemas = [
        _json_member(members, name, problems)
        for name in sorted(members)
        if name.startswith("schemas/") and name.endswith(".json")
    ]
    if not schemas:
        problems.append("there is no schemas/*.json")
    if manifest is not None and manifest.entry not in members:
        problems.append(f"the entry {manifest.entry!r} is missing")
    if problems or manifest is None:
        raise refusal(problems)
    return _Contents(manifest, manifest_value, schemas, members[manifest.entry])


def _load(contents: _Contents, time_limit: float | None) -> Plugin:
    manifest, value, schemas, code = contents
    if manifest.runtime == "wasm-component-v1":
        from lix_vtab.plugins.wasm import WasmPlugin

        return WasmPlugin(code, value, schemas)
    module = _run_module(manifest.key, manifest.entry, code, time_limit)
    return ArchivedPlugin(manifest.key, value, schemas, module)


def refusal(problems: Sequence[str]) -> PluginError:
    """Build the error that lists why a plugin cannot be used."""
    return PluginError(
        f"the plugin cannot be used: {'; '.join(problems)}",
        hint="docs/plugins.md shows what a plugin needs",
        details={"violations": tuple(problems)},
    )


def _read_file(path: str | os.PathLike[str]) -> bytes:
    try:
        if os.path.getsize(path) > _MOST_BYTES:
            raise refusal([f"{os.fspath(path)} is larger than {_MOST_BYTES} bytes"])
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as problem:
        raise refusal([f"cannot read {os.fspath(path)}: {problem.strerror}"]) from problem


def _read_members(data: bytes) -> dict[str, bytes]:
    import zipfile  # with what it imports, 5 ms; few installs come from an archive

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            problems = _member_problems(infos)
            if problems:
                raise refusal(problems)
            return _unpack(archive, infos)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as problem:
        raise refusal([f"not a readable zip archive: {problem}"]) from problem


def _member_problems(infos: Sequence[zipfile.ZipInfo]) -> list[str]:
    problems = []
    names = [info.filename for info in infos]
    if len(names) > _MOST_MEMBERS:
        problems.append(f"it has {len(names)} members, at most {_MOST_MEMBERS} are allowed")
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.append(f"the member {name!r} occurs more than once")
    for info in infos[:_MOST_MEMBERS]:
        segments = info.orig_filename.split("/")
        if "\\" in info.orig_filename or ":" in segments[0] or {"", ".", ".."} & set(segments):
            problems.append(f"the member name {info.orig_filename!r} leaves the archive")
        if (info.external_attr >> 16) & 0o170000 == 0o120000:
            problems.append(f"the member {info.filename!r} is a link")
        if info.flag_bits & 1:
            problems.append(f"the member {info.filename!r} is encrypted")
        if info.compress_type not in _METHODS:
            problems.append(f"the member {info.filename!r} is neither stored nor deflated")
    if sum(info.file_size for info in infos) > _MOST_BYTES:
        problems.append(f"it unpacks to more than {_MOST_BYTES} bytes")
    return problems


def _unpack(archive: zipfile.ZipFile, infos: Sequence[zipfile.ZipInfo]) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    left = _MOST_BYTES
    for info in infos:
        with archive.open(info) as stream:
            # the size in the header is only a claim
            content = stream.read(left + 1)
        left -= len(content)
        if left < 0:
            raise refusal([f"it unpacks to more than {_MOST_BYTES} bytes"])
        members[info.filename] = content
    return members


def _json_member(members: Mapping[str, bytes], name: str, problems: list[str]) -> Any:
    if name not in members:
        problems.append(f"{name} is missing")
        return None
    try:
        value = parse_json(members[name])
    except ValueError as problem:
        problems.append(f"{name} must be valid JSON: {problem}")
        return None
    if not isinstance(value, dict):
        problems.append(f"{name} must be a JSON object")
        return None
    return value


def _run_module(key: str, entry: str, code: bytes, time_limit: float | None) -> ModuleType:
    name = f"<lixplugin {key}>/{entry}"
    module = ModuleType(f"lix_plugin_{key.replace('-', '_')}")
    module.__file__ = name

    def run() -> None:
        exec(compile(code, name, "exec", dont_inherit=True), module.__dict__)

    try:
        if time_limit is None:
            run()
        else:
            Watchdog().call(time_limit, run)
    except BaseException as problem:
        if interrupts(problem):
            raise
        reason = f"{entry} cannot be loaded: {type(problem).__name__}: {problem}"
        raise refusal([reason]) from problem
    missing = [
        f"{entry} defines no function {name!r}"
        for name in ("detect_changes", "apply_changes")
        if not callable(getattr(module, name, None))
    ]
    if missing:
        raise refusal(missing)
    return module
