"""Verbs on history: checkpoints, restoring, undoing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lix_vtab.arguments import boolean, listed, mapping, optional_text, text, whole
from lix_vtab.history.checkpoint import Checkpoint
from lix_vtab.model.json import canonical_json
from lix_vtab.verbs.base import Verbs

__all__ = ["HistoryVerbs"]

_REVISION = "a commit id, the name of a version or checkpoint, HEAD, HEAD~2"
_STEPS = "how many commits; 1 unless said otherwise"
_PATHS = "such as '/docs/a.md', or '/docs/' for all below it"
_ENTITY = "{'schema_key': 'task', 'entity_id': 't1'} names one"


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
        id = self._call(
            "lix_create_checkpoint",
            optional_text(name, "create_checkpoint: name", "a label of your own, or None"),
            optional_text(message, "create_checkpoint: message", "a text for the log, or None"),
        )
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
        self._check_open("restore")
        return str(
            self._call(
                "lix_restore",
                text(revision, "restore: revision", _REVISION),
                None if paths is None else _paths(paths),
                None if entities is None else _entities(entities),
            )
        )

    def undo(self, steps: int = 1, *, own: bool = False) -> str:
        """Take back the newest commits of the active version; return the id of the last new one.

        With `own`, only commits this session made count; entities others changed since conflict.
        """
        whole(steps, "undo: steps", least=1, hint=_STEPS)
        return str(self._call("lix_undo", steps, int(boolean(own, "undo: own"))))

    def redo(self, steps: int = 1, *, own: bool = False) -> str:
        """Apply again what was undone last; return the id of the last new commit."""
        whole(steps, "redo: steps", least=1, hint=_STEPS)
        return str(self._call("lix_redo", steps, int(boolean(own, "redo: own"))))

    def revert(self, commit: str) -> str:
        """Take back what one commit changed, whatever came after; return the id of the new commit.

        Raises MergeConflictError when later commits changed the same entities.
        """
        return str(self._call("lix_revert", text(commit, "revert: commit", _REVISION)))


def _paths(paths: object) -> str:
    """Return paths as JSON text: one text is one path, whatever it looks like."""
    wanted = "a path or a list of paths"
    given = [paths] if isinstance(paths, str) else listed(paths, "restore: paths", wanted, _PATHS)
    return canonical_json([text(path, "restore: paths", _PATHS) for path in given])


def _entities(entities: object) -> str:
    """Return the keys of entities as JSON text."""
    wanted = "a list of mappings that name entities"
    several = [entities] if isinstance(entities, Mapping) else entities
    given = listed(several, "restore: entities", wanted, _ENTITY)
    keys = [mapping(one, "restore: entities", wanted, _ENTITY) for one in given]
    for key in keys:
        for name, value in key.items():
            text(value, f"restore: {name} of an entity", _ENTITY)
    return canonical_json([dict(key) for key in keys])
