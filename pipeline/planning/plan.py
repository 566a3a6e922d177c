"""The plan of an order: by the method asked for, or even where the optimum would be a corner."""

from dataclasses import replace

import numpy as np

from pipeline.engine.config import AllocateConfig
from pipeline.engine.errors import InputError
from pipeline.parameters.schema import Params
from pipeline.planning.order import order_terms, stated_curve, stated_problem, stated_tilt
from pipeline.planning.plan_costs import costed, of_law
from solver import (
    KnottedLaw,
    PowerLaw,
    Problem,
    ProblemError,
    Settings,
    Solution,
    certify,
    periods_within,
    quadratic_approximation,
    solve,
    solve_curve,
)

UNASKED = Settings(max_cells=10_000_000)  # of a programme that nobody asked for: some seconds
QUICK = Settings(max_cells=1_000_000)  # of one beside a plan that is waited for: .1 s
TIE = 1e-12  # of the cost: plans no further apart cost the same


def planned_problem(params: Params, symbol: str, order: AllocateConfig) -> Problem:
    """Return the problem whose optimum is the order's plan: as stated, or spread evenly.

    Raises: InputError when the order cannot be stated.
    """
    stated = stated_problem(params, symbol, order)
    spread = spreads(order, params.symbols[symbol].law.k)
    return _spread(stated, np.ones(stated.n)) if spread else stated


def planned_trades(params: Params, symbol: str, order: AllocateConfig) -> np.ndarray:
    """Return the plan that `plan_order` calls optimal, and nothing beside it: shares by period.

    Raises: InputError when the order cannot be planned as asked.
    """
    tilt = stated_tilt(params, symbol, order)
    curve = stated_curve(params, symbol, order, tilt)
    content, terms = params.model_dump(by_alias=True), order_terms(params, symbol, order)
    section = params.symbols[symbol]
    chosen = periods_within(content, symbol, terms)
    volume = np.array([section.periods[place].volume for place in chosen])
    return asked_plan(tilt.problem, curve, order, section.law.k, volume).x


def asked_plan(
    stated: Problem, curve: KnottedLaw | None, order: AllocateConfig, k: float, volume: np.ndarray
) -> Solution:
    """Return the plan by the method asked for, under the learned curve where there is one.

    Raises: InputError when the method does not fit the order.
    """
    twap = spread_evenly(stated, np.ones(stated.n))
    try:
        if order.method == "qp":
            return of_law(quadratic_plan(stated, volume), curve)
        if spreads(order, k):
            return of_law(certify(stated, twap, "even"), curve)
        if curve is not None and order.method != "nlp":
            found = lattice_plan(stated, curve)
        else:
            found = solve(
                stated,
                method=order.method,
                integer=order.method != "nlp",
                settings=Settings() if order.method == "dp" else UNASKED,
            )
            found = of_law(found, curve)
    except ProblemError as error:
        raise InputError(f"method {order.method}: {error}") from error
    pieces, own = costed(stated, curve, twap), costed(stated, curve, found.x)
    as_good = pieces.objective <= own.objective + TIE * own.gross
    same = replace(found, x=twap, breakdown=pieces, variance=pieces.variance)
    return same if as_good else found


def spreads(order: AllocateConfig, k: float) -> bool:
    """Tell whether the optimum would be a corner, and the order is spread evenly instead."""
    return k <= 1.0 and order.plan == "shrunk" and order.method == "auto"


def lattice_plan(
    stated: Problem, curve: KnottedLaw | None, settings: Settings = UNASKED
) -> Solution:
    """Return the plan in whole lots by the dynamic programme."""
    if curve is None:
        return solve(stated, method="dp", integer=True, settings=settings)
    return solve_curve(stated, curve)


def quadratic_plan(stated: Problem, volume: np.ndarray) -> Solution:
    """Return the quadratic programme's plan in whole lots, costed under the law itself."""
    pace = stated.shares * volume / volume.sum()
    found = solve(quadratic_approximation(stated, pace), integer=True)
    return certify(stated, found.x, "qp")


def spread_evenly(stated: Problem, weight: np.ndarray) -> np.ndarray:
    """Return TWAP (equal weights) or VWAP (by volume) under the order's caps, shares.

    Minimising sum x^2/weight makes x proportional to the weight wherever no cap binds, in whole
    lots, so that the benchmark is a plan that could be traded.
    """
    return solve(_spread(stated, weight), integer=True).x


def _spread(stated: Problem, weight: np.ndarray) -> Problem:
    """Return the problem whose optimum is in proportion to the weight, under the order's caps."""
    return replace(
        stated,
        law=PowerLaw(scale=1.0 / weight, exponent=2.0),
        permanent=0.0,
        drift=0.0,
        sigma=0.0,
        risk_aversion=0.0,
    )
