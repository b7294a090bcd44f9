"""Random SELECTs over the lix tables, written so that their result is fully determined.

A generated query is a template: `{lix_state}` and so on stand for tables, and the suite fills in
either the virtual tables or ordinary tables with the same rows.
"""

from __future__ import annotations

from random import Random

__all__ = ["query"]

# Columns that may be compared with each kind of value.
TEXT = ("entity_id", "schema_key", "file_id", "plugin_key", "schema_version", "version_id")
NULLABLE = ("metadata", "writer_key", "inherited_from_version_id", "commit_id")
STATE = ("lix_state", "lix_state_by_version", "lix_internal_state_vtable")
VALUES = {
    "entity_id": ("e1", "e2", "e3", "e5", "e7", "E1", "zzz"),
    "schema_key": ("schema_a", "schema_b", "schema_c", "lix_stored_schema"),
    "file_id": ("f1", "f2", "lix", "nope"),
    "plugin_key": ("lix", "p1", "p2"),
    "schema_version": ("1", "2"),
    "version_id": ("global", "a", "b", "c", "nope"),
    "metadata": ('{"m":1}', "{}"),
    "writer_key": ("w1", "w2"),
    "inherited_from_version_id": ("global", "a"),
    "commit_id": ("untracked",),
}
PATTERNS = {
    "entity_id": ("e%", "E_", "%2%", "e[1-3]*", "*5"),
    "schema_key": ("schema%", "SCHEMA\\_a", "schema_[ab]", "%"),
    "file_id": ("f%", "f?", "%1"),
    "plugin_key": ("p%", "P1", "p*"),
    "schema_version": ("1", "_"),
    "version_id": ("%", "glob*", "G%"),
}


def quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


class Maker:
    """Builds one query out of one random source."""

    def __init__(self, draw: Random) -> None:
        self.draw = draw
        self.aliases = 0
        self.tables: dict[str, str] = {}

    def alias(self) -> str:
        self.aliases += 1
        return f"t{self.aliases}"

    def state(self, among: tuple[str, ...] = STATE) -> tuple[str, str]:
        """Choose a state table; return its alias and its place in a FROM clause."""
        at = self.alias()
        self.tables[at] = self.draw.choice(among)
        return at, f"{{{self.tables[at]}}} {at}"

    def nullable(self, at: str) -> tuple[str, ...]:
        # the raw table has no commit_id
        return NULLABLE[:-1] if self.tables[at] == STATE[-1] else NULLABLE

    def query(self) -> str:
        make = self.draw.choice(
            (
                self.plain,
                self.plain,
                self.plain,
                self.plain,
                self.aggregate,
                self.join,
                self.join,
                self.join_others,
                self.outer_join,
                self.compound,
                self.correlated,
                self.distinct,
            )
        )
        return make()

    # predicates

    def predicate(self, at: str, depth: int = 2) -> str:
        if depth and self.draw.random() < 0.45:
            joiner = self.draw.choice((" AND ", " AND ", " OR "))
            parts = [self.predicate(at, depth - 1) for _ in range(self.draw.randint(2, 3))]
            return "(" + joiner.join(parts) + ")"
        if depth and self.draw.random() < 0.1:
            return f"NOT ({self.predicate(at, depth - 1)})"
        return self.term(at)

    def term(self, at: str) -> str:
        column = self.draw.choice((*TEXT, *TEXT, *self.nullable(at)))
        name = f"{at}.{column}"
        value = quoted(self.draw.choice(VALUES[column]))
        make = self.draw.choice(
            (
                lambda: f"{name} {self.draw.choice(('=', '=', '==', 'IS'))} {value}",
                lambda: f"{value} = {name}",
                lambda: f"{name} {self.draw.choice(('<', '<=', '>', '>=', '<>'))} {value}",
                lambda: f"{name} {self.draw.choice(('', 'NOT '))}IN ({self.in_list(column)})",
                lambda: f"{name} IN ({self.in_query(column)})",
                lambda: f"{name} BETWEEN {value} AND {quoted(self.draw.choice(VALUES[column]))}",
                lambda: self.pattern(at),
                lambda: self.null(at),
                lambda: (
                    f"{at}.untracked {self.draw.choice(('=', '<', '>=', '<>', 'IS'))}"
                    f" {self.draw.choice(('0', '1', chr(39) + '1' + chr(39), 'NULL', 'TRUE'))}"
                ),
                lambda: (
                    f"json_extract({at}.snapshot_content, '$.value')"
                    f" {self.draw.choice(('=', '<', 'IS NOT'))} 'v2'"
                ),
                lambda: f"{name} COLLATE NOCASE = {value.upper()}",
                lambda: f"({at}.schema_key, {at}.entity_id) = ('schema_a', 'e1')",
                lambda: (
                    f"({at}.schema_key, {at}.entity_id) IN (VALUES ('schema_a', 'e1'),"
                    " ('schema_b', 'e2'))"
                ),
                lambda: f"{name} = NULL",
                lambda: f"length({name}) > 2",
            )
        )
        return make()

    def null(self, at: str) -> str:
        column = self.draw.choice(self.nullable(at))
        return f"{at}.{column} IS {self.draw.choice(('', 'NOT '))}NULL"

    def pattern(self, at: str) -> str:
        column = self.draw.choice(TEXT)
        pattern = self.draw.choice(PATTERNS[column])
        negation = self.draw.choice(("", "", "NOT "))
        if any(mark in pattern for mark in "*?["):
            return f"{at}.{column} {negation}GLOB {quoted(pattern)}"
        escape = " ESCAPE '\\'" if "\\" in pattern else ""
        return f"{at}.{column} {negation}LIKE {quoted(pattern)}{escape}"

    def in_list(self, column: str) -> str:
        count = self.draw.randint(0, 4)
        values = [quoted(self.draw.choice(VALUES[column])) for _ in range(count)]
        if self.draw.random() < 0.1:
            values.append("NULL")
        return ", ".join(values)

    def in_query(self, column: str) -> str:
        if column == "entity_id":
            return f"SELECT id FROM {{plain}} WHERE n {self.draw.choice(('<', '>', '='))} 3"
        if column in ("version_id", "inherited_from_version_id"):
            return "SELECT id FROM {lix_version} WHERE hidden = 0"
        if column == "commit_id":
            return "SELECT id FROM {lix_commit}"
        inner, source = self.state()
        return f"SELECT {inner}.{column} FROM {source} WHERE {self.predicate(inner, 0)}"

    # shapes

    def columns(self, at: str) -> str:
        choice = (*TEXT, *self.nullable(at), "untracked", "snapshot_content")
        chosen = self.draw.sample(choice, 4)
        return ", ".join(f"{at}.{c}" for c in chosen)

    def key(self, at: str) -> str:
        """Return an ORDER BY that leaves no ties."""
        keys = [f"{at}.{c}" for c in ("schema_key", "entity_id", "file_id", "version_id")]
        self.draw.shuffle(keys)
        return ", ".join(k + self.draw.choice(("", "", " DESC")) for k in keys)

    def plain(self) -> str:
        at, source = self.state()
        sql = f"SELECT {self.columns(at)} FROM {source} WHERE {self.predicate(at)}"
        if self.draw.random() < 0.5:
            sql += f" ORDER BY {self.key(at)}"
            if self.draw.random() < 0.6:
                sql += f" LIMIT {self.draw.choice((0, 1, 3, 10, -1))}"
                if self.draw.random() < 0.5:
                    sql += f" OFFSET {self.draw.choice((0, 1, 2, 50))}"
        return sql

    def aggregate(self) -> str:
        at, source = self.state()
        group = self.draw.sample(TEXT, self.draw.randint(0, 2))
        names = [f"{at}.{c}" for c in group]
        what = [
            "count(*)",
            f"count({at}.metadata)",
            f"max({at}.entity_id)",
            f"sum({at}.untracked)",
            f"count(DISTINCT {at}.{self.draw.choice(TEXT)})",
        ]
        sql = (
            f"SELECT {', '.join([*names, *self.draw.sample(what, 2)])} FROM {source}"
            f" WHERE {self.predicate(at)}"
        )
        if names:
            sql += f" GROUP BY {', '.join(names)}"
            if self.draw.random() < 0.5:
                sql += " HAVING count(*) > 1"
        return sql

    def distinct(self) -> str:
        at, source = self.state()
        chosen = self.draw.sample(TEXT, self.draw.randint(1, 3))
        names = ", ".join(f"{at}.{c}" for c in chosen)
        sql = f"SELECT DISTINCT {names} FROM {source} WHERE {self.predicate(at)}"
        return sql + (f" ORDER BY {names}" if self.draw.random() < 0.5 else "")

    def on(self, one: str, two: str) -> str:
        terms = [f"{one}.entity_id = {two}.entity_id"]
        if self.draw.random() < 0.5:
            terms.append(f"{one}.schema_key = {two}.schema_key")
        if self.draw.random() < 0.4:
            column = self.draw.choice(("version_id", "file_id", "plugin_key"))
            terms.append(f"{two}.{column} {self.draw.choice(('=', '=', '<='))} {one}.{column}")
        self.draw.shuffle(terms)
        return " AND ".join(terms)

    def join(self) -> str:
        one, left = self.state()
        two, right = self.state()
        where = f"{self.predicate(one, 1)} AND {self.predicate(two, 1)}"
        if self.draw.random() < 0.5:
            source = f"{left} JOIN {right} ON {self.on(one, two)}"
        else:
            source = f"{left}, {right}"
            where = f"{self.on(one, two)} AND {where}"
        return f"SELECT {self.columns(one)}, {two}.version_id FROM {source} WHERE {where}"

    def join_others(self) -> str:
        at, source = self.state(STATE[:2])
        other = self.alias()
        table, condition, column = self.draw.choice(
            (
                ("plain", f"{other}.id = {at}.entity_id", "n"),
                ("plain", f"{at}.entity_id >= {other}.id", "n"),
                ("lix_version", f"{other}.id = {at}.version_id", "name"),
                ("lix_version", f"{at}.inherited_from_version_id = {other}.id", "hidden"),
                ("lix_active_version", f"{other}.version_id = {at}.version_id", "version_id"),
                ("lix_commit", f"{at}.commit_id = {other}.id", "parent_commit_ids"),
                ("lix_change", f"{at}.change_id = {other}.id", "snapshot_content"),
                ("lix_change_set_element", f"{other}.change_id = {at}.change_id", "change_set_id"),
            )
        )
        sides = [source, f"{{{table}}} {other}"]
        self.draw.shuffle(sides)
        join = self.draw.choice((" JOIN ", " CROSS JOIN ", " LEFT JOIN "))
        condition = f"{condition} AND {self.term(at)}" if self.draw.random() < 0.3 else condition
        return (
            f"SELECT {self.columns(at)}, {other}.{column} FROM {join.join(sides)} ON {condition}"
            f" WHERE {self.predicate(at, 1)}"
        )

    def outer_join(self) -> str:
        one = self.alias()
        two, source = self.state()
        kind = self.draw.choice(("LEFT", "RIGHT", "FULL"))
        extra = f" AND {self.term(two)}" if self.draw.random() < 0.7 else ""
        where = self.draw.choice(
            (
                "",
                f" WHERE {self.predicate(two, 1)}",
                f" WHERE {two}.entity_id IS NULL",
                f" WHERE {one}.n > 2 OR {two}.untracked = 1",
            )
        )
        return (
            f"SELECT {one}.id, {one}.n, {self.columns(two)}"
            f" FROM {{plain}} {one} {kind} JOIN {source}"
            f" ON {two}.entity_id = {one}.id{extra}{where}"
        )

    def compound(self) -> str:
        parts = []
        for _ in range(self.draw.randint(2, 3)):
            at, source = self.state()
            parts.append(
                f"SELECT {at}.entity_id AS e, {at}.schema_key AS s FROM {source}"
                f" WHERE {self.predicate(at, 1)}"
            )
        sql = parts[0]
        for part in parts[1:]:
            sql += f" {self.draw.choice(('UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT'))} {part}"
        if self.draw.random() < 0.5:
            sql += f" ORDER BY e, s LIMIT {self.draw.choice((2, 5, 100))}"
        return sql

    def correlated(self) -> str:
        at, outer = self.state()
        inner, source = self.state()
        match = f"{inner}.entity_id = {at}.entity_id AND {self.term(inner)}"
        shape = self.draw.randrange(3)
        if shape == 0:
            negation = self.draw.choice(("", "NOT "))
            return (
                f"SELECT {self.columns(at)} FROM {outer} WHERE {self.predicate(at, 1)}"
                f" AND {negation}EXISTS (SELECT 1 FROM {source} WHERE {match})"
            )
        if shape == 1:
            return (
                f"SELECT {self.columns(at)}, (SELECT count(*) FROM {source}"
                f" WHERE {match}) FROM {outer} WHERE {self.predicate(at, 1)}"
            )
        return (
            f"WITH x AS (SELECT {inner}.entity_id AS id, count(*) AS n FROM {source}"
            f" WHERE {self.term(inner)} GROUP BY 1)"
            f" SELECT {self.columns(at)}, x.n FROM x JOIN {outer}"
            f" ON {at}.entity_id = x.id WHERE {self.predicate(at, 1)}"
        )


def query(seed: int) -> str:
    """Return the template of query number `seed`."""
    return Maker(Random(seed)).query()
