"""A plan follows the forecast's shape as far as the file says that has paid, and no further."""

import numpy as np
import pytest

from solver import OrderTerms, ProblemError, evaluate, from_params, solve, tilt_of
from solver.planning.shape import STATES, expected_level
from solver.planning.tilt import lower_bound

N = 60
ONE = OrderTerms(slices=1, max_participation=1.0)
POINT = OrderTerms(slices=1, max_participation=1.0, plan="point")


def file_of(shape: dict | None, law: dict | None = None, swing: float = 0.25) -> dict:
    """A session whose spread and liquidity are forecast to swing, sd `swing` in logs."""
    rng = np.random.default_rng(3)
    spread, thin = np.exp(swing * rng.standard_normal((2, N)))
    periods = [
        {
            "i": i,
            "start": f"2025-02-03T{14 + (30 + i) // 60}:{(30 + i) % 60:02d}:00+00:00",
            "alpha": 3e-5,
            "volatility": 1.0,
            "liquidity": float(thin[i]),
            "sigma": 0.05,
            "spread": 0.01 * float(spread[i]),
            "volume": 40_000.0 / float(thin[i]),
        }
        for i in range(N)
    ]
    one = {
        "reference": {"price": 100.0, "depth_shares": 900.0, "volume_shares": 40_000.0},
        "law": {"family": "spread_power", "k": 1.6, "beta": 0.5, "gamma": 2e-7, "theta": 1.0}
        | (law or {}),
        "periods": periods,
        "slicing": {
            "half_life_seconds": None,
            "half_life_upper_seconds": None,
            "lasting": 0.0,
            "least_child_shares": 100.0,
        },
    }
    if shape is not None:
        one["shape"] = shape
    return {
        "schema": "impact-params/2",
        "calendar": {"timezone": "America/New_York", "periods": N, "period_seconds": 60},
        "valid": {"to": "2025-02-03T15:30:00+00:00"},
        "symbols": {"ABC": one},
    }


def shape_of(weight: float, days: int, paid: float = 0.0, **flat: float) -> dict:
    """Every state's weight, and days on which forecasts' covariance with outcomes was `paid`."""
    joint = [[[paid * (i == j) for j in range(4)] for i in range(4)] for _ in range(days)]
    states = {
        state: {"weight": weight, "slope": weight, "standard_error": 0.0}
        | ({"flat": flat[state]} if state in flat else {})
        for state in STATES
    }
    return {"days": days, "joint": joint} | states


@pytest.mark.parametrize("shape", [None, shape_of(1.0, 2, 1.0), shape_of(0.0, 9)])
def test_a_shape_that_was_not_shown_to_pay_makes_the_plan_even(shape: dict | None) -> None:
    params = file_of(shape)
    problem = from_params(params, "ABC", 60_000, ONE)
    np.testing.assert_allclose(solve(problem).x, 1000.0, rtol=1e-6)
    tilted = solve(from_params(params, "ABC", 60_000, POINT)).x
    assert np.ptp(tilted) > 1000


def test_flat_levels_are_the_files_and_else_the_periods_means() -> None:
    found = from_params(file_of(shape_of(0.0, 5, spread=0.02)), "ABC", 60_000, ONE)
    periods = file_of(None)["symbols"]["ABC"]["periods"]
    scale = 3e-5 * 1.5 * np.mean([one["liquidity"] for one in periods])
    np.testing.assert_allclose(found.law.spread, 0.02, rtol=1e-14)
    np.testing.assert_allclose(found.law.scale, scale, rtol=1e-14)


def test_the_level_keeps_the_mean_of_a_lognormal_state() -> None:
    """Half of what the weight leaves of the log variance is added to the logs."""
    logs = 0.4 * np.random.default_rng(0).standard_normal(200_000)
    for weight in (0.0, 0.3, 1.0):
        found = expected_level(np.exp(logs), weight, float(np.exp(logs).mean()))
        np.testing.assert_allclose(np.log(found).std(), weight * 0.4, rtol=0.01)
        left = 0.4**2 * (1 - weight**2)
        np.testing.assert_allclose(np.log(found).mean(), left / 2, atol=0.004)


def test_a_worthless_shape_may_cost_one_per_cent_and_no_more() -> None:
    """The weight is the largest at which that holds: a little more would cost more."""
    params = file_of(shape_of(1.0, 5))
    found = tilt_of(params, "ABC", 60_000, ONE)
    flat = from_params(file_of(shape_of(0.0, 5)), "ABC", 60_000, ONE)
    even = evaluate(flat, np.full(N, 1000.0))
    walk = even.spread + even.temporary
    cost = evaluate(flat, solve(found.problem).x).objective - even.objective
    assert cost == pytest.approx(found.worthless, rel=1e-6)
    assert 0.0095 * walk < cost <= 0.01 * walk
    assert 0 < found.share < 1
    assert found.weight == dict.fromkeys(STATES, found.share)
    raw = evaluate(flat, solve(from_params(params, "ABC", 60_000, POINT)).x).objective
    assert raw - even.objective > 0.03 * walk  # what the forecast as it is would cost


def test_what_past_days_gained_lets_the_plan_tilt_further() -> None:
    paid = tilt_of(file_of(shape_of(1.0, 5, 0.25**2)), "ABC", 60_000, ONE)
    assert paid.share == 1.0
    assert paid.record.days == 5
    point = from_params(file_of(None), "ABC", 60_000, POINT)
    np.testing.assert_allclose(solve(paid.problem).x, solve(point).x, atol=12)  # but for levels
    lost = tilt_of(file_of(shape_of(1.0, 5, -(0.25**2))), "ABC", 60_000, ONE)
    free = tilt_of(file_of(shape_of(1.0, 5)), "ABC", 60_000, ONE)
    assert lost.share == pytest.approx(free.share)


def test_the_gain_of_past_days_is_that_of_the_tilt_on_their_states() -> None:
    """Days whose states come as forecast, half as far, or the other way round: cost them."""
    for come, weight in ((1.0, 1.0), (0.5, 1.0), (-1.0, 1.0), (1.0, 0.5)):
        params = file_of(shape_of(weight, 3), swing=0.1)
        one = params["symbols"]["ABC"]
        logs = np.log([[p[s] for s in ("spread", "liquidity")] for p in one["periods"]])
        logs -= logs.mean(axis=0)
        joint = np.zeros((4, 4))
        joint[np.ix_([2, 1], [2, 1])] = come * logs.T @ logs / N
        one["shape"]["joint"] = [joint.tolist()] * 3
        found = tilt_of(params, "ABC", 60_000, ONE)
        x = solve(found.problem).x
        flat = from_params(params | file_of(None, swing=0.1), "ABC", 60_000, ONE)
        for period, log in zip(one["periods"], logs, strict=True):
            period["spread"] = float(flat.law.spread[0] * np.exp(come * log[0]))
            period["liquidity"] = float(np.exp(come * log[1]))
        day = from_params(params, "ABC", 60_000, POINT)
        gain = evaluate(day, np.full(N, 1000.0)).shortfall - evaluate(day, x).shortfall
        told = found.record.savings(x - 1000.0) - found.worthless
        np.testing.assert_allclose(told, gain, rtol=0.15, atol=5e-4 * evaluate(day, x).gross)


def test_the_point_plan_is_held_against_the_same_record() -> None:
    params = file_of(shape_of(0.0, 4, 0.25**2))
    found = tilt_of(params, "ABC", 60_000, POINT)
    moved = solve(found.problem).x - 1000.0
    assert found.record.savings(moved).min() > 0
    assert found.record.error(moved)[0] == pytest.approx(0.0, abs=1e-9)


def test_a_day_alone_bounds_nothing_and_more_bound_by_t() -> None:
    assert lower_bound(np.array([5.0])) == -np.inf
    gains = np.array([1.0, 2.0, 3.0])
    assert lower_bound(gains) == pytest.approx(2.0 - 2.919985580355516 / np.sqrt(3))


def test_risk_is_followed_through_flat_states() -> None:
    terms = OrderTerms(slices=1, max_participation=1.0, risk_aversion=1e-5)
    x = solve(from_params(file_of(None), "ABC", 60_000, terms)).x
    assert (np.diff(x) < 0).all()


def test_a_plan_that_is_none_is_refused() -> None:
    with pytest.raises(ProblemError, match="plan must be 'shrunk' or 'point'"):
        from_params(file_of(None), "ABC", 60_000, OrderTerms(plan="bold"))
