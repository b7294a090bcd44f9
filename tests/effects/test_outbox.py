"""The outbox: what is emitted in a transaction is carried out at least once after its commit."""

from __future__ import annotations

import pytest

import lix_vtab
from lix_vtab.errors import (
    ClosedError,
    InvalidValueError,
    ReadOnlyError,
    TransactionStateError,
    UniqueError,
)
from lix_vtab.model.ids import format_timestamp
from tests.effects.test_journal import elsewhere


class Clock:
    """A clock that is moved by hand; starts a little after now."""

    def __init__(self, lix):
        self.ahead = 1.0
        real = lix._effects.clock
        lix._effects.clock = lambda: real() + self.ahead


@pytest.fixture
def clock(lix):
    return Clock(lix)


def states(lix):
    return lix.execute("SELECT kind, state, attempts FROM lix_effect ORDER BY rowid").rows


def test_an_effect_is_carried_out_once(lix, clock):
    seen = []
    lix.on_effect("mail", seen.append)
    id = lix.emit("mail", {"to": ["a", 1, None]})
    assert seen == []
    delivery = lix.run_effects()
    assert (delivery.done, delivery.failures) == (1, ())
    (effect,) = seen
    assert (effect.id, effect.key, effect.kind, effect.attempt) == (id, id, "mail", 1)
    assert effect.payload == {"to": ["a", 1, None]}
    assert lix.run_effects().done == 0
    assert states(lix) == [("mail", "done", 1)]


def test_only_committed_effects(lix, clock):
    seen = []
    lix.on_effect("k", lambda effect: seen.append(effect.payload))
    with lix.transaction() as transaction:
        lix.emit("k", 1)
        transaction.execute("SAVEPOINT s")
        lix.emit("k", 2)
        transaction.execute("ROLLBACK TO s")
        lix.emit("k", 3)
    with pytest.raises(RuntimeError):
        fail_after(lix, lambda: lix.emit("k", 4))
    assert lix.run_effects().done == 2
    assert seen == [1, 3]


def fail_after(lix, work):
    with lix.transaction():
        work()
        raise RuntimeError


def test_order_kinds_and_limit(lix, clock):
    seen = []
    lix.on_effect("a", lambda effect: seen.append(effect.payload))
    for number in range(5):
        lix.emit("a", number)
        lix.emit("nobody's", number)
    assert lix.run_effects(limit=3).done == 3
    assert lix.run_effects().done == 2
    assert seen == [0, 1, 2, 3, 4]
    assert {row[1] for row in states(lix) if row[0] == "nobody's"} == {"pending"}


def test_a_key_is_emitted_once(lix, clock):
    first = lix.emit("k", 1, key="order-7")
    assert lix.emit("k", 2, key="order-7") == first
    assert lix.execute("SELECT payload FROM lix_effect").rows == [("1",)]
    seen = []
    lix.on_effect("k", lambda effect: seen.append(effect.key))
    lix.run_effects()
    assert lix.emit("k", 3, key="order-7") == first, "also when it is done"
    assert lix.run_effects().done == 0
    assert seen == ["order-7"]


def test_failures_are_tried_again_and_later_each_time(lix, clock):
    tries = []

    def fail(effect):
        tries.append(effect.attempt)
        raise OSError("no route")

    lix.on_effect("k", fail, attempts=3, backoff=1000.0)
    lix.emit("k")
    delivery = lix.run_effects()
    (failure,) = delivery.failures
    assert (delivery.done, failure.dead, str(failure.error)) == (0, False, "no route")
    assert states(lix) == [("k", "pending", 1)]
    assert lix.execute("SELECT error FROM lix_effect").rows == [("OSError: no route",)]
    for ahead, expected in (
        (900, [1]),
        (1100, [1, 2]),
        (3000, [1, 2]),
        (3200, [1, 2, 3]),
        (99_999, [1, 2, 3]),
    ):
        clock.ahead = 1.0 + ahead
        lix.run_effects()
        assert tries == expected
    assert states(lix) == [("k", "dead", 3)]


def test_a_dead_effect_can_be_revived(lix, clock):
    working = False

    def handler(effect):
        if not working:
            raise OSError

    lix.on_effect("k", handler, attempts=1)
    lix.emit("k")
    assert lix.run_effects().failures[0].dead
    working = True
    assert lix.run_effects().done == 0
    lix.execute("UPDATE lix_effect SET state = 'pending' WHERE state = 'dead'")
    assert states(lix) == [("k", "pending", 0)]
    assert lix.run_effects().done == 1
    assert lix.execute("SELECT state, error FROM lix_effect").rows == [("done", None)]


def test_one_failure_does_not_stop_the_others(lix, clock):
    seen = []

    def handler(effect):
        if effect.payload == 1:
            raise ValueError
        seen.append(effect.payload)

    lix.on_effect("k", handler)
    for number in range(3):
        lix.emit("k", number)
    delivery = lix.run_effects()
    assert (delivery.done, len(delivery.failures), seen) == (2, 1, [0, 2])


def test_a_process_that_died_in_between(open_file, tmp_path):
    lix = open_file()
    clock = Clock(lix)
    code = (
        "UPDATE lix_effect SET state = 'running', attempts = 1, due_at = "
        "(SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+300 seconds'))"
    )
    lix.emit("k", 1)
    elsewhere(tmp_path / "app.lix", code)
    seen = []
    lix.on_effect("k", lambda effect: seen.append(effect.attempt))
    assert lix.run_effects().done == 0, "somebody is at it"
    clock.ahead = 301.0
    assert lix.run_effects().done == 1
    assert seen == [2]


def test_an_effect_that_takes_every_process_with_it_is_given_up(lix, clock):
    lix.emit("k", 1)
    lix.execute("UPDATE lix_effect SET state = 'running', attempts = 2, due_at = '2000-01-01'")
    seen = []
    lix.on_effect("k", lambda effect: seen.append(effect.attempt), attempts=2)
    delivery = lix.run_effects()
    (failure,) = delivery.failures
    assert (delivery.done, seen, failure.dead, failure.effect.attempt) == (0, [], True, 2)
    assert isinstance(failure.error, lix_vtab.LixError)
    assert states(lix) == [("k", "dead", 2)]
    assert lix.execute("SELECT error FROM lix_effect").rows == [(failure.error.message,)]
    assert lix.run_effects() == type(delivery)()
    lix.execute("UPDATE lix_effect SET state = 'pending' WHERE state = 'dead'")
    assert lix.run_effects().done == 1
    assert seen == [1]


def test_a_process_told_to_stop_gives_the_effect_back(lix, clock):
    def stop(effect):
        raise KeyboardInterrupt

    lix.on_effect("k", stop)
    lix.emit("k")
    with pytest.raises(KeyboardInterrupt):
        lix.run_effects()
    assert states(lix) == [("k", "pending", 1)]
    lix.on_effect("k", lambda effect: None)
    assert lix.run_effects().done == 1


def test_effects_of_other_connections_and_of_the_past(open_file, tmp_path):
    lix = open_file()
    lix.emit("k", "mine")
    elsewhere(tmp_path / "app.lix", """SELECT lix_emit('k', '"theirs"')""")
    lix.close()
    lix = open_file()
    Clock(lix)
    seen = []
    lix.on_effect("k", lambda effect: seen.append(effect.payload))
    assert lix.run_effects().done == 2
    assert seen == ["mine", "theirs"]


def test_two_runners_share_the_work(open_file):
    one, two = open_file(), open_file()
    seen = []

    def first(effect):
        seen.append(("one", effect.payload))
        if len(seen) == 1:
            two.run_effects()

    one.on_effect("k", first)
    two.on_effect("k", lambda effect: seen.append(("two", effect.payload)))
    Clock(one), Clock(two)
    for number in range(3):
        one.emit("k", number)
    one.run_effects()
    assert seen == [("one", 0), ("two", 1), ("two", 2)]


def test_handlers_may_use_the_lix(lix, clock):
    def handler(effect):
        lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('sent', ?)", (effect.payload,))
        if effect.payload < 2:
            lix.emit("k", effect.payload + 1, key=f"next {effect.payload}")
        lix.execute("DELETE FROM lix_key_value")

    lix.on_effect("k", handler)
    lix.emit("k", 1)
    assert [lix.run_effects().done for _ in range(3)] == [1, 1, 0]


def test_not_inside_a_transaction(lix):
    with lix.transaction(), pytest.raises(TransactionStateError, match="inside a transaction"):
        lix.run_effects()


def test_plain_sql(lix, clock):
    later = format_timestamp(4102444800000)
    lix.execute(
        "INSERT INTO lix_effect (kind, payload, key, due_at) VALUES ('k', '[1]', 'x', ?)", (later,)
    )
    with pytest.raises(UniqueError, match="an effect with key 'x' exists"):
        lix.execute("INSERT INTO lix_effect (kind, key) VALUES ('k', 'x')")
    lix.execute("INSERT OR IGNORE INTO lix_effect (kind, key) VALUES ('k', 'x')")
    lix.execute(
        "INSERT OR REPLACE INTO lix_effect (kind, key, due_at) VALUES ('k', 'x', ?)", (later,)
    )
    assert lix.execute("SELECT payload FROM lix_effect").rows == [("null",)]
    upsert = "INSERT INTO lix_effect (kind, key) VALUES ('k', 'x') ON CONFLICT (key) DO UPDATE SET payload = '2' RETURNING payload, due_at"
    assert lix.execute(upsert).rows == [("2", later)]
    lix.on_effect("k", lambda effect: None)
    assert lix.run_effects().done == 0, "it is not due"
    lix.execute("DELETE FROM lix_effect")
    assert states(lix) == []


def test_triggers_may_emit(lix, clock):
    lix.execute("CREATE TABLE note (text)")
    lix.execute(
        "CREATE TEMP TRIGGER tell AFTER INSERT ON note BEGIN"
        " INSERT INTO lix_effect (kind, payload) VALUES ('note', json_quote(new.text)); END"
    )
    lix.execute("INSERT INTO note VALUES ('a'), ('b')")
    seen = []
    lix.on_effect("note", lambda effect: seen.append(effect.payload))
    lix.run_effects()
    assert seen == ["a", "b"]


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("INSERT INTO lix_effect (payload) VALUES ('1')", InvalidValueError),
        ("INSERT INTO lix_effect (kind, payload) VALUES ('k', '{')", lix_vtab.LixError),
        ("INSERT INTO lix_effect (kind, state) VALUES ('k', 'done')", ReadOnlyError),
        ("SELECT lix_emit(NULL)", InvalidValueError),
        ("UPDATE lix_effect SET state = 'lost'", InvalidValueError),
        ("UPDATE lix_effect SET kind = 'other'", ReadOnlyError),
        ("UPDATE lix_effect SET attempts = 'x'", InvalidValueError),
    ],
)
def test_refusals(lix, sql, error):
    lix.emit("k")
    with pytest.raises(error):
        lix.execute(sql)
    assert states(lix) == [("k", "pending", 0)]


def test_a_closed_lix(lix):
    lix.close()
    for call in (lambda: lix.on_effect("k", print), lix.run_effects, lambda: lix.emit("k")):
        with pytest.raises(ClosedError, match="lix is closed"):
            call()
