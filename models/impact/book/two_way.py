"""Values less what is usual at their time of day and on their day."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def apart(value: Floats, weight: Floats, bucket: Ints, day: Ints | None) -> Floats:
    """Return values less their least-squares effects of buckets, and of days where these are given.

    value, weight: (n,), weights not negative, 0 where a value has no part; bucket, day: (n,).
    Source: Davis 2002, "Estimating multi-way error components models with unbalanced data
    structures", section 2, for the elimination of one of two effects.
    """
    code = np.unique(bucket, return_inverse=True)[1]
    group = np.zeros_like(code) if day is None else np.unique(day, return_inverse=True)[1]
    shape = (group.max() + 1, code.max() + 1)
    place = group * shape[1] + code
    number, total = (
        np.bincount(place, each, shape[0] * shape[1]).reshape(shape)
        for each in (weight, weight * value)
    )
    mean = number / np.maximum(number.sum(axis=1), np.finfo(float).tiny)[:, None]
    own = number.T @ mean
    effect = np.linalg.lstsq(
        np.diag(number.sum(axis=0)) - own, total.sum(axis=0) - mean.T @ total.sum(axis=1)
    )[0]
    known = np.maximum(number.sum(axis=1), np.finfo(float).tiny)
    level = (total.sum(axis=1) - number @ effect) / known
    return np.asarray(value - effect[code] - level[group])
