"""The estimating equations behind the cost law: Gamma quasi-score, log link, a target that may depend on k."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from models.covariance import clustered

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SHAPE = ("k", "beta", "theta")
EXPONENTS = (0.25, 4.0)  # what the solver accepts
LARGEST_BETA = 50.0  # over mean volatility: cost is all but proportional to volatility
SCORING_STEPS = 20
LONGEST_STEP = 1.0  # of any cell's log mean
SOLVED = 1e-7  # mean whitened score at a root; a unit is a relative error of one in every cell


@dataclass(frozen=True, eq=False)
class Problem:
    """mu = exp(log_alpha_b + k log_size + theta log_thinness) (1 + beta volatility), fitted to target(k).

    Shapes: (n,). bucket: 0..levels-1, all present with some cost. target: k to (costs >= 0, their derivative
    in k). fixed: values of those of k, beta, theta that are not estimated.

    A point is (levels..., free...). Where beta is free its place holds omega instead: mu is exp(level) at
    the lowest volatility, exp(level + omega) at the highest and linear between. Every omega is admissible,
    and its score does not fade where cost is proportional to volatility, as beta's does.
    """

    bucket: Ints
    levels: int
    log_size: Floats
    volatility: Floats
    log_thinness: Floats
    cluster: Ints
    target: Callable[[float], tuple[Floats, Floats]]
    fixed: Mapping[str, float]

    @property
    def free(self) -> tuple[str, ...]:
        """Return the names that are estimated beside the levels."""
        return tuple(name for name in SHAPE if name not in self.fixed)

    def place(self, name: str) -> int:
        """Return where a free name stands in a point."""
        return self.levels + self.free.index(name)

    def exponent(self, point: Floats) -> float:
        """Return k."""
        return float(point[self.place("k")]) if "k" in self.free else self.fixed["k"]

    def mean(self, point: Floats) -> Floats:
        """Return mu, shape (n,)."""
        theta = point[self.place("theta")] if "theta" in self.free else self.fixed["theta"]
        log_mean = point[self.bucket] + self.exponent(point) * self.log_size + theta * self.log_thinness
        if "beta" in self.free:
            return np.exp(log_mean) * (1 + np.expm1(point[self.place("beta")]) * self._rank())
        return np.exp(log_mean) * (1 + self.fixed["beta"] * self.volatility)

    def gradient(self, point: Floats) -> Floats:
        """Return the derivative of log mu, shape (n, p)."""
        gradient = np.zeros((len(self.bucket), len(point)))
        gradient[np.arange(len(self.bucket)), self.bucket] = 1.0
        if "k" in self.free:
            gradient[:, self.place("k")] = self.log_size
        if "theta" in self.free:
            gradient[:, self.place("theta")] = self.log_thinness
        if "beta" in self.free:
            omega, rank = point[self.place("beta")], self._rank()
            gradient[:, self.place("beta")] = np.exp(omega) * rank / (1 + np.expm1(omega) * rank)
        return gradient

    def scores(self, point: Floats) -> tuple[Floats, Floats]:
        """Return every cell's score, (n, p), and the derivative of their sum, (p, p)."""
        cost, slope = self.target(self.exponent(point))
        mean, gradient = self.mean(point), self.gradient(point)
        ratio = cost / mean
        moves = -gradient * ratio[:, None]
        if "k" in self.free:
            moves[:, self.place("k")] += slope / mean
        derivative = gradient.T @ moves
        if "beta" in self.free:
            column = gradient[:, self.place("beta")]
            derivative[self.place("beta"), self.place("beta")] += (column * (1 - column) * (ratio - 1)).sum()
        return gradient * (ratio - 1)[:, None], derivative

    def natural(self, point: Floats) -> tuple[Floats, Floats]:
        """Return (log_alpha..., free...) with beta itself, and its derivative in the point."""
        natural, jacobian = point.copy(), np.eye(len(point))
        if "beta" not in self.free:
            return natural, jacobian
        place, low, high = self.place("beta"), self.volatility.min(), self.volatility.max()
        growth = np.exp(point[place]) / (high - low)
        rise = np.expm1(point[place]) / (high - low)
        still = 1 - rise * low  # cost without volatility, over that at the lowest
        largest = LARGEST_BETA / self.volatility.mean()
        if rise < largest * still:
            natural[place], jacobian[place, place] = rise / still, growth / still**2
            jacobian[: self.levels, place] = -growth * low / still
        else:  # cost rises at least in proportion to volatility
            still = rise / largest
            natural[place], jacobian[place, place] = largest, 0.0
            jacobian[: self.levels, place] = growth / rise
        natural[: self.levels] += np.log(still)
        return natural, jacobian

    def _rank(self) -> Floats:
        low, high = self.volatility.min(), self.volatility.max()
        return (self.volatility - low) / (high - low)


@dataclass(frozen=True, eq=False)
class Solution:
    """The root of the estimating equations, and natural parameters with their clustered covariance.

    mean: fitted, shape (n,); ratios: each coordinate of the root over its standard error.
    """

    problem: Problem
    mean: Floats
    ratios: Floats
    natural: Floats
    covariance: Floats
    converged: bool

    def value(self, name: str) -> float:
        """Return k, beta or theta."""
        fixed = self.problem.fixed
        return fixed[name] if name in fixed else float(self.natural[self.problem.place(name)])

    def standard_error(self, name: str) -> float:
        """Return the standard error of k, beta or theta; 0 where fixed."""
        if name in self.problem.fixed:
            return 0.0
        place = self.problem.place(name)
        return float(np.sqrt(self.covariance[place, place]))

    def strength(self, name: str) -> float:
        """Return a free coefficient's t ratio against 0; for beta that of omega, which is nearer to normal."""
        return float(self.ratios[self.problem.place(name)])

    @property
    def proportional(self) -> bool:
        """Tell whether cost rises at least in proportion to volatility, so that beta has no estimate."""
        if "beta" in self.problem.fixed:
            return False
        return self.value("beta") >= LARGEST_BETA / self.problem.volatility.mean()


def solve(problem: Problem) -> Solution:
    """Solve the estimating equations: Fisher scoring from the square-root law, then Newton's method.

    Raises: ValueError with fewer than two clusters.
    Source: McCullagh, Nelder 1989, "Generalized Linear Models", section 9.2.
    """
    point = np.array([0.0] * problem.levels + [1.5 if name == "k" else 0.0 for name in problem.free])
    cost, _ = problem.target(problem.exponent(point))
    ratio = cost / problem.mean(point)
    point[: problem.levels] = np.log(np.bincount(problem.bucket, ratio) / np.bincount(problem.bucket))
    for _ in range(SCORING_STEPS):
        cost, _ = problem.target(problem.exponent(point))
        gradient = problem.gradient(point)
        error = cost / problem.mean(point) - 1
        step = np.linalg.solve(gradient.T @ gradient, gradient.T @ error)
        point = point + step * min(1.0, LONGEST_STEP / np.abs(gradient @ step).max())
        if np.abs(step).max() < SOLVED:
            break
    whiten = np.linalg.inv(np.linalg.cholesky(gradient.T @ gradient / len(cost)))

    def equations(at: Floats) -> Floats:
        return whiten @ problem.scores(at)[0].mean(axis=0)

    def slope(at: Floats) -> Floats:
        return whiten @ problem.scores(at)[1] / len(cost)

    root = least_squares(equations, point, slope, method="lm", ftol=1e-15, xtol=1e-13, gtol=1e-15)
    scores, bread = problem.scores(root.x)
    covariance = clustered(bread, scores, problem.cluster)
    natural, jacobian = problem.natural(root.x)
    low, high = EXPONENTS
    return Solution(
        problem=problem, mean=problem.mean(root.x), ratios=root.x / np.sqrt(np.diag(covariance)), natural=natural,
        covariance=jacobian @ covariance @ jacobian.T,
        converged=bool(np.abs(root.fun).max() < SOLVED and low <= problem.exponent(root.x) <= high))
