"""Rows that a day cannot support: found with their times, left out to the row; clean days stay."""

from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest

from models.microstructure.screening import RowBounds
from pipeline.engine.tables import Day, Screening
from pipeline.stages.screening.rows import ScreenSettings, apply_bounds, screen_day
from tests.pipeline.stages.days_of_tape import (
    MINUTE,
    MINUTES,
    OPEN,
    changed,
    day_of,
    minutes_of,
    prices,
    screen,
    session,
    sizes,
)


def kept(day: Day, found: Screening) -> Day:
    still = found.findings[found.findings["code"] == "frozen_quote"]
    frozen = tuple(zip(still["first"], still["last"], strict=True))
    return apply_bounds(day, RowBounds(**found.bounds.iloc[0]), frozen)


def rows_of(table: pl.DataFrame, *places: int) -> pl.Series:
    return pl.Series(np.isin(np.arange(len(table)), places))


def without(day: Day, quotes: pl.Series | None = None, trades: pl.Series | None = None) -> Day:
    return Day(
        day.quotes if quotes is None else day.quotes.filter(~quotes),
        day.trades if trades is None else day.trades.filter(~trades),
    )


def same(one: Day, other: Day) -> bool:
    return one.quotes.equals(other.quotes) and one.trades.equals(other.trades)


def the_finding(found: Screening, code: str) -> pd.Series:
    assert list(found.findings["code"]) == [code]
    return found.findings.iloc[0]


@pytest.mark.parametrize("seed", range(4))
def test_of_a_clean_day_nothing_is_found_and_nothing_left_out(seed):
    day = day_of(seed)
    found = screen(day)
    assert found.findings.empty
    assert same(kept(day, found), day)


def test_one_ask_of_a_billion_is_left_out_and_named():
    day = day_of()
    off = rows_of(day.quotes, 2500)
    found = screen(Day(changed(day.quotes, off, ask_px_0=1e9), day.trades))
    row = the_finding(found, "implausible_price")
    assert (row["rows"], row["first"], row["last"]) == (1, *[day.quotes["ts"][2500]] * 2)
    assert same(
        kept(Day(changed(day.quotes, off, ask_px_0=1e9), day.trades), found), without(day, off)
    )


def test_sixteen_trades_of_four_billion_are_left_out_and_a_real_block_is_kept():
    day = day_of()
    off = rows_of(day.trades, *range(100, 1600, 94))
    block = rows_of(day.trades, 50)
    day = Day(day.quotes, changed(day.trades, block, size=2_000_000.0))
    dirty = Day(day.quotes, changed(day.trades, off, size=4e9))
    found = screen(dirty)
    row = the_finding(found, "implausible_size")
    assert row["rows"] == off.sum() == 16
    assert same(kept(dirty, found), without(day, trades=off))


def test_a_minute_at_a_hundredfold_is_left_out_of_quotes_and_trades():
    day = day_of()
    masks = [minutes_of(table, 100, 101) for table in (day.quotes, day.trades)]
    dirty = Day(
        *(
            changed(table, mask, **prices(table, lambda c: c * 100))
            for table, mask in zip((day.quotes, day.trades), masks, strict=True)
        )
    )
    found = screen(dirty)
    row = the_finding(found, "implausible_price")
    assert row["rows"] == masks[0].sum() + masks[1].sum()
    assert OPEN + 100 * MINUTE <= row["first"] < row["last"] < OPEN + 101 * MINUTE
    assert same(kept(dirty, found), without(day, *masks))


def test_a_first_minute_at_a_hundredth_is_left_out():
    day = day_of()
    masks = [minutes_of(table, 0, 1) for table in (day.quotes, day.trades)]
    dirty = Day(
        *(
            changed(table, mask, **prices(table, lambda c: c / 100))
            for table, mask in zip((day.quotes, day.trades), masks, strict=True)
        )
    )
    assert same(kept(dirty, screen(dirty)), without(day, *masks))


def test_ten_minutes_of_depth_in_thousands_are_left_out():
    day = day_of()
    mask = minutes_of(day.quotes, 60, 70)
    dirty = Day(changed(day.quotes, mask, **sizes(day.quotes, lambda c: c * 1000)), day.trades)
    found = screen(dirty)
    assert the_finding(found, "implausible_depth")["rows"] == mask.sum()
    assert same(kept(dirty, found), without(day, mask))


def test_a_large_order_on_one_level_is_kept():
    day = day_of()
    day = Day(changed(day.quotes, minutes_of(day.quotes, 50, 90), ask_sz_2=400_000.0), day.trades)
    found = screen(day)
    assert found.findings.empty
    assert same(kept(day, found), day)


def test_stub_quotes_deep_in_the_book_are_not_displayed_and_counted():
    day = day_of()
    mask = minutes_of(day.quotes, 10, 20)
    dirty = Day(changed(day.quotes, mask, ask_px_2=199_999.99, bid_px_2=0.01), day.trades)
    found = screen(dirty)
    assert the_finding(found, "far_level")["rows"] == mask.sum()
    empty = {"ask_px_2": float("nan"), "bid_px_2": float("nan"), "ask_sz_2": 0.0, "bid_sz_2": 0.0}
    assert same(kept(dirty, found), Day(changed(day.quotes, mask, **empty), day.trades))


def test_half_a_day_at_a_hundredfold_is_two_scales():
    day = day_of()
    dirty = Day(
        *(
            changed(table, minutes_of(table, 120, 240), **prices(table, lambda c: c * 100))
            for table in (day.quotes, day.trades)
        )
    )
    found = screen(dirty).findings
    row = found[found["code"] == "two_scales"].iloc[0]
    assert row["rows"] >= 0.45 * len(day.quotes)
    assert row["date"] == "2025-01-06"


def test_half_a_day_of_trades_in_thousands_is_two_size_scales():
    day = day_of()
    mask = minutes_of(day.trades, 180, 240)
    found = screen(Day(day.quotes, changed(day.trades, mask, size=lambda c: c * 1000)))
    row = the_finding(found, "two_size_scales")
    assert row["rows"] == mask.sum()
    assert row["first"] >= OPEN + 180 * MINUTE


@pytest.mark.parametrize(("first", "last"), [(0, 240), (150, 240)])
def test_sides_the_other_way_round_are_found_with_their_time(first, last):
    day = day_of()
    mask = minutes_of(day.trades, first, last)
    found = screen(Day(day.quotes, changed(day.trades, mask, aggressor=lambda c: -c)))
    row = the_finding(found, "sides_flipped")
    assert row["rows"] == pytest.approx(mask.sum(), rel=0.02)
    assert abs(row["first"] - OPEN - first * MINUTE) < 2 * MINUTE
    assert abs(row["last"] - OPEN - last * MINUTE) < 2 * MINUTE


def test_a_frozen_book_is_left_out_from_its_last_change_to_its_next():
    day = day_of()
    mask = minutes_of(day.quotes, 60, 180)
    stood = day.quotes.row(int(np.flatnonzero(mask)[0]) - 1, named=True)
    fixed = {name: value for name, value in stood.items() if name != "ts"}
    dirty = Day(changed(day.quotes, mask, **fixed), day.trades)
    found = screen(dirty)
    row = the_finding(found, "frozen_quote")
    assert row["rows"] == mask.sum()
    assert abs(row["first"] - OPEN - 60 * MINUTE) < MINUTE
    assert abs(row["last"] - OPEN - 180 * MINUTE) < MINUTE
    assert same(kept(dirty, found), without(day, mask))


def test_missing_hours_are_named_with_their_times():
    day = day_of()
    masks = [minutes_of(table, 90, 160) for table in (day.quotes, day.trades)]
    row = the_finding(screen(without(day, *masks)), "tape_gap")
    assert abs(row["first"] - OPEN - 90 * MINUTE) < MINUTE
    assert abs(row["last"] - OPEN - 160 * MINUTE) < MINUTE


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [0.02, 0.2])
def test_a_thin_day_is_neither_frozen_nor_gapped(seed, share):
    rng = np.random.default_rng(seed)
    day = day_of(seed, rows=20)
    alive = pl.Series(rng.random(MINUTES) < share)
    quotes, trades = (
        table.filter(alive.gather((table["ts"] - OPEN) // MINUTE))
        for table in (day.quotes, day.trades)
    )
    found = screen(Day(quotes, trades))
    assert not set(found.findings["code"]) & {"frozen_quote", "tape_gap"}


def test_what_comes_after_the_known_time_decides_nothing():
    day, whole = day_of(), session()
    later = [minutes_of(table, 120, 240) for table in (day.quotes, day.trades)]
    other = Day(
        *(
            changed(table, mask, **prices(table, lambda c: c * 100))
            for table, mask in zip((day.quotes, day.trades), later, strict=True)
        )
    )
    one, two = (
        screen_day(each, ScreenSettings(whole, OPEN + 120 * MINUTE)) for each in (day, other)
    )
    for name in ("findings", "bounds", "measures"):
        assert getattr(one, name).equals(getattr(two, name))


def test_prices_below_zero_have_a_band_of_differences():
    day = day_of()
    lower = Day(
        *(
            table.with_columns(pl.col(name) - 100 for name in prices(table, 0))
            for table in (day.quotes, day.trades)
        )
    )
    assert screen(lower).findings.empty
    off = rows_of(day.quotes, 2500)
    dirty = Day(changed(lower.quotes, off, ask_px_0=1e9), lower.trades)
    assert same(kept(dirty, screen(dirty)), without(lower, off))


def test_books_that_are_not_known_bend_no_bound_and_hide_no_defect():
    """Every third row a cleared book, as sources write it: prices unknown, sizes 0."""
    day, plain = day_of(), screen(day_of())
    unknown = rows_of(day.quotes, *range(0, len(day.quotes), 3))
    empty = {
        name: 0.0 if "_sz_" in name else float("nan") for name in day.quotes.columns if name != "ts"
    }
    cleared = Day(changed(day.quotes, unknown, **empty), day.trades)
    found = screen(cleared)
    assert found.findings.empty
    assert same(kept(cleared, found), cleared)
    for name in ("price_low", "price_high", "typical_size"):
        np.testing.assert_allclose(found.bounds[name], plain.bounds[name], rtol=0.05)
    for name in ("price", "spread", "half_spread"):
        np.testing.assert_allclose(found.measures[name], plain.measures[name], rtol=0.05)
    off = rows_of(day.quotes, 2500)
    bad = screen(Day(changed(cleared.quotes, off, ask_px_0=1e9), day.trades))
    assert the_finding(bad, "implausible_price")["rows"] == 1
    nothing = screen(
        Day(changed(day.quotes, rows_of(day.quotes, *range(9999)), **empty), day.trades)
    )
    assert nothing.findings.empty


def test_a_break_of_the_session_is_no_gap_and_slows_no_rate():
    lunch = (90, 150)
    day = day_of()
    open_ = Day(*(table.filter(~minutes_of(table, *lunch)) for table in (day.quotes, day.trades)))
    plain = session()
    stops = tuple(OPEN + minute * MINUTE for minute in lunch)
    with_break = replace(plain, breaks=(stops,))
    settings = ScreenSettings(with_break, with_break.close_ns)
    found = screen_day(open_, settings)
    assert found.findings.empty
    assert the_finding(screen_day(open_, replace(settings, session=plain)), "tape_gap")["rows"] == 0
    rate = len(open_.quotes) / (MINUTES - 60)
    assert found.measures["rows"].iloc[0] == pytest.approx(rate)
