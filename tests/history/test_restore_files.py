"""Going back inside files: what was not meant stays, what entities do not tell comes back."""

from __future__ import annotations

import pytest

import lix_vtab
from lix_vtab.plugins import BUILTIN, EntityChange

MANIFEST = {
    "key": "words",
    "runtime": "python",
    "api_version": "0.1.0",
    "match": {"path_glob": "*.words"},
}
WORD = {
    "x-lix-key": "word",
    "x-lix-version": "1",
    "x-lix-primary-key": ["/id"],
    "type": "object",
    "required": ["id", "text"],
    "additionalProperties": False,
    "properties": {"id": {"type": "string"}, "text": {"type": "string"}},
}


class Words:
    """The words of a file are its entities; what is between them is not told by any."""

    key = "words"
    manifest = MANIFEST
    schemas = (WORD,)

    def detect_changes(self, before, after, state_context):
        old = self._words(before)
        new = self._words(after)
        for id in sorted(old.keys() | new.keys()):
            if old.get(id) != new.get(id):
                text = new.get(id)
                yield EntityChange(id, "word", None if text is None else {"id": id, "text": text})

    def apply_changes(self, file, changes):
        words = self._words(file)
        for change in changes:
            if change.snapshot_content is None:
                words.pop(change.entity_id, None)
            else:
                words[change.entity_id] = change.snapshot_content["text"]
        return " ".join(words[id] for id in sorted(words)).encode()

    @staticmethod
    def _words(file):
        listed = file.data.decode().split() if file is not None and file.data else []
        return {str(number): word for number, word in enumerate(listed)}


@pytest.fixture
def w():
    with lix_vtab.open(plugins=[*BUILTIN, Words()]) as lix:
        yield lix


def put(lix, path, data):
    lix.execute(
        "INSERT INTO lix_file (path, data) VALUES (?, ?)"
        " ON CONFLICT (path) DO UPDATE SET data = excluded.data",
        (path, data),
    )
    return lix.active_version.commit_id


def data(lix, path="/f.words"):
    ((found,),) = lix.execute("SELECT data FROM lix_file WHERE path = ?", (path,)).rows
    return found


def test_formatting_alone_can_be_taken_back(w):
    first = put(w, "/f.words", "one two")
    second = put(w, "/f.words", "one   two")
    assert w.execute("SELECT count(*) FROM lix_diff(?, ?)", (first, second)).rows == [(0,)]
    for back, again in (
        (lambda: w.undo(), lambda: w.redo()),
        (lambda: w.restore(first), lambda: w.restore(second)),
        (lambda: w.restore(first, paths="/f.words"), lambda: w.restore(second, paths="/f.words")),
        (lambda: w.revert(second), lambda: w.undo()),
    ):
        back()
        assert data(w) == b"one two"
        again()
        assert data(w) == b"one   two"
    assert w.check() == []


def test_formatting_somebody_changed_since_is_a_conflict(w):
    put(w, "/f.words", "one two")
    second = put(w, "/f.words", "one   two")
    put(w, "/f.words", "one\ntwo")
    with pytest.raises(lix_vtab.LixError, match="changed since") as caught:
        w.revert(second)
    assert caught.value.code == "LIX_MERGE_CONFLICT"
    assert [c["schema_key"] for c in caught.value.details["conflicts"]] == ["lix_file_descriptor"]
    assert data(w) == b"one\ntwo"


def test_restoring_one_file_leaves_the_formatting_of_others(w):
    put(w, "/g.words", "three four")
    first = put(w, "/f.words", "one two")
    put(w, "/f.words", "one   two")
    put(w, "/g.words", "three   four")
    w.restore(first, paths="/f.words")
    assert data(w) == b"one two"
    assert data(w, "/g.words") == b"three   four"


def test_reverting_one_part_keeps_later_changes_of_others(w):
    put(w, "/f.json", '{\n  "a": 1,\n  "b": 1\n}\n')
    second = put(w, "/f.json", '{\n  "a": 2,\n  "b": 1\n}\n')
    put(w, "/f.json", '{\n  "a": 2,\n  "b": 2\n}\n')
    w.revert(second)
    assert data(w, "/f.json") == b'{\n  "a": 1,\n  "b": 2\n}\n'
    assert w.check() == []


def test_reverting_a_rename_keeps_later_content(w):
    put(w, "/f.json", '{"a":1}')
    w.execute("UPDATE lix_file SET path = '/g.json'")
    renamed = w.active_version.commit_id
    put(w, "/g.json", '{"a":2}')
    w.revert(renamed)
    assert data(w, "/f.json") == b'{"a":2}'


def test_reverting_content_keeps_a_later_rename(w):
    put(w, "/f.txt", "one\n")
    changed = put(w, "/f.txt", "two\n")
    w.execute("UPDATE lix_file SET path = '/g.txt'")
    w.revert(changed)
    assert data(w, "/g.txt") == b"one\n"


def test_restoring_an_entity_leaves_the_rest_of_its_file(w):
    first = put(w, "/f.json", '{"a":1,"b":1}')
    put(w, "/f.json", '{"a":2,"b":2}')
    ((file_id,),) = w.execute("SELECT id FROM lix_file").rows
    w.restore(
        first,
        entities=[{"schema_key": "json_pointer", "entity_id": "/a", "file_id": file_id}],
    )
    assert data(w, "/f.json") == b'{"a":1,"b":2}'


def test_restoring_all_entities_of_a_file_brings_back_its_bytes(w):
    first = put(w, "/f.words", "one\t\ttwo")
    put(w, "/f.words", "three four")
    ((file_id,),) = w.execute("SELECT id FROM lix_file").rows
    w.restore(
        first,
        entities=[{"schema_key": "word", "entity_id": n, "file_id": file_id} for n in "01"],
    )
    assert data(w) == b"one\t\ttwo"


def test_an_undo_that_finds_nothing_to_do_is_remembered(tmp_path):
    path = str(tmp_path / "two.lix")
    with lix_vtab.open(path) as one, lix_vtab.open(path) as other:
        one.execute("INSERT INTO lix_key_value (key, value) VALUES ('before', '1')")
        one.execute("INSERT INTO lix_key_value (key, value) VALUES ('k', '1')")
        other.execute("DELETE FROM lix_key_value WHERE key = 'k'")
        theirs = other.active_version.commit_id
        made = one.undo(own=True)
        assert made != theirs
        assert other.execute("SELECT message FROM lix_log LIMIT 1").rows[0][0].startswith("Undo")
        one.undo(own=True)
        assert one.execute("SELECT key FROM lix_key_value_at('HEAD')").rows == []
        with pytest.raises(lix_vtab.LixError, match="no commit to undo"):
            one.undo(own=True)
        assert one.check() == []
