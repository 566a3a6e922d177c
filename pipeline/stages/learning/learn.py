"""Learn: machine-learning regressors of an order's cost, validated in time order, for one
symbol.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

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
)
from pipeline.stages.learning.coming import coming_costs
from pipeline.stages.learning.learned_models import importance, stored
from pipeline.stages.learning.learned_rows import LawOfStates, cost_rows, states_of
from pipeline.stages.learning.told_curves import curves_of_days, curves_to_come

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
        curves_to_come(fitted, forecast, periods, scope),
        curves_of_days(curves, forecast, periods, scope, _charged_dates(held, cells, forecast)),
        coming_costs(days, scope, float(np.median(np.unique(whole.size)))),
        pd.DataFrame([{"cells": len(cells), "free": int((cells["observed"] <= 0).sum())}]),
    )


def _charged_dates(held: pd.DataFrame, cells: pd.DataFrame, forecast: Forecast) -> list[str]:
    """Return the held-out days that the early fits know nothing of and that were forecast."""
    whole = set(held["date"]) if cells["date"].nunique() > 1 else set()
    return sorted(whole & set(forecast.shape["date"]))


def _curves(
    rows: CostRows, cells: pd.DataFrame, family: Family, settings: LearnSettings
) -> dict[str, FittedCurve]:
    scope = settings.scope
    law = LawOfStates(
        fit_law(law_cells(cells, scope.half_life), family, scope.buckets), scope.periods
    )
    return {name: fit_curve(name, rows, law, settings.learners) for name in REGRESSORS}
