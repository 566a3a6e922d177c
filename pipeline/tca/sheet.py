"""The sheet of a book of orders: a row an order and a row a fill, each figure with where it is
from.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.tca.orders.parts import CostParts, OrderFills, Parents, cost_parts
from models.tca.shortfall import BPS
from pipeline.tca.join import Joined
from pipeline.tca.order_columns import order_columns
from pipeline.tca.order_rows import OrderRows
from pipeline.tca.settled import GIVEN, Settled, iso, settle
from pipeline.tca.told import ToldCosts

Floats = NDArray[np.float64]
TOUCH = 1e-9  # relative: a fill at the touch is inside of rounding


@dataclass(frozen=True, eq=False)
class Sheet:
    """orders, fills: as README's tables tell their columns; parts: in currency; lags: seconds."""

    orders: pd.DataFrame
    fills: pd.DataFrame
    parts: CostParts
    rows: OrderRows
    joined: Joined
    told: ToldCosts


def make_sheet(
    rows: OrderRows, joined: Joined, told: ToldCosts, source: str, apart: bool = False
) -> Sheet:
    """Return the sheet.

    source: of the market, tape or bars; apart: the market does not hold the orders' own impact, as
    a replay's tape: it is added to what was paid.
    """
    prices = _prices(rows, joined, source)
    fills = _quoted_fills(rows, joined, source)
    own = _own(rows, told, apart)
    sign = rows.orders["sign"].to_numpy()[rows.fills["order"].to_numpy()]
    if apart:
        fills[["price", "best", "mid", "bid", "ask"]] += (own * sign)[:, None]
    fills = _with_quality(fills, sign)
    parents = _parents(rows, prices)
    parts = cost_parts(
        parents,
        OrderFills(
            order=rows.fills["order"].to_numpy(),
            shares=rows.fills["quantity"].to_numpy(),
            price=fills["price"].to_numpy(),
            best=fills["best"].to_numpy(),
            mid=fills["mid"].to_numpy(),
            own=own,
            commission=rows.fills["commission"].to_numpy(),
            fees=rows.fills["fees"].to_numpy(),
        ),
    )
    orders = order_columns(rows, joined, told, prices, fills, parts)
    return Sheet(orders, _fill_columns(rows, fills, parts, orders), parts, rows, joined, told)


def _prices(rows: OrderRows, joined: Joined, source: str) -> dict[str, Settled]:
    """Return decision, arrival, exit, adv and sigma, with where each is from.

    Without any exit quote the order ends at its last fill's mid, or at its price.
    """
    orders, fills = rows.orders, rows.fills
    arrival = settle((orders["arrival_price"].to_numpy(), GIVEN), (joined.arrival.mid, source))
    last = fills.groupby("order")[["mid", "price"]].last().reindex(orders.index)
    earlier = joined.day["earlier"].to_numpy()
    day = joined.day
    return {
        "decision": settle(
            (orders["decision_price"].to_numpy(), GIVEN), (joined.decision.mid, source)
        ),
        "arrival": arrival,
        "exit": settle(
            (joined.exit.mid, source),
            (last["mid"].to_numpy(), "fills"),
            (last["price"].to_numpy(), "fills"),
        ),
        "adv": settle(
            (orders["adv"].to_numpy(), GIVEN),
            (np.where(earlier > 0, day["adv"], np.nan), source),
            (day["adv"].to_numpy(), f"{source}, own day"),
        ),
        "sigma": settle(
            (orders["volatility"].to_numpy(), GIVEN),
            (np.where(earlier > 0, day["sigma"], np.nan), source),
            (day["sigma"].to_numpy(), f"{source}, own day"),
        ),
    }


def _parents(rows: OrderRows, prices: dict[str, Settled]) -> Parents:
    """Return the orders to be costed: without a decision that is the arrival, without a price at
    the end nothing is known of the rest.
    """
    orders, arrival = rows.orders, prices["arrival"].value
    decision = np.where(np.isnan(prices["decision"].value), arrival, prices["decision"].value)
    return Parents(
        sign=orders["sign"].to_numpy(),
        shares=orders["quantity"].to_numpy(),
        decision=decision,
        arrival=arrival,
        exit=prices["exit"].value,
        commission=orders["commission"].fillna(0.0).to_numpy(),
        fees=orders["fees"].fillna(0.0).to_numpy(),
    )


def _quoted_fills(rows: OrderRows, joined: Joined, source: str) -> pd.DataFrame:
    """Return price, bid, ask, mid, best (of the side traded) and where the quote is from.

    Quotes come whole from one place: given with the fill, else the market's.
    """
    fills = rows.fills
    sign = rows.orders["sign"].to_numpy()[fills["order"].to_numpy()]
    bid, ask, mid = (fills[name].to_numpy(dtype=float) for name in ("bid", "ask", "mid"))
    both = np.isfinite(bid) & np.isfinite(ask)
    mid = np.where(np.isnan(mid) & both, (bid + ask) / 2, mid)
    given, seen = np.isfinite(mid), joined.fill
    bid, ask, mid = (
        np.where(given, own, market)
        for own, market in zip((bid, ask, mid), (seen.bid, seen.ask, seen.mid), strict=True)
    )
    found = settle((np.where(given, mid, np.nan), GIVEN), (mid, source))
    return pd.DataFrame(
        {
            "price": fills["price"].to_numpy(),
            "bid": bid,
            "ask": ask,
            "mid": mid,
            "best": np.where(sign > 0, ask, bid),
            "quote_from": found.source,
            "quote_age": np.where(given, np.nan, seen.age),
        }
    )


def _with_quality(fills: pd.DataFrame, sign: Floats) -> pd.DataFrame:
    """Return fills with what they paid of the spread, bps of the mid."""
    better = sign * (fills["best"] - fills["price"])
    slip = TOUCH * fills["best"].abs()
    return fills.assign(
        effective_spread_bps=2 * BPS * sign * (fills["price"] - fills["mid"]) / fills["mid"],
        quoted_spread_bps=BPS * (fills["ask"] - fills["bid"]) / fills["mid"],
        price_improvement_bps=BPS * better / fills["mid"],
        at_or_inside=(better >= -slip).astype(float).where(fills["best"].notna()),
    )


def _own(rows: OrderRows, told: ToldCosts, apart: bool) -> Floats:
    """Return how far the order had moved the mid before each fill, currency / share.

    apart: and by half of the fill, which its price would hold.
    """
    fills = rows.fills
    quantity = fills["quantity"]
    before = (quantity.groupby(fills["order"]).cumsum() - quantity).to_numpy(dtype=float)
    gamma = told.table["gamma"].fillna(0.0).to_numpy()[fills["order"].to_numpy()]
    return np.asarray(gamma * (before + (quantity.to_numpy() / 2 if apart else 0.0)))


def _fill_columns(
    rows: OrderRows, fills: pd.DataFrame, parts: CostParts, orders: pd.DataFrame
) -> pd.DataFrame:
    """Return the sheet's fills: what was filled, at which quote, its parts in currency."""
    given, order = rows.fills, rows.fills["order"].to_numpy()
    made = pd.DataFrame(
        {
            "order": orders["id"].to_numpy()[order],
            "time": iso(given["time"].to_numpy()),
            "venue": given["venue"],
            "shares": given["quantity"],
        }
    )
    made = pd.concat([made, fills], axis=1)
    for name in parts.fills:
        made[f"{name}_cost"] = parts.fills[name]
    return made
