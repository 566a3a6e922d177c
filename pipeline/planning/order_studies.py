"""What an order can be asked beside its plan: the price of risk, robustness, the value function."""

import time
from io import BytesIO

import numpy as np

from pipeline.engine.config import AllocateConfig
from pipeline.engine.errors import InputError
from pipeline.engine.run_log import LOG
from pipeline.engine.store import write_file
from pipeline.parameters.schema import Params
from pipeline.planning.order import order_terms, stated_curve, stated_problem, stated_tilt
from pipeline.planning.value_table import value_table
from solver import ProblemError, evaluate, frontier, periods_within, robust, solve, uncertainty_of

RISKS = 8  # risk aversions of a frontier besides 0
PATIENCE = 3.0  # seconds of work that are not foretold


def frontier_text(params: Params, symbol: str, order: AllocateConfig) -> str:
    """Return cost and standard deviation along the frontier, from no risk aversion upward.

    The risk aversions are spaced around the one at which the risk of the cheapest plan is charged
    as much as the plan costs. What will take long is said first, by the time of the cheapest.
    """
    stated, started = stated_problem(params, symbol, order), time.perf_counter()
    cheapest = solve(stated, method="nlp").breakdown
    seconds = (time.perf_counter() - started) * (RISKS + 1)
    if seconds > PATIENCE:
        LOG.info("frontier: %d more plans, about %.0f s", RISKS + 1, seconds)
    scale = cheapest.shortfall / cheapest.variance if cheapest.variance > 0 else 0.0
    grid = np.concatenate([[0.0], abs(scale) * np.geomspace(1e-3, 1e2, RISKS)])
    found = frontier(stated, grid if scale else grid[:1])
    notional = stated.price * stated.shares
    lines = [f"{'risk aversion':>14}{'cost':>14}{'bps':>9}{'std. dev.':>14}{'bps':>9}"]
    for one, cost, variance in zip(
        found.risk_aversion, found.shortfall, found.variance, strict=True
    ):
        deviation = np.sqrt(variance)
        lines.append(
            f"{one:>14.3g}{cost:>14,.2f}{1e4 * cost / notional:>9.2f}{deviation:>14,.2f}"
            f"{1e4 * deviation / notional:>9.2f}"
        )
    return "\n".join(["frontier (continuous plans)", *lines])


def robust_text(params: Params, symbol: str, order: AllocateConfig, radius: float) -> str:
    """Return what the plan costs that is best against errors of `radius` standard errors.

    Raises: InputError when there is no such plan.
    """
    stated = stated_problem(params, symbol, order)
    known = uncertainty_of(params.model_dump(by_alias=True), symbol)
    try:
        found = robust(stated, known, radius)
    except ProblemError as error:
        raise InputError(f"--robust {radius:g}: {error}") from error
    nominal = evaluate(stated, found.x).shortfall
    return (
        f"robust plan against errors of {radius:g} standard errors: expected cost {nominal:,.2f}, "
        f"at worst {found.worst:,.2f} (no plan is below {found.lower_bound:,.2f}); it costs "
        f"{found.price_bps:.3g} bps above the best plan if the parameters are right"
    )


def write_value_function(params: Params, symbol: str, order: AllocateConfig, path: str) -> str:
    """Write V(s, t) to a Parquet file and say what it holds.

    Raises: InputError when there are too many states or the file cannot be written.
    """
    tilt = stated_tilt(params, symbol, order)
    curve = stated_curve(params, symbol, order, tilt)
    content, terms = params.model_dump(by_alias=True), order_terms(params, symbol, order)
    places = periods_within(content, symbol, terms)
    periods = [params.symbols[symbol].periods[place].i for place in places]
    table = value_table(tilt.problem, curve, periods)
    buffer = BytesIO()
    table.to_parquet(buffer, index=False)
    try:
        write_file(path, buffer.getvalue())
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
    return (
        f"value function: {path}, {len(table):,} states of period and shares left in lots of "
        f"{order.lot:,}"
    )
