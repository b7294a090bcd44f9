"""Opening databases in all the ways that can go wrong."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

import lix_vtab
from lix_vtab import LixError
from lix_vtab.errors import ClosedError, InvalidValueError, VersionNotFound


def test_a_path_object_opens(tmp_path: Path):
    with lix_vtab.open(tmp_path / "app.lix") as lix:
        assert lix.check() == []


def test_a_read_only_session_can_pin_a_version(tmp_path: Path):
    path = str(tmp_path / "app.lix")
    with lix_vtab.open(path) as lix:
        draft = lix.create_version("draft")
    with lix_vtab.open(path, read_only=True, version="draft") as lix:
        assert lix.active_version == draft
        with pytest.raises(LixError):
            lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('a', 1)")


@pytest.mark.parametrize("content", [b"no database at all, just words", None])
def test_what_cannot_be_opened_has_a_code(tmp_path: Path, content: bytes | None):
    path = tmp_path / "app.lix"
    if content is not None:
        path.write_bytes(content * 100)
    with pytest.raises(LixError) as caught:
        lix_vtab.open(str(path), read_only=True)
    assert isinstance(caught.value, apsw.Error)
    assert caught.value.details["path"] == str(path)
    assert caught.value.hint
    assert str(path) in str(caught.value)


def test_a_path_of_the_wrong_type_is_refused():
    with pytest.raises(InvalidValueError, match="open: path must be a path"):
        lix_vtab.open(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("execute", ["SELECT 1"]),
        ("create_version", ["draft"]),
        ("switch_version", ["main"]),
        ("delete_version", ["main"]),
        ("version", ["main"]),
        ("create_checkpoint", []),
        ("register_schema", [{}]),
        ("read_file", ["/a"]),
        ("write_file", ["/a", b""]),
        ("restore", ["HEAD"]),
        ("undo", []),
        ("redo", []),
        ("revert", ["HEAD"]),
        ("rebuild", []),
        ("check", []),
        ("gc", []),
        ("explain", ["SELECT 1"]),
        ("observe", ["SELECT 1"]),
        ("commits", []),
    ],
)
def test_a_closed_lix_says_what_it_cannot_do(verb, arguments):
    lix = lix_vtab.open()
    lix.close()
    lix.close()
    with pytest.raises(ClosedError, match=rf"lix is closed; {verb}\(\) is unavailable"):
        getattr(lix, verb)(*arguments)


def test_an_active_version_that_is_none_is_told():
    with lix_vtab.open(internal=True) as lix:
        lix.execute(
            "UPDATE lix_internal_state_vtable"
            " SET snapshot_content = json_set(snapshot_content, '$.version_id', 'nobody')"
            " WHERE schema_key = 'lix_active_version' AND untracked = 1"
        )
        with pytest.raises(VersionNotFound, match="nobody"):
            _ = lix.active_version
        with pytest.raises(VersionNotFound, match="nobody"):
            lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('a', 1)")
        lix.switch_version("main")
        assert lix.active_version.name == "main"
