"""Trades held against the quotes that stood before them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.microstructure.standing import standing_before

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ROUNDING = 1e-9  # of a price


@dataclass(frozen=True, eq=False)
class AgainstQuotes:
    """How each trade lies to the quote just before it, (m,).

    known: such a quote stood; outside: the trade was below its bid or above its ask; agrees: +1
    where the stated side is that of the quote rule, -1 where it is the other, 0 at the mid or
    without either.
    """

    known: NDArray[np.bool_]
    outside: NDArray[np.bool_]
    agrees: Ints


def against_quotes(
    ts: Ints, bid: Floats, ask: Floats, trade_ts: Ints, price: Floats, aggressor: Ints
) -> AgainstQuotes:
    """Hold trades against the quotes that stood just before them.

    ts, bid, ask: (n,), ns and currency; trade_ts, price, aggressor: (m,), +1 a buyer's.
    Source: Lee, Ready 1991, "Inferring trade direction from intraday data", for the quote rule.
    """
    low, high = (standing_before(ts, side, trade_ts) for side in (bid, ask))
    known = np.isfinite(low) & np.isfinite(high)
    slack = ROUNDING * np.abs(price)
    middle = (low + high) / 2
    above = np.where(known & (np.abs(price - middle) > slack), np.sign(price - middle), 0.0)
    return AgainstQuotes(
        known=known,
        outside=known & ((price < low - slack) | (price > high + slack)),
        agrees=np.nan_to_num(above).astype(np.int64) * aggressor.astype(np.int64),
    )


def contradicted(agrees: Ints, least: int) -> bool:
    """Tell whether sides are the other way round: fewer than half agree, by three standard errors.

    agrees: (m,) of +1, -1, and 0, which says nothing; least: how many have to say something.
    """
    said = agrees[agrees != 0]
    if len(said) < least:
        return False
    share = float((said > 0).mean())
    return share + 3 * np.sqrt(max(share * (1 - share), 1 / len(said)) / len(said)) < 0.5
