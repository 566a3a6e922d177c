"""Which law is exported: by what held-out days would have charged its plan, else by deviance."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.impact.book.families import Family
from pipeline.engine.tables import Calibration, Features, Forecast, Learned, Selection
from pipeline.stages.history import comparable_cells, held_out
from pipeline.stages.selection.charged_plans import charged_day
from pipeline.stages.selection.select import SelectSettings, exported_law, select_law
from tests.pipeline.stages.cell_markets import CellMarket, World, cell_market

CALM = World(days=12, k=1.5, swing=0.5, level=0.1, tilt=0.0, state_day=0.1, state=0.1)
BOTH = {"law": Family.SPREAD_POWER, "square_root": Family.SPREAD_SQRT}


def forecast_of(market: CellMarket, seed: int | None = None) -> Forecast:
    """Return true states, and of every day the mean of the days before by period.

    seed: of a shuffle of periods, by day, after which no forecast of a shape is worth anything.
    """
    states, dates = market.states(), np.unique(market.states()["date"])
    rng, rows = np.random.default_rng(seed), []
    spread = np.full_like(market.volume, 0.01)
    for name, true in (
        ("volatility", market.volatility),
        ("volume", market.volume),
        ("half_spread", spread),
    ):
        for day in range(1, len(dates)):
            told = true[:day].mean(axis=0)
            columns = {"date": dates[day], "period": np.arange(true.shape[1])}
            columns["forecast"] = told if seed is None else rng.permutation(told)
            rows.append(pd.DataFrame({"series": name, "realized": true[day]} | columns))
    empty = pd.DataFrame()
    shape = pd.concat(rows, ignore_index=True)
    return Forecast(states, *[empty] * 6, shape, empty)


def selected(
    market: CellMarket, asked: Family, forecast: Forecast | None = None, days: int | None = None
) -> Selection:
    """Return the selection with regressors that say nothing."""
    told, tape = forecast or forecast_of(market), market.days[:days]
    known = [str(day.periods["date"].iloc[0]) for day in tape]
    told = replace(
        told,
        states=told.states[told.states["date"].isin(known)],
        shape=told.shape[told.shape["date"].isin(known)],
    )
    scope = replace(market.scope, holdout=0.4)
    cells = comparable_cells(tape, told, scope)
    late = held_out(cells, scope.holdout)
    mean = cells["observed"].mean()
    names = ("spline", "histogram", "lightgbm", "hybrid")
    learned = pd.DataFrame(dict.fromkeys(names, mean), index=cells.index[late])
    calibration = Calibration(*[pd.DataFrame({"family": [asked.value]})] * 9)
    settings = SelectSettings(scope)
    return select_law(tape, told, calibration, Learned(*[learned] * 5), settings)


@pytest.fixture(scope="module")
def market() -> CellMarket:
    return cell_market(CALM, 0)


def test_a_law_whose_plans_cost_less_is_exported(market: CellMarket) -> None:
    """The linear law spreads evenly; alpha's time of day repeats, which the square root follows."""
    found = selected(market, Family.LINEAR)
    charged = found.charged.set_index("plan")
    assert exported_law(found) == "square_root"
    assert found.decision.loc[0, "criterion"] == "regret"
    assert charged.loc["square_root", "saving_low"] > 0
    assert charged.loc["law", "cost"] == pytest.approx(charged.loc["twap", "cost"])
    assert charged["cost"].min() == charged.loc["clairvoyant", "cost"]
    assert (charged["days"] == 5).all()
    kept = selected(market, Family.SPREAD_SQRT)
    assert kept.decision["reason"].str.contains("the same").all()


def test_plans_that_are_the_same_leave_it_to_the_deviance(market: CellMarket) -> None:
    """Four days: fewer than three are scored before the held-out ones, and every plan is TWAP."""
    found = selected(market, Family.LINEAR, days=4)
    charged = found.charged.set_index("plan")
    assert found.decision.loc[0, "criterion"] == "deviance"
    assert "the same" in found.decision.loc[0, "reason"]
    assert charged.loc["square_root", "saving"] == pytest.approx(0.0, abs=1e-9)
    assert exported_law(found) == "square_root"  # the linear law predicts costs worse


def test_one_held_out_day_is_judged_by_deviance(market: CellMarket) -> None:
    found = selected(market, Family.LINEAR, days=3)
    assert found.decision.loc[0, "criterion"] == "deviance"
    assert "fewer than 2 held-out days" in found.decision.loc[0, "reason"]
    assert found.charged.empty
    assert exported_law(found) == "law"  # one day proves nothing


def test_differences_that_are_noise_decide_nothing() -> None:
    """Both laws are right about an exponent of 1.5: regret decides in 5 % of markets."""
    decided = 0
    for seed in range(8):
        drawn = cell_market(replace(CALM, days=8, swing=0.0), 100 + seed)
        found = selected(drawn, Family.SPREAD_POWER, forecast_of(drawn, seed))
        decided += found.decision.loc[0, "criterion"] == "regret"
    assert decided <= 2  # P(more) < 1 %


def test_what_comes_later_changes_no_plan(market: CellMarket) -> None:
    """Change the day that is charged and those after it: its plans stay to the bit."""
    forecast, place = forecast_of(market), 8
    date = str(market.days[place].periods["date"].iloc[0])
    late = forecast.shape["date"] >= date
    changed = replace(
        forecast,
        states=forecast.states.assign(
            volatility=forecast.states["volatility"].where(forecast.states["date"] < date, 9.0)
        ),
        shape=forecast.shape.assign(
            realized=forecast.shape["realized"].where(~late, 7.0),
            forecast=forecast.shape["forecast"].where(forecast.shape["date"] <= date, 7.0),
        ),
    )
    tape = market.days[:place] + tuple(map(dearer, market.days[place:]))
    one = charged_day(market.days, forecast, BOTH, market.scope, date)
    other = charged_day(tape, changed, BOTH, market.scope, date)
    for name, plan in one.plans.items():
        np.testing.assert_array_equal(plan, other.plans[name])
        assert plan.max() > 1.5 * plan.min()
        assert other.cost[name] > one.cost[name]


def dearer(day: Features) -> Features:
    return replace(day, cells=day.cells.assign(excess=3 * day.cells["excess"]))
