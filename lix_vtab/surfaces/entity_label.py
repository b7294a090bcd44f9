"""`lix_entity_label`: labels on entities; those on checkpoints exist by derivation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lix_vtab.errors import ReadOnlyError
from lix_vtab.session import Session
from lix_vtab.surfaces.checkpoint import FIRST_LABEL, checkpoint_labels
from lix_vtab.surfaces.entity import Entity
from lix_vtab.surfaces.entity_shape import EntityShape
from lix_vtab.surfaces.planner import Plan
from lix_vtab.surfaces.relation import followed_by

__all__ = ["EntityLabel"]


class EntityLabel(Entity):
    """Stored labels, followed by the label `checkpoint` of every checkpoint."""

    sortable = False

    def __init__(self, session: Session, shape: EntityShape) -> None:
        super().__init__(session, shape)
        self._derived = checkpoint_labels(session, self.columns)

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find labels."""
        return followed_by(plan, args, super().rows, [self._derived])

    def update(self, rowid: int, fields: Sequence[Any]) -> None:
        """Change a stored label."""
        self._refuse_derived(rowid)
        super().update(rowid, fields)

    def delete(self, rowid: int) -> None:
        """Take a stored label off its entity."""
        self._refuse_derived(rowid)
        super().delete(rowid)

    def _refuse_derived(self, rowid: int) -> None:
        if rowid < FIRST_LABEL:
            raise ReadOnlyError(
                "the label of a checkpoint cannot be changed: it is part of its commit",
                hint="a new checkpoint has a label of its own",
                details={"table": self.name},
            )
