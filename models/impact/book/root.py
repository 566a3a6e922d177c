"""The root of the cost law's estimating equations, with what each cluster did to it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import root

from models.impact.book.day_levels import Stacked, stacked, totals
from models.impact.book.quasi_score import LARGEST_BETA, QuasiScore
from models.inference.covariance import ClusterSums, Influence, jackknifed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
EXPONENTS = (0.25, 4.0)  # what the solver accepts
SCORING_STEPS = 20
LONGEST_STEP = 1.0  # of any cell's log mean
SOLVED = 1e-7  # mean whitened score at a root; a unit is a relative error of one in every cell
SINGULAR = 1e-12  # least eigenvalue of the scaled information that is not rounding


@dataclass(frozen=True, eq=False)
class Root:
    """The root of the estimating equations, and natural parameters with their clusters' influence.

    equations: at the root; ratios: each coordinate of the point over its standard error by clusters
    alone, with ratio_dof degrees of freedom; jacobian: (p, q), derivative of the natural parameters
    in those of the equations.
    """

    equations: Stacked
    ratios: Floats
    ratio_dof: Floats
    natural: Floats
    jacobian: Floats
    influence: Influence
    converged: bool

    @property
    def score(self) -> QuasiScore:
        """Return the score that was solved."""
        return self.equations.score

    @property
    def point(self) -> Floats:
        """Return the law as a point of the score, its levels the means over all days."""
        return self.equations.point

    @property
    def sums(self) -> ClusterSums:
        """Return the equations by cluster."""
        return self.equations.sums

    @property
    def moves(self) -> Floats:
        """Return what each cluster did to the point, to first order, (G, p)."""
        step = np.linalg.solve(self.sums.slopes.sum(axis=0), self.sums.scores.T)
        return np.asarray(-step.T @ self.equations.to_point.T)

    def value(self, name: str) -> float:
        """Return k, beta or theta."""
        fixed = self.score.fixed
        return fixed[name] if name in fixed else float(self.natural[self.score.place(name)])

    def standard_error(self, name: str) -> float:
        """Return the standard error of k, beta or theta; 0 where fixed."""
        if name in self.score.fixed:
            return 0.0
        return float(np.linalg.norm(self.influence.values[:, self.score.place(name)]))

    def strength(self, name: str) -> float:
        """Return a free coefficient's t ratio against 0; for beta that of omega, which is nearer to
        normal.
        """
        return float(self.ratios[self.score.place(name)])

    def least_strength(self, name: str) -> float:
        """Return the t ratio below which a free coefficient cannot be told from zero: one-sided, 5
        %, Student's.
        """
        return float(stats.t.ppf(0.95, self.ratio_dof[self.score.place(name)]))

    @property
    def proportional(self) -> bool:
        """Tell whether cost rises at least in proportion to volatility, so that beta has no
        estimate.
        """
        if "beta" in self.score.fixed:
            return False
        return self.value("beta") >= LARGEST_BETA / self.score.volatility.mean()


def solve_scores(score: QuasiScore) -> Root:
    """Solve the estimating equations: Fisher scoring from the square-root law, then Newton's
    method.

    Raises: ValueError with fewer than two clusters; LinAlgError when parameters cannot be told
    apart.
    Source: McCullagh, Nelder 1989, "Generalized Linear Models", section 9.2.
    """
    root_, converged = find_root(score, _start(score))
    found = stacked(score, root_)
    point, sums = found.point, found.sums
    natural, jacobian = score.natural(point)
    jacobian = jacobian @ found.to_point
    within = jackknifed(replace(sums, days=None), found.to_point)
    errors = np.sqrt(np.diag(within.covariance))
    ratios = np.divide(point, errors, out=np.full(len(point), np.inf), where=errors > 0)
    return Root(
        equations=found,
        ratios=ratios,
        ratio_dof=within.dof,
        natural=natural,
        jacobian=jacobian,
        influence=jackknifed(sums, jacobian),
        converged=converged,
    )


def find_root(score: QuasiScore, point: Floats) -> tuple[Floats, bool]:
    """Return the root of the equations nearest to a point, and whether it is one with an acceptable
    exponent.
    """
    kept, n = score.kept, len(score.log_size)
    for _ in range(SCORING_STEPS):
        scores, _, information = totals(score, point)
        step = np.zeros(len(point))
        step[kept] = _step(information, scores)
        point = point + step * min(1.0, LONGEST_STEP / max(_furthest(score, point, step), SOLVED))
        if np.abs(step).max() < SOLVED:
            break
    whiten = np.linalg.inv(np.linalg.cholesky(information / n))

    def equations(at: Floats) -> tuple[Floats, Floats]:
        with np.errstate(all="ignore"):  # a step too far, which the method takes back
            scores, slopes, _ = totals(score, _put(point, kept, at))
            value, slope = (
                np.nan_to_num(whiten @ part / n, posinf=1e9, neginf=-1e9)
                for part in (scores, slopes)
            )
        return value, slope

    found = root(
        equations,
        point[kept],
        jac=True,
        method="lm",
        options={"ftol": 1e-15, "xtol": 1e-13, "gtol": 1e-15},
    )
    low, high = EXPONENTS
    point = _put(point, kept, found.x)
    return point, bool(np.abs(found.fun).max() < SOLVED and low <= score.exponent(point) <= high)


def _put(point: Floats, places: Ints, value: Floats) -> Floats:
    moved = point.copy()
    moved[places] = value
    return moved


def _start(score: QuasiScore) -> Floats:
    point = np.array([0.0] * score.levels + [1.5 if name == "k" else 0.0 for name in score.free])
    bucket = score.bucket[score.run]
    point[: score.levels] = np.log(
        np.bincount(bucket, score.cost / score.mean(point)) / np.bincount(bucket)
    )
    return point


def _step(information: Floats, score: Floats) -> Floats:
    scale = 1 / np.sqrt(np.maximum(np.diag(information), np.finfo(float).tiny))
    if np.linalg.eigvalsh(information * scale * scale[:, None])[0] < SINGULAR:
        raise np.linalg.LinAlgError("singular information")
    return np.asarray(np.linalg.solve(information, score))


def _furthest(score: QuasiScore, point: Floats, step: Floats) -> float:
    """Return the largest change of any cell's log mean that a step makes."""
    change = step[score.bucket]
    for name, column in score.columns(point).items():
        change = change + step[score.place(name)] * column
    along = step[score.place("k")] if "k" in score.free else 0.0
    ends = along * np.array([score.log_size.min(), score.log_size.max()])
    return float(np.abs(change + ends[:, None]).max())
