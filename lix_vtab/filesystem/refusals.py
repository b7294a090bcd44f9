"""The errors of the file and directory tables, each worded in one place."""

from __future__ import annotations

from lix_vtab.errors import ConstraintViolation, InvalidValueError, UniqueError

__all__ = [
    "cyclic_parent",
    "directory_exists",
    "directory_is_file",
    "endless_hierarchy",
    "file_exists",
    "file_is_directory",
    "immutable_id",
    "name_mismatch",
    "no_directory",
    "no_directory_name",
    "no_parent_id",
    "no_parent_path",
    "no_path",
    "own_parent",
    "parent_mismatch",
]


def no_path(table: str) -> InvalidValueError:
    """Say that a file was inserted without a path."""
    return InvalidValueError(
        f"{table} insert requires path", hint="give path as text, like '/docs/readme.md'"
    )


def immutable_id(table: str) -> ConstraintViolation:
    """Say that ids do not change."""
    return ConstraintViolation(
        f"{table} id is immutable; create a new row and delete the old row instead"
    )


def file_exists(path: str, version_id: str) -> UniqueError:
    """Say that another file has the path."""
    return UniqueError(
        f"Unique constraint violation: file path '{path}' already exists in version '{version_id}'",
        hint="update that file, or choose another path",
        details={"path": path, "version_id": version_id},
    )


def directory_exists(path: str, version_id: str) -> UniqueError:
    """Say that another directory has the path."""
    return UniqueError(
        f"Unique constraint violation: directory path '{path}' already exists in version "
        f"'{version_id}'",
        hint="update that directory, or choose another path",
        details={"path": path, "version_id": version_id},
    )


def file_is_directory(path: str, version_id: str) -> UniqueError:
    """Say that a directory has the path a file wants."""
    return UniqueError(
        f"File path collides with existing directory path: {path}/",
        hint="a file and a directory cannot share a name",
        details={"path": path, "version_id": version_id},
    )


def directory_is_file(path: str, version_id: str) -> UniqueError:
    """Say that a file has the path (without its last slash) a directory wants."""
    bare = path.rstrip("/")
    return UniqueError(
        f"Directory path collides with existing file path: {bare}",
        hint="a file and a directory cannot share a name",
        details={"path": bare, "version_id": version_id},
    )


def no_directory_name() -> InvalidValueError:
    """Say that a directory was inserted without path and name."""
    return InvalidValueError(
        "Directory name must be provided", hint="give path, or name and optionally parent_id"
    )


def parent_mismatch(path: str, parent_id: str) -> InvalidValueError:
    """Say that path and parent_id of one row contradict each other."""
    return InvalidValueError(
        f"Provided parent_id does not match parent derived from path {path}",
        hint="leave parent_id out",
        details={"path": path, "parent_id": parent_id},
    )


def name_mismatch(path: str, name: str) -> InvalidValueError:
    """Say that path and name of one row contradict each other."""
    return InvalidValueError(
        f"Provided directory name '{name}' does not match path '{path}'",
        hint="leave name out",
        details={"path": path, "name": name},
    )


def no_parent_id(parent_id: str) -> ConstraintViolation:
    """Say that no directory has the id a row names as parent."""
    return ConstraintViolation(
        f"Parent directory does not exist for id {parent_id}",
        hint="insert the directory first, or use NULL for the root",
        details={"parent_id": parent_id},
    )


def no_parent_path(path: str) -> ConstraintViolation:
    """Say that the directory a path would lie in does not exist."""
    return ConstraintViolation(
        f"Parent directory does not exist for path {path}",
        hint="insert the parent directory first",
        details={"path": path},
    )


def no_directory(directory_id: str) -> ConstraintViolation:
    """Say that no directory has an id."""
    return ConstraintViolation(
        f"Directory does not exist for id {directory_id}", details={"directory_id": directory_id}
    )


def own_parent(directory_id: str) -> ConstraintViolation:
    """Say that a directory would contain itself."""
    return ConstraintViolation(
        "Directory cannot be its own parent", details={"directory_id": directory_id}
    )


def cyclic_parent(directory_id: str, parent_id: str) -> ConstraintViolation:
    """Say that a directory would move below itself."""
    return ConstraintViolation(
        "Directory parent would create a cycle",
        hint="move the parent out of the directory first",
        details={"directory_id": directory_id, "parent_id": parent_id},
    )


def endless_hierarchy(directory_id: str) -> ConstraintViolation:
    """Say that the parents of a directory do not end."""
    return ConstraintViolation(
        f"Directory hierarchy appears to be cyclic above id {directory_id}",
        details={"directory_id": directory_id},
    )
