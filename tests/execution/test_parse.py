"""Texts are cut into statements as SQLite would, and classified."""

from __future__ import annotations

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lix_vtab.errors import ParseError
from lix_vtab.execution.contracts import Kind
from lix_vtab.execution.parse import parse
from lix_vtab.execution.tokens import quote, tokenize, unquote

CASES = {
    "SELECT 1": ["SELECT 1"],
    "SELECT 1;": ["SELECT 1;"],
    " ;; SELECT 1 ;; SELECT 2 ; ": ["SELECT 1", "SELECT 2"],
    "SELECT ';' AS \"a;b\", `c;d`, [e;f]; SELECT x'3b'": [
        "SELECT ';' AS \"a;b\", `c;d`, [e;f]",
        "SELECT x'3b'",
    ],
    "SELECT 'it''s;'; SELECT \"a\"\";\"": ["SELECT 'it''s;'", 'SELECT "a"";"'],
    "SELECT 1 -- no; end\n; SELECT /* ; */ 2 /* open ;": ["SELECT 1", "SELECT /* ; */ 2"],
    "CREATE TRIGGER t AFTER INSERT ON x BEGIN SELECT 1; SELECT CASE 1 WHEN 1 THEN 2 END; END;"
    "SELECT 2": [
        "CREATE TRIGGER t AFTER INSERT ON x BEGIN SELECT 1; SELECT CASE 1 WHEN 1 THEN 2 END; END",
        "SELECT 2",
    ],
    "explain query plan create temporary trigger t after delete on x begin select; end; SELECT 2": [
        "explain query plan create temporary trigger t after delete on x begin select; end",
        "SELECT 2",
    ],
    "CREATE TABLE trigger(x); SELECT 1": ["CREATE TABLE trigger(x)", "SELECT 1"],
    "BEGIN; END; SELECT 1": ["BEGIN", "END", "SELECT 1"],
    "\ufeffSELECT 1; SELECT\f2": ["SELECT 1", "SELECT\f2"],
    "SELECT 'unfinished; SELECT 2": ["SELECT 'unfinished; SELECT 2"],
}


@pytest.mark.parametrize("text", CASES)
def test_split(text):
    assert [statement.text.strip(" ") for statement in parse(text).statements] == CASES[text]


@pytest.mark.parametrize("text", ["", "  \n", ";", "-- only this", "/* or */ ; /* this"])
def test_nothing_to_run(text):
    with pytest.raises(ParseError, match="execution plan without statements"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "kind", "target", "upsert", "returning"),
    [
        ("SELECT 1", Kind.SELECT, None, False, False),
        ("values (1)", Kind.SELECT, None, False, False),
        ("WITH a AS (SELECT 1 ON CONFLICT) SELECT * FROM a", Kind.SELECT, None, False, False),
        ("WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", Kind.INSERT, "t", False, False),
        ("with recursive a as (select 1), b as materialized (select 2) delete from t",
         Kind.DELETE, "t", False, False),
        ("REPLACE INTO t VALUES (1)", Kind.INSERT, "t", False, False),
        ("INSERT OR IGNORE INTO main.t VALUES (1)", Kind.INSERT, "t", False, False),
        ('INSERT INTO "a""b" VALUES (1) RETURNING x', Kind.INSERT, 'a"b', False, True),
        ("INSERT INTO 't' VALUES (1) ON CONFLICT DO NOTHING", Kind.INSERT, "t", True, False),
        ("INSERT INTO t SELECT (SELECT 1 RETURNING)", Kind.INSERT, "t", False, False),
        ("INSERT INTO t VALUES ('RETURNING ON CONFLICT')", Kind.INSERT, "t", False, False),
        ("UPDATE OR REPLACE [t] SET a = 1 RETURNING *", Kind.UPDATE, "t", False, True),
        ("UPDATE `aux`.`t` SET a = 1", Kind.UPDATE, "t", False, False),
        ("DELETE FROM t AS x WHERE 1 RETURNING x", Kind.DELETE, "t", False, True),
        ("BEGIN IMMEDIATE", Kind.BEGIN, None, False, False),
        ("end transaction", Kind.COMMIT, None, False, False),
        ("ROLLBACK", Kind.ROLLBACK, None, False, False),
        ("ROLLBACK TRANSACTION TO SAVEPOINT x", Kind.ROLLBACK_TO, None, False, False),
        ("ROLLBACK TO x", Kind.ROLLBACK_TO, None, False, False),
        ("CREATE TABLE t(a)", Kind.DEFINE, None, False, False),
        ("EXPLAIN INSERT INTO t VALUES (1) RETURNING a", Kind.EXPLAIN, None, False, False),
        ("ANALYZE", Kind.OTHER, None, False, False),
        ("nonsense", Kind.OTHER, None, False, False),
        ("WITH", Kind.OTHER, None, False, False),
        ("INSERT", Kind.INSERT, None, False, False),
    ],
)  # fmt: skip
def test_classify(text, kind, target, upsert, returning):
    (statement,) = parse(text).statements
    assert (statement.kind, statement.target, statement.upsert, statement.returning) == (
        kind, target, upsert, returning,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        (
            "SELECT ?, ?12, :a, @b, $c, $d::e(f), $1",
            ["?", "?12", ":a", "@b", "$c", "$d::e(f)", "$1"],
        ),
        ("SELECT '?', \"?\", [?], `?`, x'00' -- ?\n /* ? */", []),
        ("SELECT a$b, 1 ?", ["?"]),
        ("SELECT json ->> '$.a', j -> ?", ["?"]),
        ("SELECT x'00':a", [":a"]),
    ],
)
def test_placeholders(text, marks):
    (statement,) = parse(text).statements
    assert [mark.text for mark in statement.placeholders] == marks
    for mark in statement.placeholders:
        assert statement.text[mark.start : mark.end] == mark.text


@given(st.text(max_size=20))
def test_quoting_round_trips(name):
    assert unquote(quote(name)) == name


@given(st.text(alphabet="ab;'\"`[]()-/*?:@$x1. \n\té", max_size=40))
def test_tokens_cover_the_text(text):
    tokens = tokenize(text)
    position = 0
    for token in tokens:
        assert token.start >= position
        assert text[token.start : token.end] == token.text
        position = token.end


PIECES = st.sampled_from(
    [
        "SELECT 1", "SELECT ';'", 'SELECT ";"', "SELECT [a;b]", "SELECT 1 -- ;\n",
        "SELECT /* ; */ 1",
        "CREATE TRIGGER t AFTER INSERT ON x BEGIN SELECT 1; SELECT 2; END",
        "CREATE TEMP TRIGGER t BEFORE UPDATE ON x WHEN 1 BEGIN DELETE FROM x; END",
        "SELECT CASE WHEN 1 THEN 2 END", "BEGIN", "END", "SELECT x'3b3b'", "SELECT `a;`", "",
        "SELECT 'a''; b'",
    ]
)  # fmt: skip


@given(st.lists(PIECES, min_size=1, max_size=6))
def test_cuts_where_sqlite_cuts(pieces):
    text = ";".join(pieces)
    if not any(pieces):
        return
    seen: list[str] = []
    db = apsw.Connection("")
    db.execute("CREATE TABLE x(a)")

    def trace(_cursor, sql, _values):
        seen.append(sql)
        return True

    cursor = db.cursor()
    cursor.exec_trace = trace
    try:
        for _ in cursor.execute(text):
            pass
    except apsw.SQLError:
        # Each piece may be run once only; what was seen until then still tells.
        pass
    ours = [_bare(statement.text) for statement in parse(text).statements]
    theirs = [_bare(sql) for sql in seen if _bare(sql)]
    assert ours[: len(theirs)] == theirs


def _bare(sql: str) -> str:
    return " ".join(
        token.text for token in tokenize(sql) if token.text != ";" or "TRIGGER" in sql
    ).strip(" ;")
