"""Walk costs of the book as they enter a fit, and the cost that displayed depth was too short to show."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Cells:
    """Time-averaged walk costs, one cell a period, side and size. Shapes: all (n,).

    size: shares. excess: currency above the best price while depth sufficed. half_spread: currency / share.
    censored: share of time depth did not suffice; censored_depth (shares) and censored_excess (currency)
    meanwhile. bucket: time-of-day bucket, from 0. volatility: v, thinness: reference over period volume,
    both as predicted before the period. cluster: label of dependent cells. Measurements without any time are
    NaN.

    Raises: ValueError naming the field.
    """

    size: Floats
    excess: Floats
    half_spread: Floats
    censored: Floats
    censored_depth: Floats
    censored_excess: Floats
    bucket: Ints
    volatility: Floats
    thinness: Floats
    cluster: Ints

    def __post_init__(self) -> None:
        shape = np.shape(self.size)
        for field in fields(self):
            value = getattr(self, field.name)
            if np.shape(value) != shape or len(shape) != 1:
                raise ValueError(f"{field.name}: shape {np.shape(value)}, size has {shape}; all must be one (n,)")
        for name, low in (("size", 0.0), ("thinness", 0.0), ("volatility", 0.0), ("bucket", -1)):
            value = getattr(self, name)
            if not (np.isfinite(value) & (value > low)).all():
                raise ValueError(f"{name}: must be finite and above {low:g} in every cell")

    def take(self, chosen: NDArray[np.bool_]) -> "Cells":
        """Return the chosen cells."""
        return Cells(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


def completed_excess(cells: Cells, k: float) -> Floats:
    """Return the mean excess cost of each cell, the censored part extrapolated by the power law from where depth ended.

    Shape (n,), currency; NaN for a cell without any time.
    """
    return completed(cells, k)[0]


def completed(cells: Cells, k: float) -> tuple[Floats, Floats]:
    """Return the completed excess and its derivative in k."""
    some, all_ = cells.censored > 0, cells.censored >= 1
    ratio = np.where(some, cells.size / cells.censored_depth, 1.0)
    beyond = np.where(some, cells.censored * cells.censored_excess * ratio**k, 0.0)
    within = np.where(all_, 0.0, (1 - cells.censored) * cells.excess)
    return within + beyond, beyond * np.log(ratio)
