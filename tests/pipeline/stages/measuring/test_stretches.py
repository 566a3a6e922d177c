"""Sessions with breaks: each stretch is measured as if nothing came before it."""

from dataclasses import replace

import numpy as np
import polars as pl

from pipeline.engine.sessions import Session
from tests.pipeline.stages.measuring.test_features import (
    NS,
    OPEN,
    SIZES,
    Tape,
    measure,
    session,
    tape,
)


def broken_session(periods: int) -> Session:
    """A session of `periods` minutes with a break of half a minute in its third."""
    whole = session(periods)
    return replace(whole, breaks=((OPEN + 150 * NS, OPEN + 180 * NS),))


def test_nothing_stands_over_a_break() -> None:
    at = np.array([0, 70, 140, 185, 250, 330])
    mid = np.where(at < 180, 100.0, 101.0)  # the only move is over the break
    quotes = pl.DataFrame(
        {
            "ts": OPEN + at * NS,
            "bid_px_0": mid - 0.01,
            "bid_sz_0": np.full(6, 500.0),
            "ask_px_0": mid + 0.01,
            "ask_sz_0": np.full(6, 500.0),
        }
    )
    prints = OPEN + np.array([149, 186]) * NS  # at the end of one stretch, at the start of another
    trades = pl.DataFrame(
        {
            "ts": prints,
            "price": [100.01, 101.01],
            "size": [100.0, 300.0],
            "aggressor": np.array([1, 1], dtype=np.int8),
        }
    )
    found = measure(Tape(quotes, trades), broken_session(6), SIZES, "a")
    periods = found.periods
    assert ((periods["start"] - OPEN) // NS).tolist() == [0, 60, 120, 180, 240, 300]
    assert ((periods["end"] - OPEN) // NS).tolist() == [60, 120, 150, 240, 300, 360]
    np.testing.assert_array_equal(periods["period"], np.arange(6))
    np.testing.assert_allclose(periods["covered"], [1, 1, 1, 55 / 60, 1, 1])
    np.testing.assert_array_equal(periods["realized_variance"], np.zeros(6))
    np.testing.assert_array_equal(periods["mid_open"], [np.nan, 100, 100, np.nan, 101, 101])
    np.testing.assert_array_equal(periods["mid_close"], [100, 100, 100, 101, 101, 101])
    np.testing.assert_array_equal(periods["ofi_0"], np.zeros(6))
    np.testing.assert_array_equal(periods["buy_volume"], [0, 0, 100, 300, 0, 0])
    after = found.immediate
    assert after.groupby("block")["late"].sum().tolist() == [3, 0]  # 1, 5, 10 s on: the break
    assert after.groupby("block")["yy"].sum().tolist() == [0, 0]
    assert ((after.groupby("block")["end"].first() - OPEN) // NS).tolist() == [150, 360]
    assert found.refill.groupby("block")["end"].first().tolist() == sorted(set(after["end"]))


def test_a_stretch_is_measured_as_if_it_were_a_session() -> None:
    given, whole = tape(seed=3), broken_session(6)
    found = measure(given, whole, SIZES, "a")
    for place, (begin, end) in enumerate(whole.stretches):
        part = Tape(
            *(
                table.filter((pl.col("ts") >= begin) & (pl.col("ts") < end))
                for table in (given.quotes, given.trades)
            )
        )
        alone = measure(part, replace(whole, open_ns=begin, close_ns=end, breaks=()), SIZES, "a")
        first = 3 * place
        for table in ("periods", "cells"):
            here = getattr(found, table)
            here = here[here["period"].between(first, first + 2)].reset_index(drop=True)
            assert here.assign(period=here["period"] - first).equals(getattr(alone, table))
        for table in ("refill", "immediate"):
            here = getattr(found, table)
            here = here[here["block"] == place].reset_index(drop=True)
            assert here.assign(block=here["block"] - place).equals(getattr(alone, table))


def test_a_stretch_without_a_quote_is_unknown_not_an_error() -> None:
    given, whole = tape(seed=4), broken_session(6)
    morning = Tape(
        *(table.filter(pl.col("ts") < OPEN + 150 * NS) for table in (given.quotes, given.trades))
    )
    periods = measure(morning, whole, SIZES, "a").periods
    assert (periods["covered"][3:] == 0).all()
    assert periods[["half_spread", "mid_close", "realized_variance"]][3:].isna().all(axis=None)
    assert (periods["covered"][:3] > 0).all()
