"""The comparison runs, judges rightly, and goes on over whatever fails."""

from __future__ import annotations

import json
import sys
from xml.etree import ElementTree

import pytest

from benchmarks.compare.__main__ import main
from benchmarks.compare.chart import chart
from benchmarks.compare.child import Child, Gone
from benchmarks.compare.measure import Options, Run
from benchmarks.compare.operations import OPERATIONS, select
from benchmarks.compare.report import lines, notes_list, ratios_table
from benchmarks.compare.sides import SIDES, Recipe, Unavailable
from benchmarks.peers.floor_side import FloorSide
from benchmarks.peers.lix_side import LixSide
from benchmarks.peers.scale import Scale, csv_file, json_file
from benchmarks.peers.serve import Action, Missing

BY_KEY = {operation.key: operation for operation in OPERATIONS}


def result(operation, place="memory", size=200, **medians):
    sides = {name: {"median": median, "p95": median} for name, median in medians.items()}
    return {"operation": operation, "place": place, "size": size, "sides": sides}


def test_a_quick_run_measures_both_sides_and_writes_what_it_found(tmp_path, capsys):
    kept, picture = tmp_path / "run.json", tmp_path / "run.svg"
    only = ["write_1", "point_read", "scan", "size", "merge"]
    arguments = ["--quick", "--sides", "lix", "floor", "--json", str(kept), "--svg", str(picture)]
    assert main([*arguments, "--only", *only]) == 0
    run = json.loads(kept.read_text())
    places = {(each["operation"], each["place"]) for each in run["results"]}
    assert places == {(each.key, place) for each, place in select(only=only)}
    for each in run["results"]:
        assert set(each["sides"]) == {"lix", "floor"}
        if each["operation"] != "merge":
            assert all(side["median"] > 0 for side in each["sides"].values())
        else:
            assert "not available" in each["sides"]["floor"]["note"]
    ElementTree.fromstring(picture.read_text())
    assert "write 1 row, autocommit (file)" in capsys.readouterr().out


@pytest.mark.parametrize("side", [LixSide, FloorSide])
def test_every_fixture_of_a_python_side_can_be_prepared(side):
    """What a side has is prepared in both places; a surface that is missing is named as such."""
    scale = Scale(40).as_dict()
    for fixture in sorted({operation.fixture for operation in OPERATIONS} - {"stored"}):
        server = side()
        try:
            server.prepare(fixture, scale, None)
        except Missing:
            assert side is FloorSide
        finally:
            server.close()


@pytest.mark.parametrize(
    ("ours", "floor", "said"), [(0.04, 0.01, "met"), (0.06, 0.01, "missed 1.20x")]
)
def test_the_floor_of_the_run_decides_where_a_target_names_it(ours, floor, said):
    (line,) = lines([result("write_1", lix=ours, floor=floor, doltlite=0.1, git=2.0)])
    assert line.verdict == said
    assert (line.peer, line.theirs) == ("doltlite", 0.1)
    assert line.to_peer == pytest.approx(ours / 0.1)


def test_without_a_floor_the_figure_decides():
    assert lines([result("child_write", lix=0.2)])[0].verdict == "missed 2.00x"
    assert lines([result("child_write", doltlite=0.2)])[0].verdict == "not available"


def test_reading_the_past_is_judged_by_reading_now():
    now, past = result("scan", lix=10.0, floor=5.0), result("past_scan", lix=14.0)
    assert [line.verdict for line in lines([past, now])] == ["met", "met"]
    past["sides"]["lix"]["median"] = 30.0
    assert lines([past, now])[1].verdict == "missed 2.00x"
    assert lines([past])[0].verdict == "not comparable"


def test_tables_and_picture_hold_every_operation():
    results = [result(each.key, place, lix=1.0, floor=0.5) for each, place in select()]
    table = ratios_table(results)
    assert table.count("\n") == len(results) + 1
    assert len({len(line) for line in table.splitlines()}) == 1
    timed = [each for each, _ in select() if each.unit == "ms"]
    assert chart(results).count("<circle") == 2 * len(timed) + len(SIDES)


def test_notes_say_what_there_is_no_figure_for():
    missing = {**result("merge"), "sides": {"lix": {"note": "failed: broken"}}}
    said = notes_list({"lix": {"version": "1"}, "git": {"note": "skipped: no git"}}, [missing])
    assert said.splitlines() == [
        "- **lix_vtab** 1",
        "  - no merge: failed: broken",
        "- **git**: skipped: no git",
    ]


SLOW = "import sys, time\nfor line in sys.stdin: time.sleep(60)"
DYING = "import sys\nsys.stdin.readline()\nsys.exit('out of luck')"
NOISY = (
    "import json, sys\n"
    "for line in sys.stdin:\n"
    "    request = json.loads(line)\n"
    "    if request.get('operation') == 'write_10': sys.exit('out of luck')\n"
    "    done = {'samples': [0.001] * request.get('times', 0)}\n"
    "    print(json.dumps(done if request['do'] == 'run' else {}), flush=True)"
)


def child(code):
    return Child([sys.executable, "-c", code])


def test_a_side_that_takes_too_long_is_given_up():
    with child(SLOW) as slow, pytest.raises(Gone, match=r"longer than 0\.2 s"):
        slow.ask(0.2, do="describe")


def test_a_side_that_dies_says_why_and_starts_again():
    with child(DYING) as dying:
        for _ in range(2):
            with pytest.raises(Gone, match="it ended: out of luck"):
                dying.ask(20, do="describe")


def test_a_run_goes_on_over_a_side_that_dies():
    wanted = select(only=["write_1", "write_10", "write_100"], places=["memory"])
    options = Options(Scale(40), seconds=0.01, rounds=2, limit=20, most=4)
    with child(NOISY) as noisy:
        results = Run({"lix": noisy}, options, lambda text: None).measure(wanted)
    assert [each["sides"]["lix"].get("median") for each in results] == [1.0, None, 1.0]
    assert results[1]["sides"]["lix"]["note"] == "it ended: out of luck"


def test_a_side_that_cannot_be_installed_is_skipped(monkeypatch, tmp_path):
    def start(cache):
        raise Unavailable("it could not be installed: no room")

    monkeypatch.setitem(SIDES, "git", Recipe("git", start))
    kept = tmp_path / "run.json"
    options = ["--quick", "--only", "point_read", "--json", str(kept), "--sides", "lix", "git"]
    assert main(options) == 0
    run = json.loads(kept.read_text())
    assert run["sides"]["git"] == {"note": "skipped: it could not be installed: no room"}
    assert list(run["results"][0]["sides"]) == ["lix"]


def test_what_is_timed_leaves_out_its_preparation():
    order = []
    action = Action(
        lambda n: order.append(f"call {n}"), setup=lambda: (order.append("setup") or 7,)
    )
    assert len(action.sample(2)) == 2
    assert order == ["setup", "call 7", "setup", "call 7"]
    assert Action(lambda: 3.5, figure=True).sample(1, "cpu") == [3.5]


def test_files_have_as_many_parts_as_they_say():
    leaves = [
        leaf for group in json.loads(json_file(25, 12, 3)).values() for leaf in group.values()
    ]
    assert len(leaves) == 25
    assert leaves.count("changed to 3") == 1
    assert csv_file(120, 1).count(b"\n") == 121
    assert csv_file(120, 1) != csv_file(120, 2)


def test_selection_by_row_key_and_place():
    assert {each.row for each, _ in select(rows=[13, 14])} == {13, 14}
    assert [place for _, place in select(only=["write_1"])] == ["memory", "file"]
    with pytest.raises(ValueError, match="no such operation: nothing"):
        select(only=["nothing"])


def test_every_row_of_the_table_is_there():
    assert {operation.row for operation in OPERATIONS} == set(range(1, 24))
    assert len(BY_KEY) == len(OPERATIONS)
