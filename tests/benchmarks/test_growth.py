"""A law that does not hold ends the command with 1."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from benchmarks import growth
from benchmarks.growth_laws import LAWS, SIZES, WORLDS, Law


@pytest.mark.parametrize(("bound", "code"), [(1.0, 1), (3.0, 0)])
def test_a_law_is_judged_by_its_bound(monkeypatch, tmp_path, bound, code):
    def quadratic(world):
        return lambda: sum(range(world.size * world.size // 5))

    monkeypatch.setattr(growth, "LAWS", [Law("quadratic", "versions", bound, quadratic, rounds=3)])
    monkeypatch.setitem(SIZES, "versions", ([100, 1_000], [100, 1_000]))
    monkeypatch.setattr(growth, "WORLDS", {"versions": World})
    kept, picture = tmp_path / "run.json", tmp_path / "run.svg"
    arguments = ["--quick", "--against", "versions", "--clock", "cpu"]
    assert growth.main([*arguments, "--json", str(kept), "--svg", str(picture)]) == code
    (result,) = json.loads(kept.read_text())["results"]
    assert result["exponent"] == pytest.approx(2, abs=0.5)
    ElementTree.fromstring(picture.read_text())


class World:
    """As little of a world as the command needs."""

    def __init__(self, size):
        self.size, self.lix = size, self

    def close(self):
        """Let go of nothing."""


@pytest.mark.parametrize("against", SIZES)
def test_every_action_runs_in_a_small_world(against):
    world = WORLDS[against](100 if against in ("rows", "files") else 10)
    with world.lix:
        for law in LAWS:
            if law.against == against:
                law.actions(world)()
    assert any(law.against == against for law in LAWS)


def test_the_table_names_what_cannot_be_measured():
    note = {"title": "fly", "against": "rows", "bound": 0.1, "note": "not available: no wings"}
    last = growth.table([note]).splitlines()[-1]
    assert "not available: no wings" in last
    assert "unknown" in last
