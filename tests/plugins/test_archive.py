"""Archives: plugins as one file, and everything an archive must not do."""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lix_vtab.errors import PluginError
from lix_vtab.plugins import File, PluginRegistry, load_archive
from lix_vtab.plugins.run import apply, detect

MANIFEST = {
    "key": "upper",
    "runtime": "python",
    "api_version": "1.0.0",
    "match": {"path_glob": "*.upper"},
}
SCHEMA = {"x-lix-key": "upper", "x-lix-version": "1", "type": "object"}
CODE = """
from lix_vtab.plugins import EntityChange

def detect_changes(before, after, state_context):
    yield EntityChange("all", "upper", {"id": "all", "text": after.data.decode()})

def apply_changes(file, changes):
    return changes[0].snapshot_content["text"].encode()
"""
MEMBERS = {
    "manifest.json": json.dumps(MANIFEST),
    "schemas/upper.json": json.dumps(SCHEMA),
    "plugin.py": CODE,
}


def pack(members: Mapping[str, Any], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def refused(data: bytes, *texts: str) -> None:
    with pytest.raises(PluginError) as caught:
        load_archive(data)
    for text in texts:
        assert text in str(caught.value)


def test_an_archive_becomes_a_plugin() -> None:
    plugin = PluginRegistry([load_archive(pack(MEMBERS))]).match("/a.upper")
    assert plugin is not None
    assert (plugin.key, list(plugin.schemas)) == ("upper", [SCHEMA])
    file = File("f", "/a.upper", b"hello")
    (change,) = detect(plugin, None, file).changes
    assert change.snapshot_text == '{"id":"all","text":"hello"}'
    changes = list(plugin.detect_changes(None, file, None))
    assert apply(plugin, file, changes) == b"hello"


def test_an_archive_may_be_a_path_and_name_another_entry(tmp_path: Path) -> None:
    members = {
        **MEMBERS,
        "manifest.json": json.dumps({**MANIFEST, "entry": "src/main.py"}),
        "src/main.py": CODE,
        "README.md": "more",
        "schemas/": "",
    }
    path = tmp_path / "upper.lixplugin"
    path.write_bytes(pack(members, zipfile.ZIP_STORED))
    assert load_archive(path).key == load_archive(str(path)).key == "upper"


def test_a_missing_file_is_a_plugin_error(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"cannot read .*No such file"):
        load_archive(tmp_path / "none.lixplugin")
    large = tmp_path / "large.lixplugin"
    with large.open("wb") as stream:
        stream.truncate(65 * 1024 * 1024)
    with pytest.raises(PluginError, match="is larger than"):
        load_archive(large)


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all", pack(MEMBERS)[:200]])
def test_what_is_no_zip(data: bytes) -> None:
    refused(data, "not a readable zip archive")


def test_damaged_content() -> None:
    data = bytearray(pack(MEMBERS, zipfile.ZIP_STORED))
    data[data.index(b"lix_vtab.plugins")] ^= 1
    refused(bytes(data), "not a readable zip archive")


def test_every_reason_is_named() -> None:
    broken = {"manifest.json": json.dumps({**MANIFEST, "key": "UP", "entry": ""})}
    refused(pack(broken), "/key must be", "/entry must be", "there is no schemas/*.json")
    refused(pack({}), "manifest.json is missing", "there is no schemas/*.json")
    refused(pack({**MEMBERS, "manifest.json": "{"}), "manifest.json must be valid JSON")
    refused(pack({**MEMBERS, "manifest.json": "[]"}), "manifest.json must be a JSON object")
    refused(pack({**MEMBERS, "schemas/b.json": "nope"}), "schemas/b.json must be valid JSON")
    without = {name: text for name, text in MEMBERS.items() if name != "plugin.py"}
    refused(pack(without), "the entry 'plugin.py' is missing")


@pytest.mark.parametrize(
    "name",
    ["../evil.py", "/etc/passwd", "a/../../b", "a//b", "./a", "c:/x", "a\\b", "..\\evil"],
)
def test_names_that_leave_the_archive(name: str) -> None:
    info = zipfile.ZipInfo("placeholder")
    info.filename = name
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(info, "x")
    refused(packed.getvalue(), "leaves the archive")


def test_names_that_occur_twice() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("manifest.json", "{}")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("manifest.json", "{}")
    refused(packed.getvalue(), "'manifest.json' occurs more than once")


def test_links() -> None:
    info = zipfile.ZipInfo("plugin.py")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    refused(packed.getvalue(), "'plugin.py' is a link")


def test_encrypted_and_exotic_members() -> None:
    data = bytearray(pack(MEMBERS))
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = data.index(signature)
        data[at + offset] |= 1
    refused(bytes(data), "is encrypted")
    refused(pack(MEMBERS, zipfile.ZIP_BZIP2), "is neither stored nor deflated")


def test_bombs() -> None:
    refused(pack({"a": b"\0" * (65 * 1024 * 1024)}), "unpacks to more than")
    refused(pack({f"f{at}": "" for at in range(300)}), "it has 300 members")
    # a member that claims to be small
    data = bytearray(pack({"a": b"\0" * (65 * 1024 * 1024)}))
    at = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 10)
    with pytest.raises(PluginError):
        load_archive(bytes(data))


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("x = (", "plugin.py cannot be loaded: SyntaxError"),
        ("1/0", "plugin.py cannot be loaded: ZeroDivisionError"),
        ("import nothing_like_this", "ModuleNotFoundError"),
        ("raise SystemExit(3)", "plugin.py cannot be loaded: SystemExit"),
        ("detect_changes = 1", "defines no function 'detect_changes'"),
        ("def detect_changes(*a): return []", "defines no function 'apply_changes'"),
    ],
)
def test_code_that_cannot_be_used(code: str, text: str) -> None:
    refused(pack({**MEMBERS, "plugin.py": code}), text)


def test_code_that_does_not_end() -> None:
    with pytest.raises(PluginError, match="stopped after"):
        load_archive(pack({**MEMBERS, "plugin.py": "while True: pass"}), time_limit=0.1)
