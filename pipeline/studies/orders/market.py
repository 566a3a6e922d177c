"""The market's move while orders were worked: of a series that is given, or of the other names."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.impact.orders.market import MarketMoves, MarketShare, without_market
from models.impact.orders.parent_orders import ParentOrders
from pipeline.engine.errors import InputError
from pipeline.studies.orders.columns import MarketColumns
from pipeline.studies.orders.times import read_times
from pipeline.studies.tables import read_table

Floats = NDArray[np.float64]
STALE = np.timedelta64(1, "h")  # a price older than that is none
LEAST_NAMES = 2  # in a file of several, so that every one has others


@dataclass(frozen=True, eq=False)
class MarketPrices:
    """times (M,) of prices, rising; returns (M, K) of the log price of each name since its last.

    seen (M, K): whether a name had a price before; names: of the K, none of a single series.
    """

    times: NDArray[np.datetime64]
    returns: Floats
    seen: NDArray[np.bool_]
    names: tuple[str, ...]

    def level(self, symbol: str) -> Floats:
        """Return the log of the market's level over time, of several names without this one."""
        returns, count = self.returns.sum(axis=1), self.seen.sum(axis=1)
        if symbol in self.names:
            own = self.names.index(symbol)
            returns, count = returns - self.returns[:, own], count - self.seen[:, own]
        return np.cumsum(returns / np.maximum(count, 1))

    def place(self, times: NDArray[np.datetime64]) -> NDArray[np.int64]:
        """Return where the last price at or before each time is, -1 where none is recent."""
        at = np.searchsorted(self.times, times, side="right") - 1
        fresh = times - self.times[np.maximum(at, 0)] <= STALE  # False of no time
        return np.where((at >= 0) & fresh, at, -1)


def read_market(path: str, columns: MarketColumns, timezone: str) -> MarketPrices:
    """Return the prices of a CSV or Parquet file: one series, or several names'.

    Raises: InputError naming the file, and a column that is missing or holds no price.
    """
    table = read_table(path, "--market", (columns.time,))
    for name in (columns.time, columns.price):
        if name not in table:
            raise InputError(
                f"{path}: no column '{name}'; the columns are {', '.join(map(str, table.columns))};"
                " name it under [market] in --columns MAP.toml"
            )
    time = read_times(table[columns.time], timezone)
    price = pd.to_numeric(table[columns.price], errors="coerce").astype(float)
    wrong = (time.isna() | ~(price > 0) | np.isinf(price)).to_numpy()
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"{path}: row {row + 2}: no time or no price above 0 ({int(wrong.sum())} such rows); "
            "leave them out"
        )
    several = columns.symbol in table
    name = table[columns.symbol].astype(str) if several else pd.Series("", table.index)
    frame = pd.DataFrame({"time": time, "name": name, "log": np.log(price)})
    wide = frame.groupby(["time", "name"])["log"].last().unstack("name").sort_index()
    if several and wide.shape[1] < LEAST_NAMES:
        raise InputError(
            f"{path}: one name alone in '{columns.symbol}': a market of the other names needs "
            "more; leave the column out where it is an index"
        )
    known = wide.ffill()
    returns = known.diff().fillna(0.0).to_numpy()
    seen = known.notna().shift(1, fill_value=False).to_numpy()
    names = tuple(map(str, wide.columns)) if several else ()
    return MarketPrices(_utc(wide.index.to_series()), returns, seen, names)


def market_moves(market: MarketPrices, orders: pd.DataFrame, fills: pd.DataFrame) -> pd.DataFrame:
    """Return what the market did from each order's arrival: `MarketMoves`, NaN where not known.

    orders: with id, symbol, times and totals of its fills; fills: order, time, quantity.
    """
    read = orders["arrival_time"] if "arrival_time" in orders else orders["start"]
    places = orders.drop_duplicates("id").set_index("id")["symbol"]
    of_fill = fills["order"].map(places)
    permanent, at_fill = np.full(len(orders), np.nan), np.full(len(fills), np.nan)
    start = pd.Series(np.nan, orders.index)
    for symbol in orders["symbol"].dropna().unique():
        level = np.append(market.level(str(symbol)), np.nan)  # the last: of no place
        own, theirs = (orders["symbol"] == symbol).to_numpy(), (of_fill == symbol).to_numpy()
        start[own] = level[market.place(_utc(read[own]))]
        permanent[own] = level[market.place(_utc(orders.loc[own, "post_time"]))]
        at_fill[theirs] = level[market.place(_utc(fills.loc[theirs, "time"]))]
    after = np.expm1(permanent - start.to_numpy())
    begin = fills["order"].map(pd.Series(start.to_numpy(), orders["id"]).groupby(level=0).first())
    weighted = fills["quantity"] * np.expm1(at_fill - begin)
    mean = (
        weighted.groupby(fills["order"]).sum(min_count=1) / fills.groupby("order")["quantity"].sum()
    )
    share = np.minimum(orders["filled"] / orders["quantity"], 1.0).to_numpy()
    paid = orders["id"].map(mean).to_numpy()
    paid = np.where(share > 0, share * paid + (1 - share) * after, after)
    return pd.DataFrame({"market_permanent": after, "market_paid": paid}, orders.index)


def without_market_moves(
    rows: ParentOrders, orders: pd.DataFrame, where: str
) -> tuple[ParentOrders, str]:
    """Return I and J without the market's move, and what is said of that.

    orders: with `market_moves` and beta where it is given.
    """
    moves = MarketMoves(
        orders["market_permanent"].to_numpy(),
        orders["market_paid"].to_numpy(),
        orders["beta"].to_numpy() if "beta" in orders else None,
    )
    return taken_out(rows, moves, where)


def taken_out(rows: ParentOrders, moves: MarketMoves, where: str) -> tuple[ParentOrders, str]:
    """Return I and J less beta times the market's, and what is said of that.

    Raises: InputError where beta is to be estimated of a single day.
    """
    try:
        left, share = without_market(rows, moves)
    except ValueError as error:
        raise InputError(f"{where}: beta to the market: {error}; leave out --market") from None
    return left, _said(share, moves.beta is not None)


def _said(share: MarketShare, given: bool) -> str:
    beta = f"{share.beta:.3g}"
    told = (
        f"as given, {beta} in the mean" if given else f"{beta} ± {share.standard_error:.2g} of all"
    )
    return (
        f"I and J are less beta times the market's move: beta {told}; that took out "
        f"{share.variance:.0%} of I's squares"
    )


def _utc(times: pd.Series) -> NDArray[np.datetime64]:
    return np.asarray(times.dt.tz_convert("UTC").dt.tz_localize(None), dtype="datetime64[ns]")
