"""The book's pressure and the mid's moves, measured on days of tape up to `as_of`."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from pipeline.engine.config import load_config
from pipeline.engine.scope import make_scope
from pipeline.engine.sessions import Session, SessionCalendar
from pipeline.engine.tables import Day, Features
from pipeline.stages.measuring.mid_moves import measured_mid_move, mid_move_table
from tests.pipeline.stages.days_of_tape import MINUTE, NS, day_of, session

AS_OF = session().open_ns + 200 * MINUTE


def measured(day: Day, as_of: int = AS_OF):
    table = mid_move_table(day, session())
    scope = make_scope([session().date], SessionCalendar(), load_config(None, {}))
    features = Features(*[table] * 6)
    return measured_mid_move((features,), replace(scope, as_of=as_of))


def pressed(day: Day) -> Day:
    """Return the day with all sizes at the best prices on the side that the mid will move to."""
    ts, mid = day.quotes["ts"].to_numpy(), ((day.quotes["bid_px_0"] + day.quotes["ask_px_0"]) / 2)
    later = mid.to_numpy()[np.searchsorted(ts, ts + 30 * NS, side="right") - 1]
    up = later - mid.to_numpy()
    names = {"bid_sz_0": np.where(up >= 0, 900.0, 100.0), "ask_sz_0": np.where(up >= 0, 100, 900.0)}
    return replace(day, quotes=day.quotes.with_columns(pl.Series(n, v) for n, v in names.items()))


def test_a_tape_that_follows_its_book_says_so_and_another_does_not() -> None:
    found = measured(pressed(day_of()))
    assert found.slope > 0
    assert found.r2_out_of_sample > 5 * found.r2_error
    assert measured(day_of()).slope == 0


def test_nothing_after_as_of_is_used() -> None:
    day = pressed(day_of())
    late = day.quotes["ts"] > AS_OF
    other = day.quotes.with_columns(
        pl.when(late).then(pl.col(name) * 3).otherwise(pl.col(name)).alias(name)
        for name in day.quotes.columns
        if name != "ts"
    )
    found = measured(day)
    assert measured(replace(day, quotes=other)) == found
    assert found.n + found.excluded == 200 * 6 - 2  # every ten seconds, and 30 s more are known
    assert measured(day, AS_OF + 10 * MINUTE).n > found.n


def test_no_move_reaches_over_a_break() -> None:
    whole = session()
    pause = (whole.open_ns + 60 * MINUTE, whole.open_ns + 90 * MINUTE)
    broken = Session(whole.date, whole.open_ns, whole.close_ns, whole.timezone, 60, breaks=(pause,))
    table = mid_move_table(day_of(), broken)
    assert not ((table["end"] > pause[0]) & (table["start"] < pause[1])).any()
    assert table["move"].notna().mean() == pytest.approx(1.0, abs=0.01)
