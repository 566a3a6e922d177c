"""What one day's tape measures of itself, for days to be held against each other."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.microstructure.against_quotes import AgainstQuotes
from models.microstructure.standing import standing_before
from pipeline.engine.sessions import Session
from pipeline.engine.tables import Day

Floats = NDArray[np.float64]
MINUTE_NS = 60_000_000_000


def day_measures(day: Day, against: AgainstQuotes, session: Session, known_ns: int) -> pd.DataFrame:
    """Return one row: the day's levels, rates, and how its trades lie to its quotes.

    price (median mid), spread (median, currency), half_spread (mean over rows), depth (typical
    shares of a level), trade_size (typical shares), volume and rows (a minute), trades, outside
    (share of trades outside the quotes before them), sigma (of the mid over the day, from moves a
    minute), range (of trade prices, its extreme thousandths left aside), first, last (ns).
    """
    quotes, trades = day.quotes, day.trades
    stretches = [(start, min(end, known_ns)) for start, end in session.stretches]
    open_ns = sum(max(end - start, 0) for start, end in stretches)
    minutes = max(open_ns / MINUTE_NS, 1.0)
    ts, bid, ask = (quotes[name].to_numpy() for name in ("ts", "bid_px_0", "ask_px_0"))
    mid, size = (bid + ask) / 2, trades["size"].to_numpy()
    moves = np.concatenate(
        [
            np.diff(standing_before(ts, mid, np.arange(start, end + 1, MINUTE_NS)))
            for start, end in stretches
        ]
    )
    price = trades["price"].to_numpy()
    low, high = np.quantile(price, [0.001, 0.999]) if len(price) else (np.nan, np.nan)
    known = int(against.known.sum())
    some = np.isfinite(mid).any()
    row = {
        "date": session.date,
        "price": np.nanmedian(mid) if some else np.nan,
        "spread": np.nanmedian(ask - bid) if some else np.nan,
        "half_spread": np.nanmean(ask - bid) / 2 if some else np.nan,
        "depth": typical_of(quotes.select("bid_sz_0", "ask_sz_0").to_numpy().ravel()),
        "trade_size": typical_of(size),
        "volume": float(size.sum()) / minutes,
        "rows": len(ts) / minutes,
        "trades": len(size),
        "outside": against.outside.sum() / known if known else np.nan,
        "sigma": float(np.sqrt(np.nansum(moves**2))),
        "range": float(high - low),
        "first": int(session.open_ns),
        "last": int(min(session.close_ns, known_ns)),
        "quotes": len(ts),
    }
    return pd.DataFrame([row])


def typical_of(size: Floats) -> float:
    """Return the geometric mean of the sizes above zero, NaN where there are none."""
    some = size[size > 0]
    return float(np.exp(np.log(some).mean())) if len(some) else float("nan")
