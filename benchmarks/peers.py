"""The benchmark's orders, and the same orders solved by CVXPY, by ipopt and as the textbooks do."""

from __future__ import annotations

from collections.abc import Callable

import casadi
import cvxpy
import numpy as np

from solver import PowerLaw, Problem, evaluate

PERIODS = 390
HALF = "constant gamma, k = 1.5, half of the own move paid"


def fields(name: str, n: int = PERIODS) -> dict[str, object]:
    """The arguments of a benchmark problem: a U-shaped day, 100,000 shares."""
    u = 0.5 + np.linspace(-1.0, 1.0, n) ** 2
    noise = np.exp(0.2 * np.random.default_rng(0).standard_normal(n))
    scale = 1e-3 * u * noise * np.sqrt(n / PERIODS)
    law = PowerLaw(scale * 0.05, 2.0) if name == "k = 2" else PowerLaw(scale, 1.5)
    chosen: dict[str, dict[str, object]] = {
        "gamma = 0": {},
        "constant gamma, k = 1.5": {"permanent": 1e-7},
        HALF: {"permanent": 1e-7, "own_impact": "half"},
        "k = 2": {"permanent": 1e-7, "sigma": 0.02 * u, "risk_aversion": 1e-5},
        "rising gamma and risk": {
            "permanent": np.linspace(1e-7, 2e-7, n),
            "sigma": 0.02 * u,
            "risk_aversion": 1e-5,
        },
    }
    return {"shares": 1e5, "law": law, **chosen[name]}


def by_cvxpy(given: dict[str, object]) -> float:
    """Model and solve with CVXPY and Clarabel; linearise -gamma x**2 / 2 in turn where a trade
    escapes its own move.
    """
    problem = Problem(**given)
    terms = problem.terms
    x, left = cvxpy.Variable(problem.n, nonneg=True), cvxpy.Variable(problem.n)
    unit = terms.shares
    k = float(terms.exponent[0])
    anchor = cvxpy.Parameter(problem.n, value=np.full(problem.n, 1.0 / problem.n))
    constraints = [cvxpy.sum(x) == 1.0, left == 1.0 - cvxpy.cumsum(x)]
    if k == 2.0:
        trade = cvxpy.sum_squares(cvxpy.multiply(np.sqrt(terms.scale - 0.5 * terms.bend) * unit, x))
    else:
        trade = cvxpy.sum(cvxpy.multiply(terms.scale * unit**k, cvxpy.power(x, k)))
    cost = trade + cvxpy.sum(
        cvxpy.multiply(np.maximum(terms.curve, 0.0) * unit**2, cvxpy.square(left))
    )
    concave = bool(terms.bend.any()) and k != 2.0
    if concave:
        cost = cost - cvxpy.sum(cvxpy.multiply(terms.bend * unit**2, cvxpy.multiply(anchor, x)))
    cost = cost / evaluate(problem, np.full(problem.n, unit / problem.n)).objective
    model = cvxpy.Problem(cvxpy.Minimize(cost), constraints)
    last = np.inf
    for _ in range(30 if concave else 1):
        model.solve(solver=cvxpy.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
        trades = np.maximum(np.asarray(x.value), 0.0)
        value = evaluate(problem, trades * (unit / trades.sum())).objective
        if last - value <= 1e-10 * abs(value):
            break
        last, anchor.value = value, trades
    return value


def by_ipopt(given: dict[str, object]) -> tuple[Callable[[], object], Callable[[], float]]:
    """An ipopt run through casadi, its model already built: the solve alone, and its objective."""
    problem = Problem(**given)
    terms, n = problem.terms, problem.n
    x, left = casadi.MX.sym("x", n), casadi.MX.sym("left", n)
    y = x * terms.shares
    cost = casadi.sum1(terms.scale * y ** float(terms.exponent[0]) - 0.5 * terms.bend * y**2)
    cost += casadi.sum1(
        terms.slope * left * terms.shares + terms.curve * (left * terms.shares) ** 2
    )
    flow = casadi.vertcat(left[0] + x[0] - 1.0, left[1:] + x[1:] - left[:-1], left[n - 1])
    options = {"ipopt.print_level": 0, "print_time": False, "ipopt.tol": 1e-10, "ipopt.sb": "yes"}
    begin = np.full(n, 1.0 / n)
    scale = 1.0 / evaluate(problem, begin * terms.shares).objective
    nlp = {"x": casadi.vertcat(x, left), "f": cost * scale, "g": flow}
    run = casadi.nlpsol("solver", "ipopt", nlp, options)
    start = np.concatenate((begin, 1.0 - np.cumsum(begin)))
    arguments = {
        "x0": start,
        "lbx": np.r_[np.full(n, 1e-12), np.full(n, -np.inf)],
        "lbg": 0.0,
        "ubg": 0.0,
    }

    def objective() -> float:
        trades = np.maximum(np.asarray(run(**arguments)["x"]).ravel()[:n], 0.0)
        return evaluate(problem, trades * (terms.shares / trades.sum())).objective

    return lambda: run(**arguments), objective


def textbook(problem: Problem) -> float:
    """The O(N S**2) recursion as written in the books, one NumPy row a state; the objective of its
    schedule.
    """
    terms, lots = problem.terms, problem.lots
    size = np.arange(lots + 1) * problem.lot
    value = np.where(size == 0.0, 0.0, np.inf)
    trades = np.empty((problem.n, lots + 1), dtype=np.int64)
    for j in range(problem.n - 1, -1, -1):
        trade = (
            terms.spread[j] * size
            + terms.scale[j] * size ** terms.exponent[j]
            - 0.5 * terms.bend[j] * size**2
        )
        after = value + (terms.slope[j] + terms.curve[j] * size) * size
        value = np.empty(lots + 1)
        for s in range(lots + 1):
            costs = trade[: s + 1] + after[s::-1]
            trades[j, s] = best = int(costs.argmin())
            value[s] = costs[best]
    x, left = np.empty(problem.n), lots
    for j in range(problem.n):
        x[j] = trades[j, left] * problem.lot
        left -= int(trades[j, left])
    return evaluate(problem, x).objective
