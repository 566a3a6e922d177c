"""Told against paid: a model that is right is found right, one that is half is found half."""

import numpy as np
import pytest

from models.tca.orders.told import Told, calibrate_told, curve


def told_orders(rng: np.random.Generator, truth: float) -> Told:
    count = 400
    day = rng.integers(0, 25, count)
    told = rng.uniform(2, 40, count)
    risk = rng.uniform(10, 40, count)
    paid = truth * told + risk * rng.normal(size=count)
    return Told(told, paid, np.full(count, 0.5), risk, rng.uniform(1, 5, count), day)


@pytest.mark.parametrize("truth", [1.0, 2.0])
def test_ratio_slope_and_z_find_how_far_told_costs_hold(truth: float) -> None:
    rng, count = np.random.default_rng(3), 150
    found = [calibrate_told(told_orders(rng, truth)) for _ in range(count)]
    held = np.mean([one.ratio.low <= truth <= one.ratio.high for one in found])
    assert held >= 0.9
    slopes = np.array([one.slope for one in found])
    assert slopes.mean() == pytest.approx(truth, abs=4 * slopes.std() / np.sqrt(count))
    assert np.mean([one.slope_error for one in found]) == pytest.approx(slopes.std(), rel=0.15)
    covered = np.mean([one.covered for one in found])
    assert (abs(covered - 0.95) < 0.01) == (truth == 1.0)


def test_the_curve_holds_every_order_once_in_rising_parts() -> None:
    found = told_orders(np.random.default_rng(0), 1.0)
    points = curve(found)
    assert sum(point.orders for point in points) == 400
    assert (np.diff([point.told for point in points]) > 0).all()
    mean = found.weight @ found.paid / found.weight.sum()
    weights = [
        found.weight[part].sum()
        for part in np.array_split(np.argsort(found.told, kind="stable"), len(points))
    ]
    assert np.average([point.paid.value for point in points], weights=weights) == pytest.approx(
        mean
    )


def test_orders_that_were_told_nothing_have_no_part() -> None:
    nothing = np.full(5, np.nan)
    found = calibrate_told(Told(nothing, nothing, nothing, nothing, np.ones(5), np.arange(5)))
    assert found.orders == 0
    assert np.isnan(found.slope)
    assert np.isnan(found.covered)
