"""Defaults of absent properties.

One rule for every way a row comes in: properties are visited in the order of their names; an absent
one gets `x-lix-default` (CEL), else a copy of `default`, else stays absent. An expression sees the
properties given and the defaults computed before it. An explicit null is a value like any other.
"""

from __future__ import annotations

from copy import deepcopy

from lix_vtab.errors import CelError
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.ids import Source
from lix_vtab.model.json import Json
from lix_vtab.schema.cel import Constant, Expression, parse_cel

__all__ = ["Defaults", "collect_defaults"]


@dataclass(frozen=True, slots=True)
class Defaults:
    """The defaults of one schema, sorted by property name."""

    key: str
    version: str
    entries: tuple[tuple[str, Expression], ...]

    @property
    def constants(self) -> dict[str, Json]:
        """Return the defaults that are the same for every row."""
        return {
            name: found.value
            for name, found in self.entries
            if isinstance(found, Constant | _Copied)
        }

    def apply(self, value: dict[str, Json], source: Source) -> dict[str, Json]:
        """Return `value` completed; it is `value` itself when nothing was missing."""
        completed = value
        for name, expression in self.entries:
            if name in completed:
                continue
            if completed is value:
                completed = dict(value)
            completed[name] = self._evaluate(name, expression, completed, source)
        return completed

    def _evaluate(
        self, name: str, expression: Expression, variables: dict[str, Json], source: Source
    ) -> Json:
        try:
            return expression.evaluate(variables, source)
        except CelError as error:
            raise CelError(
                f"failed to evaluate x-lix-default for '{self.key}.{name}' ({self.version}): "
                f"{error.message}",
                details={"schema_key": self.key, "property": name},
            ) from error


class _Copied:
    """A literal `default` that is a list or an object: every row gets its own."""

    __slots__ = ("text", "value")

    def __init__(self, value: Json) -> None:
        self.text = ""
        self.value = value

    def evaluate(self, variables: object, source: Source) -> Json:
        return deepcopy(self.value)


def collect_defaults(definition: dict[str, Json]) -> Defaults:
    """Parse the defaults of a valid definition."""
    entries: list[tuple[str, Expression]] = []
    for name, schema in sorted(definition.get("properties", {}).items()):
        if "x-lix-default" in schema:
            entries.append((name, parse_cel(schema["x-lix-default"])))
        elif "default" in schema:
            literal = schema["default"]
            structured = isinstance(literal, dict | list)
            entries.append((name, _Copied(literal) if structured else Constant("", literal)))
    return Defaults(definition["x-lix-key"], definition["x-lix-version"], tuple(entries))
