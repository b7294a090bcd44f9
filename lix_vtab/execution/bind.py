"""Number the placeholders of a script, once, from left to right across all its statements.

`?` takes the next ordinal; `?N` and `$N` take N and move the counter up to at least N. Each
statement is given only the parameters it names, renumbered densely, so a long script never copies
the whole list. `:name`, `@name` and `$name` take their values from a mapping.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lix_vtab.execution.contracts import (
    BoundScript,
    BoundStatement,
    ParsedScript,
    Placeholder,
    Statement,
)
from lix_vtab.execution.errors import PlaceholderError

__all__ = ["bind", "check_parameters", "explicit_text", "take"]

_UNSUPPORTED = "unsupported SQL placeholder format"


def bind(parsed: ParsedScript) -> BoundScript:
    """Return the script with every placeholder tied to one parameter of the call."""
    counter = 0
    bound: list[BoundStatement] = []
    names: dict[str, None] = {}
    alone = len(parsed.statements) == 1
    for statement in parsed.statements:
        if any(_is_named(mark) for mark in statement.placeholders):
            bound.append(_bind_names(statement))
            names.update(dict.fromkeys(bound[-1].names))
        else:
            one, counter = _bind_ordinals(statement, counter, alone=alone)
            bound.append(one)
    if names and counter:
        raise PlaceholderError(
            "a text cannot mix positional placeholders with named ones",
            hint="use ?, ?N or $N with a sequence, or :name, @name or $name with a mapping",
        )
    return BoundScript(parsed.sql, tuple(bound), counter, tuple(names))


def _is_named(mark: Placeholder) -> bool:
    first, rest = mark.text[0], mark.text[1:]
    if first == "?":
        return False
    if not rest:
        raise PlaceholderError(
            f"invalid SQL placeholder '{mark.text}'", hint="a name follows the mark, as in :name"
        )
    return not (first == "$" and rest.isdecimal())


def _bind_names(statement: Statement) -> BoundStatement:
    """Give each distinct name the next number at its first use, as SQLite does."""
    local: dict[str, int] = {}
    for mark in statement.placeholders:
        if not _is_named(mark):
            raise PlaceholderError(
                f"statement mixes the positional placeholder '{mark.text}' with named ones",
                hint="use ?, ?N or $N with a sequence, or :name, @name or $name with a mapping",
            )
        local.setdefault(mark.text, len(local) + 1)
    indexes = tuple(local[mark.text] for mark in statement.placeholders)
    names = tuple(text[1:] for text in local)
    return BoundStatement(statement, statement.text, (), names, indexes)


def _bind_ordinals(
    statement: Statement, counter: int, *, alone: bool
) -> tuple[BoundStatement, int]:
    """Return the statement with its ordinals, and the counter after it."""
    marks = statement.placeholders
    if all(mark.text == "?" for mark in marks):
        count = len(marks)
        run, numbers = range(counter, counter + count), range(1, count + 1)
        return BoundStatement(statement, statement.text, run, (), numbers), counter + count
    given: list[int] = []
    for mark in marks:
        given.append(_number(mark, counter))
        counter = max(counter, given[-1])
    if alone:
        # SQLite numbers ? and ?N by the same rule; only $N means something else to it.
        text = _dollars_replaced(statement, given)
        return BoundStatement(statement, text, range(counter), (), tuple(given)), counter
    dense = {number: index for index, number in enumerate(dict.fromkeys(given), 1)}
    indexes = tuple(dense[number] for number in given)
    text = explicit_text(statement, indexes)
    local = tuple(number - 1 for number in dense)
    return BoundStatement(statement, text, local, (), indexes), counter


def _number(mark: Placeholder, counter: int) -> int:
    """Return the 1-based ordinal of a positional placeholder."""
    digits = mark.text[1:]
    if not digits:
        return counter + 1
    if len(digits) > 9 or int(digits) == 0:
        raise PlaceholderError(
            f"invalid SQL placeholder '{mark.text}'", hint="placeholders are numbered from 1"
        )
    return int(digits)


def _dollars_replaced(statement: Statement, numbers: Sequence[int]) -> str:
    """Return the text with `$N` turned into `?N`, unchanged when there is none."""
    if any(mark.text[0] == "$" for mark in statement.placeholders):
        return explicit_text(statement, numbers)
    return statement.text


def explicit_text(statement: Statement, indexes: Sequence[int]) -> str:
    """Return the text with every placeholder written as `?N` by `indexes`."""
    parts: list[str] = []
    position = 0
    for mark, index in zip(statement.placeholders, indexes, strict=True):
        # A digit directly behind the mark cannot be: the tokenizer would have taken it in.
        parts += (statement.text[position : mark.start], f"?{index}")
        position = mark.end
    parts.append(statement.text[position:])
    return "".join(parts)


def take(
    ordinals: Sequence[int], names: Sequence[str], params: Sequence[Any] | Mapping[str, Any]
) -> Sequence[Any]:
    """Return the values one statement asks for, in the order of its local numbers."""
    if isinstance(params, Mapping):
        return tuple(params[name] for name in names)
    if isinstance(ordinals, range):
        if ordinals.start == 0 and ordinals.stop == len(params):
            return params
        return params[ordinals.start : ordinals.stop]
    return tuple(params[ordinal] for ordinal in ordinals)


def check_parameters(script: BoundScript, params: Sequence[Any] | Mapping[str, Any]) -> None:
    """Raise `PlaceholderError` unless `params` has what `script` asks for.

    Extra values of a sequence are ignored; extra names of a mapping are most likely a typing
    mistake and refused.
    """
    if isinstance(params, Mapping):
        _check_mapping(script, params)
    elif isinstance(params, Sequence) and not isinstance(params, str):
        _check_sequence(script, params)
    else:
        raise PlaceholderError(
            f"parameters must be a sequence or a mapping, not {type(params).__name__}",
            hint="a single value needs a sequence around it, too: (5,)",
        )


def _check_mapping(script: BoundScript, params: Mapping[str, Any]) -> None:
    for name in script.names:
        if name not in params:
            raise PlaceholderError(
                f"no parameter named '{name}' was provided",
                hint=f"the text names: {', '.join(script.names)}",
                details={"missing": name},
            )
    extra = [name for name in params if name not in script.names]
    if extra or script.width:
        found = (
            f"parameter '{extra[0]}' is not used by any placeholder"
            if extra
            else ("positional placeholders need a sequence of parameters, not a mapping")
        )
        named = ", ".join(script.names)
        raise PlaceholderError(
            found,
            hint=f"the text names: {named}" if named else "the text names no parameter",
            details={"extra": extra},
        )


def _check_sequence(script: BoundScript, params: Sequence[Any]) -> None:
    if script.names:
        mark = next(mark for one in script.statements for mark in one.statement.placeholders)
        fault = "invalid SQL placeholder" if mark.text[0] == "$" else _UNSUPPORTED
        raise PlaceholderError(
            f"{fault} '{mark.text}' for a sequence of parameters",
            hint="pass a mapping of names to values",
        )
    counter = 0
    for one in script.statements:
        for mark in one.statement.placeholders:
            number = _number(mark, counter)
            counter = max(counter, number)
            if number > len(params):
                raise PlaceholderError(
                    f"placeholder '{mark.text}' references parameter {number} but only"
                    f" {len(params)} parameters were provided",
                    hint="give one value for each placeholder",
                    details={"placeholder": mark.text, "provided": len(params)},
                )
