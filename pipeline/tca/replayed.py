"""A replay's sheet as orders and fills: a policy is an order, its moments are the market."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

from models.tca.orders.traded import Traded
from models.tca.shortfall import BPS
from pipeline.engine.errors import InputError
from pipeline.engine.places import reading
from pipeline.engine.sessions import SessionCalendar
from pipeline.replay.request import SIGN
from pipeline.studies.orders.times import read_times
from pipeline.tca.market import DayMarket
from pipeline.tca.order_rows import NO_TIME, NUMBERS, WORDS, OrderRows

FILES = ("sheet.json", "fills.csv", "moments.csv")


class MomentMarket:
    """The books that a replay saw, moment by moment."""

    source = "moments"

    def __init__(self, symbol: str, date: str, day: DayMarket, calendar: SessionCalendar):
        self.calendar = calendar
        self._symbol, self._date, self._day = symbol, date, day

    def dates(self, symbol: str) -> tuple[str, ...]:
        """Return the replay's session."""
        return (self._date,) if symbol == self._symbol else ()

    def day(self, symbol: str, date: str) -> DayMarket:
        """Return the books at the replay's moments."""
        return self._day


def read_replay(folder: str, calendar: SessionCalendar) -> tuple[OrderRows, MomentMarket]:
    """Return a replay's policies as orders, and what its moments tell of the market.

    Raises: InputError where the folder is no sheet of `impact replay --sheet`.
    """
    told, fills, moments = _read(folder)
    ts = _ns(moments["time"])
    policies = list(dict.fromkeys([told["policy"], *(one["policy"] for one in told["beside"])]))
    sign, arrival = float(SIGN[told["side"]]), float(told["benchmark_prices"]["arrival"])
    size = len(policies)
    known = {"quantity": float(told["shares"]), "arrival_price": arrival}
    orders = pd.DataFrame(
        {
            "line": np.arange(size),
            "id": policies,
            "symbol": told["symbol"],
            "sign": sign,
            **{name: np.full(size, known.get(name, np.nan)) for name in NUMBERS},
            "start": ts[0],
            "end": ts[-1],
            "decision_time": NO_TIME,
            **{name: np.full(size, "", dtype=object) for name in WORDS},
        }
    ).assign(algo=policies)
    filled = _fills(fills, policies, sign)
    nothing = pd.DataFrame(columns=["file", "line", "id", "reason"])
    rows = OrderRows(orders, filled, nothing, {}, file=str(Path(folder) / FILES[0]))
    day = _day(moments, ts, arrival)
    return rows, MomentMarket(told["symbol"], told["date"], day, calendar)


def _read(folder: str) -> tuple[dict, pd.DataFrame, pd.DataFrame]:
    paths = [Path(folder) / name for name in FILES]
    advice = "check --replay, a folder of `impact replay --sheet`"
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path}: not there; {advice}")
    with reading(folder, "cannot be read as a replay's sheet", advice):
        told = json.loads(paths[0].read_text(encoding="utf-8"))
        fills, moments = (pd.read_csv(path) for path in paths[1:])
        for name in ("policy", "beside", "side", "shares", "symbol", "date", "benchmark_prices"):
            told[name]
        SIGN[told["side"]]
        fills[["policy", "time", "shares", "price", "best", "mid"]]
        moments[["time", "mid", "spread_bps", "market_volume"]]
    if told["benchmark_prices"]["arrival"] is None or not len(moments):
        raise InputError(f"{folder}: the replay knows no arrival price; {advice}")
    return told, fills, moments


def _ns(times: pd.Series) -> np.ndarray:
    read = read_times(times, "UTC").dt.tz_localize(None)
    return read.to_numpy().astype("datetime64[ns]").astype(np.int64)


def _fills(fills: pd.DataFrame, policies: list[str], sign: float) -> pd.DataFrame:
    best, mid = fills["best"].to_numpy(), fills["mid"].to_numpy()
    other = 2 * mid - best
    place = {name: at for at, name in enumerate(policies)}
    made = pd.DataFrame(
        {
            "order": fills["policy"].map(place).to_numpy(dtype=np.int64),
            "time": _ns(fills["time"]),
            "quantity": fills["shares"].to_numpy(dtype=float),
            "price": fills["price"].to_numpy(),
            "mid": mid,
            "bid": other if sign > 0 else best,
            "ask": best if sign > 0 else other,
            "commission": 0.0,
            "fees": 0.0,
            "venue": "",
        }
    )
    return made.sort_values(["order", "time"], kind="stable", ignore_index=True)


def _day(moments: pd.DataFrame, ts: np.ndarray, arrival: float) -> DayMarket:
    mid = moments["mid"].to_numpy(dtype=float)
    half = moments["spread_bps"].to_numpy(dtype=float) * abs(arrival) / BPS / 2
    quotes = pl.DataFrame({"ts": ts, "bid": mid - half, "ask": mid + half, "mid": mid})
    volume = moments["market_volume"].to_numpy(dtype=float)
    price = pd.Series(mid).ffill().bfill().to_numpy()
    turnover = np.cumsum(np.diff(volume, prepend=0.0) * price)
    return DayMarket(quotes, Traded(ts, volume, turnover, even=True), int(ts[0]), int(ts[-1]))
