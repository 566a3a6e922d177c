"""The law times a boosted correction of what it leaves, where that shows on later days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.learners.boosting import light_trees
from models.learners.curve import design
from models.learners.folds import forward_folds
from models.learners.rows import CostRows
from models.learners.settings import LearnerSettings
from models.learners.tuning import tuned
from models.losses import gamma_deviance

Floats = NDArray[np.float64]
PROOF = 1.0  # standard errors over groups, by which the correction must lower the deviance


@dataclass(frozen=True, eq=False)
class CorrectedLaw:
    """The law's cost times a correction; regressor: of cost over the law's, None where there is
    none to be told from chance.
    """

    names: tuple[str, ...]
    regressor: Any

    def cost(self, states: Floats, size: Floats, law: Floats) -> Floats:
        """Return the corrected cost of rows, (n,)."""
        if self.regressor is None:
            return law
        return np.asarray(law * self.regressor.predict(design(self.names, states, size)))


def fit_hybrid(rows: CostRows, law: Floats, settings: LearnerSettings) -> CorrectedLaw:
    """Fit trees of cost over the law's, kept where folds going forward show that they help.

    law: (n,) currency, the law's cost of each row. Without two groups behind each other nothing is
    corrected.
    """
    names, ratio = rows.states.names, rows.cost / law
    choices: dict[str, list[float]] = {
        "n_estimators": [max(settings.trees // 5, 1), max(settings.trees // 2, 1), settings.trees],
        "num_leaves": sorted({min(4, settings.leaves), settings.leaves}),
        "min_child_samples": [50, 200, 800],
        "reg_lambda": [0.0, 10.0],
    }
    regressor = tuned(light_trees(settings, None), choices, rows, ratio, settings)
    if not _helps(regressor, rows, ratio, settings):
        return CorrectedLaw(names, None)
    return CorrectedLaw(names, regressor.fit(design(names, rows.states.values, rows.size), ratio))


def _helps(regressor: Any, rows: CostRows, ratio: Floats, settings: LearnerSettings) -> bool:
    """Tell whether later groups cost what the correction says rather than what the law does."""
    from sklearn.base import clone

    states = rows.states
    gains = []
    for train, test in forward_folds(states.start, rows.end, rows.group, settings.folds):
        x = design(states.names, states.values, rows.size)
        told = clone(regressor).fit(x[train], ratio[train]).predict(x[test])
        level = ratio[train].mean()  # a law that is too high or low is no shape to learn
        gain = gamma_deviance(ratio[test], np.full(len(test), level))
        gain = gain - gamma_deviance(ratio[test], told)
        labels = rows.group[test]
        gains += [float(gain[labels == one].mean()) for one in np.unique(labels)]
    if len(gains) < 2:
        return False
    return float(np.mean(gains)) > PROOF * float(np.std(gains, ddof=1)) / len(gains) ** 0.5
