"""`check()` tells of each kind of damage to the physical tables."""

from __future__ import annotations

import shutil

import apsw
import pytest

import lix_vtab
from tests.state.session import one_property

STATE = (
    "INSERT INTO lix_state_by_version (entity_id, schema_key, file_id, version_id, plugin_key,"
    " schema_version, snapshot_content, untracked)"
    " VALUES (?, 'damaged', 'f', ?, 'lix', '1', '{\"value\":\"x\"}', ?)"
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A database with branches, a checkpoint, an undone commit and an untracked row."""
    path = str(tmp_path_factory.mktemp("sound") / "app.lix")
    with lix_vtab.open(path) as lix:
        lix.register_schema(one_property("damaged"))
        main = lix.active_version.id
        for entity in ("a", "b", "b"):
            lix.execute(STATE, (entity, main, 0))
        lix.execute("DELETE FROM lix_state WHERE entity_id = 'a'")
        lix.execute("INSERT INTO lix_directory (path) VALUES ('/d/')")
        lix.create_checkpoint()
        lix.execute("UPDATE lix_state SET metadata = '1' WHERE entity_id = 'b'")
        lix.create_version("branch", id="branch")
        lix.execute(STATE, ("c", "branch", 0))
        lix.create_checkpoint()
        lix.undo()
        lix.execute(STATE, ("b", main, 1))
        assert lix.check() == []
    return path


DAMAGE = {
    "commit open": (
        "UPDATE lix_internal_commit SET last_change = NULL WHERE seq = 5",
        "not complete",
    ),
    "parent younger": ("UPDATE lix_internal_commit SET parent_seq = 99 WHERE seq = 5", "not older"),
    "parent gone": (
        "INSERT INTO lix_internal_parent SELECT seq, 2, 0 FROM lix_internal_parent LIMIT 1",
        "has a further parent that does not exist",
    ),
    "parents unnumbered": (
        "UPDATE lix_internal_parent SET position = position + 1",
        "are not numbered 1, 2, ..",
    ),
    "parents of nothing": ("UPDATE lix_internal_parent SET seq = seq + 99", "'number 1"),
    "undo of nothing": (
        "UPDATE lix_internal_reversal SET target_seq = 0",
        "undoes or redoes what it cannot",
    ),
    "undo by nothing": ("UPDATE lix_internal_reversal SET seq = 999", "undoes or redoes"),
    "undo of a kind": ("UPDATE lix_internal_reversal SET kind = 'x'", "undoes or redoes"),
    "schema unnamed": (
        "DELETE FROM lix_internal_name WHERE text = 'damaged'",
        "schema, file or plugin whose name is missing",
    ),
    "first name gone": (
        "DELETE FROM lix_internal_name WHERE id = 1",
        "name 'lix' is not the one its number stands for",
    ),
    "first name changed": (
        "UPDATE lix_internal_name SET text = 'xil' WHERE id = 1",
        "name 'lix' is not the one its number stands for",
    ),
    "untracked nowhere": (
        "UPDATE lix_internal_overlay SET version_no = 99",
        "the untracked row of entity 'b' is of a schema, file, plugin or version that is missing",
    ),
    "untracked nonsense": (
        "UPDATE lix_internal_overlay SET snapshot = '{' WHERE entity_id = 'b'",
        "the untracked row of entity 'b' holds what is not JSON",
    ),
    "log nonsense": (
        "UPDATE lix_internal_change SET snapshot = '{' WHERE entity_id = 'b'",
        "not canonical JSON",
    ),
    "version behind": (
        "UPDATE lix_internal_version SET tip_seq = tip_seq - 1 WHERE id = 'branch'",
        "version 'branch' does not stand at the end of its segment",
    ),
    "version elsewhere": (
        "UPDATE lix_internal_version SET segment_id = 1 WHERE id = 'branch'",
        "version 'branch' does not stand at the end of its segment",
    ),
    "segment rootless": (
        "UPDATE lix_internal_segment SET parent_id = NULL WHERE fork_seq IS NOT NULL",
        "starts at a commit that is not in the segment it continues",
    ),
    "segment astray": (
        "UPDATE lix_internal_segment SET fork_seq = fork_seq + 1",
        "starts at a commit that is not in the segment it continues",
    ),
    "segment skipping": (
        "UPDATE lix_internal_segment SET base_seq = base_seq - 1",
        "starts at a commit that is not in the segment it continues",
    ),
    "adopted by nothing": (
        "UPDATE lix_internal_member SET seq = seq + 99",
        "is adopted by a commit that does not exist",
    ),
    "authors nonsense": ("UPDATE lix_internal_commit SET authors = '{' WHERE seq = 5", "no list"),
    "index gone": (
        "DROP INDEX lix_internal_tip_file",
        "the index lix_internal_tip_file is missing",
    ),
    "table gone": (
        "DROP TABLE lix_internal_member",
        "the table lix_internal_member is missing",
    ),
    "directory nonsense": (
        "UPDATE lix_internal_change SET snapshot = '{' WHERE schema_id = 3",
        "not everything can be looked at: SQLError: malformed JSON",
    ),
    "descriptor nonsense": (
        "UPDATE lix_internal_change SET snapshot = '{}' WHERE entity_id = 'branch'",
        "not everything can be looked at: KeyError: 'id'",
    ),
    "no active version": (
        "DELETE FROM lix_internal_overlay WHERE snapshot ->> '$.version_id' IS NOT NULL",
        "no version is active",
    ),
    "unknown active version": (
        "UPDATE lix_internal_overlay SET snapshot = json_set(snapshot, '$.version_id', 'gone')"
        " WHERE snapshot ->> '$.version_id' IS NOT NULL",
        "version 'gone', which is needed, does not exist",
    ),
    "no pointer": (
        "DELETE FROM lix_internal_version WHERE id = 'branch'",
        "version 'branch' has a descriptor and no pointer",
    ),
    "no parent": (
        "UPDATE lix_internal_change SET snapshot ="
        " json_set(snapshot, '$.inherits_from_version_id', 'gone') WHERE entity_id = 'branch'",
        "version 'branch' inherits from 'gone', which does not exist",
    ),
    "own parent": (
        "UPDATE lix_internal_change SET snapshot ="
        " json_set(snapshot, '$.inherits_from_version_id', 'branch') WHERE entity_id = 'branch'",
        "version 'branch' inherits from itself",
    ),
    "working commit shared": (
        "UPDATE lix_internal_version SET working_commit_id = 'one'",
        "has the working commit of another",
    ),
    "row lost": (
        "DELETE FROM lix_internal_tip WHERE entity_id = 'b'",
        "has no successor",
    ),
    "superseded row lost": (
        "DELETE FROM lix_internal_past WHERE entity_id = 'a'",
        "is not what the log says",
    ),
}


@pytest.mark.parametrize(("sql", "told"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_told(sound, tmp_path, sql, told):
    path = str(tmp_path / "damaged.lix")
    shutil.copy(sound, path)
    with apsw.Connection(path) as connection:
        connection.execute(sql)
        assert connection.changes() or sql.startswith("DROP")
    connection.close()
    with lix_vtab.open(path) as lix:
        assert any(told in problem for problem in lix.check()), lix.check()


def test_a_running_transaction_is_no_damage(sound, tmp_path):
    path = str(tmp_path / "running.lix")
    shutil.copy(sound, path)
    with lix_vtab.open(path) as lix:
        main = lix.active_version.id
        lix.execute("BEGIN")
        for version in (main, "branch"):
            lix.execute(STATE, ("new", version, 0))
        lix.execute("INSERT INTO lix_version (id) VALUES ('newer')")
        lix.execute("INSERT INTO lix_file (path, data) VALUES ('/a.json', '{\"a\": 1}')")
        lix.execute("UPDATE lix_state SET metadata = '1' WHERE plugin_key = 'plugin_json'")
        lix.execute("SAVEPOINT s")
        lix.execute("DELETE FROM lix_state WHERE entity_id = 'b'")
        assert lix.check() == []
        lix.execute("ROLLBACK TO s")
        assert lix.check() == []
        lix.connection.execute("COMMIT")
        assert lix.check() == []
