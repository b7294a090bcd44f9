"""How far versions may inherit."""

from __future__ import annotations

import pytest

import lix_vtab
from lix_vtab import errors


def test_a_chain_is_measured_to_its_last_heir():
    with lix_vtab.open() as lix:
        with lix.transaction():
            parent = "global"
            for number in range(63):
                lix.create_version(f"l{number}", id=f"l{number}", inherits_from=parent)
                parent = f"l{number}"
            lix.create_version("top", id="top")
        with pytest.raises(errors.VersionError, match="64"):
            lix.execute("UPDATE lix_version SET inherits_from_version_id = 'top' WHERE id = 'l0'")
        with pytest.raises(errors.VersionError, match="64"):
            lix.create_version("below", inherits_from="l62")
