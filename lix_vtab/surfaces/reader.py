"""Reading state rows for a plan: the part all state-shaped surfaces share.

A plan is compiled once, into a `Recipe`; each execution binds its parameters and reads a scope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

from lix_vtab.model.tuples import NamedTuple
from lix_vtab.resolution.scope import Scope
from lix_vtab.session import Session
from lix_vtab.storage.names import LIX
from lix_vtab.surfaces.affinity import as_text
from lix_vtab.surfaces.alike import Alike
from lix_vtab.surfaces.planner import Column, Lookup, Plan
from lix_vtab.surfaces.recipe import NOWHERE, Recipe, Recipes
from lix_vtab.surfaces.rowids import VERSION_SHIFT

__all__ = ["Reader"]


class _Bound(NamedTuple):
    """The parameters of one execution."""

    recipe: Recipe
    params: list[Any]
    versions: list[str] | None


class Reader:
    """Finds state rows. `schema_key` fixes the schema, `filters` are conditions that always hold.

    `multi` shows the rows of many versions, `own` only what versions hold themselves (tombstones
    included). `entities_of` makes entity ids of the values of all columns with role `key`.
    """

    __slots__ = ("_multi", "_own", "_recipes", "_session")

    def __init__(
        self,
        session: Session,
        columns: Sequence[Column],
        *,
        schema_key: str | None = None,
        filters: Sequence[str] = (),
        multi: bool = False,
        own: bool = False,
        entities_of: Callable[[dict[str, Any]], list[str]] | None = None,
        lookups: Sequence[Lookup] = (),
    ) -> None:
        self._session = session
        self._multi = multi
        self._own = own
        self._recipes = Recipes(
            session,
            columns,
            schema_key=schema_key,
            filters=filters,
            multi=multi,
            own=own,
            entities_of=entities_of,
            lookups=lookups,
        )

    def rows(
        self, plan: Plan, args: Sequence[Any], version_id: str | None = None
    ) -> Iterable[Sequence[Any]]:
        """Find rows; `version_id` is read unless the surface shows many versions."""
        session = self._session
        session.store.refresh()
        bound = self._bind(plan, args)
        if bound is None:
            return ()
        if not self._multi:
            wanted = version_id or session.versions.active_id()
            if bound.versions is not None and wanted not in bound.versions:
                return ()
            scope = session.scopes.of(wanted)
            return () if scope is None else self._read(bound, scope)
        versions = bound.versions
        if versions is None:
            versions = [pointer.id for pointer in session.store.versions.pointers()]
        if len(versions) == 1:
            return self._version(bound, versions[0])
        return chain.from_iterable(self._version(bound, v) for v in versions)

    def rows_at(self, plan: Plan, args: Sequence[Any], scope: Scope) -> Iterable[Sequence[Any]]:
        """Find rows of a scope given by the caller, such as that of a commit."""
        self._session.store.refresh()
        bound = self._bind(plan, args)
        if bound is None:
            return ()
        if bound.versions is not None and scope.version_id not in bound.versions:
            return ()
        return self._read(bound, scope)

    def versions(self, plan: Plan, args: Sequence[Any]) -> list[str]:
        """Return the versions a query of a `multi` table is about."""
        bound = self._bind(plan, args)
        if bound is None:
            return []
        if bound.versions is not None:
            return bound.versions
        return [pointer.id for pointer in self._session.store.versions.pointers()]

    def entity_id(self, plan: Plan, args: Sequence[Any]) -> str | None:
        """Return the entity id of a primary key given whole, None when a plan has none."""
        return self._recipes.entity_id(plan, args)

    def _read(self, bound: _Bound, scope: Scope) -> Iterable[Sequence[Any]]:
        store = self._session.store
        recipe, params, _ = bound
        query = recipe.near
        if recipe.file is not None and params[recipe.file] != LIX:
            query = recipe.in_file
        schema_id = None if recipe.schema is None else params[recipe.schema]
        view = scope.view(schema_id, store.overlay.occupied())
        extra = (scope.version_no << VERSION_SHIFT,) if self._multi else ()
        sql = query.sql(store.db, view.shape, len(scope.chain))
        values = (*params, *extra, *view.params)
        if recipe.few:
            return store.connection.run(sql, values).fetchall()
        if recipe.alike is not None:
            row = [values[number - 1] if number else None for number in recipe.alike]
            return Alike(store.connection, sql, values, [*row, None])
        return store.connection.execute(sql, values)

    def _version(self, bound: _Bound, version_id: str) -> Iterable[Sequence[Any]]:
        scope = self._session.scopes.of(version_id)
        if scope is None or self._session.store.versions.deleted(version_id):
            return ()
        return self._read(bound, scope.own() if self._own else scope)

    def _bind(self, plan: Plan, args: Sequence[Any]) -> _Bound | None:
        """Turn Filter arguments into parameters; None when nothing can match."""
        recipe = plan.compiled.get("recipe")
        if recipe is None:
            recipe = plan.compiled["recipe"] = self._recipes.make(plan)
        assert isinstance(recipe, Recipe)
        params = [step(args) for step in recipe.steps]
        if NOWHERE in params:
            return None
        versions: list[str] | None = None
        for argument in recipe.versions:
            versions = _narrow(versions, args[argument])
        return _Bound(recipe, params, versions)


def _narrow(versions: list[str] | None, value: Any) -> list[str]:
    """Keep the versions a condition allows: one, or one of several."""
    wanted = [value] if value is None or isinstance(value, str | bytes | int | float) else value
    names = [text for text in map(as_text, wanted) if text is not None]
    return names if versions is None else [v for v in versions if v in names]
