"""The rules that hold now, and an index of values that keeps step with them."""

from __future__ import annotations

from lix_vtab.mutation.catalogue import STORED_SCHEMA, Catalogue
from lix_vtab.mutation.constraint_index import ValueIndex
from lix_vtab.mutation.constraint_rules import WORDS, Rules, collect_rules, group_name
from lix_vtab.mutation.writer import Watcher, Write, Writer
from lix_vtab.storage.store import Store

__all__ = ["RuleBook"]


class RuleBook:
    """Collects the rules of the stored schemas when one of them changed."""

    __slots__ = ("_catalogue", "_generation", "_names", "_previous", "_rules", "index")

    def __init__(self, store: Store, catalogue: Catalogue, writer: Writer) -> None:
        self._catalogue = catalogue
        self._names = store.names
        self._generation = -1
        self._rules = Rules()
        self._previous: Rules | None = None
        self.index = ValueIndex(store, self.rules)
        writer.watch(STORED_SCHEMA, Watcher(self._before, self._after))

    def rules(self) -> Rules:
        """Return the rules of the schemas that are stored now."""
        generation = self._catalogue.current()
        if generation != self._generation:
            self._rules = collect_rules(
                self._catalogue.definitions(*WORDS),
                self._catalogue.newest_definition,
                self._names,
            )
            self._generation = generation
        return self._rules

    def _before(self, write: Write) -> None:
        value = {} if write.after is None else write.after["value"]
        texts = self._catalogue.texts(write.key.entity_id.rpartition("~")[0])
        ruled = any(word.strip('"') in value or any(word in t for t in texts) for word in WORDS)
        self._previous = self.rules() if ruled else None

    def _after(self, write: Write) -> None:
        """Enter the rows there are under rules that are new, forget those of rules that went."""
        before, self._previous = self._previous, None
        if before is None:
            return
        if self._intern(self.rules()):
            self._generation = -1
        after = self.rules()
        for schema_id, groups in after.groups.items():
            self.index.fill(schema_id, [g for g in groups if g not in before.indexed(schema_id)])
        for schema_id, groups in before.groups.items():
            kept = after.indexed(schema_id)
            self.index.drop(group.id for group in groups if group not in kept)

    def _intern(self, rules: Rules) -> bool:
        """Give all groups numbers; tell whether there were some without."""
        new = False
        for schema_id, groups in rules.groups.items():
            for group in groups:
                if schema_id == -1 or group.id == -1:
                    self._names.intern(group.schema_key)
                    self._names.intern(group_name(group.schema_key, group.pointers))
                    new = True
        return new
