"""Parent orders with their fills as rows to be fitted, and why others were left out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from models.impact.orders.parent_orders import ParentOrders
from models.inference.caveat import Caveat
from pipeline.engine.errors import InputError
from pipeline.studies.orders.columns import BrokerColumns, read_broker_table
from pipeline.studies.orders.fills import ROUNDING, Written, screen_fills, totals, typed
from pipeline.studies.orders.levels import known_levels, latest_levels
from pipeline.studies.orders.market import MarketPrices, market_moves, without_market_moves
from pipeline.studies.orders.sample import Mask, OrderSample, sample_caveats, screen
from pipeline.studies.orders.sides import values_of

NUMBERS = ("quantity", "arrival_price", "adv", "volatility", "shares_outstanding", "post_price")
NUMBERS += ("beta",)
SEEN = {"unknown_side": "side", "bad_time": "start"}  # what a reason's values are looked up in
MOST_MOVE = 2.0  # a price this many times the arrival price is a fault
DEFINITION = (
    "I = price after the order / arrival - 1; J = mean fill price / arrival - 1, what was not "
    "filled at the price after; X = shares ordered; T = start to the end of the last fill's slice, "
    "of an unfinished order over the share filled, in days of {day_seconds:g} s",
    "price after the order: {post}; V: {adv}; sigma: {volatility}",
)


def read_orders(
    folder: str, columns: BrokerColumns, market: MarketPrices | None = None
) -> OrderSample:
    """Return the parent orders of a folder with two files, and why others were left out.

    market: whose move is taken out of I and J.
    Raises: InputError naming file and column; when no order is left, with the reason most were left
    out for.
    Source: Almgren, Thum, Hauptmann, Li 2005, on their data: I, J, X, T of an order.
    """
    orders, path = read_broker_table(folder, "orders", columns.orders)
    fills, fills_path = read_broker_table(folder, "fills", columns.fills)
    _check_prices_after(orders, fills, path, fills_path)
    given = orders
    orders = typed(
        orders, NUMBERS, Written(columns.timezone, f"{path}: column {columns.orders.side}")
    )
    orders["other_unit"] = _other_unit(orders)
    orders, chosen, caveats = known_levels(orders)
    fills, noted = _clean_fills(fills, orders, columns, fills_path)
    if fills.empty:
        raise InputError(
            f"{path}: no order can be used: {fills_path.name} has no fill of any of them; mend the "
            "ids, or their names in --columns MAP.toml"
        )
    orders = orders.join(totals(fills), on="id")
    orders[["fills", "filled"]] = orders[["fills", "filled"]].fillna(0.0)
    chosen["post"] = _price_after(orders, caveats)
    if market is not None:
        orders = orders.join(market_moves(market, orders, fills))
    kept = _kept(orders, given, path, caveats)
    noted |= _noted(orders[kept.rows])
    rows, days = _rows(orders[kept.rows], columns.day_seconds)
    definition = tuple(
        line.format(day_seconds=columns.day_seconds, **chosen) for line in DEFINITION
    )
    if market is not None:
        rows, said = without_market_moves(rows, orders[kept.rows], str(path))
        definition = (*definition, said)
    if rows.inverse_turnover is None:
        message = "shares outstanding are not known: gamma contains the mean of (Theta/V)^(1/4)"
        caveats.append(Caveat("no_shares_outstanding", message))
    levels = latest_levels(orders[kept.rows])
    return OrderSample(
        orders=rows,
        days=days,
        rows=len(orders),
        dropped=kept.dropped,
        noted=noted,
        definition=definition,
        levels=levels,
        day_seconds=columns.day_seconds,
        caveats=tuple(caveats),
    )


@dataclass(frozen=True, eq=False)
class _Kept:
    rows: Mask
    dropped: dict[str, int]


def _kept(orders: pd.DataFrame, given: pd.DataFrame, path: Path, caveats: list[Caveat]) -> _Kept:
    """Return which orders can be used, and say what that leaves.

    Raises: InputError when that is none, or a side is lost.
    """
    reasons = _reasons(orders)
    kept, dropped = screen(reasons)
    seen = {reason: _seen(given, orders, reason) for reason in SEEN}
    if not kept.any():
        worst = max(dropped, key=lambda reason: dropped[reason])
        raise InputError(
            f"{path}: no order can be used, {dropped[worst]} of {len(orders)} for {worst}"
            f"{seen.get(worst, '')}; mend the file, or its names in --columns MAP.toml"
        )
    caveats += sample_caveats(str(path), orders["side"].to_numpy(), reasons, seen)
    return _Kept(kept, dropped)


def _noted(orders: pd.DataFrame) -> dict[str, int]:
    """Return how many of the orders used ended before they were done."""
    share = _share(orders)
    return {
        "partly_filled, kept as censored": int(((share > 0) & (share < 1)).sum()),
        "not filled at all, kept as censored": int((share == 0).sum()),
    }


def _share(orders: pd.DataFrame) -> np.ndarray:
    """Return the share of each order that was filled, 1 where rounding alone is missing."""
    share = (orders["filled"] / orders["quantity"]).to_numpy()
    return np.where(share > 1 - ROUNDING, 1.0, share)


def _check_prices_after(
    orders: pd.DataFrame, fills: pd.DataFrame, path: Path, fills_path: Path
) -> None:
    if "post_price" not in orders and "mid" not in fills:
        raise InputError(
            f"{path}: no column post_price, and no column mid in {fills_path.name}: lasting impact "
            "needs a price after the order; name one in --columns MAP.toml"
        )
    if "post_price" in orders and "post_time" not in orders:
        raise InputError(
            f"{path}: post_price has no column post_time that says when it was read; name it in "
            "--columns"
        )


def _price_after(orders: pd.DataFrame, caveats: list[Caveat]) -> str:
    """Return what the price after an order is; where none is given, it is the last fill's mid."""
    if "post_price" in orders:
        return "post_price"
    orders["post_price"], orders["post_time"] = orders["last_mid"], orders["last"]
    message = (
        "lasting impact is read at the last fill, before the price has settled: gamma is likely "
        "too large"
    )
    caveats.append(Caveat("post_price_at_last_fill", message))
    return "mid at the last fill"


def _seen(given: pd.DataFrame, typed: pd.DataFrame, reason: str) -> str:
    """Say which values of the column that a reason is about could not be read."""
    name = SEEN.get(reason)
    lost = typed[name].isna() if name else pd.Series(False, given.index)
    return f" ({name}: {values_of(given.loc[lost, name])})" if lost.any() else ""


def _clean_fills(
    fills: pd.DataFrame, orders: pd.DataFrame, columns: BrokerColumns, path: Path
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the fills, each once, and how many rows were left out by reason."""
    noted = {"fill rows": len(fills)}
    fills, left_out = screen_fills(fills, orders, columns, path)
    if "side" in fills:
        noted["fill_of_unknown_side"] = int(fills["side"].isna().sum())
    return fills, noted | {reason: len(rows) for reason, rows in left_out.items()}


def _other_unit(orders: pd.DataFrame) -> pd.Series:
    """Return which orders' quantity is not in the unit that most of the symbol's have."""
    if "unit" not in orders:
        return pd.Series(False, orders.index)
    unit = orders["unit"].astype(str)
    return unit != unit.groupby(orders["symbol"]).transform(lambda each: each.mode().iloc[0])


def _reasons(orders: pd.DataFrame) -> dict[str, Mask]:
    """Return why an order cannot be used, in the order in which it is blamed."""
    read = orders["arrival_time"] if "arrival_time" in orders else orders["start"]
    average = orders["notional"] / orders["filled"] / orders["arrival_price"]
    after = orders["post_price"] / orders["arrival_price"]
    none = pd.Series(False, orders.index)
    unfilled = orders["fills"] == 0
    reasons = {
        "no_order_id": orders["id"].isna(),
        "repeated_order_id": orders["id"].duplicated(),
        "bad_time": orders["start"].isna() | read.isna(),
        "unknown_side": orders["side"].isna(),
        "bad_quantity": ~(orders["quantity"] > 0),
        "other_unit": orders["other_unit"],
        "bad_arrival_price": ~(orders["arrival_price"] > 0),
        "no_fills_and_no_end": unfilled
        & (~(orders["end"] > orders["start"]) if "end" in orders else True),
        "bad_fill": orders["bad_fills"] > 0,
        "fill_before_start": orders["first"] < orders["start"],
        "arrival_after_first_fill": ~unfilled & ~(read <= orders["first"]),
        "fill_after_end": orders["last"] > orders["end"] if "end" in orders else none,
        "fills_over_quantity": orders["filled"] > orders["quantity"] * (1 + ROUNDING),
        "fills_on_other_side": orders["sides"].notna() & (orders["sides"] != orders["side"]),
        "no_duration": orders["last"] <= orders["start"],
        "no_post_price": ~(orders["post_price"] > 0),
        "post_price_before_last_fill": ~(
            orders["post_time"] >= orders["last"].fillna(orders["start"])
        ),
        "no_adv": ~(orders["adv"] > 0),
        "no_volatility": ~(orders["volatility"] > 0),
        "no_shares_outstanding": ~(orders["shares_outstanding"] > 0)
        if "shares_outstanding" in orders
        else none,
        "price_out_of_scale": ~(unfilled | average.between(1 / MOST_MOVE, MOST_MOVE))
        | ~after.between(1 / MOST_MOVE, MOST_MOVE),
        "no_market_price": orders["market_permanent"].isna()
        if "market_permanent" in orders
        else none,
        "no_beta": orders["beta"].isna()
        if "market_permanent" in orders and "beta" in orders
        else none,
    }
    return {reason: mask.to_numpy(dtype=bool) for reason, mask in reasons.items()}


def _rows(orders: pd.DataFrame, day_seconds: float) -> tuple[ParentOrders, tuple[str, ...]]:
    days, day = np.unique(orders["start"].dt.strftime("%Y-%m-%d"), return_inverse=True)
    adv, arrival = orders["adv"].to_numpy(), orders["arrival_price"].to_numpy()
    outstanding = (
        orders["shares_outstanding"].to_numpy() / adv if "shares_outstanding" in orders else None
    )
    share, worked = _share(orders), _worked(orders)
    asked = orders["filled"].where(share == 1, orders["quantity"])
    duration = worked / np.where(share > 0, share, 1.0)  # of the whole order at its pace
    waited = np.maximum(_seconds(orders["post_time"] - orders["start"]) - worked, 0.0)
    permanent = orders["post_price"].to_numpy() / arrival - 1
    filled = np.where(share > 0, orders["notional"] / orders["filled"] / arrival - 1, 0.0)
    rows = ParentOrders(
        participation=(orders["side"] * asked).to_numpy() / adv,
        duration=duration / day_seconds,
        horizon=(duration + waited) / day_seconds,
        volatility=orders["volatility"].to_numpy(),
        permanent=permanent,
        paid=share * filled + (1 - share) * permanent,
        day=day.astype(np.int64),
        inverse_turnover=outstanding,
        filled=share,
    )
    return rows, tuple(days.tolist())


def _worked(orders: pd.DataFrame) -> np.ndarray:
    """Return how long each order was worked, seconds, not beyond its end where that is known.

    From its start to the end of its last slice; of an order without fills to its end.
    """
    worked = np.fmax(_seconds(orders["last"] - orders["start"]), orders["covered"].to_numpy())
    if "end" not in orders:
        return worked
    allowed = _seconds(orders["end"] - orders["start"])
    return np.asarray(np.where(orders["fills"] > 0, np.fmin(worked, allowed), allowed))


def _seconds(times: pd.Series) -> np.ndarray:
    return np.asarray(times.dt.total_seconds(), dtype=float)
