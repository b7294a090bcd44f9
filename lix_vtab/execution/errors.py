"""Errors of the stages: what can be wrong with a text before SQLite sees it."""

from __future__ import annotations

import apsw

from lix_vtab.errors import (
    InternalTableAccess,
    InvalidValueError,
    ParseError,
    SqlError,
    TransactionStateError,
    UnsupportedSql,
)

__all__ = [
    "EmptyScript",
    "LoweringError",
    "PlaceholderError",
    "PlanError",
    "ScriptShapeError",
    "ShadowWrite",
]


class EmptyScript(ParseError):
    """The text holds no statement (parse)."""


class PlaceholderError(InvalidValueError):
    """Placeholders and parameters do not fit together (bind)."""


class ScriptShapeError(TransactionStateError):
    """A script mixes its own transaction with transaction statements (plan)."""


class LoweringError(UnsupportedSql):
    """A clause cannot be expressed for this table (lower)."""


class ShadowWrite(InternalTableAccess, apsw.SQLError):
    """SQLite's defensive mode refused a write before the guard was asked (execute)."""


class PlanError(SqlError):
    """A plan contradicts itself; nothing was executed (plan)."""
