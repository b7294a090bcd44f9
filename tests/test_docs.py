"""Documents cannot lie: what they show runs, lists are complete, links lead somewhere."""

from __future__ import annotations

import inspect
import re
import runpy
import tomllib
from pathlib import Path

import pytest

import lix_vtab
from lix_vtab import errors
from lix_vtab.schema import schema_definition
from lix_vtab.surfaces.install import functions_of
from tests.docs.blocks import read_blocks
from tests.docs.document import run_document

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINKED_PAGES = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
LANGUAGES = {"c", "console", "csv", "json", "markdown", "python", "sh", "sql", "text", "toml"}

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_ROW = re.compile(r"^\| `(?P<first>[^`]+)` \|(?P<rest>.*)\|$", re.MULTILINE)


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=label)
def test_everything_shown_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    blocks = read_blocks(page)
    assert {block.language for block in blocks} <= LANGUAGES, "name a known language"
    runnable = [block for block in blocks if block.language in {"python", "sql"}]
    assert run_document(blocks, work, tmp_path / "bin") >= len(runnable)


@pytest.mark.parametrize("example", EXAMPLES, ids=label)
def test_examples_run_from_any_directory(
    example: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(example), run_name="__main__")
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("page", LINKED_PAGES, ids=label)
def test_links_lead_somewhere(page: Path) -> None:
    for match in _LINK.finditer(page.read_text(encoding="utf-8")):
        target, _, anchor = match["target"].partition("#")
        if target.startswith(("https:", "mailto:")):
            continue
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{label(page)} links to {target}"
        if anchor:
            assert anchor in headings(path), f"{label(page)} links to {target}#{anchor}"


def headings(path: Path) -> set[str]:
    """Return the anchors a Markdown renderer gives the headings of a page."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_index_lists_every_page() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    listed = {match["target"] for match in _LINK.finditer(index)}
    assert {page.name for page in PAGES[1:]} - {"index.md"} <= listed


def test_every_error_is_documented_and_every_documented_error_exists() -> None:
    documented = [
        (match["first"], *re.findall(r"`([^`]+)`", match["rest"])[:2])
        for match in _ROW.finditer((ROOT / "docs" / "errors.md").read_text(encoding="utf-8"))
    ]
    assert sorted(documented) == sorted([error_row(each) for each in error_classes()])


def error_classes() -> list[type[errors.LixError]]:
    """Return the classes that raise: leaves of the tree, and groups with a code of their own."""
    named = [getattr(errors, name) for name in errors.__all__]
    classes = [each for each in named if inspect.isclass(each) and each is not errors.LixError]
    leaf_codes = {each.code for each in classes if not each.__subclasses__()}
    return [each for each in classes if not each.__subclasses__() or each.code not in leaf_codes]


def error_row(cls: type[errors.LixError]) -> tuple[str, str, str]:
    """Return code, name and the class from outside by which it can be caught too."""
    outside = next(each for each in inspect.getmro(cls) if each.__module__ != errors.__name__)
    prefix = "" if outside.__module__ == "builtins" else f"{outside.__module__}."
    return cls.code, cls.__name__, f"{prefix}{outside.__name__}"


def test_every_sql_function_is_listed() -> None:
    """Tables of the page, and the words of its last section."""
    page = (ROOT / "docs" / "functions.md").read_text(encoding="utf-8")
    cells = [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| `lix_")]
    inner = page.partition("## Inner functions")[2]
    listed = re.findall(r"`(lix_[a-z0-9_]+)\(", "\n".join([*cells, inner]))
    with lix_vtab.open() as lix:
        assert sorted(listed) == sorted(function.name for function in functions_of(lix._session))


def test_every_schema_keyword_is_listed() -> None:
    page = (ROOT / "docs" / "schemas.md").read_text(encoding="utf-8")
    listed = {match["first"] for match in _ROW.finditer(page) if match["first"][:2] in {"x-", "ad"}}
    known = {name for name in schema_definition()["properties"] if name.startswith("x-lix-")}
    assert listed == known | {"x-lix-default", "additionalProperties"}


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for requirements in project["optional-dependencies"].values():
        wanted += requirements
    names = {re.match(r"[\w.-]+", each)[0] for each in wanted}  # type: ignore[index]
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    assert {match["first"] for match in _ROW.finditer(page)} == names


def test_the_clean_clone_run_uses_the_commands_of_the_readme() -> None:
    commands = [
        line.removeprefix("$ ")
        for block in read_blocks(ROOT / "README.md")
        if block.language == "console" and not block.text.startswith("$ lix")
        for line in block.text.splitlines()
    ]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert len(commands) == 2
    assert script[-2:] == commands
