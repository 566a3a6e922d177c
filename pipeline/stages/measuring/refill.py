"""The refill of the book after trades, measured by half-hour: what child orders wait for."""

import numpy as np
import pandas as pd

from models.impact.slicing.depth import DepthTape, RefillSums, refill_sums
from models.impact.slicing.refill import RefillFit, fit_refill
from pipeline.engine.scope import Scope
from pipeline.engine.sessions import Session
from pipeline.engine.tables import Day, Features
from pipeline.stages.measuring.stretches import by_half_hour


def refill_table(day: Day, session: Session) -> pd.DataFrame:
    """Return the day's sums of `models.impact.slicing.depth.refill_sums` by half-hour, with date
    and the block's end (ns).
    """
    return by_half_hour(day, session, _sums)


def _sums(day: Day, edges: np.ndarray) -> RefillSums:
    levels = sum(name.startswith("bid_sz_") for name in day.quotes.columns)
    whole = np.isfinite((day.quotes["bid_px_0"] + day.quotes["ask_px_0"]).to_numpy())
    bid, ask = (
        np.where(
            whole,
            day.quotes.select(f"{side}_sz_{level}" for level in range(levels))
            .to_numpy()
            .sum(axis=1),
            np.nan,
        )
        for side in ("bid", "ask")
    )
    trades = (day.trades[name].to_numpy() for name in ("ts", "size", "aggressor"))
    return refill_sums(DepthTape(day.quotes["ts"].to_numpy(), bid, ask, *trades), edges)


def measured_refill(days: tuple[Features, ...], scope: Scope) -> RefillFit:
    """Return the refill of the book, from half-hours that ended by `as_of`."""
    table = pd.concat([day.refill for day in days], ignore_index=True)
    return _refill(table[table["end"] <= scope.as_of])


def _refill(table: pd.DataFrame) -> RefillFit:
    label = (
        table["date"].astype("category").cat.codes.astype(np.int64) * (table["block"].max() + 1)
        + table["block"]
    )
    columns = {name: table[name].to_numpy() for name in RefillSums.__dataclass_fields__}
    return fit_refill(RefillSums(**(columns | {"block": label.to_numpy()})))
