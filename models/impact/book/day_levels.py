"""Levels of days taken out of the cost law's equations, so that states are told within days."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.impact.book.quasi_score import QuasiScore
from models.inference.covariance import ClusterSums
from models.inference.day_shifts import Days

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Stacked:
    """The equations at their root, and the law that is made of it.

    within: the root, (p,), a point of the score beside its days' levels; point: the law, whose
    levels are the means of cost over all days; sums: q equations by cluster; to_point: (p, q),
    derivative of the point in their parameters.

    Without levels of days both points are one and the equations are the score's. With them there
    are two sets, which do not meet: the means of cost in each bucket, at whatever shape, and the
    score less its mean over each day, of contrasts between buckets and of the shape.
    Source: Gourieroux, Monfort, Trognon 1984, "Pseudo maximum likelihood methods: applications to
    Poisson models", for the mean with effects; Newey, McFadden 1994, "Large sample estimation and
    hypothesis testing", section 6.1, for stacked equations.
    """

    score: QuasiScore
    within: Floats
    point: Floats
    sums: ClusterSums
    to_point: Floats

    def gathered(self, value: Floats) -> Floats:
        """Return the sums over cells of value times what multiplies a cell's residual in each
        equation, (q,); value: (n,).
        """
        score = self.score
        if not score.levelled:
            return score.gathered(self.point, value, *_all(score)).sum(axis=0)
        lift, (day, days) = score.lift(self.within)[score.run], score.by_day
        level = score.gathered(self.point, value, *_all(score))[0, : score.levels]
        apart = score.gathered(self.within, value / lift, day, days)
        mean = _day_means(score.equations(self.within, day, days)[1], score.levels)
        apart -= mean * apart[:, : score.levels].sum(axis=1)[:, None]
        return np.append(level, apart.sum(axis=0)[score.kept])


def totals(score: QuasiScore, point: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the summed scores of the kept parameters, their derivative and the information; with
    levels of days these are solved at the point, and what they take is left out.
    """
    if not score.levelled:
        scores, slopes = score.equations(point, *_all(score))
        return scores[0], slopes[0], score.information(point, *_all(score))[0]
    day, days = score.by_day
    scores, slopes = score.equations(point, day, days)
    kept, square = score.kept, np.ix_(score.kept, score.kept)
    parts = (slopes, score.information(point, day, days))
    slope, information = (
        _apart(each, _day_means(each, score.levels), score.levels).sum(axis=0)[square]
        for each in parts
    )
    return scores.sum(axis=0)[kept], slope, information


def stacked(score: QuasiScore, root: Floats) -> Stacked:
    """Return the equations by cluster at their root."""
    labels, first, code = np.unique(score.cluster, return_index=True, return_inverse=True)
    groups, day = len(labels), None if score.day is None else score.day[first]
    parts = day is not None and len(np.unique(day)) < groups
    point = score.with_mean_levels(root) if score.levelled else root
    scores, slopes = score.plain_equations(point, code, groups)
    information = score.information(point, code, groups)
    to_point, alone = np.eye(len(point)), None
    if score.levelled:
        levels = np.arange(score.levels)
        total = slopes.sum(axis=0)
        to_point = np.zeros((len(point), score.levels + len(score.kept)))
        to_point[levels, levels] = 1.0
        shape = np.arange(score.levels, len(point))
        free = to_point.shape[1] - len(shape) + np.arange(len(shape))
        to_point[shape, free] = 1.0
        to_point[np.ix_(levels, free)] = -(
            total[np.ix_(levels, shape)] / total[levels, levels][:, None]
        )
        within = _within(score, root, code, score.by_day[0][first])
        if parts:
            alone = np.concatenate([scores[:, : score.levels], within[3][:, score.kept]], axis=1)
        scores, slopes, information = _both(score, (scores, slopes, information), within[:3])
    days = None if day is None or not parts else Days(day, _directions(score, to_point))
    sums = ClusterSums(labels, scores, slopes, information, days, alone)
    return Stacked(score, root, point, sums, to_point)


def _all(score: QuasiScore) -> tuple[Ints, int]:
    return np.zeros(len(score.bucket), dtype=np.int64), 1


def _day_means(matrix: Floats, levels: int) -> Floats:
    """Return the mean over each day of the derivative of log mu, weighted as in its matrix, (D, p).

    matrix: (D, p, p). Each cell has one level: summed over levels a column is the day's own.
    """
    own = matrix[:, :, :levels].sum(axis=2)
    return np.asarray(own / own[:, :levels].sum(axis=1)[:, None])


def _apart(matrix: Floats, mean: Floats, levels: int) -> Floats:
    """Return sums of outer products about a mean, (g, p, p); mean: (g, p)."""
    own = matrix[:, :, :levels].sum(axis=2)
    cross = own[:, :, None] * mean[:, None, :]
    number = own[:, :levels].sum(axis=1)[:, None, None]
    square = number * mean[:, :, None] * mean[:, None, :]
    return np.asarray(matrix - cross - np.swapaxes(cross, 1, 2) + square)


def _within(
    score: QuasiScore, root: Floats, code: Ints, day: Ints
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the equations within days by cluster, and the scores about the means of days without
    the cluster; code: (r,) of runs, day: (G,) of clusters.
    """
    groups, levels = len(day), score.levels
    scores, slopes = score.equations(root, code, groups)
    information = score.information(root, code, groups)
    whole = np.zeros((2, score.by_day[1], *slopes.shape[1:]))
    for matrix, by_day in zip((slopes, information), whole, strict=True):
        np.add.at(by_day, day, matrix)
    here, usual = (_day_means(by_day, levels)[day] for by_day in whole)
    rest = whole[0][day] - slopes
    several = np.bincount(day)[day] > 1  # a day of one cluster has no level without it
    others = here.copy()
    others[several] = _day_means(rest[several], levels)
    level = scores[:, :levels].sum(axis=1)[:, None]
    return (
        scores - here * level,
        _apart(slopes, here, levels),
        _apart(information, usual, levels),
        scores - others * level,
    )


def _both(
    score: QuasiScore,
    level: tuple[Floats, Floats, Floats],
    within: tuple[Floats, Floats, Floats],
) -> tuple[Floats, Floats, Floats]:
    """Return the equations of the levels' means and those within days beside each other."""
    levels, kept = score.levels, score.kept
    size = levels + len(kept)
    scores = np.concatenate([level[0][:, :levels], within[0][:, kept]], axis=1)
    matrices = []
    for upper, lower in zip(level[1:], within[1:], strict=True):
        matrix = np.zeros((len(scores), size, size))
        matrix[:, :levels, :levels] = upper[:, :levels, :levels]
        matrix[:, levels:, levels:] = lower[:, kept[:, None], kept]
        matrices.append(matrix)
    return scores, matrices[0], matrices[1]


def _directions(score: QuasiScore, to_point: Floats) -> Floats:
    """Return how days may differ, (q, r): in all levels, and where k is free in the exponent about
    the sizes' geometric mean.
    """
    size, levels = to_point.shape[1], np.arange(score.levels)
    directions = np.zeros((size, 1 + ("k" in score.free)))
    directions[levels, 0] = 1.0
    if "k" in score.free:
        place = size - len(score.free) + score.free.index("k")
        along = to_point[levels, place] if score.levelled else 0.0
        directions[levels, 1] = -score.log_size.mean() - along
        directions[place, 1] = 1.0
    return directions
