"""Machine-learning regressors of a positive cost, with a log link and Gamma deviance like the
parametric law.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
VALIDATION = 0.2  # the latest share of the training rows, kept to stop boosting in time order


@dataclass(frozen=True)
class Boosting:
    """LightGBM's settings: most trees, shrinkage, leaves a tree, seed."""

    trees: int = 200
    learning_rate: float = 0.05
    leaves: int = 15
    seed: int = 0


def fit_boosting(
    design: Array, cost: Array, names: tuple[str, ...], increasing: str, settings: Boosting
) -> Any:
    """Fit gradient-boosted trees of cost, monotone increasing in one feature.

    design: (n, p) in time order; cost: (n,), positive. The number of trees is chosen on the latest
    fifth of the rows, then all rows are fitted with it. Returns a lightgbm.Booster.
    Source: Ke et al. 2017, "LightGBM: A Highly Efficient Gradient Boosting Decision Tree".
    """
    import lightgbm

    parameters = {
        "objective": "gamma",
        "metric": "gamma_deviance",
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.leaves,
        "seed": settings.seed,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
        "monotone_constraints": [int(name == increasing) for name in names],
    }
    cut = int(len(cost) * (1 - VALIDATION))
    early = lightgbm.Dataset(
        design[:cut], cost[:cut], feature_name=list(names), free_raw_data=False
    )
    late = early.create_valid(design[cut:], cost[cut:])
    stop = lightgbm.early_stopping(20, verbose=False)
    trial = lightgbm.train(parameters, early, settings.trees, valid_sets=[late], callbacks=[stop])
    whole = lightgbm.Dataset(design, cost, feature_name=list(names))
    return lightgbm.train(parameters, whole, max(trial.best_iteration, 1))


def fit_gamma_regression(design: Array, cost: Array) -> Any:
    """Fit a Gamma generalised linear model with log link on standardised features.

    design: (n, p); cost: (n,), positive. Returns a scikit-learn Pipeline.
    Source: McCullagh and Nelder 1989, "Generalized Linear Models", ch. 8.
    """
    from sklearn.linear_model import GammaRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        StandardScaler(), GammaRegressor(alpha=1e-6, solver="newton-cholesky", max_iter=200)
    ).fit(design, cost)
