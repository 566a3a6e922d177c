"""One order by every route: cost under the law itself, and time, side by side.

Run: python -m benchmarks.routes PARAMS.json SYMBOL SHARES [LOT]. Times are the least of ten calls,
compiled kernels warm.
"""

import json
import sys
import time

import numpy as np

from solver import OrderTerms, evaluate, from_params, quadratic_approximation, solve


def timed(make):
    """Return what a call gives and its least seconds."""
    seconds = []
    for _ in range(10):
        begin = time.perf_counter()
        found = make()
        seconds.append(time.perf_counter() - begin)
    return found, min(seconds)


def main() -> None:
    """Print the routes' costs and times."""
    path, symbol, shares, *rest = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        params = json.load(file)
    problem = from_params(
        params, symbol, float(shares), OrderTerms(lot=float(rest[0] if rest else 1))
    )
    volume = np.array([row["volume"] for row in params["symbols"][symbol]["periods"]])
    pace = problem.shares * volume / volume.sum()
    routes = {
        "nlp": lambda: solve(problem, method="nlp").x,
        "qp": lambda: solve(quadratic_approximation(problem, pace)).x,
        "lots": lambda: solve(problem, integer=True).x,
        "dp": lambda: solve(problem, method="dp", integer=True).x,
    }
    for name, make in routes.items():
        x, seconds = timed(make)
        cost = evaluate(problem, x).objective
        print(f"{name:<6} cost {cost:,.6f}  {1e3 * seconds:.3f} ms")


if __name__ == "__main__":
    main()
