"""Reading the rows of files and directories: paths are walked, not searched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from lix_vtab.filesystem.lookup import CHILD, NAMED, STEM
from lix_vtab.filesystem.patterns import Region
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.resolution.scope import Scope
from lix_vtab.session import Reads, Session
from lix_vtab.storage.first_names import DIRECTORY_ID, FILE_ID
from lix_vtab.surfaces.base import Cursor
from lix_vtab.surfaces.planner import Column, Plan, Term
from lix_vtab.surfaces.reader import Reader
from lix_vtab.surfaces.tree_conditions import after, region_of, wanted_paths

__all__ = ["Lazy", "TreeCursor", "TreeRows"]

_WITHIN = (("named", NAMED), ("child", CHILD), ("stem", STEM))
Find = Callable[[Scope, str], Iterator[tuple[str | None, str]]]


_Place = tuple[str, tuple[Any, ...]]
"""One of the conditions above, by name, and the values it takes."""


class _Way(NamedTuple):
    """How a plan is read: by which paths, and what is worked out in Python."""

    exact: tuple[Term, ...]
    hints: tuple[Term, ...]
    path: bool
    lazy: tuple[tuple[int, Callable[[Scope, str], Any]], ...]


class Lazy(NamedTuple):
    """A value that is only worked out when SQLite asks for its column."""

    make: Callable[[Scope, str], Any]
    scope: Scope
    id: str


class TreeCursor(Cursor):
    """A cursor whose rows may hold lazy values."""

    def Column(self, number: int) -> Any:  # type: ignore[override]  # one index, never a slice
        """Return a column of the current row."""
        value = self[number]
        if type(value) is Lazy:
            return value.make(value.scope, value.id)
        return value

    def watch(self, reads: Reads) -> None:
        """Tell `reads` also whose lazy values are made."""
        super().watch(reads)
        make = self.Column

        def told(number: int) -> Any:
            value = self[number]
            if type(value) is Lazy:
                reads.content(value.scope.version_id, value.id)
            return make(number)

        self.Column = told  # type: ignore[method-assign]


class TreeRows:
    """Finds the rows of one table of files or directories.

    The column of role `path` reads the parent's id and the name with a slash between (`ending` is
    what a path ends in); `lazy` says how the columns of role `lazy` are made from the row's id.
    """

    __slots__ = (
        "_directories",
        "_ending",
        "_find",
        "_lazy",
        "_multi",
        "_path",
        "_reader",
        "_session",
        "_size",
    )

    def __init__(
        self,
        session: Session,
        columns: Sequence[Column],
        *,
        schema_key: str,
        find: Find,
        ending: str = "",
        multi: bool = False,
        lazy: dict[str, Callable[[Scope, str], Any]] | None = None,
    ) -> None:
        self._session = session
        self._reader = Reader(
            session,
            (*columns, *_conditions(DIRECTORY_ID if ending else FILE_ID)),
            schema_key=schema_key,
            filters=("x.file_id = 1",),
            multi=multi,
        )
        names = [column.name for column in columns]
        self._size = len(columns)
        self._path = names.index("path")
        self._find = find
        self._ending = ending
        self._directories = ending != ""
        self._multi = multi
        self._lazy = {names.index(name): make for name, make in (lazy or {}).items()}

    # -- which scopes

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find the rows of the active version, or of every version a `multi` table may show."""
        session = self._session
        session.store.refresh()
        if not self._multi:
            scope = session.active_scope()
            return () if scope is None else self._of(plan, args, scope)
        return self._of_versions(plan, args)

    def at(self, plan: Plan, args: Sequence[Any], scope: Scope) -> Iterable[Sequence[Any]]:
        """Find the rows of any scope, such as that of a commit."""
        self._session.store.refresh()
        return self._of(plan, args, scope)

    def _of_versions(self, plan: Plan, args: Sequence[Any]) -> Iterator[Sequence[Any]]:
        session = self._session
        for version_id in self._reader.versions(self._without_path(plan, None), args):
            scope = session.scopes.of(version_id)
            if scope is not None and not session.store.versions.deleted(version_id):
                yield from self._of(plan, args, scope)

    # -- where in the tree

    def _of(self, plan: Plan, args: Sequence[Any], scope: Scope) -> Iterable[Sequence[Any]]:
        way = plan.compiled.get("way")
        if way is None:
            way = plan.compiled["way"] = self._way(plan)
        assert isinstance(way, _Way)
        if way.exact:
            return self._at_paths(plan, way, args, scope)
        if not way.hints:
            return self._filled(self._reader.rows_at(plan, args, scope), way, scope)
        region = region_of(way.hints, args)
        if region is None:
            return ()
        if region.segments or region.stem:
            places = self._within(region, scope)
            return self._filled(self._each(plan, args, scope, places), way, scope)
        rows = self._reader.rows_at(self._without_path(plan, None), args, scope)
        return self._filled(rows, way, scope)

    def _way(self, plan: Plan) -> _Way:
        terms = [term for term in plan.terms if term.column == self._path]
        return _Way(
            tuple(term for term in terms if term.exact),
            tuple(term for term in terms if not term.exact),
            self._path in plan.columns,
            tuple((n, self._lazy[n]) for n in plan.columns if n in self._lazy),
        )

    def _at_paths(
        self, plan: Plan, way: _Way, args: Sequence[Any], scope: Scope
    ) -> Iterable[Sequence[Any]]:
        """Find the rows of given paths."""
        places = [
            (path, parent or "", name)
            for path in wanted_paths(way.exact, args)
            for parent, name in self._find(scope, path)
        ]
        inner = self._without_path(plan, "named", len(args))
        return chain.from_iterable(
            self._known(self._reader.rows_at(inner, (*args, parent, name), scope), path, way, scope)
            for path, parent, name in places
        )

    def _each(
        self, plan: Plan, args: Sequence[Any], scope: Scope, places: Iterable[_Place]
    ) -> Iterator[Sequence[Any]]:
        for kind, values in places:
            inner = self._without_path(plan, kind, len(args))
            yield from self._reader.rows_at(inner, (*args, *values), scope)

    def _within(self, region: Region, scope: Scope) -> list[_Place]:
        """Return where in the tree the paths of a region lie."""
        places: list[_Place] = []
        deepest = len(region.segments)
        for at, depth in self._session.files.lookup.below(scope, region):
            parent = at or ""
            if self._directories and depth < deepest:
                places.append(("child", (parent,)))
            elif depth == deepest and region.stem and not region.fold:
                places.append(("stem", (parent, region.stem, after(region.stem))))
            elif depth >= deepest:
                places.append(("child", (parent,)))
        return places

    def _without_path(self, plan: Plan, kind: str | None, place: int = 0) -> Plan:
        """Return a plan that looks in one place of the tree instead of at paths."""
        known = plan.compiled.get(("within", kind, place))
        if known is None:
            terms = [term for term in plan.terms if term.column != self._path]
            columns = plan.columns
            if kind is not None:
                column = self._size + ("named", "child", "stem").index(kind)
                terms.append(Term(column, "WITHIN", place, 0))
            if kind == "named":
                columns = tuple(column for column in columns if column != self._path)
            known = replace(plan, terms=tuple(terms), columns=columns, compiled={})
            plan.compiled[("within", kind, place)] = known
        assert isinstance(known, Plan)
        return known

    # -- filling in

    def _known(
        self, rows: Iterable[Sequence[Any]], path: str, way: _Way, scope: Scope
    ) -> Iterator[list[Any]]:
        """Fill in rows whose path is known."""
        at = self._path
        for row in rows:
            filled = list(row)
            if way.path:
                if len(filled) < at + 2:
                    # nothing after the path was asked for, but the rowid stays last
                    filled[-1:-1] = [None] * (at + 2 - len(filled))
                filled[at] = path
            for n, make in way.lazy:
                filled[n] = Lazy(make, scope, row[n])
            yield filled

    def _filled(
        self, rows: Iterable[Sequence[Any]], way: _Way, scope: Scope
    ) -> Iterable[Sequence[Any]]:
        """Fill in what is worked out in Python."""
        if not way.path:
            return self._known(rows, "", way, scope) if way.lazy else rows
        return self._with_paths(rows, way, scope)

    def _with_paths(
        self, rows: Iterable[Sequence[Any]], way: _Way, scope: Scope
    ) -> Iterator[list[Any]]:
        at, ending = self._path, self._ending
        paths = self._session.files.directory_paths(scope).path
        last, above = "", paths(None)
        for row in rows:
            filled = list(row)
            parent, _, name = row[at].rpartition("/")
            if parent != last:
                last, above = parent, paths(parent or None)
            filled[at] = None if above is None else above + name + ending
            for n, make in way.lazy:
                filled[n] = Lazy(make, scope, row[n])
            yield filled


def _conditions(kind: int) -> Iterator[Column]:
    """Yield the conditions on a place in the tree as columns a plan can name."""
    for name, condition in _WITHIN:
        yield Column(name, "", condition.replace("@kind", str(kind)), "within")
