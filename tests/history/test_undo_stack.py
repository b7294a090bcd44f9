"""What undo and redo find, against two stacks, and what finding it costs."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

import lix_vtab
from tests.history.test_keys import steps_of

actions = st.lists(
    st.one_of(
        st.sampled_from(["undo", "redo", "write", "checkpoint", "branch"]),
        st.tuples(st.sampled_from(["undo", "redo"]), st.integers(1, 3)),
    ),
    max_size=24,
)


class Stacks:
    """The states before each commit that can be undone, and after each that can be redone."""

    def __init__(self):
        self.state = 0
        self.done = []
        self.undone = []
        self.writes = 0

    def write(self):
        self.writes += 1
        self.done.append(self.state)
        self.state = self.writes
        self.undone = []

    def undo(self):
        if self.done:
            self.undone.append(self.state)
            self.state = self.done.pop()

    def redo(self):
        if self.undone:
            self.done.append(self.state)
            self.state = self.undone.pop()


@given(actions)
def test_undo_and_redo_are_two_stacks(world, actions):
    with world([]) as made:
        lix, model = made.lix, Stacks()
        lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('k', '0')")
        lix.create_version("line", id="line")
        lix.switch_version("line")
        for action in actions:
            if action == "write":
                model.write()
                lix.execute("UPDATE lix_key_value SET value = ?", (str(model.state),))
            elif action == "checkpoint":
                lix.create_checkpoint()
            elif action == "branch":
                made_version = lix.create_version()
                lix.switch_version(made_version)
                model.done, model.undone = [], []
            else:
                verb, count = action if isinstance(action, tuple) else (action, 1)
                for _ in range(count):
                    getattr(model, verb)()
                    with suppress(lix_vtab.errors.NothingToUndo, lix_vtab.errors.NothingToRedo):
                        getattr(lix, verb)()
            shown = lix.execute("SELECT value FROM lix_key_value WHERE key = 'k'").rows
            assert shown == [(str(model.state),)]
        assert lix.check() == []


def test_the_cost_does_not_grow_with_what_was_undone_before():
    with lix_vtab.open() as lix:
        lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('k', '0')")
        lix.execute("UPDATE lix_key_value SET value = '1'")

        def there_and_back():
            return [steps_of(lix.connection, f"SELECT lix_{verb}()") for verb in ("undo", "redo")]

        def written_and_undone(n):
            lix.execute("UPDATE lix_key_value SET value = ?", (f"w{n}",))
            lix.undo()

        early = there_and_back()
        for _ in range(60):
            there_and_back()
        for n in range(60):
            written_and_undone(n)
        lix.execute("UPDATE lix_key_value SET value = 'last'")
        late = there_and_back()
        assert all(after <= before + 4 for before, after in zip(early, late, strict=True))
        lix.undo(2)
        lix.redo(2)
        assert lix.execute("SELECT value FROM lix_key_value WHERE key = 'k'").rows == [("last",)]


def test_what_others_did_in_between_does_not_confuse_it(tmp_path):
    path = str(tmp_path / "two.lix")
    with lix_vtab.open(path) as one, lix_vtab.open(path) as other:
        insert = "INSERT INTO lix_key_value (key, value) VALUES (?, '1')"
        keys = "SELECT key FROM lix_key_value_at('HEAD') ORDER BY key"
        for lix, key in ((one, "a"), (other, "x"), (one, "b"), (other, "y")):
            lix.execute(insert, (key,))
        one.undo(2, own=True)
        assert one.execute(keys).rows == [("x",), ("y",)]
        other.undo()
        assert one.execute(keys).rows == [("x",)]
        other.undo()
        assert one.execute(keys).rows == []
        other.redo()
        assert one.execute(keys).rows == [("x",)]
        one.redo(own=True)
        assert one.execute(keys).rows in ([("a",), ("x",)], [("b",), ("x",)])
        assert one.check() == []
