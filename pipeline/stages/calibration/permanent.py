"""Permanent impact from a symbol's history: the long-run response, held below the immediate one."""

import numpy as np
import pandas as pd

from models.impact.flow.bounded import BoundedImpact, bounded_impact, error_correlation
from models.impact.flow.immediate import fit_immediate
from models.impact.flow.permanent import permanent_impact
from models.impact.flow.trades import ImmediateSums
from pipeline.engine.scope import Scope
from pipeline.engine.tables import Features
from pipeline.stages.history import MANY_DAYS


def permanent_of(
    days: tuple[Features, ...], states: pd.DataFrame, scope: Scope, dof: float
) -> BoundedImpact:
    """Return gamma and what it is a share of, from blocks and periods that ended by `as_of`.

    states: past periods with mid_open, mid_close, flow, stretch and start; dof: of gamma's
    interval.
    """
    table = pd.concat([day.immediate for day in days], ignore_index=True)
    table = table[table["end"] <= scope.as_of].sort_values(["end", "lag"], ignore_index=True)
    change = (states["mid_close"] - states["mid_open"]).to_numpy()
    stretch = states["stretch"].to_numpy(dtype=np.int64)
    long_run = permanent_impact(change, states["flow"].to_numpy(), stretch)
    ends, block = np.unique(table["end"], return_inverse=True)
    held = np.searchsorted(ends, states["start"], side="right")  # the block that holds a period
    if table["date"].nunique() >= MANY_DAYS:
        day, _ = pd.factorize(table["date"])
        of_block = np.append(pd.Series(day).groupby(block).first().to_numpy(), day.max() + 1)
        block, held = day.astype(np.int64), of_block[held]
    columns = {name: table[name].to_numpy() for name in ImmediateSums.__dataclass_fields__}
    immediate = fit_immediate(ImmediateSums(**(columns | {"block": block})))
    return bounded_impact(long_run, immediate, error_correlation(long_run, held, immediate), dof)
