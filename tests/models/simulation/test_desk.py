"""A simulated desk: its parts are those of its own prices, and its market holds its impact."""

import numpy as np
import pytest

from models.simulation.desk import DeskConfig, desk_day, stock


@pytest.mark.parametrize("step", [1, 60])
def test_true_parts_sum_to_what_the_prices_say(step: int) -> None:
    rng = np.random.default_rng(step)
    one = stock(rng)
    day = desk_day(one, one.price, DeskConfig(orders=30, step=step), rng)
    seconds = (day.decision - 1e-6, day.start - 1e-6, day.end)
    decided, _, ended = (day.mid[np.floor(each / step).astype(int)] for each in seconds)
    paid = np.bincount(day.order, day.fill_shares * day.price, 30)
    filled = np.bincount(day.order, day.fill_shares, 30)
    assert (filled <= day.shares).all()
    assert (filled < day.shares).any()
    rest = day.shares - filled
    perold = day.sign * (paid + rest * ended - day.shares * decided) + day.commission + day.fees
    np.testing.assert_allclose(sum(day.parts.values()), perold, atol=1e-6 * one.price)


def test_what_an_order_moves_stays_in_the_mid() -> None:
    config, gains = DeskConfig(orders=1, step=1), []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        one = stock(rng)
        day = desk_day(one, one.price, config, rng)
        moved = day.sign[0] * (day.mid[-1] - day.mid[int(day.start[0]) - 1])
        gains.append((moved / one.price, one.gamma * day.fill_shares.sum() / one.price))
    moved, meant = np.array(gains).T
    error = (moved - meant).std() / np.sqrt(len(moved))
    assert moved.mean() == pytest.approx(meant.mean(), abs=4 * error)
