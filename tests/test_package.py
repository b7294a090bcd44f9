"""What holds for the package as a whole: shape of modules, public names, examples, metadata."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
import tomllib
from pathlib import Path
from types import ModuleType

import apsw
import pytest

import lix_vtab
from lix_vtab import errors

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "lix_vtab").rglob("*.py"))
LONGEST_MODULE = 500
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b|raise NotImplementedError|pragma: no cover")
OPTIONAL = {"sqlalchemy", "wasmtime"}


def module_names() -> list[str]:
    walked = pkgutil.walk_packages([str(ROOT / "lix_vtab")], "lix_vtab.")
    return ["lix_vtab", *(each.name for each in walked if not each.name.endswith("__main__"))]


def load(name: str) -> ModuleType:
    """Import a module, or skip it when an extra that it serves is not installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in OPTIONAL:
            raise
        pytest.skip(f"{name} needs the extra for {error.name}")


def public_names(module: ModuleType) -> list[str]:
    return list(getattr(module, "__all__", []))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_short_and_finished(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LONGEST_MODULE, f"split {path.name}: {len(lines)} lines"
    assert not [line for line in lines if UNFINISHED.search(line)]


@pytest.mark.parametrize("name", module_names())
def test_public_names_exist_and_are_described(name: str) -> None:
    module = load(name)
    assert inspect.getdoc(module), f"{name} says nothing about itself"
    for public in public_names(module):
        value = getattr(module, public)
        if inspect.isclass(value) or inspect.isroutine(value):
            assert inspect.getdoc(value), f"{name}.{public} has no docstring"


@pytest.mark.parametrize("name", module_names())
def test_examples_in_docstrings_hold(name: str) -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for example in doctest.DocTestFinder().find(load(name), name):
        runner.run(example, clear_globs=False)
        for value in example.globs.values():
            if isinstance(value, lix_vtab.Lix | apsw.Connection):
                value.close()
    assert runner.summarize().failed == 0


def test_the_package_lists_its_public_names_in_order() -> None:
    names = public_names(lix_vtab)
    assert names == sorted(names)
    assert {"LixError", "load", "open"} <= set(names)


def test_every_code_belongs_to_one_leaf() -> None:
    classes = [value for name in errors.__all__ if inspect.isclass(value := getattr(errors, name))]
    leaves = [each for each in classes if not each.__subclasses__()]
    codes = [leaf.code for leaf in leaves]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"LIX_[A-Z_]+", code) for code in codes)
    assert all(issubclass(each, errors.LixError) for each in classes)


def test_errors_show_code_message_and_hint() -> None:
    error = errors.UniqueError("path /a is taken", hint="choose another", details={"path": "/a"})
    assert str(error) == "LIX_ERROR_UNIQUE: path /a is taken (choose another)"
    assert (error.message, error.hint) == ("path /a is taken", "choose another")
    assert error.details == {"path": "/a"}


def test_the_changelog_names_the_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    headings = re.findall(r"^## \[?([^\]\s]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    released = headings[1:]
    assert not released or released[0] == project["version"]


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_the_map_of_packages_is_the_contract(page: str) -> None:
    """Each page lists every layer, top to bottom, as import-linter holds them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    expected = [name for layer in layers for name in re.findall(r"\w+", layer)]
    text = (ROOT / page).read_text(encoding="utf-8")
    table = text.split("| package | what it is |\n|---|---|\n")[1].split("\n\n")[0]
    found = [
        name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])
    ]
    assert found == expected
