"""What slices cost, against a book that is walked and refilled child by child."""

import numpy as np
import pytest

from solver import ProblemError, Slicing, slice_factor
from solver.problem.slicing import LEAST_SPACING, TOLERANCE

SLICING = Slicing(
    period_seconds=60.0, half_life=6.0, half_life_upper=10.0, lasting=0.0, least_child=50.0
)


def walked(
    slices: int, spacing: float, half_life: float, lasting: float, k: float, steps: int = 4000
) -> float:
    """Trade an order of 1 in equal parts on a book whose marginal price is k depth^(k-1).

    The lasting share of a hole has moved the mid, over which cost is counted: it is no hole.
    """
    hole, cost = 0.0, 0.0
    for _ in range(slices):
        share = 1 / slices / steps
        for step in range(steps):
            cost += k * (hole + (step + 0.5) * share) ** (k - 1) * share
        hole += (1 - lasting) / slices
        hole *= 0.5 ** (spacing / half_life)
    return cost


@pytest.mark.parametrize("slices", [1, 2, 5, 12])
@pytest.mark.parametrize(("half_life", "lasting"), [(6.0, 0.0), (20.0, 0.25), (1.0, 0.9)])
def test_slices_cost_what_a_simulated_book_charges(slices, half_life, lasting):
    for k in (1.2, 1.5, 2.0):
        factor = slice_factor(slices, 60 / slices, half_life, lasting, k)
        assert factor == pytest.approx(walked(slices, 60 / slices, half_life, lasting, k), rel=1e-4)


def test_limits_of_a_whole_and_of_an_empty_book():
    for k in (1.0, 1.5, 2.0):
        assert slice_factor(7, 1e6, 1.0, 0.0, k) == pytest.approx(7.0 ** (1 - k), rel=1e-12)
        assert slice_factor(7, 1.0, np.inf, 0.0, k) == pytest.approx(1.0, rel=1e-12)
        assert slice_factor(7, 1.0, np.inf, 1.0, k) == pytest.approx(7.0 ** (1 - k), rel=1e-12)
        assert slice_factor(1, 60.0, 1.0, 0.0, k) == pytest.approx(1.0, rel=1e-12)
    assert slice_factor(30, 2.0, 5.0, 0.0, 1.0) == pytest.approx(1.0, rel=1e-12)


def test_more_slices_never_cost_more():
    for k in (1.1, 1.5, 2.0):
        for half_life in (0.5, 6.0, 60.0):
            factors = [slice_factor(m, 60 / m, half_life, 0.2, k) for m in range(1, 40)]
            assert (np.diff(factors) <= 1e-12).all()


@pytest.mark.parametrize("upper", [0.1, 6.0, 10.0, 200.0])
def test_the_number_is_the_fewest_within_tolerance_of_the_best_that_limits_allow(upper):
    slicing = Slicing(60.0, upper / 2, upper, 0.1, 50.0)
    most = int(min(60 // LEAST_SPACING, 1000 // 50))
    factors = [slice_factor(m, 60 / m, upper, 0.1, 1.5) for m in range(1, most + 1)]
    fewest = next(m for m, one in enumerate(factors, 1) if one <= (1 + TOLERANCE) * min(factors))
    assert slicing.fewest(1000.0, 1.5) == fewest


def test_small_orders_unknown_refill_and_linear_costs_are_not_cut():
    assert SLICING.fewest(60.0, 1.5) == 1  # one child of 50 shares fits
    assert SLICING.fewest(1000.0, 1.0) == 1
    unknown = Slicing(60.0, np.inf, np.inf, 0.0, 50.0)
    assert unknown.fewest(1e6, 1.5) == 1
    assert unknown.factor(5, 1.5) == pytest.approx(1.0)
    assert SLICING.most(1e9) == 30


def test_a_count_that_is_none_is_refused():
    with pytest.raises(ProblemError, match="slices"):
        slice_factor(0, 1.0, 1.0, 0.0, 1.5)
