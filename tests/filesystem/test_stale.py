"""A stale read is impossible: bytes always are those of the entities a version shows.

The machine writes bytes and entities, tracked and untracked, in a tree of versions, moves files,
branches, deletes and brings back, in transactions that are kept, undone in part or undone. After
every step it compares what each version reads with what its entities spell.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import lix_vtab
from lix_vtab.plugins import EntityChange, File, Replacement
from tests.filesystem.toys import Toy

FILES = ["f", "g"]
VERSIONS = ["main", "child", "grandchild", "side"]
words = st.lists(st.sampled_from(["", "a", "b", "c"]), max_size=4)
gaps = st.sampled_from([" ", "  ", "\n"])
files = st.sampled_from(FILES)
versions = st.sampled_from(VERSIONS)


class Spaced(Toy):
    """A toy whose words say their place, and whose spaces stay while the words do."""

    def words(self, data: bytes) -> dict[str, str]:
        return dict(word.split(":") for word in data.decode().split())

    def apply_changes(self, file: File, changes: Sequence[EntityChange]) -> bytes:
        words = sorted(f"{c.entity_id}:{c.snapshot_content['value']}" for c in changes)
        return file.data if file.data.decode().split() == words else " ".join(words).encode()


class Replacing(Spaced):
    """The same, and edits are put into the bytes as they were."""

    def replace_entities(
        self, file: File, replacements: Sequence[Replacement], state_context: object
    ) -> bytes | None:
        text = f" {file.data.decode()} "
        for before, after in replacements:
            was, now = (
                f"{change.entity_id}:{change.snapshot_content['value']}"
                for change in (before, after)
            )
            if text.split().count(was) != 1:
                raise AssertionError(f"{was} is not in {text!r}")
            text = text.replace(was, now)
        return text[1:-1].encode()


def spell(words: list[str], gap: str = " ") -> bytes:
    return gap.join(f"{n:03}:{word}" for n, word in enumerate(words) if word).encode()


class Stale(RuleBasedStateMachine):
    path = ":memory:"
    plugin: type[Spaced] = Spaced

    @initialize()
    def start(self) -> None:
        self.lix = lix_vtab.open(self.path, plugins=[self.plugin()], internal=True)
        self.ids = {"main": self.lix.active_version.id}
        for name, parent in (("child", "main"), ("grandchild", "child"), ("side", None)):
            inherits = self.ids[parent] if parent else "global"
            self.ids[name] = self.lix.create_version(name, inherits_from=inherits).id
        for file in FILES:
            self._insert(file, "main", spell(["a", "b"]), 0)

    def teardown(self) -> None:
        if hasattr(self, "lix"):
            if self.lix.connection.in_transaction:
                self.lix.connection.execute("COMMIT")
            assert self.lix.check() == []
            self.lix.close()

    def _insert(self, file: str, version: str, data: bytes, untracked: int) -> None:
        self.lix.execute(
            "INSERT INTO lix_file_by_version (id, path, data, lixcol_version_id, lixcol_untracked)"
            " VALUES (?, ?, ?, ?, ?)",
            (file, f"/{file}.words", data, self.ids[version], untracked),
        )

    def _shown(self, file: str, version: str) -> bool:
        found = self.lix.execute(
            "SELECT 1 FROM lix_file_by_version WHERE id = ? AND lixcol_version_id = ?",
            (file, self.ids[version]),
        )
        return len(found) == 1

    # -- bytes

    @rule(file=files, version=versions, text=words, gap=gaps)
    def write_bytes(self, file: str, version: str, text: list[str], gap: str) -> None:
        data = spell(text, gap)
        self.lix.execute(
            "UPDATE lix_file_by_version SET data = ? WHERE id = ? AND lixcol_version_id = ?",
            (data, file, self.ids[version]),
        )
        if self._shown(file, version):
            assert self._read(file, version) == data

    @rule(file=files, version=versions, text=words, untracked=st.integers(0, 1))
    def insert(self, file: str, version: str, text: list[str], untracked: int) -> None:
        if not self._shown(file, version):
            data = spell(text)
            self._insert(file, version, data, untracked)
            assert self._read(file, version) == data

    @rule(file=files, version=versions, kind=st.sampled_from(["words", "bin", "words"]))
    def rename(self, file: str, version: str, kind: str) -> None:
        before = self._read(file, version) if self._shown(file, version) else None
        self.lix.execute(
            "UPDATE lix_file_by_version SET path = ? WHERE id = ? AND lixcol_version_id = ?",
            (f"/{version}/{file}.{kind}", file, self.ids[version]),
        )
        if before is not None:
            assert self._read(file, version) == before

    @rule(file=files, version=versions)
    def delete(self, file: str, version: str) -> None:
        self.lix.execute(
            "DELETE FROM lix_file_by_version WHERE id = ? AND lixcol_version_id = ?",
            (file, self.ids[version]),
        )

    # -- entities

    @rule(
        file=files,
        version=versions,
        place=st.integers(0, 3),
        word=st.sampled_from(["x", "y", "z"]),
        untracked=st.integers(0, 1),
    )
    def write_entity(self, file: str, version: str, place: int, word: str, untracked: int) -> None:
        self.lix.execute(
            "INSERT INTO lix_state_by_version (entity_id, schema_key, file_id, version_id,"
            " plugin_key, schema_version, snapshot_content, untracked)"
            " VALUES (?1, 'toy_word', ?2, ?3, 'toy_words', '1',"
            " json_object('path', ?1, 'value', ?4), ?5)",
            (f"{place:03}", file, self.ids[version], word, untracked),
        )

    @rule(file=files, version=versions, place=st.integers(0, 3))
    def delete_entity(self, file: str, version: str, place: int) -> None:
        self.lix.execute(
            "DELETE FROM lix_state_by_version WHERE entity_id = ? AND file_id = ?"
            " AND version_id = ? AND schema_key = 'toy_word'",
            (f"{place:03}", file, self.ids[version]),
        )

    # -- versions

    @precondition(lambda self: len(self.ids) < 8)
    @rule(version=versions)
    def branch(self, version: str) -> None:
        name = f"branch{len(self.ids)}"
        self.ids[name] = self.lix.create_version(
            name, source=self.ids[version], inherits_from=self.ids["main"]
        ).id

    @precondition(lambda self: not self.lix.connection.in_transaction)
    @rule()
    def rebuild(self) -> None:
        self.lix.rebuild()

    # -- transactions

    @rule()
    def begin_or_commit(self) -> None:
        inside = self.lix.connection.in_transaction
        self.lix.connection.execute("COMMIT" if inside else "BEGIN")

    @precondition(lambda self: self.lix.connection.in_transaction)
    @rule()
    def roll_back(self) -> None:
        known = set(self.ids)
        self.lix.connection.execute("ROLLBACK")
        self._forget_lost(known)

    @rule(file=files, version=versions, text=words, word=st.sampled_from(["p", "q"]))
    def undo_in_part(self, file: str, version: str, text: list[str], word: str) -> None:
        self.lix.connection.execute("SAVEPOINT part")
        self.write_entity(file, version, 0, word, 0)
        self.spelled_as_shown()
        self.write_bytes(file, version, text, " ")
        self.lix.connection.execute("ROLLBACK TO part; RELEASE part")

    @rule(file=files, version=versions, word=st.sampled_from(["p", "q"]))
    def fail_in_the_middle(self, file: str, version: str, word: str) -> None:
        with pytest.raises(lix_vtab.LixError):
            self.lix.execute(
                "INSERT INTO lix_state_by_version (entity_id, schema_key, file_id, version_id,"
                " plugin_key, schema_version, snapshot_content)"
                " SELECT e, 'toy_word', ?1, ?2, 'toy_words', '1', s FROM ("
                " SELECT '000' AS e, json_object('path', '000', 'value', ?3) AS s"
                ' UNION ALL SELECT \'001\', \'{"path":"wrong","value":1}\')',
                (file, self.ids[version], word),
            )

    def _forget_lost(self, known: set[str]) -> None:
        present = {row[0] for row in self.lix.execute("SELECT id FROM lix_version")}
        self.ids = {name: id for name, id in self.ids.items() if id in present}

    # -- what must hold

    def _read(self, file: str, version: str) -> bytes:
        ((data,),) = self.lix.execute(
            "SELECT data FROM lix_file_by_version WHERE id = ? AND lixcol_version_id = ?",
            (file, self.ids[version]),
        )
        return bytes(data)

    @invariant()
    def spelled_as_shown(self) -> None:
        if hasattr(self, "lix"):
            self.compare()

    def compare(self) -> None:
        for name, id in self.ids.items():
            for file in FILES:
                if self._shown(file, name):
                    spelled = self.lix.execute(
                        "SELECT entity_id || ':' || (snapshot_content ->> '$.value')"
                        " FROM lix_state_by_version"
                        " WHERE file_id = ? AND version_id = ? AND schema_key = 'toy_word'"
                        " AND plugin_key = 'toy_words' ORDER BY entity_id",
                        (file, id),
                    ).rows
                    blob = self.lix.execute(
                        "SELECT 1 FROM lix_state_by_version WHERE file_id = ? AND version_id = ?"
                        " AND schema_key = 'lix_binary_blob_ref'",
                        (file, id),
                    ).rows
                    if not blob:
                        text = self._read(file, name).decode()
                        assert text.split() == [word for (word,) in spelled], (name, file)


class TwoConnections(Stale):
    """The same, compared through a second connection that keeps what it has seen."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = f"{self.folder.name}/app.lix"

    def compare(self) -> None:
        super().compare()
        if not self.lix.connection.in_transaction:
            if not hasattr(self, "other"):
                self.other = lix_vtab.open(self.path, plugins=[Spaced()])
            self.lix, self.other = self.other, self.lix
            super().compare()
            self.lix, self.other = self.other, self.lix

    def teardown(self) -> None:
        if hasattr(self, "other"):
            self.other.close()
        super().teardown()
        self.folder.cleanup()


TwoConnections.TestCase.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
test_no_read_of_another_connection_is_stale = TwoConnections.TestCase

Stale.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
test_no_read_is_stale = Stale.TestCase


class Edited(Stale):
    """The same with a plugin that need not see all entities to write some."""

    plugin = Replacing


Edited.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
test_no_read_is_stale_after_edits = Edited.TestCase


class LongEdited(Edited):
    """The same, for longer."""


LongEdited.TestCase.settings = settings(max_examples=400, stateful_step_count=60, deadline=None)
test_no_read_is_stale_after_edits_for_long = pytest.mark.slow(LongEdited.TestCase)


class LongStale(Stale):
    """The same, for longer."""


LongStale.TestCase.settings = settings(max_examples=400, stateful_step_count=60, deadline=None)
test_no_read_is_stale_for_long = pytest.mark.slow(LongStale.TestCase)
