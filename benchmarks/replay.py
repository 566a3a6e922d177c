"""How long an order's replay takes once its tape is loaded, and its memory by the tape's length.

    python -m benchmarks.replay

Made days; 2,340 moments, one every ten seconds. Times: 300,000 books of five levels a side.
"""

from __future__ import annotations

import resource
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from models.microstructure.book import Book
from pipeline.engine.sessions import SECOND_NS
from pipeline.replay.depletion import Holes
from pipeline.replay.loop import Accounting
from pipeline.replay.moments import Clock
from pipeline.replay.replay import NO_PRINTS, Contest, replay, set_stage
from pipeline.replay.side_tape import SideTape
from pipeline.replay.study import batches
from pipeline.tape.days import DayInput
from pipeline.tape.ingest import BATCH_ROWS, part_path
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


def write_day(folder: Path, rows: int) -> DayInput:
    """Write a session's quotes of ten levels, as an ingested day lies, and return it."""
    day = DayInput("", (str(folder),), "MADE", "2025-01-08")
    path = folder / part_path("quotes", day.symbol, day.date)
    path.parent.mkdir(parents=True)
    rng, writer = np.random.default_rng(0), None
    for first in range(0, rows, BATCH_ROWS):
        place = np.arange(first, min(first + BATCH_ROWS, rows))
        columns = {"ts": OPEN + place * ((CLOSE - OPEN) // rows)}
        bid = 20_000 + np.cumsum(rng.integers(-1, 2, len(place)) * (rng.random(len(place)) < 0.05))
        for level in range(10):
            for name, price in (("bid", bid - level), ("ask", bid + 3 + level)):
                columns[f"{name}_px_{level}"] = price / 100
                columns[f"{name}_sz_{level}"] = rng.integers(1, 300, len(place)).astype(float)
        table = pl.DataFrame(columns).to_arrow()
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    writer.close()
    return day


def peak_of(rows: int) -> tuple[float, float]:
    """Return the peak memory before and after replaying a day of so many rows, GB."""
    with TemporaryDirectory() as folder:
        day = write_day(Path(folder), rows)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        clock = Clock(OPEN, CLOSE, 10 * SECOND_NS, SECOND_NS // 10)
        stage = set_stage(1, 5_000.0, clock, ((OPEN, CLOSE),), law_at, NO_PRINTS)
        rule = {"rule": PooledSupply()}
        replay(batches(day, 1), [Contest(stage, rule, {"by_price": Accounting(Holes)}, Band())])
        return before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def memory() -> None:
    """Print the peak memory of a replay by the length of its tape, each in a process of its own."""
    for rows in (250_000, 1_000_000, 4_000_000):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            before, after = pool.submit(peak_of, rows).result()
        print(f"{rows:,} rows of ten levels: peak {after:.2f} GB, {before:.2f} before the replay")


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
    memory()
