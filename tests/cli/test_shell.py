"""`lix shell`, through a pipe and in a terminal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import lix_vtab
from lix_vtab.cli.shell.completing import Word
from tests.cli.terminal import ROOT, Terminal

DRAFT = "draft> "


@pytest.fixture
def database(work: Path) -> Path:
    with lix_vtab.open(str(work / "a.lix")) as lix:
        lix.write_file("/my notes.txt", b"one\ntwo\n")
        lix.write_file("/orders.csv", b"id,qty\n1,2\n")
        lix.create_checkpoint("first")
        lix.create_version("draft")
        lix.switch_version("draft")
    return work / "a.lix"


@pytest.fixture
def terminal(work: Path, database: Path) -> Iterator[Terminal]:
    with Terminal("shell", work=work) as opened:
        opened.until(DRAFT)
        yield opened
        if opened.running:
            opened.type("\x15.quit\n")
            assert opened.end()[0] == 0


def piped(database: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *(arguments or ("-m", "lix_vtab", "shell")), str(database)]
    return subprocess.run(
        command, input=script, capture_output=True, text=True, cwd=database.parent, check=False,
        env={"PYTHONPATH": str(ROOT), "HOME": str(database.parent)},
    )  # fmt: skip


# Through a pipe -----------------------------------------------------------------------------------


def test_a_script(database: Path) -> None:
    done = piped(
        database, "SELECT name FROM lix_version\nORDER BY 1;\n.lix branch --json\nSELECT 1;"
    )
    assert done.stderr == ""
    assert done.returncode == 0
    assert done.stdout.startswith("draft\nglobal\nmain\n[{")
    assert done.stdout.endswith("]\n1\n")


def test_dot_commands_work_on_the_connection_of_the_shell(database: Path) -> None:
    script = """
BEGIN;
INSERT INTO lix_file (path, data) VALUES ('/new.txt', 'x');
.lix-files ls
.lix status
ROLLBACK;
.lix-files ls
.lix-files cat '/my notes.txt'
"""
    done = piped(database, script)
    first, second = done.stdout.split("On version draft")
    assert "/new.txt" in first
    assert "added     /new.txt" in second
    assert second.endswith("/my notes.txt\n/orders.csv\none\ntwo\n")


def test_a_failure_shows_in_the_exit_code_but_ends_nothing(database: Path) -> None:
    done = piped(database, "INSERT INTO lix_file (path, data) VALUES ('x', '');\nSELECT 7;\n")
    assert done.returncode == 10
    assert done.stdout == "7\n"
    assert "LIX_INVALID_PARAM" in done.stderr
    assert "starts with a slash" in done.stderr


def test_a_failing_dot_command_counts(database: Path) -> None:
    done = piped(database, ".lix-at nothing\n.lix nonsense\n.nonsense\n")
    assert done.returncode == 10
    assert "LIX_COMMIT_NOT_FOUND" in done.stderr
    assert "No such command 'nonsense'" in done.stderr
    assert 'Unknown command "nonsense"' in done.stderr


def test_tables_hides_what_is_internal(database: Path) -> None:
    lines = piped(database, "CREATE TABLE mine (x);\n.tables\n").stdout.splitlines()
    assert {"lix_state", "lix_file", "csv_row", "mine"} <= set(lines)
    assert not [name for name in lines if name.startswith(("lix_internal", "sqlite_"))]
    assert piped(database, ".tables lix_che%\n").stdout == "lix_check\nlix_checkpoint\n"


def test_opening_another_database(database: Path, work: Path) -> None:
    script = ".open other.lix\nSELECT name FROM lix_version ORDER BY 1;\n.lix-status\n"
    done = piped(database, script)
    assert done.stdout.startswith("global\nmain\nOn version main")
    with lix_vtab.open(str(work / "other.lix")) as lix:
        assert lix.check() == []
    assert "Only the name of a file" in piped(database, ".open -x y\n").stderr


def test_no_database_is_made_by_accident(work: Path) -> None:
    done = piped(work / "missing.lix", "SELECT 1;")
    assert done.returncode == 30
    assert "there is no database" in done.stderr
    assert not (work / "missing.lix").exists()


def test_the_init_file_brings_lix_into_the_stock_shell(database: Path, lix) -> None:
    init = lix("shell", "--init-file").out.strip()
    script = "SELECT count(*) FROM lix_version;\n.lix-status\n.help lix\n"
    done = piped(database, script, "-m", "apsw", "-init", init)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("3\nOn version draft")
    assert "Runs a command of lix" in done.stderr + done.stdout


def test_the_init_file_makes_a_lix_where_none_is(work: Path, lix) -> None:
    init = lix("shell", "--init-file").out.strip()
    done = piped(
        work / "plain.db", "SELECT name FROM lix_version ORDER BY 1;\n", "-m", "apsw", "-init", init
    )
    assert done.stdout == "global\nmain\n"


# In a terminal ------------------------------------------------------------------------------------


def test_the_prompt_is_the_active_version(terminal: Terminal) -> None:
    terminal.type(".lix-branch switch main\n")
    terminal.until("switched to version main\nmain> ")
    terminal.type("SELECT lix_switch_version('draft');\n")
    terminal.until(DRAFT)


def test_narrow_rows_are_a_table_and_wide_ones_are_not(terminal: Terminal) -> None:
    terminal.type("SELECT path, hidden FROM lix_file ORDER BY 1;\n")
    terminal.until("path           hidden\n/my notes.txt       0\n/orders.csv         0\n")
    terminal.type("SELECT * FROM lix_version WHERE name = 'draft';\n")
    terminal.until("\n-- 1 ---")
    terminal.until("\nname                      draft\n")
    terminal.type(".mode json\n")
    terminal.type("SELECT 1 AS n;\n")
    terminal.until('"n": 1')


def test_control_c_ends_a_statement(terminal: Terminal) -> None:
    terminal.type("WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c)")
    terminal.type(" SELECT sum(x) FROM c;\n")
    terminal.until("FROM c;\n")
    terminal.type("\x03")
    terminal.until(DRAFT)
    terminal.type("SELECT 'still ' || 'here';\n")
    terminal.until("still here\n")


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        (".lix-files cat /my\t\n", "one\ntwo\n"),
        (".lix-files cat '/my n\t\n", "one\ntwo\n"),
        (".lix-fil\tcat /or\t\n", "id,qty\n"),
        (".lix files cat /or\t\n", "id,qty\n"),
        (".lix-at fir\t/or\t\n", "id,qty\n"),
        ("SELECT 'found', length(data) FROM lix_file WHERE path = '/my n\t;\n", "found +8\n"),
        ("SELECT 'found', hidden FROM lix_version WHERE name = 'dra\t;\n", "found +0\n"),
        ("SELECT 'found', count(*) FROM lix_work\t;\n", "found +0\n"),
    ],
)
def test_the_tab_key(terminal: Terminal, typed: str, shown: str) -> None:
    terminal.type(typed)
    terminal.until(f"\n[^\n]*{shown}")


def test_nothing_internal_is_offered(terminal: Terminal) -> None:
    terminal.type("SELECT * FROM lix_int\t\x15SELECT 'no' || 'thing';\n")
    assert "lix_internal" not in terminal.until("nothing\n")


def test_colours(work: Path, database: Path) -> None:
    def colours(*arguments: str, **env: str) -> str:
        with Terminal("shell", *arguments, work=work, **env) as opened:
            opened.type(".lix-status\nSELECT 1 AS one;\n.nonsense\n.quit\n")
            return opened.end()[1]

    shown = colours()
    assert "\x1b[1;32mdraft\x1b[0m" in shown
    assert "\x1b[1mone\x1b[0m" in shown
    for bare in (colours(NO_COLOR="1"), colours("--color", "never"), colours(TERM="dumb")):
        assert 'Unknown command "nonsense"' in bare
        assert not [code for code in ("\x1b[1", "\x1b[3") if code in bare]


def test_history_is_kept(work: Path, terminal: Terminal) -> None:
    terminal.type("SELECT 'kept';\n")
    terminal.until(f"\nkept\n.*{DRAFT}")
    terminal.type("\x04")  # the end of input ends the shell
    assert terminal.end()[0] == 0
    assert "SELECT 'kept';" in (work / ".lix_history").read_text()


# Words --------------------------------------------------------------------------------------------


def test_names_that_need_quotes_get_them() -> None:
    word = Word.at(".lix-files cat /a", 15, 17)
    assert word.replacements(["/a", "/ab", "/b"]) == ["/a ", "/ab "]
    assert word.replacements(["/a b", "/ab"]) == ["'/a b' ", "'/ab' "]


def test_a_quote_in_double_quotes_opens_nothing() -> None:
    word = Word.at('SELECT "it\'s", lix_f', 15, 20)
    assert (word.text, word.quoted) == ("lix_f", False)


# Statements as in `lix sql` -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        ("list", "a|1\nb|2\n"),
        ("csv", "a,1\r\nb,2\r\n"),
        ("line", "  key = a\nvalue = 1\n\n  key = b\nvalue = 2\n"),
    ],
)
def test_returning(database: Path, mode: str, shown: str) -> None:
    done = piped(
        database,
        f".mode {mode}\n"
        "INSERT INTO lix_key_value (key, value) VALUES ('a', 1), ('b', 2) RETURNING key, value;",
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.replace("\r", "").rstrip("\n") == shown.replace("\r", "").rstrip("\n")


def test_upserts_and_parameters(database: Path) -> None:
    upsert = (
        "INSERT INTO lix_key_value (key, value) VALUES ('a', :given)"
        " ON CONFLICT (key) DO UPDATE SET value = value + excluded.value RETURNING value;\n"
    )
    done = piped(database, f".parameter set given 4\n{upsert}{upsert}SELECT 'end';\n")
    assert done.stderr == ""
    assert done.stdout == "4\n8\nend\n"


def test_returning_from_a_table_of_ones_own(database: Path) -> None:
    done = piped(
        database,
        "CREATE TABLE own (a PRIMARY KEY);\nINSERT INTO own VALUES (1), (2) RETURNING a + 1;\n"
        "INSERT INTO own VALUES (1) ON CONFLICT DO UPDATE SET a = 7 RETURNING a; -- done\n",
    )
    assert (done.stdout, done.stderr) == ("2\n3\n7\n", "")


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("SELECT * FROM lix_vresion", "hint: did you mean lix_version?"),
        ("SELECT kee FROM lix_key_value", "hint: did you mean lix_key_value.key?"),
        (
            "INSERT INTO lix_key_value (kee) VALUES (1) RETURNING key",
            "LIX_COLUMN_NOT_FOUND: table lix_key_value has no column named kee (did you mean",
        ),
        ("INSERT INTO lix_key_value (key, value) VALUES (:a, 1) RETURNING key", "'a'"),
        ("SELEC 1", 'near "SELEC": syntax error'),
    ],
)
def test_errors_help(database: Path, statement: str, told: str) -> None:
    done = piped(database, f"SELECT 1; {statement};\nSELECT 2;\n")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == "1\n2\n"
    assert done.returncode != 0
