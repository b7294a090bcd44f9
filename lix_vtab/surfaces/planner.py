"""Planning: from the constraints SQLite offers to a plan, as a pure function.

Nothing here knows SQLite, a connection or a table's rows; `base.py` feeds it and carries it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.tuples import NamedTuple

__all__ = ["OPERATORS", "Column", "Lookup", "Offer", "Plan", "Term", "choose_lookup", "plan"]

EQ, GT, LE, LT, GE, NE = 2, 4, 8, 16, 32, 68
ISNOT, ISNOTNULL, ISNULL, IS, LIMIT, OFFSET = 69, 70, 71, 72, 73, 74
LIKE, GLOB = 65, 66

OPERATORS: dict[int, str] = {
    EQ: "=",
    GT: ">",
    LE: "<=",
    LT: "<",
    GE: ">=",
    NE: "<>",
    IS: "IS",
    ISNOT: "IS NOT",
    ISNULL: "IS NULL",
    ISNOTNULL: "IS NOT NULL",
}
"""Constraint operators we can carry out, as SQL."""

HINTS: dict[int, str] = {GT: ">", LE: "<=", LT: "<", GE: ">=", LIKE: "LIKE", GLOB: "GLOB"}
"""Operators that say where in the tree a path lies; SQLite still checks them."""

BOUNDS = frozenset([EQ, IS, LT, LE])
"""Operators that can narrow a search by a `hint`."""

UNBOUND_COST = 1e9
"""Factor that makes SQLite choose a join order in which the arguments of a function are known."""

COMPUTED = frozenset(["path", "lazy"])
"""Roles of columns whose values are worked out in Python."""

_LOOKED_UP = ("schema", "file", "entity", "key", "version", "index")


class Column(NamedTuple):
    """A column of a surface.

    `template` is its value over the fields of a row (see `resolution.visible`), "" when it only
    serves as an argument. `role` says how an equality narrows the search: `schema`, `file` and
    `entity` are key columns, `key` is a part of a key that is only useful whole, `version` chooses
    what is read, `argument` is a hidden parameter of a table-valued function, `index` is answered
    by an index of its own. A `hint` is worked out later: its bounds are handed on to narrow the
    search (values of an IN one by one), and SQLite checks them again. `path` and `lazy` are worked
    out in Python from what the template reads: a path is looked up in the tree, what is lazy cannot
    be searched for.
    """

    name: str
    declared: str = "TEXT"
    template: str = ""
    role: str = ""
    hidden: bool = False


class Offer(NamedTuple):
    """A constraint SQLite offers: column number, operator, and whether it can be used."""

    column: int
    operator: int
    usable: bool = True
    binary: bool = True
    many: bool = False


class Lookup(NamedTuple):
    """An index of the values rows have in some columns; `name` is what it is kept under."""

    columns: tuple[int, ...]
    name: str


class Term(NamedTuple):
    """A constraint the plan carries out. `argument` is its place among the Filter arguments.

    One that is not `exact` only narrows the search and is checked by SQLite again.
    """

    column: int
    operator: str
    argument: int
    offer: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """How one query reads a surface.

    `shown` are hidden columns that show the argument a query gave them, and its place.
    """

    terms: tuple[Term, ...]
    columns: tuple[int, ...]
    order: tuple[tuple[int, bool], ...]
    limit: int | None
    offset: int | None
    cost: float
    rows: int
    text: str
    shown: tuple[tuple[int, int], ...] = ()
    compiled: dict[object, object] = field(default_factory=dict, compare=False)

    def find(self, column: int, *operators: str) -> Term | None:
        """Return the first term on a column with one of the operators."""
        for term in self.terms:
            if term.column == column and term.operator in operators:
                return term
        return None


def plan(
    columns: Sequence[Column],
    offers: Sequence[Offer],
    order: Sequence[tuple[int, bool]],
    used: frozenset[int],
    *,
    required: Sequence[int] = (),
    sortable: bool = True,
    multi: bool = False,
    at_once: bool = True,
    lookups: Sequence[Lookup] = (),
    limits: bool = True,
) -> Plan | None:
    """Choose what to push down; return None when a required argument is missing.

    `multi` says that one query may read several versions, one after the other, `at_once` that all
    values of an IN can be had together; otherwise SQLite asks for them one by one, which is only
    good where each is a look-up, `limits` that the surface carries out LIMIT and OFFSET itself.

    A constraint is pushed down only if carrying it out in the inner SQL means exactly what SQLite
    would have meant by it, so pushed constraints are not checked again.
    """
    terms, complete = _terms(columns, offers, at_once=at_once)
    limit = offset = None
    given = {term.column for term in terms if term.operator in ("=", "IS")}
    if any(column not in given for column in required):
        return None
    single = not multi or any(columns[c].role == "version" for c in given)
    ordered = (
        sortable
        and single
        # a path is looked up in one place of the tree after the other
        and not any(columns[term.column].role == "path" for term in terms)
        and bool(order)
        and all(0 <= column < len(columns) and _sortable(columns[column]) for column, _ in order)
    )
    if limits and complete and single and (ordered or not order):
        limit, offset = _window(offers, len(terms))
    lookup = choose_lookup(columns, lookups, terms)
    cost, rows = _estimate(columns, terms, multi, lookup=lookup is not None)
    if any(_left_out(columns, offer) for offer in offers):
        cost *= UNBOUND_COST
    if limit is not None:
        rows = min(rows, 100)
    return Plan(
        tuple(terms),
        tuple(sorted(used)),
        tuple(order) if ordered else (),
        limit,
        offset,
        cost,
        rows,
        _text(columns, terms, offers, order if ordered else (), limit is not None, lookup)
        + f" (about {rows} row{'s' if rows > 1 else ''})",
        tuple(
            (term.column, term.argument)
            for term in terms
            if term.exact
            and columns[term.column].hidden
            and columns[term.column].role == "argument"
        ),
    )


def _terms(
    columns: Sequence[Column], offers: Sequence[Offer], *, at_once: bool
) -> tuple[list[Term], bool]:
    """Choose the constraints to take over; tell whether that leaves none to SQLite."""
    terms: list[Term] = []
    complete = True
    for number, offer in enumerate(offers):
        if offer.operator in (LIMIT, OFFSET):
            continue
        if 0 <= offer.column < len(columns) and columns[offer.column].role == "path":
            complete = False
            found = _path_term(offer, len(terms), number, at_once=at_once)
            if found is not None:
                terms.append(found)
        elif 0 <= offer.column < len(columns) and columns[offer.column].role == "hint":
            complete = False
            if offer.usable and offer.binary and offer.operator in BOUNDS:
                bound = OPERATORS[offer.operator]
                terms.append(Term(offer.column, bound, len(terms), number, exact=False))
        elif _pushable(columns, offer, at_once=at_once):
            operator = OPERATORS[offer.operator]
            argument = columns[offer.column].role == "argument"
            if at_once and offer.many and not argument:
                operator = "IN"
            # a second value for an argument is compared with the first, by SQLite
            exact = not (argument and any(term.column == offer.column for term in terms))
            complete = complete and exact
            terms.append(Term(offer.column, operator, len(terms), number, exact))
        else:
            complete = False
    return terms, complete


def _left_out(columns: Sequence[Column], offer: Offer) -> bool:
    """Tell whether a query gives an argument that cannot be had in this join order."""
    return (
        not offer.usable
        and offer.operator in (EQ, IS)
        and 0 <= offer.column < len(columns)
        and columns[offer.column].role == "argument"
    )


def _sortable(column: Column) -> bool:
    return bool(column.template) and column.role not in COMPUTED


def _path_term(offer: Offer, argument: int, number: int, *, at_once: bool) -> Term | None:
    """Return what a constraint on a path says about where to look."""
    if not offer.usable:
        return None
    if offer.operator in (EQ, IS) and offer.binary:
        return Term(offer.column, "IN" if offer.many and at_once else "=", argument, number)
    hint = HINTS.get(offer.operator)
    if hint is None or not (offer.binary or hint in ("LIKE", "GLOB")):
        return None
    return Term(offer.column, hint, argument, number, exact=False)


def _pushable(columns: Sequence[Column], offer: Offer, *, at_once: bool) -> bool:
    if not offer.usable or not 0 <= offer.column < len(columns):
        return False
    column = columns[offer.column]
    if column.role == "lazy":
        return False
    if column.role == "argument":
        # not asked for all at once, the values of an IN come one by one
        return offer.operator in (EQ, IS)
    if offer.operator not in OPERATORS or not offer.binary:
        return False
    if offer.many:
        return column.role in _LOOKED_UP or (at_once and column.role == "plugin")
    if column.role == "version":
        return offer.operator in (EQ, IS)
    return bool(column.template)


def _window(offers: Sequence[Offer], taken: int) -> tuple[int | None, int | None]:
    """Return the argument places of LIMIT and OFFSET when both can be taken over."""
    limits = [n for n, offer in enumerate(offers) if offer.operator == LIMIT and offer.usable]
    offsets = [n for n, offer in enumerate(offers) if offer.operator == OFFSET]
    if len(limits) != 1 or any(not offers[n].usable for n in offsets):
        return None, None
    return taken, taken + 1 if offsets else None


_FIGURES: tuple[tuple[frozenset[str], tuple[int, float]], ...] = (
    (frozenset({"schema", "entity", "file"}), (1, 4.0)),
    (frozenset({"schema", "entity"}), (2, 4.0)),
    (frozenset({"index"}), (10, 12.0)),
    (frozenset({"file"}), (100, 120.0)),
    (frozenset({"schema"}), (10_000, 12_000.0)),
    (frozenset({"entity"}), (10, 200.0)),
    (frozenset(), (100_000, 150_000.0)),
)
"""Rows and cost by which parts of the key are known; the first that fits counts."""


def choose_lookup(
    columns: Sequence[Column], lookups: Sequence[Lookup], terms: Sequence[Term]
) -> Lookup | None:
    """Return the index of values that narrows a search most, None when the key does it better."""
    if _key_is_known(columns, terms) or any(
        columns[t.column].role == "entity" and t.operator in ("=", "IS", "IN") for t in terms
    ):
        return None
    equal = {t.column for t in terms if t.operator == "="}
    listed = {t.column for t in terms if t.operator == "IN"}
    fitting = [
        lookup
        for lookup in lookups
        if equal.issuperset(lookup.columns)
        or (len(lookup.columns) == 1 and lookup.columns[0] in listed)
    ]
    # of several the one over most columns, which finds fewest rows
    return max(fitting, key=lambda lookup: len(lookup.columns), default=None)


def _key_is_known(columns: Sequence[Column], terms: Sequence[Term]) -> bool:
    parts = {n for n, column in enumerate(columns) if column.role == "key"}
    return bool(parts) and parts <= {t.column for t in terms if t.operator == "="}


def _pinned(columns: Sequence[Column], terms: Sequence[Term]) -> set[str]:
    """Return the roles of columns whose value is known; a table of one schema knows its schema."""
    pinned = {columns[t.column].role for t in terms if t.operator in ("=", "IS", "IN")} - {
        "",
        "key",
    }
    if "path" in pinned or _key_is_known(columns, terms):
        pinned.add("entity")
    if not any(column.role == "schema" for column in columns):
        pinned.add("schema")
    return pinned


def _estimate(
    columns: Sequence[Column], terms: Sequence[Term], multi: bool, *, lookup: bool = False
) -> tuple[float, int]:
    """Estimate cost and rows from which parts of the key are known."""
    pinned = _pinned(columns, terms)
    if lookup:
        pinned.add("index")
    filters = sum(
        0 if columns[t.column].role in pinned else 2 if t.operator in ("=", "IS") else 1
        for t in terms
    )
    rows, cost = next(figures for known, figures in _FIGURES if known <= pinned)
    if multi and "version" not in pinned:
        rows, cost = rows * 5, cost * 5
    if terms and any(term.operator == "IN" for term in terms):
        rows, cost = rows * 3, cost * 3
    rows = max(1, rows >> min(filters, 8))
    return cost + rows, rows


def _text(
    columns: Sequence[Column],
    terms: Sequence[Term],
    offers: Sequence[Offer],
    order: Sequence[tuple[int, bool]],
    limited: bool,
    lookup: Lookup | None = None,
) -> str:
    """Describe the plan for EXPLAIN QUERY PLAN."""
    # values of an IN that come one by one are looked up as equal, but are still those of an IN
    words = [
        f"{columns[t.column].name} {'IN' if offers[t.offer].many else t.operator}" for t in terms
    ]
    text = " AND ".join(words) or "scan"
    if lookup is not None:
        text = f"index ({', '.join(columns[c].name for c in lookup.columns)}): {text}"
    if order:
        listed = (columns[c].name + (" DESC" if desc else "") for c, desc in order)
        text += f" ORDER BY {', '.join(listed)}"
    return text + (" LIMIT" if limited else "")
