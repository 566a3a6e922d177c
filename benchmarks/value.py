"""How long the value of waiting takes to build and a decision to make: python -m benchmarks.value.

360 books of an hour in nine states, 200 cells across the band of an order of 2,340 moments.
"""

from __future__ import annotations

import time

import numpy as np

from solver.execution import Band, Past, Seen, TakeOrWait

MOMENTS, BOOKS, LEVELS = 2_340, 360, 22


def first_moment(shares: float) -> Seen:
    """Return an order's first moment, after an hour of made books."""
    rng = np.random.default_rng(0)
    half = 0.03 * np.exp(0.4 * rng.standard_normal(BOOKS))
    over = half[:, None] + 0.01 * np.cumsum(rng.poisson(1.5, (BOOKS, LEVELS)), axis=1)
    size = rng.integers(1, 200, (BOOKS, LEVELS)).astype(np.float64)
    size[:, -1] = shares
    number, flat = np.arange(1 - BOOKS, 1), np.zeros(BOOKS)
    past = Past(number, over, size, 2.0 * half, flat, flat)
    return Seen(
        0, MOMENTS, shares, shares, over[-1], size[-1], 2.0 * float(half[-1]), 0.0, 0.0, past
    )


def main() -> None:
    """Print seconds a building, the least of three, and milliseconds a decision."""
    for slack in (0.1, 1.0):
        for shares in (1_000.0, 5_000.0, 20_000.0):
            for states, number in ((9, 200), (3, 100)):
                policy = TakeOrWait(Band(slack), states=states, number=number)
                seen, seconds = first_moment(shares), []
                for _ in range(3):
                    started = time.perf_counter()
                    learned = policy.learned(seen)
                    seconds.append(time.perf_counter() - started)
                started = time.perf_counter()
                for _ in range(1_000):
                    learned.decide(seen)
                took = time.perf_counter() - started
                print(
                    f"band {slack:.0%}, {shares:>6,.0f} shares, {states} states, {number} cells: "
                    f"build {min(seconds):.2f} s, decision {took:.3f} ms"
                )


if __name__ == "__main__":
    main()
