"""An additive model of the log cost per share: a smooth curve of each feature."""

from __future__ import annotations

from models.learners.boosting import RegressedCost
from models.learners.curve import design
from models.learners.rows import CostRows
from models.learners.settings import LearnerSettings
from models.learners.tuning import tuned


def fit_spline(rows: CostRows, settings: LearnerSettings) -> RegressedCost:
    """Fit a Gamma model with a log link on cubic splines of the features, ridge penalised.

    Source: Hastie, Tibshirani 1990, "Generalized Additive Models", section 6.
    """
    from sklearn.feature_selection import VarianceThreshold
    from sklearn.linear_model import GammaRegressor
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import SplineTransformer

    regressor = Pipeline(
        [
            ("varying", VarianceThreshold(1e-12)),
            ("spline", SplineTransformer(n_knots=5, extrapolation="constant")),
            ("gamma", GammaRegressor(alpha=1e-4, solver="newton-cholesky", max_iter=200)),
        ]
    )
    choices: dict[str, list[float]] = {
        "spline__n_knots": [3, 5, 7],
        "gamma__alpha": [1e-6, 1e-4, 1e-2],
    }
    price = rows.cost / rows.size
    found = tuned(regressor, choices, rows, price, settings)
    names = rows.states.names
    return RegressedCost(names, found.fit(design(names, rows.states.values, rows.size), price))
