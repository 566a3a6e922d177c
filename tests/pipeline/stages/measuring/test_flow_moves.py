"""Windows of flow on days of tape, and what spread and depth say of the mid's response."""

from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl

from pipeline.engine.config import load_config
from pipeline.engine.scope import make_scope
from pipeline.engine.sessions import SessionCalendar
from pipeline.engine.tables import Day, Features
from pipeline.stages.measuring.flow_moves import flow_move_table, measured_state_response
from tests.pipeline.stages.days_of_tape import MINUTE, day_of, session


def measured(table: pd.DataFrame, as_of: int):
    scope = make_scope([session().date], SessionCalendar(), load_config(None, {}))
    return measured_state_response((Features(*[table] * 6),), replace(scope, as_of=as_of))


def followed(day: Day, thin: float) -> Day:
    """Return the day with depth that halves and doubles by the half-hour, and a mid that signed
    volume moves: by 1e-6 a share, and `thin` times as far where depth is low.
    """
    ts = day.quotes["ts"].to_numpy()
    low = (ts // (30 * MINUTE)) % 2 == 0
    q = (day.trades["size"] * day.trades["aggressor"]).to_numpy().astype(float)
    at = np.searchsorted(ts, day.trades["ts"].to_numpy())
    known = at < len(ts)
    step = np.zeros(len(ts))
    np.add.at(step, at[known], 1e-6 * q[known] * np.where(low[at[known]], thin, 1.0))
    mid = 100 + np.cumsum(step)
    sizes = np.where(low, 200.0, 800.0)
    columns = {"bid_px_0": mid - 0.01, "ask_px_0": mid + 0.01, "bid_sz_0": sizes, "ask_sz_0": sizes}
    return replace(day, quotes=day.quotes.with_columns(pl.Series(n, v) for n, v in columns.items()))


def test_a_response_that_follows_depth_is_told_and_a_constant_one_is_not() -> None:
    close = session().close_ns
    found = measured(flow_move_table(followed(day_of(), 4.0), session()), close)
    assert found.beats
    assert found.gamma[2] < 0  # the deeper, the less
    assert not measured(flow_move_table(followed(day_of(), 1.0), session()), close).beats


def test_what_ends_after_as_of_is_not_used() -> None:
    table, as_of = flow_move_table(day_of(), session()), session().open_ns + 200 * MINUTE
    late = table["known"] > as_of
    changed = table.assign(move=table["move"].where(~late, 9.0))
    assert late.any()
    assert vars(measured(changed, as_of)) == vars(measured(table, as_of))


def test_too_few_windows_say_nothing() -> None:
    table = flow_move_table(day_of(), session())
    assert measured(table, session().open_ns + 20 * MINUTE) is None
    assert measured(table.iloc[:0], session().close_ns) is None
