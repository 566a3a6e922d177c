"""Parts of the shortfall on fills reckoned by hand."""

import numpy as np
import pytest

from models.tca.shortfall import Benchmark, Fills, markout, shortfall

FILLS = Fills(
    shares=np.array([30.0, 10.0]),
    price=np.array([101.5, 103.0]),
    best=np.array([101.0, 103.0]),
    mid=np.array([100.5, 102.0]),
)


def test_parts_by_hand_and_their_sum() -> None:
    asked = Benchmark(sign=1, shares=50.0, arrival=100.0, last=104.0, gamma=0.02, rest_cost=7.0)
    parts = shortfall(FILLS, asked)
    unit = 1e4 / (50 * 100)
    assert parts.spread == pytest.approx(unit * (30 * 0.5 + 10 * 1.0))
    assert parts.walk == pytest.approx(unit * 30 * 0.5)
    assert parts.drift == pytest.approx(unit * (30 * 0.5 + 10 * 2.0))
    assert parts.permanent == pytest.approx(unit * 0.02 * 50**2 / 2)
    assert parts.opportunity == pytest.approx(unit * (10 * 4.0 + 7.0))
    assert parts.over_mid == pytest.approx(unit * 40)
    paid = 30 * 101.5 + 10 * 103.0 + 10 * 104.0 + 7.0
    assert parts.total == pytest.approx(unit * (paid - 50 * 100 + 25.0), abs=1e-9)


def test_a_sell_receives_less() -> None:
    fills = Fills(*(np.array([each]) for each in (10.0, 98.0, 99.0, 100.0)))
    parts = shortfall(fills, Benchmark(-1, 10.0, 101.0, 100.0, 0.0, 0.0))
    unit = 1e4 / (10 * 101)
    found = parts.spread, parts.walk, parts.drift, parts.opportunity
    assert found == pytest.approx((unit * 10, unit * 10, unit * 10, 0.0))


def test_more_than_the_order_is_refused() -> None:
    with pytest.raises(ValueError, match="more than the order"):
        shortfall(FILLS, Benchmark(1, 30.0, 100.0, 104.0, 0.0, 0.0))


def test_markouts_leave_out_what_is_not_known() -> None:
    later = np.array([101.5, np.nan])
    assert markout(FILLS, later, 1, 100.0) == pytest.approx(100.0)
    assert markout(FILLS, later, -1, 100.0) == pytest.approx(-100.0)
    both = np.array([100.5, 104.0])
    assert markout(FILLS, both, 1, 100.0) == pytest.approx(1e4 * (10 * 2 / 40) / 100)
    assert np.isnan(markout(FILLS, np.array([np.nan, np.nan]), 1, 100.0))
