"""Order sizes from the depth that a book shows."""

import numpy as np
import pytest

from models.impact.book.size_grid import depth_bins, size_grid


def seconds(**shares: float) -> dict[int, float]:
    """Return the seconds by bin of depths, given as shares_<number>."""
    bins = depth_bins(np.array([float(name.removeprefix("shares_")) for name in shares]))
    return dict(zip(bins.tolist(), shares.values(), strict=True))


def test_sizes_run_from_the_median_best_level_to_the_depth_held_four_fifths_of_the_time():
    best = seconds(shares_50=40, shares_100=20, shares_300=40)
    whole = seconds(shares_250=19, shares_1000=21, shares_4000=60)
    sizes = size_grid(best, whole)
    shown, beyond = sizes[:-4], sizes[-4:]
    assert (shown[0], shown[-1]) == (100, 1000)
    assert len(shown) == 9
    assert list(shown) == sorted(set(shown))
    assert beyond == (1400, 2000, 2800, 4000)


def test_a_book_whose_best_level_is_all_of_it_is_measured_over_half_of_it():
    one = seconds(shares_100=50, shares_400=50)
    assert size_grid(one, one)[:-4] == (50, 56, 63, 71, 80, 90, 100)


def test_fractions_of_a_share_have_sizes_too():
    best, whole = seconds(**{"shares_0.01": 1}), seconds(**{"shares_0.1": 1})
    assert size_grid(best, whole)[:-4:8] == (0.01, 0.1)


def test_a_day_more_seldom_moves_the_sizes():
    depth = np.random.default_rng(0).lognormal(7, 0.8, 5000 * 21)

    def drawn(days: int) -> tuple[float, ...]:
        some = depth[: 5000 * days]
        best, whole = (
            dict(zip(*np.unique(depth_bins(some * part), return_counts=True), strict=True))
            for part in (0.1, 1.0)
        )
        return size_grid(best, whole)

    assert drawn(20) == drawn(21)


def test_sizes_of_before_stay_until_an_end_is_more_than_two_rungs_off():
    best, whole = seconds(shares_100=1), seconds(shares_1000=1)
    before = size_grid(best, whole)
    near, far = seconds(shares_125=1), seconds(shares_180=1)
    assert size_grid(near, whole) != before
    assert size_grid(near, whole, before) == before
    assert size_grid(far, whole, before) == size_grid(far, whole)
    deep = seconds(shares_2000=1)
    assert size_grid(best, deep, before) == size_grid(best, deep)


def test_no_time_is_no_book():
    with pytest.raises(ValueError, match="depth: no time"):
        size_grid({}, {})
