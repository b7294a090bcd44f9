"""A lix in Node, by better-sqlite3 (on NODE_PATH) or node:sqlite."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import lix_vtab

MISSING = 77
SCRIPT = """
const [path, extension] = process.argv.slice(-2);
let db;
try {
  const { DatabaseSync } = require('node:sqlite');
  db = new DatabaseSync(path, { allowExtension: true });
} catch {
  try { db = new (require('better-sqlite3'))(path); } catch { process.exit(77); }
}
db.loadExtension(extension);
const insert = db.prepare('INSERT INTO lix_file (path, data) VALUES (?, ?)');
insert.run('/a.json', Buffer.from('{"x":1}'));
let message;
try { insert.run('relative', null); } catch (error) { message = error.message; }
db.exec('BEGIN');
db.exec("INSERT INTO lix_key_value (key, value) VALUES ('gone', 1)");
db.exec('ROLLBACK');
const values = db.prepare('SELECT path, value FROM json_pointer ORDER BY path').all();
const gone = db.prepare("SELECT key FROM lix_key_value WHERE key = 'gone'").all();
console.log(JSON.stringify({ message, values, gone }));
db.close();
"""


def test_node(lix_extension: Path, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    path = str(tmp_path / "app.lix")
    kept = {name: os.environ[name] for name in ("PATH", "NODE_PATH") if name in os.environ}
    done = subprocess.run(
        [node, "-e", SCRIPT, "--", path, str(lix_extension)],
        capture_output=True, text=True, env=kept, timeout=60, check=False,
    )  # fmt: skip
    if done.returncode == MISSING:
        pytest.skip("neither node:sqlite nor better-sqlite3 (NODE_PATH) can be loaded")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["message"].startswith("LIX_INVALID_PARAM: ")
    assert found["values"] == [{"path": "", "value": "{}"}, {"path": "/x", "value": 1}]
    assert found["gone"] == []
    with lix_vtab.open(path) as lix:
        assert lix.read_file("/a.json") == b'{"x":1}'
        assert lix.check() == []
