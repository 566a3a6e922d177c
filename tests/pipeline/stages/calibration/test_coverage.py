"""Intervals of the law in markets whose days differ hold the mean over days."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from pipeline.engine.tables import Forecast
from tests.pipeline.stages.cell_markets import World, cell_market
from tests.pipeline.stages.held_laws import law_held

MARKETS = 24


@cache
def found(days: int) -> pd.DataFrame:
    """Return estimates beside the truth in markets of so many days, with states as they were."""
    parts = []
    for seed in range(MARKETS):
        market, none = cell_market(World(days=days), seed), pd.DataFrame()
        told = Forecast(market.states(), *[none] * 8)
        parts.append(law_held(market, told).assign(seed=seed))
    rows = pd.concat(parts, ignore_index=True).dropna(subset=["error"])
    return rows.assign(held=(rows["low"] <= 0) & (rows["high"] >= 0))


@pytest.mark.parametrize("days", [5, 10])
def test_intervals_of_few_and_of_many_days_hold_the_planted_law(days: int) -> None:
    held = found(days).groupby("name")["held"].mean()
    chance = 3 * np.sqrt(0.95 * 0.05 / MARKETS)
    assert held["log_alpha"] > 0.88
    assert (held.drop("log_alpha") > 0.95 - chance).all()


def test_errors_are_those_of_the_estimates_and_few_days_have_few_degrees_of_freedom() -> None:
    rows = found(5)
    by_name = rows.groupby("name")
    ratio = by_name["error"].mean() / by_name["off"].std()
    assert ((ratio > 0.6) & (ratio < 1.5)).all()  # of 24 markets that share no shock
    assert (rows.loc[rows["name"] == "k", "dof"] < 4.5).all()
    assert (rows["dof"] >= 1).all()
