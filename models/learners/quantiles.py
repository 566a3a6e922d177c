"""Conditional distributions: quantiles by boosted trees, rearranged so that none cross."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class QuantileTrees:
    """A booster a level. levels: (q,), rising, between 0 and 1."""

    levels: Floats
    boosters: tuple[Any, ...]

    def quantiles(self, x: Floats) -> Floats:
        """Return the quantiles of each row, (n, q), rearranged to rise.

        Source: Chernozhukov, Fernandez-Val, Galichon 2010, "Quantile and probability curves without
        crossing".
        """
        return np.sort(np.column_stack([one.predict(x) for one in self.boosters]), axis=1)


def fit_quantiles(
    x: Floats, y: Floats, levels: Floats, trees: int = 100, seed: int = 0
) -> QuantileTrees:
    """Fit LightGBM's pinball loss at every level, without constraints.

    x: (n, p); y: (n,). Source: Koenker, Bassett 1978, "Regression quantiles", for the loss.
    """
    from lightgbm import LGBMRegressor

    boosters = tuple(
        LGBMRegressor(
            objective="quantile",
            alpha=float(level),
            n_estimators=trees,
            learning_rate=0.05,
            num_leaves=7,
            min_child_samples=20,
            random_state=seed,
            n_jobs=1,
            deterministic=True,
            force_row_wise=True,
            verbosity=-1,
        ).fit(x, y).booster_
        for level in levels
    )  # fmt: skip
    return QuantileTrees(np.asarray(levels), boosters)


def pinball(y: Floats, quantiles: Floats, levels: Floats) -> Floats:
    """Return the mean pinball loss of each level, (q,); y: (n,), quantiles: (n, q)."""
    miss = y[:, None] - quantiles
    return np.asarray(np.maximum(levels * miss, (levels - 1) * miss).mean(axis=0))


def crps(y: Floats, quantiles: Floats, levels: Floats) -> float:
    """Return the continuous ranked probability score as twice the mean pinball loss over levels.

    Source: Laio, Tamea 2007, "Verification tools for probabilistic forecasts", eq. (7).
    """
    return float(2 * pinball(y, quantiles, levels).mean())
