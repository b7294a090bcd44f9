"""The slow half of a checker: `jsonschema`, with a budget, for texts and for the last word.

Import this module only when a value was rejected; `jsonschema` takes its time to load.

Where stock `jsonschema` and the compiled validator differ, one implementation serves both:

- `pattern` and property patterns are ECMA-262 in bounded time, not Python's `re`;
- `multipleOf` calculates with exact decimals, so 19.99 is a multiple of 0.01;
- `format` asserts every format of the draft, without optional packages;
- `contentEncoding` and `contentMediaType` assert in drafts 6 and 7;
- `uniqueItems` takes time proportional to the items.

For everything else `jsonschema` decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

import jsonschema
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

from lix_vtab.model.json import Json, canonical_json
from lix_vtab.schema.checker import MAX_VIOLATIONS, FormatProblem, violation_text
from lix_vtab.schema.dialects import DEFAULT, Dialect
from lix_vtab.schema.patterns import matches, options
from lix_vtab.schema.survey import Extent

__all__ = ["Judge"]

_Keyword = Callable[[Any, Any, Any, dict[str, Any]], Iterator[ValidationError] | None]

_BASE_STEPS = 20_000
_STEPS_PER_NODE = 500
_MOST_STEPS = 500_000
_WEIGHT_PER_STEP = 2_000

_QUOTED = 1000
"""Characters of a message up to which the values it quotes are written as JSON."""


class _OutOfSteps(Exception):
    """The budget of one judgement is spent."""


class _Case:
    """What one judgement carries along: the dialect, custom formats and the steps left.

    `jsonschema` hands its `format_checker` to every nested validator, so it travels as that.
    """

    __slots__ = ("dialect", "formats", "known", "quote", "steps")

    def __init__(
        self, dialect: Dialect, formats: Mapping[str, FormatProblem], extent: Extent
    ) -> None:
        self.dialect = dialect
        self.formats = formats
        self.steps = min(_BASE_STEPS + _STEPS_PER_NODE * extent.nodes, _MOST_STEPS)
        self.quote = 1 + extent.weight // _WEIGHT_PER_STEP
        self.known: dict[tuple[int, int], list[tuple[str, tuple[str | int, ...]]]] = {}

    def spend(self, steps: int = 1) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise _OutOfSteps

    def check(self, instance: object, name: str) -> None:
        """Do nothing: the keyword `format` is replaced, only stock classes would call this."""


class Judge:
    """`jsonschema` for one schema."""

    __slots__ = ("_class", "_dialect", "_formats", "_schema")

    def __init__(
        self,
        schema: dict[str, Json],
        dialect: Dialect,
        formats: Mapping[str, FormatProblem],
        *,
        dynamic: bool = True,
    ) -> None:
        """Prepare; `dynamic` tells that there may be references whose meaning varies."""
        # a schema that names its draft would make jsonschema fall back to the stock class
        self._schema = {name: value for name, value in schema.items() if name != "$schema"}
        self._dialect = dialect
        self._formats = formats
        self._class = _validator_class(dialect, remember=not dynamic)

    def violations(self, value: Json, extent: Extent) -> list[str] | None:
        """List the violations, or None when the budget, which grows with `extent`, ran out."""
        case = _Case(self._dialect, self._formats, extent)
        validator = self._class(self._schema, format_checker=case, registry=REGISTRY)
        try:
            errors = list(islice(validator.iter_errors(value), MAX_VIOLATIONS))
        except (_OutOfSteps, RecursionError):
            return None
        return [violation_text(tuple(error.absolute_path), error.message) for error in errors]


@lru_cache(maxsize=16)
def _validator_class(dialect: Dialect, *, remember: bool) -> type[Any]:
    stock = getattr(jsonschema, dialect.reference)
    keywords = dict(stock.VALIDATORS) | {
        "format": _format,
        "multipleOf": _multiple_of,
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
    }
    if "additionalItems" in keywords:
        keywords["additionalItems"] = _additional_items(keywords["additionalItems"])
    if dialect.asserts_content:
        keywords["contentEncoding"] = keywords["contentMediaType"] = _content
    if remember:
        keywords["$ref"] = _remembering(keywords["$ref"])
    counted = {name: _counted(keyword) for name, keyword in keywords.items()}
    extended: type[Any] = extend(stock, validators=counted)
    return extended


def _counted(keyword: _Keyword) -> _Keyword:
    def run(
        validator: Any, argument: Any, instance: Any, schema: dict[str, Any]
    ) -> Iterator[ValidationError]:
        case: _Case = validator.format_checker
        case.spend()
        for error in keyword(validator, argument, instance, schema) or ():
            # the error quotes the instance, which may be most of the value
            case.spend(case.quote)
            if not isinstance(error.validator, str):
                # nobody further in has seen it
                error.message = _quote_json(error.message, instance, argument)
            yield error

    return run


def _quote_json(message: str, instance: Any, argument: Any) -> str:
    """Write as JSON what a message quotes as Python would write it."""
    if len(message) > _QUOTED:
        # it will be cut, and what it quotes would be written for nothing
        return message
    for value, quoted in (
        (instance, not message.startswith(("'", '"'))),
        (argument, message.endswith(("]", "}", "was expected"))),
    ):
        if quoted and (value is None or isinstance(value, bool | list | dict)):
            message = message.replace(repr(value), canonical_json(value), 1)
    return message


def _remembering(reference: _Keyword) -> _Keyword:
    """Judge the same value by the same reference once, however many ways lead there.

    Only where references are static: what a dynamic one means depends on the way.
    """

    def run(
        validator: Any, argument: Any, instance: Any, schema: dict[str, Any]
    ) -> Iterator[ValidationError]:
        case: _Case = validator.format_checker
        key = (id(schema), id(instance))
        known = case.known.get(key)
        if known is None:
            errors = list(reference(validator, argument, instance, schema) or ())
            known = [(error.message, tuple(error.path)) for error in errors]
            case.known[key] = known[:MAX_VIOLATIONS]
        for message, path in known:
            yield ValidationError(message, path=path, validator="$ref")

    return run


def _holds(dialect: Dialect, schema: dict[str, Any], instance: Any) -> bool:
    """Ask the compiled validator about a few keywords."""
    return bool(
        dialect.fast(schema, validate_formats=True, pattern_options=options()).is_valid(instance)
    )


def _format(
    validator: Any, name: Any, instance: Any, schema: dict[str, Any]
) -> Iterator[ValidationError]:
    if not isinstance(instance, str):
        return
    case: _Case = validator.format_checker
    custom = case.formats.get(name)
    if custom is not None:
        problem = custom(instance)
        if problem is not None:
            yield ValidationError(problem)
    elif not _holds(case.dialect, {"format": name}, instance):
        yield ValidationError(f"{instance!r} is not a {name!r}")


def _multiple_of(
    validator: Any, factor: Any, instance: Any, schema: dict[str, Any]
) -> Iterator[ValidationError]:
    if validator.is_type(instance, "number") and not _holds(
        DEFAULT, {"multipleOf": factor}, instance
    ):
        yield ValidationError(f"{instance!r} is not a multiple of {factor}")


def _pattern(
    validator: Any, pattern: str, instance: Any, schema: dict[str, Any]
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not matches(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Any, patterns: dict[str, Any], instance: Any, schema: dict[str, Any]
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    for pattern, below in patterns.items():
        for name, value in instance.items():
            if matches(pattern, name):
                yield from validator.descend(value, below, path=name, schema_path=pattern)


def _additional_properties(
    validator: Any, below: Any, instance: Any, schema: dict[str, Any]
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    named = schema.get("properties", {})
    patterns = schema.get("patternProperties", {})
    extra = [
        name
        for name in instance
        if name not in named and not any(matches(pattern, name) for pattern in patterns)
    ]
    if isinstance(below, dict):
        for name in extra:
            yield from validator.descend(instance[name], below, path=name)
    elif not below and extra:
        listed = ", ".join(repr(name) for name in extra)
        verb = "was" if len(extra) == 1 else "were"
        yield ValidationError(f"Additional properties are not allowed ({listed} {verb} unexpected)")


def _additional_items(stock: _Keyword) -> _Keyword:
    """Skip the keyword beside boolean `items`, which stock jsonschema cannot count."""

    def run(
        validator: Any, below: Any, instance: Any, schema: dict[str, Any]
    ) -> Iterator[ValidationError]:
        if isinstance(schema.get("items"), list):
            yield from stock(validator, below, instance, schema) or ()

    return run


def _unique_items(
    validator: Any, wanted: Any, instance: Any, schema: dict[str, Any]
) -> Iterator[ValidationError]:
    if (
        wanted
        and isinstance(instance, list)
        and not _holds(DEFAULT, {"uniqueItems": True}, instance)
    ):
        yield ValidationError(f"{instance!r} has non-unique elements")


def _content(
    validator: Any, argument: Any, instance: Any, schema: dict[str, Any]
) -> Iterator[ValidationError]:
    """Assert encoding and media type together, as one depends on the other."""
    if not isinstance(instance, str):
        return
    both = [name for name in ("contentEncoding", "contentMediaType") if name in schema]
    if schema[both[0]] is argument and not _holds(
        validator.format_checker.dialect, {name: schema[name] for name in both}, instance
    ):
        content = " and ".join(repr(schema[name]) for name in both)
        yield ValidationError(f"{instance!r} is not {content} content")
