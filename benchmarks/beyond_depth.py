"""Walks beyond the depth of a file: intervals of a law fitted on fewer levels, against the file.

Run: python -m benchmarks.beyond_depth. Books are cut to fewer levels, the law and its extrapolation
error come from what is left, and every period's walk of the sizes that only the whole book shows is
looked up in the interval. tape: a LOBSTER day (AMZN, 5 levels, cut to 4 and 3) and simulated days
(10 levels, cut to 5). books: simulated books whose curves are no power laws, cut from 10 to 5.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from models.impact.book.cost_law import CostLawFit, cost_law
from models.impact.book.extrapolation import WalkSizes, extrapolation, walk_ratios
from models.impact.book.selection import compare_families, fit_selected
from models.impact.book.size_grid import depth_bins, size_grid
from models.impact.book.walks import MOST_CENSORED, Cells, shown_sizes
from models.microstructure.walking import continuation, continued_walk, spacing
from pipeline.engine.config import load_config
from pipeline.engine.job import open_job
from pipeline.engine.scope import Scope
from pipeline.engine.sessions import SessionCalendar
from pipeline.engine.tables import Day, Features
from pipeline.stages.calibration.reach import law_reach
from pipeline.stages.forecasting.forecast import forecast_symbol
from pipeline.stages.history import law_cells, past_cells, shown
from pipeline.stages.measuring.features import DaySettings, measure_day
from pipeline.stages.measuring.shown_depth import DepthSettings, chosen_sizes, shown_depth
from pipeline.tape.opening import find_tape, open_tape
from solver import Extrapolation

LEVEL = 0.95


@dataclass(frozen=True)
class Looked:
    """Walks looked up: observed over the law's mean, and the ends of the interval; all (n,)."""

    ratio: np.ndarray
    low: np.ndarray
    high: np.ndarray
    multiple: np.ndarray

    @property
    def covered(self) -> float:
        """Return the share of walks inside their intervals."""
        return float(((self.ratio >= self.low) & (self.ratio <= self.high)).mean())

    @property
    def width(self) -> float:
        """Return how many times as wide the intervals are as 95 % of the walks ask, in logs."""
        logs = np.log(np.maximum(self.ratio, 1e-9))
        needed = np.where(logs < 0, logs / np.log(self.low), logs / np.log(self.high))
        return float(1 / np.quantile(needed, LEVEL))


def joined(parts: list[Looked]) -> Looked:
    """Return all of them as one."""
    names = ("ratio", "low", "high", "multiple")
    return Looked(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def looked_up(ratio: np.ndarray, size: np.ndarray, law: CostLawFit, reach: Extrapolation) -> Looked:
    """Return single walks over the law's mean beside their intervals."""
    sampling = np.array([mean_error(law, each) for each in np.unique(size)])
    low, high = reach.walks(size, sampling[np.searchsorted(np.unique(size), size)])
    return Looked(ratio, low, high, size / reach.shown)


def mean_error(law: CostLawFit, size: float) -> float:
    """Return the standard error of the logarithm of the law's mean at a size, over its buckets."""
    levels = np.array([name.startswith("log_alpha_") for name in law.names])
    row = levels / levels.sum()
    row[law.names.index("k")] = np.log(size)
    row[law.names.index("beta")] = 1 / (1 + law.beta)  # at the mean volatility
    return float(np.sqrt(law.covariance.delta(row[None])[0, 0]))


def cut(day: Day, levels: int) -> Day:
    """Return the tape as a file of fewer levels has it."""
    names = [
        f"{name}_{level}"
        for level in range(levels)
        for name in ("bid_px", "bid_sz", "ask_px", "ask_sz")
    ]
    return replace(day, quotes=day.quotes.select("ts", *names))


def of_tape(days: dict[str, Day], calendar: SessionCalendar, scope: Scope, levels: int) -> Looked:
    """Fit the law on days cut to fewer levels and look the whole days' walks up."""
    few = {date: cut(day, levels) for date, day in days.items()}
    sessions = {date: calendar.session(date) for date in days}
    depths = [
        shown_depth(day, DepthSettings(sessions[date], sessions[date].close_ns))
        for date, day in few.items()
    ]
    sizes = chosen_sizes(depths)

    def measured(given: dict[str, Day]) -> tuple[Features, ...]:
        return tuple(
            measure_day(day, DaySettings(sessions[date], sizes, date))
            for date, day in given.items()
        )

    features = measured(few)
    forecast = forecast_symbol(features, scope)
    cells = past_cells(features, forecast, scope)
    known = (cells["volatility"].notna() & cells["thinness"].notna()).to_numpy()
    fitted = law_cells(shown(cells[known]))
    found = fit_selected(fitted, compare_families(fitted))
    law = cost_law(found, len(fitted.size), scope.buckets)
    reach, _ = law_reach(cells[known], law)
    assert reach is not None
    whole = past_cells(measured(days), forecast, scope)[known]
    held = whole.groupby("size")["censored"].mean()
    judged = held.index[(held <= MOST_CENSORED) & (held.index > reach.shown)]
    rows = whole[whole["size"].isin(judged)].dropna(subset="excess")
    columns = ("size", "half_spread", "bucket", "volatility", "thinness")
    size, half_spread, *state = (rows[name].to_numpy() for name in columns)
    beside = half_spread * size * (not law.family.has_spread)
    mean = law.cost(size, np.zeros(len(size)), *state)
    return looked_up((rows["excess"].to_numpy() + beside) / mean, size, law, reach)


def opened(
    source: str, location: str | None, symbol: str, count: int
) -> tuple[dict[str, Day], SessionCalendar, Scope]:
    """Return some days of a tape, and a scope that takes all of them as history."""
    asked = {"data": {"source": source, "location": location, "symbols": (symbol,)}}
    config = load_config(None, asked)
    with TemporaryDirectory() as folder:
        raw = find_tape(config, folder)
        with open_job(config, folder, raw.bytes) as job:
            tape = open_tape(job, raw)
            chosen = tape.days[:count]
            last = job.calendar.session(chosen[-1].date)
            scope = replace(
                tape.scope, last=last.date, last_close=last.close_ns, as_of=last.close_ns
            )
            return {day.date: day.load() for day in chosen}, job.calendar, scope


def curves() -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Return marginal prices above the best, in ticks, by shares; none is that of a power law."""
    return {
        "ever flatter": lambda q: 3 * np.log1p(q / 150),
        "ever steeper": lambda q: np.expm1(q / 900) * 3,
        "bent from 2 to 1.4": lambda q: np.where(q < 500, q / 100, 5 * (q / 500) ** 0.4),
        "bent from 1.4 to 2": lambda q: np.where(q < 500, 5 * (q / 500) ** 0.4, q / 100),
        "a wall": lambda q: np.where(q < 700, q / 100, 7 + np.maximum(q - 1500, 0) / 100),
    }


def of_books(curve: Callable[[np.ndarray], np.ndarray], seed: int) -> Looked:
    """Walk ten-level books of a marginal curve, fit on their first five levels, and look up."""
    rng = np.random.default_rng(seed)
    days, periods, snapshots, levels = 10, 30, 20, 10
    shape = (days * periods, snapshots)
    scale = np.exp(0.3 * rng.normal(size=(shape[0], 1)) * np.ones(shape))
    grid = np.geomspace(1, 30_000, 4000)
    ticks = np.maximum.accumulate(curve(grid))
    ends = np.arange(1, levels + 1) - rng.random(shape)[..., None]
    reach = np.interp(ends, ticks, grid) * scale[..., None]
    size = np.diff(reach, axis=-1, prepend=0.0) * rng.lognormal(-0.18, 0.6, (*shape, levels))
    size = np.maximum(np.round(size), 1.0).reshape(-1, levels)
    price = np.broadcast_to(100 + 0.01 * np.arange(levels), size.shape)
    at = np.repeat(np.arange(shape[0]), snapshots)

    def bins(shares: np.ndarray) -> dict[int, float]:
        found, number = np.unique(depth_bins(shares), return_counts=True)
        return dict(zip(found.tolist(), number.astype(float).tolist(), strict=True))

    sizes = np.array(size_grid(bins(size[:, 0]), bins(size[:, :5].sum(axis=1))))

    def averaged(number: int) -> tuple[np.ndarray, np.ndarray]:
        part = price[:, :number], size[:, :number]

        def mean(value: np.ndarray) -> np.ndarray:
            return value.reshape(*shape, -1).mean(axis=1)

        behind = continuation(mean(part[1]), mean(spacing(part[0])[1])[:, 0])
        cost = continued_walk(*part, sizes, behind.take(at))
        return mean(cost).ravel(), mean(part[1].sum(axis=1)[:, None] < sizes).ravel()

    (excess, censored), (whole, unseen), (less, gone) = (averaged(each) for each in (5, 10, 3))
    each, ones = np.tile(sizes, shape[0]), np.ones(shape[0] * len(sizes))
    cluster = np.repeat(np.arange(shape[0]) // periods, len(sizes))
    zeros = np.zeros(len(each), dtype=np.int64)
    cells = Cells(each, excess, 0.01 * ones, censored, zeros, ones, ones, cluster)
    kept = cells.take(np.isin(each, shown_sizes(each, censored)))
    law = cost_law(fit_selected(kept, compare_families(kept)), len(kept.size), 1)
    fitted = law.cost(each, 0 * ones, zeros, ones, ones)
    beside = cells.half_spread * each * (not law.family.has_spread)
    table = pd.DataFrame(
        {
            "size": each,
            "censored": censored,
            "observed": excess + beside,
            "fitted": fitted,
            "cut": less + beside,
            "cut_censored": gone,
        }
    )
    means = table.groupby("size").mean().reset_index()
    sums = WalkSizes(**{name: means[name].to_numpy() for name in means}, flat=False)
    ratios = walk_ratios(excess + beside, fitted, each, sums.size[sums.shown])
    known = extrapolation(sums, *ratios)
    assert known is not None
    held = pd.Series(unseen).groupby(each).mean()
    judged = held.index[(held <= MOST_CENSORED) & (held.index > known.shown)]
    some = np.isin(each, judged)
    return looked_up(((whole + beside) / fitted)[some], each[some], law, known)


def results() -> Iterator[tuple[str, Looked]]:
    """Yield every case's walks."""
    data = Path(os.environ.get("IMPACT_DATA", "../shared/data")) / "lobster"
    if data.exists():
        days, calendar, scope = opened("lobster", str(data), "AMZN", 1)
        for levels in (4, 3):
            yield f"AMZN, 5 levels cut to {levels}", of_tape(days, calendar, scope, levels)
    for symbol in ("SIM0", "SIM1", "SIM2"):
        days, calendar, scope = opened("simulate", None, symbol, 1)
        yield f"{symbol}, a day of 10 levels cut to 5", of_tape(days, calendar, scope, 5)
    for name, curve in curves().items():
        yield f"{name}, 20 data sets", joined([of_books(curve, seed) for seed in range(20)])


def main() -> None:
    """Print coverage and width by case."""
    for name, found in results():
        sys.stdout.write(
            f"{name}: {len(found.ratio):,} walks of {found.multiple.min():.2g} to "
            f"{found.multiple.max():.2g} times the size shown: {found.covered:.1%} covered, "
            f"intervals {found.width:.2f} times as wide as asked; median walk over the law "
            f"{np.median(found.ratio):.2f}\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
