"""Which law is exported: by what held-out days would have charged its plan, else by deviance."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.impact.book.families import Family
from pipeline.engine.tables import Calibration, Features, Forecast, Learned, Selection
from pipeline.stages.history import comparable_cells, held_out
from pipeline.stages.selection.charged_plans import Rivals, charged_day
from pipeline.stages.selection.select import SelectSettings, exported_law, select_law, winner
from tests.pipeline.stages.cell_markets import CellMarket, World, cell_market

CALM = World(days=12, k=1.5, swing=0.5, level=0.1, tilt=0.0, state_day=0.1, state=0.1)
LEARNED = ("spline", "histogram", "lightgbm", "hybrid")
NO_CURVES = pd.DataFrame(columns=["date", "learner", "period", "size", "cost"])
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
    market: CellMarket,
    asked: Family,
    forecast: Forecast | None = None,
    days: int | None = None,
    curves: pd.DataFrame = NO_CURVES,
) -> Selection:
    """Return the selection with regressors that tell the mean cost of all cells, with `curves`."""
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
    told_mean = pd.DataFrame(dict.fromkeys(LEARNED, mean), index=cells.index[late])
    learned = Learned(*[told_mean] * 4, curves, *[told_mean] * 2)
    calibration = Calibration(*[pd.DataFrame({"family": [asked.value]})] * 9)
    settings = SelectSettings(scope)
    return select_law(tape, told, calibration, learned, settings)


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
    rivals = Rivals(BOTH, curves_of(market, np.arange(390)), "law")
    one = charged_day(market.days, forecast, rivals, market.scope, date)
    other = charged_day(tape, changed, rivals, market.scope, date)
    assert set(one.plans) == {*BOTH, "spline"}
    for name, plan in one.plans.items():
        np.testing.assert_array_equal(plan, other.plans[name])
        assert plan.max() > 1.5 * plan.min()
        assert other.cost[name] > one.cost[name]


def dearer(day: Features) -> Features:
    return replace(day, cells=day.cells.assign(excess=3 * day.cells["excess"]))


def curves_of(market: CellMarket, order: np.ndarray, learner: str = "spline") -> pd.DataFrame:
    """Return what the first seven days' costs tell of every later one, periods put in `order`."""
    cells = pd.concat([day.cells for day in market.days[:7]])
    told = (0.01 * cells["size"] + cells["excess"]).groupby([cells["period"], cells["size"]]).mean()
    wide = told.unstack("size").iloc[order].reset_index(drop=True).rename_axis("period")
    table = wide.stack().rename("cost").reset_index().assign(learner=learner)
    dates = [str(day.periods["date"].iloc[0]) for day in market.days[7:]]
    return pd.concat([table.assign(date=date) for date in dates], ignore_index=True)


def by_turns(market: CellMarket) -> CellMarket:
    """Return the market with every other period at a quarter of its cost, which no bucket sees."""

    def one(day: Features) -> Features:
        cheap = np.where(day.cells["period"] % 2, 0.25, 1.0)
        return replace(day, cells=day.cells.assign(excess=cheap * day.cells["excess"]))

    return replace(market, days=tuple(map(one, market.days)))


def test_a_learned_curve_is_favoured_where_its_plans_cost_less(market: CellMarket) -> None:
    turns = by_turns(market)
    known = curves_of(turns, np.arange(390))
    chance = curves_of(turns, np.random.default_rng(0).permutation(390), "lightgbm")
    found = selected(turns, Family.SPREAD_POWER, curves=pd.concat([known, chance]))
    charged = found.charged.set_index("plan")
    assert winner(found) == "spline"
    assert exported_law(found) in BOTH
    assert charged.loc["spline", "saving_low"] > 0 > charged.loc["lightgbm", "saving"]
    assert "spline" in found.decision.loc[0, "learned"]


def test_a_learned_curve_that_knows_no_more_is_not_favoured(market: CellMarket) -> None:
    chance = curves_of(market, np.random.default_rng(0).permutation(390))
    found = selected(market, Family.SPREAD_POWER, curves=chance)
    assert winner(found) == exported_law(found)
    assert "none is told to save" in found.decision.loc[0, "learned"]


def test_without_days_to_charge_no_learned_curve_is_favoured(market: CellMarket) -> None:
    found = selected(market, Family.SPREAD_POWER, days=3, curves=curves_of(market, np.arange(390)))
    assert winner(found) == exported_law(found) == "law"
    assert "were not charged" in found.decision.loc[0, "learned"]
