"""Night after night on a simulated history whose market changes, and whose tape is poisoned.

Run: python -m benchmarks.nights [--days 30] [--break-at 15] [--first 6] [--poison-from 9]
  [--first-export law] [--books 6].
One symbol; from `--break-at` on the book holds half of the depth, and k is .12 more, all else going
on (with less, the best price would hold a share or two). Each day from `--first` on is retrained as
`impact retrain` does. On four days before the break the night is first tried on a poisoned tape of
that day: prices x 100 for a minute, signs flipped, half of the rows missing, a quote that stands
still for 90 minutes; then the day is mended and the night done.
With --first-export, the first night exports that regressor's curve beside its law, as if it had
been in force; from the second on the gate is free to change it. --books: a minute, besides those
that follow trades; what a night saves by what it finds done depends on it (liquid stocks have
hundreds).
Printed by night: the outcome, the history's first day, the family, k in force with its error and
its distance from what is planted on that day, in errors, and so of the log cost of 1,000 shares
over the half spread at the file's reference state; seconds of this process, why. At the end:
seconds of a night and of one from an empty cache.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import polars as pl

from models.simulation import market
from models.simulation.market import LEVELS, TICK, MarketConfig, SymbolTruth, simulate_truth
from pipeline.engine.config import Config, load_config
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SessionCalendar
from pipeline.evaluation.candidates import LEARNED
from pipeline.parameters.schema import read_params
from pipeline.publication.versions import in_force
from pipeline.retraining.distance import log_costs
from pipeline.retraining.night_text import forms_text
from pipeline.retraining.nights import Night
from pipeline.retraining.retrain import retrain
from pipeline.tape.simulate import DayTask, write_day
from solver import ImpactLaw

SHARES, START, K_MORE = 1000.0, "2025-01-06", 0.12
MINUTE_NS = 60_000_000_000
POISONS = ("prices x 100 for a minute", "signs flipped", "half of the rows", "a frozen quote")


def broken(truth: SymbolTruth) -> SymbolTruth:
    """Return what is planted where the book holds half as many shares and k is more."""
    k = truth.k + K_MORE
    depth = (LEVELS * TICK / (truth.alpha * truth.k * (1 + truth.beta))) ** (1 / (truth.k - 1))
    alpha = LEVELS * TICK / (k * (depth / 2) ** (k - 1) * (1 + truth.beta))

    def scale(v: np.ndarray, liquidity: np.ndarray) -> np.ndarray:
        return ImpactLaw(alpha[: len(v)], k, truth.beta, volatility=v, liquidity=liquidity).scale

    days = tuple(replace(day, scale=scale(day.v, day.liquidity)) for day in truth.days)
    return replace(truth, k=k, alpha=alpha, days=days)


@dataclass(frozen=True)
class History:
    """A tape day by day: its folder, the sessions' dates, what is planted before and after."""

    tape: Path
    dates: tuple[str, ...]
    before: SymbolTruth
    after: SymbolTruth
    break_at: int

    def truth(self, number: int) -> SymbolTruth:
        """Return what is planted on the day of a number from 1."""
        return self.after if number >= self.break_at else self.before

    def file(self, number: int) -> Path:
        """Return the tape of a day."""
        return self.tape / f"SIM0-{self.dates[number - 1].replace('-', '')}.mbp-10.parquet"


def simulated(given: argparse.Namespace, folder: Path) -> History:
    """Write the tape of a history."""
    sessions = SessionCalendar().sessions_from(START, given.days + 1)
    config = MarketConfig(1, given.seed, tuple(one.periods for one in sessions))
    before = simulate_truth(config, 0)
    dates = tuple(one.date for one in sessions)
    history = History(folder / "tape", dates, before, broken(before), given.break_at)
    history.tape.mkdir()
    for number in range(1, given.days + 1):
        with (
            patch.object(market, "simulate_truth", lambda *_, n=number: history.truth(n)),
            patch.object(market, "REFRESHES", given.books),
        ):
            write_day(DayTask(str(history.tape), config, sessions[number - 1], 0, number - 1))
    return history


def poisoned(rows: pl.DataFrame, how: str) -> pl.DataFrame:
    """Return a day's rows poisoned."""
    time_ns = rows["ts_event"].cast(pl.Int64)
    middle = int(time_ns.quantile(0.5) or 0)
    prices = [name for name in rows.columns if "_px_" in name or name == "price"]
    if how == POISONS[0]:
        minute = (time_ns >= middle) & (time_ns < middle + MINUTE_NS)
        return rows.with_columns(
            pl.when(minute).then(100 * pl.col(name)).otherwise(name).alias(name) for name in prices
        )
    if how == POISONS[1]:
        turned = pl.col("side").replace({"A": "B", "B": "A"})
        return rows.with_columns(
            pl.when(pl.col("action") == "T").then(turned).otherwise("side").alias("side")
        )
    if how == POISONS[2]:
        return rows.filter(np.random.default_rng(0).random(len(rows)) < 0.5)
    still = (time_ns >= middle) & (time_ns < middle + 90 * MINUTE_NS)
    book = [name for name in rows.columns if name[:4] in ("bid_", "ask_")]
    first = int(np.flatnonzero(still.to_numpy())[0])
    return rows.with_columns(
        pl.when(still)
        .then(pl.lit(rows[name][first]))
        .otherwise(name)
        .cast(rows[name].dtype)
        .alias(name)
        for name in book
    )


def told(path: str, truth: SymbolTruth) -> str:
    """Return k in force and the log cost of 1,000 shares at the file's own reference state, with
    their errors and distances from what is planted.
    """
    one = read_params(path).symbols["SIM0"]
    error = one.standard_errors["k"] or np.nan
    cost, matrix = log_costs(one, np.array([SHARES]), one.reference)
    day, level = truth.days[0], one.reference
    volatility = level.volatility * day.v[0] / day.sigma[0]
    thinness = day.liquidity[0] * day.volume[0] / level.volume_shares
    planted = np.log(truth.alpha).mean() + truth.k * np.log(SHARES)
    planted += np.log1p(truth.beta * volatility) + np.log(thinness)
    off, spread = float(cost[0] - planted), float(np.sqrt(matrix[0, 0]))
    return (
        f"k {one.law.k:.4f} +- {error:.4f} ({(one.law.k - truth.k) / error:+5.1f})  "
        f"log cost {off:+.3f} +- {spread:.3f} ({off / spread:+5.1f})"
    )


def line_of(number: int, done: Night, history: History, out: str) -> str:
    """Return a night in a line."""
    since = ", ".join(done.since.values()) or "all"
    text = told(f"{out}/params.json", history.truth(number))
    return f"night {number:>2} {done.outcome:<9}{since:<12}{forms_text(done):<24}{text}"


def try_poisoned(number: int, how: str, history: History, config: Config, out: str) -> str:
    """Return what a night on a poisoned tape came to; the tape is mended, the night undone."""
    file, before = history.file(number), in_force(out)
    content = file.read_bytes()
    poisoned(pl.read_parquet(file), how).write_parquet(file)
    try:
        done = retrain(config, out, history.dates[number - 1]).night
        said = f"{done.outcome}: {done.why}"
    except InputError as error:
        said = f"refused: {error}"
    finally:
        file.write_bytes(content)
    stays = "champion untouched" if in_force(out) == before else "CHAMPION MOVED"
    return f"  night {number:>2} with {how}: {stays}; {said[:200]}"


def main() -> None:
    """Simulate the history and do the nights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--break-at", type=int, default=15)
    parser.add_argument("--first", type=int, default=6)
    parser.add_argument("--poison-from", type=int, default=9)
    parser.add_argument("--seed", type=int, default=25)
    parser.add_argument("--books", type=float, default=market.REFRESHES)
    parser.add_argument("--first-export", default="law", choices=["law", *LEARNED])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
        history, out = simulated(given, folder), str(folder / "out")
        config = load_config(
            None,
            {
                "data": {"source": "databento", "location": str(history.tape)},
                "executor": {"workers": 0},
                "learn": {"trees": 10, "tries": 0},
            },
        )
        first = {"learn": config.learn.model_copy(update={"export": given.first_export})}
        for number in range(given.first, given.days + 1):
            asked = config.model_copy(update=first if number == given.first else {})
            place = number - given.poison_from
            if 0 <= place < len(POISONS):
                print(try_poisoned(number, POISONS[place], history, config, out), flush=True)
            began, date = time.process_time(), history.dates[number - 1]
            done = retrain(asked, out, date).night
            seconds = time.process_time() - began
            text = line_of(number, done, history, out)
            print(f"{text}  {seconds:4.0f} s  {done.why[:160]}", flush=True)
            for look in done.looks:
                print(f"    {look.name:<12}p {look.value:.3g}  {look.words}", flush=True)
        began = time.process_time()
        shutil.rmtree(f"{out}/cache")
        retrain(config, str(folder / "anew"), history.dates[-1])
        print(f"last night {seconds:.0f} s, all anew {time.process_time() - began:.0f} s")


if __name__ == "__main__":
    main()
