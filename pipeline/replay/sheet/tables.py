"""Orders, fills and moments of a replay as plain tables; of several phases, the first one's."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.tca.shortfall import BPS
from pipeline.replay.loop import Replayed
from pipeline.replay.replay import Played
from pipeline.replay.study import ReplayResult
from solver.execution import Band, Ladders

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ACCOUNTING = "by_price"  # the one that the first figures of a replay are of
FILLED = "filled_so_far"  # shares, those of the row included
VALUE = "marginal_value_bps"


@dataclass(frozen=True, eq=False)
class SheetTables:
    """What happened, by row; times are ISO 8601 in UTC, bps are of the arrival mid.

    orders: policy, time (of the decision), moment (from 0), shares, limit (price, empty for none),
    must (shares that no limit held back), filled (shares).
    fills: policy, time, moment (of the order), shares, price, best, mid, predicted_mid (by the
    book's imbalance, NaN where nothing is known of it), moved (what own impact added to the
    prices), over_mid_bps, filled_so_far.
    moments: moment, time, mid, spread_bps, even_child_bps (cost over mid of an even child at the
    tape's book), best_size, band_low, band_high (shares filled when the moment's order is done),
    market_volume (shares since the first moment), filled_so_far_NAME by policy, and by policy that
    tells prices marginal_value_bps_NAME (what a share not traded now was worth over mid, as the
    policy told at the moment; empty where it told none).
    """

    orders: pd.DataFrame
    fills: pd.DataFrame
    moments: pd.DataFrame


def sheet_tables(result: ReplayResult) -> SheetTables:
    """Return the tables of a replay's first phase."""
    played = result.played[0]
    done = {name: played.done[name, ACCOUNTING] for name in result.names}
    orders = [_orders(name, run, played) for name, run in done.items()]
    slope = result.pressure_slope
    fills = [_fills(name, run, played, slope) for name, run in done.items()]
    moments = _moments(result)
    for name, run in done.items():
        moments[filled_by(name)] = _filled_after(run, played.stage.moments)
    for name, run in done.items():
        if np.isfinite(run.marginal_value).any():
            moments[value_of(name)] = _in_bps(played) * run.marginal_value
    return SheetTables(
        pd.concat(orders, ignore_index=True), pd.concat(fills, ignore_index=True), moments
    )


def filled_by(policy: str) -> str:
    """Return the column of `moments` with the shares that a policy had filled."""
    return f"{FILLED}_{policy}"


def value_of(policy: str) -> str:
    """Return the column of `moments` with what waiting was worth to a policy."""
    return f"{VALUE}_{policy}"


def iso_utc(ts: Ints) -> NDArray[np.str_]:
    """Return times, ns, as ISO 8601 in UTC."""
    return np.char.add(np.datetime_as_string(ts.astype("datetime64[ns]")), "Z")


def order_times(played: Played) -> Ints:
    """Return the order's moments, ns."""
    return played.stage.times[played.stage.first :]


def _orders(name: str, run: Replayed, played: Played) -> pd.DataFrame:
    sent = run.sent
    return pd.DataFrame(
        {
            "policy": name,
            "time": iso_utc(order_times(played)[sent.moment]),
            "moment": sent.moment,
            "shares": sent.shares,
            "limit": np.where(np.isfinite(sent.limit), sent.limit, np.nan),
            "must": sent.must,
            "filled": sent.filled,
        }
    )


def _fills(name: str, run: Replayed, played: Played, slope: float) -> pd.DataFrame:
    fills, sign = run.fills, played.stage.sign
    return pd.DataFrame(
        {
            "policy": name,
            "time": iso_utc(run.fill_times),
            "moment": run.sent.moment[run.sent.filled > 0],
            "shares": fills.shares,
            "beyond_shown": run.beyond_shown,
            "price": fills.price,
            "best": fills.best,
            "mid": fills.mid,
            "predicted_mid": fills.mid + sign * slope * run.pressure,
            "moved": run.moved,
            "over_mid_bps": _in_bps(played) * sign * (fills.price - fills.mid),
            FILLED: np.cumsum(fills.shares),
        }
    )


def _moments(result: ReplayResult) -> pd.DataFrame:
    """Return the moments and the books that were known then, NaN where there was none."""
    played = result.played[0]
    stage, books, unit = played.stage, played.books, _in_bps(played)
    known = int(books.known[-1])
    number = books.number[:known]
    order = np.flatnonzero(number >= 0)
    over, size, place = books.over[order], books.size[order], number[order]

    def at_moments(value: Floats) -> Floats:
        column = np.full(stage.moments, np.nan)
        column[place] = value
        return column

    even = _walk(Ladders(over, size), stage.shares / stage.moments)
    band = Band(result.request.band).edges
    edges = [band(stage.shares, moment, stage.moments) for moment in range(stage.moments)]
    low, high = np.array(edges).T
    return pd.DataFrame(
        {
            "moment": np.arange(stage.moments),
            "time": iso_utc(order_times(played)),
            "mid": at_moments(stage.sign * books.mid[order]),
            "spread_bps": at_moments(unit * books.spread[order]),
            "even_child_bps": at_moments(unit * even),
            "best_size": at_moments(size[:, 0]),
            "band_low": low,
            "band_high": high,
            "market_volume": stage.volume[stage.first :],
        }
    )


def _walk(books: Ladders, shares: float) -> Floats:
    """Return the mean price over mid of taking so many shares from each book, currency / share."""
    before = np.cumsum(books.size, axis=1) - books.size
    taken = np.clip(shares - before, 0.0, books.size)
    return (taken * books.over).sum(axis=1) / shares


def _filled_after(run: Replayed, moments: int) -> Floats:
    return np.cumsum(np.bincount(run.sent.moment, run.sent.filled, moments))


def _in_bps(played: Played) -> float:
    return BPS / abs(played.books.arrival)
