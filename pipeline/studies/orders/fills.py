"""The fills of parent orders: each once, and what those of an order add up to."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.studies.orders.columns import BrokerColumns
from pipeline.studies.orders.sides import read_sides
from pipeline.studies.orders.times import read_times

TIMES = ("start", "end", "arrival_time", "post_time", "time")
ROUNDING = 1e-6  # fills may exceed the order by this share of it
PRINT = ["order", "time", "quantity", "price"]  # what two reports of one fill have in common
SAME_SLICE = 0.1  # of the mean gap between fills


@dataclass(frozen=True)
class Written:
    """How a file writes its terms: timezone of times without an offset; sides: where they are."""

    timezone: str
    sides: str


def typed(frame: pd.DataFrame, numbers: tuple[str, ...], written: Written) -> pd.DataFrame:
    """Return a file's table with numbers, sides and times (UTC), missing for what is none."""
    read = {
        name: pd.to_numeric(frame[name], errors="coerce").astype(float)
        for name in numbers
        if name in frame
    }
    read |= {name: read_times(frame[name], written.timezone) for name in TIMES if name in frame}
    if "side" in frame:
        read["side"] = read_sides(frame["side"], written.sides)
    return frame.assign(**read)


def clean_fills(
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
    fills = typed(fills, ("quantity", "price", "mid"), Written(columns.timezone, where))
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
