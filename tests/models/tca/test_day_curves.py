"""What a day's walks would have charged: against the planted costs and against every plan."""

import numpy as np
import pytest

from models.tca.day_curves import DayCurves

SIZES = np.array([100.0, 300.0, 1000.0, 3000.0])


def curves(seed: int = 0, periods: int = 30) -> DayCurves:
    scale = np.random.default_rng(seed).gamma(4.0, 0.25, (periods, 1))
    return DayCurves(SIZES, 0.01 * SIZES + 1e-4 * scale * SIZES**1.6)


def test_a_size_that_was_walked_costs_its_walk_and_others_lie_between() -> None:
    day = curves()
    for place, size in enumerate(SIZES):
        x = np.full(30, size)
        assert day.charge(x) == pytest.approx(day.cost[:, place].sum())
    x = np.full(30, 650.0)
    assert day.charge(x) == pytest.approx(day.cost[:, 1:3].mean(axis=1).sum())
    beyond = day.charge(np.full(30, 3700.0)) - day.charge(np.full(30, 3000.0))
    assert beyond == pytest.approx((day.cost[:, 3] - day.cost[:, 2]).sum() * 700 / 2000)


def test_nobody_pays_less_than_who_knew_every_curve() -> None:
    rng = np.random.default_rng(1)
    for seed in range(20):
        day = curves(seed)
        least = day.least(20_000.0)
        plans = 20_000 * rng.dirichlet(np.full(30, 0.5), 50)
        assert min(day.charge(x) for x in plans) >= least * (1 - 1e-12)
    known = np.array([[1.0, 4.0], [2.0, 8.0]])  # 1, 3 and 2, 6 a share
    two = DayCurves(np.array([1.0, 2.0]), known)
    assert two.least(3.0) == pytest.approx(1 + 2 + 3)
    assert two.charge(np.array([2.0, 1.0])) == pytest.approx(1 + 3 + 2)


def test_shares_that_meet_no_book_wait_for_the_next_one_and_none_gets_lost() -> None:
    day = curves()
    cost = day.cost.copy()
    cost[[0, 5, 6, 28, 29]] = np.nan
    holes = DayCurves(SIZES, cost)
    x = np.arange(1.0, 31.0)
    worked = holes.worked(x)
    assert worked.sum() == x.sum()
    assert worked[1] == x[0] + x[1]
    assert worked[7] == x[5] + x[6] + x[7]
    assert worked[27] == x[27] + x[28] + x[29]
    assert not worked[[0, 5, 6, 28, 29]].any()
    assert holes.charge(x) == pytest.approx(day.charge(worked))


def test_a_day_without_books_and_sizes_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="no period has a book"):
        DayCurves(SIZES, np.full((3, 4), np.nan))
    with pytest.raises(ValueError, match="must rise"):
        DayCurves(SIZES[::-1], np.ones((3, 4)))
    with pytest.raises(ValueError, match="shape"):
        DayCurves(SIZES, np.ones((3, 3)))
