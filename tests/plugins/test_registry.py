"""The registry: what it takes, what it refuses and why, and which plugin it chooses."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass, field
from typing import Any

import pytest

from lix_vtab.errors import PluginError
from lix_vtab.plugins import BUILTIN, Plugin, PluginRegistry, plugin_json, plugin_text


def manifest(key: str, glob: str, content_type: str | None = None) -> dict[str, Any]:
    match = {"path_glob": glob}
    if content_type:
        match["content_type"] = content_type
    return {"key": key, "runtime": "python", "api_version": "1.0.0", "match": match}


@dataclass
class Fake:
    key: str
    manifest: Any
    schemas: Any = field(default_factory=lambda: [{"x-lix-key": "k", "x-lix-version": "1"}])

    def detect_changes(self, before: Any, after: Any, state_context: Any) -> Any:
        return []

    def apply_changes(self, file: Any, changes: Any) -> bytes:
        return b""


def fake(key: str, glob: str, content_type: str | None = None) -> Fake:
    return Fake(key, manifest(key, glob, content_type))


def chosen(plugins: list[Any], path: str, content: Any = None) -> str | None:
    found = PluginRegistry(plugins).match(path, content)
    return found.key if found else None


def test_the_most_specific_glob_wins() -> None:
    both = [fake("all", "*"), fake("md", "*.{md,mdx}")]
    assert chosen(both, "/notes.md") == chosen(both[::-1], "/notes.md") == "md"
    assert chosen(both, "/notes.txt") == "all"
    both = [fake("any", "*.md"), fake("docs", "docs/**/*.md")]
    assert chosen(both, "docs/nested/readme.md") == "docs"


def test_among_equals_the_smaller_key_wins() -> None:
    assert chosen([fake("b", "*.md"), fake("a", "*.md")], "/x.md") == "a"
    assert chosen([fake("b", "*"), fake("a", "**/*")], "/x.md") == "a"


def test_the_content_type_filters_when_both_sides_are_known() -> None:
    both = [fake("a_text", "*", "text"), fake("b_binary", "*", "binary")]
    assert chosen(both, "/x", "binary") == "b_binary"
    assert chosen(both, "/x", b"\x89PNG") == "b_binary"
    assert chosen(both, "/x", b"words") == "a_text"
    assert chosen(both, "/x") == "a_text"
    assert chosen([fake("a", "*")], "/x", "binary") == "a"
    assert chosen(both[:1], "/x", b"\0") is None


@pytest.mark.parametrize(
    ("path", "content", "key"),
    [
        ("/package.json", None, "plugin_json"),
        ("/A.JSON", b"\xff", "plugin_json"),
        ("/t.csv", None, "plugin_csv"),
        ("/t.tsv", None, "plugin_csv"),
        ("/README.md", None, "plugin_md"),
        ("/x.markdown", None, "plugin_md"),
        ("/x.mdx", None, "plugin_md"),
        ("/x.md", b"\0", None),
        ("/src/main.py", b"x", "plugin_text"),
        ("/src/main.py", b"\0", None),
        ("/Makefile", None, "plugin_text"),
        ("/a/.gitignore", None, "plugin_text"),
        ("/.py", None, None),
        ("/photo.png", None, None),
        ("/photo.png", b"text", None),
        ("/no-suffix", b"text", None),
    ],
)
def test_what_the_shipped_plugins_take(path: str, content: Any, key: str | None) -> None:
    assert chosen(list(BUILTIN), path, content) == key


def test_any_plugin_of_your_own_goes_before_the_shipped_text_plugin() -> None:
    assert chosen([*BUILTIN, fake("zz_python", "*.py")], "/main.py") == "zz_python"


def test_a_plugin_may_narrow_its_glob() -> None:
    narrow = fake("narrow", "*.x")
    narrow.accepts_path = lambda path: path.startswith("/in/")  # type: ignore[attr-defined]
    assert chosen([narrow, fake("wide", "*")], "/in/a.x") == "narrow"
    assert chosen([narrow, fake("wide", "*")], "/out/a.x") == "wide"

    def broken(path: str) -> bool:
        raise ValueError("oh")

    narrow.accepts_path = broken  # type: ignore[attr-defined]
    with pytest.raises(PluginError, match=r"accepts_path of plugin 'narrow' failed for /a\.x: oh"):
        chosen([narrow], "/a.x")


def test_a_registry_is_a_collection() -> None:
    registry = PluginRegistry([plugin_text, plugin_json])
    assert [plugin.key for plugin in registry] == ["plugin_json", "plugin_text"]
    assert len(registry) == 2
    assert "plugin_json" in registry
    assert registry.get("plugin_json") is plugin_json
    assert registry.get("other") is None
    assert registry.manifest("plugin_text").content_type == "text"
    assert all(isinstance(plugin, Plugin) for plugin in BUILTIN)


def test_the_same_key_replaces() -> None:
    registry = PluginRegistry([fake("a", "*.one")])
    newer = registry.add(fake("a", "*.two"))
    assert len(registry) == 1
    assert registry.match("/x.one") is None
    assert registry.match("/x.two") is newer


def test_a_class_is_called() -> None:
    assert PluginRegistry([type(plugin_json)]).get("plugin_json") is not plugin_json

    class NeedsMore:
        def __init__(self, what: str) -> None:
            self.what = what

    with pytest.raises(PluginError, match="NeedsMore\\(\\) failed: TypeError"):
        PluginRegistry([NeedsMore])


@pytest.mark.parametrize(
    ("plugin", "texts"),
    [
        (object(), ["manifest must be a mapping", "schemas must be", "no method 'detect_changes'"]),
        (None, ["manifest must be a mapping"]),
        (Fake("b", manifest("a", "*")), ["its key 'b' differs from the manifest's 'a'"]),
        (Fake("a", manifest("A", "[")), ["manifest: /key", "match.path_glob is invalid"]),
        (Fake("a", manifest("a", "*"), []), ["at least one schema"]),
        (Fake("a", manifest("a", "*"), "text"), ["its schemas must be a list"]),
        (
            Fake("a", manifest("a", "*"), [1, {}]),
            ["schemas[0] must be", "schemas[1] lacks the text"],
        ),
        (
            Fake("a", manifest("a", "*"), [{"x-lix-key": "k", "x-lix-version": "1"}] * 2),
            ["more than once"],
        ),
        (
            Fake("lix_builtin_binary_fallback", manifest("lix_builtin_binary_fallback", "*")),
            ["is reserved"],
        ),
        (Fake("lix", manifest("lix", "*")), ["'lix' is reserved"]),
    ],
)
def test_what_is_unusable_is_refused_with_every_reason(plugin: Any, texts: list[str]) -> None:
    with pytest.raises(PluginError) as caught:
        PluginRegistry([plugin])
    assert caught.value.code == "LIX_ERROR_PLUGIN"
    for text in texts:
        assert text in str(caught.value)
    assert len(caught.value.details["violations"]) >= len(texts)


def test_methods_must_be_callable() -> None:
    broken = fake("a", "*")
    broken.apply_changes = None  # type: ignore[method-assign,assignment]
    broken.accepts_path = 3  # type: ignore[attr-defined]
    with pytest.raises(PluginError, match="no method 'apply_changes'; accepts_path must be"):
        PluginRegistry([broken])


def test_entry_points_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    points = importlib.metadata.EntryPoints(
        [
            importlib.metadata.EntryPoint(
                "one", "lix_vtab.plugins:plugin_json", "lix_vtab.plugins"
            ),
            importlib.metadata.EntryPoint(
                "two", "lix_vtab.plugins.textfile.plugin:TextPlugin", "lix_vtab.plugins"
            ),
            importlib.metadata.EntryPoint("three", "nowhere:nothing", "other"),
        ]
    )
    monkeypatch.setattr(
        importlib.metadata, "entry_points", lambda group: points.select(group=group)
    )
    registry = PluginRegistry()
    assert [plugin.key for plugin in registry.add_entry_points()] == ["plugin_json", "plugin_text"]
    broken = importlib.metadata.EntryPoint("bad", "nowhere:nothing", "lix_vtab.plugins")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [broken])
    with pytest.raises(PluginError, match=r"entry point 'bad' \(nowhere:nothing\)"):
        registry.add_entry_points()


def _never_ends(path: str) -> bool:
    while True:
        pass


def _gives_up(path: str) -> bool:
    raise SystemExit(3)


@pytest.mark.parametrize(("accepts", "reason"), [(_never_ends, "stopped after"), (_gives_up, "3")])
def test_a_plugin_that_cannot_tell_whether_it_takes_a_path_is_named(
    accepts: Any, reason: str
) -> None:
    fake = Fake("a", manifest("a", "*"))
    fake.accepts_path = accepts  # type: ignore[attr-defined]
    registry = PluginRegistry([fake], time_limit=0.1)
    with pytest.raises(PluginError, match=f"accepts_path of plugin 'a' failed for /x: {reason}"):
        registry.match("/x")
