"""Cost by rate against cost by size, orders that ended early, and the market taken out."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import least_squares as reference

from benchmarks.orders import SHAPES, TRUTHS, recovered_book
from benchmarks.simulated_orders import BY_SIZE, Truth, fills_as_orders, simulated_book
from models.impact.orders import PUBLISHED, Almgren, Form, OrderShape, ParentOrders, fit_orders
from models.impact.orders.equations import FREE, weighted_rows
from models.impact.orders.least_squares import least_squares
from models.impact.orders.market import MarketMoves, without_market

SEEDS = range(900, 912)
RATE, SIZE, EQUAL = TRUTHS["Almgren"], TRUTHS["size alone"], TRUTHS["equal durations"]


def codes(fit) -> set[str]:
    return {caveat.code for caveat in fit.warnings}


@pytest.mark.parametrize(("name", "told"), [("Almgren", "rate"), ("size alone", "size")])
def test_the_right_law_is_told_and_its_costs_are_the_truths(name: str, told: str) -> None:
    found = recovered_book(SEEDS, TRUTHS[name])
    assert found.told[told] >= len(SEEDS) - 2
    error = found.costs.std(axis=0, ddof=1) / np.sqrt(len(SEEDS))
    assert (error < 0.6).all()  # so that the next line says something
    assert (np.abs(found.costs.mean(axis=0) - TRUTHS[name].costs(SHAPES)) < 3 * error).all()
    assert found.held.mean() > 0.85


def test_by_rate_alone_is_off_by_bps_where_cost_goes_by_size() -> None:
    orders = [simulated_book(seed, SIZE) for seed in SEEDS]
    told = [fit_orders(one, form=Form()).fitted.cost_bps(SHAPES[2])[0] for one in orders]
    free = [fit_orders(one).fitted.cost_bps(SHAPES[2])[0] for one in orders]
    assert abs(np.mean(told) - SIZE.costs(SHAPES)[2]) > 3.0
    assert abs(np.mean(free) - SIZE.costs(SHAPES)[2]) < 1.5


def test_equal_durations_cannot_tell_and_both_costs_are_there() -> None:
    fit = fit_orders(simulated_book(1, EQUAL))
    assert "duration_not_told" in codes(fit)
    assert fit.form.duration == "rate"
    assert fit.other is not None
    assert fit.other.law.tau == 0
    at, elsewhere = OrderShape(0.05, 0.2, 0.02), OrderShape(0.05, 0.05, 0.02)
    assert fit.other.cost_bps(at)[0] == pytest.approx(fit.fitted.cost_bps(at)[0], rel=1e-3)
    assert fit.fitted.cost_bps(elsewhere)[0] > 1.5 * fit.other.cost_bps(elsewhere)[0]


def test_a_law_between_both_is_told_to_be_neither() -> None:
    between = Truth(Almgren(0.314, 0.3, 0.6, 0.3))
    fits = [fit_orders(simulated_book(seed, between)) for seed in range(4)]
    free = [fit for fit in fits if fit.form.duration == FREE]
    assert len(free) >= 3
    assert all("duration_exponent_free" in codes(fit) for fit in free)
    assert abs(np.mean([fit.law.tau for fit in free]) - 0.3) < 0.1


def test_free_exponents_equal_a_general_solvers() -> None:
    orders = simulated_book(3, SIZE)
    fit = fit_orders(orders, form=Form(FREE))
    x, s, t, h = orders.participation, orders.volatility, orders.duration, orders.horizon
    deviation = s * np.sqrt(h / 4 - t / 6)

    def residuals(p: np.ndarray) -> np.ndarray:
        law = Almgren(0.0, *p).temporary(x, s, t)
        return (orders.paid - orders.permanent / 2 - law) / deviation

    best = reference(residuals, [0.5, 0.5, 0.1], xtol=1e-14, ftol=1e-14, gtol=1e-14)
    assert fit.values[1:] == pytest.approx(best.x, rel=1e-3, abs=1e-4)


def test_errors_of_unfinished_orders_are_those_of_numerical_derivatives() -> None:
    orders = simulated_book(4, TRUTHS["Almgren, cancelled"])
    rows, form = weighted_rows(orders), Form(FREE)
    fit = least_squares(rows, form)

    def score(values: np.ndarray) -> np.ndarray:
        one, two = rows.residuals(values)
        first, second = rows.instruments(fit.values)
        return fit.weight[0, 0] * first.T @ one + fit.weight[1, 1] * second.T @ two

    step = 1e-6
    numeric = np.column_stack(
        [
            (score(fit.values - step * e) - score(fit.values + step * e)) / 2 / step
            for e in np.eye(4)
        ]
    )
    assert fit.bread(rows) == pytest.approx(numeric, rel=1e-5, abs=1e-4)
    assert np.abs(np.linalg.solve(numeric, score(fit.values))).max() < 1e-3


def test_cancelled_orders_are_kept_without_bias_and_dropping_them_has_much() -> None:
    truth = TRUTHS["Almgren, cancelled"]
    kept = recovered_book(SEEDS, truth)
    error = kept.costs.std(axis=0, ddof=1) / np.sqrt(len(SEEDS))
    assert (error < 0.7).all()
    assert (np.abs(kept.costs.mean(axis=0) - truth.costs(SHAPES)) < 3 * error).all()
    for other in ("dropped", "fills"):
        found = recovered_book(SEEDS[:4], truth, other)
        assert found.costs.mean(axis=0)[0] - truth.costs(SHAPES)[0] < -5.0, other


def test_whole_orders_need_no_completion_and_an_unfilled_one_bears_no_cost() -> None:
    orders = simulated_book(5, RATE)
    whole = replace(orders, filled=None)
    assert fit_orders(whole).values.tolist() == fit_orders(orders).values.tolist()
    assert fit_orders(orders).n_unfinished == 0
    rows = weighted_rows(replace(orders, filled=np.zeros(len(orders))))
    one, two = rows.residuals(fit_orders(orders).values)
    assert (one == rows.y).all()
    assert (two == rows.w).all()
    assert not replace(orders, filled=np.full(len(orders), 1.5)).usable.any()
    some = simulated_book(5, TRUTHS["Almgren, cancelled"])
    assert fit_orders(some).n_unfinished == (some.filled < 1).sum() > 100
    assert (fills_as_orders(some).participation == some.participation * some.filled).all()


def in_a_market(seed: int, share: float = 0.5) -> tuple[ParentOrders, MarketMoves]:
    """Return a book whose moves are for that share a market's, which was measured."""
    rng = np.random.default_rng(seed)
    quiet = simulated_book(seed, Truth(PUBLISHED))
    days = np.unique(quiet.day, return_inverse=True)[1]
    beta = rng.uniform(0.8, 1.2, len(quiet))
    daily = rng.standard_normal(days.max() + 1)[days]
    own = 0.9 * rng.standard_normal(len(quiet)) + np.sqrt(1 - 0.81) * daily
    scale = quiet.volatility * np.sqrt(quiet.horizon) * np.sqrt(share / (1 - share))
    moves = MarketMoves(scale * own, scale * own / 2 * 1.1, beta)
    moved = replace(
        quiet,
        permanent=quiet.permanent + beta * moves.permanent,
        paid=quiet.paid + beta * moves.paid,
    )
    return moved, moves


def test_the_markets_move_taken_out_leaves_the_law_and_makes_errors_smaller() -> None:
    raw, known, told = [], [], []
    for seed in range(20, 32):
        moved, moves = in_a_market(seed)
        adjusted, share = without_market(moved, moves)
        assert share.standard_error == 0
        common, found = without_market(moved, replace(moves, beta=None))
        assert abs(found.beta - 1) < 4 * found.standard_error + 0.02
        assert 0.3 < found.variance < 0.7
        raw.append(fit_orders(moved).values[0])
        known.append(fit_orders(adjusted).values[0])
        told.append(fit_orders(common).values[0])
    for values in (known, told):
        assert abs(np.mean(values) - PUBLISHED.gamma) < 3 * np.std(values, ddof=1) / np.sqrt(12)
        assert np.std(values) < 0.9 * np.std(raw)


def test_the_published_table_has_no_duration_of_its_own() -> None:
    size, state = np.array([0.1]), (np.array([0.02]), np.array([0.2]))
    assert PUBLISHED.temporary(size, *state) == pytest.approx(0.142 * 0.02 * 0.5**0.6)
    assert BY_SIZE.temporary(size, *state) == pytest.approx(0.66 * 0.02 * 0.1**0.5)
