"""How long an order's replay takes once its tape is loaded: python -m benchmarks.replay.

A made day of half-second books, five levels a side; 2,340 moments, one every ten seconds.
"""

from __future__ import annotations

import time

import numpy as np

from models.microstructure.book import Book
from pipeline.engine.sessions import SECOND_NS
from pipeline.replay.curves import SideTape
from pipeline.replay.moments import Clock
from pipeline.replay.replay import replay, set_stage
from solver import ImpactLaw
from solver.execution import Band, PooledSupply, Scheduled, Threshold, WaitingTwap

OPEN = 1_700_000_000 * SECOND_NS
CLOSE = OPEN + 23_400 * SECOND_NS
ROWS, LEVELS = 300_000, 5


def made_tape() -> SideTape:
    """Return a day of books whose best prices wander."""
    rng = np.random.default_rng(0)
    bid = 20_000 + np.cumsum(rng.integers(-1, 2, ROWS) * (rng.random(ROWS) < 0.1))
    ask = bid + 1 + rng.poisson(4, ROWS)
    step = np.arange(LEVELS)
    size = rng.integers(1, 300, (2, ROWS, LEVELS)).astype(np.float64)
    book = Book((bid[:, None] - step) / 100, size[0], (ask[:, None] + step) / 100, size[1])
    return SideTape.of(np.linspace(OPEN, CLOSE, ROWS).astype(np.int64), book, 1)


def law_at(times: np.ndarray) -> ImpactLaw:
    """Return one law at each time."""
    one = np.ones(len(times))
    return ImpactLaw(1e-5 * one, 2.0, 0.0, 1e-5, 0.03 * one, one, one)


def main() -> None:
    """Print the seconds of curves and of each policy, the least of three."""
    tape, clock = made_tape(), Clock(OPEN, CLOSE, 10 * SECOND_NS, SECOND_NS // 10)
    for shares in (1_000.0, 20_000.0):
        started = time.perf_counter()
        stage = set_stage(tape, shares, clock, ((OPEN, CLOSE),), law_at)
        took = time.perf_counter() - started
        print(f"{shares:,.0f} shares: {stage.moments:,} moments; curves {took:.3f} s")
        policies = {
            "twap": Scheduled.even(stage.moments),
            "waiting-twap": WaitingTwap(6),
            "threshold": Threshold(),
            "rule": PooledSupply(),
        }
        for name, policy in policies.items():
            seconds = []
            for _ in range(3):
                started = time.perf_counter()
                replay(stage, policy, Band())
                seconds.append(time.perf_counter() - started)
            print(f"  {name:<14}{min(seconds):.3f} s")


if __name__ == "__main__":
    main()
