"""What `lix log`, `lix diff` and `lix blame` print: for people, for programs, in colour."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

_ID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f-]*)?(?![0-9a-f])")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d\.\d{3}Z)?")


def steady(text: str) -> str:
    """Return output without what differs from run to run."""
    return re.sub(r"ID +\(", "ID (", _MOMENT.sub("MOMENT", _ID.sub("ID", text)))


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


# log ----------------------------------------------------------------------------------------------


def test_log(lix, shop) -> None:
    assert steady(lix("log", "-n", "2").out) == (
        "commit ID (HEAD → main)\n"
        "Author:  Ann\n"
        "Date:    MOMENT\n"
        "Changes: 7 changes in main\n"
        "\n"
        "commit ID (checkpoint v1)\n"
        "Merge:   ID ID\n"
        "Author:  Ann\n"
        "Date:    MOMENT\n"
        "Changes: 18 changes in main\n"
        "\n"
        "    the first week\n"
        "\n"
    )


def test_log_in_single_lines(lix, shop) -> None:
    assert steady(lix("log", "--oneline").out).splitlines() == [
        "ID (HEAD → main) 7 changes",
        "ID (checkpoint v1) the first week",
        "ID 18 changes",
        "ID Initial commit",
    ]


def test_the_graph_of_versions(lix, shop) -> None:
    shop.execute("INSERT INTO lix_version (name) VALUES ('draft')")
    shop.execute("UPDATE task SET rank = 2 WHERE id = 't1'")
    shop.switch_version("draft")
    shop.execute("UPDATE task SET rank = 3 WHERE id = 't1'")
    assert steady(lix("log", "--graph", "--all", "--oneline").out).splitlines()[:7] == [
        "* ID (HEAD → draft) 1 change",
        "| * ID (main) 1 change",
        "| | * ID (global) 1 change",
        "|/  |",
        "*   | ID 7 changes",
        "*   |   ID (checkpoint v1) the first week",
        "|\\  |",
    ]


def test_log_for_programs(lix, shop) -> None:
    commits = json.loads(lix("log", "--json").out)
    assert [commit["changes"] for commit in commits] == [7, 18, 18, 0]
    assert commits[1]["checkpoint"] == "v1"
    assert commits[1]["parents"].split() == [commits[2]["id"], commits[3]["id"]]
    assert commits[0]["checkpoint"] is None
    rows = table(lix("log", "--csv").out)
    assert [row["id"] for row in rows] == [commit["id"] for commit in commits]
    assert rows[1]["message"] == "the first week"


def test_log_of_a_file(lix, shop) -> None:
    shop.execute("UPDATE task SET rank = 9 WHERE id = 't1'")
    whole = [commit["id"] for commit in json.loads(lix("log", "--json").out)]
    of_file = [commit["id"] for commit in json.loads(lix("log", "/orders.csv", "--json").out)]
    assert of_file[0] == whole[1]
    assert whole[0] not in of_file


# diff ---------------------------------------------------------------------------------------------


def test_diff(lix, shop) -> None:
    assert lix("diff").out == (
        "renamed /docs/read.txt → /docs/readme.txt\n"
        "@@ -1,3 +1,3 @@\n"
        " one\n"
        "-two\n"
        "+2\n"
        " three\n"
        "\n"
        "modified /logo.bin  binary, 256 → 255 bytes\n"
        "\n"
        "modified /menu.json\n"
        "-/tea/price: 4\n"
        "+/tea/price: 5\n"
        "\n"
        "modified /orders.csv\n"
        " id  item  qty\n"
        "-1   tea   2\n"
        "+1   tea   5\n"
        "+3   pot   1\n"
        "\n"
        "modified task t1\n"
        '-title: "brew"\n'
        '+title: "brew tea"\n'
    )


def test_diff_backwards(lix, shop) -> None:
    assert lix("diff", "HEAD", "v1", "/menu.json").out == (
        "modified /menu.json\n-/tea/price: 5\n+/tea/price: 4\n"
    )


def test_diff_of_both_sides(lix, shop) -> None:
    lines = lix("diff", "-y", "/docs/").lines
    changed = [line for line in lines if "two" in line]
    assert len(changed) == 1
    assert changed[0].index("two") < changed[0].rindex("2")
    same = next(line for line in lines if "three" in line)
    assert same.count("three") == 2


def test_diff_in_short(lix, shop) -> None:
    assert lix("diff", "--name-only").lines == [
        "/docs/readme.txt",
        "/logo.bin",
        "/menu.json",
        "/orders.csv",
        "task t1",
    ]
    stat = lix("diff", "--stat", "/orders.csv").out
    assert "/orders.csv" in stat
    assert re.search(r"2.*1", stat)


def test_files_whose_directory_cannot_be_seen_are_shown_by_id(lix, shop) -> None:
    shop.execute(
        "INSERT INTO lix_directory_by_version (path, lixcol_version_id) VALUES ('/d/', 'global')"
    )
    shop.execute("INSERT INTO lix_file (id, path, data) VALUES ('lost', '/d/a.txt', 'x')")
    shop.execute("INSERT INTO lix_file (path, data) VALUES ('/b.txt', 'x')")
    shop.execute("UPDATE lix_version SET inherits_from_version_id = NULL WHERE name = 'main'")
    shop.execute("UPDATE lix_file SET data = 'y' WHERE id = 'lost'")
    assert lix("diff", "HEAD~3", "--name-only").out.splitlines() == ["/b.txt", "lost"]
    assert "  added     lost\n" in lix("status").out
    assert "added lost\n" in lix("diff", "HEAD~3").out


def test_diff_for_programs(lix, shop) -> None:
    changes = {row["entity_id"]: row for row in json.loads(lix("diff", "--json").out)}
    price = changes["/tea/price"]
    assert price["status"] == "modified"
    assert json.loads(price["after_snapshot_content"]) == {"path": "/tea/price", "value": 5}
    assert changes["id|3"]["before_commit_id"] is None
    rows = table(lix("diff", "--csv").out)
    assert {row["entity_id"]: row["status"] for row in rows} == {
        name: row["status"] for name, row in changes.items()
    }


def test_the_exit_code_of_diff(lix, shop) -> None:
    lix("diff", "--exit-code", code=1)
    assert lix("diff", "HEAD", "HEAD", "--exit-code").out == ""


# blame --------------------------------------------------------------------------------------------


def test_blame_of_text(lix, shop) -> None:
    newest, _, older, _ = (line.split()[0] for line in lix("log", "--oneline").lines)
    lines = lix("blame", "/docs/readme.txt").lines
    assert [line.split()[0] for line in lines] == [older, newest, older]
    assert [line.rpartition(") ")[2] for line in lines] == ["one", "2", "three"]
    assert all(steady(line).startswith("ID (Ann MOMENT) ") for line in lines)


def test_blame_of_records(lix, shop) -> None:
    lines = [steady(line) for line in lix("blame", "/orders.csv").lines]
    assert lines == [f"ID (Ann MOMENT) {row}" for row in ("1  tea  5", "2  mug  3", "3  pot  1")]


def test_blame_of_the_past(lix, shop) -> None:
    now, then = lix("blame", "/menu.json").lines, lix("blame", "/menu.json", "v1").lines
    assert [line.rpartition(") ")[2] for line in now][2:] == ["/tea: {}", "/tea/price: 5"]
    assert then[-1].endswith("/tea/price: 4")


def test_blame_of_a_row(lix, shop) -> None:
    lines = [steady(line) for line in lix("blame", "--table", "task", "t1").lines]
    assert lines == [
        'ID (Ann MOMENT) task.id = "t1"',
        "ID (Ann MOMENT) task.rank = 1",
        'ID (Ann MOMENT) task.title = "brew tea"',
    ]


def test_blame_for_programs(lix, shop) -> None:
    newest = json.loads(lix("log", "-n", "1", "--json").out)[0]["id"]
    rows = json.loads(lix("blame", "--table", "task", "t1", "--json").out)
    by_newest = {row["property"] for row in rows if row["commit_id"] == newest}
    assert by_newest == {"title"}
    as_csv = table(lix("blame", "--table", "task", "t1", "--csv").out)
    assert [(row["property"], row["commit_id"]) for row in as_csv] == [
        (row["property"], row["commit_id"]) for row in rows
    ]


def test_blame_of_nothing(lix, shop) -> None:
    assert "/nowhere" in lix("blame", "/nowhere", code=10).err


# Colour -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (["log", "--oneline", "-n", "1"], "(\x1b[36mHEAD\x1b[0m → \x1b[1;32mmain\x1b[0m)"),
        (["diff", "/menu.json"], "\x1b[31m-\x1b[0m\x1b[31m/tea/price: \x1b[0m\x1b[1;4;31m4\x1b[0m"),
        (["blame", "/menu.json"], "\x1b[33m"),
    ],
    ids=lambda each: each[0] if isinstance(each, list) else "",
)
def test_colours(lix, shop, monkeypatch: pytest.MonkeyPatch, command, shown: str) -> None:
    painted = lix(*command, "--color", "always").out
    assert shown in painted
    plain = lix(*command).out
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == plain
    monkeypatch.setenv("NO_COLOR", "1")
    assert lix(*command).out == plain
    assert "\x1b" not in lix(*command, "--color", "always", "--json").out
