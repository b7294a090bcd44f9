"""The directory tree of one version, climbed through a function that knows each parent."""

from __future__ import annotations

from collections.abc import Callable

from lix_vtab.filesystem.refusals import (
    cyclic_parent,
    endless_hierarchy,
    no_parent_id,
    own_parent,
)

__all__ = ["Climb", "DirectoryPaths", "check_move"]

Climb = Callable[[str], tuple[str | None, str] | None]
"""Returns the parent id (None: the root) and the name of a directory, or None when it is gone."""


class DirectoryPaths:
    """Paths of directories, each climbed once.

    One object serves one statement: nothing in it notices that a directory moved.

    >>> tree = {"a": (None, "docs"), "b": ("a", "guides")}
    >>> paths = DirectoryPaths(tree.get)
    >>> paths.path("b"), paths.path(None), paths.path("gone")
    ('/docs/guides/', '/', None)
    """

    __slots__ = ("_climb", "_known")

    def __init__(self, climb: Climb) -> None:
        self._climb = climb
        self._known: dict[str | None, str | None] = {None: "/"}

    def path(self, directory_id: str | None) -> str | None:
        """Return the path of a directory, or None when it does not hang on the root."""
        known = self._known
        names: list[tuple[str, str]] = []
        at = directory_id
        while at not in known:
            assert at is not None
            found = self._climb(at)
            if found is None:
                known[at] = None
                break
            # until its own parents are known, a directory counts as unreachable: a cycle ends here
            known[at] = None
            names.append((at, found[1]))
            at = found[0]
        path = known[at]
        for id, name in reversed(names):
            path = None if path is None else f"{path}{name}/"
            known[id] = path
        return known[directory_id]


def check_move(directory_id: str, parent_id: str | None, climb: Climb) -> None:
    """Refuse to put a directory below itself or below a directory that does not exist."""
    if parent_id == directory_id:
        raise own_parent(directory_id)
    seen: set[str] = set()
    at = parent_id
    while at is not None:
        if at == directory_id and parent_id is not None:
            raise cyclic_parent(directory_id, parent_id)
        if at in seen:
            raise endless_hierarchy(at)
        seen.add(at)
        found = climb(at)
        if found is None:
            raise no_parent_id(at)
        at = found[0]
