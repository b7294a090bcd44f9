"""One script of more than 200 statements: the stock sqlite3 shell prints what `lix sql` prints."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

import lix_vtab

ROOT = Path(__file__).parents[2]
WRITTEN = (Path(__file__).parent / "script.sql").read_text(encoding="utf-8")
DETERMINISTIC = {"key": "lix_deterministic_mode", "value": {"enabled": True}}
NEED_ARGUMENTS = {"lix_blame", "lix_diff", "lix_diff_property", "lix_file_diff"}


@pytest.fixture(scope="module")
def shell() -> str:
    program = shutil.which("sqlite3")
    if program is None:
        pytest.skip("the sqlite3 shell is not installed")
    return program


def statements(path: Path) -> str:
    """Return the written statements, then two that look at each table."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    found = connection.execute(
        "SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL TABLE%' ORDER BY name"
    ).fetchall()
    connection.close()
    tables = [name for (name,) in found if not name.startswith("lix_internal")]
    tables = [name for name in tables if name not in NEED_ARGUMENTS]
    looks = []
    for name in [*tables, "task", "task_by_version", "task_history"]:
        source = f"{name}('HEAD')" if name.endswith("_at") else name
        looks += [
            f"SELECT '{name}', count(*) FROM {source};",
            f"SELECT * FROM {source} ORDER BY 1, 2, 3, 4 LIMIT 20;"
            if column_count(name) > 3
            else "",
        ]
    looks += [
        f"SELECT * FROM {name}('HEAD~3', 'HEAD') ORDER BY 1, 2, 3;"
        for name in ("lix_diff", "lix_file_diff")
    ]
    return WRITTEN + "\n".join(filter(None, looks)) + "\n"


def column_count(name: str) -> int:
    """Return how many columns to sort by there are at least."""
    return 0 if name in {"lix_check", "lix_active_version", "lix_effect"} else 4


def run(*command: str, given: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command, input=given.encode(), capture_output=True, cwd=cwd, env=env, check=False,
        timeout=120,
    )  # fmt: skip


def test_the_same_script_prints_the_same(shell: str, lix_extension: Path, tmp_path: Path) -> None:
    with lix_vtab.open(str(tmp_path / "ours.lix"), key_values=[DETERMINISTIC]) as lix:
        lix.execute("SELECT 1")
    shutil.copy(tmp_path / "ours.lix", tmp_path / "theirs.lix")
    script = statements(tmp_path / "ours.lix")
    assert script.count(";\n") > 200
    command = (
        sys.executable,
        "-m",
        "lix_vtab",
        "--db",
        "ours.lix",
        "sql",
        "--list",
        "--keep-going",
    )
    ours = run(*command, given=script, cwd=tmp_path, PYTHONPATH=str(ROOT))
    theirs = run(
        shell, "-batch", "theirs.lix", given=f".load {lix_extension}\n{script}", cwd=tmp_path
    )
    expected = ours.stdout.decode().splitlines()
    assert len(expected) > 500
    assert theirs.stdout.decode().splitlines() == expected
    failures = ours.stderr.decode().count("error: ")
    assert failures >= 7
    assert (
        len([line for line in theirs.stderr.decode().splitlines() if "error near line" in line])
        == failures
    )
    with lix_vtab.open(str(tmp_path / "theirs.lix")) as lix:
        assert lix.check() == []
