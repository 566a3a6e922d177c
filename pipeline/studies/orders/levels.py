"""Volume and volatility of a symbol: from the orders' file, or estimated from earlier orders."""

import numpy as np
import pandas as pd

from models.inference.caveat import Caveat

LEAST_DAYS = 5  # with orders, before a mean of them is used
LEAST_MOVES = 10  # between arrivals, before a volatility is read from them


def known_levels(orders: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str], list[Caveat]]:
    """Return the orders with adv and volatility, how each was found, and caveats.

    Without an adv column V is the mean quantity that the file itself trades in the symbol on a day,
    over the days before; without a volatility column sigma is read from the moves between arrival
    prices of earlier orders.
    """
    chosen, caveats = {"adv": "adv", "volatility": "volatility"}, []
    if "adv" not in orders:
        orders = orders.assign(adv=_own_volume(orders))
        chosen["adv"] = "mean daily quantity of the file's own earlier orders"
        message = (
            "average daily volume is not known: sizes are over the file's own flow, not the "
            "market's"
        )
        caveats.append(
            Caveat("adv_from_own_orders", f"{message}; gamma and eta hold on that scale alone")
        )
    if "volatility" not in orders:
        orders = orders.assign(volatility=_own_volatility(orders))
        chosen["volatility"] = (
            "from arrival prices of the file's own earlier orders, a day of 24 hours"
        )
        message = "volatility is not known: it is read from the moves between arrivals"
        caveats.append(Caveat("volatility_from_arrivals", message))
    return orders, chosen, caveats


def _own_volume(orders: pd.DataFrame) -> pd.Series:
    """Return the symbol's mean daily quantity over earlier days with orders.

    NaN with fewer than five.
    """
    date = orders["start"].dt.floor("D").rename("date")
    counted = orders["quantity"].where((orders["quantity"] > 0) & ~orders["other_unit"])
    daily = counted.groupby([orders["symbol"], date]).sum(min_count=1).dropna()
    past = daily.groupby(level="symbol").transform(
        lambda each: each.expanding(LEAST_DAYS).mean().shift(1)
    )
    # an order of a day without any counted quantity has no level of its own
    keys = pd.MultiIndex.from_arrays([orders["symbol"], date])
    return pd.Series(past.reindex(keys).to_numpy(), orders.index)


def _own_volatility(orders: pd.DataFrame) -> pd.Series:
    """Return sqrt(squared relative moves / days between them) over earlier arrivals."""
    ordered = orders[orders["start"].notna() & (orders["arrival_price"] > 0)].sort_values(
        "start", kind="stable"
    )
    by = ordered["symbol"]
    move = ordered["arrival_price"].groupby(by).pct_change() ** 2
    days = ordered["start"].groupby(by).diff().dt.total_seconds() / 86_400
    known = move.notna() & (days > 0)
    sums = pd.DataFrame(
        {"move": move.where(known, 0.0), "days": days.where(known, 0.0), "count": known.astype(int)}
    )
    past = sums.groupby(by).cumsum().groupby(by).shift(1)
    found = (past["move"] / past["days"].where(past["count"] >= LEAST_MOVES)) ** 0.5
    return found.reindex(orders.index)


def latest_levels(orders: pd.DataFrame) -> pd.DataFrame:
    """Return price, V, sigma and Theta/V of every symbol at its last order, with the order's date.

    Columns: `LEVELS` and date, the symbols the index; Theta/V is NaN where it is not known.
    """
    last = orders.sort_values("start", kind="stable").groupby("symbol").tail(1).set_index("symbol")
    outstanding = last.get("shares_outstanding", np.nan)
    found = pd.DataFrame(
        {
            "price": last["arrival_price"],
            "adv": last["adv"],
            "volatility": last["volatility"],
            "inverse_turnover": outstanding / last["adv"],
            "date": last["start"].dt.strftime("%Y-%m-%d"),
        }
    )
    return found.sort_index()
