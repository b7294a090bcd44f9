"""Defects known from elsewhere that must not exist here, as far as plugins are concerned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import jsonschema
import pytest

from lix_vtab.errors import PluginError
from lix_vtab.plugins import BUILTIN, File, PluginRegistry, plugin_json, plugin_md, plugin_text
from lix_vtab.plugins.run import PluginRunner
from tests.plugins.test_conformance import SAMPLES, variants
from tests.plugins.world import World, ids_of

REGISTRY = PluginRegistry(BUILTIN)


def test_b6_a_container_of_another_kind_brings_no_duplicate() -> None:
    for before, after in ((b"[1]", b'{"0":1}'), (b'{"0":[1]}', b"[[1]]"), (b"[[1]]", b'[{"0":2}]')):
        ids = ids_of(World(plugin_json, "/a.json", before).write(after))
        assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    "steps",
    [
        [b"a\nb\nc\n", b"c\na\nb\n", b"c\na\nb\nd\n"],
        [b"x\n\ny\n", b"x\n\n\ny\n", b"x\n\n\ny!\n"],
        [b"{\n}\n", b"}\n{\n}\n", b"}\n{\nx\n}\n"],
    ],
)
def test_b7_line_ids_do_not_drift(steps: list[bytes]) -> None:
    made = World(plugin_text, "/a.txt", steps[0])
    kept = set(made.ids("text_line"))
    for data in steps[1:]:
        made.write(data)
        assert kept <= set(made.ids("text_line"))
        kept = set(made.ids("text_line"))


@pytest.mark.parametrize(
    ("plugin", "before", "after"),
    [
        (plugin_md, b"a\nb\n\nc\n", b"a\r\nb\r\n\r\nc\r\n"),
        (plugin_md, "e\u0301\n".encode(), "\u00e9\n".encode()),
        (plugin_md, b"```\nx\n```\n", b"````\nx\n````\n"),
        (plugin_md, b"a  \nb\n", b"a\\\nb\n"),
        (plugin_json, b'{"a":1}', b'{ "a": 1 }'),
        (plugin_json, b'{"a":1,"b":2}', b'{"b":2,"a":1}'),
    ],
)
def test_b13_edits_that_mean_the_same_are_not_lost(
    plugin: Any, before: bytes, after: bytes
) -> None:
    made = World(plugin, "/a", before)
    assert made.write(after)
    assert made.render() == after


def test_b15_a_plugin_is_called_once_and_what_it_rejects_can_be_kept() -> None:
    calls: list[str] = []

    class Failing:
        key = "failing"
        manifest: ClassVar[dict[str, str]] = {}
        schemas: ClassVar[list[dict[str, str]]] = []

        def detect_changes(self, *_: Any) -> Any:
            calls.append("detect")
            raise ValueError

        def apply_changes(self, *_: Any) -> bytes:
            calls.append("apply")
            raise ValueError

    file = File("f", "/a.json", b"not json")
    runner = PluginRunner()
    with pytest.raises(PluginError):
        runner.detect(Failing(), None, file)
    with pytest.raises(PluginError):
        runner.apply(Failing(), file, [])
    assert calls == ["detect", "apply"]
    for plugin in BUILTIN:
        assert plugin.manifest["on_invalid"] == "blob"
    rejected = runner.detect(plugin_json, None, file).rejected
    assert rejected is not None
    assert "must be valid JSON" in rejected
    assert World(plugin_json, "/a.json", b"").render() == b""


def test_b17_an_insertion_writes_no_list_of_all_lines() -> None:
    made = World(plugin_text, "/a.txt", b"".join(b"%d\n" % n for n in range(1000)))
    ((_, _, text),) = made.write(b"new\n" + (made.data or b""))
    assert text is not None
    assert len(text) < 200


def test_b18_order_numbers_and_arrays_survive() -> None:
    text = b'{"z":1,"a":0.1,"m":[1,2,3],"f":[1e22,123456789.123456789,5e-324,0.30000000000000004]}'
    made = World(plugin_json, "/a.json", text)
    assert made.data == text
    for number in range(20):
        made.write(text.replace(b'"z":1', b'"z":%d' % number))
    many = json.dumps(list(range(500))).encode()
    made = World(plugin_json, "/a.json", many)
    assert len(made.write(b"[-1, " + many[1:])) == 1


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_b9_every_snapshot_fits_the_schema_and_its_key(name: str) -> None:
    plugin = REGISTRY.match(f"/{name}", SAMPLES[name])
    assert plugin is not None
    validators = {
        schema["x-lix-key"]: jsonschema.Draft7Validator(dict(schema)) for schema in plugin.schemas
    }
    primary = {schema["x-lix-key"]: schema["x-lix-primary-key"][0][1:] for schema in plugin.schemas}
    made = World(plugin, f"/{name}", SAMPLES[name])
    for data in variants(name).values():
        if PluginRunner().detect(plugin, None, made.file(data)).rejected is None:
            made.write(data)
        for (key, id), text in made.entities.items():
            snapshot = json.loads(text)
            validators[key].validate(snapshot)
            assert snapshot[primary[key]] == id
    assert Path(name).name == name
