"""What a night tells of its symbols: estimates that can be held against other nights', and counts
of what they come from.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from models.impact.book.cost_law import LEVEL
from pipeline.parameters.schema import SymbolParams
from pipeline.report.publish import Results
from pipeline.report.results import SymbolReport
from pipeline.retraining.distance import errs_unknown, log_costs
from pipeline.retraining.nights import Estimate, Night, SymbolTold

BPS = 1e4
COVERED = 0.975  # both tails: 95 % intervals


def told_of(results: Results, nights: Sequence[Night]) -> dict[str, SymbolTold]:
    """Return by symbol what a run has estimated; nights: before it, oldest first, whose orders'
    sizes are kept, so that costs of different nights are those of one order.
    """
    sizes = {name: told.shares for night in nights for name, told in night.symbols.items()}
    touched = results.quality.groupby("symbol")["rows"].sum()
    chosen = results.config.features.sizes == "auto"
    found = {}
    for one in results.symbols:
        params = results.params.symbols[one.symbol]
        shares = sizes.get(one.symbol) or _middle(params)
        known = not errs_unknown(params)
        table = one.calibration.parameters.set_index("name")
        found[one.symbol] = SymbolTold(
            days=one.read.days,
            walks=int(one.calibration.facts["observations"].iloc[0]),
            touched=int(touched.get(one.symbol, 0)),
            shares=shares,
            cost=_cost(params, one, shares, known),
            sizes=tuple(one.calibration.sizes["size"].tolist()) if chosen else (),
            **{name: _estimate(table.loc[name], known) for name in ("k", "beta", "gamma")},
        )
    return found


def _middle(params: SymbolParams) -> float:
    """Return the geometric middle of the sizes that the law was fitted on."""
    least, most = params.fitted_shares or (params.reference.depth_shares,) * 2
    return max(float(np.sqrt(least * most)), 1.0)


def _estimate(row: pd.Series, known: bool) -> Estimate:
    ends = [float(row[end]) for end in ("low", "high")]
    if not known or not np.isfinite(ends).all():
        return Estimate(value=float(row["value"]))
    return Estimate(value=float(row["value"]), low=ends[0], high=ends[1])


def _cost(
    params: SymbolParams, report: SymbolReport, shares: float, known: bool
) -> Estimate | None:
    """Return what an order costs by the law; the interval is t's, of the least degrees of freedom
    among levels and k, on the log.
    """
    logs, matrix = log_costs(params, np.array([shares]), params.reference)
    unit = BPS / (shares * params.reference.price)
    value = unit * float(np.exp(logs[0]))
    if not np.isfinite(value):
        return None
    table = report.calibration.parameters
    used = table["name"].str.startswith(LEVEL) | (table["name"] == "k")
    dof = table.loc[used, "dof"].min()  # of those that are estimated
    if not known or not np.isfinite(dof):
        return Estimate(value=value)
    reach = float(stats.t.ppf(COVERED, dof) * np.sqrt(max(matrix[0, 0], 0.0)))
    ends = unit * np.exp(logs[0] + np.array([-reach, reach]))
    return Estimate(value=value, low=float(ends[0]), high=float(ends[1]))
