"""What estimates would be without a group of clusters, one day of a tape for one."""

import numpy as np
from numpy.typing import NDArray

from models.inference.covariance import ClusterSums

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def changes_without(sums: ClusterSums, transform: Floats, group: Ints) -> tuple[Ints, Floats]:
    """Return how linear functions of a Z-estimator change without each group of clusters.

    transform: (q, p), the functions; group: (G,) the group of each cluster. Returns the groups'
    labels (D,) and the changes (D, q), estimate without less estimate with: one Newton step from
    the estimate on the information of the other clusters. NaN where those do not determine it.
    Source: Pregibon 1981, "Logistic regression diagnostics", section 3, the one-step deletion.
    """
    labels = np.unique(group)
    slope = transform @ np.linalg.solve(sums.slopes.sum(axis=0), sums.information.sum(axis=0))
    changes = np.full((len(labels), len(transform)), np.nan)
    for place, label in enumerate(labels):
        kept = group != label
        if not kept.any():
            continue
        try:
            step = np.linalg.solve(
                sums.information[kept].sum(axis=0), sums.scores[kept].sum(axis=0)
            )
        except np.linalg.LinAlgError:
            continue
        changes[place] = -slope @ step
    return labels, changes


def slopes_without(x: Floats, y: Floats, group: Ints) -> tuple[float, Ints, Floats]:
    """Return the slope of y on x and a constant, and the slopes without each group of rows.

    x, y, group: (n,), rows with NaN have no part. Returns the slope, the groups' labels (D,) and
    the slopes without them (D,), NaN where nothing is left that varies.
    """
    known = np.isfinite(x) & np.isfinite(y)
    labels, code = np.unique(group[known], return_inverse=True)
    x, y = x[known] - x[known].mean(), y[known] - y[known].mean()
    sums = np.array([np.bincount(code, each, len(labels)) for each in (x**0, x, y, x * x, x * y)])
    total = sums.sum(axis=1)

    def slope(of: Floats) -> Floats:
        number, first, second, square, product = of
        with np.errstate(divide="ignore", invalid="ignore"):
            return (product - first * second / number) / (square - first**2 / number)

    return float(slope(total)), labels, np.asarray(slope(total[:, None] - sums))
