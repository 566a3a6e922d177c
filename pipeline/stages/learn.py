"""Learn: machine-learning regressors of an order's cost, validated in time order, for one
symbol.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.learners.regressors import Boosting, fit_boosting, fit_gamma_regression
from pipeline.engine.scope import Scope
from pipeline.engine.tables import Features, Forecast, Learned
from pipeline.stages.history import comparable_cells, held_out

FEATURES = (
    "log_size",
    "side",
    "log_volatility",
    "log_thinness",
    "log_half_spread",
    "log_depth",
    "time",
)


@dataclass(frozen=True)
class LearnSettings:
    """The scope of the run and the regressors' settings."""

    scope: Scope
    boosting: Boosting


def learn_costs(days: tuple[Features, ...], forecast: Forecast, settings: LearnSettings) -> Learned:
    """Fit each regressor on the early history, predict the held-out part, and refit on all
    of it.
    """
    cells = comparable_cells(days, forecast, settings.scope)
    x, y = design(cells), cells["observed"].to_numpy()
    late = held_out(cells, settings.scope.holdout).to_numpy()
    early_trees = fit_boosting(x[~late], y[~late], FEATURES, "log_size", settings.boosting)
    early_linear = fit_gamma_regression(x[~late], y[~late])
    predictions = cells.loc[late, ["date", "period", "side", "size", "observed"]].assign(
        lightgbm=early_trees.predict(x[late]), gamma_regression=early_linear.predict(x[late])
    )
    trees = fit_boosting(x, y, FEATURES, "log_size", settings.boosting)
    linear = fit_gamma_regression(x, y)
    return Learned(
        predictions.reset_index(drop=True), _stored(trees, linear), _importance(trees, linear)
    )


def design(cells: pd.DataFrame) -> np.ndarray:
    """Return the (n, 7) features of FEATURES: all known before the period they are for."""
    columns = [
        np.log(cells["size"]),
        cells["side"],
        np.log(cells["volatility"]),
        np.log(cells["thinness"]),
        np.log(cells["expected_half_spread"]),
        np.log(cells["expected_depth"]),
        cells["time"],
    ]
    return np.column_stack(columns).astype(float)


def _stored(trees: object, linear: object) -> pd.DataFrame:
    import skops.io

    return pd.DataFrame(
        {
            "name": ["lightgbm", "gamma_regression"],
            "format": ["lightgbm-text", "skops"],
            "content": [trees.model_to_string().encode(), skops.io.dumps(linear)],
        }
    )


def _importance(trees: object, linear: object) -> pd.DataFrame:
    gain = trees.feature_importance("gain")
    weight = np.abs(linear[-1].coef_)
    return pd.DataFrame(
        {
            "model": ["lightgbm"] * len(FEATURES) + ["gamma_regression"] * len(FEATURES),
            "feature": FEATURES * 2,
            "importance": np.concatenate(
                [gain / (gain.sum() or 1.0), weight / (weight.sum() or 1.0)]
            ),
        }
    )
