"""Many orders at once equal the same orders one by one."""

from dataclasses import replace

import numpy as np
import pytest

from solver import Orders, PowerLaw, Problem, ProblemError, Settings, evaluate, solve, solve_many
from tests.solver.cases import OWN, random_problem


@pytest.mark.parametrize("own", OWN)
@pytest.mark.parametrize("compiled", [True, False])
def test_ragged_batch_equals_single_solves(compiled: bool, own: str) -> None:
    settings = Settings(compiled=compiled, grid=60)
    problems = [
        replace(random_problem(np.random.default_rng(seed), 9, 9, tables=False), own_impact=own)
        for seed in range(120)
    ]
    batch = solve_many(problems, settings)
    for i, problem in enumerate(problems):
        single = solve(problem, settings=settings)
        pieces = evaluate(problem, batch.schedule(i))
        scale = single.breakdown.gross
        assert batch.objective[i] == pytest.approx(pieces.objective, abs=1e-10 * scale)
        assert batch.variance[i] == pytest.approx(pieces.variance, rel=1e-9, abs=1e-20)
        assert batch.shortfall[i] == pytest.approx(pieces.shortfall, abs=1e-9 * scale)
        assert batch.schedule(i).sum() == pytest.approx(problem.shares, rel=1e-12)
        assert batch.objective[i] <= single.objective + 1e-8 * scale
        assert batch.lower_bound[i] <= single.objective + 1e-10 * scale


def test_fields_may_be_scalars_per_order_or_per_period() -> None:
    rng = np.random.default_rng(0)
    shares, scale = np.array([100.0, 300.0, 50.0]), rng.lognormal(size=(3, 4))
    full = solve_many(
        Orders(
            shares,
            np.full(3, 4),
            scale,
            1.5,
            permanent=np.full((3, 4), 1e-3),
            risk_aversion=1e-3,
            sigma=1.0,
        )
    )
    short = solve_many(
        Orders(
            shares,
            np.full(3, 4),
            scale,
            np.full(3, 1.5),
            permanent=1e-3,
            risk_aversion=1e-3,
            sigma=1.0,
        )
    )
    assert np.array_equal(full.x, short.x)
    lone = solve(
        Problem(300.0, PowerLaw(scale[1], 1.5), permanent=1e-3, risk_aversion=1e-3, sigma=1.0)
    )
    assert full.objective[1] == pytest.approx(lone.objective, rel=1e-9)
    assert full.optimal.all()


def test_sales_and_limits_in_a_batch() -> None:
    orders = Orders(
        [100.0, 100.0], [5, 5], 1.0, 1.5, drift=0.5, cap=40.0, floor=1.0, sell=[False, True]
    )
    batch = solve_many(orders)
    for i, side in enumerate(("buy", "sell")):
        lone = solve(
            Problem(100.0, PowerLaw(1.0, 1.5), drift=0.5, cap=40.0, floor=1.0, side=side, periods=5)
        )
        assert np.abs(batch.schedule(i) - lone.x).max() <= 1e-2
        assert batch.objective[i] == pytest.approx(lone.objective, rel=1e-8)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("lengths", {"lengths": [2]}),
        ("scale", {"scale": np.ones(3)}),
        ("sigma", {"sigma": -1.0}),
        ("scale", {"scale": None}),
        ("lengths", {"lengths": [2.7, 2]}),
        ("lengths", {"lengths": "ab"}),
        ("sell", {"sell": [True, False, True]}),
        ("sell", {"sell": "x"}),
        ("exponent", {"exponent": 0.1}),
        ("own_impact", {"own_impact": "all"}),
        ("exponent", {"exponent": 9.0}),
        ("risk_aversion", {"risk_aversion": np.ones(4)}),
        ("cap", {"cap": 10.0}),
        ("floor", {"floor": 60.0}),
        ("floor must be <= cap", {"floor": [3.0, 0.0, 0.0, 0.0], "cap": [2.0, 99.0, 99.0, 99.0]}),
    ],
)
def test_batch_messages_name_the_argument(name: str, fields: dict[str, object]) -> None:
    base: dict[str, object] = {
        "shares": [100.0, 100.0],
        "lengths": [2, 2],
        "scale": 1.0,
        "exponent": 1.5,
    }
    with pytest.raises(ProblemError, match=name):
        Orders(**{**base, **fields})
    with pytest.raises(ProblemError, match="problems"):
        solve_many([])


def test_read_only_and_strided_fields_are_taken() -> None:
    scale = np.ones(4)
    expected = solve_many(Orders([10.0, 20.0], [2, 2], scale, 1.5)).x
    scale.setflags(write=False)
    for shares, field in (
        ([10.0, 20.0], scale),
        (np.arange(10.0, 50.0, 5.0)[::2][:2], np.ones(8)[::2]),
        ([10.0, 20.0], np.asfortranarray(np.ones((2, 2)))),
    ):
        assert np.array_equal(solve_many(Orders(shares, [2, 2], field, 1.5)).x, expected)


def test_half_of_a_constant_move_leaves_the_orders_separable() -> None:
    scale = np.random.default_rng(1).lognormal(size=(3, 6))
    shares, gamma = np.array([100.0, 300.0, 50.0]), np.array([0.5, 2.0, 10.0])
    plain = solve_many(Orders(shares, np.full(3, 6), scale, 1.5))
    moved = solve_many(
        Orders(shares, np.full(3, 6), scale, 1.5, permanent=gamma, own_impact="half")
    )
    assert np.array_equal(plain.x, moved.x)
    assert np.allclose(moved.objective - plain.objective, 0.5 * gamma * shares**2, rtol=1e-12)
    assert moved.optimal.all()
    assert moved.orders.problem(1).own_impact == "half"


def test_a_batch_has_one_reading() -> None:
    problems = [Problem(10.0, PowerLaw([1.0, 2.0], 1.5), own_impact=own) for own in OWN]
    with pytest.raises(ProblemError, match="own_impact"):
        solve_many(problems)


def test_a_batch_proves_what_a_solve_proves() -> None:
    problem = Problem(100.0, PowerLaw([1.0, 2.0, 1.0], 0.5), permanent=[0.3, 0.2, 0.1])
    batch = solve_many([problem])
    assert batch.optimal.all()
    corners = [evaluate(problem, 100.0 * row).objective for row in np.eye(3)]
    assert batch.objective[0] == pytest.approx(min(corners), rel=1e-12)
