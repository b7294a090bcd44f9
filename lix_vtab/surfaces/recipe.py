"""Compiling a plan for state rows: the query to run, and the steps that make its parameters.

Both are made in the same pass, so they agree on numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import orjson

from lix_vtab.errors import LixError
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.resolution.visible import Query
from lix_vtab.schema.groups import indexable
from lix_vtab.session import Session
from lix_vtab.storage.index_tables import WITH_VALUE
from lix_vtab.surfaces.affinity import affine, as_text
from lix_vtab.surfaces.planner import Column, Lookup, Plan, Term, choose_lookup

__all__ = ["NOWHERE", "Recipe", "Recipes", "one_spelling", "whole_key"]

_KEY_IN = "x.entity_id IN (SELECT value FROM json_each({}))"

_ONE_SPELLING = ("TEXT", "INTEGER", "REAL", "BOOLEAN")

_INTERNED = {"schema": "x.schema_id", "file": "x.file_id", "plugin": "{plugin}"}

Step = Callable[[Sequence[Any]], Any]
"""Makes one parameter of the arguments; returns `NOWHERE` when nothing can match."""

NOWHERE: Final = object()


class Recipe(NamedTuple):
    """A compiled plan. `schema` and `file` are places of parameters that name one of those.

    `few` says that one entity is meant, so that all rows are fetched at once. `alike` are the
    numbers of the parameters all rows consist of (0 for NULL), None when rows are of their own.
    """

    near: Query
    in_file: Query
    steps: tuple[Step, ...]
    schema: int | None
    file: int | None
    versions: tuple[int, ...]
    few: bool
    alike: tuple[int, ...] | None


class Recipes:
    """Makes the recipes of one table; see `Reader` for what it is told."""

    __slots__ = (
        "_columns",
        "_entities_of",
        "_filters",
        "_keys",
        "_lookups",
        "_multi",
        "_own",
        "_schema_key",
        "_session",
    )

    def __init__(
        self,
        session: Session,
        columns: Sequence[Column],
        *,
        schema_key: str | None,
        filters: Sequence[str],
        multi: bool,
        own: bool,
        entities_of: Callable[[dict[str, Any]], list[str]] | None,
        lookups: Sequence[Lookup],
    ) -> None:
        self._session = session
        self._columns = columns
        self._schema_key = schema_key
        self._filters = tuple(filters)
        self._multi = multi
        self._own = own
        self._entities_of = entities_of
        self._lookups = lookups
        self._keys = frozenset(n for n, column in enumerate(columns) if column.role == "key")

    def make(self, plan: Plan) -> Recipe:
        """Compile a plan."""
        making = _Making(list(self._filters))
        if self._schema_key is not None:
            names, key = self._session.store.names, self._schema_key
            making.schema = 0
            making.key("x.schema_id = {}", lambda _: names.find(key))
        for term in plan.terms:
            self._term(making, self._columns[term.column], term)
        self._shortcuts(making, plan)
        limit = "".join(
            f" {word} ?{making.add(_argument(place))}"
            for word, place in (("LIMIT", plan.limit), ("OFFSET", plan.offset))
            if place is not None
        )
        count = len(making.steps)
        rowid = "{rowid}"
        if self._multi:
            count += 1
            rowid = (
                f"CASE WHEN {{rowid}} < 0 THEN {{rowid}} - ?{count} ELSE {{rowid}} + ?{count} END"
            )
        outputs = (*self._outputs(plan, making), rowid)
        order = tuple(f"{column + 1}{' DESC' if desc else ''}" for column, desc in plan.order)
        near, in_file = (
            Query(
                outputs,
                count,
                (*making.keys, *more),
                tuple(making.filters),
                order,
                limit,
                deleted=self._own,
            )
            # the index of rows by file leaves out those of file 1, so it must be said that
            # another is meant
            for more in ((), ("x.file_id <> 1",))
        )
        one_entity = any(key.startswith("x.entity_id = ") for key in making.keys)
        return Recipe(
            near,
            in_file,
            tuple(making.steps),
            making.schema,
            making.file,
            tuple(making.versions),
            one_entity and making.schema is not None,
            _alike(outputs[:-1]),
        )

    def _term(self, making: _Making, column: Column, term: Term) -> None:
        """Add the condition of one term."""
        if column.role == "version":
            making.versions.append(term.argument)
        elif column.role == "argument":
            return
        elif column.role == "within":
            making.within(column.template, term.argument)
        elif term.operator in ("IS NULL", "IS NOT NULL"):
            making.filters.append(f"({column.template}) {term.operator}")
        elif column.role in _INTERNED and term.operator in ("=", "IS", "IN"):
            self._interned(making, column, term)
        elif term.operator == "IN":
            left = "x.entity_id" if column.role == "entity" else f"({column.template})"
            making.condition(
                f"{left} IN (SELECT value FROM json_each({{}}))",
                lambda args: _listed(affine(v, column.declared) for v in args[term.argument]),
            )
        else:
            left = "x.entity_id" if column.role == "entity" else f"({column.template})"
            is_text = term.operator == "=" and column.declared == "TEXT"
            number = making.condition(
                f"{left} {term.operator} {{}}",
                _text(term.argument)
                if is_text
                else lambda args: affine(args[term.argument], column.declared),
            )
            if is_text:
                making.known[term.column] = number

    def _interned(self, making: _Making, column: Column, term: Term) -> None:
        """Add a condition on a text that rows hold as a number."""
        names = self._session.store.names
        left = _INTERNED[column.role]
        if term.operator == "IN":
            making.condition(
                f"{left} IN (SELECT value FROM json_each({{}}))",
                lambda args: _listed(
                    names.find(text)
                    for text in map(as_text, args[term.argument])
                    if text is not None
                ),
            )
            return

        def find(args: Sequence[Any]) -> Any:
            text = as_text(args[term.argument])
            id = -1 if text is None else names.find(text)
            return NOWHERE if id == -1 else id

        number = making.condition(f"{left} = {{}}", find)
        if column.role == "schema":
            making.schema = number - 1
        elif column.role == "file":
            making.file = number - 1
        making.known[term.column] = making.add(_text(term.argument))

    def _shortcuts(self, making: _Making, plan: Plan) -> None:
        """Add conditions that follow from the others and let an index be used."""
        equal = {t.column for t in plan.terms if t.operator == "="}
        if self._entities_of is not None and self._keys and self._keys <= equal:
            if one_spelling(self._columns):
                making.key("x.entity_id = {}", lambda args: self._key_of(plan, args))
            else:
                making.key(_KEY_IN, lambda args: _listed(self._keys_of(plan, args)))
        lookup = choose_lookup(self._columns, self._lookups, plan.terms)
        if lookup is not None:
            self._look_up(making, plan, lookup)
        roles = {
            self._columns[t.column].role for t in plan.terms if t.operator in ("=", "IS", "IN")
        }
        if (
            "entity" in roles
            and not roles & {"schema", "file"}
            and self._schema_key is None
            and not self._own
        ):
            catalogue = self._session.catalogue
            making.key(
                "x.schema_id IN (SELECT value FROM json_each({}))",
                lambda _: catalogue.schema_ids(),
            )

    def _look_up(self, making: _Making, plan: Plan, lookup: Lookup) -> None:
        """Narrow the search by an index of values; the conditions themselves still hold."""
        names = self._session.store.names
        group = making.add(lambda _: names.find(lookup.name))
        terms = {t.column: t for t in plan.terms if t.operator in ("=", "IN")}
        chosen = [terms[column] for column in lookup.columns]
        declared = [self._columns[column].declared for column in lookup.columns]
        if chosen[0].operator == "IN":
            values = making.add(
                lambda args: _listed(
                    indexable([affine(value, declared[0])])
                    for value in args[chosen[0].argument]
                    if value is not None and not isinstance(value, bytes)
                )
            )
            wanted = f"IN (SELECT value FROM json_each(?{values}))"
        else:
            values = making.add(
                lambda args: indexed_value(
                    [
                        affine(args[term.argument], kind)
                        for term, kind in zip(chosen, declared, strict=True)
                    ]
                )
            )
            wanted = f"= ?{values}"
        making.filters.append(WITH_VALUE.replace("@group", f"?{group}").replace("@values", wanted))

    def _key_of(self, plan: Plan, args: Sequence[Any]) -> Any:
        """Return the entity id of a primary key given whole, if there can be but one."""
        found = self._keys_of(plan, args)
        return found[0] if len(found) == 1 else NOWHERE

    def _keys_of(self, plan: Plan, args: Sequence[Any]) -> list[str]:
        assert self._entities_of is not None
        return whole_key(self._columns, self._entities_of, plan, args)

    def entity_id(self, plan: Plan, args: Sequence[Any]) -> str | None:
        """Return the entity id of a primary key given whole, None when a plan has none."""
        equal = {t.column for t in plan.terms if t.operator == "="}
        if self._entities_of is None or not self._keys or not self._keys <= equal:
            return None
        found = self._key_of(plan, args)
        return found if isinstance(found, str) else None

    def _outputs(self, plan: Plan, making: _Making) -> Iterator[str]:
        """Yield what to select: what a condition already says is not looked up again."""
        needed = {*plan.columns, *(column for column, _ in plan.order)}
        for number in range(max(needed, default=-1) + 1):
            if number not in needed:
                yield "NULL"
            elif number in making.known:
                yield f"?{making.known[number]}"
            else:
                yield self._columns[number].template or "NULL"


def _alike(outputs: Sequence[str]) -> tuple[int, ...] | None:
    """Return the parameters that are all a row shows, 0 for NULL; None if it shows more."""
    if all(output == "NULL" or output[1:].isdigit() for output in outputs):
        return tuple(0 if output == "NULL" else int(output[1:]) for output in outputs)
    return None


class _Making:
    """A recipe in the making. Conditions have `{}` where their parameter goes."""

    def __init__(self, filters: list[str]) -> None:
        self.steps: list[Step] = []
        self.keys: list[str] = []
        self.filters = filters
        self.known: dict[int, int] = {}
        self.versions: list[int] = []
        self.schema: int | None = None
        self.file: int | None = None

    def add(self, step: Step) -> int:
        """Add a parameter and return its number."""
        self.steps.append(step)
        return len(self.steps)

    def key(self, condition: str, step: Step) -> int:
        """Add a condition on key columns."""
        number = self.add(step)
        self.keys.append(condition.replace("{}", f"?{number}"))
        return number

    def within(self, condition: str, argument: int) -> None:
        """Add a condition whose `@1`, `@2`, .. are the arguments from a place on."""
        for n in range(1, 10):
            if f"@{n}" in condition:
                number = self.add(_argument(argument + n - 1))
                condition = condition.replace(f"@{n}", f"?{number}")
        self.filters.append(condition)

    def condition(self, condition: str, step: Step) -> int:
        """Add a condition on anything."""
        number = self.add(step)
        filled = condition.replace("{}", f"?{number}")
        (self.keys if filled.startswith("x.") else self.filters).append(filled)
        return number


def indexed_value(values: Sequence[Any]) -> Any:
    """Return what the index of values holds for SQL values; nothing has NULL or bytes."""
    if any(value is None or isinstance(value, bytes) for value in values):
        return NOWHERE
    return indexable(values)


def one_spelling(columns: Sequence[Column]) -> bool:
    """Tell whether equal values of a key's columns are always written alike."""
    return all(c.declared in _ONE_SPELLING for c in columns if c.role == "key")


def whole_key(
    columns: Sequence[Column],
    entities_of: Callable[[dict[str, Any]], list[str]],
    plan: Plan,
    args: Sequence[Any],
) -> list[str]:
    """Return the entity ids a primary key may have that a plan gives whole."""
    values = {
        columns[term.column].name: affine(args[term.argument], columns[term.column].declared)
        for term in plan.terms
        if columns[term.column].role == "key" and term.operator == "="
    }
    try:
        return entities_of(values)
    except LixError:
        return []


def _text(place: int) -> Step:
    """Make the step that takes an argument as text; nearly always it is one."""

    def text(args: Sequence[Any]) -> Any:
        value = args[place]
        return value if type(value) is str else as_text(value)

    return text


def _argument(place: int) -> Step:
    return lambda args: args[place]


def _listed(values: Iterable[Any]) -> str:
    return orjson.dumps([v for v in values if v is not None and not isinstance(v, bytes)]).decode()
