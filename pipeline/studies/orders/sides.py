"""The side of orders and fills, as brokers and FIX write it."""

import numpy as np
import pandas as pd

from pipeline.engine.errors import InputError

BUYS = ("B", "BUY", "BOT", "BOUGHT", "BTO", "BTC", "BC", "COVER", "BUYMINUS", "BUYTOOPEN")
BUYS += ("BUYTOCLOSE", "BUYTOCOVER", "BUYCOVER")
SELLS = ("S", "SELL", "SLD", "SOLD", "STO", "STC", "SL", "SS", "SSE", "SHORT", "SHORTSELL")
SELLS += ("SELLPLUS", "SELLLONG", "SELLTOOPEN", "SELLTOCLOSE")
SELLS += ("SELLSHORT", "SELLSHORTEXEMPT", "SHORTEXEMPT")
# tag 54: buy, sell, buy minus, sell plus, sell short, sell short exempt
FIX = {1: 1, 2: -1, 3: 1, 4: -1, 5: -1, 6: -1}
SHOWN = 3  # values named in a message


def read_sides(given: pd.Series, where: str) -> pd.Series:
    """Return +1 for a buy, -1 for a sell and NaN for what is neither, of a column of any kind.

    Words are matched whatever their case, spaces, hyphens and underscores. Numbers are signs where
    -1 is among them and else codes of FIX; 1 alone buys in both.
    Raises: InputError where numbers are of both kinds, or 0 and 1 leave open which of them buys.
    Source: FIX 4.4, tag 54 (Side).
    """
    text = given.astype("string").str.strip().str.upper()
    number = pd.to_numeric(text, errors="coerce").astype(float)
    there = set(number.dropna())
    if there >= {0, 1} and -1 not in there:
        raise InputError(f"{where} holds 0 and 1, and either may be a buy; write B and S")
    codes = there & {code for code in FIX if code > 1}
    if -1 in there and codes:
        named = ", ".join(f"{code:g}" for code in sorted(codes))
        raise InputError(
            f"{where} holds -1, a sign, and {named}, which FIX has as a side; write B and S"
        )
    signs = number.map({1: 1, -1: -1} if -1 in there else FIX)
    words = text.str.replace(r"[\s_-]+", "", regex=True)
    known = words.map(dict.fromkeys(BUYS, 1) | dict.fromkeys(SELLS, -1)).astype(float)
    return signs.astype(float).where(number.notna(), known)


def values_of(given: pd.Series) -> str:
    """Return the commonest values of a column with their rows, as text."""
    counts = given.astype("string").fillna("(blank)").value_counts()
    named = [f"{value!r} ({count:,})" for value, count in counts.iloc[:SHOWN].items()]
    return ", ".join(named) + (", ..." if len(counts) > SHOWN else "")


def one_side(sign: np.ndarray) -> str | None:
    """Return "buys" or "sells" where all known signs are of one side, else None."""
    known = np.unique(np.sign(sign[np.isfinite(sign)]))
    known = known[known != 0]
    return ("buys" if known[0] > 0 else "sells") if len(known) == 1 else None
