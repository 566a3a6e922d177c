"""The allocator against general solvers, in one process: prints a markdown table and writes it
where asked.

Run: python -m benchmarks [--quick] [--output FILE]. Needs cvxpy, clarabel and casadi. Each figure
is the median of repeated runs; a ratio divides the peer's median by the allocator's, both measured
in this run, taking turns.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.peers import HALF, PERIODS, by_cvxpy, by_ipopt, fields, textbook
from solver import Orders, PowerLaw, Problem, Settings, Status, solve, solve_many

COMPILED, PLAIN = Settings(compiled=True), Settings(compiled=False)
TURN = 0.01


@dataclass(frozen=True)
class Line:
    """One row of the table."""

    case: str
    figure: str
    target: str
    met: bool


def median_times(
    tasks: list[Callable[[], object]], repeats: int, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """The median seconds of each task.

    The tasks take turns, so that the machine's noise falls on all alike; in its turn each runs for
    at least TURN seconds, so that none is measured with the caches another has just filled.
    """
    times: list[list[float]] = [[] for _ in tasks]
    for task in tasks:
        task()
    for _ in range(repeats):
        for task, seen in zip(tasks, times, strict=True):
            turn = clock()
            while True:
                begin = clock()
                task()
                end = clock()
                seen.append(end - begin)
                if end - turn > TURN:
                    break
    return [statistics.median(seen) for seen in times]


def continuous_lines(repeats: int) -> list[Line]:
    """End to end against CVXPY with Clarabel, and against ipopt's solve alone."""
    lines = []
    targets = {
        "gamma = 0": (200, 20),
        "constant gamma, k = 1.5": (350, 100),
        HALF: (200, 20),
        "k = 2": (40, 10),
    }
    for name, (fast, plain) in targets.items():
        given = fields(name)
        tasks: list[Callable[[], object]] = [lambda g=given: by_cvxpy(g)]
        tasks += [lambda g=given, s=s: solve(Problem(**g), settings=s) for s in (COMPILED, PLAIN)]
        peer, quick, slow = median_times(tasks, repeats)
        ours = solve(Problem(**given), settings=COMPILED)
        off = (by_cvxpy(given) - ours.objective) / ours.objective
        text = (
            f"{peer / quick:,.0f}x compiled ({1e6 * quick:.0f} us), {peer / slow:,.0f}x NumPy "
            f"({1e6 * slow:.0f} us); "
        )
        text += f"CVXPY {1e3 * peer:.1f} ms, objective above ours by {off:.0e}"
        met = peer >= fast * quick and peer >= plain * slow and abs(off) <= 1e-9
        lines.append(
            Line(
                f"vs CVXPY + Clarabel, {name}",
                text,
                f"{fast}x / {plain}x, same objective to 1e-9",
                met,
            )
        )
    for name in (*targets, "rising gamma and risk"):
        given = fields(name)
        task, objective = by_ipopt(given)
        problem = Problem(**given)
        peer, quick = median_times([task, lambda p=problem: solve(p, settings=COMPILED)], repeats)
        off = (objective() - solve(problem, settings=COMPILED).objective) / solve(problem).objective
        text = f"{peer / quick:,.0f}x (ipopt {1e3 * peer:.1f} ms, ours {1e6 * quick:.0f} us); "
        text += f"its objective above ours by {off:.0e}"
        lines.append(Line(f"vs ipopt's solve alone, {name}", text, "20x", peer >= 20 * quick))
    return lines


def growth_lines(repeats: int) -> list[Line]:
    """How the processor time grows with the number of periods.

    Processor time: on a shared machine the long run alone is interrupted, which would count as
    growth.
    """
    lines = []
    for name in ("constant gamma, k = 1.5", "rising gamma and risk"):
        for label, settings in (("compiled", COMPILED), ("NumPy", PLAIN)):
            pair = [Problem(**fields(name, n)) for n in (PERIODS, 100 * PERIODS)]
            tasks: list[Callable[[], object]] = [
                lambda p=p, s=settings: solve(p, settings=s) for p in pair
            ]
            times = median_times(tasks, repeats, time.process_time)
            closed = all(solve(p, settings=settings).status is Status.OPTIMAL for p in pair)
            power = np.log(times[1] / times[0]) / np.log(100.0)
            text = (
                f"exponent {power:.2f} ({1e3 * times[0]:.2f} ms to {1e3 * times[1]:.1f} ms of "
                "processor time), "
            )
            text += "both certified" if closed else "NOT certified"
            lines.append(
                Line(f"N = 390 to 39,000, {name}, {label}", text, "1.1", power <= 1.1 and closed)
            )
    return lines


def whole_lot_lines(repeats: int, quick: bool) -> list[Line]:
    """Whole-lot optima: convex by rounding and sweeps, mixed by the structured recursion."""
    lines = []
    for name in ("gamma = 0", "rising gamma and risk"):
        problem = replace(Problem(**fields(name)), shares=1e3 if quick else 1e4)
        begin = time.perf_counter()
        peer = textbook(problem)
        slow = time.perf_counter() - begin
        (ours,) = median_times([lambda p=problem: solve(p, integer=True)], repeats)
        same = abs(solve(problem, integer=True).objective - peer) <= 1e-12 * peer
        text = (
            f"{slow / ours:,.0f}x ({slow:.1f} s, {1e3 * ours:.2f} ms), "
            f"{'same cost' if same else 'DIFFERENT COST'}"
        )
        lines.append(
            Line(
                f"lot-exact convex, S = {problem.shares:,.0f}, {name}, vs textbook DP",
                text,
                "10,000x",
                slow >= 1e4 * ours and same,
            )
        )
    worst: dict[str, float] = {}
    for shares in (1e3, 1e4, 1e5, 1e6, 1e7, 1e8):
        for name in ("gamma = 0", "constant gamma, k = 1.5", "rising gamma and risk"):
            problem = replace(Problem(**fields(name)), shares=shares)
            problem = replace(
                problem, permanent=np.asarray(problem.permanent) * min(1.0, np.sqrt(1e5 / shares))
            )
            (spent,) = median_times([lambda p=problem: solve(p, integer=True)], repeats)
            assert solve(problem, integer=True).method == "rounding"
            worst[f"{shares:.0e} {name}"] = spent
    slowest = max(worst, key=lambda key: worst[key])
    lines.append(
        Line(
            "lot-exact convex, slowest of S = 1e3 to 1e8",
            f"{1e3 * worst[slowest]:.2f} ms ({slowest})",
            "2 ms",
            worst[slowest] <= 2e-3,
        )
    )
    return lines + mixed_lines(quick)


def mixed_lines(quick: bool) -> list[Line]:
    """Mixed convex-concave rows: permanent impact that bends each phi at a fiftieth of the order,
    falling over the day.
    """
    u = 0.5 + np.linspace(-1.0, 1.0, PERIODS) ** 2
    spent = {}
    for shares in (1e3, 1e4) if quick else (1e3, 1e4, 1e5):
        gamma = 1e-3 * 0.75 / np.sqrt(shares / 50.0) * np.linspace(1.1, 0.9, PERIODS)
        problem = Problem(
            shares, PowerLaw(1e-3 * u, 1.5), permanent=gamma, sigma=0.02, risk_aversion=1e-5
        )
        solve(replace(problem, shares=500.0), method="dp")
        begin = time.perf_counter()
        found = solve(problem, method="dp")
        spent[shares] = time.perf_counter() - begin
        assert found.status is Status.OPTIMAL
    sizes = sorted(spent)
    power = np.log(spent[sizes[-1]] / spent[sizes[-2]]) / np.log(sizes[-1] / sizes[-2])
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    times = ", ".join(f"S = {s:,.0f}: {t:.2f} s" for s, t in spent.items())
    return [
        Line(
            "lot-exact mixed convex-concave, growth in S",
            f"exponent {power:.2f} ({times})",
            "1.2",
            power <= 1.2,
        ),
        Line(
            "same, largest S",
            f"{spent[sizes[-1]]:.2f} s, process peak {memory:.2f} GB",
            "5 s, 1 GB",
            spent[sizes[-1]] <= 5 and memory <= 1,
        ),
    ]


def batch_lines(repeats: int) -> list[Line]:
    """Ten thousand orders of 390 periods."""
    rng, count = np.random.default_rng(1), 10_000
    u = 0.5 + np.linspace(-1.0, 1.0, PERIODS) ** 2
    scale = (
        1e-3
        * np.exp(
            0.3 * rng.standard_normal((count, 1)) + 0.2 * rng.standard_normal((count, PERIODS))
        )
        * u
    )
    shares, lengths = np.round(np.exp(rng.normal(10.0, 1.0, count))), np.full(count, PERIODS)
    risky = {"sigma": 0.02 * np.broadcast_to(u, scale.shape), "risk_aversion": 1e-6}
    rising = 1e-7 * np.broadcast_to(np.linspace(1.0, 2.0, PERIODS), scale.shape)
    cases: list[tuple[str, dict[str, object], int]] = [
        ("separable (power law)", {}, 100_000),
        ("separable with constant gamma", {"permanent": 1e-7}, 0),
        (f"separable, {HALF}", {"permanent": 1e-7, "own_impact": "half"}, 150_000),
        ("general (rising gamma, risk)", {"permanent": rising, **risky}, 15_000),
        ("general with caps", {"cap": np.repeat(3.0 * shares / PERIODS, PERIODS), **risky}, 0),
    ]
    lines = []
    for name, extra, target in cases:
        orders = Orders(shares, lengths, scale, 1.5, **extra)
        (spent,) = median_times([lambda o=orders: solve_many(o)], max(3, repeats // 4))
        done = float(solve_many(orders).optimal.mean())
        rate = count / spent
        goal = f"{target:,}/s" if target else "(not set)"
        lines.append(
            Line(
                f"10,000 orders x 390, {name}",
                f"{rate:,.0f} orders/s, {100 * done:.1f} % certified",
                goal,
                rate >= target,
            )
        )
    return lines


def import_line() -> Line:
    """The time `import solver` adds to a fresh interpreter."""
    code = "import time; t = time.perf_counter(); import solver; print(time.perf_counter() - t)"
    times = [
        float(
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            ).stdout
        )
        for _ in range(7)
    ]
    middle = statistics.median(times)
    return Line("import solver", f"{middle:.3f} s", "0.25 s", middle <= 0.25)


def table(lines: list[Line]) -> str:
    """The lines as a markdown table."""
    rows = [
        "| case (N = 390 unless said, medians) | measured | at least | met |",
        "|---|---|---|---|",
    ]
    rows += [
        f"| {line.case} | {line.figure} | {line.target} | {'yes' if line.met else 'no'} |"
        for line in lines
    ]
    return "\n".join(rows) + "\n"


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repeats and smaller orders")
    parser.add_argument("--output", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    repeats = 5 if options.quick else 21
    lines = [
        *whole_lot_lines(repeats, options.quick),
        *continuous_lines(repeats),
        *growth_lines(max(3, repeats // 3)),
    ]
    lines += [*batch_lines(repeats), import_line()]
    text = table(lines)
    sys.stdout.write(text)
    if options.output:
        options.output.write_text(text)


if __name__ == "__main__":
    main()
