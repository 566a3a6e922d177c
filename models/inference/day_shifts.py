"""What moves from day to day, where days are too few to be clusters: a variance beside blocks'."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Days:
    """The days that clusters lie in, and how days may differ.

    day: (G,), of each cluster; directions: (p, r), changes of the parameters that a day may make.
    """

    day: Ints
    directions: Floats

    @property
    def several(self) -> bool:
        """Tell whether there is more than one."""
        return bool((self.day != self.day[0]).any())


@dataclass(frozen=True, eq=False)
class DayShifts:
    """How far days lie from their common parameters, along r directions.

    labels: (D,) of the days; shifts: (D, r) as seen; variance: (r, r) between days; noise: (r, r),
    the part of what is seen that blocks explain; dof: (r,) of both together; pushes: (D, p, r),
    what a unit of a day's shift adds to the summed scores.
    """

    labels: Ints
    shifts: Floats
    variance: Floats
    noise: Floats
    dof: Floats
    pushes: Floats

    def influence(self, pull: Floats) -> Floats:
        """Return rows whose cross product is the covariance that days add, (D r, q).

        pull: (p, q), the influence of the summed scores.
        """
        share, axes = np.linalg.eigh(self.variance)
        root = axes * np.sqrt(np.maximum(share, 0.0))
        rows = np.swapaxes(self.pushes @ root, 1, 2) @ pull
        return np.asarray(rows.reshape(-1, pull.shape[1]))

    def seen(self, pull: Floats) -> tuple[Floats, Floats]:
        """Return the variance that days and the noise along their directions make, with its
        degrees of freedom, both (q,).
        """
        response = np.swapaxes(self.pushes, 1, 2) @ pull
        parts = (response**2).sum(axis=0) * np.diag(self.variance + self.noise)[:, None]
        spread = (parts**2 / self.dof[:, None]).sum(axis=0)
        total = parts.sum(axis=0)
        dof = np.divide(total**2, spread, out=np.ones(len(total)), where=spread > 0)
        return total, dof


def day_shifts(days: Days, scores: Floats, adjusted: Floats, information: Floats) -> DayShifts:
    """Estimate how days vary about what they have in common, from scores summed by cluster.

    scores: (G, p) at the estimate; adjusted: the same freed of the estimate's own fit, whose cross
    products are the noise; information: (G, p, p). A day's shift is that of one scoring step on its
    own scores. Its expected square under any variance between days, the estimate's pull on all days
    counted, is set equal to the one seen: the method of moments, without what blocks explain
    and never below zero. Degrees of freedom: Satterthwaite's of the squares.
    Source: Swamy 1970, "Efficient inference in a random coefficient regression model", for the
    moments; Searle, Casella, McCulloch 1992, "Variance Components", section 5.2, for unbalanced
    ones; Satterthwaite 1946.
    """
    labels, code = np.unique(days.day, return_inverse=True)
    own, noise, total = _by_day(code, len(labels), scores, adjusted, information)
    pushes = own @ days.directions
    lift = np.linalg.solve(days.directions.T @ pushes, days.directions.T[None])
    shifts = np.einsum("drp,dp->dr", lift, total)
    away = lift @ own @ np.linalg.inv(own.sum(axis=0))
    maker = np.repeat(-away[:, None], len(labels), axis=1)
    maker[np.arange(len(labels)), np.arange(len(labels))] += lift
    moved = maker @ pushes
    chance = np.einsum("derp,epq,desq->rs", maker, noise, maker)
    found = _Moments(np.einsum("deab,decf->acbf", moved, moved))
    variance = found.solved(_excess(shifts.T @ shifts, chance))
    gram = np.einsum("dfra,ab,efrb->der", moved, variance, moved)
    gram += np.einsum("dfrp,fpq,efrq->der", maker, noise, maker)
    trace, spread = np.einsum("ddr->r", gram), (gram**2).sum(axis=(0, 1))
    whole = np.full(len(trace), len(labels) - 1.0)  # where nothing moves
    return DayShifts(
        labels=labels,
        shifts=shifts,
        variance=variance,
        noise=found.solved(chance),
        dof=np.divide(trace**2, spread, out=whole, where=spread > 0),
        pushes=pushes,
    )


def _by_day(
    code: Ints, days: int, scores: Floats, adjusted: Floats, information: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return by day the information, the cross products of adjusted scores, and the scores."""
    size = scores.shape[1]
    own, noise = np.zeros((2, days, size, size))
    total = np.zeros((days, size))
    np.add.at(own, code, information)
    np.add.at(noise, code, adjusted[:, :, None] * adjusted[:, None, :])
    np.add.at(total, code, scores)
    return own, noise, total


@dataclass(frozen=True, eq=False)
class _Moments:
    """The expected summed squares of shifts as a linear map of their variance, (r, r, r, r)."""

    map: Floats

    def solved(self, squares: Floats) -> Floats:
        """Return the variance with these expected squares, not below zero in any direction."""
        size = len(squares)
        flat = self.map.reshape(size * size, size * size)
        found = np.linalg.lstsq(flat, squares.ravel())[0].reshape(size, size)
        share, axes = np.linalg.eigh((found + found.T) / 2)
        return np.asarray((axes * np.maximum(share, 0.0)) @ axes.T)


def _excess(squares: Floats, chance: Floats) -> Floats:
    """Return what of summed squares is over what chance makes, where it is more.

    Directions that chance hardly moves, but for rounding, count as moved by `ROUNDING` of the most.
    """
    share, axes = np.linalg.eigh((chance + chance.T) / 2)
    share = np.maximum(share, max(ROUNDING * share.max(), np.finfo(float).tiny))
    root, inverse = axes * np.sqrt(share), (axes / np.sqrt(share)).T
    more, turned = np.linalg.eigh(inverse @ squares @ inverse.T)
    half = root @ turned
    return np.asarray((half * np.maximum(more - 1, 0.0)) @ half.T)
