"""The whole campaign of random problems; exits 1 when a check fails.

Run: python -m benchmarks.campaign [--count N] [--numpy]. Every problem is solved continuously and
in whole lots by two methods; there must be no exception, no NaN, no bound above a cost, no limit
broken, whole-lot sums must be exact, and the tiny ones must equal brute force.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections import Counter

import numpy as np

from solver import Problem, Settings, Solution, Status, solve
from tests.solver.cases import brute_force, path_cost, random_problem

TINY = (4, 7)  # periods and lots up to which every schedule is enumerated


def faults(problem: Problem, found: Solution, whole: bool, best: float) -> list[str]:
    """What is wrong with an answer, given the least whole-lot cost (NaN when it is not known)."""
    if found.status is Status.INFEASIBLE:
        return [] if not np.isfinite(best) else ["infeasible though brute force found a schedule"]
    size = 1.0 + found.breakdown.gross
    numbers = [found.cost, found.shortfall, found.variance, found.lower_bound, found.gap, *found.x]
    seen = (
        []
        if np.isfinite(numbers).all() or found.lower_bound == -np.inf
        else ["a number is not finite"]
    )
    if abs(path_cost(problem, found.x) - found.objective) > 1e-10 * size:
        seen.append("objective is not the walked cost")
    if found.lower_bound > found.objective + 1e-12 * size:
        seen.append("bound above the cost")
    if np.isfinite(best) and found.lower_bound > best + 1e-9 * size:
        seen.append("bound above the best")
    lots = found.x / problem.lot
    if whole and ((np.rint(lots) != lots).any() or int(np.rint(lots).sum()) != problem.lots):
        seen.append("lots do not add up")
    if abs(found.x.sum() - problem.shares) > 1e-11 * problem.shares:
        seen.append("shares do not add up")
    if problem.cap is not None and (found.x > np.asarray(problem.cap) * (1 + 1e-12)).any():
        seen.append("cap broken")
    if (
        found.x < (0.0 if problem.floor is None else np.asarray(problem.floor) * (1 - 1e-12))
    ).any():
        seen.append("floor broken")
    if whole and found.status is not Status.OPTIMAL:
        seen.append("whole lots not proved")
    if whole and np.isfinite(best) and abs(found.objective - best) > 1e-10 * size:
        seen.append("whole lots not the best")
    if (
        not whole
        and found.status is Status.OPTIMAL
        and np.isfinite(best)
        and found.objective > best + 1e-8 * size
    ):
        seen.append("continuous above whole lots")
    return seen


def check(seed: int, settings: Settings, tally: Counter[str]) -> list[str]:
    """Solve one random problem every way and report what is wrong."""
    rng = np.random.default_rng(seed)
    periods, lots = TINY if seed % 2 else (12, 40)
    problem = random_problem(rng, periods, lots)
    best = brute_force(problem) if seed % 2 else np.nan
    wrong = []
    runs = [("auto", True), ("dp", True)] + ([] if problem.tabular else [("auto", False)])
    costs = []
    for method, whole in runs:
        found = solve(problem, method=method, integer=whole, settings=settings)
        tally[f"{'whole lots' if whole else 'continuous'} {found.method} {found.status.value}"] += 1
        wrong += [
            f"seed {seed}, {method}, whole={whole}: {fault}"
            for fault in faults(problem, found, whole, best)
        ]
        costs.append(found.objective)
    if abs(costs[0] - costs[1]) > 1e-10 * (1.0 + abs(costs[0])):
        wrong.append(f"seed {seed}: the two whole-lot methods differ")
    return wrong


def main() -> None:
    """Run the campaign and print a tally."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--numpy", action="store_true", help="without the compiled kernels")
    options = parser.parse_args()
    warnings.simplefilter("error")
    tally: Counter[str] = Counter()
    wrong: list[str] = []
    begin = time.perf_counter()
    for seed in range(options.count):
        wrong += check(seed, Settings(compiled=not options.numpy, grid=100), tally)
    for name, count in sorted(tally.items()):
        sys.stdout.write(f"{count:7,} {name}\n")
    sys.stdout.write(
        f"{options.count:,} problems, {len(wrong)} faults, {time.perf_counter() - begin:.0f} s\n"
    )
    sys.stdout.write("".join(f"{line}\n" for line in wrong[:50]))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
