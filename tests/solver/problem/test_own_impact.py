"""What a trade pays of its own permanent move: schedules that cost alike, and no money machine."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from solver import PowerLaw, Problem, TableLaw, evaluate
from tests.solver.cases import OWN, path_cost

SIZE, PERIODS = 3, 5
TRIPS = np.array(
    [
        trip
        for trip in itertools.product(range(-SIZE, SIZE + 1), repeat=PERIODS)
        if sum(trip) == 0 and any(trip)
    ],
    dtype=float,
)


def trip_costs(law: PowerLaw, gamma: float, own: str) -> np.ndarray:
    """The expected cost of each sequence of buys (+) and sells (-), the price walked trade by
    trade.
    """
    cost, price = np.zeros(len(TRIPS)), np.zeros(len(TRIPS))
    for trade in TRIPS.T:
        after = price + gamma * trade
        cost += trade * (0.5 * (price + after) if own == "half" else price)
        cost += law.cost(np.abs(trade))
        price = after
    return cost


def bending_gamma(k: float) -> float:
    """The slope at which phi turns concave within SIZE lots; where g is not convex itself, that at
    which a block's move outweighs its cost.
    """
    sizes = np.arange(1.0, SIZE + 1)
    return float((k * (k - 1.0) * sizes ** (k - 2.0) if k > 1.0 else 2.0 * sizes ** (k - 2)).min())


@pytest.mark.parametrize("spread", [0.0, 0.1])
@pytest.mark.parametrize("times", [0.5, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("k", [0.9, 1.0, 1.1, 1.5, 2.0, 2.5, 3.0, 4.0])
def test_no_round_trip_gains_where_half_of_the_own_move_is_paid(
    k: float, times: float, spread: float
) -> None:
    law, gamma = PowerLaw(1.0, k, spread), times * bending_gamma(k)
    paid, escaped = (trip_costs(law, gamma, own) for own in ("half", "none"))
    fees = law.cost(np.abs(TRIPS)).sum(axis=1)
    assert paid.min() > 0.0
    assert np.allclose(paid, fees, rtol=1e-10, atol=1e-10 * gamma)
    sizes = np.arange(1.0, SIZE + 1)
    if (law.cost(sizes) < 0.5 * gamma * sizes**2).any():
        assert escaped.min() < 0.0


@pytest.mark.parametrize("own", OWN)
@pytest.mark.parametrize("k", [0.9, 1.5, 2.5])
def test_the_package_costs_a_purchase_and_its_sale_as_walked(k: float, own: str) -> None:
    """A purchase, then its sale from the price that the purchase left."""
    law, gamma = PowerLaw(1.0, k, 0.1), 3.0 * bending_gamma(k)
    costs = trip_costs(law, gamma, own)
    least = np.inf
    for trip, walked in zip(TRIPS, costs, strict=True):
        bought = np.maximum(trip, 0.0)
        turn = np.flatnonzero(bought).max()
        if (trip[:turn] < 0.0).any():
            continue
        shares = bought.sum()
        order = Problem(shares, law, permanent=gamma, own_impact=own, periods=PERIODS)
        sale = evaluate(replace(order, side="sell"), np.maximum(-trip, 0.0)).shortfall
        total = evaluate(order, bought).shortfall + sale - gamma * shares * shares
        assert total == pytest.approx(walked, abs=1e-11 * (1.0 + gamma))
        least = min(least, total)
    assert (least < 0.0) == (own == "none")


def test_constant_permanent_impact_costs_every_schedule_alike() -> None:
    rng = np.random.default_rng(0)
    for n in (1, 2, 30, 390):
        problem = Problem(1e5, PowerLaw(1e-3, 1.5), permanent=3e-7, own_impact="half", periods=n)
        for x in (*rng.dirichlet(np.full(n, 0.2), size=20), np.eye(n)[0], np.eye(n)[-1]):
            permanent = evaluate(problem, 1e5 * x).permanent
            assert permanent == pytest.approx(0.5 * 3e-7 * 1e10, rel=1e-12)


def test_a_table_of_moves_costs_half_of_the_own_move_too() -> None:
    rng = np.random.default_rng(1)
    moves = np.outer([1.0, 2.0, 0.5], np.arange(7.0)) * 0.02
    linear = Problem(
        600.0, PowerLaw(1e-3, 1.5), permanent=moves[:, 1] / 100, lot=100.0, own_impact="half"
    )
    table = replace(linear, permanent=TableLaw(moves))
    for _ in range(20):
        x = 100.0 * rng.multinomial(6, np.ones(3) / 3)
        pieces = evaluate(table, x)
        assert pieces.permanent == pytest.approx(evaluate(linear, x).permanent, rel=1e-12)
        assert pieces.objective == pytest.approx(path_cost(table, x), rel=1e-12)
