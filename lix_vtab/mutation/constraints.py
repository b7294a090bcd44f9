"""Rules between rows: unique groups, foreign keys, and rows that others refer to.

They hold for the effective rows of the version that is written to, at the end of the statement, so
that rows of one statement may refer to each other. What looks broken while a row is written is
either refused at once, or remembered and looked at again when the statement ends: at the release
of its savepoint, at the end of `statement()`, or at the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from lix_vtab.model.json import Json, parse_json
from lix_vtab.model.keys import join_entity_id
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.mutation.catalogue import STORED_SCHEMA, Catalogue
from lix_vtab.mutation.constraint_errors import (
    Violation,
    constraint_error,
    duplicate,
    missing,
    referenced,
    untracked,
)
from lix_vtab.mutation.constraint_rules import Group, Reference
from lix_vtab.mutation.constraint_search import Coming, Row, Search
from lix_vtab.mutation.heirs import Heirs
from lix_vtab.mutation.rule_book import RuleBook
from lix_vtab.mutation.writer import ABORT, IGNORE, REPLACE, Visible, Watcher, Write, Writer
from lix_vtab.resolution.scope import Scope, Scopes
from lix_vtab.schema.groups import comparable, group_value, member_values
from lix_vtab.storage.names import LIX
from lix_vtab.storage.rows import Key
from lix_vtab.storage.store import Store

__all__ = ["Constraints"]

_NOTHING = Coming()


class _Subject(NamedTuple):
    """A row as rules see it: what it was for others (`old`), and what it is now."""

    version_id: str
    scope: Scope
    key: Key
    schema_key: str
    schema_version: str
    old: Json | None
    new: Json | None
    untracked: bool


class Constraints:
    """Enforces the rules between rows in one database.

    `supervised` says that whoever runs the statement runs it again inside `statement()` when it
    fails with an error that is `early`.
    """

    __slots__ = (
        "_deferring", "_heirs", "_late", "_pending", "_scopes", "_search", "_store", "_waiting",
        "_watchers", "_writer", "index", "rules", "supervised",
    )  # fmt: skip

    def __init__(self, store: Store, scopes: Scopes, catalogue: Catalogue, writer: Writer) -> None:
        self._store = store
        self._scopes = scopes
        self._writer = writer
        self._search = Search(store)
        self._heirs = Heirs(store, scopes, writer)
        self._pending: dict[tuple[str, Key], tuple[int, list[Json]]] = {}
        self._late: dict[tuple[str, Key], None] = {}
        self._waiting: list[tuple[int, Callable[[], None]]] = []
        self._deferring = False
        self.supervised = False
        book = RuleBook(store, catalogue, writer)
        self.index, self.rules = book.index, book.rules
        self._watchers = (Watcher(self.check, self._replace, check_many=self.check_many),)
        writer.guard = self._guard
        transaction = store.transaction
        transaction.on_release(self._released)
        transaction.before_commit(self._committing)
        transaction.after_commit(self._forget)
        transaction.on_rollback(self._rolled_back)

    # -- while rows are written

    def _guard(self, schema_key: str, removal: bool) -> tuple[Watcher, ...]:
        if schema_key == STORED_SCHEMA and not removal:
            return ()
        return self._watchers if self.rules().concern(schema_key, removal=removal) else ()

    def check(self, write: Write) -> None:
        """Refuse a row that breaks a rule, or remember to look again."""
        if write.after is None:
            # a row that shows again was not looked at while it was hidden
            shows = write.row.untracked and self._beneath(write) is not None
            before = write.before
            innocent = not shows and before is not None and self._is_forgotten(write, before)
        else:
            innocent = self._is_alone(write) and self._has_targets(write)
        if not innocent:
            self.check_many((write,))

    def _is_forgotten(self, write: Write, before: Visible) -> bool:
        """Tell quickly whether nobody anywhere refers to a row that goes."""
        content = _content(before)
        for reference in self.rules().referring_to(write.row.schema_key):
            if reference.to_state:
                names = [write.key.entity_id, write.row.schema_key, write.row.file_id]
                value = group_value(names)
            else:
                values = member_values(reference.target_properties, content)
                if values is None:
                    continue
                value = group_value(values)
            if not self._search.is_free(reference.local, value):
                return False
        return True

    def _is_alone(self, write: Write) -> bool:
        """Tell quickly whether nobody else anywhere has the unique values of a row."""
        rules, key = self.rules(), write.row.schema_key
        if any(reference.target for reference in rules.referrers.get(key, ())):
            return False
        for group in rules.unique.get(key, ()):
            value = group.value(write.after)
            if value is not None and not self._search.is_free(group, value, write.key):
                return False
        return True

    def _has_targets(self, write: Write) -> bool:
        """Tell quickly whether everything a row refers to is there."""
        names = self._store.names
        for reference in self.rules().references.get(write.row.schema_key, ()):
            values = member_values(reference.local.pointers, write.after)
            if values is None:
                continue
            if not reference.textual or not all(type(value) is str for value in values):
                return False
            file_id = write.key.file_id if reference.same_file else LIX
            target = Key(names.find(reference.target_key), join_entity_id(values), file_id)
            found = self._writer.visible(write.version_id, target)
            if found is None or (found.untracked and not write.row.untracked):
                return False
        return True

    def check_many(self, writes: Sequence[Write]) -> None:
        """Do the same for rows written together, which count as written for each other."""
        subjects = [self._subject(write) for write in writes]
        coming = Coming({s.key: (s.new, s.untracked) for s in subjects})
        now: list[Violation] = []
        later: list[Violation] = []
        doubtful: list[_Subject] = []
        for write, subject in zip(writes, subjects, strict=True):
            duplicates = self._duplicates(subject, coming)
            if duplicates and self._writer.conflict == REPLACE:
                later += self._check_replaced(subject, coming, doubtful)
            elif self._writer.conflict == ABORT and (self.supervised or not _inserts(write)):
                later += duplicates
            else:
                now += duplicates
            found = [*self._missing(subject, coming), *self._referring(subject, coming)]
            if duplicates or found:
                doubtful.append(subject)
            later += found
        if now:
            # a row that is ignored refers to nothing
            ignored = self._writer.conflict == IGNORE
            raise constraint_error(now if ignored else [*now, *later])
        if later and not self._may_wait():
            error = constraint_error(later)
            error.early = True
            raise error
        for subject in doubtful:
            self._remember(subject)

    def _subject(self, write: Write) -> _Subject:
        scope = self._writer.scope(write.version_id)
        schema_key = write.row.schema_key
        new, old = write.after, None
        if write.after is None or any(r.target for r in self.rules().referring_to(schema_key)):
            old = self._shown(write)
        if write.after is None and write.row.untracked:
            # the tracked row that an untracked one hides shows again
            new = self._beneath(write)
        return _Subject(
            write.version_id,
            scope,
            write.key,
            schema_key,
            write.row.schema_version,
            old,
            new,
            write.row.untracked and write.after is not None,
        )

    def _shown(self, write: Write) -> Json | None:
        visible = write.before
        if visible is None or visible.withdrawn:
            visible = self._writer.visible(write.version_id, write.key)
        return _content(visible)

    def _beneath(self, write: Write) -> Json | None:
        return _content(self._writer.beneath(write.version_id, write.key))

    def _may_wait(self) -> bool:
        """Tell whether the end of the statement will be noticed."""
        if self._deferring or not self._store.connection.in_transaction:
            return True
        return not self.supervised and not self._store.transaction.settled

    def _ends_all(self) -> bool:
        """Tell whether what is raised when the statement ends undoes the transaction around it."""
        return not self._deferring and self._store.connection.in_transaction

    def wait(self, check: Callable[[], None], *, gently: bool = False) -> bool:
        """Run a check when the statement ends; tell whether that will be noticed.

        `gently` does not wait where a check that fails undoes the whole transaction.
        """
        waits = self._may_wait() and not (gently and self._ends_all())
        if waits:
            self._waiting.append((self._store.transaction.level, check))
        return waits

    def _remember(self, subject: _Subject) -> None:
        place = (subject.version_id, subject.key)
        level, olds = self._pending.get(place, (self._store.transaction.level, []))
        if subject.old is not None:
            olds.append(subject.old)
        self._pending[place] = (level, olds)

    # -- OR REPLACE

    def _check_replaced(
        self, subject: _Subject, coming: Coming, doubtful: list[_Subject]
    ) -> list[Violation]:
        """Return why the rows in the way of a unique group cannot go."""
        found: list[Violation] = []
        rivals = [row for _, _, row in self._rivals(subject, coming)]
        leaving = coming.without(row.key for row in rivals)
        for row in rivals:
            gone = subject._replace(key=row.key, old=row.content, new=None)
            violations = list(self._referring(gone, leaving))
            if violations:
                doubtful.append(gone)
            found += violations
        return found

    def _replace(self, write: Write) -> None:
        """Remove the rows that are in the way of what was written with OR REPLACE."""
        if self._writer.conflict == REPLACE and write.after is not None:
            subject = self._subject(write)
            for _, _, row in list(self._rivals(subject, _NOTHING)):
                self._writer.remove(write.version_id, row.key, writer_key=write.row.writer_key)

    # -- rules

    def _rivals(self, subject: _Subject, coming: Coming) -> Iterator[tuple[Group, list[Json], Row]]:
        """Yield the rows that have the values of a subject in a unique group."""
        for group in self.rules().unique.get(subject.schema_key, ()):
            values = None if subject.new is None else member_values(group.pointers, subject.new)
            if values is not None:
                for row in self._search.having(subject.scope, group, values, coming):
                    if row.key != subject.key and row.key.file_id == subject.key.file_id:
                        yield group, values, row

    def _duplicates(self, subject: _Subject, coming: Coming) -> list[Violation]:
        id, version = subject.key.entity_id, subject.version_id
        return [
            duplicate(group, subject.schema_version, id, values, row.key.entity_id, version)
            for group, values, row in self._rivals(subject, coming)
        ]

    def _missing(
        self, subject: _Subject, coming: Coming, *, at_commit: bool = False
    ) -> Iterator[Violation]:
        """Yield the references of a row that lead nowhere."""
        if subject.new is None:
            return
        for reference in self.rules().references.get(subject.schema_key, ()):
            values = member_values(reference.local.pointers, subject.new)
            if values is None:
                continue
            tracked = self._is_satisfied(subject, reference, values, coming)
            if tracked:
                continue
            if reference.materialized and not at_commit:
                self._late[(subject.version_id, subject.key)] = None
                continue
            make = missing if tracked is None else untracked
            yield make(reference, subject.key.entity_id, values, subject.version_id)

    def _is_satisfied(
        self, subject: _Subject, reference: Reference, values: list[Json], coming: Coming
    ) -> bool | None:
        """Tell whether a target exists; False when it does, but only untracked ones."""
        found = None
        for row in self._search.targets(subject.scope, reference, values, coming):
            if reference.same_file and row.key.file_id != subject.key.file_id:
                continue
            if subject.untracked or not row.untracked:
                return True
            found = False
        if found is None and self._search.derived(reference, values):
            return True
        return found

    def _referring(self, subject: _Subject, coming: Coming) -> Iterator[Violation]:
        """Yield the references that lose their target."""
        if subject.old is None:
            return
        for reference in self.rules().referring_to(subject.schema_key):
            values = self._referred(subject, reference, subject.old)
            if values is None or _same(values, self._referred(subject, reference, subject.new)):
                continue
            yield from self._left_behind(subject, reference, values, coming)
            find_holders = partial(self._search.holders, reference.local, values)
            for scope in self._heirs.holding(subject.version_id, find_holders):
                if self._heirs.inherits(scope, subject.version_id, subject.key):
                    heir = subject._replace(version_id=scope.version_id, scope=scope)
                    inherited = self._inherited(scope, subject.version_id, coming)
                    yield from self._left_behind(heir, reference, values, inherited)

    def _left_behind(
        self, subject: _Subject, reference: Reference, values: list[Json], coming: Coming
    ) -> Iterator[Violation]:
        """Yield the rows of one version that refer to what it no longer has."""

        def close(row: Row) -> bool:
            return not reference.same_file or row.key.file_id == subject.key.file_id

        found = self._search.having(subject.scope, reference.local, values, coming)
        count = sum(row.key != subject.key and close(row) for row in found)
        if count and not any(
            map(close, self._search.targets(subject.scope, reference, values, coming))
        ):
            yield referenced(
                reference,
                subject.schema_key,
                subject.key.entity_id,
                values,
                count,
                subject.version_id,
            )

    def _inherited(self, scope: Scope, version_id: str, coming: Coming) -> Coming:
        """Return what of the rows being written in a version shows in an heir of it."""
        return coming.only(lambda key: self._heirs.inherits(scope, version_id, key))

    def _referred(
        self, subject: _Subject, reference: Reference, content: Json | None
    ) -> list[Json] | None:
        """Return what a row can be referred to by, None when it is not there."""
        if content is None:
            return None
        if not reference.to_state:
            return member_values(reference.target_properties, content)
        file_id = self._store.names.text(subject.key.file_id)
        return [subject.key.entity_id, subject.schema_key, file_id]

    # -- looking again

    @contextmanager
    def statement(self) -> Iterator[None]:
        """Take what happens inside for one statement: its rules are checked at the end.

        Whoever enters it must undo everything when it raises.
        """
        outer, pending, waiting = self._deferring, self._pending, len(self._waiting)
        late = len(self._late)
        # what an earlier attempt remembered of the same rows is not to be looked at later
        self._deferring, self._pending = True, {}
        try:
            yield
            self._run(self._waiting[waiting:])
            self._settle([*self._pending])
        except BaseException:
            # looked at again at the end, these would find what was there all along
            del self._waiting[waiting:]
            for place in [*self._late][late:]:
                del self._late[place]
            raise
        finally:
            self._deferring, self._pending = outer, pending

    def verify(self, version_id: str, keys: Iterable[Key]) -> None:
        """Check rows that were placed without the writer, by a merge for instance.

        Raises one error for everything that is wrong.
        """
        self._raise([v for key in keys for v in self._look_again(version_id, key, ())])

    def _released(self, level: int) -> None:
        if self._waiting and not self._deferring:
            self._run([(since, check) for since, check in self._waiting if since >= level])
        if self._pending and not self._deferring:
            self._settle([p for p, (since, _) in self._pending.items() if since >= level])

    def _committing(self) -> None:
        self._run(self._waiting)
        if self._pending or self._late:
            found = [
                violation
                for version_id, key in dict.fromkeys((*self._pending, *self._late))
                for violation in self._look_again(
                    version_id, key, self._olds(version_id, key), at_commit=True
                )
            ]
            self._raise(found)

    def _run(self, waiting: list[tuple[int, Callable[[], None]]]) -> None:
        for place in [*waiting]:
            place[1]()
            self._waiting.remove(place)

    def _settle(self, places: list[tuple[str, Key]]) -> None:
        found = [v for place in places for v in self._look_again(*place, self._olds(*place))]
        # what is wrong is looked at again, unless the transaction goes: it may still be committed
        self._raise(found)
        for place in places:
            del self._pending[place]

    def _olds(self, version_id: str, key: Key) -> Sequence[Json]:
        return self._pending.get((version_id, key), (0, ()))[1]

    def _look_again(
        self, version_id: str, key: Key, olds: Sequence[Json], *, at_commit: bool = False
    ) -> Iterator[Violation]:
        """Yield what is wrong with a row as it is now, and with the loss of what it was."""
        scope = self._scopes.of(version_id)
        if scope is None:
            return
        visible = self._writer.visible(version_id, key)
        schema_key = self._store.names.text(key.schema_id)
        subject = _Subject(
            version_id,
            scope,
            key,
            schema_key,
            "" if visible is None else visible.values.schema_version,
            None,
            _content(visible),
            visible is not None and visible.untracked,
        )
        yield from self._duplicates(subject, _NOTHING)
        yield from self._missing(subject, _NOTHING, at_commit=at_commit)
        for old in olds:
            yield from self._referring(subject._replace(old=old), _NOTHING)

    def _raise(self, violations: list[Violation]) -> None:
        if violations:
            raise constraint_error(list({v.message: v for v in violations}.values()))

    def _forget(self) -> None:
        self._pending.clear()
        self._late.clear()
        self._waiting.clear()

    def _rolled_back(self) -> None:
        # what a savepoint undid is found to be in order when it is looked at again
        if not self._store.transaction.active:
            self._forget()


def _inserts(write: Write) -> bool:
    """Tell whether a row is new to the statement, so that no other row of it need make room.

    Only an upsert is mended by rows that follow; where the end of a statement cannot be awaited
    without risk to the transaction, it is better told at once.
    """
    return not write.updates and write.after is not None


def _same(values: list[Json], others: list[Json] | None) -> bool:
    """Tell whether values are equal as JSON: to Python, true is 1 and [1] is [1.0]."""
    return values == others and comparable(values) == comparable(others)


def _content(visible: Visible | None) -> Json | None:
    if visible is None or visible.values.snapshot is None:
        return None
    return parse_json(visible.values.snapshot)
