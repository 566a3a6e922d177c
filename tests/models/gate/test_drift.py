"""A day whose states come from elsewhere is told from days that merely differ."""

import numpy as np
import pytest
from scipy import stats

from models.gate import drift, stability_index

PERIODS = 390


def history(seed: int, days: int, last: float = 0.0, spread: float = 0.1) -> list[np.ndarray]:
    """Return days whose log levels differ by `spread`, the last one moved by `last`."""
    rng = np.random.default_rng(seed)
    level = spread * rng.standard_normal(days)
    level[-1] += last
    return [np.exp(each + 0.3 * rng.standard_normal(PERIODS)) for each in level]


def test_days_that_differ_as_days_do_seldom_lie_apart() -> None:
    found = [drift(history(seed, 20)) for seed in range(60)]
    assert np.mean([one is not None and one.apart for one in found]) <= 0.05
    # what a test of independent draws would say of the same days
    days = [history(seed, 20) for seed in range(20)]
    naive = [
        stats.ks_2samp(one[-1], np.concatenate(one[:-1]), method="asymp").pvalue < 1e-3
        for one in days
    ]
    assert np.mean(naive) > 0.1


def test_a_halved_state_lies_apart() -> None:
    found = [drift(history(seed, 20, last=-np.log(2))) for seed in range(40)]
    assert np.mean([one is not None and one.apart and not one.rises for one in found]) >= 0.9


def test_too_few_days_tell_nothing() -> None:
    assert drift(history(0, 5)) is None
    assert drift(history(0, 6)) is not None
    assert drift([*history(0, 8), np.array([])]) is None


def test_the_index_is_that_of_shares() -> None:
    reference = np.arange(1000.0)
    assert stability_index(reference, reference) == pytest.approx(0.0)
    low = np.arange(500.0)  # half of the bins, twice the share of each
    by_hand = 5 * (0.2 - 0.1) * np.log(0.2 / 0.1)
    assert stability_index(low, reference) > by_hand  # and what the empty ones add
    assert stability_index(np.ones(50), np.ones(80)) == pytest.approx(0.0)
