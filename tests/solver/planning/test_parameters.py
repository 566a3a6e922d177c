"""From the parameter file to a problem: every field against the file, windows, children, errors."""

import copy
import json

import numpy as np
import pytest

from solver import (
    OrderTerms,
    ProblemError,
    child_orders,
    evaluate,
    from_params,
    periods_within,
    quadratic_approximation,
    sensitivities,
    slice_factor,
    solve,
    uncertainty_of,
)

N, LEVELS = 12, 3
NAMES = [*(f"log_alpha_{level}" for level in range(LEVELS)), "k", "beta", "theta", "gamma"]


@pytest.fixture
def params() -> dict:
    """A file of version 2 as `json.load` gives it."""
    rng = np.random.default_rng(4)
    half = rng.normal(size=(len(NAMES), len(NAMES))) * 0.01
    half[-1] *= 1e-8
    periods = [
        {
            "i": i,
            "start": f"2025-02-03T{14 + (30 + 5 * i) // 60}:{(30 + 5 * i) % 60:02d}:00+00:00",
            "alpha": 3e-4 * (1 + 0.1 * i),
            "volatility": 0.8 + 0.05 * i,
            "liquidity": 1.2 - 0.03 * i,
            "sigma": 0.1,
            "spread": 0.01 + 0.0005 * i,
            "volume": 40_000.0 + 100 * i,
        }
        for i in range(N)
    ]
    one = {
        "reference": {"price": 100.0, "depth_shares": 900.0, "volume_shares": 40_000.0},
        "law": {"family": "spread_power", "k": 1.6, "beta": 0.5, "gamma": 2e-7, "theta": 0.9},
        "covariance": {"names": NAMES, "matrix": (half @ half.T).tolist()},
        "periods": periods,
        "slicing": {
            "half_life_seconds": 4.0,
            "half_life_upper_seconds": 6.0,
            "lasting": 0.2,
            "least_child_shares": 100.0,
        },
    }
    content = {
        "schema": "impact-params/2",
        "calendar": {"timezone": "America/New_York", "periods": N, "period_seconds": 300},
        "symbols": {"ABC": one},
        "something new": {"readers": "leave it aside"},
    }
    return json.loads(json.dumps(content))


def test_every_field_is_the_files(params: dict) -> None:
    terms = OrderTerms(
        slices=1, max_participation=0.1, lot=100, risk_aversion=1e-6, side="sell", plan="point"
    )
    problem = from_params(params, "ABC", 20_000, terms)
    rows = params["symbols"]["ABC"]["periods"]
    for i, row in enumerate(rows):
        scale = row["alpha"] * (1 + 0.5 * row["volatility"]) * row["liquidity"]
        assert problem.law.scale[i] == pytest.approx(scale, rel=1e-14)
        assert problem.law.spread[i] == row["spread"]
        assert problem.cap[i] == 100 * np.floor(0.1 * row["volume"] / 100)
    assert (problem.n, problem.shares, problem.lot, problem.side) == (N, 20_000, 100, "sell")
    assert np.all(problem.permanent == 2e-7)
    assert (problem.price, problem.risk_aversion, problem.own_impact) == (100.0, 1e-6, "half")
    assert solve(problem, integer=True).x.sum() == 20_000


def test_periods_that_hold_less_than_a_lot_share_their_lots(params: dict) -> None:
    """Five shares are expected a period and half may be traded: a lot of five in every second."""
    for row in params["symbols"]["ABC"]["periods"]:
        row["volume"] = 5.0
    problem = from_params(params, "ABC", 10, OrderTerms(slices=1, max_participation=0.5, lot=5))
    np.testing.assert_array_equal(problem.cap[:4], [0, 5, 0, 5])
    assert np.all(np.cumsum(problem.cap) <= 0.5 * 5 * np.arange(1, N + 1))
    params["symbols"]["ABC"]["periods"][2]["volume"] = 13.0  # holds one of its own: rounded down
    problem = from_params(params, "ABC", 10, OrderTerms(slices=1, max_participation=0.5, lot=5))
    np.testing.assert_array_equal(problem.cap[:4], [0, 5, 5, 0])


def test_a_window_is_read_in_the_calendars_zone(params: dict) -> None:
    assert periods_within(params, "ABC", OrderTerms(start="09:40", end="10:00")) == [2, 3, 4, 5]
    terms = OrderTerms(start="2025-02-03T14:45:00+00:00", slices=1, plan="point")
    problem = from_params(params, "ABC", 10_000, terms)
    assert problem.n == N - 3
    assert problem.law.spread[0] == params["symbols"]["ABC"]["periods"][3]["spread"]
    drifts = np.arange(N) * 1e-4
    drifting = from_params(params, "ABC", 10_000, OrderTerms(start="09:45", drift=drifts))
    np.testing.assert_array_equal(drifting.drift, drifts[3:])
    with pytest.raises(ProblemError, match="no period begins"):
        periods_within(params, "ABC", OrderTerms(start="16:30"))
    with pytest.raises(ProblemError, match="write it as 10:30"):
        periods_within(params, "ABC", OrderTerms(start="noon"))


def test_children_are_as_many_as_the_refill_favours_and_their_size_allows(params: dict) -> None:
    one = params["symbols"]["ABC"]
    many = child_orders(params, "ABC", 120_000, OrderTerms())
    cost = {m: slice_factor(m, 300 / m, 6.0, 0.2, 1.6) for m in range(1, 101)}
    fewest = next(m for m in cost if cost[m] <= 1.05 * min(cost.values()))
    assert many == fewest > 1
    assert child_orders(params, "ABC", 3 * N * 100 + 1, OrderTerms()) <= 3
    assert child_orders(params, "ABC", 500, OrderTerms()) == 1
    sliced = from_params(params, "ABC", 60_000, OrderTerms(slices=4))
    whole = from_params(params, "ABC", 60_000, OrderTerms(slices=1))
    factor = slice_factor(4, 75.0, 4.0, 0.2, 1.6)
    np.testing.assert_allclose(sliced.law.scale, factor * np.asarray(whole.law.scale), rtol=1e-14)
    one["slicing"] |= {"half_life_seconds": None, "half_life_upper_seconds": None}
    assert child_orders(params, "ABC", 120_000, OrderTerms()) == 1


def test_errors_of_the_file_are_those_of_the_cost(params: dict) -> None:
    """Move each parameter of the file and cost the same schedule: the delta method's slopes."""
    x = np.full(N, 1000.0)
    terms = OrderTerms(slices=1)

    def cost(content: dict) -> float:
        return evaluate(from_params(content, "ABC", x.sum(), terms), x).shortfall

    step, slopes = 1e-5, []
    for name in NAMES:
        ends = []
        for sign in (1, -1):
            moved = copy.deepcopy(params)
            one = moved["symbols"]["ABC"]
            if name.startswith("log_alpha_"):
                for row in one["periods"]:
                    if row["i"] * LEVELS // N == int(name[-1]):
                        row["alpha"] *= np.exp(sign * step)
            elif name == "theta":
                for row in one["periods"]:
                    row["liquidity"] *= (40_000.0 / row["volume"]) ** (sign * step)
            else:
                one["law"][name] += sign * step * (1e-7 if name == "gamma" else 1.0)
            ends.append(cost(moved))
        slopes.append((ends[0] - ends[1]) / (2 * step * (1e-7 if name == "gamma" else 1.0)))
    matrix = np.array(params["symbols"]["ABC"]["covariance"]["matrix"])
    exact = float(np.sqrt(np.array(slopes) @ matrix @ np.array(slopes)))
    known = uncertainty_of(params, "ABC")
    found = sensitivities(from_params(params, "ABC", x.sum(), terms), x)
    gradient = np.array([found[name] for name in known.names])
    common = float(np.sqrt(gradient @ np.asarray(known.covariance) @ gradient))
    assert common == pytest.approx(exact, rel=0.05)  # one common error stands for the periods'


def test_what_cannot_be_stated_is_refused(params: dict) -> None:
    old = params | {"schema": "impact-params/1"}
    with pytest.raises(ProblemError, match=r"impact-params/2, found impact-params/1.*impact run"):
        from_params(old, "ABC", 100)
    with pytest.raises(ProblemError, match="XYZ: not in the parameter file; it has ABC"):
        from_params(params, "XYZ", 100)
    with pytest.raises(ProblemError, match="more than any plan can hold"):
        from_params(params, "ABC", 1e9)
    with pytest.raises(ProblemError, match="min-participation"):
        from_params(params, "ABC", 1000, OrderTerms(min_participation=0.1))
    with pytest.raises(ProblemError, match="one a period of the file"):
        from_params(params, "ABC", 1000, OrderTerms(drift=[0.1, 0.2]))


def test_a_law_without_depth_stays_within_it(params: dict) -> None:
    one = params["symbols"]["ABC"]
    one["law"] |= {"family": "linear", "k": 1.0}
    assert np.max(from_params(params, "ABC", 10_000).cap) == 900
    assert np.max(from_params(params, "ABC", 20_000).cap) > 900  # depth cannot hold it


def test_the_quadratic_programme_touches_the_law_at_the_pace(params: dict) -> None:
    problem = from_params(params, "ABC", 24_000, OrderTerms(slices=1, plan="point"))
    pace = np.linspace(1000, 3000, N)
    near = quadratic_approximation(problem, pace)

    def marginal(one: object, x: np.ndarray) -> np.ndarray:
        law = one.law
        return (law.cost(x + 0.5) - law.cost(x - 0.5)).astype(float)

    np.testing.assert_allclose(marginal(near, pace), marginal(problem, pace), rtol=1e-6)
    np.testing.assert_allclose(
        marginal(near, pace + 1) - marginal(near, pace - 1),
        marginal(problem, pace + 1) - marginal(problem, pace - 1),
        rtol=1e-4,
    )
    best, quick = solve(problem).x, solve(near).x
    costs = [evaluate(problem, x).shortfall for x in (best, quick, np.full(N, 2000.0))]
    assert costs[0] <= costs[1] <= costs[2]


def test_periods_that_are_no_tail_of_the_session_are_refused(params: dict) -> None:
    one = params["symbols"]["ABC"]
    whole, params["valid"] = one["periods"], {"to": "2025-02-03T15:30:00+00:00"}
    for kept in (whole[:4], whole[:3] + whole[4:], whole[3:6], [*whole, whole[-1]]):
        one["periods"] = kept
        with pytest.raises(ProblemError, match=f"lists {len(kept)} of the session's {N} periods"):
            from_params(params, "ABC", 100)
    one["periods"] = whole[3:]
    assert from_params(params, "ABC", 100).n == N - 3
    one["periods"], params["valid"] = whole[:5], {"to": "2025-02-03T14:55:00+00:00"}
    assert from_params(params, "ABC", 100).n == 5  # the session closes after the fifth


def test_a_window_of_a_session_over_midnight_is_of_its_own_days(params: dict) -> None:
    params["calendar"]["timezone"] = "America/Chicago"
    hours = [f"2025-01-05T{hour}:00:00+00:00" for hour in range(23, 24)]
    hours += [f"2025-01-06T{hour:02d}:00:00+00:00" for hour in range(N - 1)]  # 17:00 to 04:00
    for one, start in zip(params["symbols"]["ABC"]["periods"], hours, strict=True):
        one["start"] = start

    def places(start: str | None, end: str | None) -> list[int]:
        return periods_within(params, "ABC", OrderTerms(start=start, end=end))

    assert places("22:00", "02:00") == [5, 6, 7, 8]
    assert places("01:00", None) == [8, 9, 10, 11]
    assert places("17:00", "18:30") == [0, 1]
    assert places(None, "17:00") == list(range(N))  # of the next day, when the session ends
    assert places("2025-01-05T20:00", "2025-01-05T22:00") == [3, 4]
