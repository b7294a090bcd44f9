"""The part of CEL that needs cel-python; loaded by the first expression that is more than a call.

Evaluation is bounded: an expression has a limited depth, nested macros share one budget of steps,
and the macros cel-python adds to the standard (`.reduce()`, `.min()`) are not available.
"""

from __future__ import annotations

import base64
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, Final

import celpy
import lark
from celpy import celtypes
from celpy.adapter import json_to_cel as to_cel
from celpy.celparser import CELParseError
from celpy.evaluation import Activation, CELEvalError, Evaluator

from lix_vtab.errors import CelError
from lix_vtab.model.ids import Source
from lix_vtab.model.json import Json
from lix_vtab.model.patterns import pattern
from lix_vtab.schema.cel import FUNCTIONS
from lix_vtab.schema.cel_functions import STANDARD

__all__ = ["cel_to_json", "json_to_cel", "parse"]

MAX_TREE_DEPTH: Final = 120
"""Levels of syntax tree; each costs a handful of Python frames."""

MAX_STEPS: Final = 50_000
"""Syntax nodes one evaluation may visit."""

_FOREIGN_MACROS: Final = frozenset({"reduce", "min"})

_OPERAND: Final = "CELEvalError"
_RULE = pattern(r"Token\('RULE', '(\w+)'\)")
_CLASS = pattern(r"<class '(?:\w+\.)*(\w+?)(?:Type)?'>")


class _OutOfSteps(Exception):
    """The budget of one evaluation is spent."""


class _Run:
    """What the evaluators of one evaluation share: steps left, and the operand that failed last.

    Operators that get a failed operand only say that its type does not fit.
    """

    __slots__ = ("failure", "steps")

    def __init__(self) -> None:
        self.steps = MAX_STEPS
        self.failure: CELEvalError | None = None

    def spend(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise _OutOfSteps


class _Bounded(Evaluator):
    """cel-python's evaluator with a budget shared by the evaluators of nested macros."""

    def __init__(self, ast: lark.Tree[Any], activation: Activation, run: _Run) -> None:
        super().__init__(ast, activation)
        self._run = run

    def sub_evaluator(self, ast: lark.Tree[Any]) -> Evaluator:
        return _Bounded(ast, self.activation, self._run)

    def visit_children(self, tree: lark.Tree[Any]) -> list[Any]:
        self._run.spend()
        values = super().visit_children(tree)
        for value in values:
            if isinstance(value, CELEvalError) and _OPERAND not in str(value.args[0]):
                self._run.failure = value
        return values


class _Program:
    """A parsed expression and the names it mentions."""

    __slots__ = ("_names", "_tree", "text")

    def __init__(self, text: str, tree: lark.Tree[Any]) -> None:
        self.text = text
        self._tree = tree
        self._names = frozenset(_identifiers(tree))

    def evaluate(self, variables: Mapping[str, Json], source: Source) -> Json:
        """Evaluate with the variables the expression mentions."""
        context = {name: json_to_cel(variables[name]) for name in self._names if name in variables}
        functions: dict[str, Any] = dict(STANDARD)
        functions |= {
            name: partial(_call, function, source) for name, function in FUNCTIONS.items()
        }
        activation = Activation(functions=functions)
        run = _Run()
        try:
            value = _Bounded(self._tree, activation, run).evaluate(context)
        except CELEvalError as error:
            hidden = _OPERAND in str(error.args[0]) and run.failure
            raise self._failure(_reason(hidden or error)) from error
        except _OutOfSteps:
            raise self._failure(f"it takes more than {MAX_STEPS} steps") from None
        except RecursionError:
            raise self._failure("it is nested too deeply") from None
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # cel-python lets some Python errors of its functions escape
            raise self._failure(str(error)) from error
        return cel_to_json(value)

    def _failure(self, reason: str) -> CelError:
        return CelError(f"failed to evaluate CEL expression '{self.text}': {reason}")


def parse(text: str) -> _Program:
    """Parse any expression; raise CelError when it is none."""
    try:
        tree = _environment().compile(text)
    except CELParseError as error:
        raise _parse_failure(text, _first_line(error)) from None
    except (RecursionError, lark.exceptions.LarkError, ValueError) as error:
        raise _parse_failure(text, _first_line(error)) from None
    if _depth(tree) > MAX_TREE_DEPTH:
        raise _parse_failure(text, "it is nested too deeply")
    foreign = _FOREIGN_MACROS.intersection(_methods(tree))
    if foreign:
        raise _parse_failure(text, f"CEL has no macro {min(foreign)!r}")
    return _Program(text, tree)


def json_to_cel(value: Json) -> Any:
    """Convert a JSON value; integers become CEL ints.

    >>> json_to_cel([1, True, None])
    ListType([IntType(1), BoolType(True), None])
    """
    try:
        return to_cel(value)
    except (ValueError, RecursionError) as error:
        raise CelError(f"failed to convert JSON value to CEL value: {error}") from error


def cel_to_json(value: Any) -> Json:
    """Convert a CEL value; bytes become base64, timestamps RFC 3339, durations nanoseconds."""
    if value is None:
        return None
    if isinstance(value, celtypes.BoolType | bool):
        return bool(value)
    if isinstance(value, celtypes.TimestampType):
        return _moment(value)
    if isinstance(value, celtypes.DurationType):
        return round(value.total_seconds() * 1_000_000) * 1000
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if isinstance(value, celtypes.MapType):
        return {_key(key): cel_to_json(item) for key, item in value.items()}
    if isinstance(value, celtypes.ListType):
        return [cel_to_json(item) for item in value]
    shown = "a function or a type" if callable(value) else repr(value)[:200]
    raise CelError(f"failed to convert CEL value to JSON value: {shown}")


def _moment(value: datetime) -> str:
    """Write a moment as RFC 3339; cel-python leaves out the fraction of the second."""
    seconds = value.replace(microsecond=0).isoformat().replace("+00:00", "Z")
    fraction = f".{value.microsecond:06}".rstrip("0") if value.microsecond else ""
    return f"{seconds[:19]}{fraction}{seconds[19:]}"


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise CelError(
            "failed to convert CEL value to JSON value: a lone surrogate is not text"
        ) from None
    return str(value)


@lru_cache(maxsize=1)
def _environment() -> celpy.Environment:
    """Build the parser once; cel-python raises the recursion limit of the process on the way."""
    limit = sys.getrecursionlimit()
    try:
        return celpy.Environment()
    finally:
        sys.setrecursionlimit(limit)


def _call(function: Callable[[Source], str], source: Source) -> celtypes.StringType:
    return celtypes.StringType(function(source))


def _key(key: Any) -> str:
    plain = cel_to_json(key)
    return plain if isinstance(plain, str) else str(plain).lower()


def _trees(tree: lark.Tree[Any]) -> Iterable[lark.Tree[Any]]:
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        pending += [child for child in node.children if isinstance(child, lark.Tree)]


def _identifiers(tree: lark.Tree[Any]) -> Iterable[str]:
    for node in _trees(tree):
        for child in node.children:
            if isinstance(child, lark.Token) and child.type == "IDENT":
                yield child.value


def _methods(tree: lark.Tree[Any]) -> Iterable[str]:
    for node in _trees(tree):
        if node.data == "member_dot_arg":
            yield str(node.children[1])


def _depth(tree: lark.Tree[Any]) -> int:
    depth = 0
    level = [tree]
    while level:
        depth += 1
        level = [child for node in level for child in node.children if isinstance(child, lark.Tree)]
    return depth


def _reason(error: CELEvalError) -> str:
    """Say in one line what cel-python says in many."""
    text = str(error.args[0])
    if text.startswith("undeclared reference to "):
        return f"Undeclared reference to '{text.split()[3].strip(chr(39))}'"
    if text.startswith("return error for overflow") and len(error.args) > 2:
        return str(error.args[2][0]) if error.args[2] else text
    return _CLASS.sub(lambda match: match[1].lower(), _RULE.sub(r"\1", text))


def _first_line(error: Exception) -> str:
    """Keep the place an error points at, not the drawing."""
    line, column = getattr(error, "line", None), getattr(error, "column", None)
    if line is not None and column is not None:
        return f"syntax error at line {line}, column {column}"
    return str(error).strip().partition("\n")[0] or "syntax error"


def _parse_failure(text: str, reason: str) -> CelError:
    shown = text if len(text) <= 200 else f"{text[:200]}..."
    return CelError(
        f"failed to parse CEL expression '{shown}': {reason}",
        hint="see https://cel.dev for the language",
    )
