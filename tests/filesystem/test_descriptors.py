"""Snapshots of files and directories, and the values of their columns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lix_vtab.errors import CorruptError, InvalidValueError
from lix_vtab.filesystem.descriptors import Directory, File, blob_ref_snapshot
from lix_vtab.filesystem.values import content_bytes, hidden_flag, json_text, json_value
from lix_vtab.model.json import canonical_json

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
ids = st.one_of(st.none(), names)
jsons = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
)


@given(names, ids, names, ids, jsons, st.booleans())
def test_a_file_comes_back_from_its_snapshot(
    id: str, parent: str | None, name: str, extension: str | None, metadata: object, hidden: bool
) -> None:
    file = File(id, parent, name, extension, metadata, hidden)
    snapshot = canonical_json(file.snapshot())
    assert File.parse(snapshot) == file
    assert set(file.snapshot()) == {
        "id", "directory_id", "name", "extension", "metadata", "hidden",
    }  # fmt: skip


@given(names, ids, names, st.booleans())
def test_a_directory_comes_back_from_its_snapshot(
    id: str, parent: str | None, name: str, hidden: bool
) -> None:
    directory = Directory(id, parent, name, hidden)
    assert Directory.parse(canonical_json(directory.snapshot())) == directory


def test_a_file_is_described_by_its_segment() -> None:
    file = File.at("f", "d", "archive.tar.gz")
    assert file == File("f", "d", "archive.tar", "gz", None, False)
    assert file.segment == "archive.tar.gz"
    assert File("f", None, "plain", "").segment == "plain"


def test_a_blob_ref_names_file_hash_and_size() -> None:
    assert blob_ref_snapshot("f", "ab", 7) == {"id": "f", "blob_hash": "ab", "size_bytes": 7}


@pytest.mark.parametrize("snapshot", ["", "[]", "5", "null", "{}", '{"id":"x"}'])
def test_what_is_no_descriptor_is_reported(snapshot: str) -> None:
    for kind in (File, Directory):
        with pytest.raises(CorruptError, match="does not have the properties") as caught:
            kind.parse(snapshot)
        assert caught.value.details["snapshot"] == snapshot


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", b""),
        ("é", b"\xc3\xa9"),
        (b"\0\xff", b"\0\xff"),
        (bytearray(b"x"), b"x"),
        (memoryview(b"x"), b"x"),
    ],
)
def test_content_is_bytes_or_text(value: object, expected: bytes | None) -> None:
    assert content_bytes(value) == expected


@pytest.mark.parametrize("value", [5, 1.5])
def test_numbers_are_no_content(value: object) -> None:
    with pytest.raises(InvalidValueError, match=f"file data .* not the number {value}"):
        content_bytes(value)


def test_hidden_takes_every_spelling_of_a_boolean() -> None:
    assert [hidden_flag(value) for value in (True, 1, "true", "1")] == [True] * 4
    assert [hidden_flag(value) for value in (False, 0, "false", "0", None)] == [False] * 5


@pytest.mark.parametrize("value", [2, -1, 1.0, "yes", "", b"1", [1]])
def test_hidden_takes_nothing_else(value: object) -> None:
    with pytest.raises(InvalidValueError, match="hidden must be true or false"):
        hidden_flag(value)


@given(jsons)
def test_json_columns_show_what_they_were_set_to(value: object) -> None:
    text = json_text(value)
    assert json_value("metadata", text) == value
    assert json_text(json_value("metadata", text)) == text


@pytest.mark.parametrize("value", ["plain", "", "{", "NaN", '{"a":1,}'])
def test_invalid_json_is_refused(value: str) -> None:
    with pytest.raises(InvalidValueError, match="metadata holds invalid JSON"):
        json_value("metadata", value)


@pytest.mark.parametrize(("value", "kind"), [(5, "the number 5"), (b"{}", "a blob")])
def test_json_columns_take_text(value: object, kind: str) -> None:
    with pytest.raises(InvalidValueError, match=f"lixcol_metadata must be JSON text, not {kind}"):
        json_value("lixcol_metadata", value)
