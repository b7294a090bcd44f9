"""The page is what its runs say, and nothing else."""

from __future__ import annotations

import json

import pytest

from benchmarks import documents, memory, profiles
from benchmarks.compare.operations import select
from benchmarks.machine import machine_line
from benchmarks.sections import SECTIONS

MACHINE = {
    "date": "2026-01-31",
    "system": "Linux x86_64",
    "cores": 2,
    "python": "CPython 3.13.0",
    "load": 0.1,
    "clock": "wall",
}


def test_the_page_shows_what_is_kept():
    page = documents.PAGE.read_text()
    rendered, pictures = documents.render(page, SECTIONS)
    assert rendered == page, "run python -m benchmarks.compare --write-docs"
    for name, picture in pictures.items():
        assert documents.PAGE.with_name(f"performance-{name}.svg").read_text() == picture


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """Let the page and the kept runs be others than those of the repository."""
    page = tmp_path / "performance.md"
    page.write_text("Before.\n<!-- compare -->\n<!-- /compare -->\nAfter.\n")
    monkeypatch.setattr(documents, "PAGE", page)
    monkeypatch.setattr(documents, "RESULTS", tmp_path / "results")
    return page


def test_sections_are_written_between_their_marks(elsewhere):
    results = [
        {
            "operation": operation.key,
            "place": place,
            "size": 200,
            "sides": {"lix": {"median": 1.0, "p95": 2.0}},
        }
        for operation, place in select()
    ]
    run = {"machine": MACHINE, "sides": {"lix": {"version": "1"}}, "results": results}
    documents.save("compare", run)
    written = documents.write(SECTIONS)
    page = elsewhere.read_text()
    assert page.startswith("Before.\n<!-- compare -->\nTaken on 2026-01-31")
    assert page.endswith("<!-- /compare -->\nAfter.\n")
    assert [path.name for path in written] == ["performance.md", "performance-compare.svg"]
    documents.write(SECTIONS)
    assert elsewhere.read_text() == page


def test_without_a_run_the_page_says_how_to_take_one(elsewhere):
    documents.write(SECTIONS)
    assert "`python -m benchmarks.compare` takes them" in elsewhere.read_text()


def run(load, *titles, **machine):
    return {
        "machine": {**MACHINE, "load": load, **machine},
        "results": [{"title": title, "load": load} for title in titles],
    }


def test_results_that_were_not_taken_again_are_kept():
    merged = documents.merge(run(1, "a", "b"), run(2, "b", "c"), "title")
    assert [(each["title"], each["load"]) for each in merged["results"]] == [
        ("a", 1),
        ("b", 2),
        ("c", 2),
    ]
    assert merged["machine"]["load"] == 2
    assert documents.merge(None, run(2, "b"), "title") == run(2, "b")


@pytest.mark.parametrize("other", [{"cores": 64}, {"clock": "cpu"}, {"python": "PyPy 3.11"}])
def test_results_that_do_not_compare_are_not_kept(other):
    new = run(2, "b", **other)
    assert documents.merge(run(1, "a"), new, "title") == new


def test_a_busy_machine_is_said_to_be_one():
    assert "busy" in machine_line({**MACHINE, "load": 3.5})
    assert "busy" not in machine_line(MACHINE)
    assert "processor time" in machine_line({**MACHINE, "clock": "cpu"})


def test_profiles_tell_stages_apart():
    assert profiles.stage_of("/x/lix_vtab/storage/rows.py", "write") == "storage"
    assert profiles.stage_of("/x/lix_vtab/lix.py", "open") == "other"
    assert profiles.stage_of("~", "<method 'execute' of 'apsw.Connection' objects>") == "SQLite"
    assert profiles.stage_of("~", "<built-in method builtins.len>") == "other"


def test_profiles_count_statements_and_share_out_the_time(tmp_path):
    kept = tmp_path / "run.json"
    arguments = ["--quick", "--statements", "3", "--functions", "3", "--only"]
    assert profiles.main([*arguments, "write 1 row through", "--json", str(kept)]) == 0
    (result,) = json.loads(kept.read_text())["results"]
    assert result["median"] > 0
    assert result["statements"] >= 2
    assert sum(result["stages"].values()) == pytest.approx(1)
    assert result["stages"]["SQLite"] > 0
    assert len(result["costly"]) == len(result["functions"]) == 3
    assert any("lix_internal_" in sql for sql, _, _ in result["costly"])


def test_memory_is_measured_in_a_process_of_its_own(tmp_path, capsys):
    kept = tmp_path / "run.json"
    assert memory.main(["--quick", "--only", "nothing", "bulk", "--json", str(kept)]) == 0
    small, large = json.loads(kept.read_text())["results"]
    assert 5 < small["peak"] < large["peak"] + 5 < 1_000
    assert large["database"] > small["database"]
    assert "write 2,000 rows" in capsys.readouterr().out
