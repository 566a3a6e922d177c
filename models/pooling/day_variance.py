"""How far days differ, where each symbol's own are few: variances that symbols lend each other."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import polygamma

from models.pooling.random_effects import SPARE

Floats = NDArray[np.float64]
LARGEST_DOF = 1e4  # of what symbols have in common


@dataclass(frozen=True, eq=False)
class DayVariance:
    """One symbol's variance between the same D days as others', along r directions.

    shifts: (D, r) of the days, as seen; variance: (r, r) between days, and noise: (r,), the part of
    what is seen that blocks explain; dof: (r,) of both together; common: (r, r), the part of the
    variance that is the same shock in all symbols, 0 for a symbol alone.
    """

    symbol: str
    shifts: Floats
    variance: Floats
    noise: Floats
    dof: Floats
    common: Floats


def lent(symbols: tuple[DayVariance, ...]) -> tuple[DayVariance, ...]:
    """Return each symbol's variance between days given all symbols'.

    A day moves all symbols at once, by what the products of different symbols' shifts show, and
    each on its own. Own variances are drawn to their mean as far as they are alike: an inverse chi
    squared prior, whose degrees of freedom add to the symbol's own. What is common has those of
    the days however many symbols there are. Fewer than four symbols lend nothing.
    Raises: ValueError when numbers of days or directions differ.
    Source: Smyth 2004, "Linear models and empirical Bayes methods for assessing differential
    expression in microarray experiments", section 6.2, for the prior; Satterthwaite 1946.
    """
    if len({one.shifts.shape for one in symbols}) > 1:
        raise ValueError("symbols: their days or directions differ in number")
    if len(symbols) <= SPARE:
        return symbols
    shifts = np.array([one.shifts - one.shifts.mean(axis=0) for one in symbols])
    count, days, _ = shifts.shape
    mean = np.mean([one.variance for one in symbols], axis=0)
    total = shifts.sum(axis=0)
    products = total.T @ total - np.einsum("sdi,sdj->ij", shifts, shifts)
    common = _within(products / (count * (count - 1) * (days - 1)), mean)
    apart = (shifts - total / count) ** 2
    prior = min(
        _prior_dof(np.log(np.maximum(each, np.finfo(float).tiny)), days - 1)
        for each in apart.sum(axis=1).T
    )
    return tuple(_given(one, mean, common, prior) for one in symbols)


def _given(own: DayVariance, mean: Floats, common: Floats, prior: float) -> DayVariance:
    weight = prior / (prior + float(own.dof.mean()))
    apart = (1 - weight) * _positive(own.variance - common) + weight * (mean - common)
    alone = np.diag(apart) + own.noise
    shared = np.diag(common)
    dof = (shared + alone) ** 2 / (shared**2 / own.dof + alone**2 / (own.dof + prior))
    return replace(own, variance=common + apart, dof=dof, common=common)


def _prior_dof(logs: Floats, dof: int) -> float:
    """Return the degrees of freedom of the prior from how sample variances differ; logs: (S,)."""
    excess = float(logs.var(ddof=1) - polygamma(1, dof / 2))
    if excess <= polygamma(1, LARGEST_DOF / 2):
        return LARGEST_DOF
    low = 1e-6
    return float(2 * brentq(lambda half: polygamma(1, half) - excess, low, LARGEST_DOF / 2))


def _positive(matrix: Floats) -> Floats:
    share, axes = np.linalg.eigh((matrix + matrix.T) / 2)
    return np.asarray((axes * np.maximum(share, 0.0)) @ axes.T)


def _within(matrix: Floats, most: Floats) -> Floats:
    """Return the part of a matrix between zero and `most`, in every direction."""
    share, axes = np.linalg.eigh(most)
    root = axes * np.sqrt(np.maximum(share, 0.0))
    inverse = np.linalg.pinv(root)
    inner, turn = np.linalg.eigh(inverse @ (matrix + matrix.T) @ inverse.T / 2)
    half = root @ turn
    return np.asarray((half * np.clip(inner, 0.0, 1.0)) @ half.T)
