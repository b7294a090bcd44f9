"""The harness must notice every kind of lie, or executed documents prove nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apsw
import pytest

from tests.docs.blocks import Block, split_blocks
from tests.docs.console import is_run, run_console
from tests.docs.python import run_python
from tests.docs.sql import run_sql, split_statements

PAGE = Path("page.md")


def block(language: str, text: str, expected: str | None = None) -> Block:
    return Block(PAGE, 1, language, (), text, expected)


def python(text: str, expected: str | None = None) -> dict[str, Any]:
    names: dict[str, Any] = {}
    run_python(block("python", text, expected), names)
    return names


class Database:
    """The two things the harness asks of a lix, over a bare connection."""

    def __init__(self) -> None:
        self.connection = apsw.Connection(":memory:")

    def execute(self, sql: str) -> SimpleNamespace:
        cursor = self.connection.execute(sql)
        columns = cursor.get_description() if sql.lstrip().upper().startswith("SELECT") else ()
        return SimpleNamespace(rows=list(cursor), columns=[name for name, _ in columns])


@pytest.fixture
def database() -> Iterator[Database]:
    opened = Database()
    yield opened
    opened.connection.close()


def test_blocks_know_language_words_place_and_expected_text() -> None:
    text = "# T\n```sql fresh\nSELECT 1;\n```\n\n```text\n1\n```\nwords\n```text\nalone\n```\n"
    sql, shown, alone = split_blocks(text, PAGE)
    assert (sql.language, sql.words, sql.line, sql.expected) == ("sql", ("fresh",), 3, "1\n")
    assert (shown.language, shown.expected, alone.text) == ("text", None, "alone\n")


def test_words_between_two_blocks_part_them() -> None:
    first, _ = split_blocks("```python\nx = 1\n```\nThen:\n```text\n1\n```\n", PAGE)
    assert first.expected is None


def test_a_longer_fence_hides_the_fences_inside() -> None:
    (outer,) = split_blocks("````markdown\n```python\nx\n```\n````\n", PAGE)
    assert outer.text == "```python\nx\n```\n"


@pytest.mark.parametrize(
    "text",
    [
        "1 + 1  # -> 2",
        "x = [1, 2]  # -> [1, 2]",
        "x = {'a': 1,\n     'b': 2}  # -> {'a': 1, 'b': 2}",
        "list(range(4))\n# -> [0, 1,\n#    2, 3]",
        "'01890a5d-ac96'  # -> '0189...'",
        "print('a', 'b')  # -> a b",
        "if True:\n    print('inner')  # -> inner",
        "1 / 0  # raises ZeroDivisionError",
        "1 / 0  # raises ArithmeticError: division by zero",
        "int('x')  # raises ValueError: invalid literal ... 'x'",
        "with open(__import__('os').devnull) as f:\n    f.write('x')  # raises OSError",
    ],
)
def test_kept_promises_pass(text: str) -> None:
    python(text)


@pytest.mark.parametrize(
    "text",
    [
        "1 + 1  # -> 3",
        "x = [1, 2]  # -> [1]",
        "list(range(4))\n# -> [0, 1,\n#    2]",
        "print('a')  # -> b",
        "def f():\n    return 1\nf()\n# -> 2",
        "1 + 1  # raises ZeroDivisionError",
        "1 / 0  # raises ZeroDivisionError: another text",
        "if True:\n    pass\n    # -> nothing",
    ],
)
def test_broken_promises_fail(text: str) -> None:
    with pytest.raises(AssertionError):
        python(text)


def test_an_error_nobody_announced_passes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        python("1 / 0")
    with pytest.raises(ZeroDivisionError):
        python("1 / 0  # raises KeyError")


def test_standard_output_is_compared_with_the_text_below() -> None:
    python("for n in range(2):\n    print(n)", "0\n1\n")
    with pytest.raises(AssertionError, match="real:\n0"):
        python("print(0)", "1\n")


def test_one_namespace_serves_many_blocks() -> None:
    names = python("x = 1")
    run_python(block("python", "x + 1  # -> 2"), names)
    assert names["x"] == 1


def test_sql_rows_are_compared(database: Database) -> None:
    script = "CREATE TABLE t(a, b);\nINSERT INTO t VALUES (1, NULL), (x'0f', 'x;y');\n"
    run_sql(block("sql", script), database)
    query = "SELECT a, b FROM t;"
    run_sql(block("sql", query, "1|NULL\nx'0f'|x;y\n"), database)
    run_sql(
        block("sql", query, "| a     | b    |\n|---|---|\n| 1 | NULL |\n| ... | x;y |\n"), database
    )
    with pytest.raises(AssertionError, match=r"real:\n1 \| NULL"):
        run_sql(block("sql", query, "1|2\nx'0f'|x;y\n"), database)
    with pytest.raises(AssertionError):
        run_sql(block("sql", query, "a|c\n---|---\n1|NULL\nx'0f'|x;y\n"), database)
    with pytest.raises(AssertionError):
        run_sql(block("sql", query, "1|NULL\n"), database)


def test_sql_errors_fail_unless_shown(database: Database) -> None:
    with pytest.raises(apsw.SQLError):
        run_sql(block("sql", "SELECT * FROM missing;", "1\n"), database)
    with pytest.raises(AssertionError):
        run_sql(block("sql", "SELECT * FROM missing;", "LIX_ERROR_SQL: other\n"), database)


def test_statements_are_cut_where_they_end() -> None:
    script = "-- a; b\nSELECT ';';\nSELECT 2 -- no end\n"
    assert split_statements(script) == ["-- a; b\nSELECT ';';", "SELECT 2 -- no end"]
    assert split_statements("SELECT 1; -- only words\n") == ["SELECT 1;"]


def test_console_output_and_exit_codes_are_compared(tmp_path: Path) -> None:
    def console(text: str) -> None:
        run_console(block("console", text), tmp_path, tmp_path / "bin")

    console("$ printf 'a\\nb\\n' > f\n$ cat f\na\nb\n$ false\n$ echo $?\n1\n")
    console("$ cat \\\n> f\na\nb\n")
    with pytest.raises(AssertionError, match="real:\na\nb"):
        console("$ cat f\na\n")


def test_only_lix_transcripts_are_run() -> None:
    assert is_run(block("console", "$ lix init\n"))
    assert not is_run(block("console", "$ pip install x\n"))
