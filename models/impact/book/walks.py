"""Walk costs of the book as they enter a fit, and the cost that displayed depth was too short to
show.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Cells:
    """Time-averaged walk costs, one cell a period, side and size. Shapes: all (n,).

    size: shares. excess: currency above the best price while depth sufficed. half_spread: currency
    / share. censored: share of time depth did not suffice. Meanwhile, with w the excess of the
    whole displayed depth d: censored_excess, the mean of w (currency); censored_depth, the harmonic
    mean of d weighted by w (shares); censored_dispersion, log(E[w] E[w / d^2] / E[w / d]^2), 0
    where depth did not vary, as everywhere without it. bucket: time-of-day bucket, from 0.
    volatility: v, thinness: reference over period volume, both as predicted before the period.
    cluster: label of dependent cells. Measurements without any time are NaN.

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
    censored_dispersion: Floats | None = None

    def __post_init__(self) -> None:
        shape = np.shape(self.size)
        for name, value in self._columns().items():
            if np.shape(value) != shape or len(shape) != 1:
                raise ValueError(
                    f"{name}: shape {np.shape(value)}, size has {shape}; all must be one (n,)"
                )
        for name, low in (("size", 0.0), ("thinness", 0.0), ("volatility", 0.0), ("bucket", -1)):
            value = getattr(self, name)
            if not (np.isfinite(value) & (value > low)).all():
                raise ValueError(f"{name}: must be finite and above {low:g} in every cell")

    def take(self, chosen: NDArray[np.bool_] | Ints) -> "Cells":
        """Return the chosen cells, by mask or by index."""
        return Cells(**{name: value[chosen] for name, value in self._columns().items()})

    def _columns(self) -> dict[str, NDArray]:
        named = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in named if value is not None}


@dataclass(frozen=True, eq=False)
class Walks:
    """What a cell's completed cost is made of: within + beyond exp(k (log x - log_depth) +
    dispersion k (k - 1) / 2).

    Shapes: (n,). within, beyond: currency, weighted by their shares of time; log_depth: of shares;
    0 where nothing lies beyond. The second term is exact in k at 0, 1 and 2 and interpolates the
    logarithm between: with w = a d^k in truth, it is the time average of a x^k while depth was
    short, however depth varied meanwhile.
    """

    within: Floats
    beyond: Floats
    log_depth: Floats
    dispersion: Floats

    def completed(self, size: Floats, k: float) -> Floats:
        """Return the cost of each cell, its censored part extrapolated from where depth ended,
        currency.
        """
        return self.within + self.beyond * np.exp(
            k * (np.log(size) - self.log_depth) + self.dispersion * k * (k - 1) / 2
        )


def walks(cells: Cells, spread: bool) -> Walks:
    """Return the walks' excess over the best price, or with `spread` their cost over mid; NaN
    without any time.
    """
    some, all_ = cells.censored > 0, cells.censored >= 1
    dispersion = (
        np.zeros(len(some)) if cells.censored_dispersion is None else cells.censored_dispersion
    )
    best = cells.half_spread if spread else np.zeros(len(some))
    within = np.where(all_, 0.0, (1 - cells.censored) * (cells.excess + best * cells.size))
    beyond = np.where(
        some, cells.censored * (cells.censored_excess + best * cells.censored_depth), 0.0
    )
    return Walks(
        within,
        beyond,
        np.log(np.where(some, cells.censored_depth, 1.0)),
        np.where(some, dispersion, 0.0),
    )


def completed_excess(cells: Cells, k: float) -> Floats:
    """Return the mean excess cost of each cell, the censored part extrapolated by the power law
    from where depth ended.

    Shape (n,), currency; NaN for a cell without any time.
    """
    return walks(cells, spread=False).completed(cells.size, k)


def shown(cells: Cells) -> Cells:
    """Return the cells as if the time when depth was short had not been: what dropping it would
    leave.
    """
    part = cells.take(cells.censored < 1)
    return replace(part, censored=np.where(part.censored > 0, 0.0, part.censored))
