"""Judge values against one JSON Schema: accept fast, explain well, never hang.

The accept path is a compiled validator. Only when it says no does `jsonschema` run, for the text of
the violations and as the final authority; it never re-decides what needs exact decimals, ECMA-262
patterns or formats, which both sides take from the same implementation (see `schema.judge`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from lix_vtab.model.json import Json
from lix_vtab.schema.dialects import Dialect
from lix_vtab.schema.guard import Guard
from lix_vtab.schema.patterns import LONGEST, options
from lix_vtab.schema.pointers import pointer_text
from lix_vtab.schema.survey import MAX_DEPTH, Extent, survey, without_surrogates

if TYPE_CHECKING:
    from lix_vtab.schema.judge import Judge

__all__ = ["MAX_VIOLATIONS", "Checker", "FormatProblem", "violation_text"]

MAX_VIOLATIONS = 100
"""Violations listed before a report breaks off."""

_BIG = 1 << 18
"""Weight of a value whose violations are told without quoting it."""

_TOO_DEEP = f"is nested more than {MAX_DEPTH} levels deep"
_TOO_COMPLEX = "is too large to be checked against a schema this complex"

FormatProblem = Callable[[str], str | None]
"""A custom format: returns what is wrong with a text, None when it is fine."""


class Checker:
    """One compiled schema.

    `accepts(value)` is the hot path: True means valid; False or ValueError mean that
    `violations(value)` has to say.
    """

    __slots__ = ("_compiled", "_dialect", "_formats", "_guard", "_judge", "_schema", "accepts")

    accepts: Callable[[Json], bool]

    def __init__(
        self,
        schema: dict[str, Json],
        dialect: Dialect,
        *,
        guard: Guard | None = None,
        formats: Mapping[str, FormatProblem] | None = None,
        later: bool = False,
    ) -> None:
        """Compile; raise ValueError with the reason when the schema cannot be compiled.

        `later` waits with that until there is a value, for schemas that are known to compile:
        who only reads need not wait for the validator.
        """
        self._schema = schema
        self._dialect = dialect
        # without a guard the schema is trusted, and nothing is known about its references
        self._guard = guard or Guard(dynamic=True)
        self._formats = dict(formats or {})
        self._judge: Judge | None = None
        self._compiled: Any = None
        self.accepts = self._first
        if not later:
            self._compile()

    def violations(self, value: Any) -> list[str]:
        """List what is wrong with `value`, at most `MAX_VIOLATIONS` texts; empty when valid."""
        extent = survey(value)
        if extent.depth > MAX_DEPTH:
            return [_TOO_DEEP]
        if extent.flaw:
            return [extent.flaw]
        try:
            if self._trusts(extent) and self._fast.is_valid(value):
                return []
        except UnicodeEncodeError:
            return self.violations(without_surrogates(value))
        return self._explain(value, extent)

    @property
    def _fast(self) -> Any:
        if self._compiled is None:
            self._compile()
        return self._compiled

    def _first(self, value: Json) -> bool:
        self._compile()
        return self.accepts(value)

    def _compile(self) -> None:
        formats = {name: _accepting(problem) for name, problem in self._formats.items()}
        try:
            self._compiled = self._dialect.fast(
                self._schema,
                formats=formats or None,
                validate_formats=True,
                pattern_options=options(),
                offline=True,
                mask="the value",
            )
        except Exception as error:
            # the library raises its ValidationError, ValueError or ReferencingError here
            raise ValueError(str(error).partition("\n")[0]) from error
        self.accepts = self._compiled.is_valid if self._guard.open else self._screen

    def _screen(self, value: Json) -> bool:
        """Accept ordinary values fast, send the others to the judge."""
        if not self._guard.explosive and self._is_plain(value):
            return bool(self._fast.is_valid(value))
        extent = survey(value)
        if extent.depth <= MAX_DEPTH and self._trusts(extent):
            return bool(self._fast.is_valid(value))
        return False

    def _is_plain(self, value: Json) -> bool:
        """Tell at the cost of one encoding whether a value is shallow and its texts are short.

        The encoder gives up at 254 levels, and no text is longer than the whole.
        """
        try:
            size = len(orjson.dumps(value))
        except TypeError:
            return False
        return size <= LONGEST or not self._guard.heavy

    def _trusts(self, extent: Extent) -> bool:
        """Tell whether the compiled validator ends soon on a value of this extent."""
        guard = self._guard
        return not guard.explosive and (not guard.heavy or extent.longest <= LONGEST)

    def _explain(self, value: Json, extent: Extent) -> list[str]:
        trusted = self._trusts(extent)
        if self._guard.opaque or (trusted and extent.weight > _BIG):
            return self._explain_fast(value) if trusted else [_TOO_COMPLEX]
        if self._judge is None:
            from lix_vtab.schema.judge import Judge

            dynamic = self._guard.dynamic
            self._judge = Judge(self._schema, self._dialect, self._formats, dynamic=dynamic)
        found = self._judge.violations(value, extent)
        if found is None:
            return self._explain_fast(value) if trusted else [_TOO_COMPLEX]
        return found

    def _explain_fast(self, value: Json) -> list[str]:
        errors = islice(self._fast.iter_errors(value), MAX_VIOLATIONS)
        return [violation_text(tuple(error.instance_path), error.message) for error in errors]


def violation_text(path: tuple[str | int, ...], message: str, limit: int = 500) -> str:
    """Write one violation as `<instance-path> <message>`, cut when it quotes something long.

    >>> violation_text(("tags", 0), "1 is not of type 'string'")
    "/tags/0 1 is not of type 'string'"
    """
    if len(message) > limit:
        message = f"{message[: limit // 2]} ... {message[-limit // 2 :]}"
    return f"{pointer_text(path)} {message}".lstrip(" ")


def _accepting(problem: FormatProblem) -> Callable[[str], bool]:
    return lambda text: problem(text) is None
