"""What every verb needs of a `Lix`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lix_vtab.session import Session

if TYPE_CHECKING:
    from lix_vtab.execution.executor import Parameters
    from lix_vtab.execution.result import Result

__all__ = ["Verbs"]


class Verbs:
    """The part of a `Lix` its verbs are written against."""

    _session: Session

    if TYPE_CHECKING:

        def execute(
            self, sql: str, params: Parameters = (), *, writer_key: str | None = None
        ) -> Result:
            """Run SQL."""

        def _check_open(self, method: str) -> None:
            """Raise ClosedError naming `method` when the lix is closed."""

    def _call(self, function: str, *args: Any) -> Any:
        """Call one of our SQL functions: the verbs of the facade are those of SQL."""
        self._check_open(function.removeprefix("lix_"))
        marks = ", ".join("?" * len(args))
        return self.execute(f"SELECT {function}({marks})", args).rows[0][0]
