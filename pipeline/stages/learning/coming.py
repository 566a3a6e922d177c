"""What the states of the last hour have told of the costs that came after it."""

import numpy as np
import pandas as pd

from models.learners.ahead import HORIZONS, SideDay, fit_ahead
from pipeline.engine.scope import Scope
from pipeline.engine.tables import Features
from pipeline.stages.history import past_periods
from solver.execution.coming import NAMES

SIDES = {1: ("ask", "bid"), -1: ("bid", "ask")}  # what a trade takes from, and the other


def coming_costs(days: tuple[Features, ...], scope: Scope, size: float) -> pd.DataFrame:
    """Return a row a horizon: coefficients and how far they told later days.

    size: shares, of the walks that costs are taken from. Costs are less what was usual at their
    time of day on the days before, so that the first day teaches nothing.
    """
    periods = past_periods(days, scope)
    cells = pd.concat([day.cells for day in days], ignore_index=True)
    cells = cells[cells["size"] == cells["size"].iloc[(cells["size"] - size).abs().argmin()]]
    logs = {side: _log_cost(periods, cells[cells["side"] == side]) for side in SIDES}
    table, dates = [], np.unique(periods["date"])
    for date in dates:
        today = periods["date"] == date
        before = periods["date"] < date
        sides = []
        for side, log in logs.items():
            usual = _usual(periods[before], log[before], periods[today], scope)
            sides.append(SideDay(_window(periods[today], side), log[today].to_numpy() - usual))
        table.append(sides)
    found = fit_ahead(table)
    facts = pd.DataFrame(
        {
            "periods": HORIZONS,
            "slope": found.slope,
            "slope_error": found.error,
            "r2": found.r2,
            "days": found.days,
        }
    )
    return facts.join(pd.DataFrame(found.coefficients, columns=list(NAMES)))


def _log_cost(periods: pd.DataFrame, cells: pd.DataFrame) -> pd.Series:
    """Return the log of a share's cost over mid by period, NaN where no book or cost was."""
    known = cells.set_index(["date", "period"])
    place = pd.MultiIndex.from_frame(periods[["date", "period"]])
    excess = (known["excess"] / known["size"]).reindex(place).to_numpy()
    cost = periods["half_spread"].to_numpy() + excess
    return pd.Series(np.log(np.where(cost > 0, cost, np.nan)), index=periods.index)


def _usual(before: pd.DataFrame, log: pd.Series, today: pd.DataFrame, scope: Scope) -> np.ndarray:
    """Return the mean log cost of the days before in each period's bucket, NaN where none was."""
    bucket, now = (
        np.minimum(each["period"] * scope.buckets // scope.periods, scope.buckets - 1)
        for each in (before, today)
    )
    return now.map(log.groupby(bucket).mean()).to_numpy(dtype=float)


def _window(periods: pd.DataFrame, side: int) -> np.ndarray:
    """Return the states of a side's periods, (T, 4), as `solver.execution.coming` has them."""
    own, other = (periods[f"depth_{name}_0"].to_numpy() for name in SIDES[side])
    spread = 2 * periods["half_spread"].to_numpy()
    move = side * (periods["mid_close"] - periods["mid_open"]).to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = (np.log(spread), np.log(own + 1.0), (other - own) / (other + own), move / spread)
    table = np.column_stack(columns)
    return np.where(np.isfinite(table), table, np.nan)
