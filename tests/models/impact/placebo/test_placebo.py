"""Placebos: what a shuffle keeps and breaks, rates, and effects that vanish."""

from functools import partial

import numpy as np
import pytest
from scipy import stats

from benchmarks.placebo import false_positives, no_beta, no_gamma
from benchmarks.simulated_orders import simulated
from models.impact.book.cost_law import Family, fit_law
from models.impact.placebo.book import estimate_states, planted_states, scrambled_states
from models.impact.placebo.flow import FlowSample, estimate_flow, scrambled_flow, shuffled_flow
from models.impact.placebo.orders import (
    estimate_impact,
    planted_orders,
    random_sides,
    shuffled_orders,
)
from models.impact.placebo.replicates import ABOVE, KEPT, TWO_SIDED, Estimates, run_placebo
from models.impact.placebo.shuffles import shuffle_blocks, shuffle_signs, shuffle_within

BOTH = (ABOVE, TWO_SIDED)


def normal(rng: np.random.Generator, mean: float = 0.0, error: float = 1.0) -> Estimates:
    return Estimates(("z",), np.array([mean + rng.standard_normal()]), np.array([error]))


def impacted(seed: int, gamma: float = 1e-5) -> FlowSample:
    """Return a day in which a share moves the mid by gamma, and one of imbalance as far."""
    quiet = no_gamma(np.random.default_rng(seed))
    return FlowSample(
        quiet.change + gamma * (quiet.volume + quiet.imbalance),
        quiet.volume,
        quiet.imbalance,
        np.repeat([0, 1], len(quiet.change) // 2),
    )


def test_a_shuffle_keeps_every_row_in_its_group() -> None:
    group = np.array([2, 0, 2, 1, 0, 2, 1])
    found = {tuple(shuffle_within(group, np.random.default_rng(seed))) for seed in range(400)}
    assert len(found) == 6 * 2 * 2  # every order within the groups, and no other
    assert all((group[list(order)] == group).all() for order in found)


def test_signs_move_within_the_day_and_sizes_stay() -> None:
    value, day = np.array([3.0, -1.0, 0.0, 2.0, -5.0, -4.0]), np.array([0, 0, 0, 0, 1, 1])
    found = np.array(
        [shuffle_signs(value, day, np.random.default_rng(seed)) for seed in range(100)]
    )
    assert (np.abs(found) == np.abs(value)).all()
    assert ((found[:, :4] < 0).sum(axis=1) == 1).all()
    assert (found[:, 4:] == value[4:]).all()
    assert {tuple(row[:4] < 0).index(True) for row in found} == {0, 1, 3}


def test_blocks_stay_whole_and_within_their_day() -> None:
    day = np.repeat([7, 3], [10, 6])
    order = shuffle_blocks(day, 4, np.random.default_rng(1))
    assert sorted(order) == list(range(16))
    assert (day[order] == day).all()
    blocks = {(0, 1, 2, 3), (4, 5, 6, 7), (8, 9), (10, 11, 12, 13), (14, 15)}
    cuts = (
        np.flatnonzero((np.diff(order) != 1) | np.isin(order[1:], [each[0] for each in blocks])) + 1
    )
    assert {tuple(part) for part in np.split(order, cuts)} == blocks
    assert any(
        (shuffle_blocks(day, 4, np.random.default_rng(seed)) != np.arange(16)).any()
        for seed in range(3)
    )


def test_exact_errors_reject_at_the_level_and_halved_ones_are_reported() -> None:
    right = run_placebo("right", normal(np.random.default_rng(0)), normal, BOTH, (2000, 1))
    assert not right.warnings
    for one in right.findings:
        assert abs(one.rate - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 2000)
        low, high = (
            stats.beta.ppf(
                tail, one.rejected + more, 2000 - one.rejected + 1 - more
            )  # Clopper-Pearson
            for tail, more in ((0.005, 0), (0.995, 1))
        )
        assert (one.low, one.high) == pytest.approx((low, high))
    small = run_placebo(
        "small", normal(np.random.default_rng(0)), partial(normal, error=0.5), BOTH, (400, 1)
    )
    assert [caveat.code for caveat in small.warnings] == ["placebo_rejects"] * 2
    expected = 2 * stats.norm.sf(stats.norm.isf(0.025) / 2)
    assert abs(small.findings[1].rate - expected) < 4 * np.sqrt(expected * (1 - expected) / 400)


def test_few_clusters_take_students_quantile_and_a_fixed_zero_is_no_effect() -> None:
    one = Estimates(("a", "b"), np.array([2.0, -2.5]), np.ones(2), freedom=5)
    assert one.rejects(TWO_SIDED).tolist() == [False, False]  # t(5) has 2.571 there
    assert one.rejects(ABOVE).tolist() == [False, False]  # and 2.015
    assert Estimates(("a", "b"), np.array([2.02, -3.0]), np.ones(2), 5).rejects(ABOVE).tolist() == [
        True,
        False,
    ]
    assert Estimates(("a", "b"), np.array([0.0, 0.4]), np.array([0.0, 9.0])).rejects(
        KEPT
    ).tolist() == [False, True]


def test_the_result_does_not_depend_on_the_order_of_the_work() -> None:
    def backwards(work, tasks):
        return [work(task) for task in tasks[::-1]][::-1]

    runs = [
        run_placebo("same", normal(np.random.default_rng(0)), normal, BOTH, (60, 3), how)
        for how in (map, backwards)
    ]
    assert runs[0] == runs[1]
    assert runs[0] != run_placebo("same", normal(np.random.default_rng(0)), normal, BOTH, (60, 4))


def test_failed_replicates_are_counted_and_most_of_them_refused() -> None:
    def fragile(rng: np.random.Generator, share: float) -> Estimates:
        if rng.random() < share:
            raise ValueError("mid_change: too few")
        return normal(rng)

    some = run_placebo(
        "some", normal(np.random.default_rng(0)), partial(fragile, share=0.2), BOTH, (100, 0)
    )
    assert some.failed > 0
    assert some.replicates + some.failed == 100
    with pytest.raises(ValueError, match=r"^estimate: .* of 100 replicates"):
        run_placebo(
            "most", normal(np.random.default_rng(0)), partial(fragile, share=0.8), BOTH, (100, 0)
        )
    with pytest.raises(ValueError, match=r"^draws: 10 replicates"):
        run_placebo("few", normal(np.random.default_rng(0)), normal, BOTH, (10, 0))


@pytest.mark.parametrize("scramble", [shuffled_flow, scrambled_flow])
def test_planted_impact_of_flow_vanishes(scramble) -> None:
    sample = impacted(4)
    found = estimate_flow(sample)
    assert (found.values > 3 * found.errors).all()
    placebo = run_placebo("flow", found, partial(scramble, sample), BOTH, (60, 0))
    assert not placebo.warnings
    for one in placebo.findings:
        assert abs(one.mean) < 4 * one.sd / np.sqrt(60)
        assert abs(one.mean) < 0.15 * one.estimate


def test_planted_impact_of_orders_vanishes() -> None:
    orders = simulated(2, n=6000, days=60)
    found = estimate_impact(orders, 0.6)
    assert found.values[1] > 3 * found.errors[1]
    for scramble in (random_sides, planted_orders):
        placebo = run_placebo("orders", found, partial(scramble, orders, 0.6), BOTH, (60, 0))
        assert not placebo.warnings
        for one in placebo.findings:
            assert abs(one.mean) < 4 * one.sd / np.sqrt(60)


def test_sides_shuffled_in_the_day_leave_what_its_net_side_and_the_market_share() -> None:
    orders = simulated(2, n=6000, days=60)
    lean = np.bincount(orders.day, np.sign(orders.participation)) / np.bincount(orders.day)
    market = (
        0.05 * lean[orders.day] * orders.volatility
    )  # prices rise on days of buying, whoever buys
    moved = type(orders)(
        **(
            vars(orders)
            | {"permanent": orders.permanent + market, "paid": orders.paid + market / 2}
        )
    )
    rates = [
        run_placebo(
            "orders", estimate_impact(moved, 0.6), partial(scramble, moved, 0.6), (ABOVE,), (50, 0)
        ).findings[0]
        for scramble in (shuffled_orders, random_sides)
    ]
    plain = run_placebo(
        "orders",
        estimate_impact(orders, 0.6),
        partial(shuffled_orders, orders, 0.6),
        (ABOVE,),
        (50, 0),
    ).findings[0]
    assert rates[0].mean - plain.mean > 4 * rates[0].sd / np.sqrt(50)
    assert abs(rates[1].mean) < 4 * rates[1].sd / np.sqrt(50)


def test_planted_sensitivity_to_states_vanishes() -> None:
    quiet = no_beta(np.random.default_rng(6))
    excess = quiet.excess * (1 + 0.8 * quiet.volatility) * quiet.thinness**0.5
    cells = type(quiet)(**(vars(quiet) | {"excess": excess}))
    found = estimate_states(cells)
    assert (found.values > 3 * found.errors).all()
    period = np.repeat(np.arange(len(cells.size) // 3), 3)
    law = fit_law(cells, Family.SPREAD_POWER, 1)
    for estimate in (partial(scrambled_states, cells, period), partial(planted_states, cells, law)):
        placebo = run_placebo("book", found, estimate, (KEPT,), (50, 0))
        assert not placebo.warnings
        assert all(one.mean < 0.15 * one.estimate for one in placebo.findings)


@pytest.mark.parametrize("route", ["flow", "book", "orders"])
def test_simulated_data_without_the_effect_reject_at_the_level(route: str) -> None:
    assert not false_positives(route, 50, seed=9).warnings
