"""A learned curve tells the same costs of the same states, of a past day and of the one to come."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pipeline.engine.scope import Scope
from pipeline.engine.tables import Forecast
from pipeline.stages.learning.told_curves import curves_of_days, curves_to_come

DATES = ("2025-01-06", "2025-01-07", "2025-01-08", "2025-01-09")
PERIODS = 3
TOLD = {"volatility": 0.03, "volume": 1000.0, "half_spread": 0.01, "depth": 500.0}
CURVE = SimpleNamespace(  # cost follows every state
    model=SimpleNamespace(
        regressor=SimpleNamespace(booster_=SimpleNamespace(model_to_string=lambda: "tree"))
    ),
    knots=np.array([100.0, 400.0]),
    curve=lambda states, sizes: np.exp(states.sum(axis=1))[:, None] * sizes,
)


@pytest.fixture
def scope() -> Scope:
    return Scope(
        as_of=0,
        last=DATES[-1],
        last_close=0,
        date="2025-01-10",
        first=0,
        starts=(0,) * PERIODS,
        close=0,
        periods=PERIODS,
        period_seconds=60,
        buckets=1,
        holdout=0.25,
    )


@pytest.fixture
def periods() -> pd.DataFrame:
    rows = [{"date": date, "period": i} for date in DATES for i in range(PERIODS)]
    return pd.DataFrame(rows).assign(mid_close=100.0, depth=500.0)


@pytest.fixture
def forecast(periods: pd.DataFrame) -> Forecast:
    """Return forecasts of a history whose volatility doubles, the same of its last day and of the
    day to come.
    """
    late = (periods["date"] >= DATES[2]).to_numpy()
    states = periods[["date", "period"]].assign(start=0, **TOLD)
    states["volatility"] = np.where(late, 0.02, 0.01)
    horizon = pd.DataFrame({"period": np.arange(PERIODS)}).assign(**TOLD)
    shape = horizon.melt("period", var_name="series", value_name="forecast").assign(date=DATES[-1])
    none = dict.fromkeys(
        ("backtest", "scores", "contest", "unfolding", "totals", "warnings"), pd.DataFrame()
    )
    return Forecast(states=states, horizon=horizon, shape=shape, **none)


def test_the_same_states_cost_the_same_on_a_past_day(
    forecast: Forecast, periods: pd.DataFrame, scope: Scope
) -> None:
    curves = {"lightgbm": CURVE}
    to_come = curves_to_come(curves, forecast, periods, scope)
    past = curves_of_days(curves, forecast, periods, scope, [DATES[-1]])
    assert len(to_come) == PERIODS * len(CURVE.knots)
    assert set(past.pop("date")) == {DATES[-1]}
    pd.testing.assert_frame_equal(past[list(to_come)], to_come)
