"""The columns of the sheet's orders: size, parts, benchmarks, quality, before and after, told."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.tca.orders.groups import FAR, modified_z
from models.tca.orders.parts import EXECUTION, PARTS, CostParts, summed
from models.tca.shortfall import BPS
from pipeline.engine.errors import InputError
from pipeline.tca.join import AFTER, BEFORE, Joined
from pipeline.tca.order_rows import WORDS, OrderRows
from pipeline.tca.settled import Settled, iso
from pipeline.tca.told import ToldCosts

Floats = NDArray[np.float64]
Columns = dict[str, object]
SECOND_NS = 1e9
WHOLE = 1 - 1e-6  # of an order: filled so far it was filled
BENCHMARKS = (
    "decision",
    "arrival",
    "arrival_bid",
    "arrival_ask",
    "near_touch",
    "far_touch",
    "exit",
    "open",
    "close",
    "vwap",
    "vwap_without_own",
    "day_vwap",
    "twap",
    "pwp",
    "limit_adjusted",
    "index_adjusted",
)
QUALITY = ("effective_spread_bps", "quoted_spread_bps", "price_improvement_bps", "at_or_inside")


def order_columns(
    rows: OrderRows,
    joined: Joined,
    told: ToldCosts,
    prices: dict[str, Settled],
    fills: pd.DataFrame,
    parts: CostParts,
) -> pd.DataFrame:
    """Return the sheet's orders; bps of parts are of shares ordered x decision price.

    Raises: InputError where an own column has the name of one of the sheet.
    """
    filled = summed(
        rows.fills["order"].to_numpy(), rows.fills["quantity"].to_numpy(), len(rows.orders)
    )
    made = _said(rows, joined) | _sizes(rows, joined, prices, filled) | _noted(joined, prices)
    mean = _mean(rows, fills["price"].to_numpy(), filled)
    made["mean_price"] = mean
    split = summed(rows.fills["order"].to_numpy(), fills["best"].isna().to_numpy(), len(filled))
    made |= _costs(rows, prices, parts, filled, split == 0)
    made |= _benchmarks(rows, joined, prices, mean, filled)
    made |= _quality(rows, fills)
    made |= _around(rows, joined, prices, fills)
    made |= _told(told, made, filled >= WHOLE * rows.orders["quantity"].to_numpy())
    z = modified_z(np.asarray(made["shortfall_bps"]))
    made |= {"shortfall_modified_z": z, "outlier": np.abs(z) > FAR}
    own = [name for name in rows.own if name not in WORDS]
    if taken := sorted(made.keys() & set(own)):
        raise InputError(
            f"[orders] own = '{taken[0]}': the sheet has a column of that name; rename it in the "
            "file of orders"
        )
    return pd.DataFrame(made | {name: rows.orders[name] for name in own})


def _said(rows: OrderRows, joined: Joined) -> Columns:
    """Return what the file says of the orders."""
    orders = rows.orders
    said: Columns = {
        "id": orders["id"],
        "symbol": orders["symbol"],
        "side": np.where(orders["sign"] > 0, "buy", "sell"),
        "date": joined.date,
        "decision_time": iso(orders["decision_time"].to_numpy()),
        "start": iso(orders["start"].to_numpy()),
        "end": iso(joined.end),
    }
    return said | {name: orders[name] for name in WORDS}


def _sizes(rows: OrderRows, joined: Joined, prices: dict[str, Settled], filled: Floats) -> Columns:
    ordered = rows.orders["quantity"].to_numpy()
    volume = joined.flows["volume"].to_numpy()
    number = summed(rows.fills["order"].to_numpy(), np.ones(len(rows.fills)), len(ordered))
    adv = prices["adv"]
    return {
        "ordered": ordered,
        "filled": filled,
        "unfilled": ordered - filled,
        "cancelled": rows.orders["cancelled"],
        "fills": number.astype(np.int64),
        "duration_seconds": (joined.end - rows.orders["start"].to_numpy()) / SECOND_NS,
        "market_volume": volume,
        "participation": _over(filled, volume),
        "adv": adv.value,
        "adv_from": adv.source,
        "share_of_adv": _over(ordered, adv.value),
        "volatility": prices["sigma"].value,
        "volatility_from": prices["sigma"].source,
    }


def _noted(joined: Joined, prices: dict[str, Settled]) -> Columns:
    """Return the prices at decision, arrival and exit, with where each is from."""
    found: Columns = {}
    for name in ("decision", "arrival", "exit"):
        quote = getattr(joined, name)
        found |= {
            f"{name}_price": prices[name].value,
            f"{name}_from": prices[name].source,
            f"{name}_bid": quote.bid,
            f"{name}_ask": quote.ask,
            f"{name}_quote_age": quote.age,
        }
    return found


def _costs(
    rows: OrderRows,
    prices: dict[str, Settled],
    parts: CostParts,
    filled: Floats,
    split: NDArray[np.bool_],
) -> Columns:
    """Return parts in currency and bps, and what was paid over arrival and over mid, bps of what
    was filled; split: whether the quote of every fill is known.
    """
    decision = np.where(
        np.isnan(prices["decision"].value), prices["arrival"].value, prices["decision"].value
    )
    notional = rows.orders["quantity"].to_numpy() * np.abs(decision)
    made: Columns = {"notional": notional}
    made |= {f"{name}_cost": parts.orders[name] for name in PARTS}
    made["shortfall_cost"] = parts.total
    made |= {f"{name}_bps": BPS * parts.orders[name] / notional for name in PARTS}
    made["shortfall_bps"] = BPS * parts.total / notional
    worth = filled * np.abs(prices["arrival"].value)
    paid = sum(parts.orders[name] for name in EXECUTION)
    over = np.where(split, parts.orders["spread"] + parts.orders["walk"], np.nan)
    return made | {
        "paid_bps": BPS * _over(np.asarray(paid), worth),
        "paid_over_mid_bps": BPS * _over(over, worth),
    }


def _benchmarks(
    rows: OrderRows, joined: Joined, prices: dict[str, Settled], mean: Floats, filled: Floats
) -> Columns:
    """Return each benchmark's price, and the mean fill against it in bps of arrival, above 0
    dearer.
    """
    sign, arrival = rows.orders["sign"].to_numpy(), prices["arrival"].value
    buys, flows, day = sign > 0, joined.flows, joined.day
    volume, turnover = flows["volume"].to_numpy(), flows["turnover"].to_numpy()
    others = volume - filled
    own = filled * np.nan_to_num(mean)
    limit = rows.orders["limit_price"].to_numpy()
    bid, ask = joined.arrival.bid, joined.arrival.ask
    price = {
        "decision": prices["decision"].value,
        "arrival": arrival,
        "arrival_bid": bid,
        "arrival_ask": ask,
        "near_touch": np.where(buys, bid, ask),
        "far_touch": np.where(buys, ask, bid),
        "exit": prices["exit"].value,
        "open": day["open"].to_numpy(),
        "close": day["close"].to_numpy(),
        "vwap": _over(turnover, volume),
        "vwap_without_own": _over(turnover - own, np.where(others > 0, others, np.nan)),
        "day_vwap": day["vwap"].to_numpy(),
        "twap": _over(flows["area"].to_numpy(), flows["known"].to_numpy()),
        "pwp": joined.pwp,
        "limit_adjusted": np.where(
            np.isnan(limit), np.nan, sign * np.minimum(sign * arrival, sign * limit)
        ),
        "index_adjusted": arrival * (1 + _index_move(rows, joined, filled)),
    }
    made: Columns = {f"benchmark_{name}": price[name] for name in BENCHMARKS}
    unit = BPS * sign / np.abs(arrival)
    return made | {f"vs_{name}_bps": unit * (mean - price[name]) for name in BENCHMARKS}


def _index_move(rows: OrderRows, joined: Joined, filled: Floats) -> Floats:
    """Return beta (1 without one) times how far the index had moved since the start, by shares."""
    order, shares = rows.fills["order"].to_numpy(), rows.fills["quantity"].to_numpy()
    moved = joined.fill_index.mid / joined.start_index.mid[order] - 1
    beta = rows.orders["beta"].fillna(1.0).to_numpy()
    return beta * _over(summed(order, shares * moved, len(filled)), filled)


def _quality(rows: OrderRows, fills: pd.DataFrame) -> Columns:
    """Return the quality of fills by shares, of those whose quote is known."""
    shares, order = rows.fills["quantity"].to_numpy(), rows.fills["order"].to_numpy()
    count = len(rows.orders)
    made: Columns = {}
    for name in QUALITY:
        each = fills[name].to_numpy(dtype=float)
        known = np.isfinite(each)
        whole = summed(order, np.where(known, shares, 0.0), count)
        made[name] = _over(summed(order, np.where(known, shares * each, 0.0), count), whole)
    return made


def _around(
    rows: OrderRows, joined: Joined, prices: dict[str, Settled], fills: pd.DataFrame
) -> Columns:
    """Return markouts after fills, the mid's way before the start and after the end, in bps of
    arrival, above 0 in the order's direction.
    """
    sign, arrival = rows.orders["sign"].to_numpy(), prices["arrival"].value
    order, shares = rows.fills["order"].to_numpy(), rows.fills["quantity"].to_numpy()
    unit = BPS * sign / np.abs(arrival)
    made: Columns = {}
    for place, lag in enumerate(BEFORE):
        made[f"before_{lag}s_bps"] = unit * (arrival - joined.before.mid[:, place])
    later = [(f"{lag}s", joined.fill_after.mid[:, place]) for place, lag in enumerate(AFTER)]
    later.append(("close", joined.day["close"].to_numpy()[order]))
    mid = fills["mid"].to_numpy()
    for name, after in later:
        moved = after - mid
        known = np.isfinite(moved)
        whole = summed(order, np.where(known, shares, 0.0), len(arrival))
        total = summed(order, np.where(known, shares * moved, 0.0), len(arrival))
        made[f"markout_{name}_bps"] = unit * _over(total, whole)
    made["path_0s_bps"] = unit * (joined.exit.mid - arrival)
    for place, lag in enumerate(AFTER):
        made[f"path_{lag}s_bps"] = unit * (joined.after.mid[:, place] - arrival)
    return made


def _told(told: ToldCosts, made: Columns, whole: NDArray[np.bool_]) -> Columns:
    """Return told costs, and what was paid beyond them where the order was filled."""
    table = told.table
    over, permanent = table["told_over_mid"].to_numpy(), table["told_permanent"].to_numpy()
    paid = np.where(whole, np.asarray(made["paid_bps"]), np.nan)
    excess = paid - over - permanent
    risk, error = table["told_risk"].to_numpy(), table["told_error"].to_numpy()
    spread = np.hypot(risk, np.nan_to_num(error))
    files = np.array([*told.files, ""], dtype=object)
    relative = _over(table["gamma_error"].to_numpy(), table["gamma"].to_numpy())
    return {
        "told_over_mid_bps": over,
        "told_over_mid_error_bps": table["told_over_mid_error"],
        "told_permanent_bps": permanent,
        "told_bps": over + permanent,
        "told_error_bps": error,
        "told_risk_bps": risk,
        "excess_bps": excess,
        "z": _over(excess, spread),
        "told_file": files[table["file"].to_numpy()],
        "told_later": table["later"],
        "permanent_error_bps": np.abs(np.asarray(made["permanent_bps"])) * relative,
    }


def _mean(rows: OrderRows, price: Floats, filled: Floats) -> Floats:
    paid = rows.fills["quantity"].to_numpy() * price
    return _over(summed(rows.fills["order"].to_numpy(), paid, len(filled)), filled)


def _over(above: Floats, below: Floats) -> Floats:
    """Return a ratio, NaN where the lower is 0 or not known."""
    found = np.full(len(above), np.nan)
    return np.divide(above, below, out=found, where=np.isfinite(below) & (below != 0))
