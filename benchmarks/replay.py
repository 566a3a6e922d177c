"""How long an order's replay takes once its tape is loaded: python -m benchmarks.replay.

A made day of half-second books, five levels a side; 2,340 moments, one every ten seconds.
"""

from __future__ import annotations

import time

import numpy as np

from models.microstructure.book import Book
from pipeline.engine.sessions import SECOND_NS
from pipeline.replay.depletion import Holes
from pipeline.replay.loop import Accounting
from pipeline.replay.moments import Clock
from pipeline.replay.replay import NO_PRINTS, Contest, replay, set_stage
from pipeline.replay.side_tape import SideTape
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


def seconds_of(tape: SideTape, contest: Contest) -> float:
    """Return the least of three times that the contest's replay takes."""
    found = []
    for _ in range(3):
        started = time.perf_counter()
        replay([tape], [contest])
        found.append(time.perf_counter() - started)
    return min(found)


def main() -> None:
    """Print the seconds of books and curves, and what each policy adds."""
    tape, clock = made_tape(), Clock(OPEN, CLOSE, 10 * SECOND_NS, SECOND_NS // 10)
    how = {"by_price": Accounting(Holes)}
    for shares in (1_000.0, 20_000.0):
        stage = set_stage(1, shares, clock, ((OPEN, CLOSE),), law_at, NO_PRINTS)
        shared = seconds_of(tape, Contest(stage, {}, how, Band()))
        print(f"{shares:,.0f} shares: {stage.moments:,} moments; books and curves {shared:.3f} s")
        policies = {
            "twap": Scheduled.even(stage.moments),
            "waiting-twap": WaitingTwap(6),
            "threshold": Threshold(),
            "rule": PooledSupply(),
        }
        for name, policy in policies.items():
            took = seconds_of(tape, Contest(stage, {name: policy}, how, Band()))
            print(f"  {name:<14}{took - shared:.3f} s more")


if __name__ == "__main__":
    main()
