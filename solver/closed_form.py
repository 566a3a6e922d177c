"""Schedules known in closed form: baselines to compare with and oracles to test against."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .laws import Floats, ProblemError, as_count, as_vector
from .problem import Problem


def twap(shares: float, periods: int) -> Floats:
    """Trade the same size in every period.

    Shapes: returns (N,), shares.

    Raises:
        ProblemError: periods not a whole number >= 1, or shares not a number >= 0.

    Source: Bertsimas, Lo (1998), proposition 1: optimal for constant linear permanent impact without drift.
    """
    return np.full(as_count("periods", periods), float(as_vector("shares", shares, minimum=0.0)) / periods)


def vwap(shares: float, volume: ArrayLike) -> Floats:
    """Trade in proportion to (expected) market volume.

    Shapes: volume (N,), any unit, >= 0; returns (N,), shares.

    Raises:
        ProblemError: volume is negative, not a vector, or all zero.

    Source: Konishi (2002), "Optimal slice of a VWAP trade".
    """
    weight = as_vector("volume", volume, minimum=0.0)
    if weight.ndim != 1 or not weight.sum() > 0.0:
        raise ProblemError(
            "volume must be a vector with a positive sum, found none: pass the expected volume by period"
        )
    return np.asarray(shares * weight / weight.sum())


def almgren_chriss(problem: Problem) -> Floats:
    """The mean-variance schedule for quadratic cost with constant parameters.

    Needs exponent 2, no limits, no drift, and scale, permanent and sigma constant over periods. x_j = R_{j-1}
    - R_j with R_j = S sinh(kappa (N - j)) / sinh(kappa N), cosh(kappa) = 1 + risk_aversion sigma**2 / (2
    (scale - permanent / 2)).

    Raises:
        ProblemError: the problem is not of that form.

    Source: Almgren, Chriss (2000), "Optimal execution of portfolio transactions", eq. (16)-(18).
    """
    terms = problem.terms
    eta = float(terms.scale[0] - 0.5 * terms.gamma[0])
    constant = all((v == v[0]).all() for v in (terms.scale, terms.gamma, terms.spread, problem.risk))
    if terms.power != 2.0 or not constant or problem.limited or problem.adverse_drift.any() or eta <= 0.0:
        raise ProblemError("problem must have exponent 2, constant parameters, no drift or limits: use method='nlp'")
    half = np.arcsinh(np.sqrt(problem.risk[0] / (4.0 * eta)))
    n = problem.n
    if half == 0.0:
        return twap(problem.shares, n)
    j = np.arange(1, n + 1)
    middle = n - j + 0.5  # in R_{j-1} - R_j = 2 S sinh(half) cosh(2 half (N - j + 1/2)) / sinh(2 half N)
    growth = np.exp(2.0 * half * (middle - n)) + np.exp(-2.0 * half * (middle + n))
    return np.asarray(problem.shares * 2.0 * np.sinh(half) * growth / -np.expm1(-4.0 * half * n))


def power_law(problem: Problem) -> Floats:
    """The schedule x_j proportional to scale_j**(-1 / (k - 1)): power law without permanent impact, risk,
    drift or limits.

    Raises:
        ProblemError: the problem is not of that form.

    Source: first-order conditions scale_j k x_j**(k - 1) = nu; Almgren (2003), "Optimal execution with
    nonlinear impact".
    """
    terms = problem.terms
    plain = not (terms.curve.any() or terms.slope.any() or terms.gamma.any() or problem.limited)
    if terms.power is None or terms.power <= 1.0 or not plain or (terms.spread != terms.spread[0]).any():
        raise ProblemError("problem must be a power law with k > 1 and nothing else: use method='nlp'")
    weight = (terms.scale.min() / terms.scale) ** (1.0 / (terms.power - 1.0))
    return np.asarray(problem.shares * weight / weight.sum())
