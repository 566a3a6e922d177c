"""Problems to test on, and costs worked out without the package's own algebra."""

from __future__ import annotations

import itertools

import numpy as np

from solver import PowerLaw, Problem, TableLaw

OWN = ("none", "half")


def path_cost(problem: Problem, x: np.ndarray) -> float:
    """Walk the price through the schedule: cash over the arrival price plus risk, nothing summed by
    parts.

    With own_impact "half" the price of a trade is the mean of those before and after its own move.
    """
    sign = 1.0 if problem.side == "buy" else -1.0
    price, cash, variance, left = 0.0, 0.0, 0.0, problem.shares
    for i, trade in enumerate(x):
        moved = price + sign * price_move(problem, i, trade)
        paid = 0.5 * (price + moved) if problem.own_impact == "half" else price
        cash += sign * paid * trade + stage_cost(problem, i, trade)
        left -= trade
        price = moved + np.asarray(problem.drift)[i]
        variance += np.asarray(problem.sigma)[i] ** 2 * left**2
    return cash + problem.risk_aversion * variance


def stage_cost(problem: Problem, i: int, trade: float) -> float:
    """g_i(trade)."""
    law = problem.law
    if isinstance(law, TableLaw):
        return float(law.table[i, round(trade / problem.lot)])
    k, a, s = (np.broadcast_to(v, problem.n)[i] for v in (law.exponent, law.scale, law.spread))
    return float(s * trade + a * trade**k)


def price_move(problem: Problem, i: int, trade: float) -> float:
    """h_i(trade)."""
    if isinstance(problem.permanent, TableLaw):
        return float(problem.permanent.table[i, round(trade / problem.lot)])
    return float(np.asarray(problem.permanent)[i] * trade)


def own_cost(problem: Problem, i: int, trade: float) -> float:
    """What the trade pays of the move it makes."""
    half = problem.own_impact == "half"
    return 0.5 * trade * price_move(problem, i, trade) if half else 0.0


def lot_range(problem: Problem, i: int) -> range:
    """The trades of period i in lots that its floor, cap and tables admit."""
    low = 0.0 if problem.floor is None else np.asarray(problem.floor)[i] / problem.lot
    high = problem.lots if problem.cap is None else np.asarray(problem.cap)[i] / problem.lot
    for law in (problem.law, problem.permanent):
        if isinstance(law, TableLaw):
            high = min(high, law.table.shape[1] - 1)
    return range(int(np.ceil(low - 1e-9)), min(problem.lots, int(np.floor(high + 1e-9))) + 1)


def brute_force(problem: Problem) -> float:
    """The least cost over every schedule in whole lots, infinite when there is none."""
    best = np.inf
    last = lot_range(problem, problem.n - 1)
    for head in itertools.product(*(lot_range(problem, i) for i in range(problem.n - 1))):
        tail = problem.lots - sum(head)
        if tail in last:
            best = min(best, path_cost(problem, np.array([*head, tail], dtype=float) * problem.lot))
    return best


def textbook(problem: Problem) -> tuple[float, list[dict[int, float]]]:
    """V(S, 0) and every V(s, t) by the plain O(N S**2) recursion over shares left."""
    sign = 1.0 if problem.side == "buy" else -1.0
    value = {0: 0.0}
    tables = [value]
    for i in range(problem.n - 1, -1, -1):
        step = {
            n: (stage_cost(problem, i, x) + own_cost(problem, i, x), price_move(problem, i, x))
            for n in lot_range(problem, i)
            for x in [n * problem.lot]
        }
        risk = problem.risk_aversion * np.asarray(problem.sigma)[i] ** 2
        new: dict[int, float] = {}
        for s in range(problem.lots + 1):
            costs = [
                cost
                + (sign * np.asarray(problem.drift)[i] + move + risk * left) * left
                + value[s - n]
                for n, (cost, move) in step.items()
                if s - n in value
                for left in [(s - n) * problem.lot]
            ]
            if costs:
                new[s] = min(costs)
        value = new
        tables.append(value)
    return value.get(problem.lots, np.inf), tables[::-1]


def random_problem(
    rng: np.random.Generator, most_periods: int = 4, most_lots: int = 8, *, tables: bool = True
) -> Problem:
    """A problem of any kind: exponents, permanent impact, its reading, risk, drift, limits."""
    n, lots = int(rng.integers(1, most_periods + 1)), int(rng.integers(1, most_lots + 1))
    lot = float(rng.choice([1.0, 100.0, 0.5]))
    shares = lots * lot
    exponents = [0.5, 0.6, 1.0, 1.1, 1.5, 2.0, 2.5]
    k = float(rng.choice(exponents)) if rng.random() < 0.8 else rng.choice(exponents, size=n)
    law: PowerLaw | TableLaw = PowerLaw(
        rng.lognormal(size=n) * shares ** -np.mean(k), k, rng.random(n) / shares * 0.3
    )
    slope = [np.zeros(n), np.ones(n), np.linspace(0.5, 1.5, n), np.linspace(1.5, 0.5, n)][
        int(rng.integers(4))
    ]
    permanent = rng.choice([0.2, 1.0, 4.0]) / shares**2 * slope
    limits = {}
    if rng.random() < 0.4:
        limits["cap"] = np.maximum(rng.integers(0, lots + 1, size=n), -(-lots // n)) * lot
    if rng.random() < 0.3:
        floor = np.minimum(rng.integers(0, lots + 1, size=n) // n * lot, limits.get("cap", np.inf))
        limits["floor"] = floor * float(floor.sum() <= shares)
    if tables and rng.random() < 0.15:
        law = TableLaw(np.pad(np.cumsum(rng.random((n, lots)), axis=1) / lots, ((0, 0), (1, 0))))
    if tables and rng.random() < 0.1:
        moves = np.pad(np.cumsum(rng.random((n, lots)), axis=1) / lots / shares, ((0, 0), (1, 0)))
        own = str(rng.choice(OWN))
        return Problem(shares, law, permanent=TableLaw(moves), lot=lot, own_impact=own, **limits)
    return Problem(
        shares,
        law,
        permanent=permanent,
        drift=rng.standard_normal(n) / shares * 0.5 * float(rng.random() < 0.4),
        sigma=rng.random(n) / shares,
        risk_aversion=float(rng.random() * 3.0 * (rng.random() < 0.5)),
        side=str(rng.choice(["buy", "sell"])),
        own_impact=str(rng.choice(OWN)),
        lot=lot,
        **limits,
    )


def day_problem(rng: np.random.Generator, n: int = 60, **changes: object) -> Problem:
    """A convex order over a day with a U-shaped cost, of the size of a real one."""
    u = 0.5 + np.linspace(-1.0, 1.0, n) ** 2
    fields: dict[str, object] = {
        "shares": 1e4,
        "law": PowerLaw(1e-3 * np.exp(0.3 * rng.standard_normal(n)) * u, 1.5),
        "sigma": 0.02 * u,
        "price": 50.0,
    }
    return Problem(**{**fields, **changes})
