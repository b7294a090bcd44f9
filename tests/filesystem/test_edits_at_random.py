"""Whatever is done to files of the shipped plugins, their bytes are what their entities spell."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from random import Random
from typing import Any

import pytest

import lix_vtab
from lix_vtab.errors import NothingToRedo, NothingToUndo, PluginError
from lix_vtab.plugins import (
    EntityChange,
    File,
    Plugin,
    plugin_csv,
    plugin_json,
    plugin_md,
    plugin_text,
)

PLUGINS: dict[str, Plugin] = {
    "/a.json": plugin_json,
    "/a.csv": plugin_csv,
    "/a.md": plugin_md,
    "/a.txt": plugin_text,
}
EDITS: dict[str, tuple[str, list[Any]]] = {
    "json_pointer": ("value = ?", [0, 1, 2, "a", "z", None, 1.5]),
    "csv_row": ("cells = json_set(cells, '$.n', ?)", ["x", "new", 'q"', "a,b", "", "l\nm", "\r"]),
    "markdown_block": ("markdown = ?", ["para", "new", "x\n\ny", ""]),
    "text_line": ("content = ?", ["a", "zz", "", "b\nc"]),
}


@contextmanager
def unless_no_file() -> Iterator[None]:
    """Let a plugin refuse a set of entities that is no file, and nothing else."""
    try:
        yield
    except PluginError as error:
        if error.details["kind"] != "invalid-input":
            raise


def written(path: str, random: Random) -> str:
    """Return a small file in which the same things stand in several places."""
    if path == "/a.json":
        value = {
            "m": {"v": random.randint(0, 3)},
            "l": [random.randint(0, 3) for _ in range(random.randint(0, 5))],
            "k": [{"id": id, "p": random.randint(0, 2)} for id in random.sample(range(6), 3)],
        }
        return json.dumps(value, indent=random.choice([None, 1, 2]))
    if path == "/a.csv":
        cells = [random.choice(["x", "y", "", '"q"']) for _ in range(4)]
        return "id,n\r\n" + "".join(f"{id},{cell}\r\n" for id, cell in enumerate(cells))
    if path == "/a.md":
        blocks = [random.choice(["# A", "para", "- a\n- b", "para two"]) for _ in range(4)]
        return "\n\n".join(blocks) + random.choice(["", "\n"])
    lines = [random.choice(["a\n", "b\n", "aa\r\n", "\n"]) for _ in range(5)]
    return "".join(lines) + random.choice(["", "end"])


class Steps:
    """A lix and what may be done to it."""

    def __init__(self, lix: lix_vtab.Lix, random: Random) -> None:
        self.lix = lix
        self.random = random
        self.names = ["main"]
        for path in PLUGINS:
            self.write(path)

    def any_step(self) -> None:
        steps: list[Callable[[], object]] = [
            self.edit, self.edit, self.edit, self.several, self.write, self.branch, self.heir,
            self.switch, self.lix.undo, self.lix.redo, self.lix.create_checkpoint,
        ]  # fmt: skip
        with suppress(NothingToRedo, NothingToUndo), unless_no_file():
            self.random.choice(steps)()

    def write(self, path: str | None = None) -> None:
        path = path or self.random.choice(list(PLUGINS))
        self.lix.write_file(path, written(path, self.random))

    def edit(self) -> None:
        table = self.random.choice(list(EDITS))
        assignment, values = EDITS[table]
        found = self.lix.execute(
            f"SELECT lixcol_entity_id, lixcol_file_id FROM {table} WHERE lixcol_entity_id <> ''"
            " AND lixcol_entity_id NOT IN ('/m', '/l', '/k') AND lixcol_entity_id NOT LIKE '/k/id=_'"
        ).rows
        if found:
            self.lix.execute(
                f"UPDATE {table} SET {assignment}"
                " WHERE lixcol_entity_id = ? AND lixcol_file_id = ?",
                (self.random.choice(values), *self.random.choice(found)),
            )

    def several(self) -> None:
        with self.lix.transaction():
            for _ in range(self.random.randint(2, 4)):
                self.edit()

    def branch(self) -> None:
        self._create(source=self.random.choice(self.names))

    def heir(self) -> None:
        self._create(source="global", inherits_from=self.random.choice(self.names))

    def _create(self, **options: Any) -> None:
        if len(self.names) < 5:
            self.names.append(self.lix.create_version(f"v{len(self.names)}", **options).name)

    def switch(self) -> None:
        self.lix.switch_version(self.random.choice(self.names))


def compare(lix: lix_vtab.Lix) -> int:
    """Hold the bytes of every file against its entities; return how many could be read."""
    compared = 0
    for path, plugin in PLUGINS.items():
        ((id,),) = lix.execute("SELECT id FROM lix_file WHERE path = ?", (path,)).rows or [("",)]
        rows = lix.execute(
            "SELECT entity_id, schema_key, snapshot_content FROM lix_state"
            " WHERE file_id = ? AND plugin_key = ?",
            (id, plugin.key),
        )
        changes = [EntityChange(entity, key, json.loads(text)) for entity, key, text in rows]
        if changes:
            # an heir may make a set of its parent's entities and its own that is no file
            with unless_no_file():
                data = lix.read_file(path)
                assert plugin.apply_changes(File(id, path, b""), changes) == data, path
                compared += 1
    return compared


def run(seed: int, steps: int) -> None:
    with lix_vtab.open() as lix:
        does = Steps(lix, Random(seed))
        compared = 0
        for _ in range(steps):
            does.any_step()
            compared += compare(lix)
        for name in does.names:
            lix.switch_version(name)
            compared += compare(lix)
        assert compared > steps // 2
        assert lix.check() == []


@pytest.mark.parametrize("seed", range(12))
def test_bytes_are_what_entities_spell(seed: int) -> None:
    run(seed, 20)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 300))
def test_bytes_are_what_entities_spell_at_length(seed: int) -> None:
    run(seed, 40)
