"""What slices cost, against a book that is walked and refilled level by level."""

from dataclasses import replace

import numpy as np
import pytest

from models.impact.slicing.refill import RefillFit
from models.impact.slicing.slices import (
    LEAST_SPACING,
    TOLERANCE,
    SliceLimits,
    plan_slices,
    slice_factor,
)

REFILL = RefillFit(
    half_life=6.0,
    estimate=6.0,
    log_error=0.3,
    lasting=0.0,
    lasting_error=0.0,
    covariance=0.0,
    depth_taken=0.5,
    r2=0.1,
    n=1000,
    n_excluded={},
    blocks=13,
    warnings=(),
)
LASTING = replace(REFILL, lasting=0.3, lasting_error=0.1, covariance=-0.01)
NEVER = replace(REFILL, half_life=np.inf, log_error=3.0)
LIMITS = SliceLimits(period_seconds=60.0, order_size=1000.0, least_child=50.0)


def walked(
    slices: int, spacing: float, half_life: float, lasting: float, k: float, steps: int = 4000
) -> float:
    """Trade an order of 1 in equal parts on a book whose marginal price is k depth^(k-1)."""
    hole_soon, hole_ever, cost = 0.0, 0.0, 0.0
    for _ in range(slices):
        share = 1 / slices / steps
        for step in range(steps):
            cost += k * (hole_soon + hole_ever + (step + 0.5) * share) ** (k - 1) * share
        hole_soon += (1 - lasting) / slices
        hole_ever += lasting / slices
        hole_soon *= 0.5 ** (spacing / half_life)
    return cost


@pytest.mark.parametrize("slices", [1, 2, 5, 12])
@pytest.mark.parametrize(("half_life", "lasting"), [(6.0, 0.0), (20.0, 0.25), (1.0, 0.9)])
def test_slices_cost_what_a_simulated_book_charges(slices, half_life, lasting):
    for k in (1.2, 1.5, 2.0):
        factor = slice_factor(slices, 60 / slices, half_life, lasting, np.array(k))
        assert factor == pytest.approx(walked(slices, 60 / slices, half_life, lasting, k), rel=1e-4)


def test_limits_of_a_whole_and_of_an_empty_book():
    k = np.array([1.0, 1.5, 2.0])
    np.testing.assert_allclose(slice_factor(7, 1e6, 1.0, 0.0, k), 7.0 ** (1 - k), rtol=1e-12)
    np.testing.assert_allclose(slice_factor(7, 1.0, np.inf, 0.0, k), 1.0, rtol=1e-12)
    np.testing.assert_allclose(slice_factor(7, 1e6, 1.0, 1.0, k), 1.0, rtol=1e-12)
    np.testing.assert_allclose(slice_factor(1, 60.0, 1.0, 0.0, k), 1.0, rtol=1e-12)
    np.testing.assert_allclose(slice_factor(30, 2.0, 5.0, 0.0, np.array(1.0)), 1.0, rtol=1e-12)


def test_more_slices_never_cost_more():
    for k in (1.1, 1.5, 2.0):
        for half_life in (0.5, 6.0, 60.0):
            factors = [slice_factor(m, 60 / m, half_life, 0.2, np.array(k)) for m in range(1, 40)]
            assert (np.diff(factors) <= 1e-12).all()


@pytest.mark.parametrize(
    "refill", [REFILL, LASTING, replace(REFILL, half_life=0.1), replace(REFILL, half_life=200.0)]
)
def test_auto_is_the_fewest_within_tolerance_of_the_best_that_limits_allow(refill):
    plan = plan_slices(1.5, 0.02, refill, LIMITS, None)
    most = min(60 // LEAST_SPACING, 20)
    cost = {
        m: walked(m, 60 / m, refill.half_life, refill.lasting, 1.5, 400)
        for m in range(1, int(most) + 1)
    }
    fewest = min(m for m in cost if cost[m] <= (1 + TOLERANCE) * min(cost.values()))
    assert plan.slices == fewest
    assert plan.spacing_seconds == pytest.approx(60 / fewest)
    assert [caveat.code for caveat in plan.warnings] == ["refill_beyond_period"] * (
        refill.half_life > 30
    )


def test_nothing_is_gained_where_nothing_comes_back_or_cost_is_not_convex():
    assert plan_slices(1.5, 0.1, NEVER, LIMITS, None).slices == 1
    assert plan_slices(1.0, 0.0, REFILL, LIMITS, None).slices == 1
    assert plan_slices(0.9, 0.1, REFILL, LIMITS, None).factor == 1.0
    forced = plan_slices(1.5, 0.1, NEVER, LIMITS, 5)
    assert (forced.factor, forced.factor_error, forced.derivative_k) == (1.0, 0.0, 0.0)
    assert [caveat.code for caveat in forced.warnings] == ["slices_without_refill"]


def test_a_refill_that_was_never_seen_adds_no_error():
    """Without a directed trade the half-life, its errors and their covariance are unknown."""
    unseen = replace(NEVER, log_error=np.nan, lasting_error=np.nan, covariance=np.nan)
    plan = plan_slices(1.5, 0.01, unseen, LIMITS, 1)
    assert plan.factor == 1.0
    assert plan.refill_error == plan.factor_error == 0.0


def test_a_number_beyond_the_limits_is_used_and_said():
    plan = plan_slices(1.5, 0.1, REFILL, LIMITS, 25)
    assert plan.slices == 25
    assert [caveat.code for caveat in plan.warnings] == ["slices_beyond_limits"]
    assert "slices_beyond_limits" in plan.summary()
    assert plan_slices(1.5, 0.1, REFILL, replace(LIMITS, order_size=10.0), None).slices == 1


@pytest.mark.parametrize("refill", [REFILL, LASTING])
def test_the_error_is_that_of_drawn_parameters(refill):
    narrow = 0.2 * refill.lasting_error
    refill = replace(
        refill, log_error=0.05, lasting_error=narrow, covariance=0.1 * refill.covariance
    )
    plan = plan_slices(1.5, 0.03, refill, LIMITS, 6)
    rng = np.random.default_rng(0)
    covariance = [
        [refill.log_error**2, refill.covariance],
        [refill.covariance, refill.lasting_error**2],
    ]
    log_half, lasting = rng.multivariate_normal([np.log(6.0), refill.lasting], covariance, 20_000).T
    k = rng.normal(1.5, 0.03, 20_000)
    drawn = np.array(
        [walked_fast(6, 10.0, *one) for one in zip(np.exp(log_half), lasting, k, strict=True)]
    )
    assert plan.factor_error == pytest.approx(drawn.std(), rel=0.05)
    slope = np.polyfit(k, np.log(drawn), 1)[0]
    assert plan.derivative_k == pytest.approx(slope, rel=0.1)
    only_refill = np.array(
        [walked_fast(6, 10.0, *one, 1.5) for one in zip(np.exp(log_half), lasting, strict=True)]
    )
    assert plan.refill_error == pytest.approx(np.log(only_refill).std(), rel=0.05)


def walked_fast(slices: int, spacing: float, half_life: float, lasting: float, k: float) -> float:
    soon, ever, cost = 0.0, 0.0, 0.0
    for _ in range(slices):
        cost += (soon + ever + 1 / slices) ** k - (soon + ever) ** k
        soon, ever = (
            (soon + (1 - lasting) / slices) * 0.5 ** (spacing / half_life),
            ever + lasting / slices,
        )
    return cost


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="slices: 0"):
        plan_slices(1.5, 0.1, REFILL, LIMITS, 0)
    with pytest.raises(ValueError, match="slices: 0"):
        slice_factor(0, 1.0, 1.0, 0.0, np.array(1.5))
    with pytest.raises(ValueError, match="order_size"):
        replace(LIMITS, order_size=0.0)
