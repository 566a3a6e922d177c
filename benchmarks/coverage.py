"""How often 95 % intervals hold what was planted in markets whose days differ.

Run: python -m benchmarks.coverage [5] [20] [--markets N] [--forecast] [--stage]. Markets are drawn
at the level of cost cells (`tests.pipeline.stages.cell_markets`): every day has its own level of
cost, exponent, gamma, volatility and volume; the truth is the mean over days. The law is fitted to
the states as they were or, with --forecast, as the forecast stage predicts them; with --stage by
the whole calibrate stage, gamma too. Printed by parameter (alpha: all buckets) and for walks of
three sizes at reference states: bias, standard deviation, mean standard error, the share held and
the intervals' mean half-width.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from models.impact.book.families import Family
from pipeline.engine.tables import Forecast
from pipeline.stages.calibration.calibrate import CalibrateSettings, calibrate_symbol
from tests.pipeline.stages.cell_markets import World, cell_market
from tests.pipeline.stages.held_laws import held, law_held

MARKETS, PROCESSES = 300, 2


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class Asked:
    """The markets, whether their states are forecast, and whether the whole stage runs."""

    world: World
    forecast: bool
    stage: bool


def calibrated(seed: int, asked: Asked) -> pd.DataFrame:
    """Calibrate one market: a row a parameter or walk, its truth, estimate, error and reach."""
    with threadpool_limits(1):
        market = cell_market(asked.world, seed)
        none = pd.DataFrame()
        told = Forecast(market.states(), *[none] * 8)
        if asked.forecast:
            told = replace(told, states=market.predicted())
        if not asked.stage:
            return law_held(market, told).assign(seed=seed)
        settings = CalibrateSettings(market.scope, Family.SPREAD_POWER)
        found = calibrate_symbol(market.days, told, settings)
        covariance = found.covariance.drop(columns="name").to_numpy()
        return held(market, told.states, found.parameters, covariance).assign(seed=seed)


def told(rows: pd.DataFrame) -> None:
    """Print a line a parameter."""
    for name, part in rows.groupby("name", sort=False):
        known = part.dropna(subset=["error"])
        inside = (known["low"] <= 0) & (known["high"] >= 0)
        scale = known["truth"].iloc[0] if name in ("beta", "theta", "gamma") else 1.0
        scale = float(scale)
        chance = known["off"].std() / np.sqrt(known["seed"].nunique()) / scale
        say(
            f"  {name:<10} bias {known['off'].mean() / scale:+.4f} ± {chance:.4f}  sd "
            f"{known['off'].std() / scale:.4f}  s.e. {known['error'].mean() / scale:.4f}  dof "
            f"{known['dof'].median():.1f}  held {inside.mean():.1%}  half-width "
            f"{(known['high'] - known['low']).mean() / 2 / scale:.4f}  fixed "
            f"{1 - len(known) / len(part):.1%}"
        )


def main() -> None:
    """Run the numbers of days asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("days", type=int, nargs="*", default=[5, 20])
    parser.add_argument("--markets", type=int, default=MARKETS)
    parser.add_argument("--forecast", action="store_true")
    parser.add_argument("--stage", action="store_true")
    asked = parser.parse_args()
    for days in asked.days:
        what = Asked(World(days=days), asked.forecast, asked.stage)
        run = partial(calibrated, asked=what)
        with multiprocessing.Pool(PROCESSES) as pool:
            rows = pool.map(run, range(asked.markets), chunksize=5)
        say(f"{days} days, {asked.markets} markets, {World(days=days)}")
        told(pd.concat(rows, ignore_index=True))


if __name__ == "__main__":
    main()
