"""What one SQLite transaction means to us: hooks at its edges, and what memory may be trusted.

All virtual tables of one database share a `Transaction`; each forwards the callbacks SQLite makes,
and the first of a kind counts. Pending state is kept in tables, so SQLite's own rollback is exact.
Memory keeps what was written only if it was `settled` then, that is, no savepoint was open that
could undo it without a word: APSW does not deliver xRollbackTo when a Python exception ends a
statement, so a savepoint that was opened and not seen closed may be gone.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Transaction"]

Hook = Callable[[], None]


class Transaction:
    """Fan-out of the transaction callbacks of all our virtual tables in one database."""

    __slots__ = (
        "_after_commit",
        "_at_close",
        "_before_commit",
        "_on_begin",
        "_on_release",
        "_on_rollback",
        "_savepoints",
        "active",
        "epoch",
    )

    def __init__(self) -> None:
        self.active = False
        self.epoch = 0
        self._savepoints: list[int] = []
        self._on_begin: list[Hook] = []
        self._before_commit: list[Hook] = []
        self._at_close: list[Hook] = []
        self._after_commit: list[Hook] = []
        self._on_release: list[Callable[[int], None]] = []
        self._on_rollback: list[Hook] = []

    @property
    def settled(self) -> bool:
        """Tell whether nothing written so far can be undone short of a full rollback."""
        return not self._savepoints

    def stale(self) -> None:
        """Begin another epoch: what was remembered about the database in this one may be wrong."""
        self.epoch += 1

    def on_begin(self, hook: Hook) -> None:
        """Call `hook` when the first of our tables is written to in a transaction."""
        self._on_begin.append(hook)

    @property
    def level(self) -> int:
        """Return the innermost open savepoint, -1 for none."""
        return self._savepoints[-1] if self._savepoints else -1

    def on_release(self, hook: Callable[[int], None]) -> None:
        """Call `hook` when a savepoint ends well, that of a statement included.

        What it raises undoes the whole transaction: SQLite allows no less when a statement ends.
        """
        self._on_release.append(hook)

    def before_commit(self, hook: Hook) -> None:
        """Call `hook` inside the transaction, just before it becomes durable."""
        self._before_commit.append(hook)

    def at_close(self, hook: Hook) -> None:
        """Call `hook` after all `before_commit` hooks, to complete the commits."""
        self._at_close.append(hook)

    def after_commit(self, hook: Hook) -> None:
        """Call `hook` once the transaction is durable; it must not run SQL."""
        self._after_commit.append(hook)

    def on_rollback(self, hook: Hook) -> None:
        """Call `hook` when anything was undone; it must drop whatever memory could be stale."""
        self._on_rollback.append(hook)

    def begin(self) -> None:
        """Note that one of our tables joins the transaction."""
        if not self.active:
            self.active = True
            self._savepoints.clear()
            _run(self._on_begin)

    def sync(self) -> None:
        """Finish everything that must be written before the commit.

        Each table reports it, and a commit that failed is tried again: hooks do nothing when there
        is nothing left to do.
        """
        _run(self._before_commit)
        _run(self._at_close)

    def commit(self) -> None:
        """Publish the transaction."""
        if self.active:
            self.active = False
            self._savepoints.clear()
            _run(self._after_commit)

    def rollback(self) -> None:
        """Forget the transaction."""
        if self.active:
            self.active = False
            self.epoch += 1
            self._savepoints.clear()
            _run(self._on_rollback)

    def savepoint(self, level: int) -> None:
        """Note savepoint `level`; each of our tables in the transaction reports it."""
        self._close(level + 1)
        if not self._savepoints or self._savepoints[-1] < level:
            self._savepoints.append(level)

    def release(self, level: int) -> None:
        """Note that savepoint `level` and all deeper ones were merged into what is around them."""
        for hook in self._on_release:
            hook(level)
        self._close(level)

    def rollback_to(self, level: int) -> None:
        """Note that everything since savepoint `level` was undone; the savepoint itself stays."""
        self._close(level + 1)
        self.epoch += 1
        _run(self._on_rollback)

    def _close(self, level: int) -> None:
        while self._savepoints and self._savepoints[-1] >= level:
            self._savepoints.pop()


def _run(hooks: list[Hook]) -> None:
    for hook in hooks:
        hook()
