"""Features against a slow walk through every instant, and against a changed future."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from pipeline.engine.errors import InputError
from pipeline.engine.sessions import Session
from pipeline.engine.tables import Features
from pipeline.stages.measuring import book_walks, features

NS = 1_000_000_000
OPEN = 1_736_173_800 * NS
SIZES = (100.0, 400.0, 1000.0)


@dataclass(frozen=True)
class Tape:
    """Stands for the ingest stage's Day."""

    quotes: pl.DataFrame
    trades: pl.DataFrame


def measure(given: Any, session: Session, sizes: tuple[float, ...], label: str) -> Features:
    return features.measure_day(given, features.DaySettings(session, sizes, label))


def session(periods: int, period_seconds: int = 60) -> Session:
    close = OPEN + periods * period_seconds * NS
    return Session("2025-01-06", OPEN, close, "America/New_York", period_seconds)


def tape(seed: int = 0, periods: int = 6, rows: int = 400, levels: int = 3) -> Tape:
    """A random tape in whole seconds, so that ties occur; its deep levels are empty at times."""
    rng = np.random.default_rng(seed)
    ts = np.sort(OPEN + rng.integers(0, periods * 60, rows) * NS)
    mid = 100 + np.cumsum(rng.integers(-1, 2, rows)) * 0.01
    columns: dict[str, np.ndarray] = {"ts": ts}
    for level in range(levels):
        for side, sign in (("bid", -1), ("ask", 1)):
            size = rng.integers(1, 5, rows) * 100.0
            price = np.round(
                mid + sign * 0.01 * (1 + level + rng.integers(0, 2, rows) * (level > 0)), 2
            )
            gone = (rng.random(rows) < 0.2) & (level == levels - 1)
            columns[f"{side}_px_{level}"] = np.where(gone, np.nan, price)
            columns[f"{side}_sz_{level}"] = np.where(gone, 0.0, size)
    trades = pl.DataFrame(
        {
            "ts": np.sort(OPEN + rng.integers(0, periods * 60, 50) * NS),
            "price": np.full(50, 100.0),
            "size": rng.integers(1, 9, 50) * 10.0,
            "aggressor": rng.integers(-1, 2, 50).astype(np.int8),
        }
    )
    return Tape(pl.DataFrame(columns), trades)


def brute_walk(row: dict, side: int, wanted: float, levels: int) -> tuple[float, ...]:
    """Take shares level by level: (cost above the best of what is there, depth, cost of all, how
    far the last level is).
    """
    name = "ask" if side > 0 else "bid"
    best, left, cost, depth, whole, last = row[f"{name}_px_0"], wanted, 0.0, 0.0, 0.0, 0.0
    for level in range(levels):
        price, size = row[f"{name}_px_{level}"], row[f"{name}_sz_{level}"]
        if size == 0:
            continue
        taken = min(left, size)
        cost += taken * abs(price - best)
        left -= taken
        depth += size
        whole += size * abs(price - best)
        last = abs(price - best)
    return cost, depth, whole, last


def standing_row(quotes: pl.DataFrame, time: int) -> dict | None:
    """The last row at or before `time`."""
    seen = quotes.filter(pl.col("ts") <= time)
    return seen.row(-1, named=True) if len(seen) else None


def brute_behind(rows: list, side: int, levels: int) -> tuple[float, float, float]:
    """Return the mean gap of the deeper half of levels, and the line through the mean levels but
    the best: its end, and its slope where that rises.
    """
    names = "ask" if side > 0 else "bid"
    prices = np.array([[row[f"{names}_px_{j}"] for j in range(levels)] for row in rows])
    sizes = np.array([[row[f"{names}_sz_{j}"] for j in range(levels)] for row in rows])
    gaps = []
    for price in np.abs(prices - prices[:, :1]):
        shown = int(np.isfinite(price).sum())
        if shown > 1:
            middle = (shown - 1) // 2
            gaps.append((price[shown - 1] - price[middle]) / (shown - 1 - middle))
    mean = [sizes[sizes[:, j] > 0, j].mean() for j in range(1, levels) if (sizes[:, j] > 0).any()]
    slope = max(np.polyfit(range(len(mean)), mean, 1)[0], 0.0) if len(mean) > 1 else 0.0
    return np.mean(gaps), np.mean(mean) + slope * (len(mean) - 1) / 2, slope


def go_on(last: float, beyond: float, behind: tuple[float, float, float]) -> float:
    """Take `beyond` shares level by level behind the last one."""
    (gap, size, growth), cost, level = behind, 0.0, 0
    while beyond > 0:
        level += 1
        taken = min(beyond, size + level * growth)
        cost, beyond = cost + taken * (last + level * gap), beyond - taken
    return cost


@pytest.mark.parametrize(("prefix", "levels"), [("", 3), ("cut_", 2)])
def test_cells_equal_a_second_by_second_walk(prefix, levels):
    given = tape()
    got = measure(given, session(6), SIZES, "X").cells.set_index(["period", "side", "size"])
    for period in range(6):
        rows = [
            standing_row(given.quotes, OPEN + (period * 60 + second) * NS) for second in range(60)
        ]
        rows = [row for row in rows if row is not None]
        for side in (1, -1):
            behind = brute_behind(rows, side, levels)
            for size in SIZES:
                costs, short = [], []
                for row in rows:
                    cost, depth, whole, last = brute_walk(row, side, size, levels)
                    short.append(depth < size)
                    on = go_on(last, size - depth, behind)
                    costs.append(whole + on if depth < size else cost)
                cell = got.loc[(period, side, size)]
                assert cell[f"{prefix}censored"] == pytest.approx(np.mean(short), abs=1e-12)
                assert cell[f"{prefix}excess"] == pytest.approx(np.mean(costs), rel=1e-9)
    assert 0 < got[f"{prefix}censored"].mean() < 1  # the tape exercises both cases


def test_fractions_of_a_share_are_walked_alike():
    given, unit = tape(), 1000.0
    sizes = [name for name in given.quotes.columns if "_sz_" in name]
    small = replace(given, quotes=given.quotes.with_columns(pl.col(sizes) / unit))
    whole = measure(given, session(6), SIZES, "X").cells
    got = measure(small, session(6), tuple(size / unit for size in SIZES), "X").cells
    np.testing.assert_allclose(got["excess"] * unit, whole["excess"], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(got["censored"], whole["censored"], atol=1e-12)


def test_book_averages_equal_second_by_second_means():
    given = tape(3)
    got = measure(given, session(6), SIZES, "X").periods
    for period in range(1, 6):
        rows = [
            standing_row(given.quotes, OPEN + (period * 60 + second) * NS) for second in range(60)
        ]
        half = np.mean([(row["ask_px_0"] - row["bid_px_0"]) / 2 for row in rows])
        assert got.half_spread[period] == pytest.approx(half, rel=1e-9)
        for name in ("bid_sz_0", "ask_sz_2"):
            mean = np.mean([row[name] for row in rows])
            assert got[f"depth_{name.replace('_sz', '')}"][period] == pytest.approx(mean, rel=1e-9)
        depth = np.mean(
            [
                sum(row[f"{side}_sz_{level}"] for side in ("bid", "ask") for level in range(3)) / 2
                for row in rows
            ]
        )
        assert got.depth[period] == pytest.approx(depth, rel=1e-9)
        assert got.covered[period] == pytest.approx(1.0)


def test_covered_is_the_share_after_the_first_quote():
    given = tape()
    late = Tape(given.quotes.filter(pl.col("ts") >= OPEN + 90 * NS), given.trades)
    first = (late.quotes["ts"][0] - OPEN) / NS
    got = measure(late, session(6), SIZES, "X").periods
    assert got.covered[0] == 0
    assert np.isnan(got.half_spread[0])
    assert got.covered[1] == pytest.approx((120 - first) / 60)


def test_mids_stand_strictly_before_the_edges():
    quotes = tape().quotes
    got = measure(tape(), session(6), SIZES, "X").periods
    assert np.isnan(got.mid_open[0])
    for period in range(6):
        before = quotes.filter(pl.col("ts") < OPEN + (period + 1) * 60 * NS).row(-1, named=True)
        assert got.mid_close[period] == (before["bid_px_0"] + before["ask_px_0"]) / 2
    np.testing.assert_array_equal(got.mid_open[1:], got.mid_close[:-1])


def test_realized_variance_is_the_scaled_mean_of_ten_second_changes():
    given = tape(1)
    got = measure(given, session(6), SIZES, "X").periods
    for period in range(6):
        mids = []
        for second in range(61):
            seen = given.quotes.filter(pl.col("ts") < OPEN + (period * 60 + second) * NS)
            mids.append((seen["bid_px_0"][-1] + seen["ask_px_0"][-1]) / 2 if len(seen) else np.nan)
        changes = [(mids[second + 10] - mids[second]) ** 2 for second in range(51)]
        expected = np.nanmean(changes) * 6
        assert got.realized_variance[period] == pytest.approx(expected, rel=1e-9)


def test_realized_variance_has_the_stated_effective_number_of_returns():
    """On Brownian mids the estimator is unbiased and its relative variance is 2 / rv_n."""
    rng = np.random.default_rng(5)
    periods, sigma = 4000, 0.05
    ts = OPEN + np.arange(periods * 60, dtype=np.int64) * NS
    mid = 1000 + np.cumsum(rng.normal(0, sigma / np.sqrt(60), len(ts)))
    quotes = pl.DataFrame(
        {
            "ts": ts,
            "bid_px_0": mid - 0.01,
            "bid_sz_0": np.ones(len(ts)),
            "ask_px_0": mid + 0.01,
            "ask_sz_0": np.ones(len(ts)),
        }
    )
    got = measure(Tape(quotes, tape().trades), session(periods), (1.0, 2.0), "X").periods.iloc[1:]
    assert got.realized_variance.mean() == pytest.approx(sigma**2, rel=0.03)
    assert got.rv_n.nunique() == 1
    relative = got.realized_variance.var() / sigma**4
    assert 2 / got.rv_n.iloc[0] == pytest.approx(relative, rel=0.1)


def test_volumes_and_counts_add_up():
    given = tape(2)
    got = measure(given, session(6), SIZES, "X").periods
    for sign, name in ((1, "buy"), (-1, "sell"), (0, "undirected")):
        assert (
            got[f"{name}_volume"].sum()
            == given.trades.filter(pl.col("aggressor") == sign)["size"].sum()
        )
    third = given.trades.filter(
        pl.col("ts").is_between(OPEN + 120 * NS, OPEN + 180 * NS, closed="left")
    )
    assert got.trades[2] == len(third)
    assert got.quotes.sum() == len(given.quotes)


def test_there_is_no_flow_into_or_out_of_a_book_that_is_not_known():
    """One side's loss is flow; what a clear takes, and what is there after it, is not."""
    gone = (np.nan, 0)
    states = [(10, 4, 12, 6), (10, 4, *gone), (*gone, *gone), (*gone, *gone), (11, 5, 13, 7)]
    states += [(11, 8, 13, 7)] * 3
    quotes = pl.DataFrame(
        np.array(states, dtype=float),
        schema=["bid_px_0", "bid_sz_0", "ask_px_0", "ask_sz_0"],
        orient="row",
    ).with_columns(ts=pl.Series(OPEN + np.array([10, 20, 70, 80, 130, 190, 250, 251]) * NS))
    got = measure(Tape(quotes, tape().trades), session(5), SIZES, "X").periods
    np.testing.assert_array_equal(got.ofi_0, [6, 0, 0, 3, 0])
    np.testing.assert_allclose(got.covered, [10 / 60, 0, 50 / 60, 1, 1])
    np.testing.assert_allclose(got.half_spread, [1, np.nan, 1, 1, 1])
    np.testing.assert_array_equal(got.quotes, [1, 0, 1, 1, 2])


def test_order_flow_imbalance_counts_events_by_hand():
    """Bid grows by 3, improves with 5; ask improves with 2, retreats to 4; one bid level goes."""
    states = [  # bid, size, bid 2, size, ask, size, ask 2, size
        (10, 1, 9, 7, 12, 6, 13, 1),
        (10, 4, 9, 7, 12, 6, 13, 1),
        (11, 5, 9, 7, 13, 6, 14, 1),
        (11, 5, 9, 7, 12, 2, 14, 1),
        *[(11, 5, np.nan, 0, 13, 4, 14, 1)] * 3,
    ]
    names = [
        f"{side}_{what}_{level}"
        for side, level in (("bid", 0), ("bid", 1), ("ask", 0), ("ask", 1))
        for what in ("px", "sz")
    ]
    quotes = pl.DataFrame(np.array(states, dtype=float), schema=names, orient="row").with_columns(
        ts=pl.Series(OPEN + np.array([10, 20, 70, 80, 130, 190, 250]) * NS)
    )
    got = measure(Tape(quotes, tape().trades), session(5), SIZES, "X").periods
    # row 2: bid +3; 3: bid improves +5, ask retreats +6; 4: ask improves -2; 5: ask retreats +2
    np.testing.assert_array_equal(got.ofi_0, [3, 5 + 6 - 2, 2, 0, 0])
    np.testing.assert_array_equal(got.ofi_1, [0, 0 + 1 + 0, -7, 0, 0])


def test_a_period_without_quotes_carries_the_book_before_it():
    quotes = tape().quotes.filter(
        ~pl.col("ts").is_between(OPEN + 120 * NS, OPEN + 180 * NS, closed="left")
    )
    last = quotes.filter(pl.col("ts") < OPEN + 120 * NS).row(-1, named=True)
    got = measure(Tape(quotes, tape().trades), session(6), SIZES, "X").periods
    assert got.quotes[2] == 0
    assert got.depth_bid_1[2] == last["bid_sz_1"]
    assert got.realized_variance[2] == 0


def test_chunks_do_not_show(monkeypatch):
    whole = measure(tape(), session(6), SIZES, "X")
    monkeypatch.setattr(book_walks, "CHUNK_ROWS", 7)
    pieces = measure(tape(), session(6), SIZES, "X")
    for name in ("periods", "cells"):
        left, right = (getattr(each, name).drop(columns="date") for each in (whole, pieces))
        np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("chunk", [7, 32_768])
def test_the_past_does_not_see_the_future(monkeypatch, chunk):
    monkeypatch.setattr(book_walks, "CHUNK_ROWS", chunk)
    given, other = tape(0), tape(9)
    cut = OPEN + 180 * NS
    early, late = pl.col("ts") < cut, pl.col("ts") >= cut
    mixed = Tape(
        pl.concat([given.quotes.filter(early), other.quotes.filter(late)]),
        pl.concat([given.trades.filter(early), other.trades.filter(late)]),
    )
    one, two = (measure(each, session(6), SIZES, "X") for each in (given, mixed))
    assert one.periods[one.periods.period < 3].equals(two.periods[two.periods.period < 3])
    assert one.cells[one.cells.period < 3].equals(two.cells[two.cells.period < 3])
    assert not one.cells.equals(two.cells)


def test_a_short_last_period_and_an_early_close():
    odd = Session("2025-01-06", OPEN, OPEN + 330 * NS, "America/New_York", 60)
    got = measure(tape(), odd, SIZES, "X")
    assert len(got.periods) == 6
    assert got.periods.covered.iloc[-1] == pytest.approx(1.0)
    whole = measure(tape(), session(6), SIZES, "X")
    assert got.periods.iloc[:5].equals(whole.periods.iloc[:5])


@pytest.mark.parametrize("rows", [0, 3])
def test_a_day_of_too_few_rows_is_refused_by_name(rows):
    given = tape()
    early = given.quotes.tail(rows).with_columns(ts=OPEN + 359 * NS + pl.int_range(rows))
    with pytest.raises(
        InputError, match=rf"^SIM0 2025-01-06: {rows} two-sided quotes in . of 6 periods"
    ):
        measure(Tape(early, given.trades), session(6), SIZES, "SIM0 2025-01-06")
