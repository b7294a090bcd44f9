"""A git repository with a history of edits, made by git itself, and what each commit holds."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
}


@dataclass(frozen=True, slots=True)
class Change:
    """What a commit did to one path: `source` is where the file was before."""

    status: str
    path: str
    source: str | None = None


class Repository:
    """A working directory of git."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "-q", "-b", "main")
        self.git("config", "core.autocrlf", "false")

    def git(self, *args: str) -> bytes:
        done = subprocess.run(
            ["git", *args], cwd=self.root, env=_ENVIRONMENT, capture_output=True, check=True
        )
        return done.stdout

    def commit(self, number: int) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", f"commit {number}")

    def commits(self) -> list[str]:
        """Return the ids of all commits, oldest first."""
        return self.git("rev-list", "--reverse", "main").decode().split()

    def changes(self, commit: str) -> Iterator[Change]:
        """Yield what a commit changed, renames found as git finds them."""
        raw = self.git(
            "diff-tree", "-r", "-z", "-M", "--root", "--no-commit-id", "--name-status", commit
        )
        words = iter(raw.decode().split("\0")[:-1])
        for status in words:
            if status[0] == "R":
                source = next(words)
                yield Change("R", next(words), source)
            else:
                yield Change(status[0], next(words))

    def read(self, commit: str, path: str) -> bytes:
        return self.git("cat-file", "blob", f"{commit}:{path}")

    def tree(self, commit: str) -> dict[str, str]:
        """Return the blob id of every path of a commit."""
        raw = self.git("ls-tree", "-r", "-z", commit).decode()
        entries = [entry.split("\t", 1) for entry in raw.split("\0")[:-1]]
        return {path: kind.split()[2] for kind, path in entries}


class Author:
    """Makes up edits. The same seed makes the same history."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.random = random.Random(seed)
        self.made = 0

    def work(self, edits: int) -> None:
        for _ in range(edits):
            kinds = (self.create, self.edit, self.edit, self.edit, self.rename, self.remove)
            self.random.choice(kinds)()

    def files(self) -> list[Path]:
        tops = [top for top in self.root.iterdir() if top.name != ".git"]
        return sorted(file for top in tops for file in (top, *top.rglob("*")) if file.is_file())

    def create(self) -> None:
        self.made += 1
        place = self.random.choice(["", "docs/", "docs/deep/er/", "src/", "données ü/", "a b/"])
        kind = self.random.choice(["txt", "json", "csv", "md", "bin", "py", "noext"])
        name = f"file {self.made}" if self.random.random() < 0.2 else f"file{self.made}"
        file = self.root / f"{place}{name}{'' if kind == 'noext' else '.' + kind}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(self.content(kind))

    def edit(self) -> None:
        files = self.files()
        if not files:
            self.create()
            return
        file = self.random.choice(files)
        old = file.read_bytes()
        file.write_bytes(self.edited(old, file.suffix[1:]))

    def rename(self) -> None:
        files = self.files()
        if files:
            file = self.random.choice(files)
            self.made += 1
            suffix = self.random.choice([file.suffix, file.suffix, ".json", ".bin"])
            target = (
                self.root / self.random.choice(["", "moved/", "docs/"]) / f"m{self.made}{suffix}"
            )
            target.parent.mkdir(parents=True, exist_ok=True)
            file.rename(target)

    def remove(self) -> None:
        files = self.files()
        if len(files) > 3:
            self.random.choice(files).unlink()

    def content(self, kind: str) -> bytes:
        rows = range(self.random.randint(0, 12))
        if kind == "json":
            value = {f"k{n}": [n, {"deep": str(n)}, None, n / 2] for n in rows}
            indent = self.random.choice([None, 2, "\t"])
            text = json.dumps(value, indent=indent) + self.random.choice(["", "\n"])
        elif kind == "csv":
            gap = self.random.choice([",", ";", "\t"])
            end = self.random.choice(["\n", "\r\n"])
            text = "".join(f'id{n}{gap}"a {n}"{gap}{n * 7}{end}' for n in rows)
        elif kind == "md":
            text = "".join(
                f"# Title {n}\n\nA *paragraph* {n}.\n\n- item\n- item {n}\n\n" for n in rows
            )
        elif kind in ("bin", "noext"):
            return self.random.randbytes(self.random.choice([0, 10, 5_000, 100_000]))
        else:
            end = self.random.choice(["\n", "\r\n", "\n\n"])
            text = end.join(f"line {n} é" for n in rows)
        return text.encode()

    def edited(self, old: bytes, kind: str) -> bytes:
        chance = self.random.random()
        if chance < 0.15:
            return self.content(kind)
        if chance < 0.3:
            return old + b"\n"
        at = self.random.randint(0, len(old))
        if chance < 0.5:
            return old[:at] + self.random.choice([b"{", b"x", b'"', b"\xff", b" "]) + old[at:]
        lines = old.splitlines(keepends=True)
        if not lines:
            return b"first line\n"
        if chance < 0.7:
            self.random.shuffle(lines)
        elif chance < 0.85:
            del lines[self.random.randrange(len(lines))]
        else:
            lines.insert(self.random.randint(0, len(lines)), self.random.choice(lines))
        return b"".join(lines)
