"""Learned curves in states that were forecast: of the periods to be traded, of held-out days."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from models.forecast.intraday.sparse.totals import liquidity_volume
from models.learners import FittedCurve
from pipeline.engine.scope import Scope
from pipeline.engine.tables import Forecast
from pipeline.stages.history import References, references
from pipeline.stages.learning.learned_models import stored
from pipeline.stages.learning.learned_rows import states_of

COLUMNS = ["learner", "period", "size", "cost"]


def curves_to_come(
    curves: Mapping[str, FittedCurve], forecast: Forecast, periods: pd.DataFrame, scope: Scope
) -> pd.DataFrame:
    """Return each curve's costs at its knots in the states forecast of the periods to be traded;
    nothing of one that found nothing beside the law.
    """
    level, past = references(periods, forecast.states), forecast.states["volume"].to_numpy()
    return _tabulated(curves, forecast.horizon, _states(forecast.horizon, level, past, scope))


def curves_of_days(
    curves: Mapping[str, FittedCurve],
    forecast: Forecast,
    periods: pd.DataFrame,
    scope: Scope,
    dates: list[str],
) -> pd.DataFrame:
    """Return the same of past days, each in the states forecast of it before it came, by date.

    States are over the levels of the whole history, as they were in the rows that the curves were
    fitted to.
    """
    level = references(periods, forecast.states)
    tables = [pd.DataFrame(columns=["date", *COLUMNS])]
    for date in dates:
        today = forecast.shape[forecast.shape["date"] == date]
        told = today.pivot(index="period", columns="series", values="forecast").reset_index()
        past = forecast.states.loc[forecast.states["date"] < date, "volume"].to_numpy()
        states = _states(told, level, past, scope)
        tables.append(_tabulated(curves, told, states).assign(date=date))
    return pd.concat([one for one in tables if len(one)] or tables, ignore_index=True)


def _states(told: pd.DataFrame, level: References, past: np.ndarray, scope: Scope) -> np.ndarray:
    """Return what learners take of states forecast by period; past: volumes expected before."""
    frame = pd.DataFrame(
        {
            "volatility": told["volatility"] / level.volatility,
            "thinness": level.volume / liquidity_volume(told["volume"].to_numpy(), past),
            "expected_half_spread": told["half_spread"],
            "expected_depth": told["depth"],
            "time": told["period"] / scope.periods,
        }
    )
    return states_of(frame)


def _tabulated(
    curves: Mapping[str, FittedCurve], told: pd.DataFrame, states: np.ndarray
) -> pd.DataFrame:
    tables = [pd.DataFrame(columns=COLUMNS)]
    for name, curve in curves.items():
        if not stored(curve.model) or not np.isfinite(states).all():
            continue
        knots, periods = curve.knots, told["period"].to_numpy()
        rows = {
            "learner": name,
            "period": np.repeat(periods, len(knots)),
            "size": np.tile(knots, len(periods)),
            "cost": curve.curve(states, knots).ravel(),
        }
        tables.append(pd.DataFrame(rows))
    return pd.concat([one for one in tables if len(one)] or tables, ignore_index=True)
