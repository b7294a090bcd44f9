"""The pytest plugin, in runs of pytest of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

COMMON = """
import pytest

def put(lix, key):
    lix.execute("INSERT INTO lix_key_value (key, value) VALUES (?, 'x')", (key,))

def keys(lix):
    return [k for (k,) in lix.execute(
        "SELECT key FROM lix_key_value WHERE key LIKE 'k%' ORDER BY key")]
"""


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Load the package from here and no plugin but ours, installed or not."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.fixture
def run(pytester: pytest.Pytester):
    """Run tests in a process of their own, with the plugin loaded as its entry point would."""
    pytester.makeini("[pytest]\nfilterwarnings = error\n")

    def runner(body, *options):
        pytester.makepyfile(COMMON + body)
        return pytester.runpytest_subprocess("-p", "lix_vtab.testing.plugin", "-q", *options)

    return runner


USE = """
def test_lix(lix):
    put(lix, "k1")
    assert keys(lix) == ["k1"]
    lix.create_version("draft")
    lix.switch_version("draft")
    put(lix, "k2")
    assert keys(lix) == ["k1", "k2"]
    assert lix.active_version.name == "draft"

def test_another_is_empty(lix):
    assert keys(lix) == []

def test_file(lix_file_db, tmp_path):
    put(lix_file_db, "k1")
    assert (tmp_path / "test.lix").exists()
    with lix_file_db.transaction() as transaction:
        transaction.execute("INSERT INTO lix_key_value (key, value) VALUES ('k2', 'x')")
        assert keys(transaction) == ["k1", "k2"]
    assert keys(lix_file_db) == ["k1", "k2"]

def test_clone(lix, lix_clone):
    put(lix, "k1")
    copy = lix_clone(lix)
    put(copy, "k2")
    put(lix, "k3")
    assert (keys(lix), keys(copy)) == (["k1", "k3"], ["k1", "k2"])
    again = lix_clone(copy)
    assert keys(again) == ["k1", "k2"]

def test_closing_is_fine(lix):
    lix.close()

def test_pinned(lix):
    lix.create_version("mine")
    lix.switch_version("mine", session=True)
    put(lix, "k1")
    assert keys(lix) == ["k1"]
    lix.execute("DELETE FROM lix_key_value WHERE key = 'k1'")
    assert lix.active_version.name == "mine"
    assert keys(lix) == []
"""


@pytest.mark.parametrize("options", [(), ("--lix-rebuild",), ("--lix-reopen",)])
def test_fixtures_in_every_mode(run, options):
    run(USE, *options).assert_outcomes(passed=6)


def test_modes_do_what_they_say(run):
    body = """
def test_mode(lix, request):
    before = lix.connection
    calls = []
    rebuild = lix.rebuild
    lix.rebuild = lambda: calls.append(1) or rebuild()
    put(lix, "k1")
    keys(lix)
    keys(lix)
    assert calls == [1] * request.config.getoption("--lix-rebuild")
    assert (lix.connection is not before) == request.config.getoption("--lix-reopen")
"""
    for options in ((), ("--lix-rebuild",), ("--lix-reopen",)):
        run(body, *options).assert_outcomes(passed=1)


def test_the_header_names_the_mode(run, pytester):
    pytester.makepyfile("def test_nothing(): pass")
    done = pytester.runpytest_subprocess("-p", "lix_vtab.testing.plugin", "--lix-rebuild")
    done.stdout.fnmatch_lines(["lix: rebuild before each read"])


def test_modes_exclude_each_other(run):
    done = run("def test_nothing(): pass", "--lix-rebuild", "--lix-reopen")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*exclude each other*"])


def test_deterministic_tests_repeat_themselves(run):
    body = """
IDS = []

@pytest.mark.lix_deterministic
@pytest.mark.parametrize("n", [1, 2])
def test_ids(lix, n):
    IDS.append(lix.execute("SELECT lix_uuid_v7()").rows)
    assert IDS[0] == IDS[-1]

@pytest.mark.parametrize("n", [1, 2])
def test_others_do_not(lix, n):
    IDS.append(lix.execute("SELECT lix_uuid_v7()").rows)
    assert IDS.count(IDS[-1]) == 1
"""
    run(body, "--strict-markers").assert_outcomes(passed=4)


def test_options_can_be_overridden(run):
    body = """
@pytest.fixture
def lix_options():
    return {"account": {"id": "ann", "name": "Ann"}}

def test_account(lix):
    assert lix.execute("SELECT name FROM lix_account WHERE id = 'ann'").rows == [("Ann",)]
"""
    run(body).assert_outcomes(passed=1)


def test_overridden_options_hold_for_marked_tests_and_clones(run):
    body = """
@pytest.fixture
def lix_options():
    return {"row_limit": 2, "key_values": [{"key": "k1", "value": "x"}]}

MANY = "VALUES (1), (2), (3)"

@pytest.mark.lix_deterministic
@pytest.mark.parametrize("n", [1, 2])
def test_ids(lix, n):
    (row,) = lix.execute("SELECT lix_timestamp()")
    assert row == ("1970-01-01T00:00:00.000Z",)
    assert keys(lix) == ["k1"]

def test_clone(lix, lix_clone):
    for each in (lix, lix_clone(lix)):
        with pytest.raises(Exception, match="2 rows"):
            each.execute(MANY)
"""
    run(body).assert_outcomes(passed=3)


def test_damage_fails_the_test(run):
    body = """
@pytest.fixture
def lix_options():
    return {"internal": True}

def test_damage(lix):
    put(lix, "k1")
    lix.connection.execute("DELETE FROM lix_internal_tip WHERE entity_id = 'k1'")
"""
    done = run(body)
    done.assert_outcomes(passed=1, errors=1)
    done.stdout.fnmatch_lines(["*the database is damaged*"])


LEAK = """
import lix_vtab

KEPT = []

@pytest.fixture(scope="module")
def shared():
    with lix_vtab.open() as opened:
        yield opened

def test_leak(tmp_path, shared):
    KEPT.append(lix_vtab.open(str(tmp_path / "left.lix")))

def test_closed(shared):
    lix_vtab.open().close()
"""


def test_leaks_are_reported(run):
    done = run(LEAK)
    done.assert_outcomes(passed=2)
    done.stdout.fnmatch_lines(["*connections left open*", "*::test_leak: *left.lix"])
    done.stdout.no_fnmatch_line("*::test_closed: *")
    assert done.ret == 0


def test_leaks_fail_the_run_when_asked(run):
    assert run(LEAK, "--lix-leaks=error").ret == pytest.ExitCode.TESTS_FAILED
    done = run(LEAK, "--lix-leaks=off")
    done.stdout.no_fnmatch_line("*left open*")
    assert done.ret == 0


def test_importing_the_plugin_imports_nothing_heavy(pytester):
    code = (
        "import sys, lix_vtab.testing.plugin\n"
        "heavy = {'apsw', 'jsonschema', 'sqlglot', 'lix_vtab.lix'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    assert pytester.run(sys.executable, "-c", code).ret == 0
