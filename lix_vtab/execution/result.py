"""What `execute` returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

__all__ = ["Description", "Result", "Row"]

Row: TypeAlias = tuple[Any, ...]
Description: TypeAlias = tuple[tuple[Any, ...], ...]
"""One tuple per column that starts with its name, as database cursors give it."""


class Result(Sequence[Row]):
    """The rows of a statement, all of them, as tuples.

    `changes` counts the rows an INSERT, UPDATE or DELETE wrote.

    >>> result = Result([(1, "a")], (("id",), ("name",)))
    >>> len(result), result.columns, result[0], list(result)
    (1, ('id', 'name'), (1, 'a'), [(1, 'a')])
    """

    __slots__ = ("_description", "changes", "rows")

    def __init__(
        self,
        rows: list[Row],
        description: Description | Callable[[], Description] = (),
        changes: int = 0,
    ) -> None:
        self.rows = rows
        self.changes = changes
        self._description = description

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns; empty for a statement that returns none."""
        description = self._description
        if callable(description):
            # An empty result costs nothing until somebody asks what its columns were.
            description = self._description = description()
        return tuple([column[0] for column in description])

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def __repr__(self) -> str:
        return f"<Result {len(self.rows)} rows, columns {self.columns}, {self.changes} changes>"
