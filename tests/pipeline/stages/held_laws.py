"""Laws fitted to markets made of cost cells, beside what was planted."""

import numpy as np
import pandas as pd
from scipy import stats

from models.impact.book.cost_law import fit_law, is_level
from models.impact.book.families import Family
from pipeline.engine.tables import Forecast
from pipeline.stages.calibration.calibrated_states import calibrated_states
from pipeline.stages.history import (
    law_cells,
    past_cells,
    past_periods,
    past_states,
    references,
    thinness,
)
from tests.pipeline.stages.cell_markets import BLOCKS, CellMarket

WALKS = (100.0, 500.0, 3000.0)  # shares: what orders of these sizes cost at reference states


def law_held(market: CellMarket, forecast: Forecast) -> pd.DataFrame:
    """Fit the law alone and return `held`, alpha at average liquidity by the planted elasticity."""
    cells = past_cells(market.days, forecast, market.scope)
    periods = past_periods(market.days, market.scope)
    calibrated = calibrated_states(past_states(periods, forecast, cells))
    cells = cells[cells["volatility"].notna() & cells["thinness"].notna()]
    fit = fit_law(law_cells(calibrated.moved(cells)), Family.SPREAD_POWER, BLOCKS)
    fit = calibrated.with_errors(fit, cells, fit.family, BLOCKS)
    error, reach = fit.covariance.standard_errors, fit.covariance.reach()
    thin = _thin(market, forecast.states)
    value = fit.values + is_level(fit.names) * np.log((thin**market.world.theta).mean())
    columns = {"name": fit.names, "value": value, "standard_error": error}
    columns |= {"dof": fit.covariance.dof, "low": value - reach, "high": value + reach}
    table = pd.DataFrame(columns)
    table.loc[error == 0, ["standard_error", "dof", "low", "high"]] = np.nan
    return held(market, forecast.states, table, fit.covariance.matrix)


def held(
    market: CellMarket, states: pd.DataFrame, table: pd.DataFrame, covariance: np.ndarray
) -> pd.DataFrame:
    """Return estimates beside the truth: name, off, truth, error, dof, low and high of off.

    table: the parameters as `Calibration` has them. Walks of three sizes are among them, with the
    fewest degrees of freedom of the law's parameters.
    """
    level = references(past_periods(market.days, market.scope), states)
    liquidity = float((_thin(market, states) ** market.world.theta).mean())
    truth = market.truth(level.volatility, level.volume, liquidity)
    names, value = table["name"].tolist(), table["value"].to_numpy()
    planted = np.array([truth[name] for name in names])
    rows = pd.DataFrame(
        {
            "name": [name[:9] for name in names],
            "off": value - planted,
            "truth": planted,
            "error": table["standard_error"],
            "dof": table["dof"],
            "low": table["low"] - planted,
            "high": table["high"] - planted,
        }
    )
    levels, k, beta = is_level(names), names.index("k"), names.index("beta")
    of_beta, dof = value[beta], table["dof"][table["name"] != "gamma"].min()
    walks = []
    for size in WALKS:
        weight = levels / levels.sum()
        off = weight @ (value - planted) + np.log(size) * (value[k] - planted[k])
        off += np.log1p(of_beta) - np.log1p(planted[beta])
        weight[k], weight[beta] = np.log(size), 1 / (1 + of_beta)
        error = np.sqrt(weight @ covariance @ weight)
        reach = stats.t.ppf(0.975, dof) * error
        ends = {"low": off - reach, "high": off + reach}
        walk = {"name": f"walk {size:.0f}", "off": off, "truth": np.nan, "error": error}
        walks.append(walk | {"dof": dof} | ends)
    return pd.concat([rows, pd.DataFrame(walks)], ignore_index=True)


def _thin(market: CellMarket, states: pd.DataFrame) -> np.ndarray:
    level = references(past_periods(market.days, market.scope), states)
    return thinness(states, level).dropna().to_numpy()
