"""What a replay is held against: prices of the market, and the cost that the parameters told."""

from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np

from models.tca.benchmark_prices import BenchmarkPrices, MarketTrades, benchmark_prices
from models.tca.mid_path import MidPath
from models.tca.shortfall import BPS
from pipeline.engine.config import AllocateConfig
from pipeline.engine.errors import InputError
from pipeline.parameters.schema import Params
from pipeline.planning.order import stated_curve, stated_tilt
from pipeline.planning.plan import planned_trades
from pipeline.planning.plan_costs import costed
from pipeline.replay.moments import trading_seconds
from pipeline.replay.replay import Played
from pipeline.replay.sheet.tables import ACCOUNTING
from pipeline.replay.study import ReplayResult
from solver import sensitivities, uncertainty_of

OVER_MID = ("scale", "exponent", "spread")  # what the cost over mid depends on


@dataclass(frozen=True)
class ToldCost:
    """What the parameter file's plan was told to cost over mid, without permanent impact.

    cost, error: currency; error: a standard error from the parameters, not from the forecasts of
    spread, volume and volatility. NaN, and `note` says why, where the file does not know them.
    """

    cost: float
    error: float
    note: str = ""

    def in_bps(self, amount: float, played: Played) -> float:
        """Return an amount of it in bps of shares x arrival."""
        return BPS * amount / (played.stage.shares * abs(played.books.arrival))


def told_cost(params: Params, symbol: str, order: AllocateConfig) -> ToldCost:
    """Return what the plan that `allocate` makes of the order should cost over mid.

    Source: the delta method, e.g. van der Vaart (1998), "Asymptotic Statistics", theorem 3.1.
    """
    try:
        shares = planned_trades(params, symbol, order)
        tilt = stated_tilt(params, symbol, order)
        curve = stated_curve(params, symbol, order, tilt)
    except InputError as error:
        return ToldCost(np.nan, np.nan, f"no plan: {error}")
    parts = costed(tilt.problem, curve, shares)
    known = uncertainty_of(params.model_dump(by_alias=True), symbol)
    slopes = sensitivities(tilt.problem, shares)
    slope = np.array([slopes[name] if name in OVER_MID else 0.0 for name in known.names])
    variance = float(slope @ np.asarray(known.covariance) @ slope)
    cost = parts.spread + parts.temporary
    if variance <= 0:
        return ToldCost(cost, np.nan, "the file knows no error of its cost over mid")
    return ToldCost(cost, float(np.sqrt(variance)))


def prices_of(result: ReplayResult, played: Played) -> BenchmarkPrices:
    """Return the benchmark prices from a phase's first moment to the order's end.

    Arrival is that of the shortfall: the mid at the first moment that had a book.
    """
    path, prints = result.path, result.prints
    seconds = partial(trading_seconds, result.session.stretches, origin=result.session.open_ns)
    session = MidPath(seconds(path.start), seconds(path.until), path.mid)
    trades = MarketTrades(seconds(prints.ts), prints.price, prints.size)
    stage = played.stage
    span = np.array([stage.times[stage.first], stage.clock.end])
    start, end = seconds(span).tolist()
    return replace(
        benchmark_prices(session, trades, start, end), arrival=float(played.books.arrival)
    )


def slippage(result: ReplayResult, told: ToldCost) -> dict[str, dict[str, float]]:
    """Return by policy how much dearer it was than each benchmark, bps, means over the phases.

    `told`: cost over mid less the told one; NaN where shares stayed unfilled.
    """
    prices = [prices_of(result, played) for played in result.played]
    found: dict[str, dict[str, float]] = {}
    for name in result.names:
        rows = [
            _against(played, name, price, told)
            for played, price in zip(result.played, prices, strict=True)
        ]
        found[name] = {key: _mean([row[key] for row in rows]) for key in rows[0]}
    return found


def _against(played: Played, name: str, price: BenchmarkPrices, told: ToldCost) -> dict[str, float]:
    run, stage = played.done[name, ACCOUNTING], played.stage
    whole = run.fills.shares.sum() >= stage.shares
    over = run.parts.over_mid - told.in_bps(told.cost, played) if whole else np.nan
    return asdict(price.slippage(run.fills, stage.sign)) | {"told": over}


def _mean(values: list[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else np.nan
