"""Parent orders and fills of any broker as rows to be costed, and every row left out with why."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.engine.errors import InputError
from pipeline.studies.orders.columns import BrokerColumns, read_broker_table
from pipeline.studies.orders.fills import ROUNDING, Written, screen_fills, typed
from pipeline.studies.orders.sample import Mask, screen

NEEDED = {
    "orders": ("id", "symbol", "side", "quantity", "start"),
    "fills": ("order", "time", "quantity", "price"),
}
NUMBERS = (
    "quantity",
    "arrival_price",
    "decision_price",
    "adv",
    "volatility",
    "commission",
    "fees",
    "cancelled",
    "limit_price",
    "beta",
)
WORDS = ("broker", "algo", "venue", "account", "order_type", "currency")
MOST_MOVE = 2.0  # a fill this many times the order's median price is a fault
CSV_HEAD, PARQUET_HEAD = 2, 1  # the line of a file's first row


@dataclass(frozen=True, eq=False)
class OrderRows:
    """Orders and their fills, ready to be joined to a market.

    orders: line (of the file), id, symbol, sign (+1 buys), quantity, start, end (ns UTC, `NO_TIME`
    for none), decision_time, numbers of `NUMBERS` (NaN for none), `WORDS` and own columns (empty
    for none);
    fills: order (its place in orders), time (ns), quantity, price, mid, bid, ask, commission, fees,
    venue, sorted by order and time; dropped: file, line, id, reason; noted: what else was seen ->
    rows; own: the own columns; file: of the orders.
    """

    orders: pd.DataFrame
    fills: pd.DataFrame
    dropped: pd.DataFrame
    noted: dict[str, int]
    own: tuple[str, ...] = ()
    file: str = ""

    def without(self, lost: dict[str, Mask]) -> "OrderRows":
        """Return the rows without the orders of some reasons, which are listed too."""
        kept, _ = screen(lost)
        names, masks = np.array(list(lost)), np.column_stack(list(lost.values()))
        gone = self.orders.loc[~kept, ["line", "id"]]
        listed = gone.assign(file=self.file, reason=names[masks[~kept].argmax(axis=1)])
        place = np.cumsum(kept) - 1
        fills = self.fills[kept[self.fills["order"].to_numpy()]]
        return replace(
            self,
            orders=self.orders[kept].reset_index(drop=True),
            fills=fills.assign(order=place[fills["order"]]).reset_index(drop=True),
            dropped=pd.concat([self.dropped, listed[["file", "line", "id", "reason"]]]),
        )


NO_TIME = np.iinfo(np.int64).min  # as numpy reads NaT


def read_order_rows(orders: str, fills: str, columns: BrokerColumns) -> OrderRows:
    """Return the orders of two files, and every row left out.

    Raises: InputError naming file and column, or when no order is left.
    """
    parts = {"orders": Path(orders), "fills": Path(fills)}
    maps = {
        part: getattr(columns, part).model_copy(update={"file": path.name})
        for part, path in parts.items()
    }
    read = {
        part: read_broker_table(str(path.parent), part, maps[part], NEEDED[part])
        for part, path in parts.items()
    }
    table, path = read["orders"]
    table = typed(table, NUMBERS, Written(columns.timezone, f"{path}: {columns.orders.side}"))
    some, left_out = screen_fills(read["fills"][0], table, columns, read["fills"][1])
    _check_charged_once(table, some, path)
    reasons = _reasons(table, some)
    kept, counts = screen(reasons)
    dropped = pd.concat(
        [_listed(table, reasons, path), _left_out(read["fills"], left_out)], ignore_index=True
    )
    if not kept.any():
        worst = max(counts, key=lambda reason: counts[reason])
        raise InputError(
            f"{path}: no order can be used, {counts[worst]} of {len(table)} for {worst}; mend the "
            "file, or its names in --columns MAP.toml"
        )
    made = _orders(table[kept], columns.orders.own)
    made["line"] = _rows(table[kept], path, "id")["line"]
    filled = _fills(some, made)
    noted = {"not_a_fill": len(left_out.get("not_a_fill", ()))}
    noted["fill_after_end"] = _after_end(made, filled)
    return OrderRows(made, filled, dropped, noted, columns.orders.own, path.name)


def _check_charged_once(orders: pd.DataFrame, fills: pd.DataFrame, path: Path) -> None:
    for name in ("commission", "fees"):
        if name in orders and name in fills and orders[name].any() and fills[name].any():
            raise InputError(
                f"{path}: {name} is a column of the orders and of the fills: it would be charged "
                "twice; name the one that holds in --columns MAP.toml"
            )


def _reasons(orders: pd.DataFrame, fills: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return why an order cannot be costed, in the order in which it is blamed."""
    sane = (fills["quantity"] > 0) & (fills["price"] > 0) & fills["time"].notna()
    middle = fills.groupby("order")["price"].transform("median")
    fills = fills.assign(
        bad=~sane, far=~(fills["price"] / middle).between(1 / MOST_MOVE, MOST_MOVE)
    )
    by = fills.groupby("order")
    found = by.agg(bad=("bad", "any"), far=("far", "any"), filled=("quantity", "sum"))
    found["first"] = by["time"].min()
    found["sides"] = by["side"].mean() if "side" in fills else np.nan
    seen = orders[["id"]].join(found, on="id")
    none = pd.Series(False, orders.index)
    arrival = orders["arrival_price"] if "arrival_price" in orders else pd.Series(1.0, orders.index)
    reasons = {
        "no_order_id": orders["id"].isna(),
        "repeated_order_id": orders["id"].duplicated(),
        "no_symbol": orders["symbol"].isna(),
        "bad_time": orders["start"].isna(),
        "unknown_side": orders["side"].isna(),
        "bad_quantity": ~(orders["quantity"] > 0),
        "other_unit": _other_unit(orders),
        "bad_arrival_price": arrival <= 0,
        "end_before_start": orders["end"] < orders["start"] if "end" in orders else none,
        "decision_after_start": orders["decision_time"] > orders["start"]
        if "decision_time" in orders
        else none,
        "bad_fill": seen["bad"].fillna(False).astype(bool),
        "fill_before_start": seen["first"] < orders["start"],
        "fills_over_quantity": seen["filled"] > orders["quantity"] * (1 + ROUNDING),
        "fills_on_other_side": seen["sides"].notna() & (seen["sides"] != orders["side"]),
        "price_out_of_scale": seen["far"].fillna(False).astype(bool),
    }
    return {reason: mask.to_numpy(dtype=bool) for reason, mask in reasons.items()}


def _other_unit(orders: pd.DataFrame) -> pd.Series:
    """Return which orders' quantity is not in the unit that most of the symbol's have."""
    if "unit" not in orders:
        return pd.Series(False, orders.index)
    unit = orders["unit"].astype(str)
    return unit != unit.groupby(orders["symbol"]).transform(lambda each: each.mode().iloc[0])


def _listed(orders: pd.DataFrame, reasons: dict[str, np.ndarray], path: Path) -> pd.DataFrame:
    """Return the orders left out, each under the first reason that holds."""
    names = np.array(list(reasons))
    masks = np.column_stack(list(reasons.values()))
    some = masks.any(axis=1)
    why = names[masks[some].argmax(axis=1)]
    return _rows(orders[some], path, "id").assign(reason=why)


def _left_out(fills: tuple[pd.DataFrame, Path], left_out: dict[str, pd.Index]) -> pd.DataFrame:
    """Return the rows of fills left out; events that are no fills are but counted."""
    table, path = fills
    name = "id" if "id" in table else "order"
    parts = [
        _rows(table.loc[rows], path, name).assign(reason=reason)
        for reason, rows in left_out.items()
        if reason != "not_a_fill"
    ]
    return pd.concat(parts, ignore_index=True)


def _rows(table: pd.DataFrame, path: Path, name: str) -> pd.DataFrame:
    head = PARQUET_HEAD if path.suffix == ".parquet" else CSV_HEAD
    lines = table.index.to_numpy(dtype=np.int64) + head
    ids = table[name].astype("string").fillna("").to_numpy(dtype=object)
    return pd.DataFrame({"file": path.name, "line": lines, "id": ids})


def _orders(orders: pd.DataFrame, own: tuple[str, ...]) -> pd.DataFrame:
    size = len(orders)
    made = {
        "id": orders["id"].astype(str).to_numpy(dtype=object),
        "symbol": orders["symbol"].astype(str).to_numpy(dtype=object),
        "sign": orders["side"].to_numpy(dtype=float),
    }
    made |= {
        name: orders[name].to_numpy(dtype=float) if name in orders else np.full(size, np.nan)
        for name in NUMBERS
    }
    made |= {name: _ns(orders, name) for name in ("start", "end", "decision_time")}
    for name in (*WORDS, *(name for name in own if name not in made)):
        words = orders[name].astype("string").fillna("") if name in orders else [""] * size
        made[name] = np.asarray(words, dtype=object)
    return pd.DataFrame(made)


def _ns(table: pd.DataFrame, name: str) -> np.ndarray:
    """Return times as ns since 1970 in UTC, `NO_TIME` for none."""
    if name not in table:
        return np.full(len(table), NO_TIME)
    naive = table[name].dt.tz_convert("UTC").dt.tz_localize(None)
    return naive.to_numpy().astype("datetime64[ns]").astype(np.int64)


def _fills(fills: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """Return the fills of orders that are kept, by place and time."""
    place = pd.Series(np.arange(len(orders)), orders["id"])
    fills = fills[fills["order"].isin(place.index)]
    made = {
        "order": fills["order"].map(place).to_numpy(dtype=np.int64),
        "time": _ns(fills, "time"),
    }
    for name in ("quantity", "price", "mid", "bid", "ask"):
        known = name in fills
        made[name] = fills[name].to_numpy(dtype=float) if known else np.full(len(fills), np.nan)
    for name in ("commission", "fees"):
        known = name in fills
        made[name] = fills[name].fillna(0.0).to_numpy(dtype=float) if known else 0.0
    words = fills["venue"].astype("string").fillna("") if "venue" in fills else ""
    made["venue"] = np.asarray(words, dtype=object) if len(fills) else np.empty(0, dtype=object)
    return pd.DataFrame(made).sort_values(["order", "time"], kind="stable", ignore_index=True)


def _after_end(orders: pd.DataFrame, fills: pd.DataFrame) -> int:
    """Return how many orders were filled after their stated end: their end is the last fill."""
    last = fills.groupby("order")["time"].max().reindex(orders.index, fill_value=NO_TIME)
    stated = orders["end"] != NO_TIME
    return int((stated & (last > orders["end"])).sum())
