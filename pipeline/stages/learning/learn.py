"""Learn: machine-learning regressors of an order's cost, validated in time order, for one
symbol.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.forecast.intraday.sparse.totals import liquidity_volume
from models.impact.book.cost_law import Family, fit_law
from models.learners import LEARNERS, CostRows, FittedCurve, LearnerSettings, fit_curve
from models.learners.folds import EMBARGO_NS
from pipeline.engine.scope import Scope
from pipeline.engine.tables import Calibration, Features, Forecast, Learned
from pipeline.stages.history import (
    comparable_cells,
    held_out,
    law_cells,
    past_periods,
    references,
)
from pipeline.stages.learning.coming import coming_costs
from pipeline.stages.learning.learned_models import importance, stored
from pipeline.stages.learning.learned_rows import LawOfStates, cost_rows, states_of

REGRESSORS = tuple(name for name in LEARNERS if name != "law")


@dataclass(frozen=True)
class LearnSettings:
    """The scope of the run and the regressors' settings."""

    scope: Scope
    learners: LearnerSettings


def learn_costs(
    days: tuple[Features, ...],
    forecast: Forecast,
    calibration: Calibration,
    settings: LearnSettings,
) -> Learned:
    """Fit each regressor on the early history, predict the held-out part, and refit on all
    of it.

    Each is tuned inside the rows that it is fitted to. The law that curves go on with beyond the
    sizes seen is of the calibration's family, fitted to the same rows.
    """
    scope = settings.scope
    cells, periods = comparable_cells(days, forecast, scope), past_periods(days, scope)
    late = held_out(cells, scope.holdout)
    held = cells[late].reset_index(drop=True)
    whole, behind = cost_rows(cells, periods), cost_rows(held, periods)
    gone = behind.states.start.min() - whole.end
    early = whole.take(gone >= (EMBARGO_NS if (gone >= EMBARGO_NS).any() else 0))
    family = Family(calibration.facts["family"].iloc[0])
    curves = _curves(early, cells[~late], family, settings)
    states, size = states_of(held), held["size"].to_numpy()
    predictions = held[["date", "period", "side", "size", "observed"]].assign(
        **{name: curve.at(states).temporary(size) for name, curve in curves.items()}
    )
    fitted = _curves(whole, cells, family, settings)
    return Learned(
        predictions,
        pd.DataFrame(
            [{"name": name} | one for name, curve in fitted.items() for one in stored(curve.model)],
            columns=["name", "format", "content"],
        ),
        pd.concat(
            [importance(curve.model, whole).assign(model=name) for name, curve in fitted.items()],
            ignore_index=True,
        )[["model", "feature", "importance"]],
        _ahead(fitted, forecast, periods, scope),
        coming_costs(days, scope, float(np.median(np.unique(whole.size)))),
    )


def _curves(
    rows: CostRows, cells: pd.DataFrame, family: Family, settings: LearnSettings
) -> dict[str, FittedCurve]:
    scope = settings.scope
    law = LawOfStates(
        fit_law(law_cells(cells, scope.half_life), family, scope.buckets), scope.periods
    )
    return {name: fit_curve(name, rows, law, settings.learners) for name in REGRESSORS}


def _ahead(
    curves: dict[str, FittedCurve], forecast: Forecast, periods: pd.DataFrame, scope: Scope
) -> pd.DataFrame:
    """Return each curve's costs at its knots in the states forecast of the periods to be traded;
    nothing of one that found nothing beside the law.
    """
    level, horizon = references(periods, forecast.states), forecast.horizon
    past = forecast.states["volume"].to_numpy()
    frame = pd.DataFrame(
        {
            "volatility": horizon["volatility"] / level.volatility,
            "thinness": level.volume / liquidity_volume(horizon["volume"].to_numpy(), past),
            "expected_half_spread": horizon["half_spread"],
            "expected_depth": horizon["depth"],
            "time": horizon["period"] / scope.periods,
        }
    )
    states = states_of(frame)
    tables = [pd.DataFrame(columns=["learner", "period", "size", "cost"])]
    for name, curve in curves.items():
        if not stored(curve.model) or not np.isfinite(states).all():
            continue
        cost = curve.curve(states, curve.knots)
        tables.append(
            pd.DataFrame(
                {
                    "learner": name,
                    "period": np.repeat(horizon["period"].to_numpy(), len(curve.knots)),
                    "size": np.tile(curve.knots, len(horizon)),
                    "cost": cost.ravel(),
                }
            )
        )
    found = [table for table in tables if len(table)] or tables
    return pd.concat(found, ignore_index=True)
