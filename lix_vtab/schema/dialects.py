"""The drafts of JSON Schema a definition may be written in.

A definition without `$schema` is draft-07.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from lix_vtab.model.dataclasses import dataclass

__all__ = ["DEFAULT", "DIALECTS", "Dialect", "find_dialect"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """One draft: its name, its `$schema`, and the name of its validator class.

    The class is called alike in `jsonschema` and `jsonschema_rs`, which are imported only when
    they are needed.
    """

    name: str
    uri: str
    reference: str

    @property
    def fast(self) -> type[Any]:
        """Return the compiled validator's class."""
        import jsonschema_rs

        cls: type[Any] = getattr(jsonschema_rs, self.reference)
        return cls

    @property
    def legacy(self) -> bool:
        """Tell whether keywords beside a `$ref` are ignored (up to draft-07)."""
        return self.name in ("draft-04", "draft-06", "draft-07")

    @property
    def asserts_content(self) -> bool:
        """Tell whether `contentEncoding` and `contentMediaType` can reject a value."""
        return self.name in ("draft-06", "draft-07")


def _dialects() -> dict[str, Dialect]:
    rows = (
        ("draft-04", "http://json-schema.org/draft-04/schema", "Draft4Validator"),
        ("draft-06", "http://json-schema.org/draft-06/schema", "Draft6Validator"),
        ("draft-07", "http://json-schema.org/draft-07/schema", "Draft7Validator"),
        ("2019-09", "https://json-schema.org/draft/2019-09/schema", "Draft201909Validator"),
        ("2020-12", "https://json-schema.org/draft/2020-12/schema", "Draft202012Validator"),
    )
    return {uri: Dialect(name, uri, cls) for name, uri, cls in rows}


DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType(_dialects())
"""Every dialect by its `$schema`, written without a fragment."""

DEFAULT: Final[Dialect] = DIALECTS["http://json-schema.org/draft-07/schema"]


def find_dialect(definition: Mapping[str, Any]) -> Dialect | None:
    """Return the dialect `definition` names with `$schema`, None when nobody knows it.

    >>> find_dialect({}).name
    'draft-07'
    """
    named = definition.get("$schema")
    if named is None and "$schema" not in definition:
        return DEFAULT
    return DIALECTS.get(named.removesuffix("#")) if isinstance(named, str) else None
