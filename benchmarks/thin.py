"""Thin tapes with known truth: are forecast totals right, and do their intervals hold?

Run: python -m benchmarks.thin [--share .02] [--count 200] [--days 10] [--half]. A symbol trades in
so many of its one-minute periods: a U-shaped chance, a lognormal day factor, lognormal sizes; its
mid moves in as many, by chances and variances of their own. The forecast stage sees the past days
(--half: a morning alone) and forecasts the next session (the afternoon). Printed: bias of the
summed forecasts (sum over seeds against the sum of what is expected given the day's factor averaged
out, and against what came), coverage of 90 % intervals of periods and of totals, and participation
in what was traded by the largest order that a cap of .2 admits. Exits 1 when a bias is beyond 10 %
and twice its error.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.engine.config import load_config
from pipeline.engine.scope import Scope, make_scope
from pipeline.engine.sessions import SessionCalendar
from pipeline.engine.tables import Features, Forecast
from pipeline.stages.forecasting.forecast import forecast_symbol

CASES = {0.02: 200, 0.2: 20, 0.6: 20}
CAP = 0.2
DAY_SD, SIZE_SD, SMILE = 0.3, 1.0, 1.5  # of logs; chance at the ends over that at noon, less 1
MEAN_SIZE, MEAN_VARIANCE = 300.0, 1e-4  # shares, currency^2 of a period that has any
BOUND = 0.1


@dataclass(frozen=True)
class Outcome:
    """One seed: forecast, expected and realised totals, coverage, by series."""

    forecast: np.ndarray
    expected: np.ndarray
    realised: np.ndarray
    periods: np.ndarray
    total: np.ndarray


def chances(share: float, periods: int) -> np.ndarray:
    """Return the chance of a trade by period, its mean `share`."""
    smile = 1 + SMILE * (2 * np.arange(periods) / (periods - 1) - 1) ** 2
    rate = -np.log1p(-share) * smile / smile.mean()
    chance = -np.expm1(-rate)
    return chance * share / chance.mean()


def drawn(
    share: float, mean: float, shape: tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    """Return measurements, (D, N), zero where nothing happened."""
    factor = rng.lognormal(-(DAY_SD**2) / 2, DAY_SD, (shape[0], 1))
    chance = -np.expm1(np.log1p(-chances(share, shape[1])) * factor)
    size = mean * rng.lognormal(-(SIZE_SD**2) / 2, SIZE_SD, shape)
    return np.where(rng.random(shape) < chance, size, 0.0)


def expected(share: float, mean: float, periods: int) -> np.ndarray:
    """Return the mean measurement by period, (N,), the day's factor integrated out."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    factor = np.exp(DAY_SD * nodes - DAY_SD**2 / 2)
    chance = -np.expm1(np.log1p(-chances(share, periods)) * factor[:, None])
    return mean * (weights / weights.sum()) @ chance


def tape(volume: np.ndarray, variance: np.ndarray, dates: list[str]) -> tuple[Features, ...]:
    """Return the measured days, (D, N) volumes and variances, as the features stage has them."""
    calendar = SessionCalendar()
    rng = np.random.default_rng(0)
    found = []
    for row, date in enumerate(dates):
        periods = len(volume[row])
        steady = rng.lognormal(0, 0.2, (2, periods))
        columns = {
            "date": date,
            "period": np.arange(periods),
            "start": calendar.session(date).starts_ns,
            "end": calendar.session(date).ends_ns,
            "mid_open": 100.0,
            "mid_close": 100.0,
            "realized_variance": variance[row],
            "rv_n": 6.0,
            "half_spread": 0.05 * steady[0],
            "depth": 200.0 * steady[1],
            "buy_volume": volume[row],
            "sell_volume": 0.0,
            "undirected_volume": 0.0,
            "volume_squares": volume[row] ** 2,
            "trades": (volume[row] > 0).astype(int),
            "covered": 1.0,
        }
        found.append(Features(pd.DataFrame(columns), *(pd.DataFrame() for _ in range(5))))
    return tuple(found)


def scope_of(dates: list[str]) -> Scope:
    """Return the scope that plans the session after the dates; of one alone its second half."""
    return make_scope(dates, SessionCalendar(), load_config(None, {}))


def trading_days(count: int) -> list[str]:
    """Return dates of whole sessions."""
    sessions = SessionCalendar().sessions_from("2025-01-06", count + 2)
    return [session.date for session in sessions if session.periods == 390][:count]


def replicate(share: float, days: int, half: bool, seed: int) -> tuple[Outcome, Forecast]:
    """Simulate one symbol, forecast it, and compare."""
    rng = np.random.default_rng([int(1000 * share), days, seed])
    shape = (1 if half else days + 1, 390)
    worlds = [drawn(share, mean, shape, rng) for mean in (MEAN_SIZE, MEAN_VARIANCE)]
    dates = trading_days(1 if half else days)
    begin = 195 if half else 0
    found = forecast_symbol(tape(*(each[: len(dates)] for each in worlds), dates), scope_of(dates))
    horizon, totals = found.horizon, found.totals.set_index("series")
    rows = []
    for name, power, mean, world in zip(
        ("volume", "volatility"), (1, 2), (MEAN_SIZE, MEAN_VARIANCE), worlds, strict=True
    ):
        came = world[-1, begin:]
        low, high = horizon[f"{name}_low"] ** power, horizon[f"{name}_high"] ** power
        sums = totals.loc[name, ["low", "high"]].to_numpy(dtype=float) ** power
        rows.append(
            (
                (horizon[name] ** power).sum(),
                expected(share, mean, 390)[begin:].sum(),
                came.sum(),
                ((came >= low) & (came <= high)).mean(),
                sums[0] <= came.sum() <= sums[1],
            )
        )
    return Outcome(*np.array(rows, dtype=float).T), found


def summary(share: float, outcomes: list[Outcome]) -> tuple[str, bool]:
    """Return the case in words, and whether a bias is beyond the bound and its error."""
    lines, wrong = [f"{share:.0%} of periods, {len(outcomes)} seeds"], False
    for place, name in enumerate(("volume", "variance")):
        told, true, came, periods, total = (
            np.array([getattr(each, field)[place] for each in outcomes])
            for field in ("forecast", "expected", "realised", "periods", "total")
        )
        bias = told.mean() / true.mean() - 1
        error = told.std(ddof=1) / np.sqrt(len(told)) / true.mean()
        lines.append(
            f"  {name:<9} bias {bias:+.3f} +- {error:.3f} (against what came "
            f"{told.mean() / came.mean() - 1:+.3f}), a period held {periods.mean():.3f}, "
            f"the total {total.mean():.3f}"
        )
        wrong |= bool(abs(bias) > BOUND + 2 * error)
        if name == "volume":
            part = CAP * told / np.maximum(came, 1e-9)
            lines.append(
                f"  participation at a cap of {CAP}: median {np.median(part):.3f}, "
                f"90 % quantile {np.quantile(part, 0.9):.3f}"
            )
    return "\n".join(lines) + "\n", wrong


def main() -> None:
    """Run the cases and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, choices=CASES)
    parser.add_argument("--count", type=int)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--half", action="store_true")
    asked = parser.parse_args()
    failed = False
    for share in [asked.share] if asked.share else CASES:
        count = asked.count or CASES[share]
        found, refused = [], 0
        for seed in range(count):
            try:
                found.append(replicate(share, asked.days, asked.half, seed)[0])
            except ValueError as error:
                if "too thin" not in str(error):
                    raise
                refused += 1
        if refused:
            sys.stdout.write(f"{share:.0%}: {refused} of {count} seeds refused as too thin\n")
        if len(found) < 2:
            continue
        text, wrong = summary(share, found)
        sys.stdout.write(text)
        sys.stdout.flush()
        failed |= wrong
    sys.exit(failed)


if __name__ == "__main__":
    main()
