"""Verbs on versions: creating, switching, deleting, looking one up."""

from __future__ import annotations

from lix_vtab.arguments import boolean, optional_text, refused, text
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.mutation.row_errors import unknown_version
from lix_vtab.verbs.base import Verbs

__all__ = ["Version", "VersionVerbs", "version_id"]

_WANTED = "SELECT id, name FROM lix_version lists the versions"
_GENERATED = "leave it out to have one generated"


@dataclass(frozen=True, slots=True)
class Version:
    """A version as it stood when it was asked for."""

    id: str
    name: str
    commit_id: str | None
    working_commit_id: str
    inherits_from_version_id: str | None
    hidden: bool


class VersionVerbs(Verbs):
    """Branching, and choosing which version is meant."""

    @property
    def active_version(self) -> Version:
        """Return the version unqualified statements use."""
        self._check_open("active_version")
        return self._version(self._call("lix_active_version_id"))

    def create_version(
        self,
        name: str | None = None,
        *,
        id: str | None = None,
        source: str | Version | None = None,
        inherits_from: str | Version | None = "global",
        hidden: bool = False,
    ) -> Version:
        """Create a version that starts where `source` stands (default: the active version).

        `source` is a version (id, name or object) or a commit id. Creating costs the same
        whatever the version holds.

        >>> import lix_vtab
        >>> lix = lix_vtab.open()
        >>> draft = lix.create_version("draft")
        >>> draft.commit_id == lix.active_version.commit_id
        True
        """
        parent = None
        if inherits_from is not None:
            parent = version_id(inherits_from, "create_version: inherits_from")
        created = self._call(
            "lix_create_version",
            optional_text(name, "create_version: name", _GENERATED),
            None if source is None else version_id(source, "create_version: source"),
            parent or "",
            optional_text(id, "create_version: id", _GENERATED),
            int(boolean(hidden, "create_version: hidden")),
        )
        return self._version(created)

    def switch_version(self, version: str | Version, *, session: bool = False) -> None:
        """Make a version active: for everybody, or only in this session."""
        self._check_open("switch_version")
        wanted = version_id(version, "switch_version: version")
        if boolean(session, "switch_version: session"):
            # nothing is written, so a read-only session can do it too
            versions = self._session.versions
            versions.switch(versions.resolve(wanted), session=True)
            return
        self._call("lix_switch_version", wanted)

    def delete_version(self, version: str | Version) -> None:
        """Delete a version. Its commits and history stay reachable by id."""
        self._call("lix_delete_version", version_id(version, "delete_version: version"))

    def version(self, name: str) -> Version:
        """Return the version with this id or unique name.

        >>> import lix_vtab
        >>> lix_vtab.open().version("main").inherits_from_version_id
        'global'
        """
        self._check_open("version")
        wanted = version_id(name, "version: name")
        self._session.store.look()
        return self._version(self._session.versions.resolve(wanted))

    def _version(self, id: str) -> Version:
        found = self.execute(
            "SELECT id, name, commit_id, working_commit_id, inherits_from_version_id, hidden "
            "FROM lix_version WHERE id = ?",
            (id,),
        ).rows
        if not found:
            # the raw table can make any id active
            raise unknown_version(id)
        id, name, commit_id, working_commit_id, parent, hidden = found[0]
        return Version(id, name, commit_id, working_commit_id, parent, bool(hidden))


def version_id(version: object, name: str) -> str:
    """Return the id or name an argument gives: a text, or a `Version`."""
    if isinstance(version, Version):
        return version.id
    if not isinstance(version, str):
        raise refused(name, "the id or name of a version, or a Version", version, _WANTED)
    return text(version, name, _WANTED)
