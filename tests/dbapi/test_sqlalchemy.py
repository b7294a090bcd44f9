"""SQLAlchemy: reflection, Core and the ORM on the tables of schemas."""

from __future__ import annotations

import json

import pytest

sa = pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")

from sqlalchemy import orm  # noqa: E402
from sqlalchemy.dialects import registry  # noqa: E402
from sqlalchemy.dialects.sqlite import insert  # noqa: E402
from sqlalchemy.ext.automap import automap_base  # noqa: E402

from tests.dbapi.conftest import register  # noqa: E402


@pytest.fixture(autouse=True, scope="module")
def dialect():
    """Have the dialect without installing the package."""
    for name in ("lix", "sqlite.lix"):
        registry.register(name, "lix_vtab.sqlalchemy", "LixDialect")


@pytest.fixture(params=["file", "memory"])
def engine(request, tmp_path):
    place = tmp_path / "app.lix" if request.param == "file" else ""
    made = sa.create_engine(f"lix:///{place}")
    with made.begin() as connection:
        register(connection.exec_driver_sql)
    yield made
    with made.connect() as connection:
        assert connection.exec_driver_sql("SELECT problem FROM lix_check").all() == []
    made.dispose()


@pytest.fixture
def tables(engine):
    metadata = sa.MetaData()
    sa.Table("task", metadata, autoload_with=engine)
    return metadata.tables


# Reflection ---------------------------------------------------------------------------------------


def test_tables(engine):
    names = set(sa.inspect(engine).get_table_names())
    assert {"task", "task_by_version", "person", "lix_file", "lix_state", "lix_version"} <= names
    assert not [name for name in names if name.startswith("lix_internal")]


def test_every_table_reflects(engine):
    metadata = sa.MetaData()
    metadata.reflect(engine)
    assert len(metadata.tables) > 30
    for table in metadata.tables.values():
        assert list(table.columns), table.name


def test_columns(engine):
    columns = {c["name"]: c["type"] for c in sa.inspect(engine).get_columns("task")}
    assert isinstance(columns["title"], sa.Text)
    assert isinstance(columns["done"], sa.Boolean)
    assert isinstance(columns["rank"], sa.REAL)
    assert "lixcol_entity_id" in columns


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("task", ["id"]),
        ("task_by_version", ["id", "lixcol_version_id"]),
        ("lix_file", ["id"]),
        ("lix_file_by_version", ["id", "lixcol_version_id"]),
        ("lix_version", ["id"]),
        ("lix_state", ["entity_id", "schema_key", "file_id"]),
        ("lix_state_by_version", ["entity_id", "schema_key", "file_id", "version_id"]),
        ("lix_check", []),
    ],
)
def test_primary_keys(engine, table, key):
    assert sa.inspect(engine).get_pk_constraint(table)["constrained_columns"] == key


def test_foreign_keys(engine):
    inspector = sa.inspect(engine)
    (found,) = inspector.get_foreign_keys("task")
    assert found["constrained_columns"] == ["person_id"]
    assert (found["referred_table"], found["referred_columns"]) == ("person", ["id"])
    assert inspector.get_foreign_keys("person") == []


@pytest.fixture
def shelf(engine):
    """Return the name of a table with defaults and unique groups."""
    definition = {
        "x-lix-key": "shelf", "x-lix-version": "1", "x-lix-primary-key": ["/id"],
        "x-lix-unique": [["/place", "/row"], ["/label/text"]], "type": "object",
        "required": ["id", "place"], "additionalProperties": False,
        "properties": {
            "id": {"type": "string", "x-lix-default": "lix_uuid_v7()"},
            "place": {"type": "string"}, "row": {"type": "integer", "default": 1},
            "label": {"type": "object", "properties": {"text": {"type": "string"}}},
        },
    }  # fmt: skip
    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT lix_register_schema(?)", (json.dumps(definition),))
    return "shelf"


def test_unique_constraints(engine, shelf):
    inspector = sa.inspect(engine)
    named = [{"name": None, "column_names": ["place", "row"]}]
    assert inspector.get_unique_constraints(shelf) == named
    (found,) = inspector.get_unique_constraints("shelf_by_version")
    assert found["column_names"] == ["place", "row", "lixcol_version_id"]
    assert inspector.get_unique_constraints("person") == []
    assert inspector.get_unique_constraints("lix_state") == []


def test_defaults(engine, shelf):
    columns = {c["name"]: c["default"] for c in sa.inspect(engine).get_columns(shelf)}
    assert columns["id"] == "lix_uuid_v7()"
    assert columns["row"] == "1"
    assert columns["place"] is None
    assert columns["lixcol_change_id"] is None


def test_what_a_schema_fills_in_comes_back(engine, shelf):
    base = automap_base()
    base.prepare(autoload_with=engine)
    with orm.Session(engine) as session:
        made = base.classes.shelf(place="hall")
        session.add(made)
        session.commit()
        assert made.id
        assert made.row == 1


def test_plain_tables_keep_their_own_keys(engine):
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE parent (a, b, PRIMARY KEY (b, a))")
        connection.exec_driver_sql("CREATE TABLE child (x REFERENCES parent (a))")
    inspector = sa.inspect(engine)
    assert inspector.get_pk_constraint("parent")["constrained_columns"] == ["b", "a"]
    assert inspector.get_foreign_keys("child")[0]["referred_table"] == "parent"


# Core ---------------------------------------------------------------------------------------------


def test_core(engine, tables):
    task = tables["task"]
    with engine.begin() as connection:
        rows = [
            {"id": "1", "title": "a", "done": True, "rank": 1.5},
            {"id": "2", "title": "b", "done": False, "rank": None},
        ]
        assert connection.execute(task.insert(), rows).rowcount == 2
        query = sa.select(task.c.id, task.c.done, task.c.rank).order_by(task.c.id)
        assert connection.execute(query).all() == [("1", True, 1.5), ("2", False, None)]
        changed = task.update().where(task.c.id == "1").values(title="z")
        assert connection.execute(changed).rowcount == 1
        assert connection.execute(task.delete().where(task.c.title == "z")).rowcount == 1
    with engine.connect() as connection:
        assert connection.execute(sa.select(task.c.id)).scalars().all() == ["2"]


def test_returning(engine, tables):
    person, task = tables["person"], tables["task"]
    with engine.begin() as connection:
        made = connection.execute(person.insert().values(name="Ann").returning(person.c.id))
        (id,) = made.scalars().all()
        stored = connection.execute(sa.select(person.c.id)).scalars().all()
        assert stored == [id]
        connection.execute(task.insert().values(id="1", title="a", person_id=id))
        changed = task.update().values(title="b").returning(task.c.id, task.c.title)
        assert connection.execute(changed).all() == [("1", "b")]
        gone = task.delete().returning(task.c.id)
        assert connection.execute(gone).all() == [("1",)]


def test_upsert(engine, tables):
    task = tables["task"]
    with engine.begin() as connection:
        for title in ("first", "second"):
            statement = insert(task).values(id="1", title=title)
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["id"], set_={"title": statement.excluded.title}
                )
            )
        assert connection.execute(sa.select(task.c.title)).scalars().all() == ["second"]


def test_transactions_and_savepoints(engine, tables):
    task = tables["task"]
    with pytest.raises(ZeroDivisionError), engine.begin() as connection:
        connection.execute(task.insert().values(id="1", title="undone"))
        raise ZeroDivisionError
    with engine.begin() as connection:
        inner = connection.begin_nested()
        connection.execute(task.insert().values(id="2", title="undone"))
        inner.rollback()
        connection.execute(task.insert().values(id="3", title="kept"))
    with engine.connect() as connection:
        assert connection.execute(sa.select(task.c.id)).scalars().all() == ["3"]


def test_errors_keep_their_class_and_code(engine, tables):
    with engine.connect() as connection:
        with pytest.raises(sa.exc.IntegrityError, match="LIX_ERROR_SCHEMA_VALIDATION") as caught:
            connection.execute(tables["task"].insert().values(id="1"))
        assert caught.value.orig.code == "LIX_ERROR_SCHEMA_VALIDATION"


def test_autocommit(engine, tables):
    task = tables["task"]
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(task.insert().values(id="1", title="at once"))
        assert connection.connection.dbapi_connection.in_transaction is False
    with engine.connect() as connection:
        assert connection.get_isolation_level() == "SERIALIZABLE"
        assert connection.execute(sa.select(task.c.id)).scalars().all() == ["1"]


def test_urls(tmp_path):
    path = tmp_path / "a.lix"
    engine = sa.create_engine(f"sqlite+lix:///{path}")
    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT lix_create_version('draft')")
    engine.dispose()
    engine = sa.create_engine(f"lix:///{path}?version=draft")
    with engine.connect() as connection:
        active = connection.connection.dbapi_connection.lix.active_version
        assert active.name == "draft"
    engine.dispose()
    for wrong in ("lix://host/a.lix", "lix:///a.lix?mode=memory"):
        with pytest.raises(sa.exc.ArgumentError, match="not a lix URL"):
            sa.create_engine(wrong).connect()


# ORM ----------------------------------------------------------------------------------------------


@pytest.fixture
def models(engine):
    base = automap_base()

    class Person(base):
        __tablename__ = "person"
        id = sa.Column(sa.String, primary_key=True, server_default=sa.FetchedValue())

    base.prepare(autoload_with=engine)
    return Person, base.classes.task


def test_objects(engine, models):
    person_class, task_class = models
    with orm.Session(engine) as session:
        ann = person_class(name="Ann")
        session.add(ann)
        session.flush()
        assert ann.id  # made by the schema's default, returned by the database
        session.add(task_class(id="1", title="a", done=False, person=ann))
        session.commit()
        (task,) = ann.task_collection
        task.title = "b"
        session.commit()
        assert session.scalars(sa.select(task_class.title)).all() == ["b"]
        session.delete(task)
        session.commit()
        assert session.scalars(sa.select(task_class.id)).all() == []


def test_objects_in_bulk_and_undone(engine, models):
    person_class, _ = models
    with orm.Session(engine) as session:
        session.add_all(person_class(name=f"p{n}") for n in range(20))
        session.commit()
        ids = session.scalars(sa.select(person_class.id)).all()
        assert len(set(ids)) == 20
        with session.begin_nested() as inner:
            session.execute(sa.delete(person_class))
            inner.rollback()
        session.rollback()
        assert session.scalar(sa.select(sa.func.count(person_class.id))) == 20


def test_a_session_is_one_commit(engine, models):
    person_class, _ = models
    count = sa.text("SELECT count(*) FROM lix_commit")
    with orm.Session(engine) as session:
        before = session.scalar(count)
        session.add_all([person_class(name="a"), person_class(name="b")])
        session.flush()
        session.add(person_class(name="c"))
        session.commit()
        assert session.scalar(count) == before + 1
