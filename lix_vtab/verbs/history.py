"""Verbs on history: checkpoints, restoring, undoing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lix_vtab.history.checkpoint import Checkpoint
from lix_vtab.model.json import canonical_json
from lix_vtab.verbs.base import Verbs

__all__ = ["HistoryVerbs"]


class HistoryVerbs(Verbs):
    """Going back, and marking where to go back to."""

    def create_checkpoint(self, name: str | None = None, message: str | None = None) -> Checkpoint:
        """Promote what changed in the active version since its last checkpoint to a checkpoint.

        Without changes, name and message there is nothing to promote and the tip is returned.

        >>> import lix_vtab
        >>> lix = lix_vtab.open()
        >>> lix.create_checkpoint().id == lix.active_version.commit_id
        True
        """
        id = self._call("lix_create_checkpoint", name, message)
        return Checkpoint(
            *self.execute("SELECT id, change_set_id FROM lix_commit WHERE id = ?", (id,)).rows[0]
        )

    def restore(
        self,
        revision: str,
        paths: str | Sequence[str] | None = None,
        entities: Mapping[str, str] | Sequence[Mapping[str, str]] | None = None,
    ) -> str:
        """Make the active version show what a revision shows; return the id of the new commit.

        Only what differs is written. `paths` (files, or directories ending in a slash) and
        `entities` (mappings with `schema_key`, `entity_id` and perhaps `file_id`) restrict it.
        """
        if paths is not None and not isinstance(paths, str):
            paths = canonical_json([*paths])
        listed = None
        if entities is not None:
            given = [entities] if isinstance(entities, Mapping) else entities
            listed = canonical_json([dict(e) if isinstance(e, Mapping) else e for e in given])
        return str(self._call("lix_restore", revision, paths, listed))

    def undo(self, steps: int = 1, *, own: bool = False) -> str:
        """Take back the newest commits of the active version; return the id of the last new one.

        With `own`, only commits this session made count; entities others changed since conflict.
        """
        return str(self._call("lix_undo", steps, int(own)))

    def redo(self, steps: int = 1, *, own: bool = False) -> str:
        """Apply again what was undone last; return the id of the last new commit."""
        return str(self._call("lix_redo", steps, int(own)))

    def revert(self, commit: str) -> str:
        """Take back what one commit changed, whatever came after; return the id of the new commit.

        Raises MergeConflictError when later commits changed the same entities.
        """
        return str(self._call("lix_revert", commit))
