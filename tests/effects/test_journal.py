"""Following other processes, resuming, and reading the past from the journal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.effects.conftest import put, told

ROOT = Path(__file__).parents[2]
KV = {"schema_keys": ["lix_key_value"]}


def drain(stream):
    batches = []
    while (batch := stream.try_next()) is not None:
        batches.append(batch)
    return batches


def elsewhere(path: Path, *statements: str) -> None:
    """Run statements in another process."""
    code = "import sys, lix_vtab\nwith lix_vtab.open(sys.argv[1]) as lix:\n"
    code += "".join(f"    lix.execute({statement!r})\n" for statement in statements)
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, cwd=ROOT)


def insert(key: str, value: int = 1) -> str:
    return f"INSERT INTO lix_key_value (key, value) VALUES ('{key}', {value})"


def test_following_another_process(open_file, tmp_path):
    lix = open_file()
    follower, plain = lix.commits(**KV, follow=True), lix.commits(**KV)
    lix.execute(insert("a"))
    elsewhere(
        tmp_path / "app.lix",
        insert("b"),
        "UPDATE lix_key_value SET value = 2",
        "DELETE FROM lix_key_value WHERE key = 'a'",
    )
    lix.execute(insert("c"))
    batches = drain(follower)
    assert [told(batch) for batch in batches] == [
        [("insert", "a", 1)],
        [("insert", "b", 1)],
        [("update", "a", 2), ("update", "b", 2)],
        [("delete", "a", 2)],
        [("insert", "c", 1)],
    ]
    assert [batch.sequence for batch in batches] == [batch.commit_sequence for batch in batches]
    assert [told(batch)[0][1] for batch in drain(plain)] == ["a", "c"]


def test_waiting_for_another_process(open_file, tmp_path):
    lix = open_file()
    stream = lix.commits(**KV, follow=True)
    elsewhere(tmp_path / "app.lix", insert("a"))
    assert told(stream.next(timeout=10)) == [("insert", "a", 1)]
    assert stream.next(timeout=0.05) is None


def test_resuming(open_file, tmp_path):
    lix = open_file()
    lix.execute(insert("a"))
    stream = lix.commits(**KV, follow=True)
    lix.execute(insert("b"))
    lix.execute(insert("c"))
    position = stream.try_next().sequence
    lix.close()
    elsewhere(tmp_path / "app.lix", insert("d"))
    lix = open_file()
    resumed = lix.commits(**KV, since=position)
    lix.execute(insert("e"))
    assert [told(batch)[0][1] for batch in drain(resumed)] == ["c", "d", "e"]


def test_from_the_beginning(lix):
    lix.execute(insert("a"))
    everything = drain(lix.commits(since=0))
    stored = [c.entity_id for c in everything[0].changes if c.schema_key == "lix_stored_schema"]
    assert "lix_key_value~1" in stored
    assert told(everything[-1]) == [("insert", "a", 1)]
    sequences = [batch.sequence for batch in everything]
    assert sequences == sorted(set(sequences))


def test_the_past_is_told_as_it_was(lix):
    """Old commits are judged by what their version showed then, not by what it shows now."""
    wanted = {"entity_ids": ["p", "only here"]}
    stream = lix.commits(**wanted)
    put(lix, "p", "global")
    lix.execute("UPDATE lix_key_value SET value = 'own' WHERE key = 'p'")
    lix.execute("DELETE FROM lix_key_value WHERE key = 'p'")
    lix.execute(insert("p", 7))
    draft = lix.create_version("draft")
    lix.switch_version(draft)
    lix.execute("UPDATE lix_key_value SET value = 8 WHERE key = 'p'")
    lix.execute(insert("only here"))
    lix.switch_version("main")
    lix.execute("UPDATE lix_key_value SET value = 9 WHERE key = 'p'")
    lix.rebuild()
    live = [told(batch) for batch in drain(stream)]
    assert live == [
        [("insert", "p", "global")],
        [("update", "p", "own")],
        [("delete", "p", "own")],
        [("insert", "p", 7)],
        [("update", "p", 8)],
        [("insert", "only here", 1)],
        [("update", "p", 9)],
    ]
    assert [told(batch) for batch in drain(lix.commits(**wanted, since=0))] == live


def test_commits_of_one_transaction_on_two_versions(lix):
    stream, follower = lix.commits(**KV), lix.commits(**KV, follow=True)
    with lix.transaction() as transaction:
        put(transaction, "g")
        transaction.execute(insert("m"))
        put(transaction, "g2")
    assert [entity for _, entity, _ in told(stream.try_next())] == ["g", "g2", "m"]
    (batch,) = drain(follower)
    assert len(batch.changes) == 3
    past = drain(lix.commits(entity_ids=["g", "m"], since=0))
    assert [len(batch.changes) for batch in past] == [2, 1], "the journal knows commits"


def test_untracked_rows_of_the_own_connection_are_followed(open_file, tmp_path):
    lix = open_file()
    stream = lix.commits(**KV, follow=True)
    put(lix, "u", untracked=True)
    elsewhere(tmp_path / "app.lix", insert("a"))
    put(lix, "v", untracked=True)
    assert [told(batch)[0][1] for batch in drain(stream)] == ["u", "a", "v"]


def test_a_follower_loses_nothing_to_a_small_queue(lix):
    stream = lix.commits(**KV, follow=True, queue=2)
    for number in range(6):
        lix.execute(insert(f"k{number}"))
    batches = drain(stream)
    assert [told(batch)[0][1] for batch in batches] == [f"k{number}" for number in range(6)]
    assert {batch.dropped for batch in batches} == {0}


def test_nothing_is_read_from_the_journal_inside_a_transaction(lix):
    stream = lix.commits(entity_ids=["a"], since=0)
    with lix.transaction() as transaction:
        transaction.execute(insert("a"))
        inner = lix.commits(**KV, follow=True)
        transaction.execute(insert("b"))
        assert stream.try_next() is None
        assert inner.try_next() is None
    assert [entity for _, entity, _ in told(stream.try_next())] == ["a", "b"]
    assert [entity for _, entity, _ in told(inner.try_next())] == ["a", "b"]


@pytest.mark.parametrize("depth", [1, 12])
def test_long_lineages(lix, depth):
    """A branch of a branch of a branch still knows what it updates."""
    lix.execute(insert("deep"))
    for number in range(depth):
        lix.switch_version(lix.create_version(f"v{number}"))
        lix.execute(insert(f"k{number}"))
    stream = lix.commits(**KV)
    lix.execute("UPDATE lix_key_value SET value = 2 WHERE key IN ('deep', 'k0')")
    lix.execute("DELETE FROM lix_key_value WHERE key = 'k0'")
    assert sorted(told(stream.try_next())) == [("update", "deep", 2), ("update", "k0", 2)]
    assert told(stream.try_next()) == [("delete", "k0", 2)]
