"""Gradient-boosted trees of cost, rising in size: LightGBM and scikit-learn's histograms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.learners.curve import design, rises
from models.learners.rows import CostRows
from models.learners.settings import LearnerSettings
from models.learners.tuning import tuned

Floats = NDArray[np.float64]
MOST_STEP = 2.0  # of a leaf's log cost: far from the mean a Gamma's Newton step overshoots


@dataclass(frozen=True, eq=False)
class RegressedCost:
    """A regressor of cost per share on the design of states and size. names: of the states.

    Walking a book deeper is never cheaper per share, so that monotone constraints hold there.
    """

    names: tuple[str, ...]
    regressor: Any

    def cost(self, states: Floats, size: Floats, law: Floats) -> Floats:
        """Return the regressor's cost of rows, (n,)."""
        del law
        return np.asarray(size * self.regressor.predict(design(self.names, states, size)))


def light_trees(settings: LearnerSettings, constraints: list[int] | None) -> Any:
    """Return LightGBM's regressor with a log link and Gamma deviance, not fitted."""
    from lightgbm import LGBMRegressor

    return LGBMRegressor(
        objective="gamma",
        n_estimators=settings.trees,
        learning_rate=settings.learning_rate,
        num_leaves=settings.leaves,
        monotone_constraints=constraints,
        max_delta_step=MOST_STEP,
        random_state=settings.seed,
        n_jobs=1,
        deterministic=True,
        force_row_wise=True,
        verbosity=-1,
    )


def fit_lightgbm(rows: CostRows, settings: LearnerSettings) -> RegressedCost:
    """Fit LightGBM's trees of cost per share, monotone in size.

    Source: Ke et al. 2017, "LightGBM: A Highly Efficient Gradient Boosting Decision Tree".
    """
    names = rows.states.names
    choices = {
        "n_estimators": [max(settings.trees // 4, 1), max(settings.trees // 2, 1), settings.trees],
        "num_leaves": sorted({max(settings.leaves // 2, 2), settings.leaves}),
        "min_child_samples": [20, 100, 400],
    }
    found = tuned(
        light_trees(settings, rises(names)), choices, rows, rows.cost / rows.size, settings
    )
    return RegressedCost(names, _fitted(found, rows))


def fit_histogram(rows: CostRows, settings: LearnerSettings) -> RegressedCost:
    """Fit scikit-learn's histogram trees of cost per share, monotone in size.

    Source: scikit-learn's HistGradientBoostingRegressor, loss "gamma".
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    names = rows.states.names
    regressor = HistGradientBoostingRegressor(
        loss="gamma",
        max_iter=settings.trees,
        learning_rate=settings.learning_rate,
        max_leaf_nodes=settings.leaves,
        monotonic_cst=rises(names),
        early_stopping=False,
        l2_regularization=1.0,
        random_state=settings.seed,
    )
    choices = {
        "max_iter": [max(settings.trees // 4, 1), max(settings.trees // 2, 1), settings.trees],
        "max_leaf_nodes": sorted({max(settings.leaves // 2, 2), settings.leaves}),
        "min_samples_leaf": [20, 100, 400],
    }
    return RegressedCost(
        names, _fitted(tuned(regressor, choices, rows, rows.cost / rows.size, settings), rows)
    )


def _fitted(regressor: Any, rows: CostRows) -> Any:
    x = design(rows.states.names, rows.states.values, rows.size)
    return regressor.fit(x, rows.cost / rows.size)
