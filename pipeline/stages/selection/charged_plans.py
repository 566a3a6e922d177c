"""What each candidate's plan would have cost on held-out days, planned from the days before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from models.forecast.evaluation.shape import joint_moments, shape_slope
from models.forecast.intraday.sparse.totals import liquidity_volume
from models.impact.book.cost_law import CostLawFit, fit_law
from models.impact.book.families import Family
from models.tca.day_curves import DayCurves
from pipeline.engine.scope import Scope
from pipeline.engine.tables import Features, Forecast
from pipeline.parameters.shape_record import PastShapes
from pipeline.stages.calibration.calibrated_states import calibrated_states
from pipeline.stages.history import (
    law_cells,
    past_cells,
    past_periods,
    past_states,
    references,
    shown,
)
from solver import ImpactLaw, Problem, log_ratios, solve
from solver.planning.curves import believed_curve, solve_curve
from solver.planning.shape import Shape
from solver.planning.tilt import Tilt, as_far_as_paid

SIZE = 0.01  # of the volume forecast for the periods to be traded
LOTS = 1000  # that an order is worked in under a learned curve
TWAP, KNOWN = "twap", "clairvoyant"
LAWS = ("volatility", "volume", "half_spread")  # series that laws use


@dataclass(frozen=True, eq=False)
class Rivals:
    """Whose plans are charged: laws by name, and learned curves, as `Learned.held_curves`.

    behind: the law that learned curves go on with.
    """

    families: Mapping[str, Family]
    curves: pd.DataFrame
    behind: str


@dataclass(frozen=True, eq=False)
class ChargedDay:
    """One held-out day. plans: (H,) shares by candidate; cost: bps over mid, the mean of both
    sides, of every candidate's plan, of TWAP, and of who knew every curve.
    """

    date: str
    plans: dict[str, np.ndarray]
    cost: dict[str, float]


def charged_day(
    days: tuple[Features, ...], forecast: Forecast, rivals: Rivals, scope: Scope, date: str
) -> ChargedDay:
    """Plan an order of 1 % of the forecast volume by every candidate and charge the day's own
    walks.

    A law is fitted to the days before, its states are those forecast of the day then, and its shape
    is believed as far as the days before tell: what would have been exported, less what symbols
    lend each other. A learned curve, fitted before the held-out days, is believed as far as the
    states of the law behind it. Both sides trade the same plan. What is permanent is the same for
    all plans.
    Raises: ValueError when nothing can be fitted, or the day shows no book.
    """
    before = _before(forecast, date)
    past = tuple(day for day in days if str(day.periods["date"].iloc[0]) < date)
    today = next(day for day in days if str(day.periods["date"].iloc[0]) == date)
    told = _told(forecast, date)
    told = told[told.index.isin(today.periods["period"])]  # of a half day, no more
    shares = float(max(1, round(SIZE * float(told["volume"].sum()))))
    even = np.full(len(told), shares / len(told))
    tilts = {
        name: tilted(past, before, told, Settings(family, shares, scope))
        for name, family in rivals.families.items()
    }
    plans = {name: _plan(tilt, even) for name, (tilt, _) in tilts.items()}
    learned = rivals.curves[rivals.curves["date"] == date]
    for name, curve in learned.groupby("learner"):
        plans[str(name)] = _learned_plan(*tilts[rivals.behind], curve, told.index, even)
    curves = _curves(today, told.index.to_numpy())
    cost = {name: _mean(curves, lambda one, x=x: one.charge(x)) for name, x in plans.items()}
    cost[TWAP] = _mean(curves, lambda one: one.charge(even))
    cost[KNOWN] = _mean(curves, lambda one: one.least(shares))
    notional = shares * float(today.periods["mid_open"].dropna().iloc[0])
    return ChargedDay(date, plans, {name: 1e4 * each / notional for name, each in cost.items()})


@dataclass(frozen=True)
class Settings:
    """A law's family, the order's shares, the run's scope."""

    family: Family
    shares: float
    scope: Scope


def tilted(
    days: tuple[Features, ...], forecast: Forecast, told: pd.DataFrame, settings: Settings
) -> tuple[Tilt, ImpactLaw]:
    """Return the order's problem for the day after `days`, and the law at the states forecast.

    told: the day's states, by period. Raises: ValueError when nothing can be fitted.
    """
    scope = settings.scope
    cells = past_cells(days, forecast, scope)
    periods = past_periods(days, scope)
    known = cells["volatility"].notna() & cells["thinness"].notna()
    calibrated = calibrated_states(past_states(periods, forecast, cells))
    cells = shown(calibrated.moved(cells[known]))
    fit = fit_law(law_cells(cells, scope.half_life), settings.family, scope.buckets)
    point = _law(fit, told, periods, forecast, scope)
    shape = _shape(fit, point, cells, forecast, told, scope)

    def stated(share: float) -> tuple[Problem, ImpactLaw]:
        law = shape.law(point, share)
        return Problem(shares=settings.shares, law=law.temporary), law

    return as_far_as_paid(shape, point, stated), point


def _plan(tilt: Tilt, even: np.ndarray) -> np.ndarray:
    """Return a law's plan, (H,) shares; evenly spread where its optimum is a corner."""
    return even if tilt.law.k <= 1.0 else np.asarray(solve(tilt.problem).x)


def _learned_plan(
    tilt: Tilt, point: ImpactLaw, curve: pd.DataFrame, periods: pd.Index, even: np.ndarray
) -> np.ndarray:
    """Return a learned curve's plan, (H,) shares, evenly spread where the law's is."""
    if tilt.law.k <= 1.0:
        return even
    wide = curve.pivot(index="period", columns="size", values="cost").loc[periods]
    knots = wide.columns.to_numpy(dtype=float)
    ratio = log_ratios(point, knots, wide.to_numpy(dtype=float))
    flat = ratio.mean(axis=0)
    problem = replace(tilt.problem, lot=tilt.problem.shares / LOTS)
    return np.asarray(
        solve_curve(problem, believed_curve(tilt, point, knots, flat, ratio - flat)).x
    )


def _law(
    fit: CostLawFit, told: pd.DataFrame, periods: pd.DataFrame, forecast: Forecast, scope: Scope
) -> ImpactLaw:
    """Return the law at the states forecast of the day, a period an entry."""
    level = references(periods, forecast.states)
    bucket = np.minimum(told.index.to_numpy() * scope.buckets // scope.periods, scope.buckets - 1)
    volume = liquidity_volume(told["volume"].to_numpy(), forecast.states["volume"].to_numpy())
    volatility = told["volatility"].to_numpy() / level.volatility
    law = fit.at(bucket, volatility, level.volume / volume)
    return replace(law, spread=told["half_spread"].to_numpy() * fit.family.has_spread)


def _shape(
    fit: CostLawFit,
    point: ImpactLaw,
    cells: pd.DataFrame,
    forecast: Forecast,
    told: pd.DataFrame,
    scope: Scope,
) -> Shape:
    """Return how far the days before tell to believe the day's shape."""
    logs, came = PastShapes(
        told=forecast.shape,
        levels=_own_levels(cells, fit, scope.buckets),
        places=told.index.to_numpy(),
        periods=scope.periods,
        theta=fit.theta,
        has_spread=fit.family.has_spread,
    ).logs()
    states = (point.volatility, point.liquidity, point.spread, point.alpha)
    weight = [shape_slope(one, other).weight for one, other in zip(logs, came, strict=True)]
    return Shape(
        weight=np.array(weight),
        flat=np.array([float(np.mean(state)) for state in states]),
        joint=joint_moments(logs, came),
    )


def _own_levels(cells: pd.DataFrame, fit: CostLawFit, buckets: int) -> pd.DataFrame:
    """Return the logs of alpha that every day's walks alone give, (D, B), NaN where none cost."""
    columns = ("size", "half_spread", "bucket", "volatility", "thinness")
    size, half_spread, *state = (cells[name].to_numpy() for name in columns)
    spread = half_spread * size * (not fit.family.has_spread)
    table = cells[["date", "bucket"]].assign(
        observed=cells["excess"].to_numpy() + spread, fitted=fit.at(*state).cost(size)
    )
    sums = table.dropna().groupby(["date", "bucket"]).sum()
    ratio = (sums["observed"] / sums["fitted"]).where(sums["observed"] > 0)
    return np.log(ratio).unstack("bucket").reindex(columns=range(buckets)) + np.log(fit.alpha)


def _before(forecast: Forecast, date: str) -> Forecast:
    """Return what was forecast of the days before."""
    return replace(
        forecast,
        states=forecast.states[forecast.states["date"] < date].reset_index(drop=True),
        shape=forecast.shape[forecast.shape["date"] < date].reset_index(drop=True),
    )


def _told(forecast: Forecast, date: str) -> pd.DataFrame:
    """Return the states forecast of a day before it came: a row a period, its number the index."""
    table = forecast.shape[(forecast.shape["date"] == date) & forecast.shape["series"].isin(LAWS)]
    return table.pivot(index="period", columns="series", values="forecast").dropna()


def _curves(day: Features, places: np.ndarray) -> list[DayCurves]:
    """Return the day's walks over mid at its periods to be traded, by side."""
    cells = day.cells.merge(day.periods[["period", "half_spread"]], on="period")
    cells = cells.assign(cost=cells["excess"] + cells["half_spread"] * cells["size"])
    found = []
    for _, side in cells.groupby("side"):
        wide = side.pivot(index="period", columns="size", values="cost").reindex(places)
        found.append(DayCurves(wide.columns.to_numpy(dtype=float), wide.to_numpy(dtype=float)))
    return found


def _mean(curves: list[DayCurves], charge: Callable[[DayCurves], float]) -> float:
    return float(np.mean([charge(one) for one in curves]))
