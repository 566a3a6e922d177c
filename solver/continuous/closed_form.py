"""Schedules known in closed form: baselines to compare with and oracles to test against."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from solver.problem.laws import Floats, ProblemError, as_count, as_vector
from solver.problem.problem import Problem


def twap(shares: float, periods: int) -> Floats:
    """Trade the same size in every period.

    Shapes: returns (N,), shares.

    Raises:
        ProblemError: periods not a whole number >= 1, or shares not a number >= 0.

    Source: Bertsimas, Lo (1998), proposition 1: optimal for constant linear permanent impact
    without drift.
    """
    return np.full(
        as_count("periods", periods), float(as_vector("shares", shares, minimum=0.0)) / periods
    )


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
            "volume must be a vector with a positive sum, found none: pass the expected volume by "
            "period"
        )
    return np.asarray(shares * weight / weight.sum())


def bertsimas_lo(shares: float, impact: float, drift: ArrayLike) -> Floats:
    """The cheapest schedule when each trade moves the price for good, by its own size too, and a
    drift is known.

    Shapes: drift (N,), expected price changes after each period, adverse ones positive; returns
    (N,), shares. Units: impact in currency / share per share, drift in currency / share. Trading
    x_j at a price it has already moved costs impact x_j**2 over the price before, so this is
    exponent 2 with permanent = impact and scale = impact, or impact / 2 where own_impact is "half".
    x_j = S / N + (m_j - mean(m)) / impact with m_j =
    drift_j + ... + drift_{N-1}.

    Raises: ProblemError: impact <= 0, drift not a vector, or a drift so strong that a trade would
        be negative.

    Source: Bertsimas, Lo (1998), "Optimal control of execution costs", section 2.2, with a known
    drift in place of their information variable.
    """
    if not impact > 0.0:
        raise ProblemError(
            f"impact must be > 0, found {impact:g}: without it the schedule is a corner"
        )
    moves = as_vector("drift", drift)
    if moves.ndim != 1:
        raise ProblemError(f"drift must have shape (N,), found {moves.shape}: one change a period")
    ahead = np.append(
        np.cumsum(moves[-2::-1])[::-1], 0.0
    )  # the last change finds nothing left to trade
    x = twap(shares, len(moves)) + (ahead - ahead.mean()) / impact
    if x.min() < 0.0:
        raise ProblemError("drift is so strong that the schedule would sell back: use solve")
    return np.asarray(x)


def almgren_chriss(problem: Problem) -> Floats:
    """The mean-variance schedule for quadratic cost with constant parameters.

    Needs exponent 2, no limits, no drift, and scale, permanent and sigma constant over periods.
    x_j = R_{j-1} - R_j with R_j = S sinh(kappa (N - j)) / sinh(kappa N), cosh(kappa) = 1 +
    risk_aversion sigma**2 / (2 eta), where eta is scale - permanent / 2, or the plain scale where
    own_impact is "half".

    Raises:
        ProblemError: the problem is not of that form.

    Source: Almgren, Chriss (2000), "Optimal execution of portfolio transactions", eq. (16)-(18).
    """
    terms = problem.terms
    eta = float(terms.scale[0] - 0.5 * terms.bend[0])
    constant = all(
        (v == v[0]).all()
        for v in (terms.scale, np.asarray(problem.permanent), terms.spread, problem.risk)
    )
    if (
        terms.power != 2.0
        or not constant
        or problem.limited
        or problem.adverse_drift.any()
        or eta <= 0.0
    ):
        raise ProblemError(
            "problem must have exponent 2, constant parameters, no drift or limits: use "
            "method='nlp'"
        )
    half = np.arcsinh(np.sqrt(problem.risk[0] / (4.0 * eta)))
    n = problem.n
    if half == 0.0:
        return twap(problem.shares, n)
    j = np.arange(1, n + 1)
    middle = (
        n - j + 0.5
    )  # in R_{j-1} - R_j = 2 S sinh(half) cosh(2 half (N - j + 1/2)) / sinh(2 half N)
    growth = np.exp(2.0 * half * (middle - n)) + np.exp(-2.0 * half * (middle + n))
    return np.asarray(problem.shares * 2.0 * np.sinh(half) * growth / -np.expm1(-4.0 * half * n))


def power_law(problem: Problem) -> Floats:
    """The schedule x_j proportional to scale_j**(-1 / (k - 1)): power law without permanent impact,
    risk, drift or limits.

    Constant permanent impact may be there where own_impact is "half": it adds to all schedules
    alike.

    Raises:
        ProblemError: the problem is not of that form.

    Source: first-order conditions scale_j k x_j**(k - 1) = nu; Almgren (2003), "Optimal execution
    with nonlinear impact".
    """
    terms = problem.terms
    plain = not (terms.curve.any() or terms.slope.any() or terms.bend.any() or problem.limited)
    if (
        terms.power is None
        or terms.power <= 1.0
        or not plain
        or (terms.spread != terms.spread[0]).any()
    ):
        raise ProblemError(
            "problem must be a power law with k > 1 and nothing else: use method='nlp'"
        )
    weight = (terms.scale.min() / terms.scale) ** (1.0 / (terms.power - 1.0))
    return np.asarray(problem.shares * weight / weight.sum())
