"""Days against their neighbours, quotes against trades, forecasts against the history."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from pipeline.engine.errors import InputError
from pipeline.engine.findings import as_warnings, refuse
from pipeline.engine.tables import Day
from pipeline.stages.screening.plausibility import judge_days, judge_forecast
from tests.pipeline.report.stage_outputs import make_forecast
from tests.pipeline.stages.days_of_tape import changed, day_of, prices, screen, sizes

NONE = pd.Series(dtype=int)
BAD = 2  # the day of five with the defect


def five(dirty=lambda day: day, only: int | None = BAD) -> pd.DataFrame:
    days = [day_of(seed, seed) for seed in range(5)]
    days = [dirty(day) if only in (None, place) else day for place, day in enumerate(days)]
    return pd.concat([screen(day, place).measures for place, day in enumerate(days)])


def everywhere(table: pl.DataFrame) -> pl.Series:
    return pl.Series(np.ones(len(table), dtype=bool))


def test_clean_days_are_alike():
    assert judge_days(five(), NONE).empty


@pytest.mark.parametrize(
    ("dirty", "code"),
    [
        (lambda d: Day(*(changed(t, everywhere(t), **prices(t, lambda c: c * 100))
                         for t in (d.quotes, d.trades))), "two_scales"),
        (lambda d: Day(d.quotes, d.trades.with_columns(pl.col("size") * 1000)), "two_size_scales"),
        (lambda d: Day(changed(d.quotes, everywhere(d.quotes),
                               **sizes(d.quotes, lambda c: c * 1000)), d.trades),
         "two_size_scales"),
    ],
)  # fmt: skip
def test_a_day_in_another_unit_is_found_and_only_that_day(dirty, code):
    found = judge_days(five(dirty), NONE)
    assert set(found["date"]) == {"2025-01-08"}
    assert code in set(found["code"])


def test_a_day_without_half_of_its_rows_has_trades_outside_its_quotes():
    keep = np.random.default_rng(3).random(100_000) < 0.2
    found = judge_days(five(lambda d: Day(d.quotes.filter(keep[: len(d.quotes)]), d.trades)), NONE)
    assert set(found["date"]) == {"2025-01-08"}
    assert "quotes_missing" in set(found["code"])


def venues(day: Day) -> Day:
    """Let every row be one of three venues' quotes, two of them far from the market."""
    rng = np.random.default_rng(5)
    away = rng.choice([0.0, 20.0, 45.0], len(day.quotes))
    up, down = away * rng.random(len(away)), away * rng.random(len(away))
    quotes = day.quotes.with_columns(
        bid_px_0=pl.col("bid_px_0") - pl.Series(down), ask_px_0=pl.col("ask_px_0") + pl.Series(up)
    )
    return Day(quotes, day.trades)


def test_venue_quotes_read_as_consolidated_are_unbelievable_every_day():
    found = judge_days(five(venues, only=None), NONE)
    assert set(found.loc[found["code"] == "sigma_unbelievable", "date"]) == {
        f"2025-01-{day:02d}" for day in range(6, 11)
    }


def test_quotes_of_one_side_of_the_market_leave_trades_outside():
    shifted = lambda d: Day(  # noqa: E731
        d.quotes.with_columns(pl.col(name) + 0.5 for name in prices(d.quotes, 0)), d.trades
    )
    found = judge_days(five(shifted, only=None), NONE)
    assert set(found["code"]) == {"quotes_not_consolidated"}


def test_crossed_quotes_count_by_day():
    found = judge_days(five(), pd.Series({"2025-01-07": 4000}))
    assert list(found["code"]) == ["crossed_quotes"]
    assert found["date"][0] == "2025-01-07"
    assert judge_days(five(), pd.Series({"2025-01-07": 1000})).empty


@pytest.mark.parametrize(("factor", "said"), [(1.0, 0), (4.5, 0), (6.0, 1), (1 / 6, 1)])
def test_forecasts_are_held_against_the_history(factor, said):
    forecast = make_forecast(np.random.default_rng(0), 2)
    horizon = forecast.horizon
    past = pd.DataFrame(
        {
            "period": horizon["period"],
            "volume": horizon["volume"] / factor,
            "realized_variance": horizon["volatility"] ** 2,
            "half_spread": horizon["half_spread"],
        }
    )
    found = judge_forecast(forecast, past)
    assert len(found) == said
    assert set(found["code"]) <= {"forecast_unbelievable"}


def test_a_refusal_names_symbol_day_time_and_what_to_do_and_acceptance_leaves_a_warning():
    found = judge_days(five(venues, only=None), NONE)
    with pytest.raises(
        InputError,
        match=r"XYZ 2025-01-06 09:30:00–13:30:00: .*\(and on 4 more days\)"
        r".*--accept sigma_unbelievable",
    ):
        refuse({"XYZ": found}, (), "America/New_York")
    refuse({"XYZ": found}, ("sigma_unbelievable",), "America/New_York")
    said = as_warnings(found, "America/New_York")
    assert list(said["code"]) == ["sigma_unbelievable"]
    assert said["message"][0].endswith("and 2 more")
