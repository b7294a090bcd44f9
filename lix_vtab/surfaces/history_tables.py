"""The tables of history by name: bookkeeping, checkpoints, time travel, differences.

Most sessions look at few of them, so a table's module is imported when SQLite connects to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import cast

from lix_vtab.session import Session
from lix_vtab.surfaces.base import Surface

__all__ = ["HISTORY_TABLES"]

Build = Callable[[Session, Sequence[str]], Surface]


def _late(home: str) -> Build:
    """Return a builder that imports `module:name` of this package when it is first needed."""
    module, _, name = home.partition(":")

    def build(session: Session, args: Sequence[str]) -> Surface:
        make = getattr(import_module(f"lix_vtab.surfaces.{module}"), name)
        return cast("Surface", make(session))

    return build


HISTORY_TABLES: dict[str, Build] = {
    "lix_commit": _late("commit:CommitTable"),
    "lix_commit_edge": _late("commit_edge:CommitEdgeTable"),
    "lix_change": _late("change:ChangeTable"),
    "lix_change_set": _late("change_set:ChangeSetTable"),
    "lix_change_set_element": _late("change_set_element:ChangeSetElementTable"),
    "lix_change_author": _late("change_author:ChangeAuthorTable"),
    "lix_version_pointer": _late("version_pointer:VersionPointerTable"),
    "lix_checkpoint": _late("checkpoint:CheckpointTable"),
    "lix_state_history": _late("state_history:StateHistory"),
    "lix_state_at": _late("state_at:state_at"),
    "lix_commit_ancestry": _late("commit_ancestry:CommitAncestry"),
    "lix_diff": _late("diff:Diff"),
    "lix_diff_property": _late("diff_property:DiffProperty"),
    "lix_blame": _late("blame:BlameTable"),
    "lix_log": _late("log:Log"),
    "lix_file_at": _late("file_at:file_at"),
    "lix_file_diff": _late("file_diff:FileDiff"),
    "lix_file_history": _late("file_history:FileHistory"),
    "lix_directory_at": _late("directory_at:directory_at"),
    "lix_directory_history": _late("directory_history:DirectoryHistory"),
    "lix_working_changes": _late("working_changes:WorkingChanges"),
}
"""Name and builder of each; they become persisted virtual tables of every database."""
