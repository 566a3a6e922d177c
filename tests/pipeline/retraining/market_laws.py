"""The laws of planted markets as a night's file has them, of so many of their days."""

from dataclasses import replace

import numpy as np
import pandas as pd

from models.impact.book.cost_law import fit_law
from models.impact.book.families import Family
from pipeline.engine.tables import Forecast
from pipeline.parameters.schema import Law, Params, Period, Reference, SymbolParams
from pipeline.parameters.sections import Matrix
from pipeline.stages.calibration.calibrated_states import calibrated_states
from pipeline.stages.history import law_cells, past_cells, past_periods, past_states, references
from tests.pipeline.stages.cell_markets import SIZES, CellMarket


def file_of(market: CellMarket, states: pd.DataFrame, days: int) -> Params:
    """Return what distances are told from, of a market's first days; states: predicted."""
    used = market.days[:days]
    states = states[states["date"] <= used[-1].periods["date"].iloc[0]]
    forecast = Forecast(states, *[pd.DataFrame()] * 8)
    scope = replace(market.scope, buckets=1)
    cells, periods = past_cells(used, forecast, scope), past_periods(used, scope)
    calibrated = calibrated_states(past_states(periods, forecast, cells))
    cells = cells[cells["volatility"].notna() & cells["thinness"].notna()]
    fit = fit_law(law_cells(calibrated.moved(cells)), Family.SPREAD_POWER, 1)
    fit = calibrated.with_errors(fit, cells, fit.family, 1)
    value, level = dict(zip(fit.names, fit.values, strict=True)), references(periods, states)
    alpha = float(np.exp(value.pop("log_alpha_0")))
    symbol = SymbolParams.model_construct(
        law=Law.model_construct(family=fit.family.value, **value),
        reference=Reference(
            price=level.price,
            volatility=level.volatility,
            volume_shares=level.volume,
            depth_shares=SIZES[-1],
        ),
        periods=(Period.model_construct(alpha=alpha),),
        covariance=Matrix(names=fit.names, matrix=tuple(map(tuple, fit.covariance.matrix))),
        extrapolation=None,
        warnings=(),
    )
    return Params.model_construct(symbols={"A": symbol})
