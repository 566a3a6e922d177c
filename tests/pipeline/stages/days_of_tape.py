"""Days of tape made of arrays: a liquid book that moves by ticks, and trades at its best prices."""

import numpy as np
import polars as pl

from pipeline.engine.sessions import Session
from pipeline.engine.tables import Day
from pipeline.stages.screening.rows import ScreenSettings, screen_day

NS, MINUTE = 1_000_000_000, 60_000_000_000
OPEN = 1_736_173_800 * NS
MINUTES, LEVELS = 240, 3
FIRST_DATE = np.datetime64("2025-01-06")


def session(day: int = 0, minutes: int = MINUTES) -> Session:
    opens = OPEN + day * 86_400 * NS
    date = str(FIRST_DATE + day)
    return Session(date, opens, opens + minutes * MINUTE, "America/New_York", 60)


def day_of(seed: int = 0, day: int = 0, rows: int = 20, minutes: int = MINUTES) -> Day:
    """Return a day of `rows` quotes and a third as many trades a minute, each at the bid or ask."""
    rng = np.random.default_rng(seed)
    n, opens = rows * minutes, session(day).open_ns
    ts = np.sort(opens + rng.integers(0, minutes * MINUTE, n))
    mid = 100 + np.cumsum(rng.integers(-1, 2, n)) * 0.01
    columns: dict[str, np.ndarray] = {"ts": ts}
    for level in range(LEVELS):
        for side, sign in (("bid", -1), ("ask", 1)):
            columns[f"{side}_px_{level}"] = np.round(mid + sign * 0.01 * (1 + level), 2)
            columns[f"{side}_sz_{level}"] = np.ceil(rng.lognormal(6, 0.7, n))
    order = [f"{s}_{c}_{k}" for k in range(LEVELS) for s in ("bid", "ask") for c in ("px", "sz")]
    at = np.sort(rng.choice(n - 1, n // 3, replace=False))
    side = rng.choice([-1, 1], len(at)).astype(np.int8)
    best = np.where(side > 0, columns["ask_px_0"][at], columns["bid_px_0"][at])
    trades = pl.DataFrame(
        {
            "ts": (ts[at] + ts[at + 1] + 1) // 2,
            "price": best,
            "size": np.ceil(rng.lognormal(5, 0.8, len(at))),
            "aggressor": side,
        }
    )
    return Day(pl.DataFrame(columns).select("ts", *order), trades)


def minutes_of(table: pl.DataFrame, first: int, last: int, day: int = 0) -> pl.Series:
    """Return which rows lie in the minutes from `first` on and before `last`."""
    since = table["ts"] - session(day).open_ns
    return (since >= first * MINUTE) & (since < last * MINUTE)


def changed(table: pl.DataFrame, rows: pl.Series, **columns: object) -> pl.DataFrame:
    """Return the table with columns changed in some rows: to a value, or by a function of them."""
    return table.with_columns(
        pl.when(rows)
        .then(value(pl.col(name)) if callable(value) else value)
        .otherwise(pl.col(name))
        .cast(table[name].dtype)
        .alias(name)
        for name, value in columns.items()
    )


def prices(table: pl.DataFrame, what: object) -> dict[str, object]:
    return {name: what for name in table.columns if "_px_" in name or name == "price"}


def sizes(table: pl.DataFrame, what: object) -> dict[str, object]:
    return {name: what for name in table.columns if "_sz_" in name}


def screen(day: Day, number: int = 0):
    whole = session(number)
    return screen_day(day, ScreenSettings(whole, whole.close_ns))
