"""Parent orders with their fills as rows to be fitted, and why others were left out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from models.impact.orders.parent_orders import ParentOrders
from models.inference.caveat import Caveat
from pipeline.engine.errors import InputError
from pipeline.studies.orders.columns import BrokerColumns, read_broker_table
from pipeline.studies.orders.levels import known_levels
from pipeline.studies.orders.sample import Mask, OrderSample, sample_caveats, screen
from pipeline.studies.orders.sides import read_sides, values_of
from pipeline.studies.orders.times import read_times

NUMBERS = ("quantity", "arrival_price", "adv", "volatility", "shares_outstanding", "post_price")
TIMES = ("start", "end", "arrival_time", "post_time", "time")
SEEN = {"unknown_side": "side", "bad_time": "start"}  # what a reason's values are looked up in
ROUNDING = 1e-6  # fills may exceed the order by this share of it
MOST_MOVE = 2.0  # a price this many times the arrival price is a fault
PRINT = ["order", "time", "quantity", "price"]  # what two reports of one fill have in common
DEFINITION = (
    "I = price after the order / arrival - 1; J = mean fill price / arrival - 1; X = shares "
    "filled; T = start to last "
    "fill, in days of {day_seconds:g} s",
    "price after the order: {post}; V: {adv}; sigma: {volatility}",
)


@dataclass(frozen=True)
class Written:
    """How a file writes its terms: timezone of times without an offset; sides: where they are."""

    timezone: str
    sides: str


def read_orders(folder: str, columns: BrokerColumns) -> OrderSample:
    """Return the parent orders of a folder with two files, and why others were left out.

    Raises: InputError naming file and column; when no order is left, with the reason most were left
    out for.
    Source: Almgren, Thum, Hauptmann, Li 2005, on their data: I, J, X, T of an order.
    """
    orders, path = read_broker_table(folder, "orders", columns.orders)
    fills, fills_path = read_broker_table(folder, "fills", columns.fills)
    _check_prices_after(orders, fills, path, fills_path)
    given = orders
    orders = _typed(
        orders, NUMBERS, Written(columns.timezone, f"{path}: column {columns.orders.side}")
    )
    orders["other_unit"] = _other_unit(orders)
    orders, chosen, caveats = known_levels(orders)
    fills, noted = _clean_fills(fills, orders, columns, fills_path)
    orders = orders.join(_totals(fills), on="id")
    chosen["post"] = _price_after(orders, caveats)
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
    partly = orders["filled"] < orders["quantity"] * (1 - ROUNDING)
    noted["partly_filled"] = int(partly[kept].sum())
    definition = tuple(
        line.format(day_seconds=columns.day_seconds, **chosen) for line in DEFINITION
    )
    rows, days = _rows(orders[kept], columns.day_seconds)
    if rows.inverse_turnover is None:
        message = "shares outstanding are not known: gamma contains the mean of (Theta/V)^(1/4)"
        caveats.append(Caveat("no_shares_outstanding", message))
    return OrderSample(rows, days, len(orders), dropped, noted, definition, tuple(caveats))


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


def _typed(frame: pd.DataFrame, numbers: tuple[str, ...], written: "Written") -> pd.DataFrame:
    """Return the table with numbers, sides and times (UTC), missing for what is none."""
    read = {
        name: pd.to_numeric(frame[name], errors="coerce").astype(float)
        for name in numbers
        if name in frame
    }
    read |= {name: read_times(frame[name], written.timezone) for name in TIMES if name in frame}
    if "side" in frame:
        read["side"] = read_sides(frame["side"], written.sides)
    return frame.assign(**read)


def _seen(given: pd.DataFrame, typed: pd.DataFrame, reason: str) -> str:
    """Say which values of the column that a reason is about could not be read."""
    name = SEEN.get(reason)
    lost = typed[name].isna() if name else pd.Series(False, given.index)
    return f" ({name}: {values_of(given.loc[lost, name])})" if lost.any() else ""


def _clean_fills(
    fills: pd.DataFrame, orders: pd.DataFrame, columns: BrokerColumns, path: Path
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the fills, each once, and what was left out.

    A print seen before (same order, time, quantity and price) is a second report of one fill when
    it has no id, or when with it more is filled than was ordered; otherwise two fills may well
    look alike.
    """
    noted = {"fill rows": len(fills)}
    if "event" in fills:
        event = fills["event"].astype(str) == columns.fills.fill_event
        noted["not_a_fill"] = int((~event).sum())
        fills = fills[event]
    where = f"{path}: column {columns.fills.side}"
    fills = _typed(fills, ("quantity", "price", "mid"), Written(columns.timezone, where))
    if "side" in fills:
        noted["fill_of_unknown_side"] = int(fills["side"].isna().sum())
    orphan = fills["order"].isna() | ~fills["order"].isin(orders["id"])
    noted["fill_without_order"] = int(orphan.sum())
    fills = fills[~orphan]
    repeated = (
        fills["id"].duplicated() & fills["id"].notna()
        if "id" in fills
        else pd.Series(False, fills.index)
    )
    noted["repeated_fill"] = int(repeated.sum())
    fills = fills[~repeated]
    twin = fills.duplicated(PRINT)
    if "id" in fills:
        ordered = orders.drop_duplicates("id").set_index("id")["quantity"]
        filled = fills.groupby("order")["quantity"].transform("sum")
        # of no fills text
        over = filled > fills["order"].map(ordered).astype(float) * (1 + ROUNDING)
        twin &= over | fills["id"].isna()
    noted["double_print"] = int(twin.sum())
    return fills[~twin], noted


def _totals(fills: pd.DataFrame) -> pd.DataFrame:
    """Return what each order's fills add up to, by its id."""
    sane = (fills["quantity"] > 0) & (fills["price"] > 0) & fills["time"].notna()
    fills = fills.assign(bad=~sane, notional=fills["quantity"] * fills["price"]).sort_values(
        "time", kind="stable"
    )
    by = fills.groupby("order")
    found = pd.DataFrame(
        {
            "fills": by.size(),
            "bad_fills": by["bad"].sum(),
            "filled": by["quantity"].sum(),
            "notional": by["notional"].sum(),
            "first": by["time"].min(),
            "last": by["time"].max(),
        }
    )
    found["sides"] = by["side"].mean() if "side" in fills else np.nan
    found["last_mid"] = by["mid"].last() if "mid" in fills else np.nan
    return found


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
    reasons = {
        "no_order_id": orders["id"].isna(),
        "repeated_order_id": orders["id"].duplicated(),
        "bad_time": orders["start"].isna() | read.isna(),
        "unknown_side": orders["side"].isna(),
        "bad_quantity": ~(orders["quantity"] > 0),
        "other_unit": orders["other_unit"],
        "bad_arrival_price": ~(orders["arrival_price"] > 0),
        "no_fills": orders["fills"].isna(),
        "bad_fill": orders["bad_fills"] > 0,
        "fill_before_start": orders["first"] < orders["start"],
        "arrival_after_first_fill": ~(read <= orders["first"]),
        "fill_after_end": orders["last"] > orders["end"] if "end" in orders else none,
        "fills_over_quantity": orders["filled"] > orders["quantity"] * (1 + ROUNDING),
        "fills_on_other_side": orders["sides"].notna() & (orders["sides"] != orders["side"]),
        "no_duration": orders["last"] <= orders["start"],
        "no_post_price": ~(orders["post_price"] > 0),
        "post_price_before_last_fill": ~(orders["post_time"] >= orders["last"]),
        "no_adv": ~(orders["adv"] > 0),
        "no_volatility": ~(orders["volatility"] > 0),
        "no_shares_outstanding": ~(orders["shares_outstanding"] > 0)
        if "shares_outstanding" in orders
        else none,
        "price_out_of_scale": ~average.between(1 / MOST_MOVE, MOST_MOVE)
        | ~after.between(1 / MOST_MOVE, MOST_MOVE),
    }
    return {reason: mask.to_numpy(dtype=bool) for reason, mask in reasons.items()}


def _rows(orders: pd.DataFrame, day_seconds: float) -> tuple[ParentOrders, tuple[str, ...]]:
    days, day = np.unique(orders["start"].dt.strftime("%Y-%m-%d"), return_inverse=True)
    adv, arrival = orders["adv"].to_numpy(), orders["arrival_price"].to_numpy()
    outstanding = (
        orders["shares_outstanding"].to_numpy() / adv if "shares_outstanding" in orders else None
    )
    rows = ParentOrders(
        participation=(orders["side"] * orders["filled"]).to_numpy() / adv,
        duration=((orders["last"] - orders["start"]).dt.total_seconds() / day_seconds).to_numpy(),
        horizon=(
            (orders["post_time"] - orders["start"]).dt.total_seconds() / day_seconds
        ).to_numpy(),
        volatility=orders["volatility"].to_numpy(),
        permanent=orders["post_price"].to_numpy() / arrival - 1,
        paid=(orders["notional"] / orders["filled"]).to_numpy() / arrival - 1,
        day=day.astype(np.int64),
        inverse_turnover=outstanding,
    )
    return rows, tuple(days.tolist())
