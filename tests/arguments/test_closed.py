"""What is left of a Lix that was closed, or whose connection somebody closed behind its back."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

import lix_vtab
from lix_vtab import Lix, LixError, errors
from lix_vtab.errors import ClosedError


def test_columns_of_an_empty_result_are_gone_with_its_connection() -> None:
    with lix_vtab.open() as lix:
        seen = lix.execute("SELECT 1 AS a WHERE 0")
        assert seen.columns == ("a",)
        unseen = lix.execute("SELECT 1 AS a WHERE 0")
    assert seen.columns == ("a",)
    with pytest.raises(ClosedError, match="columns of an empty result"):
        _ = unseen.columns


def test_a_file_cannot_be_read_on() -> None:
    with lix_vtab.open() as lix:
        lix.write_file("/big.bin", random.Random(1).randbytes(3_000_000))
        file = lix.open_file("/big.bin")
        assert len(file.read(10)) == 10
    file.seek(2_900_000)
    with pytest.raises(ClosedError, match="files cannot be read"):
        file.read(10)


@pytest.mark.parametrize(
    "call",
    [
        lambda lix: lix.execute("SELECT 1"),
        lambda lix: lix.explain("SELECT 1"),
        lambda lix: lix.transaction().__enter__(),
        lambda lix: lix.retry(print),
        lambda lix: lix.observe("SELECT 1"),
        lambda lix: lix.commits(follow=True),
        lambda lix: lix.run_effects(),
        lambda lix: lix.version("main"),
        lambda lix: lix.switch_version("main", session=True),
        lambda lix: lix.open_file("/a"),
        lambda lix: lix.check(),
    ],
)
def test_a_connection_closed_by_others(call: Callable[[Lix], object]) -> None:
    lix = lix_vtab.open()
    lix.connection.close()
    with pytest.raises(ClosedError, match="lix is closed") as caught:
        call(lix)
    assert caught.value.hint == "open the database again"
    lix.close()


SILENT = {
    "LIX_ERROR_UNKNOWN", "LIX_ERROR_NOT_FOUND", "LIX_INVALID_PARAM", "LIX_ERROR_READ_ONLY",
    "LIX_ERROR_VERSION", "LIX_MERGE_CONFLICT", "LIX_NOTHING_TO_UNDO", "LIX_NOTHING_TO_REDO",
    "LIX_UNSUPPORTED_SQL", "LIX_TABLE_NOT_FOUND", "LIX_COLUMN_NOT_FOUND", "LIX_ERROR_ROW_LIMIT",
    "LIX_INTERNAL_TABLE_ACCESS", "LIX_INVALID_TRANSACTION_STATE", "LIX_ERROR_TIMEOUT",
    "LIX_ERROR_CALLBACK", "LIX_ERROR_NOT_INITIALIZED", "LIX_ERROR_FORMAT", "LIX_ERROR_LOADABLE",
    "LIX_ERROR_SCHEMA_NOT_FOUND", "LIX_ERROR_UNIQUE",
}  # fmt: skip
"""Codes whose hints depend on the case, so that whoever raises them gives one."""


def test_every_other_kind_of_error_has_advice_of_its_own() -> None:
    classes = [getattr(errors, name) for name in errors.__all__ if name != "ConstraintError"]
    without = {each.code for each in classes if not each("x").hint}
    assert without <= SILENT


def test_the_hint_of_the_case_comes_before_the_advice_of_the_kind() -> None:
    error = errors.BusyError("locked", hint="wait")
    assert (error.hint, errors.BusyError("locked").hint) == ("wait", errors.BusyError.advice)
    assert isinstance(error, LixError)
