"""SQL functions on history: rebuilding, checkpoints, restoring, undoing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lix_vtab.errors import FileNotFound, InvalidValueError, NothingToRedo, NothingToUndo
from lix_vtab.history.checkpoint import create_checkpoint
from lix_vtab.history.restore import Restorer
from lix_vtab.history.revision import Revision
from lix_vtab.history.textdiff import text_diff
from lix_vtab.history.undo import Undo
from lix_vtab.model.json import parse_json
from lix_vtab.resolution.scope import Scope
from lix_vtab.session import Session
from lix_vtab.storage.commits import Commit
from lix_vtab.storage.rebuild import rebuild
from lix_vtab.surfaces.functions import SqlFunction

__all__ = ["history_functions"]


def history_functions(session: Session) -> list[SqlFunction]:
    """Return the functions on history."""

    def rebuild_rows() -> int:
        """Derive everything derived again from the change log; return the number of rows."""
        return rebuild(session.store)

    def checkpoint(name: str | None = None, message: str | None = None) -> str:
        """Create a checkpoint of the active version and return its commit id."""
        for label, value in (("name", name), ("message", message)):
            if value is not None and not isinstance(value, str):
                raise InvalidValueError(
                    f"lix_create_checkpoint: {label} must be a string, got {value!r}",
                    hint="a text in single quotes, or NULL for none",
                )
        active = session.versions.active_id()
        return create_checkpoint(session.store, active, name=name, message=message).id

    restorer = Restorer(
        session.store, session.catalogue, session.writer, session.history, session.files
    )
    undoing = Undo(session.store, restorer)

    def restore(revision: str, paths: str | None = None, entities: str | None = None) -> str:
        """Make the active version show what a revision shows; return the commit id.

        `paths` is a path or a JSON array of paths (those ending in a slash are directories),
        `entities` a JSON array of objects with `schema_key`, `entity_id` and perhaps `file_id`.
        """
        return restore_active(session, restorer, revision, paths, entities).id

    def undo(steps: int = 1, own: int = 0) -> str:
        """Take back the newest commits of the active version; return the last commit id."""
        return _repeat(session, undoing.undo, steps, own)

    def redo(steps: int = 1, own: int = 0) -> str:
        """Apply again what was undone last; return the last commit id."""
        return _repeat(session, undoing.redo, steps, own)

    def revert(revision: str) -> str:
        """Take back what one commit changed, whatever came after; return the commit id."""
        commit = session.history.revisions.resolve(revision).commit
        return restorer.invert(
            session.versions.active_id(),
            commit,
            message=f"Revert {commit.id}",
            writer_key=session.writer_key,
        ).id

    return [
        SqlFunction("lix_rebuild", rebuild_rows, 0, writes=True),
        SqlFunction("lix_create_checkpoint", checkpoint, writes=True),
        SqlFunction("lix_restore", restore, writes=True),
        SqlFunction("lix_undo", undo, writes=True),
        SqlFunction("lix_redo", redo, writes=True),
        SqlFunction("lix_revert", revert, 1, writes=True),
        SqlFunction("lix_text_diff", text_diff, deterministic=True),
    ]


def _repeat(session: Session, verb: Callable[..., Commit], steps: object, own: object) -> str:
    """Take steps on the active version and return the id of the last commit made."""
    if not isinstance(steps, int) or steps < 1:
        raise InvalidValueError(
            f"steps must be a positive integer, got {steps!r}",
            hint="how many commits, counted from the newest; 1 unless said otherwise",
        )
    version_id = session.versions.active_id()
    for done in range(steps):
        try:
            made = verb(version_id, own=bool(own), writer_key=session.writer_key)
        except (NothingToUndo, NothingToRedo) as error:
            if done:
                raise _too_many(error, steps, done) from error
            raise
    return made.id


def _too_many(
    error: NothingToUndo | NothingToRedo, steps: int, possible: int
) -> NothingToUndo | NothingToRedo:
    """Say of more steps than there are how many there are; none of them is taken."""
    return type(error)(
        f"{error.message} after {possible} of {steps} steps, so none was taken",
        hint=f"{possible} steps can be taken",
        details={**error.details, "steps": possible},
    )


def restore_active(
    session: Session, restorer: Restorer, revision: object, paths: object, entities: object
) -> Commit:
    """Restore the active version, or some files and entities of it."""
    found = session.history.revisions.resolve(revision)
    keys = None if entities is None else _keys(session, entities)
    ids = None if paths is None else _file_ids(session, found, paths)
    return restorer.restore(
        session.versions.active_id(),
        found.commit,
        only=keys,
        file_ids=ids,
        message=f"Restore {revision}",
        writer_key=session.writer_key,
    )


def _keys(session: Session, entities: object) -> set[tuple[str, str, str]]:
    """Read entities to restore: JSON objects naming a schema, an entity and perhaps a file."""
    try:
        listed = parse_json(entities) if isinstance(entities, str) else None
    except ValueError:
        listed = None
    if isinstance(listed, dict):
        listed = [listed]
    keys: set[tuple[str, str, str]] = set()
    for item in listed if isinstance(listed, list) else [None]:
        match item:
            case {"schema_key": str(schema), "entity_id": str(entity), **rest} if not rest:
                keys.add((schema, entity, "lix"))
            case {
                "schema_key": str(schema),
                "entity_id": str(entity),
                "file_id": str(file),
                **rest,
            } if not rest:
                keys.add((schema, entity, file))
            case _:
                raise InvalidValueError(
                    "lix_restore: entities must be a JSON array of objects with schema_key, "
                    f"entity_id and perhaps file_id, got {entities!r}",
                    hint='[{"schema_key": "task", "entity_id": "t1"}]',
                )
    return keys


def _file_ids(session: Session, revision: Revision, paths: object) -> set[str]:
    """Return the files and directories at paths, now or then, and those above only there then."""
    listed: Any = paths
    if isinstance(paths, str) and paths.startswith("["):
        try:
            listed = parse_json(paths)
        except ValueError:
            listed = None
    listed = [listed] if isinstance(listed, str) else listed
    if not isinstance(listed, list) or not all(isinstance(path, str) for path in listed):
        raise InvalidValueError(
            f"lix_restore: paths must be a path or a JSON array of paths, got {paths!r}",
            hint="such as '/docs/a.md', '/docs/' for all below it, or '[\"/a.md\", \"/b/\"]'",
        )
    files, history = session.files, session.history
    then = history.scope(revision)
    now = session.writer.scope(session.versions.active_id())
    found: set[str] = set()
    for path in listed:
        ids = set()
        for scope in (now, then):
            if path.endswith("/"):
                ids |= {
                    id
                    for id, at in (*files.list(scope), *files.list_directories(scope))
                    if at is not None and at.startswith(path)
                }
            else:
                ids |= set(files.find(scope, path))
        if not ids:
            raise FileNotFound(
                f"no {'directory' if path.endswith('/') else 'file'} has the path '{path}', "
                f"neither now nor at '{revision.id}'",
                hint="SELECT path FROM lix_file_at(revision) lists the files of then",
                details={"path": path},
            )
        found |= ids
    return found | set(_directories(session, then, now, found))


def _directories(session: Session, then: Scope, now: Scope, files: set[str]) -> Iterator[str]:
    """Yield the directories files need that are not there any more."""
    lookup = session.files.lookup
    for file_id in files:
        file = session.files.descriptor(then, file_id)
        above = None if file is None else file.directory_id
        while above is not None and lookup.directory(now, above) is None:
            yield above
            directory = lookup.directory(then, above)
            above = None if directory is None else directory.parent_id
