"""What the market traded between moments, of trades and of bars."""

import numpy as np
import pytest

from models.tca.orders.traded import Traded


def test_trades_are_counted_from_their_time_on() -> None:
    found = Traded.of_trades(
        np.array([10, 20, 20, 30]), np.array([1.0, 2.0, np.nan, 4.0]), np.array([5.0, 5, 5, 10])
    )
    volume, turnover = found.up_to(np.array([9, 10, 20, 29, 30, 99]))
    assert volume.tolist() == [0, 5, 10, 10, 20, 20]
    assert turnover.tolist() == [0, 5, 15, 15, 55, 55]


def test_bars_grow_evenly_and_stand_between_them() -> None:
    found = Traded.of_bars(
        np.array([0, 20]), np.array([10, 30]), np.array([2.0, 3.0]), np.array([10.0, 20.0])
    )
    volume, turnover = found.up_to(np.array([-5, 0, 5, 10, 15, 25, 30, 50]))
    assert volume.tolist() == [0, 0, 5, 10, 10, 20, 30, 30]
    assert turnover.tolist() == [0, 0, 10, 20, 20, 50, 80, 80]


@pytest.mark.parametrize("even", [True, False])
def test_the_mean_of_the_next_shares_is_that_of_the_trades_behind_a_moment(even: bool) -> None:
    time = np.arange(1, 11) * 10
    price, size = np.arange(1.0, 11.0), np.full(10, 4.0)
    if even:
        found = Traded.of_bars(time - 10, time, price, size)
    else:
        found = Traded.of_trades(time, price, size)
    start = np.array([20, 20, 20, 95])
    mean = found.mean_of_next(start, np.array([4.0, 8.0, 6.0, 100.0]))
    np.testing.assert_allclose(mean[:3], [3.0, 3.5, (4 * 3 + 2 * 4) / 6])
    assert np.isnan(mean[3])


def test_nothing_traded_is_nothing() -> None:
    none = Traded.of_trades(np.empty(0, np.int64), np.empty(0), np.empty(0))
    assert none.up_to(np.array([1, 2]))[0].tolist() == [0, 0]
    assert np.isnan(none.mean_of_next(np.array([1]), np.array([5.0]))).all()
