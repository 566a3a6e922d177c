"""Benchmark prices and the mid's path, reckoned by hand."""

import numpy as np
import pytest

from models.tca.benchmark_prices import MarketTrades, benchmark_prices
from models.tca.mid_path import MidPath
from models.tca.shortfall import Fills

# known from 0 to 10, 10 to 20 (one side empty from 20 to 30), 30 to 40; none from 40 to 50
SESSION = MidPath(
    start=np.array([0.0, 10.0, 20.0, 30.0, 50.0, 60.0]),
    until=np.array([10.0, 20.0, 30.0, 40.0, 60.0, 70.0]),
    mid=np.array([100.0, 102.0, np.nan, 104.0, 110.0, np.nan]),
)
TRADES = MarketTrades(
    time=np.array([4.0, 5.0, 30.0, 36.0]),
    price=np.array([500.0, 100.0, 104.0, 500.0]),
    size=np.array([1.0, 30.0, 10.0, 1.0]),
)
NO_TRADES = MarketTrades(*(np.empty(0) for _ in range(3)))


def fills(shares: list[float], price: list[float]) -> Fills:
    none = np.full(len(shares), np.nan)
    return Fills(np.array(shares), np.array(price), none, none)


def test_prices_by_hand() -> None:
    found = benchmark_prices(SESSION, TRADES, 5.0, 36.0)
    assert found.arrival == 100.0
    assert found.twap == pytest.approx((5 * 100 + 10 * 102 + 6 * 104) / 21)
    assert found.vwap == pytest.approx(101.0)
    assert found.close == 110.0


def test_slippage_by_hand() -> None:
    prices = benchmark_prices(SESSION, TRADES, 5.0, 36.0)
    done = fills([10.0, 30.0], [101.0, 105.0])
    bought, sold = prices.slippage(done, 1), prices.slippage(done, -1)
    assert (bought.arrival, bought.vwap, bought.close) == pytest.approx((400.0, 300.0, -600.0))
    assert bought.twap == pytest.approx(100 * (104 - prices.twap))
    assert (sold.arrival, sold.vwap, sold.close) == pytest.approx((-400.0, -300.0, 600.0))


def test_arrival_is_the_first_mid_that_is_known() -> None:
    assert benchmark_prices(SESSION, NO_TRADES, 22.0, 36.0).arrival == 104.0
    with pytest.raises(ValueError, match="no mid is known"):
        benchmark_prices(SESSION, TRADES, 40.0, 50.0)


def test_what_is_not_known_is_nan() -> None:
    prices = benchmark_prices(SESSION, NO_TRADES, 5.0, 36.0)
    assert np.isnan(prices.vwap)
    assert np.isnan(prices.slippage(fills([1.0], [101.0]), 1).vwap)
    assert np.isnan(prices.slippage(fills([], []), 1).arrival)


def test_a_mid_stands_until_it_is_not_known() -> None:
    found = SESSION.at(np.array([[-1.0, 0.0, 9.9], [10.0, 25.0, 45.0]]))
    np.testing.assert_array_equal(found, [[np.nan, 100.0, 100.0], [102.0, np.nan, np.nan]])
    assert np.isnan(MidPath(*(np.empty(0) for _ in range(3))).at(np.array([1.0]))).all()
    assert np.isnan(SESSION.within(40.0, 50.0).mean)


def test_of_mids_that_start_at_one_time_the_last_stands() -> None:
    path = MidPath(np.array([0.0, 5.0, 5.0]), np.array([5.0, 5.0, 8.0]), np.array([1.0, 9.0, 2.0]))
    assert path.at(np.array([5.0]))[0] == 2.0
    assert path.mean == pytest.approx((5 * 1 + 3 * 2) / 8)


def test_overlapping_stretches_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        MidPath(np.array([0.0, 5.0]), np.array([6.0, 8.0]), np.ones(2))
    with pytest.raises(ValueError, match="one entry"):
        MidPath(np.zeros(1), np.ones(1), np.ones(2))


def test_the_mids_integral_between_moments_is_its_mean_there() -> None:
    rng = np.random.default_rng(4)
    start = np.sort(rng.uniform(0, 100, 30))
    mid = np.where(rng.random(30) < 0.3, np.nan, 10 + rng.normal(size=30))
    path = MidPath(start, np.append(start[1:], 100.0), mid)
    ends = np.sort(rng.uniform(-5, 110, (50, 2)), axis=1)
    area, time = (
        late - early
        for early, late in zip(path.up_to(ends[:, 0]), path.up_to(ends[:, 1]), strict=True)
    )
    for begin, end, whole, length in zip(*ends.T, area, time, strict=True):
        mean = path.within(begin, end).mean
        assert (length < 1e-9) == np.isnan(mean)
        if length > 1e-9:
            assert whole / length == pytest.approx(mean)
