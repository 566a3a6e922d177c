"""V(s, t) of an order as a table, so that a system in production can look its next trade up."""

from dataclasses import replace

import numpy as np
import pandas as pd

from pipeline.engine.errors import InputError
from solver import KnottedLaw, Problem, ProblemError, tabulated, value_function

MOST_ROWS = 20_000_000
STEPS = 100  # of shares left, of a table to look at
COLUMNS = ("period", "left", "value", "marginal", "trade")


def coarse_value_table(
    stated: Problem, curve: KnottedLaw | None, periods: list[int]
) -> pd.DataFrame:
    """Return V on about a hundred steps of shares, for people to look at; empty where caps or the
    shape of the problem leave no such lattice.
    """
    lots = max(1, round(stated.shares / stated.lot / STEPS))
    step = lots * stated.lot
    shares = step * int(stated.shares // step)
    try:
        return value_table(replace(stated, shares=shares, lot=step, floor=None), curve, periods)
    except (ProblemError, InputError):
        return pd.DataFrame(columns=list(COLUMNS), dtype=float)


def value_table(stated: Problem, curve: KnottedLaw | None, periods: list[int]) -> pd.DataFrame:
    """Return V by period and shares left: period, left, value, marginal, trade.

    value: the cost still to come over the arrival price, currency, moves of the permanent impact on
    the shares still to trade counted; marginal: its difference by one lot, currency / share, NaN at
    the least state of a period; trade: shares to trade now. One row for every state that can be
    reached and completed.
    Raises: InputError when there are too many states; a larger lot has fewer.
    """
    rows = stated.n * (stated.lots + 1)
    if rows > MOST_ROWS:
        raise InputError(
            f"--value-function: {rows:,} states, at most {MOST_ROWS:,} are written; take a larger "
            "--lot"
        )
    try:
        found = value_function(stated if curve is None else tabulated(stated, curve))
    except ProblemError as error:
        raise InputError(f"--value-function: {error}") from error
    parts = []
    for place, period in enumerate(periods):
        value = found.values[place]
        left = (int(found.lows[place]) + np.arange(value.size)) * stated.lot
        known = np.isfinite(value)
        marginal = np.diff(np.where(known, value, np.nan), prepend=np.nan) / stated.lot
        part = {
            "period": period,
            "left": left,
            "value": value,
            "marginal": marginal,
            "trade": np.asarray(found.trades[place], dtype=np.float64) * stated.lot,
        }
        parts.append(pd.DataFrame(part)[known])
    return pd.concat(parts, ignore_index=True)
