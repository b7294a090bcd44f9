"""Medians, percentiles, exponents and verdicts are what they say."""

from __future__ import annotations

import doctest
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import growth, svg, text
from benchmarks.compare.statistics import percentile, summarise, verdict
from benchmarks.growth import exponent, steepest

samples = st.lists(st.floats(0.001, 1_000), min_size=1, max_size=50)


@given(samples, st.floats(0.01, 1))
def test_a_percentile_is_the_least_sample_that_the_share_does_not_exceed(times, share):
    found = percentile(times, share)
    assert found in times
    assert sum(time <= found for time in times) >= share * len(times)
    assert sum(time < found for time in times) < share * len(times)


@given(st.lists(samples, min_size=1, max_size=5))
def test_a_summary_pools_the_samples_of_all_rounds(rounds):
    pooled = sorted(sample for each in rounds for sample in each)
    found = summarise(rounds)
    assert found.median == statistics.median(pooled)
    assert found.samples == len(pooled)
    assert found.median <= found.p95 <= pooled[-1]
    assert found.low <= found.high


@pytest.mark.parametrize(
    ("figure", "bound", "said"),
    [
        (1.0, 1.0, "met"),
        (0.5, 1.0, "met"),
        (1.05, 1.0, "missed 1.05x"),
        (25.0, 2.0, "missed 12x"),
        (25.0, None, "no target"),
    ],
)
def test_a_verdict_says_by_how_much_a_target_is_missed(figure, bound, said):
    assert verdict(figure, bound) == said


@given(st.floats(-1, 3), st.floats(0.01, 100))
def test_a_power_law_gives_its_exponent(power, factor):
    sizes = [10, 100, 1_000, 10_000]
    times = [factor * size**power for size in sizes]
    assert exponent(sizes, times) == pytest.approx(power, abs=1e-9)
    assert steepest(sizes, times) == pytest.approx(power, abs=1e-9)


def test_growth_hidden_by_a_constant_shows_in_the_last_step():
    sizes = [10, 100, 1_000]
    times = [1_000 + size**2 for size in sizes]
    assert exponent(sizes, times) < 1.6
    assert steepest(sizes, times) > 1.9


@pytest.mark.parametrize("module", [growth, svg, text])
def test_examples_in_docstrings(module):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0
