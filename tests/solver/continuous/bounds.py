"""Slopes and lower bounds of a problem, worked out without the package's own algebra."""

from __future__ import annotations

import numpy as np

from solver import Problem
from tests.solver.cases import path_cost


def own_share(problem: Problem) -> float:
    """What a trade pays of its own permanent move."""
    return {"none": 0.0, "half": 0.5}[problem.own_impact]


def plain_gradient(problem: Problem, x: np.ndarray) -> np.ndarray:
    """The derivative of the walked cost by complex step, one trade at a time, shares left as
    written in the problem.
    """
    sign = 1.0 if problem.side == "buy" else -1.0
    out = np.empty(problem.n)
    spread, scale, exponent = problem.law_rows
    for j in range(problem.n):
        z = x.astype(complex)
        z[j] += 1e-30j
        left = problem.shares - np.cumsum(z)
        cost = (
            spread * z
            + scale * z**exponent
            + sign * np.asarray(problem.drift) * left
            + np.asarray(problem.permanent) * z * (left + own_share(problem) * z)
        )
        cost = cost + problem.risk_aversion * np.asarray(problem.sigma) ** 2 * left**2
        out[j] = cost.sum().imag / 1e-30
    return out


def linear_bound(problem: Problem, x: np.ndarray) -> float:
    """objective(x) less the most a linear model of a convex objective can fall over the limits, by
    filling the cheapest first.
    """
    slope = plain_gradient(problem, x)
    low = np.zeros(problem.n) if problem.floor is None else np.asarray(problem.floor)
    high = np.full(problem.n, problem.shares) if problem.cap is None else np.asarray(problem.cap)
    plan, spare = low.copy(), problem.shares - low.sum()
    for j in np.argsort(slope):
        add = min(high[j] - low[j], spare)
        plan[j] += add
        spare -= add
    return path_cost(problem, x) + float(slope @ (plan - x))


def dual_bound(problem: Problem, x: np.ndarray) -> float:
    """A bound from prices alone: every trade and the common price by bisection, nothing of the
    package reused.
    """
    sign = 1.0 if problem.side == "buy" else -1.0
    gamma, n = np.asarray(problem.permanent), problem.n
    escaped = gamma * (1.0 - 2.0 * own_share(problem))
    left = np.append(np.cumsum(x[:0:-1])[::-1], 0.0)
    bend = problem.risk_aversion * np.asarray(problem.sigma) ** 2 + 0.5 * np.append(
        np.diff(gamma), 0.0
    )
    slope = sign * np.asarray(problem.drift) + 2.0 * bend * left
    waiting = np.append(0.0, np.cumsum(slope[:-1]))
    spread, scale, exponent = problem.law_rows
    low = np.zeros(n) if problem.floor is None else np.asarray(problem.floor)
    high = (
        np.full(n, problem.shares)
        if problem.cap is None
        else np.minimum(np.asarray(problem.cap), problem.shares)
    )

    def cheapest(nu: float) -> np.ndarray:
        a, b = low.copy(), high.copy()
        for _ in range(200):  # halve on the sign of the derivative
            m = 0.5 * (a + b)
            up = spread + scale * exponent * m ** (exponent - 1.0) - escaped * m + waiting < nu
            a, b = np.where(up, m, a), np.where(up, b, m)
        return 0.5 * (a + b)

    bottom, top = (
        waiting.min() - 1.0,
        (waiting + spread + scale * exponent * high ** (exponent - 1.0)).max() + 1.0,
    )
    for _ in range(100):
        nu = 0.5 * (bottom + top)
        bottom, top = (nu, top) if cheapest(nu).sum() < problem.shares else (bottom, nu)
    trades = cheapest(nu)
    paid = (
        spread * trades
        + scale * trades**exponent
        - 0.5 * escaped * trades**2
        - (nu - waiting) * trades
    )
    rest = (sign * np.asarray(problem.drift) + bend * left) * left - slope * left
    rest[-1] = 0.0
    return float(paid.sum() + rest.sum() + nu * problem.shares + 0.5 * gamma[0] * problem.shares**2)
