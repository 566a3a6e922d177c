"""Realized variance of a mid that does not move is zero, whatever rounding says."""

import numpy as np

from models.microstructure.variance import SECOND_NS, realized_variance


def test_a_mid_of_other_prices_that_is_the_same_number_has_not_moved():
    ts = np.arange(60) * SECOND_NS
    half = np.where(np.arange(60) % 2 == 0, 0.01, 0.03)
    mid = ((50.1 - half) + (50.1 + half)) / 2 + np.where(np.arange(60) % 3 == 0, 7.1e-15, 0)
    assert np.ptp(mid) > 0
    edges = np.array([0, 60]) * SECOND_NS
    assert realized_variance(ts, mid, edges)[0].tolist() == [0.0]
    moved = realized_variance(ts, mid + 0.01 * (np.arange(60) >= 30), edges)[0]
    assert 0 < moved[0] < 6 * 0.01**2
