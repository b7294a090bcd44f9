"""`lix_text_diff`: a unified diff as a SQL function."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lix_vtab
from lix_vtab.history.textdiff import text_diff


def test_it_is_a_function_of_sql(lix):
    assert lix.value("SELECT lix_text_diff('a', 'a')") == ""
    assert lix.value("SELECT lix_text_diff(NULL, x'0a')") == (
        "--- before\n+++ after\n@@ -0,0 +1 @@\n+\n"
    )
    assert lix.value("SELECT lix_text_diff('a\nb\n', 'a\nc\n', 0, 'old', 'new')") == (
        "--- old\n+++ new\n@@ -2 +2 @@\n-b\n+c\n"
    )
    # as lix_file_diff gives them for a file that was added
    assert lix.value("SELECT lix_text_diff(NULL, 'a\n', 3, NULL, '/a.txt')") == (
        "--- /dev/null\n+++ /a.txt\n@@ -0,0 +1 @@\n+a\n"
    )


@pytest.mark.parametrize(
    ("sql", "phrase"),
    [
        ("SELECT lix_text_diff(x'ff', 'a')", "before is not UTF-8"),
        ("SELECT lix_text_diff('a', 1)", "after must be a text"),
        ("SELECT lix_text_diff('a', 'b', -1)", "context must be"),
    ],
)
def test_what_is_no_text_is_refused(lix, sql, phrase):
    with pytest.raises(lix_vtab.LixError, match=phrase):
        lix.execute(sql)


TEXT = st.lists(st.sampled_from(["a", "b", "c", "", "\r", "\x0b", "é"]), max_size=8).flatmap(
    lambda lines: st.sampled_from(["\n".join(lines), "\n".join([*lines, ""])])
)


@given(before=TEXT, after=TEXT)
def test_patch_leads_from_one_to_the_other(tmp_path_factory, before, after):
    """The `patch` program understands what comes out."""
    folder: Path = tmp_path_factory.mktemp("patch")
    (folder / "before").write_bytes(before.encode())
    diff = text_diff(before, after)
    if not diff:
        assert before == after
        return
    done = subprocess.run(
        ["patch", "--binary", "-s", "-o", "after", "before"],
        cwd=folder,
        input=diff.encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    made = folder / "after"
    assert (made.read_bytes() if made.exists() else b"") == after.encode()
