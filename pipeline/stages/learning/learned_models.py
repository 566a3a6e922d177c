"""Regressors in their own formats, and what they use of each feature."""

import numpy as np
import pandas as pd

from models.learners import CostModel, CostRows
from models.learners.curve import design, design_names

MOST_ROWS = 2000  # that a feature's use is measured on


def stored(model: CostModel) -> list[dict[str, object]]:
    """Return format and content (bytes) of a model's regressor; empty without one.

    Formats: "lightgbm-text", and "skops" of scikit-learn's.
    """
    regressor = model.regressor
    if regressor is None:
        return []
    if hasattr(regressor, "booster_"):
        content = regressor.booster_.model_to_string().encode()
        return [{"format": "lightgbm-text", "content": content}]
    import skops.io

    return [{"format": "skops", "content": skops.io.dumps(regressor)}]


def importance(model: CostModel, rows: CostRows) -> pd.DataFrame:
    """Return feature and importance: how much worse predictions are with it shuffled, summing to 1.

    0 throughout of a model without a regressor.
    Source: Breiman 2001, "Random forests", section 10.
    """
    names = design_names(rows.states.names)
    found = np.zeros(len(names))
    if model.regressor is not None:
        some = rows.thinned(MOST_ROWS)
        x = design(some.states.names, some.states.values, some.size)
        told = np.log(model.regressor.predict(x))
        draw = np.random.default_rng(0)
        for place in range(len(names)):
            moved = x.copy()
            moved[:, place] = draw.permutation(moved[:, place])
            found[place] = np.mean((np.log(model.regressor.predict(moved)) - told) ** 2)
    return pd.DataFrame({"feature": names, "importance": found / (found.sum() or 1.0)})
