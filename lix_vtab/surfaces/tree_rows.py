"""Reading the rows of files and directories: paths are walked, not searched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from lix_vtab.filesystem.lookup import CHILD, NAMED, STEM
from lix_vtab.filesystem.patterns import Region, glob_region, like_region, range_region
from lix_vtab.filesystem.tree import DirectoryPaths
from lix_vtab.resolution.scope import Scope
from lix_vtab.session import Reads, Session
from lix_vtab.surfaces.base import Cursor
from lix_vtab.surfaces.planner import Column, Plan, Term
from lix_vtab.surfaces.reader import Reader, affine

__all__ = ["Lazy", "TreeCursor", "TreeRows"]

_WITHIN = (
    Column("named", "", NAMED, "within"),
    Column("child", "", CHILD, "within"),
    Column("stem", "", STEM, "within"),
)
Find = Callable[[Scope, str], Iterator[tuple[str | None, str]]]
Fill = Callable[[Scope, DirectoryPaths], Callable[[list[Any]], None]]


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
            session, (*columns, *_WITHIN), schema_key=schema_key, filters=("x.file_id = 1",),
            multi=multi,
        )  # fmt: skip
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
        rows = self._found(plan, args, scope)
        computed = [n for n in plan.columns if n == self._path or n in self._lazy]
        return self._filled(rows, computed, scope) if computed else rows

    def _found(self, plan: Plan, args: Sequence[Any], scope: Scope) -> Iterable[Sequence[Any]]:
        terms = [term for term in plan.terms if term.column == self._path]
        if not terms:
            return self._reader.rows_at(plan, args, scope)
        given: list[tuple[str, tuple[Any, ...]]] | None = None
        exact = [term for term in terms if term.exact]
        if exact:
            given = self._named(exact, args, scope)
        else:
            region = _region(terms, args)
            if region is None:
                return ()
            if region.segments or region.stem:
                given = self._within(region, scope)
        if given is None:
            return self._reader.rows_at(self._without_path(plan, None), args, scope)
        return self._each(plan, args, scope, given)

    def _each(
        self,
        plan: Plan,
        args: Sequence[Any],
        scope: Scope,
        given: Iterable[tuple[str, tuple[Any, ...]]],
    ) -> Iterator[Sequence[Any]]:
        for kind, values in given:
            inner = self._without_path(plan, kind, len(args))
            yield from self._reader.rows_at(inner, (*args, *values), scope)

    def _named(
        self, terms: Sequence[Term], args: Sequence[Any], scope: Scope
    ) -> list[tuple[str, tuple[Any, ...]]]:
        paths: list[str] | None = None
        for term in terms:
            value = args[term.argument]
            listed = value if term.operator == "IN" else [value]
            wanted = [affine(v, "TEXT") for v in listed]
            texts = [v for v in wanted if isinstance(v, str)]
            paths = texts if paths is None else [path for path in paths if path in texts]
        return [
            ("named", (parent or "", name))
            for path in dict.fromkeys(paths or ())
            for parent, name in self._find(scope, path)
        ]

    def _within(self, region: Region, scope: Scope) -> list[tuple[str, tuple[Any, ...]]]:
        given: list[tuple[str, tuple[Any, ...]]] = []
        deepest = len(region.segments)
        for at, depth in self._session.files.lookup.below(scope, region):
            parent = at or ""
            if self._directories and depth < deepest:
                given.append(("child", (parent,)))
            elif depth == deepest and region.stem and not region.fold:
                given.append(("stem", (parent, region.stem, _after(region.stem))))
            elif depth >= deepest:
                given.append(("child", (parent,)))
        return given

    def _without_path(self, plan: Plan, kind: str | None, place: int = 0) -> Plan:
        known = plan.compiled.get(("within", kind, place))
        if known is None:
            terms = [term for term in plan.terms if term.column != self._path]
            if kind is not None:
                column = self._size + ("named", "child", "stem").index(kind)
                terms.append(Term(column, "WITHIN", place, 0))
            known = replace(plan, terms=tuple(terms), compiled={})
            plan.compiled[("within", kind, place)] = known
        assert isinstance(known, Plan)
        return known

    # -- filling in

    def _filled(
        self, rows: Iterable[Sequence[Any]], computed: Sequence[int], scope: Scope
    ) -> Iterator[list[Any]]:
        path = self._path if self._path in computed else None
        lazy = [(n, self._lazy[n]) for n in computed if n in self._lazy]
        paths = self._session.files.directory_paths(scope).path
        ending = self._ending
        for row in rows:
            filled = list(row)
            if path is not None:
                parent, _, name = row[path].rpartition("/")
                above = paths(parent or None)
                filled[path] = None if above is None else above + name + ending
            for n, make in lazy:
                filled[n] = Lazy(make, scope, row[n])
            yield filled


def _region(terms: Sequence[Term], args: Sequence[Any]) -> Region | None:
    """Return where all conditions can hold; None when nowhere."""
    low, high = None, None
    best = Region((), "")
    for term in terms:
        value = args[term.argument]
        if not isinstance(value, str):
            continue
        if term.operator in ("GLOB", "LIKE"):
            region = glob_region(value) if term.operator == "GLOB" else like_region(value)
            if region is None:
                return None
            best = _narrower(best, region)
        elif term.operator in (">", ">="):
            low = value if low is None else max(low, value)
        else:
            above = value if term.operator == "<" else value + "\0"
            high = above if high is None else min(high, above)
    if low is not None and high is not None:
        region = range_region(low, high)
        return None if region is None else _narrower(best, region)
    return best


def _narrower(one: Region, other: Region) -> Region:
    return other if len(other.segments) >= len(one.segments) else one


def _after(stem: str) -> str:
    """Return the least text greater than everything that starts with `stem`."""
    last = ord(stem[-1])
    following = 0xE000 if last == 0xD7FF else last + 1
    return stem[:-1] + chr(following) if following <= 0x10FFFF else stem + "\U0010ffff" * 2
