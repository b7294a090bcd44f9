"""The tables of history by name: bookkeeping, checkpoints, time travel, differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lix_vtab.session import Session
from lix_vtab.surfaces.base import Surface
from lix_vtab.surfaces.blame import BlameTable
from lix_vtab.surfaces.change import ChangeTable
from lix_vtab.surfaces.change_author import ChangeAuthorTable
from lix_vtab.surfaces.change_set import ChangeSetTable
from lix_vtab.surfaces.change_set_element import ChangeSetElementTable
from lix_vtab.surfaces.checkpoint import CheckpointTable
from lix_vtab.surfaces.commit import CommitTable
from lix_vtab.surfaces.commit_ancestry import CommitAncestry
from lix_vtab.surfaces.commit_edge import CommitEdgeTable
from lix_vtab.surfaces.diff import Diff
from lix_vtab.surfaces.diff_property import DiffProperty
from lix_vtab.surfaces.directory_at import directory_at
from lix_vtab.surfaces.directory_history import DirectoryHistory
from lix_vtab.surfaces.file_at import file_at
from lix_vtab.surfaces.file_diff import FileDiff
from lix_vtab.surfaces.file_history import FileHistory
from lix_vtab.surfaces.log import Log
from lix_vtab.surfaces.state_at import state_at
from lix_vtab.surfaces.state_history import StateHistory
from lix_vtab.surfaces.version_pointer import VersionPointerTable
from lix_vtab.surfaces.working_changes import WorkingChanges

__all__ = ["HISTORY_TABLES"]

HISTORY_TABLES: dict[str, Callable[[Session, Sequence[str]], Surface]] = {
    "lix_commit": lambda session, args: CommitTable(session),
    "lix_commit_edge": lambda session, args: CommitEdgeTable(session),
    "lix_change": lambda session, args: ChangeTable(session),
    "lix_change_set": lambda session, args: ChangeSetTable(session),
    "lix_change_set_element": lambda session, args: ChangeSetElementTable(session),
    "lix_change_author": lambda session, args: ChangeAuthorTable(session),
    "lix_version_pointer": lambda session, args: VersionPointerTable(session),
    "lix_checkpoint": lambda session, args: CheckpointTable(session),
    "lix_state_history": lambda session, args: StateHistory(session),
    "lix_state_at": lambda session, args: state_at(session),
    "lix_commit_ancestry": lambda session, args: CommitAncestry(session),
    "lix_diff": lambda session, args: Diff(session),
    "lix_diff_property": lambda session, args: DiffProperty(session),
    "lix_blame": lambda session, args: BlameTable(session),
    "lix_log": lambda session, args: Log(session),
    "lix_file_at": lambda session, args: file_at(session),
    "lix_file_diff": lambda session, args: FileDiff(session),
    "lix_file_history": lambda session, args: FileHistory(session),
    "lix_directory_at": lambda session, args: directory_at(session),
    "lix_directory_history": lambda session, args: DirectoryHistory(session),
    "lix_working_changes": lambda session, args: WorkingChanges(session),
}
"""Name and builder of each; they become persisted virtual tables of every database."""
