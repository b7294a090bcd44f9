"""The tables of a lix as the statement planner sees them."""

from __future__ import annotations

from collections.abc import Iterator

from lix_vtab.execution.catalogue import Table, UniqueKey
from lix_vtab.session import Session
from lix_vtab.surfaces.base import Surface
from lix_vtab.surfaces.entity_tables import entity_surfaces
from lix_vtab.surfaces.install import SURFACES

__all__ = ["describe_tables"]


def describe_tables(session: Session) -> Iterator[Table]:
    """Yield a description of every table that is ours."""
    for name, build in SURFACES.items():
        yield describe(build(session, ()), name)
    for name, surface in entity_surfaces(session):
        yield describe(surface, name)


def describe(surface: Surface, name: str) -> Table:
    """Describe one surface: `keys` of a surface names what ON CONFLICT can name."""
    keys = getattr(surface, "conflict_keys", ())
    return Table(
        name,
        type(surface).__name__,
        tuple(column.name for column in surface.columns if not column.hidden),
        tuple(column.name for column in surface.columns if column.hidden),
        asks=getattr(surface, "asks", frozenset()),
        keys=tuple(
            UniqueKey(*key) if isinstance(key[0], tuple) else UniqueKey(key) for key in keys
        ),
    )
