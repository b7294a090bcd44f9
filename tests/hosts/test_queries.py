"""A stock SQLite plans some queries otherwise: its answers from virtual and ordinary tables agree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

import lix_vtab
from tests.hosts.hosts import StockHost, StockProcess
from tests.state.queries import query
from tests.state.test_differential import COPIED, NAMED, TABLES, VIRTUAL, copy, fill


@pytest.fixture(scope="module")
def stock(
    stock_process: StockProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StockHost]:
    path = str(tmp_path_factory.mktemp("queries") / "app.lix")
    with lix_vtab.open(path, internal=True) as lix:
        fill(lix)
        for name in TABLES:
            copy(lix, name)
    host = StockHost(path, stock_process)
    yield host
    host.close()


def answer(host: StockHost, template: str, names: dict[str, str]) -> list[Any]:
    sql = re.sub(r"\{(\w+)\}", lambda match: names[match[1]], template)
    rows = list(host.run(sql, ()).rows)
    return rows if "ORDER BY" in sql.rsplit(")", 1)[-1] else sorted(rows, key=repr)


@pytest.mark.parametrize("template", NAMED.values(), ids=NAMED)
def test_named_queries(stock: StockHost, template: str) -> None:
    assert answer(stock, template, VIRTUAL) == answer(stock, template, COPIED)


def test_generated_queries(stock: StockHost) -> None:
    fruitful = 0
    for seed in range(20_000, 20_300):
        template = query(seed)
        expected = answer(stock, template, COPIED)
        assert answer(stock, template, VIRTUAL) == expected, f"query {seed}: {template}"
        fruitful += bool(expected)
    assert fruitful > 75
