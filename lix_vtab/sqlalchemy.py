"""The SQLAlchemy dialect: `create_engine("lix:///app.lix")`.

Tables of schemas reflect with their primary and foreign keys, so that Core, the ORM and automap
work on them. The query of the URL takes `version`, `writer_key`, `read_only` and
`isolation_level`, as `lix:///app.lix?version=draft`. `sqlite+lix:///app.lix` is the same.
"""

# mypy: allow-untyped-calls
# (the reflecting methods of SQLAlchemy's SQLite dialect have no annotations)

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from sqlalchemy import URL, Connection, exc, pool
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.engine import reflection

__all__ = ["LixDialect"]

_ENTITY = re.compile(r'^CREATE VIRTUAL TABLE .* USING lix_entity\("((?:[^"]|"")*)"', re.I | re.S)
_KEY = re.compile(r'"((?:[^"]|"")*)"(?: [A-Z]+)? PRIMARY KEY')
_STATE_KEYS = ["entity_id", "schema_key", "file_id"]
_OPTIONS = ("isolation_level", "read_only", "version", "writer_key")
_SCHEMA = """
SELECT value FROM lix_stored_schema WHERE value ->> '$."x-lix-key"' = ?
ORDER BY CAST(value ->> '$."x-lix-version"' AS INTEGER) DESC LIMIT 1
"""


class LixDialect(SQLiteDialect):
    """SQLite's dialect over `lix_vtab.dbapi`."""

    driver = "lix"
    supports_statement_cache = True
    returns_native_bytes = True

    @classmethod
    def import_dbapi(cls) -> ModuleType:
        """Return the driver."""
        from lix_vtab import dbapi

        return dbapi

    @classmethod
    def get_pool_class(cls, url: URL) -> type[pool.Pool]:
        """Share one connection when the database lives in it."""
        in_memory = url.database in (None, "", ":memory:")
        return pool.SingletonThreadPool if in_memory else pool.QueuePool

    def create_connect_args(self, url: URL) -> tuple[list[str], dict[str, Any]]:
        """Turn a URL into arguments for `lix_vtab.dbapi.connect`."""
        unknown = sorted(set(url.query) - set(_OPTIONS))
        if unknown or url.username or url.password or url.host or url.port:
            raise exc.ArgumentError(
                f"not a lix URL: {url}; forms are lix:// and lix:///relative/path.lix and "
                f"lix:////absolute/path.lix, with {', '.join(_OPTIONS)} as query"
            )
        database = url.database or ":memory:"
        if database != ":memory:":
            database = os.path.abspath(database)
        options: dict[str, Any] = {name: str(value) for name, value in url.query.items()}
        if "read_only" in options:
            options["read_only"] = options["read_only"].lower() in ("1", "true", "yes")
        return [database], options

    def _get_server_version_info(self, connection: Any) -> tuple[int, ...]:
        from lix_vtab import dbapi

        return dbapi.sqlite_version_info

    # -- transactions

    def get_isolation_level_values(self, dbapi_connection: Any) -> list[Any]:
        """Return the levels there are."""
        return ["SERIALIZABLE", "AUTOCOMMIT"]

    def set_isolation_level(self, dbapi_connection: Any, level: Any) -> None:
        """Switch between transactions and autocommit."""
        dbapi_connection.autocommit = level == "AUTOCOMMIT"

    def get_isolation_level(self, dbapi_connection: Any) -> Any:
        """Return the level of a connection."""
        return "AUTOCOMMIT" if dbapi_connection.autocommit else "SERIALIZABLE"

    def detect_autocommit_setting(self, dbapi_conn: Any) -> bool:
        """Tell whether a connection commits each statement."""
        return bool(dbapi_conn.autocommit)

    def is_disconnect(self, e: Any, connection: Any, cursor: Any) -> bool:
        """Tell whether an error means that the connection is gone."""
        return "connection is closed" in str(e)

    # -- reflection

    @reflection.cache
    def get_table_names(
        self,
        connection: Connection,
        schema: str | None = None,
        sqlite_include_internal: bool = False,
        **options: Any,
    ) -> list[str]:
        """Return tables, without those in which lix keeps its facts."""
        names = super().get_table_names(connection, schema, sqlite_include_internal, **options)
        return [name for name in names if not name.startswith("lix_internal")]

    @reflection.cache
    def get_pk_constraint(
        self, connection: Connection, table_name: str, schema: str | None = None, **options: Any
    ) -> Any:
        """Return the primary key; that of a lix table is what identifies its rows."""
        found = super().get_pk_constraint(connection, table_name, schema, **options)
        if found["constrained_columns"]:
            return found
        names = [c["name"] for c in self.get_columns(connection, table_name, schema, **options)]
        keys = self._lix_key(self._definition(connection, table_name, schema), table_name, names)
        return {"constrained_columns": keys, "name": None} if keys else found

    @reflection.cache
    def get_foreign_keys(
        self, connection: Connection, table_name: str, schema: str | None = None, **options: Any
    ) -> Any:
        """Return foreign keys; those of a schema's table are its x-lix-foreign-keys."""
        stored = self._stored(connection, table_name, schema, **options)
        if stored is None or table_name.endswith("_by_version"):
            return super().get_foreign_keys(connection, table_name, schema, **options)
        return list(_references(stored.get("x-lix-foreign-keys", ()), schema))

    @reflection.cache
    def get_unique_constraints(
        self, connection: Connection, table_name: str, schema: str | None = None, **options: Any
    ) -> Any:
        """Return unique constraints; those of a schema's table are its x-lix-unique."""
        stored = self._stored(connection, table_name, schema, **options)
        if stored is None:
            return super().get_unique_constraints(connection, table_name, schema, **options)
        version = ["lixcol_version_id"] if table_name.endswith("_by_version") else []
        groups = (_columns(group) for group in stored.get("x-lix-unique", ()))
        return [{"name": None, "column_names": [*names, *version]} for names in groups if names]

    @reflection.cache
    def get_columns(
        self, connection: Connection, table_name: str, schema: str | None = None, **options: Any
    ) -> Any:
        """Return columns; what a schema fills in when it is left out has a default."""
        columns = super().get_columns(connection, table_name, schema, **options)
        stored = self._stored(connection, table_name, schema, **options) or {}
        for column in columns:
            known = stored.get("properties", {}).get(column["name"])
            if isinstance(known, dict):
                column["default"] = _default(known) or column["default"]
        return columns

    @reflection.cache
    def _stored(
        self, connection: Connection, table: str, schema: str | None, **options: Any
    ) -> Any:
        """Return the schema a table is of, None when it is of none."""
        entity = _ENTITY.match(self._definition(connection, table, schema))
        if entity is None:
            return None
        found = connection.exec_driver_sql(_SCHEMA, (_unquoted(entity[1]),)).scalar()
        return None if found is None else json.loads(found)

    def _definition(self, connection: Connection, name: str, schema: str | None) -> str:
        master = self._format_schema(schema, "sqlite_schema")
        query = f"SELECT sql FROM {master} WHERE name = ? AND type = 'table'"
        return connection.exec_driver_sql(query, (name,)).scalar() or ""

    @staticmethod
    def _lix_key(definition: str, table: str, columns: list[str]) -> list[str]:
        """Return the columns that identify a row of a lix table."""
        if not definition.startswith("CREATE VIRTUAL TABLE"):
            return []
        version = [c for c in ("version_id", "lixcol_version_id") if table.endswith("_by_version")]
        version = [name for name in version if name in columns]
        if _ENTITY.match(definition):
            keys = [_unquoted(name) for name in _KEY.findall(definition)]
            return [*(keys or ["lixcol_entity_id"]), *version]
        if table in ("lix_state", "lix_state_by_version"):
            return [*_STATE_KEYS, *version]
        return ["id", *version] if "id" in columns else []


def _columns(pointers: list[str]) -> list[str]:
    """Return the columns that pointers name; none when one leads into a nested value."""
    names = [pointer.removeprefix("/") for pointer in pointers]
    return [] if any("/" in name for name in names) else names


def _default(definition: Mapping[str, Any]) -> str | None:
    """Return what fills in a property in the words of the schema: CEL, or a JSON literal."""
    if "x-lix-default" in definition:
        return str(definition["x-lix-default"])
    return json.dumps(definition["default"]) if "default" in definition else None


def _references(keys: list[Mapping[str, Any]], schema: str | None) -> Iterator[dict[str, Any]]:
    """Yield foreign keys between columns; those into nested properties are not columns."""
    for key in keys:
        target = key["references"]
        own, theirs = _columns(key["properties"]), _columns(target["properties"])
        if not own or not theirs:
            continue
        yield {
            "name": None,
            "constrained_columns": own,
            "referred_schema": schema,
            "referred_table": target["schemaKey"],
            "referred_columns": theirs,
            "options": {},
        }


def _unquoted(name: str) -> str:
    return name.replace('""', '"')
