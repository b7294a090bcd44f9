"""`x-lix-override-lixcols`: expressions that pin the metadata columns of an entity table.

They are evaluated once, when the schema is compiled; they have no variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any, Final

from lix_vtab.errors import CelError
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.ids import SystemSource
from lix_vtab.model.json import Json
from lix_vtab.schema.cel import parse_cel

__all__ = ["NO_OVERRIDES", "Overrides", "evaluate_overrides"]

_TEXTS: Final = ("file_id", "plugin_key", "version_id")
_SCALARS: Final = ("entity_id", "metadata", "untracked", "inherited_from_version_id")


@dataclass(frozen=True, slots=True)
class Overrides:
    """The pinned columns of a schema.

    `values` maps each pinned column (`file_id`, not `lixcol_file_id`) to its value, None meaning
    SQL NULL; the attributes are what inserts need most.
    """

    values: Mapping[str, Json]
    file_id: str | None = field(init=False)
    plugin_key: str | None = field(init=False)
    version_id: str | None = field(init=False)
    untracked: bool = field(init=False)

    def __post_init__(self) -> None:
        for name in _TEXTS:
            object.__setattr__(self, name, self.values.get(name))
        object.__setattr__(self, "untracked", bool(self.values.get("untracked")))


NO_OVERRIDES: Final = Overrides(MappingProxyType({}))
"""What a schema without the keyword has."""


def evaluate_overrides(definition: Mapping[str, Any]) -> Overrides:
    """Evaluate the overrides of a definition; raise CelError for one that cannot hold.

    Unknown columns are ignored.

    >>> pinned = {"x-lix-key": "task", "x-lix-override-lixcols": {"lixcol_file_id": "'lix'"}}
    >>> evaluate_overrides(pinned).file_id
    'lix'
    """
    expressions = definition.get("x-lix-override-lixcols")
    if not expressions:
        return NO_OVERRIDES
    key = definition["x-lix-key"]
    values = {
        name: _evaluate(f"{key}.lixcol_{name}", expressions[f"lixcol_{name}"], name)
        for name in (*_TEXTS, *_SCALARS)
        if f"lixcol_{name}" in expressions
    }
    return Overrides(MappingProxyType(values))


def _evaluate(place: str, expression: str, name: str) -> Json:
    try:
        value = parse_cel(expression).evaluate({}, SystemSource())
    except CelError as error:
        raise CelError(
            f"invalid x-lix-override-lixcols expression for '{place}': {error.message}"
        ) from error
    if name in _TEXTS and not isinstance(value, str):
        raise CelError(f"x-lix-override-lixcols '{place}' must evaluate to a string")
    if isinstance(value, dict | list):
        raise CelError(f"x-lix-override-lixcols '{place}' must evaluate to a scalar or null")
    return value
