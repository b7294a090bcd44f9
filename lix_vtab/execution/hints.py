"""Suggest what was probably meant when a name is unknown."""

from __future__ import annotations

from collections.abc import Iterable

from lix_vtab.errors import ColumnNotFound
from lix_vtab.execution.catalogue import Catalogue, Table
from lix_vtab.execution.tokens import identifier, tokenize

__all__ = ["column_hint", "nearest", "table_hint", "unknown_column"]


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that reads most like `name`, None when none comes near.

    >>> nearest("lix_flie", ["lix_state", "lix_file"])
    'lix_file'
    """
    import difflib  # only mistakes need it

    by_lower = {candidate.lower(): candidate for candidate in candidates}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[found[0]] if found else None


def table_hint(name: str, catalogue: Catalogue) -> str | None:
    """Return a hint for an unknown table."""
    bare = name.rpartition(".")[2]
    found = nearest(bare, catalogue.tables)
    return f"did you mean {found}?" if found else None


def column_hint(name: str, catalogue: Catalogue, sql: str) -> str | None:
    """Return a hint for an unknown column, from the lix tables the statement names."""
    bare = name.rpartition(".")[2]
    words = {identifier(token) for token in tokenize(sql)}
    tables = [table for word in words if (table := catalogue.find(word)) is not None]
    return _column_hint(bare, sorted(tables, key=lambda table: table.name))


def _column_hint(name: str, tables: list[Table]) -> str | None:
    for table in tables:
        hint = _entity_hint(name.lower().removeprefix("lixcol_"), table)
        if hint:
            return hint
    owner = {column: table for table in tables for column in (*table.columns, *table.hidden)}
    found = nearest(name, owner)
    if found:
        return f"did you mean {owner[found].name}.{found}?"
    if len(tables) == 1:
        return f"columns of {tables[0].name}: {', '.join(tables[0].columns)}"
    return None


def _entity_hint(name: str, table: Table) -> str | None:
    """Say what takes the place of a column of `lix_state` in the table of a schema."""
    if "INSERT" in table.refuses or not table.has_column("lixcol_schema_key"):
        return None
    if name == "snapshot_content":
        return (
            f"{table.name} has a column for each property: it cannot set snapshot_content "
            "directly; set schema properties instead"
        )
    if name == "version_id" and not table.has_column("lixcol_version_id"):
        return (
            f"{table.name}_by_version has lixcol_version_id; {table.name} cannot set version_id; "
            "version scope is resolved by the view/schema"
        )
    return None


def unknown_column(name: str, table: Table, *, inserting: bool = False) -> ColumnNotFound:
    """Return the error for a column `table` does not have, in SQLite's words."""
    return ColumnNotFound(
        f"table {table.name} has no column named {name}"
        if inserting
        else f"no such column: {name}",
        hint=_column_hint(name, [table]),
        details={"column": name, "table": table.name},
    )
