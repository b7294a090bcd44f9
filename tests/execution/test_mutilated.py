"""Whatever the text: it runs, or it is refused with a code, and the database stays sound."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lix_vtab

TEXTS = [
    text.split()
    for text in (
        "INSERT INTO task ( id , title ) VALUES ( ? , 'x' ) "
        "ON CONFLICT ( id ) DO UPDATE SET title = excluded . title WHERE 1 RETURNING id",
        "UPDATE task SET title = 'q' , ( n ) = ( 1 ) WHERE id = 'a' RETURNING *",
        "UPDATE task SET n = x . b FROM ( SELECT 'a' AS a , 2 AS b ) AS x WHERE id = a RETURNING n",
        "DELETE FROM task AS k WHERE k . id = 'a' RETURNING id",
        "WITH c AS ( SELECT 1 AS id ) INSERT INTO task ( id ) SELECT id FROM c "
        "ON CONFLICT DO NOTHING RETURNING *",
        "BEGIN ; INSERT INTO plain VALUES ( 1 , 2 ) ; SAVEPOINT s ; RELEASE s ; COMMIT",
        "CREATE TRIGGER g AFTER INSERT ON plain BEGIN SELECT 1 ; END ; DROP TRIGGER g",
        "INSERT INTO lix_file ( path , data ) VALUES ( '/a' , ? ) "
        "ON CONFLICT ( path ) DO UPDATE SET data = excluded . data RETURNING path",
    )
]
WORDS = (  # noqa: SIM905 - a list of them would take a page
    "INSERT UPDATE DELETE INTO FROM task plain lix_state ( ) , VALUES 1 'a' NULL id = SET WHERE ON "
    "CONFLICT DO NOTHING RETURNING * excluded . || SELECT WITH AS BEGIN COMMIT END SAVEPOINT s "
    "RELEASE ROLLBACK TO ; ? ?1 $2 :a DEFAULT OR IGNORE REPLACE UNION ALL LIMIT JOIN USING NATURAL "
    "IN CASE x'00' -- /* */ EXPLAIN CREATE DROP TABLE VIEW TRIGGER [ ] \" ` ' lix_internal_change"
).split()
PARAMETERS = st.sampled_from([(), ("a",), ("a", "b"), {"a": 1}])


@st.composite
def mutilated(draw):
    words = list(draw(st.sampled_from(TEXTS)))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(words)))
        end = draw(st.integers(place, min(place + 1, len(words))))
        words[place:end] = draw(st.lists(st.sampled_from(WORDS), max_size=1))
    return " ".join(words)


@pytest.fixture(scope="module")
def lix():
    with lix_vtab.open() as lix:
        lix.register_schema(
            {
                "x-lix-key": "task",
                "x-lix-version": "1",
                "x-lix-primary-key": ["/id"],
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "title": {"type": "string"},
                    "n": {"type": ["integer", "null"]},
                },
                "required": ["id"],
                "additionalProperties": False,
            }
        )
        yield lix


def attempt(lix, sql, parameters):
    lix.execute("CREATE TABLE IF NOT EXISTS plain (a, b)")
    with suppress(lix_vtab.LixError):
        lix.explain(sql)
    assert not lix.connection.in_transaction
    with suppress(lix_vtab.LixError):
        lix.execute(sql, parameters)
    if lix.connection.in_transaction:
        # only a statement that begins a transaction leaves one open
        assert sql.split()[0] in ("BEGIN", "SAVEPOINT")
        lix.connection.execute("ROLLBACK")
    assert lix.execute("SELECT count(*) FROM lix_version").rows == [(2,)]


@given(mutilated(), PARAMETERS)
def test_any_text(lix, sql, parameters):
    attempt(lix, sql, parameters)


@pytest.mark.slow
@settings(max_examples=5000)
@given(mutilated(), PARAMETERS)
def test_many_texts(lix, sql, parameters):
    attempt(lix, sql, parameters)
    assert lix.check() == []
