"""Settings of a regressor chosen inside its training rows, with a budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.learners.curve import design
from models.learners.folds import forward_folds
from models.learners.rows import CostRows
from models.learners.settings import LearnerSettings

Floats = NDArray[np.float64]
SCORE = "neg_mean_gamma_deviance"


def tuned(
    regressor: Any,
    choices: Mapping[str, Sequence[object]],
    rows: CostRows,
    target: Floats,
    settings: LearnerSettings,
) -> Any:
    """Return the regressor, not fitted, with the drawn settings of least deviance going forward.

    target: (n,), above 0. As it is given where nothing is to be tried, or no fold is behind others.

    Source: Bergstra, Bengio 2012, "Random search for hyper-parameter optimization", by
    scikit-learn's RandomizedSearchCV.
    """
    from sklearn.base import clone
    from sklearn.model_selection import RandomizedSearchCV

    place = np.arange(len(target))
    some = np.isin(rows.states.start, rows.thinned(settings.most_rows).states.start)
    few, place = rows.take(some), place[some]
    folds = forward_folds(few.states.start, few.end, few.group, settings.folds)
    if not settings.tries or not folds:
        return clone(regressor)
    search = RandomizedSearchCV(
        regressor,
        dict(choices),
        n_iter=min(settings.tries, int(np.prod([len(each) for each in choices.values()]))),
        cv=folds,
        scoring=SCORE,
        refit=False,
        random_state=settings.seed,
        error_score="raise",
    )
    search.fit(design(few.states.names, few.states.values, few.size), target[place])
    return clone(regressor).set_params(**search.best_params_)
