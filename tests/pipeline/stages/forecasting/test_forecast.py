"""The forecast stage on made-up periods, odd days and little history among them."""

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.thin import replicate, tape, trading_days
from benchmarks.thin import scope_of as thin_scope
from pipeline.engine.config import load_config
from pipeline.engine.scope import Scope, make_scope
from pipeline.engine.sessions import SECOND_NS, SessionCalendar
from pipeline.engine.tables import Features
from pipeline.stages.forecasting import forecast
from pipeline.stages.history import past_periods, references, thinness
from tests.models.forecast.intraday.test_state_space import market

HOUR = 3600


def scope_of(dates: list[str], calendar: str, seconds: int, as_of: str = "") -> Scope:
    config = load_config(
        None, {"data": {"calendar": calendar, "period_seconds": seconds, "as_of": as_of}}
    )
    return make_scope(dates, SessionCalendar(calendar, seconds), config)


def days(dates: list[str], calendar: str, seconds: int, seed: int = 0) -> tuple[Features, ...]:
    """Features of a market whose volume, and variance with it, falls on weekends."""
    opened = SessionCalendar(calendar, seconds)
    sessions = [opened.session(date) for date in dates]
    longest = max(each.periods for each in sessions)
    volume, variance = (np.exp(market(len(dates), longest, seed + place)) for place in (0, 1))
    found = []
    for row, session in enumerate(sessions):
        count = session.periods
        quiet = 1 / 3 if pd.Timestamp(session.date).weekday() >= 5 else 1.0
        shares = 1000 * quiet * volume[row, :count]
        found.append(
            Features(
                pd.DataFrame(
                    {
                        "date": session.date,
                        "period": np.arange(count),
                        "start": session.starts_ns,
                        "end": session.ends_ns,
                        "mid_open": 100.0,
                        "mid_close": 100.0,
                        "realized_variance": 1e-4 * variance[row, :count],
                        "rv_n": 20.0,
                        "half_spread": 0.01,
                        "depth": 500.0 * volume[row, :count],
                        "buy_volume": shares / 2,
                        "sell_volume": shares / 2,
                        "undirected_volume": 0.0,
                        "volume_squares": shares,
                        "trades": 10,
                        "covered": 1.0,
                    }
                ),
                cells=pd.DataFrame(),
                refill=pd.DataFrame(),
                immediate=pd.DataFrame(),
                mid_moves=pd.DataFrame(),
                flow_moves=pd.DataFrame(),
            )
        )
    return tuple(found)


def dates(first: str, count: int, calendar: str) -> list[str]:
    return [each.date for each in SessionCalendar(calendar).sessions_from(first, count)]


def codes(found: forecast.Forecast) -> list[str]:
    return found.warnings["code"].tolist()


def test_a_market_round_the_clock_knows_its_weekends() -> None:
    """Friday's plan for Saturday, and Sunday's for Monday, over the clock change of 30 March."""
    friday, sunday = dates("2025-03-01", 28, "24/7"), dates("2025-03-01", 30, "24/7")
    assert pd.Timestamp(friday[-1]).day_name() == "Friday"
    ahead = [
        forecast.forecast_symbol(days(each, "24/7", HOUR), scope_of(each, "24/7", HOUR)).horizon
        for each in (friday, sunday)
    ]
    assert [len(each) for each in ahead] == [24, 24]
    assert ahead[0]["volume"].mean() < 0.6 * ahead[1]["volume"].mean()


def test_what_comes_later_changes_nothing() -> None:
    """As of noon on the eighth day; that day's afternoon and the ninth are rewritten."""
    used = dates("2025-03-01", 9, "24/7")
    scope = scope_of(used, "24/7", HOUR, f"{used[7]}T12:00")
    before = days(used, "24/7", HOUR)
    changed = list(before)
    for row in (7, 8):
        periods = before[row].periods.copy()
        late = periods["start"] >= scope.as_of
        for name in ("realized_variance", "buy_volume", "depth", "half_spread"):
            periods.loc[late, name] = 7.0
        changed[row] = replace(before[row], periods=periods)
    one, two = (
        forecast.forecast_symbol(before, scope),
        forecast.forecast_symbol(tuple(changed), scope),
    )
    for field in fields(one):
        pd.testing.assert_frame_equal(
            getattr(one, field.name), getattr(two, field.name), check_exact=True
        )
    assert len(one.horizon) == 12
    assert one.horizon["period"].tolist() == list(range(12, 24))


def test_half_days_halts_and_empty_minutes_are_ordinary() -> None:
    used = dates("2024-11-18", 10, "XNYS")  # 29 November closes at 13:00
    assert "2024-11-29" in used
    found = list(days(used, "XNYS", 1800))
    holed = found[4].periods.copy()
    holed.loc[3:6, ["realized_variance", "half_spread", "depth"]] = np.nan  # a halt
    holed.loc[3:7, ["buy_volume", "sell_volume"]] = 0.0
    holed.loc[3:6, "covered"] = 0.0
    found[4] = replace(found[4], periods=holed)
    told = forecast.forecast_symbol(tuple(found), scope_of(used, "XNYS", 1800))
    assert len(told.horizon) == 13
    columns = ["volatility", "volume", "half_spread", "depth"]
    assert np.isfinite(told.horizon[columns]).all(axis=None)
    assert np.isfinite(told.states[told.states["date"] > used[0]][columns]).all(axis=None)
    messages = told.warnings.set_index("code")["message"]
    assert "volume: 4 of 124 periods" in messages.loc[["missing_periods"]].str.cat()
    assert "volume: 1 of 124 periods are zeros" in messages["zero_periods"]
    assert "4 of 124 periods" in messages["uncovered"]


@pytest.mark.parametrize(("count", "tested"), [(1, False), (3, False), (5, True), (30, True)])
def test_a_short_history_falls_back_and_says_so(count: int, tested: bool) -> None:
    used = dates("2025-03-03", count, "XNYS")
    told = forecast.forecast_symbol(days(used, "XNYS", 60), scope_of(used, "XNYS", 60))
    assert ("forecaster_untested" in codes(told)) != tested
    assert ("few_days" in codes(told)) == (count < 5)
    volume = told.contest[(told.contest["series"] == "volume") & told.contest["chosen"]]
    if count == 1:
        assert set(volume["candidate"]) == {"state_space"}
    ahead = volume[volume["origin"] == "day ahead"]
    assert ahead["weight"].sum() == pytest.approx(1.0)
    assert volume["reason"].str.len().gt(0).all()
    assert (told.horizon["volume_low"] < told.horizon["volume"]).all()
    assert (told.horizon["volume_high"] > told.horizon["volume"]).all()


def test_held_out_intervals_cover_what_they_claim() -> None:
    used = dates("2025-01-06", 40, "XNYS")
    scores = forecast.forecast_symbol(days(used, "XNYS", 300), scope_of(used, "XNYS", 300)).scores
    known = scores[scores["series"].isin(["volatility", "volume"])]
    assert known["coverage"].between(0.85, 0.95).all()
    assert (known["model"] < known["baseline"]).all()
    assert known["n"].eq(10 * 78).all()


def test_sessions_are_cut_at_the_exchange_whatever_the_clock_says() -> None:
    """New York moves its clocks on 9 March 2025: the same period before and after."""
    found = days(["2025-03-07", "2025-03-10"], "XNYS", 1800)
    opens = [day.periods["start"].iloc[0] for day in found]
    assert (opens[1] - opens[0]) / SECOND_NS / HOUR == 3 * 24 - 1
    told = forecast.forecast_symbol(found, scope_of(["2025-03-07", "2025-03-10"], "XNYS", 1800))
    assert told.states["period"].tolist() == 2 * list(range(13))


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_zeros_are_in_the_totals_their_intervals_and_the_warnings(share: float) -> None:
    outcome, told = replicate(share, 4, False, 1)
    # before, periods without a trade were missing: totals of 20 and 2 times what comes
    assert np.abs(np.log(outcome.forecast / outcome.expected)).max() < 0.7
    assert outcome.periods.min() > 0.8
    totals = told.totals.set_index("series")
    assert totals.loc["volume", "expected"] == pytest.approx(told.horizon["volume"].sum())
    assert (totals["low"] < totals["expected"]).all()
    assert (totals["expected"] < totals["high"]).all()
    assert (told.horizon["volume_low"] == 0).any()
    metrics = told.scores.set_index("series")["metric"]
    assert set(metrics["volume"]) == {"tweedie"}
    assert set(metrics["volatility"]) == {"qlike_zeros"}
    assert set(metrics["depth"]) == {"mse_log"}
    scored = told.scores[told.scores["series"].isin(["volume", "volatility"])]
    assert np.isfinite(scored[["model", "baseline"]]).all(axis=None)
    assert codes(told).count("zero_periods") == 2


def test_a_period_without_a_book_is_no_zero() -> None:
    used = trading_days(4)
    volume = np.full((4, 390), 100.0)
    volume[:, ::2] = 0.0
    found = list(tape(volume, volume / 1e4, used))
    dark = found[1].periods.assign(covered=np.where(np.arange(390) % 2 == 0, 0.0, 1.0))
    told = forecast.forecast_symbol(
        (found[0], replace(found[1], periods=dark), *found[2:]), thin_scope(used)
    )
    messages = told.warnings.set_index("code")["message"]
    assert "volume: 585 of 1560 periods are zeros" in messages["zero_periods"].iloc[0]
    assert "volume: 195 of 1560" in messages["missing_periods"].str.cat()


def test_thinness_averages_one_however_little_is_expected() -> None:
    """Expected volume falls to nothing at noon: liquidity is told from a twentieth of the mean."""
    used = trading_days(2)
    days_of = tape(np.full((2, 390), 100.0), np.full((2, 390), 0.01), used)
    states = past_periods(days_of, thin_scope(used))[["date", "period"]]
    shape = np.where(np.abs(states["period"] - 195) < 20, 1e-9, 100.0)
    states = states.assign(volume=shape, volatility=0.1)
    level = references(past_periods(days_of, thin_scope(used)), states)
    found = thinness(states, level)
    assert found.mean() == pytest.approx(1.0, rel=1e-12)
    assert found.max() < 20


def test_a_symbol_that_hardly_trades_is_refused_with_the_counts() -> None:
    used = trading_days(2)
    volume, variance = np.zeros((2, 390)), np.full((2, 390), 0.01)
    volume[:, 7] = 50.0
    with pytest.raises(ValueError, match="2 of 780 periods traded and 780 had a mid that moved"):
        forecast.forecast_symbol(tape(volume, variance, used), thin_scope(used))
    volume[:, 7:17] = 50.0
    told = forecast.forecast_symbol(tape(volume, variance, used), thin_scope(used))
    thin = told.warnings.set_index("code").loc["too_thin", "message"]
    assert "of 780 periods only 20 traded:" in thin


def test_one_empty_period_among_hundreds_moves_hardly_anything() -> None:
    """A zero against the same period without a book: 1 of 78 periods of ten days."""
    used = dates("2025-01-06", 10, "XNYS")
    found = []
    for covered in (0.0, 1.0):
        measured = list(days(used, "XNYS", 300))
        periods = measured[6].periods.copy()
        periods.loc[40, ["buy_volume", "sell_volume", "volume_squares"]] = 0.0
        periods.loc[40, "covered"] = covered
        measured[6] = replace(measured[6], periods=periods)
        found.append(forecast.forecast_symbol(tuple(measured), scope_of(used, "XNYS", 300)))
    missing, zero = (each.horizon["volume"] for each in found)
    np.testing.assert_allclose(zero, missing, rtol=0.01)
    past = [each.states.set_index(["date", "period"])["volume"] for each in found]
    np.testing.assert_allclose(past[1], past[0], rtol=0.02)
