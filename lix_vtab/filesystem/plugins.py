"""The plugins of one database: those of the session, and those installed into the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

from lix_vtab.errors import PluginError
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.mutation.catalogue import STORED_SCHEMA, Catalogue
from lix_vtab.mutation.stored_schemas import StoredSchemas
from lix_vtab.mutation.writer import RowWrite, Writer
from lix_vtab.plugins.archive import UnusablePlugin, load_archive, load_installed, refusal
from lix_vtab.plugins.contract import EntityChange, File, Plugin, Replacement, StateContext
from lix_vtab.plugins.manifest import Manifest
from lix_vtab.plugins.registry import PluginRegistry
from lix_vtab.plugins.run import Detection, PluginRunner
from lix_vtab.schema import breaking_changes
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.names import LIX
from lix_vtab.storage.rows import Key
from lix_vtab.storage.store import Store
from lix_vtab.storage.versions import GLOBAL

__all__ = ["InstalledPlugin", "Plugins"]

_INSTALLED = "SELECT key, archive, created_at, updated_at FROM lix_internal_plugin ORDER BY key"
_STORE = (
    "INSERT INTO lix_internal_plugin VALUES (?1, ?2, ?3, ?3) ON CONFLICT(key) DO UPDATE SET "
    "archive = excluded.archive, updated_at = excluded.updated_at"
)
_REMOVE = "DELETE FROM lix_internal_plugin WHERE key = ?"


class InstalledPlugin(NamedTuple):
    """A plugin as `lix_plugin` lists it. `archive` is None for one of the session.

    `manifest` is None when it cannot be read here.
    """

    key: str
    manifest: Mapping[str, Any] | None
    schema_keys: list[str]
    archive: bytes | None
    created_at: str | None
    updated_at: str | None


@lru_cache(maxsize=1)
def _offered() -> tuple[Plugin, ...]:
    """Return what is active unless said otherwise: the built-in plugins and those of packages."""
    from lix_vtab.plugins.shipped import BUILTIN  # slow to import, needed for files alone

    registry = PluginRegistry(BUILTIN)
    registry.add_entry_points()
    return tuple(registry)


class Plugins:
    """Chooses plugins and calls them.

    An installed plugin takes the place of a session's plugin of the same key.
    """

    __slots__ = (
        "_catalogue",
        "_db",
        "_given",
        "_hooks",
        "_registered",
        "_registry",
        "_runner",
        "_schemas",
        "_store",
        "_writer",
    )

    def __init__(
        self, store: Store, catalogue: Catalogue, writer: Writer, schemas: StoredSchemas
    ) -> None:
        self._store = store
        self._schemas = schemas
        self._catalogue = catalogue
        self._writer = writer
        self._db = store.db
        self._given: Sequence[Any] | None = None
        self._registry: PluginRegistry | None = None
        self._runner = PluginRunner()
        self._registered: set[str] = set()
        self._hooks: list[Callable[[], None]] = []
        store.on_foreign_write(self._forget)
        store.transaction.on_rollback(self._forget)

    # -- choosing

    def use(self, plugins: Iterable[Any] | None) -> None:
        """Make these the plugins of the session; None stands for those on offer."""
        self._given = None if plugins is None else tuple(PluginRegistry(plugins))
        self._forget()

    def limit(self, seconds: float | None) -> None:
        """Let a plugin take this long for one call; None is for ever."""
        self._runner = PluginRunner(time_limit=seconds)
        self._forget()

    def match(self, path: str, data: bytes | None = None) -> Plugin | None:
        """Return the plugin that takes a file, whatever its bytes when they are left out."""
        return self._all().match(path, data)

    def by_path(self, path: str) -> Plugin | None:
        """Return the plugin that takes files of a path, whatever their bytes are."""
        return self._all().match(path)

    def same(self, path: str, other: str) -> bool:
        """Tell whether two paths lead to the same plugin whatever the bytes are."""
        return self.by_path(path) is self.by_path(other)

    def get(self, key: str) -> Plugin | None:
        """Return a plugin by its key, or None."""
        return self._all().get(key)

    def missing(self, key: str) -> str | None:
        """Say why a plugin cannot work here; None when it can."""
        plugin = self.get(key)
        if plugin is None:
            return f"plugin '{key}' is not installed"
        return plugin.reason if isinstance(plugin, UnusablePlugin) else None

    def manifest(self, plugin: Plugin) -> Manifest:
        """Return the parsed manifest of a plugin."""
        return self._all().manifest(plugin.key)

    def __iter__(self) -> Iterator[InstalledPlugin]:
        installed = {row[0]: row for row in self._rows()}
        known = self._all()
        for key in sorted({*installed, *[plugin.key for plugin in known]}):
            _, archive, created, updated = installed.get(key, ("", None, None, None))
            plugin = known.get(key)
            schemas = plugin.schemas if plugin is not None else ()
            keys = [str(schema["x-lix-key"]) for schema in schemas]
            manifest = plugin.manifest if plugin is not None else None
            yield InstalledPlugin(key, manifest, keys, archive, created, updated)

    # -- calling

    def detect(
        self, plugin: Plugin, before: File | None, after: File, context: StateContext | None
    ) -> Detection:
        """Ask a plugin what a write of bytes changes."""
        with self._guest(plugin):
            return self._runner.detect(plugin, before, after, context)

    def apply(self, plugin: Plugin, file: File, changes: Sequence[EntityChange]) -> bytes:
        """Let a plugin write the bytes of a file."""
        with self._guest(plugin):
            return self._runner.apply(plugin, file, changes)

    def replace(
        self,
        plugin: Plugin,
        file: File,
        replacements: Sequence[Replacement],
        context: StateContext,
    ) -> bytes | None:
        """Let a plugin put edits into the bytes of a file; None when it cannot."""
        with self._guest(plugin):
            return self._runner.replace(plugin, file, replacements, context)

    @contextmanager
    def _guest(self, plugin: Plugin) -> Iterator[None]:
        """Let a plugin work; it may look at the database, but leaves it alone."""
        writer, before = self._writer, self._writer.guest
        transaction = self._transaction()
        writer.guest = plugin.key
        try:
            yield
        finally:
            writer.guest = before
        if self._transaction() != transaction:
            raise PluginError(
                f"plugin '{plugin.key}' may not begin or end a transaction",
                details={"plugin": plugin.key},
            )

    def _transaction(self) -> tuple[bool, bool]:
        return self._store.connection.in_transaction, self._store.transaction.active

    # -- installing

    def install(self, plugin: Any) -> str:
        """Install a plugin and its schemas; return its key.

        An archive (bytes, or the path of one) goes into the database, an object or a class serves
        this session.
        """
        if isinstance(plugin, str | bytes | bytearray) or hasattr(plugin, "__fspath__"):
            return self._install_archive(plugin)
        checked = self._fitting(plugin)
        kept = [known for known in self._session_plugins() if known.key != checked.key]
        self._given = (*kept, checked)
        self._forget()
        self._store_schemas(checked.schemas)
        return checked.key

    def uninstall(self, key: str) -> None:
        """Remove a plugin; its files stay readable, and its entities are theirs."""
        if key not in self._all() and key not in [row[0] for row in self._rows()]:
            raise PluginError(
                f"plugin '{key}' is not installed",
                hint="SELECT key FROM lix_plugin lists the plugins",
                details={"plugin": key},
            )
        self._store.connection.execute(qualify(_REMOVE, self._db), (key,))
        if self._store.connection.changes() == 0:
            self._given = tuple(p for p in self._session_plugins() if p.key != key)
        self._forget()

    def register(self, plugin: Plugin) -> None:
        """Store the schemas of a plugin that are new, or admit more than those that are stored."""
        if plugin.key in self._registered:
            return
        news = [schema for schema in map(dict, plugin.schemas) if self._is_news(schema)]
        if news:
            reasons = self._schemas.reasons(news)
            if reasons:
                raise PluginError(
                    f"plugin '{plugin.key}' cannot be used: {'; '.join(reasons)}",
                    hint="a newer schema may admit more than an older one, but never less",
                    details={"plugin": plugin.key, "violations": tuple(reasons)},
                )
            self._store_schemas(news)
        if self._store.transaction.settled:
            self._registered.add(plugin.key)

    def register_all(self) -> None:
        """Store the schemas of every plugin in a database that is new: all, or there is none."""
        for plugin in self._all():
            self._store_schemas(plugin.schemas)

    def on_change(self, hook: Callable[[], None]) -> None:
        """Call `hook` when plugins may have changed."""
        self._hooks.append(hook)

    def _is_news(self, schema: dict[str, Any]) -> bool:
        """Tell whether a schema is not stored, or stored with a definition that admits less.

        A program that comes with an older plugin finds its schemas stored as the newer one's.
        """
        known = self._catalogue.definition(schema["x-lix-key"], schema["x-lix-version"])
        if known is None or known == schema:
            return known is None
        return not breaking_changes(known, schema) and bool(breaking_changes(schema, known))

    def _store_schemas(self, schemas: Iterable[Mapping[str, Any]]) -> None:
        """Store schemas, those that are stored with another definition anew."""
        for schema in map(dict, schemas):
            if self._catalogue.holds(schema):
                continue
            identity = f"{schema['x-lix-key']}~{schema['x-lix-version']}"
            key = Key(self._store.names.intern(STORED_SCHEMA), identity, LIX)
            row = RowWrite(identity, STORED_SCHEMA, "lix", "lix", "1", {"value": schema})
            self._writer.put(GLOBAL, row, updates=self._writer.own(GLOBAL, key) is not None)

    def _fitting(self, plugin: Any) -> Plugin:
        """Check a plugin and its schemas, before anything is written."""
        checked = next(iter(PluginRegistry([plugin])))
        reasons = self._schemas.reasons(checked.schemas)
        if reasons:
            raise refusal(reasons)
        return checked

    def _install_archive(self, source: Any) -> str:
        plugin = self._fitting(load_archive(source, time_limit=self._runner.time_limit))
        data = source if isinstance(source, bytes) else _read(source)
        now = self._store.identity.now(self._store.commits.next_seq())
        self._store.connection.execute(qualify(_STORE, self._db), (plugin.key, data, now))
        self._forget()
        self._store_schemas(plugin.schemas)
        return plugin.key

    # -- keeping

    def _session_plugins(self) -> Sequence[Plugin]:
        return _offered() if self._given is None else self._given

    def _all(self) -> PluginRegistry:
        registry = self._registry
        if registry is None:
            limit = self._runner.time_limit
            registry = PluginRegistry(self._session_plugins(), time_limit=limit)
            for _, archive, _, _ in self._rows():
                plugin = load_installed(bytes(archive), time_limit=limit)
                if plugin is not None:
                    with suppress(PluginError):  # found fit by a program that asks for less
                        registry.add(plugin)
            if self._store.transaction.settled:
                self._registry = registry
        return registry

    def _rows(self) -> list[tuple[Any, ...]]:
        return self._store.connection.execute(qualify(_INSTALLED, self._db)).fetchall()

    def _forget(self) -> None:
        self._registry = None
        self._registered.clear()
        for hook in self._hooks:
            hook()


def _read(path: Any) -> bytes:
    with open(path, "rb") as stream:
        return stream.read()
