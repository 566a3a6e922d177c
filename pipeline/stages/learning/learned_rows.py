"""Cells of the past as learners take them, and the law in the states that they know."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.impact.book.cost_law import CostLawFit
from models.learners import CausalTable, CostRows
from solver import ImpactLaw

STATES = ("log_volatility", "log_thinness", "log_half_spread", "log_depth", "time")


@dataclass(frozen=True, eq=False)
class LawOfStates:
    """A fitted law where states are rows of `STATES`; periods: of a session."""

    fit: CostLawFit
    periods: int

    def at(self, states: np.ndarray) -> ImpactLaw:
        """Return the law in these states, (n, 5), one entry a row."""
        volatility, thinness, half_spread = np.exp(states[:, :3].T)
        buckets = len(self.fit.alpha)
        period = np.rint(states[:, STATES.index("time")] * self.periods).astype(int)
        bucket = np.minimum(period * buckets // self.periods, buckets - 1)
        law = self.fit.at(bucket, volatility, thinness)
        return ImpactLaw(alpha=law.scale, k=law.k, spread=half_spread * self.fit.family.has_spread)


def states_of(frame: pd.DataFrame) -> np.ndarray:
    """Return the rows' `STATES`, (n, 5), from columns as `past_cells` has them."""
    names = ("volatility", "thinness", "expected_half_spread", "expected_depth")
    return np.column_stack([*(np.log(frame[name]) for name in names), frame["time"]])


def cost_rows(cells: pd.DataFrame, periods: pd.DataFrame) -> CostRows:
    """Return rows of `comparable_cells` for learners, in time order; costs of 0 are left out.

    periods: of the history, date, period, start, end. States are predictions, known when the
    period before them had ended, the time of day since ever. Groups are days, the cells' clusters
    of a single one.
    """
    known = cells[cells["observed"] > 0].merge(
        periods[["date", "period", "start", "end"]], on=["date", "period"]
    )
    known = known.sort_values(["start", "side", "size"], ignore_index=True)
    ends = np.sort(periods["end"].to_numpy())
    start = known["start"].to_numpy()
    before = np.searchsorted(ends, start, side="right") - 1
    told = np.where(before >= 0, ends[np.maximum(before, 0)], start)
    many_days = known["date"].nunique() > 1
    group = known["date"].astype("category").cat.codes if many_days else known["cluster"]
    states = CausalTable(STATES, states_of(known), np.repeat(told[:, None], 5, axis=1), start)
    columns = (known[name].to_numpy() for name in ("size", "observed", "end"))
    return CostRows(states, *columns, group.to_numpy(dtype=np.int64))
