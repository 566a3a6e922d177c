"""Variances between days that symbols lend each other: coverage, and what stays common."""

import numpy as np
import pytest
from scipy import stats

from models.pooling.day_variance import DayVariance, lent

SYMBOLS, DAYS = 8, 5


def drawn(rng: np.random.Generator, common: float, own: float) -> tuple[DayVariance, ...]:
    """Symbols whose days have a common shock and their own; the mean of days is the estimate."""
    shock = common * rng.normal(size=(DAYS, 1))
    found = []
    for symbol in range(SYMBOLS):
        shifts = shock + own * rng.normal(size=(DAYS, 1))
        variance = np.atleast_2d(shifts.var(ddof=1))
        dof = np.array([DAYS - 1.0])
        one = DayVariance(str(symbol), shifts, variance, np.zeros(1), dof, np.zeros((1, 1)))
        found.append(one)
    return tuple(found)


def held(found: tuple[DayVariance, ...]) -> list[bool]:
    return [
        abs(one.shifts.mean()) < stats.t.ppf(0.975, one.dof[0]) * np.sqrt(one.variance[0, 0] / DAYS)
        for one in found
    ]


@pytest.mark.parametrize(("common", "own"), [(0.0, 0.2), (0.1, 0.2), (0.2, 0.0), (0.2, 0.1)])
def test_intervals_hold_whatever_is_common(common, own):
    rng = np.random.default_rng(0)
    share, width = [], []
    for _ in range(400):
        alone = drawn(rng, common, own)
        found = lent(alone)
        share.append(np.mean(held(found)))
        width.append([each[0].dof[0] for each in (alone, found)])
    assert np.mean(share) == pytest.approx(0.95, abs=0.03)
    assert np.mean(width, axis=0)[1] > (8 if common <= own / 2 else 3.9)


def test_the_common_part_is_that_of_the_shocks_and_within_the_whole():
    rng = np.random.default_rng(1)
    found = [lent(drawn(rng, 0.2, 0.1))[0] for _ in range(300)]
    common, whole = (
        np.array([each(one) for one in found])
        for each in (lambda one: one.common[0, 0], lambda one: one.variance[0, 0])
    )
    assert common.mean() == pytest.approx(0.04, rel=0.15)
    assert whole.mean() == pytest.approx(0.05, rel=0.15)
    assert (common <= whole + 1e-12).all()


def test_three_symbols_lend_nothing_and_unlike_days_are_refused():
    symbols = drawn(np.random.default_rng(2), 0.1, 0.1)
    assert lent(symbols[:3]) == symbols[:3]
    other = drawn(np.random.default_rng(3), 0.1, 0.1)[0]
    short = DayVariance("x", other.shifts[1:], other.variance, other.noise, other.dof, other.common)
    with pytest.raises(ValueError, match="symbols"):
        lent((*symbols, short))
