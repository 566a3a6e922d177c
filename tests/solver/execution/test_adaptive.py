"""The plan made anew: as first planned while the market is as forecast, otherwise where it is not.

The market of these tests is the law itself, its spread and what is beyond it times given factors.
"""

from dataclasses import replace

import numpy as np
import pytest

from solver import ImpactLaw, PowerLaw, Problem, solve
from solver.execution import Adaptive, Past, Scheduled, Seen
from solver.execution.adaptive import by_minute, carried, deviations, persistence

PERIODS, MINUTE, REACH = 20, 6, 400.0
HOUR = 60 * MINUTE
PERIOD = np.repeat(np.arange(PERIODS), MINUTE)[2:]  # the order begins within its first period
RNG = np.random.default_rng(8)
LAW = ImpactLaw(
    alpha=2e-4 * RNG.uniform(0.5, 2.0, PERIODS),
    k=1.7,
    spread=0.02 * RNG.uniform(0.9, 1.1, PERIODS),
    volatility=np.ones(PERIODS),
    liquidity=np.ones(PERIODS),
)
POWER = replace(LAW, spread=np.zeros(PERIODS))  # its spread is within the power


def problem(
    shares: float, law: ImpactLaw, risk_aversion: float = 1e-3, cap: float = 0.2
) -> Problem:
    return Problem(
        shares, law.temporary, permanent=1e-6, sigma=RNG.uniform(0.02, 0.04, PERIODS),
        risk_aversion=risk_aversion, cap=cap * shares, own_impact="half",
    )  # fmt: skip


def policy(shares: float, law: ImpactLaw = LAW, risk_aversion: float = 1e-3) -> Adaptive:
    return Adaptive(problem(shares, law, risk_aversion), law, PERIOD, MINUTE, REACH)


def seen(
    moment: int, left: float, shares: float, law: ImpactLaw = LAW, factors: np.ndarray | None = None
) -> Seen:
    """Return a moment of the market.

    factors: (HOUR + 1, 2) of the spread and of what is beyond it, the present last.
    """
    number = np.arange(moment - HOUR, moment + 1)
    place = PERIOD[np.maximum(number, 0)]
    wider, thinner = (np.ones((HOUR + 1, 2)) if factors is None else factors).T
    ends = np.array([0.0, 0.1, 0.5, 1.0, 2.0]) * REACH  # what walking to an end costs is the law's
    beyond = np.diff(ends**law.k) / np.diff(ends)
    half = np.asarray(law.spread)[place] * wider
    over = half[:, None] + (law.scale[place] * thinner)[:, None] * beyond
    size = np.broadcast_to(np.diff(ends), over.shape)
    flat = np.zeros(len(number))
    past = Past(number, over, size, 2 * half, flat + 100.0, flat)
    return Seen(
        moment, len(PERIOD), shares, left, over[-1], size[-1], 2 * float(half[-1]), 0.0, 0.0, past
    )


def first_plan(chosen: Adaptive) -> Scheduled:
    weight = solve(chosen.problem).x / np.bincount(PERIOD)
    return Scheduled.by_weight(weight[PERIOD])


@pytest.mark.parametrize("law", [LAW, POWER])
@pytest.mark.parametrize("risk_aversion", [0.0, 1e-3])
@pytest.mark.parametrize("shares", [40.0, 5_003.0])
def test_as_forecast_it_trades_as_first_planned(
    law: ImpactLaw, risk_aversion: float, shares: float
) -> None:
    chosen = policy(shares, law, risk_aversion)
    plan, left = first_plan(chosen), shares
    for moment in range(len(PERIOD)):
        now = seen(moment, left, shares, law)
        trade = chosen.decide(now).shares
        assert trade == plan.decide(now).shares, moment
        left -= trade
    assert left == 0


def trade(factors: np.ndarray, chosen: Adaptive | None = None) -> float:
    """Return what is traded of 5,000 shares at the tenth moment, none being behind the plan."""
    chosen = chosen or policy(5_000.0)
    left = 5_000.0 * (1.0 - float(np.asarray(first_plan(chosen).target)[9]))
    return chosen.decide(seen(10, np.rint(left), 5_000.0, chosen.law, factors)).shares


def noise() -> np.ndarray:
    """Return factors about 1 without memory: a minute's deviation tells nothing of the next."""
    rng = np.random.default_rng(5)
    minutes = np.exp(0.05 * rng.choice([-1.0, 1.0], size=(HOUR // MINUTE, 2)))
    return np.vstack([np.repeat(minutes, MINUTE, axis=0)[:1], np.repeat(minutes, MINUTE, axis=0)])


@pytest.mark.parametrize("column", [0, 1])
def test_it_waits_while_the_last_minute_is_dear_and_hurries_while_it_is_cheap(column: int) -> None:
    sizes = []
    for factor in (2.0, 1.0, 0.5):
        factors = noise()
        factors[-MINUTE:] = 1.0
        factors[-MINUTE:, column] = factor
        sizes.append(trade(factors))
    assert sizes[0] < 0.9 * sizes[1]
    assert sizes[2] > 1.1 * sizes[1]


def test_a_market_dearer_all_hour_long_moves_nothing() -> None:
    neutral = policy(5_000.0, risk_aversion=0.0)
    as_planned = trade(np.ones((HOUR + 1, 2)), neutral)
    assert as_planned > 0
    assert trade(np.full((HOUR + 1, 2), 3.0), neutral) == as_planned
    assert trade(np.full((HOUR + 1, 2), 3.0)) < trade(np.ones((HOUR + 1, 2)))  # risk weighs less


def test_a_change_known_to_last_moves_less_than_one_that_passes() -> None:
    passing, lasting = noise(), np.ones((HOUR + 1, 2))
    passing[-MINUTE:] = 2.0
    lasting[-20 * MINUTE :] = 2.0
    neutral = policy(5_000.0, risk_aversion=0.0)
    as_planned = trade(np.ones((HOUR + 1, 2)), neutral)
    assert trade(passing, neutral) < trade(lasting, neutral) < as_planned


def test_what_the_band_left_over_is_planned_although_the_caps_cannot_hold_it() -> None:
    chosen = policy(5_000.0)  # a period takes at most 1,000
    child = chosen.decide(seen(len(PERIOD) - MINUTE, 4_000.0, 5_000.0))
    assert child.shares == pytest.approx(4_000.0 / MINUTE, abs=1.0)
    assert chosen.decide(seen(len(PERIOD) - 1, 4_000.0, 5_000.0)).shares == 4_000.0


def test_deviations_are_those_of_the_books() -> None:
    factors = np.column_stack([np.linspace(0.5, 2.0, HOUR + 1), np.linspace(3.0, 1.0, HOUR + 1)])
    now = seen(30, 1.0, 1.0, LAW, factors)
    place = PERIOD[np.maximum(now.past.moment, 0)]
    spread, beyond = deviations(now.past, LAW, place, REACH)
    assert spread[0] / spread[1] == pytest.approx(factors[:, 0])
    assert beyond[0] / beyond[1] == pytest.approx(factors[:, 1])
    spread, _ = deviations(now.past, POWER, place, REACH)
    assert not spread[0].any()  # nothing is known of a spread that the law has not


def test_states_by_the_minute_and_how_they_are_carried() -> None:
    minute = np.array([3, 1, 1, 0, 0])
    found = by_minute(
        np.array([1.0, 2.0, 4.0, 0.0, 0.0]), np.array([1.0, 1.0, 3.0, 1.0, 1.0]), minute
    )
    assert found == pytest.approx([0.01, 1.5, np.nan, 1.0], nan_ok=True)
    assert carried(np.full(3, np.nan), np.arange(2.0)).tolist() == [1, 1]
    assert carried(np.array([2.0, 1.0]), np.arange(3.0)).tolist() == [2, 2, 2]  # too few to tell
    ratio = np.exp(np.tile([0.4, 0.4, -0.4, -0.4], 5))  # its autocorrelation is about 0
    path = carried(ratio, np.array([0.0, 50.0]))
    assert path == pytest.approx([ratio[0], ratio.mean()])


def test_persistence_is_the_autoregression() -> None:
    rng = np.random.default_rng(3)
    series, shocks = np.empty(20_000), rng.normal(size=20_000)
    series[0] = shocks[0]
    for t in range(1, len(series)):
        series[t] = 0.7 * series[t - 1] + shocks[t]
    assert persistence(series) == pytest.approx(0.7, abs=4 * np.sqrt((1 - 0.7**2) / 20_000))
    assert persistence(np.array([1.0, -1.0, 1.0, -1.0])) == 0.0
    assert persistence(np.ones(5)) == 0.0
    assert persistence(np.array([1.0, np.nan, -1.0, 0.0])) == 0.0  # no two in a row move alike


def test_a_law_without_a_spread_has_all_of_the_cost_in_its_power() -> None:
    factors = noise()
    factors[-MINUTE:, 1] = 2.0
    chosen = policy(5_000.0, POWER)
    assert isinstance(chosen.problem.law, PowerLaw)
    assert trade(factors, chosen) < 0.9 * trade(noise(), chosen)
