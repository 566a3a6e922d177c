"""Columns read as numbers, sides and times, which rows of a fills' file are fills, their sums."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.studies.orders.columns import BrokerColumns
from pipeline.studies.orders.sides import read_sides
from pipeline.studies.orders.times import read_times

TIMES = ("start", "end", "arrival_time", "post_time", "decision_time", "time")
PRINT = ["order", "time", "quantity", "price"]  # what two reports of one fill have in common
NUMBERS = ("quantity", "price", "mid", "bid", "ask", "commission", "fees")
ROUNDING = 1e-6  # fills may exceed the order by this share of it
SAME_SLICE = 0.1  # of the mean gap between fills


@dataclass(frozen=True)
class Written:
    """How a file writes its terms: timezone of times without an offset; sides: where they are."""

    timezone: str
    sides: str


def typed(frame: pd.DataFrame, numbers: tuple[str, ...], written: Written) -> pd.DataFrame:
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


def screen_fills(
    fills: pd.DataFrame, orders: pd.DataFrame, columns: BrokerColumns, path: Path
) -> tuple[pd.DataFrame, dict[str, pd.Index]]:
    """Return the fills, each once, and the rows that were left out by reason.

    A print seen before (same order, time, quantity and price) is a second report of one fill when
    it has no id, or when with it more is filled than was ordered; otherwise two fills may well
    look alike. orders: id, quantity.
    """
    left_out = {}
    if "event" in fills:
        event = fills["event"].astype(str) == columns.fills.fill_event
        left_out["not_a_fill"], fills = fills.index[~event], fills[event]
    where = f"{path}: column {columns.fills.side}"
    fills = typed(fills, NUMBERS, Written(columns.timezone, where))
    orphan = fills["order"].isna() | ~fills["order"].isin(orders["id"])
    left_out["fill_without_order"], fills = fills.index[orphan], fills[~orphan]
    repeated = (
        fills["id"].duplicated() & fills["id"].notna()
        if "id" in fills
        else pd.Series(False, fills.index)
    )
    left_out["repeated_fill"], fills = fills.index[repeated], fills[~repeated]
    twin = fills.duplicated(PRINT)
    if "id" in fills:
        ordered = orders.drop_duplicates("id").set_index("id")["quantity"]
        filled = fills.groupby("order")["quantity"].transform("sum")
        # of no fills text
        over = filled > fills["order"].map(ordered).astype(float) * (1 + ROUNDING)
        twin &= over | fills["id"].isna()
    left_out["double_print"] = fills.index[twin]
    return fills[~twin], left_out


def totals(fills: pd.DataFrame) -> pd.DataFrame:
    """Return what each order's fills add up to, by its id.

    covered: seconds that its slices took, the last one counted whole: the time from the first to
    the last, times n / (n - 1) of n slices. Fills closer together than a tenth of the mean gap are
    of one slice.
    """
    sane = (fills["quantity"] > 0) & (fills["price"] > 0) & fills["time"].notna()
    fills = fills.assign(bad=~sane, notional=fills["quantity"] * fills["price"])
    fills = fills.sort_values("time", kind="stable")
    gap = fills.groupby("order")["time"].diff().dt.total_seconds()
    apart = gap > gap.groupby(fills["order"]).transform("mean") * SAME_SLICE
    by = fills.assign(apart=apart).groupby("order")
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
    more = by["apart"].sum()  # slices after the first
    seen = (found["last"] - found["first"]).dt.total_seconds()
    found["covered"] = (seen * (1 + 1 / more.where(more > 0))).fillna(0.0)
    found["sides"] = by["side"].mean() if "side" in fills else np.nan
    found["last_mid"] = by["mid"].last() if "mid" in fills else np.nan
    return found
