"""A state machine holds the database against plain dictionaries, step by step."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import lix_vtab
from lix_vtab import errors
from tests.state.model import Key, Line, Model, Row
from tests.state.session import one_property

S = "model_schema"
BY_VERSION = "lix_state_by_version"
RAW = "lix_internal_state_vtable"

keys = st.tuples(st.sampled_from(("e0", "e1", "e2", "e3")), st.sampled_from(("f0", "f1")))
values = st.sampled_from((None, "x", "y", "z"))
notes = st.sampled_from((None, '{"m":1}'))
writers = st.sampled_from((None, None, "w"))
picks = st.integers(0, 11)
layers = st.sampled_from((False, False, True))


def content(value: str | None) -> str | None:
    return None if value is None else json.dumps({"value": value}, separators=(",", ":"))


class Histories(RuleBasedStateMachine):
    """Writes, branches, moves and undoes in the database and in the model alike."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = str(Path(self.folder.name) / "app.lix")
        self.lix = self.open()
        self.lix.register_schema(one_property(S))
        main = self.lix.active_version.id
        self.model = Model({"global": Line(None), main: Line("global")}, main)
        self.stack: list[Model] = []
        self.commits: dict[str, dict[Key, Row]] = {}
        self.unreal: set[str] = set()
        self.tips: dict[str, str] = {}
        self.listed: dict[str, str | None] = {}
        self.count = 0
        self.settle()

    def open(self) -> lix_vtab.Lix:
        lix = lix_vtab.open(self.path, internal=True)
        lix.connection.execute("PRAGMA synchronous = OFF")
        return lix

    def teardown(self) -> None:
        if self.stack:
            self.lix.execute("ROLLBACK")
        assert self.lix.check() == []
        self.lix.close()
        self.folder.cleanup()

    # choosing

    def version(self, pick: int) -> str:
        names = sorted(self.model.lines)
        return names[pick % len(names)]

    def fresh(self, stem: str) -> str:
        self.count += 1
        return f"{stem}-{self.count}"

    def run(self, sql: str, *params: Any, writer: str | None = None) -> lix_vtab.Result:
        return self.lix.execute(sql, params, writer_key=writer)

    # transactions

    def settle(self) -> None:
        """After a commit: tips moved exactly where something was written; note what they show."""
        self.forgive()
        if self.stack:
            return
        tips = dict(self.run("SELECT id, commit_id FROM lix_version"))
        assert set(tips) == set(self.model.lines)
        for version, tip in tips.items():
            before = self.tips.get(version)
            rows = dict(self.model.lines[version].tracked)
            # whether moving a tip is itself a commit on global is not a rule of the model
            free = version in self.model.moved or (version == "global" and self.model.moved)
            if before is not None and not free:
                changed = rows != self.commits[before]
                changed |= version == "global" and self.family() != self.listed
                assert tip == before or version in self.model.wrote, version
                assert tip != before or not changed, version
            assert self.commits.setdefault(tip, rows) == rows, "a commit never changes"
        self.tips = tips
        self.listed = self.family()
        self.model.wrote.clear()
        self.model.moved.clear()

    def family(self) -> dict[str, str | None]:
        """Return who inherits from whom, which is what `global` keeps besides rows."""
        return {version: line.parent for version, line in self.model.lines.items()}

    def forgive(self) -> None:
        """Drop tombstones that may be missing: the transaction made the row and unmade it."""
        if not self.stack:
            return
        stored = set(self.run(f"SELECT version_id, entity_id, file_id FROM {RAW}"))
        missing = [
            (version, key)
            for version, line in self.model.lines.items()
            for key in line.tracked
            if (version, *key) not in stored
        ]
        while needless := [m for m in missing if self.model.needless(*m, self.stack[0])]:
            for version, key in needless:
                del self.model.lines[version].tracked[key]
                missing.remove((version, key))

    @precondition(lambda self: not self.stack)
    @rule()
    def begin(self) -> None:
        self.run("BEGIN")
        self.stack = [self.model.copy()]

    @precondition(lambda self: self.stack)
    @rule()
    def commit(self) -> None:
        self.run("COMMIT")
        self.stack = []
        self.settle()

    @precondition(lambda self: self.stack)
    @rule()
    def rollback(self) -> None:
        self.run("ROLLBACK")
        self.model = self.stack[0]
        self.stack = []
        self.settle()

    @precondition(lambda self: 0 < len(self.stack) < 5)
    @rule()
    def savepoint(self) -> None:
        self.run(f"SAVEPOINT s{len(self.stack)}")
        self.stack.append(self.model.copy())

    @precondition(lambda self: len(self.stack) > 1)
    @rule(pick=picks)
    def rollback_to(self, pick: int) -> None:
        level = 1 + pick % (len(self.stack) - 1)
        self.run(f"ROLLBACK TO s{level}")
        self.model = self.stack[level].copy()
        del self.stack[level + 1 :]

    @precondition(lambda self: len(self.stack) > 1)
    @rule(pick=picks)
    def release(self, pick: int) -> None:
        level = 1 + pick % (len(self.stack) - 1)
        self.run(f"RELEASE s{level}")
        del self.stack[level:]

    # writing

    @rule(
        pick=picks,
        key=keys,
        value=values,
        note=notes,
        untracked=layers,
        writer=writers,
        raw=st.booleans(),
    )
    def insert(
        self,
        pick: int,
        key: Key,
        value: str | None,
        note: str | None,
        untracked: bool,
        writer: str | None,
        raw: bool,
    ) -> None:
        version = self.version(pick)
        self.run(
            f"INSERT INTO {RAW if raw else BY_VERSION} (entity_id, file_id, schema_key, version_id,"
            " plugin_key, schema_version, snapshot_content, metadata, untracked)"
            f" VALUES (?, ?, '{S}', ?, 'lix', '1', ?, ?, ?)",
            *key,
            version,
            content(value),
            note,
            int(untracked),
            writer=writer,
        )
        self.model.put(version, key, Row(value, note, writer), untracked=untracked)
        self.settle()

    @rule(chosen=st.lists(keys, min_size=1, max_size=4), untracked=layers)
    def insert_several_into_the_active_version(self, chosen: list[Key], untracked: bool) -> None:
        stem = self.fresh("v")
        rows = [(key, f"{stem}.{position}") for position, key in enumerate(chosen)]
        self.run(
            "INSERT INTO lix_state (entity_id, file_id, schema_key, plugin_key, schema_version,"
            f" snapshot_content, untracked) SELECT value ->> 0, value ->> 1, '{S}', 'lix', '1',"
            f" json_object('value', value ->> 2), {int(untracked)} FROM json_each(?)",
            json.dumps([(*key, value) for key, value in rows]),
        )
        for key, value in rows:
            self.model.put(self.model.active, key, Row(value), untracked=untracked)
        self.settle()

    @rule(pick=picks, key=keys, writer=writers)
    def update_one(self, pick: int, key: Key, writer: str | None) -> None:
        version, value = self.version(pick), self.fresh("u")
        result = self.run(
            f"UPDATE {BY_VERSION} SET snapshot_content = ?"
            f" WHERE schema_key = '{S}' AND version_id = ? AND entity_id = ? AND file_id = ?",
            content(value),
            version,
            *key,
            writer=writer,
        )
        found = self.model.find(version, key)
        assert result.changes == (found is not None)
        if found:
            row = Row(value, found.row.metadata, writer)
            self.model.update(version, key, found, row)
        self.settle()

    @rule()
    def update_all_of_the_active_version(self) -> None:
        value = self.fresh("a")
        result = self.run(
            f"UPDATE lix_state SET snapshot_content = ? WHERE schema_key = '{S}'", content(value)
        )
        matched = self.model.visible(self.model.active)
        assert result.changes == len(matched)
        for key, found in matched.items():
            row = Row(value, found.row.metadata)
            self.model.update(self.model.active, key, found, row)
        self.settle()

    @rule(entity=st.sampled_from(("e0", "e1")))
    def update_everywhere(self, entity: str) -> None:
        value = self.fresh("w")
        result = self.run(
            f"UPDATE {BY_VERSION} SET snapshot_content = ?"
            f" WHERE schema_key = '{S}' AND entity_id = ?",
            content(value),
            entity,
        )
        matched = self.matches(entity)
        assert result.changes == len(matched)
        for version, key, found in matched:
            self.model.update(version, key, found, Row(value, found.row.metadata))
        self.settle()

    @rule(pick=picks)
    def rewrite_own_rows(self, pick: int) -> None:
        """Assign every own row its own content: only a writer key can change by that."""
        version = self.version(pick)
        self.run(
            f"UPDATE {BY_VERSION} SET snapshot_content = snapshot_content"
            f" WHERE schema_key = '{S}' AND version_id = ? AND inherited_from_version_id IS NULL",
            version,
        )
        for key, found in self.model.visible(version).items():
            if found.origin == version:
                row = Row(found.row.value, found.row.metadata)
                self.model.update(version, key, found, row)
        self.settle()

    @rule(pick=picks, key=keys, writer=writers)
    def delete_one(self, pick: int, key: Key, writer: str | None) -> None:
        version = self.version(pick)
        result = self.run(
            f"DELETE FROM {BY_VERSION}"
            f" WHERE schema_key = '{S}' AND version_id = ? AND entity_id = ? AND file_id = ?",
            version,
            *key,
            writer=writer,
        )
        found = self.model.find(version, key)
        assert result.changes == (found is not None)
        if found:
            self.model.delete(version, key, found, writer)
        self.settle()

    @rule(file=st.sampled_from(("f0", "f1")))
    def delete_a_file_of_the_active_version(self, file: str) -> None:
        self.run(f"DELETE FROM lix_state WHERE schema_key = '{S}' AND file_id = ?", file)
        for key, found in self.model.visible(self.model.active).items():
            if key[1] == file:
                self.model.delete(self.model.active, key, found, None)
        self.settle()

    @rule(entity=st.sampled_from(("e0", "e1")))
    def delete_everywhere(self, entity: str) -> None:
        result = self.run(
            f"DELETE FROM {BY_VERSION} WHERE schema_key = '{S}' AND entity_id = ?", entity
        )
        matched = self.matches(entity)
        assert result.changes == len(matched)
        for version, key, found in matched:
            self.model.delete(version, key, found, None)
        self.settle()

    def matches(self, entity: str) -> list[tuple[str, Key, Any]]:
        """Return what an unqualified statement meets, as it was when the statement began."""
        return [
            (version, key, found)
            for version in self.model.lines
            for key, found in self.model.visible(version).items()
            if key[0] == entity
        ]

    @rule(pick=picks, key=keys)
    def fail(self, pick: int, key: Key) -> None:
        """Insert two good rows, then a bad one: nothing may remain."""
        version = self.version(pick)
        rows = [(*key, content("good")), ("new", "new-file", content("good")), (*key, "{}")]
        with pytest.raises(errors.SchemaValidationError):
            self.run(
                f"INSERT INTO {BY_VERSION} (entity_id, file_id, schema_key, version_id,"
                f" plugin_key, schema_version, snapshot_content) SELECT value ->> 0, value ->> 1,"
                f" '{S}', ?, 'lix', '1', value ->> 2 FROM json_each(?)",
                version,
                json.dumps(rows),
            )
        self.settle()

    # versions

    @precondition(lambda self: len(self.model.lines) < 7)
    @rule(pick=picks, parent=picks, old=st.booleans())
    def branch(self, pick: int, parent: int, old: bool) -> None:
        name, heir_of = self.fresh("b"), self.version(parent)
        source = self.version(pick)
        rows = self.model.lines[source].tracked
        real = sorted(set(self.commits) - self.unreal)
        if old and real:
            source = real[pick % len(real)]
            rows = self.commits[source]
        elif self.tip(source) in self.unreal:
            return
        self.lix.create_version(name, id=name, source=source, inherits_from=heir_of)
        self.model.lines[name] = Line(heir_of, dict(rows))
        self.model.wrote.add("global")
        self.settle()

    def tip(self, version: str) -> str:
        return self.run("SELECT commit_id FROM lix_version WHERE id = ?", version).rows[0][0]

    @rule(pick=picks)
    def switch(self, pick: int) -> None:
        self.model.active = self.version(pick)
        self.lix.switch_version(self.model.active)
        self.settle()

    @rule(pick=picks, place=st.integers(0, 1000), unknown=st.sampled_from((0, 0, 0, 1)))
    def move_tip(self, pick: int, place: int, unknown: int) -> None:
        version = self.version(pick)
        if version == "global":  # it holds the list of versions
            return
        known = sorted(self.commits)
        commit = self.fresh("unknown") if unknown else known[place % len(known)]
        if unknown:
            self.unreal.add(commit)
            self.commits[commit] = {}
        self.run(
            "UPDATE lix_version SET commit_id = ?, working_commit_id = ? WHERE id = ?",
            commit,
            self.fresh("working"),
            version,
        )
        self.model.lines[version].tracked = dict(self.commits[commit])
        self.model.moved[version] = dict(self.commits[commit])
        self.settle()

    @rule(pick=picks, parent=picks)
    def reparent(self, pick: int, parent: int) -> None:
        version, heir_of = self.version(pick), self.version(parent)
        if version == "global":
            return
        sql = "UPDATE lix_version SET inherits_from_version_id = ? WHERE id = ?"
        if version in self.model.chain(heir_of):
            with pytest.raises(errors.LixError, match="cycle"):
                self.run(sql, heir_of, version)
        else:
            self.run(sql, heir_of, version)
            if self.model.lines[version].parent != heir_of:
                self.model.lines[version].parent = heir_of
                self.model.wrote.add("global")
        self.settle()

    @rule(pick=picks)
    def delete_version(self, pick: int) -> None:
        version = self.version(pick)
        parents = {line.parent for line in self.model.lines.values()}
        if version in parents | {"global", self.model.active}:
            with pytest.raises(errors.VersionError):
                self.lix.delete_version(version)
        else:
            self.lix.delete_version(version)
            del self.model.lines[version]
            self.model.wrote.add("global")
        self.settle()

    # renewing

    @precondition(lambda self: not self.stack)
    @rule()
    def reopen(self) -> None:
        self.lix.close()
        self.lix = self.open()

    @precondition(lambda self: not self.stack)
    @rule()
    def rebuild(self) -> None:
        self.lix.rebuild()
        assert self.lix.check() == []

    # comparing

    @initialize()
    def start(self) -> None:
        """Give every run something to look at."""
        self.insert(0, ("e0", "f0"), "first", None, False, None, True)
        self.insert(1, ("e1", "f0"), "second", None, False, None, True)

    @invariant()
    def visible_rows_agree(self) -> None:
        found = {
            (version, (entity, file)): rest
            for version, entity, file, *rest in self.run(
                "SELECT version_id, entity_id, file_id, json_extract(snapshot_content, '$.value'),"
                " metadata, writer_key, untracked, inherited_from_version_id"
                f" FROM {BY_VERSION} WHERE schema_key = '{S}'"
            )
        }
        assert found == {
            (version, key): [
                seen.row.value,
                seen.row.metadata,
                seen.row.writer,
                int(seen.untracked),
                None if seen.origin == version else seen.origin,
            ]
            for version in self.model.lines
            for key, seen in self.model.visible(version).items()
        }

    @invariant()
    def the_active_version_agrees(self) -> None:
        found = self.run(
            "SELECT entity_id, file_id, json_extract(snapshot_content, '$.value')"
            f" FROM lix_state WHERE schema_key = '{S}'"
        ).rows
        assert sorted(found) == sorted(
            (*key, seen.row.value) for key, seen in self.model.visible(self.model.active).items()
        )

    @invariant()
    def stored_rows_agree(self) -> None:
        found = {
            (version, (entity, file)): rest
            for version, entity, file, *rest in self.run(
                "SELECT version_id, entity_id, file_id, json_extract(snapshot_content, '$.value'),"
                f" metadata, writer_key, untracked FROM {RAW} WHERE schema_key = '{S}'"
            )
            if version in self.model.lines
        }
        assert found == {
            (version, key): [row.value, row.metadata, row.writer, int(untracked)]
            for version in self.model.lines
            for key, (row, untracked) in self.model.stored(version).items()
        }


def test_database_agrees_with_the_model() -> None:
    """Forty histories of fifty steps."""
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=40, stateful_step_count=50, deadline=None, report_multiple_bugs=False
        ),
    )


@pytest.mark.slow
def test_database_agrees_with_the_model_at_length() -> None:
    """Five hundred histories of a hundred steps."""
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=500,
            stateful_step_count=100,
            deadline=None,
            derandomize=False,
            report_multiple_bugs=False,
        ),
    )
