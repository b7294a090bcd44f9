"""git through pygit2: each row a JSON file, two levels of directories, a commit for every change.

A bare repository on disk, without an index or a working tree: trees are made from the tree before,
which is the least libgit2 can do. libgit2 does not wait for the disk.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from itertools import count, cycle
from typing import Any

import pygit2

from benchmarks.peers.scale import json_file
from benchmarks.peers.serve import Action, Missing, serve

FILE = pygit2.enums.FileMode.BLOB
DIRECTORY = pygit2.enums.FileMode.TREE
AUTHOR = pygit2.Signature("bench", "bench@example.org", 1_800_000_000, 0)
MAIN = "refs/heads/main"


def row(number: int) -> tuple[str, bytes]:
    """Return what benchmarks.rows.row returns, without loading APSW."""
    id, text = f"row-{number:08d}", "the quick brown fox jumps over the lazy dog"
    return id, f'{{"id":"{id}","name":"name {number}","rank":{number},"text":"{text}"}}'.encode()


def in_memory() -> str | None:
    """Return a directory whose files are kept in memory, or None for the usual one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class GitSide:
    """The side everybody has."""

    def __init__(self) -> None:
        self.repository: pygit2.Repository | None = None
        self.scale: Mapping[str, int] = {}
        self.numbers = count()
        self.facts: dict[str, Any] = {}
        self.directory, self.temporary = "", False

    def describe(self) -> dict[str, Any]:
        return {
            "version": f"pygit2 {pygit2.__version__}, libgit2 {pygit2.LIBGIT2_VERSION}",
            "notes": [
                "one JSON file for each row",
                "in files always (of a file system in memory, where there is one), "
                "without waiting for the disk",
            ],
        }

    def prepare(self, fixture: str, scale: Mapping[str, int], directory: str | None) -> None:
        if not hasattr(self, f"prepare_{fixture}"):
            raise Missing("it has nothing of the kind")
        self.scale, self.numbers, self.facts = scale, count(), {}
        self.directory = directory or tempfile.mkdtemp(prefix="compare-git-", dir=in_memory())
        self.temporary = directory is None
        self.repository = pygit2.init_repository(self.directory, bare=True)
        self.repository.set_head(MAIN)
        getattr(self, f"prepare_{fixture}")()

    def close(self) -> None:
        if self.repository is not None:
            self.repository.free()
            self.repository = None
            if self.temporary:
                shutil.rmtree(self.directory, ignore_errors=True)

    def action(self, operation: str) -> Action:
        if not hasattr(self, operation):
            raise Missing("it has nothing of the kind")
        return getattr(self, operation)()

    # -- trees and commits

    def commit(self, changes: Iterable[tuple[str, bytes | None]], branch: str = MAIN) -> str:
        """Commit files by their names; None removes one."""
        repository = self.repository
        known = branch in repository.references
        parents = [repository.references[branch].target] if known else []
        root = repository[parents[0]].tree if known else None
        by_directory: dict[str, list[tuple[str, bytes | None]]] = {}
        for name, data in changes:
            by_directory.setdefault(self.directory_of(name), []).append((name, data))
        builder = repository.TreeBuilder(*([] if root is None else [root]))
        for directory, members in by_directory.items():
            old = [root[directory]] if root is not None and directory in root else []
            inner = repository.TreeBuilder(*old)
            for name, data in members:
                if data is None:
                    inner.remove(name)
                else:
                    inner.insert(name, repository.create_blob(data), FILE)
            builder.insert(directory, inner.write(), DIRECTORY)
        tree = builder.write()
        return str(repository.create_commit(branch, AUTHOR, AUTHOR, "change", tree, parents))

    @staticmethod
    def directory_of(name: str) -> str:
        return f"{int(name[4:12]) % 100:02d}"

    def take(self, number: int) -> list[tuple[str, bytes]]:
        return [
            (f"{id}.json", text) for id, text in (row(next(self.numbers)) for _ in range(number))
        ]

    def name(self, number: int) -> str:
        return f"{row(number)[0]}.json"

    # -- what is prepared

    def prepare_empty(self) -> None:
        """An empty repository."""

    def prepare_rows(self) -> None:
        self.commit(self.take(self.scale["rows"]))

    prepare_merge = prepare_child = prepare_branched = prepare_stored = prepare_rows

    def rewrite(self, number: int, turn: int) -> str:
        return self.commit([(self.name(number), b'{"name":"turn %d"}' % turn)])

    def prepare_changed(self) -> None:
        self.commit(self.take(2 * self.scale["in_file"]))
        for turn in range(self.scale["changes"] - 1):
            self.rewrite(0, turn)

    def prepare_commits(self) -> None:
        self.commit(self.take(2 * self.scale["in_file"]))
        number = self.scale["commits"]
        for turn in range(number):
            self.rewrite(0 if turn in (number // 3, number // 2) else 1 + turn % 50, turn)

    def prepare_past(self) -> None:
        self.facts["commit"] = self.commit(self.take(self.scale["rows"]))
        for turn in range(self.scale["past"]):
            self.rewrite(turn, turn)

    def prepare_diff(self) -> None:
        before = self.commit(self.take(self.scale["rows"]))
        numbers = (n * self.scale["stride"] for n in range(self.scale["changed"]))
        after = self.commit([(self.name(n), b'{"name":"turn"}') for n in numbers])
        self.facts["commits"] = (before, after)

    def prepare_no_files(self) -> None:
        """An empty repository."""

    prepare_no_plugins = prepare_no_files

    def prepare_files(self) -> None:
        names = ((f"row-{n:08d}.blob", b"%1024d" % n) for n in range(self.scale["files"]))
        self.commit(names)

    # -- actions

    def keys(self) -> Callable[[], str]:
        number = self.scale["rows"]
        order = cycle((n * 7919) % number for n in range(number))
        return lambda: self.name(next(order))

    def write(self, number: int) -> Action:
        return Action(self.commit, setup=lambda: (self.take(number),))

    def write_1(self) -> Action:
        return self.write(1)

    def write_10(self) -> Action:
        return self.write(10)

    def write_100(self) -> Action:
        return self.write(100)

    def update_1(self) -> Action:
        keys, numbers = self.keys(), count()
        return Action(
            self.commit, setup=lambda: ([(keys(), b'{"name":"changed %d"}' % next(numbers))],)
        )

    def delete_1(self) -> Action:
        keys = self.keys()
        return Action(self.commit, setup=lambda: ([(keys(), None)],))

    def branch(self) -> Action:
        repository, numbers = self.repository, count()

        def create(name: str) -> None:
            repository.branches.local.create(name, repository[repository.references[MAIN].target])

        return Action(create, setup=lambda: (f"branch-{next(numbers)}",))

    def child_write(self) -> Action:
        repository, child = self.repository, "refs/heads/child"
        repository.references.create(child, repository.references[MAIN].target)

        def write(pair: tuple[str, bytes]) -> None:
            tip = self.commit([pair], child)
            _ = self.tree(tip)[f"{self.directory_of(pair[0])}/{pair[0]}"].data

        return Action(write, setup=lambda: self.take(1))

    def tree(self, commit: str | None = None) -> pygit2.Tree:
        return self.repository[commit or self.repository.references[MAIN].target].tree

    def read(self, commit: str | None = None, suffix: str = "json") -> Action:
        """Return an action that finds the commit, walks its trees and reads one file."""
        keys = self.keys()

        def find() -> tuple[str]:
            name = keys().replace("json", suffix)
            return (f"{self.directory_of(name)}/{name}",)

        return Action(lambda path: self.tree(commit)[path].data, setup=find)

    def list(self, commit: str | None = None, *, data: bool = False) -> Action:
        def walk() -> int:
            return sum(
                len(file.data if data else file.name) > 0
                for directory in self.tree(commit)
                for file in directory
            )

        return Action(walk)

    point_read = branched_read = read

    def scan(self) -> Action:
        return self.list(data=True)

    def past_read(self) -> Action:
        return self.read(self.facts["commit"])

    def past_scan(self) -> Action:
        return self.list(self.facts["commit"], data=True)

    def history_100(self) -> Action:
        """Walk the commits, and keep those whose file differs from that of their parent."""
        name = self.name(0)
        path = f"{self.directory_of(name)}/{name}"

        def walk() -> list[bytes]:
            found, newer = [], None
            for commit in self.repository.walk(self.repository.references[MAIN].target):
                file = commit.tree[path]
                if file.id != newer:
                    found.append(file.data)
                newer = file.id
            return found

        assert len(walk()) >= 3
        return Action(walk)

    history_3 = history_100

    def diff(self) -> Action:
        before, after = (self.tree(commit) for commit in self.facts["commits"])

        def compare() -> list[tuple[str, bytes, bytes]]:
            objects = self.repository
            return [
                (
                    delta.new_file.path,
                    objects[delta.old_file.id].data,
                    objects[delta.new_file.id].data,
                )
                for delta in before.diff_to_tree(after).deltas
            ]

        return Action(compare)

    # -- files

    def insert(self, make: Callable[[int], bytes]) -> Action:
        numbers = count(10_000_000)

        def setup() -> tuple[list[tuple[str, bytes]]]:
            number = next(numbers)
            return ([(f"row-{number:08d}.blob", make(number))],)

        return Action(self.commit, setup=setup)

    def json_other(self) -> Action:
        return self.insert(lambda number: json_file(120, 7, number))

    json_alone = json_other

    def insert_file(self) -> Action:
        return self.insert(lambda number: b"%1024d" % number)

    def read_path(self) -> Action:
        return self.read(suffix="blob")

    def list_paths(self) -> Action:
        return self.list()

    def merge(self) -> Action:
        repository, numbers, half = self.repository, count(), self.scale["changed"]

        def diverge() -> tuple[str]:
            turn = next(numbers)
            source = f"refs/heads/source-{turn}"
            repository.references.create(source, repository.references[MAIN].target)
            for first, branch in ((half, source), (0, MAIN)):
                names = (self.name(number) for number in range(first, first + half))
                self.commit([(name, b'{"name":"round %d"}' % turn) for name in names], branch)
            return (source,)

        def merge(source: str) -> None:
            ours, theirs = repository.references[MAIN].target, repository.references[source].target
            tree = repository.merge_commits(ours, theirs).write_tree(repository)
            repository.create_commit(MAIN, AUTHOR, AUTHOR, "merge", tree, [ours, theirs])

        return Action(merge, setup=diverge)

    def open(self) -> Action:
        name = self.name(7)
        path = f"{self.directory_of(name)}/{name}"

        def visit() -> None:
            repository = pygit2.Repository(self.directory)
            _ = repository[repository.references[MAIN].target].tree[path].data
            repository.free()

        return Action(visit)

    def stored_bytes(self) -> int:
        return sum(
            os.path.getsize(os.path.join(directory, name))
            for directory, _, names in os.walk(self.directory)
            for name in names
        )

    def size(self) -> Action:
        return Action(lambda: self.stored_bytes() / 1e6, figure=True)

    def growth(self) -> Action:
        def grow() -> float:
            before, number = self.stored_bytes(), self.scale["changes"] * 5
            for pair in self.take(number):
                self.commit([pair])
            return (self.stored_bytes() - before) / number / 1e3

        return Action(grow, figure=True)


if __name__ == "__main__":
    serve(GitSide())
