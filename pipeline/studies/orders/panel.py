"""A panel of daily signed imbalances, one table a quantity, read as parent orders.

Stocks are in rows, days in columns.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from models.impact.orders.market import MarketMoves
from models.impact.orders.parent_orders import ParentOrders
from pipeline.engine.errors import InputError, shown
from pipeline.engine.places import reading
from pipeline.studies.orders.market import LEAST_NAMES, taken_out
from pipeline.studies.orders.sample import Mask, OrderSample, sample_caveats, screen

TABLES = {
    "arrival": "arrivalPriceDf.csv",
    "terminal": "terminalPriceDf.csv",
    "vwap": "vwap330Df.csv",
    "imbalance": "imbalanceDf.csv",
    "value": "totalDailyValueDf.csv",
    "volatility": "dailyVolDf.csv",
}
LOOKBACK = 10  # days of the average daily value, as in the paper
TRADED_DAYS = 6.0 / 6.5  # 09:30 to 15:30, of a session that ends at 16:00
DAY_SECONDS = 23_400.0
YEAR = 252  # days: the volatility is annualised
# a value or volatility this many times off its usual level is a fault of the tape
OUT_OF_SCALE = 20.0
MOST_MOVE = 2.0  # a price this many times the arrival price, within a day, is a fault or a split
DEFINITION = (
    "I = terminal / arrival - 1; J = VWAP to 15:30 / arrival - 1; X = signed imbalance, V = mean "
    "value of the last 10 days before that have one, both in USD",
    "sigma = the day before's volatility / sqrt(252); T = 6/6.5 day, price read at the close; "
    "without shares outstanding: I = gamma sigma X/V, J - I/2 = eta sigma sgn(X) |X/(VT)|^delta",
)


def read_imbalance_panel(folder: str, market: bool = False) -> OrderSample:
    """Return the stock-days of a folder that has one CSV a quantity, and why others were left out.

    Column N is day N; a table whose rows carry positions instead of tickers is in the order of the
    arrival prices. V and sigma of a day are of days before it. market: take the mean move of the
    day's other stocks out of I and J.
    Raises: InputError naming file, row or column.
    Source: Almgren, Thum, Hauptmann, Li 2005, on their data (arrival, post-trade and executed
    price; ten-day V), with the market's own net imbalance as the order.
    """
    tables, noted = _tables(Path(folder))
    index, days = tables["arrival"].index, tables["arrival"].columns
    grid = {name: table.to_numpy(dtype=float) for name, table in tables.items()}
    average = _average(tables["value"])
    sigma = _before(tables["volatility"])
    reasons = _reasons(grid, average, sigma, index.to_numpy())
    kept, dropped = screen(reasons)
    if not kept.any():
        worst = max(dropped, key=lambda reason: dropped[reason])
        raise InputError(
            f"{folder}: no stock-day can be used, {dropped[worst]} of {kept.size} for {worst}; a "
            f"panel needs more than {LOOKBACK} days with every quantity"
        )
    flat = {reason: mask.ravel() for reason, mask in reasons.items()}
    caveats = sample_caveats(folder, np.nan_to_num(grid["imbalance"].ravel()), flat, {})
    part = {name: values[kept] for name, values in grid.items()}
    traded = np.full(int(kept.sum()), TRADED_DAYS)
    orders = ParentOrders(
        participation=part["imbalance"] / average[kept],
        duration=traded,
        horizon=np.ones_like(traded),
        volatility=sigma[kept] / np.sqrt(YEAR),
        permanent=part["terminal"] / part["arrival"] - 1,
        paid=part["vwap"] / part["arrival"] - 1,
        day=np.broadcast_to(np.arange(len(days)), kept.shape)[kept],
    )
    definition = DEFINITION
    if market:
        orders, said = taken_out(orders, _other_names(orders, folder), folder)
        definition = (*definition, said)
    levels = _latest(tables["arrival"], average, sigma / np.sqrt(YEAR), kept)
    days = tuple(map(str, days))
    return OrderSample(
        orders=orders,
        days=days,
        rows=kept.size,
        dropped=dropped,
        noted=noted,
        definition=definition,
        levels=levels,
        day_seconds=DAY_SECONDS,
        caveats=tuple(caveats),
    )


def _other_names(orders: ParentOrders, folder: str) -> MarketMoves:
    """Return the mean move of each stock-day's other stocks.

    Raises: InputError where a day has one stock alone.
    """
    count = np.bincount(orders.day)[orders.day]
    if (count < LEAST_NAMES).any():
        raise InputError(
            f"{folder}: a day has one usable stock alone, and no other for --market others; leave "
            "it out"
        )

    def others(move: np.ndarray) -> np.ndarray:
        return (np.bincount(orders.day, move)[orders.day] - move) / (count - 1)

    return MarketMoves(others(orders.permanent), others(orders.paid))


def _latest(
    arrival: pd.DataFrame, average: np.ndarray, sigma: np.ndarray, kept: Mask
) -> pd.DataFrame:
    """Return the levels of every stock on its last usable day, V in shares."""
    price, stocks = arrival.to_numpy(dtype=float), np.flatnonzero(kept.any(axis=1))
    last = kept.shape[1] - 1 - kept[stocks, ::-1].argmax(axis=1)
    found = pd.DataFrame(
        {
            "price": price[stocks, last],
            "adv": average[stocks, last] / price[stocks, last],
            "volatility": sigma[stocks, last],
            "inverse_turnover": np.nan,
            "date": arrival.columns[last],
        },
        index=pd.Index(arrival.index[stocks], name="symbol"),
    )
    return found.sort_index()


def _tables(folder: Path) -> tuple[dict[str, pd.DataFrame], dict[str, int]]:
    """Return the tables, all with the rows and columns of the arrival prices."""
    tables = {name: _table(folder / file) for name, file in TABLES.items()}
    first, noted = tables["arrival"], {}
    for name, table in tables.items():
        path = folder / TABLES[name]
        if not table.columns.equals(first.columns):
            raise InputError(
                f"{path}: columns {table.columns[0]} .. {table.columns[-1]} "
                f"({len(table.columns)}), {TABLES['arrival']} has {first.columns[0]} .. "
                f"{first.columns[-1]} ({len(first.columns)}); every table needs the same days"
            )
        if len(table) != len(first):
            raise InputError(
                f"{path}: {len(table)} rows, {TABLES['arrival']} has {len(first)}; "
                "every table needs the same stocks"
            )
        positions = pd.Index(range(len(first))).astype(str)
        if table.index.equals(positions) and not first.index.equals(positions):
            noted[f"{TABLES[name]}: positions instead of tickers"] = len(table)
        elif not table.index.equals(first.index):
            row = int(np.argmax(table.index != first.index))
            raise InputError(
                f"{path}: row {row + 2} is {table.index[row]!r}, {TABLES['arrival']} has "
                f"{first.index[row]!r}; every table needs the same stocks in the same order"
            )
        tables[name] = table.set_axis(first.index)
    return tables, noted


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(f"{path}: no such file; a panel has {', '.join(TABLES.values())}")
    with reading(str(path), "cannot be read as CSV", "check --data"):
        table = pd.read_csv(path, index_col=0, dtype=str, keep_default_na=False)
    if table.empty:
        raise InputError(f"{path}: no rows or no days; check --data")
    numbers = table.apply(pd.to_numeric, errors="coerce")
    wrong = (numbers.isna() & ~table.isin(["", "nan", "NaN"])).to_numpy() | np.isinf(
        numbers.to_numpy()
    )
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        value = shown(table.iat[row, column])
        raise InputError(
            f"{path}: row {row + 2}, column {table.columns[column]} = {value} is not a number; "
            "leave the cell empty where it is missing"
        )
    return numbers.set_axis(table.index.str.strip())


def _before(table: pd.DataFrame) -> np.ndarray:
    """Return each day's value of the day before: nothing of the day itself."""
    return table.shift(1, axis=1).to_numpy(dtype=float)


def _average(value: pd.DataFrame) -> np.ndarray:
    """Return the mean value of the last days before that have one.

    A day off the tape does not cost those after it.
    """
    days = value.where(value > 0).set_axis(range(len(value))).stack().dropna()
    mean = days.groupby(level=0).rolling(LOOKBACK).mean().droplevel(0).unstack()
    return _before(mean.reindex(index=range(len(value)), columns=value.columns).ffill(axis=1))


def _reasons(
    grid: dict[str, np.ndarray], average: np.ndarray, sigma: np.ndarray, ticker: np.ndarray
) -> dict[str, Mask]:
    """Return why a stock-day cannot be used, in the order in which a row is blamed."""
    shape = average.shape
    # its own differs between the twins
    measured = [values for name, values in grid.items() if name != "volatility"]
    named = ticker != ""
    identical = np.zeros(len(ticker), dtype=bool)
    identical[named] = pd.DataFrame(np.hstack(measured)[named]).duplicated().to_numpy()
    usual = pd.Series(grid["volatility"][grid["volatility"] > 0]).median()
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "blank_ticker": np.broadcast_to((ticker == "")[:, None], shape),
            "repeated_ticker": np.broadcast_to(pd.Index(ticker).duplicated()[:, None], shape),
            "same_rows_as_another_ticker": np.broadcast_to(identical[:, None], shape),
            "no_volatility": ~(sigma > 0),
            "volatility_out_of_scale": _off(sigma / usual, OUT_OF_SCALE),
            "no_average_value": ~(average > 0),
            "no_arrival_price": ~(grid["arrival"] > 0),
            "no_terminal_price": ~(grid["terminal"] > 0),
            "no_vwap": ~(grid["vwap"] > 0),
            "no_imbalance": ~(np.abs(grid["imbalance"]) > 0),
            "no_value": ~(grid["value"] > 0),
            "imbalance_over_value": np.abs(grid["imbalance"]) > grid["value"],
            "value_out_of_scale": _off(grid["value"] / average, OUT_OF_SCALE),
            "price_out_of_scale": (
                _off(grid["terminal"] / grid["arrival"], MOST_MOVE)
                | _off(grid["vwap"] / grid["arrival"], MOST_MOVE)
            ),
        }


def _off(ratio: np.ndarray, most: float) -> Mask:
    return (ratio > most) | (ratio < 1 / most)
