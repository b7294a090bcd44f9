"""Scopes: the layers a version's rows are looked for in, nearest first.

A version's own layers are its overlay and its segment lineage; then come those of the version it
inherits from, and so on. The first layer that has a key decides whether and how it is visible.
"""

from __future__ import annotations

import math
from dataclasses import field

from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.resolution import deep
from lix_vtab.storage.segments import Lineage
from lix_vtab.storage.store import Store

__all__ = ["Layer", "Scope", "Scopes", "View"]


class Layer(NamedTuple):
    """One place to look. Kinds: `o` overlay, `t` newest rows of a segment, `p` rows at a commit."""

    kind: str
    depth: int
    params: tuple[int, ...]


class View(NamedTuple):
    """A scope made ready for one query: which SQL it needs and what to bind."""

    shape: str
    params: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """The layers of a version (or of a commit, then without overlays).

    What is not `whole` shows less than the version does, or what it showed before.
    """

    version_id: str
    version_no: int
    chain: tuple[str, ...]
    layers: tuple[Layer, ...]
    whole: bool = True
    _views: dict[object, tuple[frozenset[tuple[int, int]], View]] = field(default_factory=dict)

    def view(self, schema_id: int | None, occupied: frozenset[tuple[int, int]]) -> View:
        """Leave out overlays that hold nothing of a schema (or of any, when None).

        `occupied` also tells which segments hold rows that were withdrawn.
        """
        known = self._views.get(schema_id)
        if known is not None and known[0] is occupied:
            return known[1]
        if schema_id is None:
            versions = {pair[0] for pair in occupied}
            layers = [x for x in self.layers if x.kind != "o" or x.params[0] in versions]
        else:
            layers = [
                x for x in self.layers if x.kind != "o" or (x.params[0], schema_id) in occupied
            ]
        withdrawn = _withdrawn(layers, schema_id, occupied)
        view = self._view(layers if withdrawn else _without_repeats(layers), withdrawn)
        self._views[schema_id] = (occupied, view)
        return view

    def _view(self, layers: list[Layer], withdrawn: frozenset[Layer]) -> View:
        if len(layers) > deep.FEW:
            overlaid = any(layer.kind == "o" for layer in layers)
            shape = deep.shape(overlaid=overlaid, withdrawn=bool(withdrawn))
            return View(shape, (self.version_id, deep.describe(layers, self.chain)))
        shape = _shape(layers, withdrawn)
        return View(shape, (self.version_id, *self.chain[1:], *_params(layers)))

    def own(self) -> Scope:
        """Return the same scope without what is inherited."""
        layers = tuple(layer for layer in self.layers if layer.depth == 0)
        return Scope(self.version_id, self.version_no, self.chain[:1], layers, whole=False)

    def with_layers(self, layers: tuple[Layer, ...]) -> Scope:
        """Return the same scope with other layers in the place of its own."""
        return Scope(self.version_id, self.version_no, self.chain, layers, whole=False)


class Scopes:
    """Builds scopes and keeps them until a version changes."""

    __slots__ = ("_generation", "_scopes", "_store")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._generation = -1
        self._scopes: dict[str, Scope] = {}

    def of(self, version_id: str) -> Scope | None:
        """Return the scope of a version, or None when there is no such version."""
        versions = self._store.versions
        if versions.generation != self._generation:
            self._scopes.clear()
            self._generation = versions.generation
        known = self._scopes.get(version_id)
        if known is None:
            known = self._build(version_id)
            if known is not None and not versions.volatile:
                self._scopes[version_id] = known
        return known

    def at(self, segment_id: int, seq: int, version_id: str = "") -> Scope:
        """Return the scope of one commit: the own rows of its line, frozen."""
        lineage = self._store.segments.at(segment_id, seq)
        return Scope(version_id, 0, (version_id,), tuple(_segments(lineage, 0)))

    def _build(self, version_id: str) -> Scope | None:
        store = self._store
        place = store.versions.place(version_id)
        if place is None:
            return None
        layers: list[Layer] = []
        chain = store.versions.chain(version_id)
        for depth, link in enumerate(chain):
            found = store.versions.place(link)
            if found is not None:
                layers.append(Layer("o", depth, (found[0],)))
                layers.extend(_segments(store.segments.lineage(found[1]), depth))
        return Scope(version_id, place[0], chain, tuple(layers))


def _segments(lineage: Lineage, depth: int) -> list[Layer]:
    return [
        Layer("t", depth, (id,)) if limit is None else Layer("p", depth, (id, limit))
        for id, limit in lineage
    ]


def _withdrawn(
    layers: list[Layer], schema_id: int | None, occupied: frozenset[tuple[int, int]]
) -> frozenset[Layer]:
    """Return the layers in which rows may let show what lies behind."""
    segments = {-n for n, schema in occupied if n < 0 and schema_id in (None, schema)}
    if not segments:
        return frozenset()
    last = layers[-1].depth if layers else 0
    return frozenset(
        x for x in layers if x.kind != "o" and x.depth < last and x.params[0] in segments
    )


def _without_repeats(layers: list[Layer]) -> list[Layer]:
    """Leave out segments a nearer layer reads as far or farther: it has all of their keys.

    A version and the one it inherits from mostly continue the same segments.
    """
    reach: dict[int, float] = {}
    kept = []
    for layer in layers:
        if layer.kind != "o":
            segment_id, limit = layer.params[0], layer.params[1] if layer.kind == "p" else math.inf
            if reach.get(segment_id, -1) >= limit:
                continue
            reach[segment_id] = limit
        kept.append(layer)
    return kept


def _shape(layers: list[Layer], withdrawn: frozenset[Layer]) -> str:
    """Describe layers as text, for example `0o 0t 1t`: equal shapes need equal SQL.

    Where rows may be withdrawn, `t` becomes `w` and `p` becomes `q`.
    """
    kinds = {"t": "w", "p": "q"}
    return " ".join(
        f"{layer.depth}{kinds[layer.kind] if layer in withdrawn else layer.kind}"
        for layer in layers
    )


def _params(layers: list[Layer]) -> tuple[int, ...]:
    return tuple(param for layer in layers for param in layer.params)
