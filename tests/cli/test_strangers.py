"""What goes wrong for strangers: streams that are gone, wrong input, places one may not write."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lix_vtab
from lix_vtab.errors import LixError

ROOT = Path(__file__).parents[2]
LIX = [sys.executable, "-m", "lix_vtab"]
MANY = (
    "WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c LIMIT 50000) SELECT x FROM c"
)


def shell(command: str, work: Path, *, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
    """Run a command line of bash, in which `lix` is this one."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    lix = " ".join([*before, *LIX])
    return subprocess.run(
        ["bash", "-c", f"lix() {{ {lix} \"$@\"; }}; {command}"],
        capture_output=True, text=True, cwd=work, env=environment, timeout=120, check=False,
    )  # fmt: skip


# Streams ------------------------------------------------------------------------------------------


def test_a_reader_that_leaves(lix, work: Path) -> None:
    lix("init", "a.lix")
    done = shell(f"lix sql --list '{MANY}' | head -1; echo ${{PIPESTATUS[0]}}", work)
    assert (done.stdout, done.stderr) == ("1\n141\n", "")


def test_no_standard_output(lix, work: Path) -> None:
    lix("init", "a.lix")
    done = shell("lix branch >&-; echo $?", work)
    assert (done.stdout, done.stderr) == ("0\n", "")
    done = shell("lix sql 'SELECT * FROM nowhere' 2>&-; echo $?", work)
    assert (done.stdout, done.stderr) == ("10\n", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_full_streams(lix, work: Path) -> None:
    lix("init", "a.lix")
    done = shell("lix branch >/dev/full; echo $?", work)
    assert done.stdout == "50\n"
    assert "No space left" in done.stderr
    assert shell("lix sql 'SELECT * FROM nowhere' 2>/dev/full; echo $?", work).stdout == "10\n"


@pytest.mark.parametrize("group", [(), ("files",)], ids=["lix", "files"])
def test_nothing_asked_for_shows_the_help(lix, group) -> None:
    done = lix(*group, code=10)
    assert done.err.startswith("Usage: lix")
    assert "error" not in done.err


# Statements ---------------------------------------------------------------------------------------


def test_statements_that_are_not_utf_8(lix, work: Path) -> None:
    lix("init", "a.lix")
    (work / "latin.sql").write_bytes(b"SELECT 1;\nSELECT '\xe9'")
    for done in (
        lix("sql", "-f", "latin.sql", code=10),
        lix("sql", given=b"\nSELECT '\xe9", code=10),
    ):
        assert "error: the statements are not UTF-8: byte 0xe9 on line 2" in done.err


def test_a_byte_order_mark_is_no_statement(lix, work: Path) -> None:
    lix("init", "a.lix")
    (work / "bom.sql").write_bytes(b"\xef\xbb\xbfSELECT 7")
    assert lix("sql", "--list", "-f", "bom.sql").out == "7\n"
    assert lix("sql", "--list", given=b"\xef\xbb\xbfSELECT 7").out == "7\n"
    definition = {"x-lix-key": "t", "x-lix-version": "1", "type": "object",
                  "additionalProperties": False, "properties": {"a": {"type": "string"}}}  # fmt: skip
    (work / "bom.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(definition).encode())
    assert lix("schema", "register", "bom.json").out == "registered t\n"


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("12", 12), ("-3", -3), ("1.5e3", 1500.0), ("9223372036854775807", 2**63 - 1),
        ("007", "007"), ("nan", "nan"), ("inf", "inf"), ("1_000", "1_000"), ("\u0663", "\u0663"),
        ("9223372036854775808", "9223372036854775808"), ("1e999", "1e999"), (" 1", " 1"),
    ],
)  # fmt: skip
def test_parameters_are_kept_as_they_are(lix, given: str, stored: object) -> None:
    lix("init", "a.lix")
    done = lix("sql", "--json", "-p", "x", given, "SELECT :x AS x")
    assert json.loads(done.out) == [{"x": stored}]


def test_a_parameter_without_a_name(lix) -> None:
    lix("init", "a.lix")
    for query in ("SELECT ?", "SELECT ?1"):
        assert "a ? has no name" in lix("sql", "-p", "1", "a", query, code=10).err


def test_errors_for_programs_when_going_on(lix) -> None:
    lix("init", "a.lix")
    done = lix("sql", "--json", "--keep-going", "SELECT * FROM nowhere; SELECT 1 AS a", code=10)
    assert json.loads(done.err)["error"]["code"] == "LIX_TABLE_NOT_FOUND"
    assert json.loads(done.out) == [{"a": 1}]


def test_a_transaction_nobody_ended_is_no_success(lix) -> None:
    lix("init", "a.lix")
    begun = "BEGIN; INSERT INTO lix_key_value (key, value) VALUES ('a', 1)"
    assert "end inside the transaction they began" in lix("sql", begun, code=20).err
    count = ("sql", "--list", "SELECT count(*) FROM lix_key_value WHERE key = 'a'")
    assert lix(*count).out == "0\n"
    lix("sql", f"{begun}; COMMIT")
    assert lix(*count).out == "1\n"


# Names --------------------------------------------------------------------------------------------


def test_names_of_versions_tell_them_apart(lix) -> None:
    lix("init", "a.lix")
    lix("branch", "create", "draft")
    for arguments in (("create", "main"), ("create", "draft"), ("rename", "draft", "main")):
        done = lix("branch", *arguments, code=10)
        assert f"there is a version named '{arguments[-1]}' already" in done.err
    lix("branch", "rename", "draft", "draft")
    for name in ("", " "):
        assert "a version needs a name" in lix("branch", "create", name, code=10).err
        assert "a version needs a name" in lix("branch", "rename", "draft", name, code=10).err
    assert [row.split()[0] for row in lix("branch").lines] == ["global", "*", "draft"]


# Places -------------------------------------------------------------------------------------------


def without_privileges() -> tuple[str, ...]:
    """Return what to put before a command so that even root must not write where it may not."""
    if os.geteuid():
        return ()
    program = shutil.which("setpriv")
    if program is None:
        pytest.skip("root may write everywhere, and setpriv is not installed")
    dropped = "-dac_override,-dac_read_search"
    return (program, f"--bounding-set={dropped}", f"--inh-caps={dropped}")


def test_a_directory_that_must_not_be_written(lix, work: Path) -> None:
    (work / "ro").mkdir()
    lix("init", "ro/a b.lix")
    lix("files", "write", "/a.txt", "-", "--db", "ro/a b.lix", given="hello")
    os.chmod(work / "ro" / "a b.lix", 0o444)
    os.chmod(work / "ro", 0o555)
    try:
        before = without_privileges()
        done = shell("cd ro; lix files cat /a.txt; lix status; lix check", work, before=before)
        assert done.stderr == ""
        assert "hello" in done.stdout
        assert "On version main" in done.stdout
        assert done.stdout.endswith("sound\n")
        done = shell("cd ro; lix checkpoint v1; echo $?", work, before=before)
        assert done.stdout == "10\n"
        assert "LIX_ERROR_READ_ONLY" in done.stderr
        code = "import lix_vtab; lix_vtab.open('ro/a b.lix', read_only=True)"
        python = f'{" ".join(before)} {sys.executable} -c "{code}"'
        assert "open 'file:PATH?immutable=1' with read_only=True" in shell(python, work).stderr
    finally:
        os.chmod(work / "ro", 0o755)
    with lix_vtab.open("file:ro/a%20b.lix?immutable=1", read_only=True) as opened:
        assert opened.read_file("/a.txt") == b"hello"
        with pytest.raises(LixError):
            opened.execute("DELETE FROM lix_file")


def test_plugins_of_python_are_not_removed_for_good(lix) -> None:
    lix("init", "a.lix")
    done = lix("plugin", "remove", "plugin_csv", code=10)
    assert "plugin 'plugin_csv' is not in the database" in done.err
    assert "plugin_csv" in lix("plugin").out
    assert "LIX_ERROR_PLUGIN" in lix("plugin", "remove", "nothing", code=40).err


# Nothing to do ------------------------------------------------------------------------------------


def test_what_changes_nothing_is_not_said_to_be_done(lix) -> None:
    lix("init", "a.lix")
    assert lix("revert", "HEAD").out.startswith("nothing to revert")
    lix("files", "write", "/a.txt", "-", given="one")
    lix("checkpoint", "v1")
    assert lix("restore", "v1").out == "nothing to restore: everything is as it was at v1\n"
    lix("files", "write", "/a.txt", "-", given="two")
    assert lix("restore", "v1", "/a.txt").out.startswith("restored /a.txt from v1 by ")
    assert lix("revert", "HEAD").out.startswith("reverted HEAD by ")
    assert lix("files", "cat", "/a.txt").out == "two"


def test_options_out_of_range(lix, work: Path) -> None:
    lix("init", "a.lix")
    assert "-1 is not in the range" in lix("diff", "-U", "-1", code=10).err
    assert "written to a directory" in lix("export", "-", code=10).err
    assert not (work / "-").exists()


def test_branches_stand_in_columns(lix) -> None:
    lix("init", "a.lix")
    for name in ("a", "longer"):
        lix("branch", "create", name, "--switch")
        for n in range(3):  # ids of one moment have long beginnings in common
            lix("checkpoint", f"{name}{n}")
    lines = lix("branch").lines
    assert len({line.index("inherits") for line in lines}) == 1
