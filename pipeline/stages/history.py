"""The past of one symbol as the estimators see it: measured cells beside states that were known
before them.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.forecast.intraday.sparse.totals import liquidity_volume
from models.impact.book.walks import Cells, shown_sizes
from pipeline.engine.data_read import DataRead
from pipeline.engine.scope import Scope
from pipeline.engine.store import fingerprint
from pipeline.engine.tables import Features, Forecast

BLOCK_PERIODS = (
    15  # clusters within a day: longer than the book's memory, short enough to have many
)
MANY_DAYS = 10  # from here on the clusters are whole days


@dataclass(frozen=True)
class References:
    """The levels that make states dimensionless; `volume` is the harmonic mean of expected volume,
    bounded as `liquidity_volume` tells, so that thinness averages to 1.
    """

    price: float
    volatility: float
    depth: float
    volume: float


def past_periods(days: tuple[Features, ...], scope: Scope) -> pd.DataFrame:
    """Return all periods that ended by `as_of`, in order.

    With total volume, signed flow, and stretch: numbers of the stretches of periods between which
    the market was open (no lag reaches over a night or a break).
    """
    frame = pd.concat([day.periods for day in days], ignore_index=True)
    frame = frame[frame["end"] <= scope.as_of]
    frame = frame.sort_values("start", ignore_index=True)
    directed = frame["buy_volume"] + frame["sell_volume"]
    begins = (frame["date"] != frame["date"].shift()) | (frame["start"] != frame["end"].shift())
    return frame.assign(
        volume=directed + frame["undirected_volume"],
        flow=frame["buy_volume"] - frame["sell_volume"],
        stretch=begins.cumsum() - 1,
    )


def references(periods: pd.DataFrame, states: pd.DataFrame) -> References:
    """Return the reference levels of a history."""
    return References(
        price=float(periods["mid_close"].dropna().iloc[-1]),
        volatility=float(states["volatility"].mean()),
        depth=float(periods["depth"].mean()),
        volume=float(1.0 / (1.0 / _told(states)).mean()),
    )


def thinness(states: pd.DataFrame, level: References) -> pd.Series:
    """Return the reference volume over what was expected of every past period: 1 on average."""
    return level.volume / _told(states)


def _told(states: pd.DataFrame) -> pd.Series:
    volume = states["volume"].to_numpy()
    return pd.Series(liquidity_volume(volume, volume), index=states.index)


def past_cells(days: tuple[Features, ...], forecast: Forecast, scope: Scope) -> pd.DataFrame:
    """Return one row per measured cell with the states predicted before its period.

    Adds volatility (v), thinness, bucket, cluster, time (share of the session gone by), expected
    half spread and depth. Periods without a prediction (the first of the history) are left out by
    the caller, who counts them.
    """
    periods = past_periods(days, scope)
    states = forecast.states
    level = references(periods, states)
    known = states.assign(
        volatility=states["volatility"] / level.volatility,
        thinness=thinness(states, level),
        time=states["period"] / scope.periods,
        bucket=np.minimum(states["period"] * scope.buckets // scope.periods, scope.buckets - 1),
        cluster=_clusters(states),
    ).rename(columns={"half_spread": "expected_half_spread", "depth": "expected_depth"})
    measured = periods[["date", "period", "half_spread", "mid_open"]]
    cells = pd.concat([day.cells for day in days], ignore_index=True)
    return cells.merge(measured, on=["date", "period"]).merge(
        known.drop(columns=["start"]), on=["date", "period"], how="left"
    )


def past_states(periods: pd.DataFrame, forecast: Forecast, cells: pd.DataFrame) -> pd.DataFrame:
    """Return past periods beside the states predicted before them (volume_state for volume), and
    the clusters and buckets of their cells.
    """
    blocks = cells[["date", "period", "cluster", "bucket"]].drop_duplicates()
    place = ["date", "period"]
    return periods.merge(forecast.states, on=place, suffixes=("", "_state")).merge(blocks, on=place)


def _clusters(states: pd.DataFrame) -> pd.Series:
    day = states["date"].astype("category").cat.codes.astype(int)
    if day.nunique() >= MANY_DAYS:
        return day
    block = states["period"] // BLOCK_PERIODS
    return day * (block.max() + 1) + block


def past_content(days: tuple[Features, ...], scope: Scope) -> list[pd.DataFrame]:
    """Return every table that a run's estimates come from: the past periods and their cells."""
    periods = past_periods(days, scope)
    cells = pd.concat([day.cells for day in days], ignore_index=True)
    return [periods, cells.merge(periods[["date", "period"]], on=["date", "period"])]


def data_read(days: tuple[Features, ...], scope: Scope) -> DataRead:
    """Return which of a symbol's days a run's estimates come from, and their fingerprint."""
    tables = past_content(days, scope)
    dates = tables[0]["date"]
    return DataRead(fingerprint(tables), str(dates.min()), str(dates.max()), dates.nunique())


def law_cells(frame: pd.DataFrame, half_life: float = np.inf) -> Cells:
    """Return the estimator's arrays from rows of `past_cells`; half_life: days of the history
    behind its last one at which a day weighs half.
    """
    names = (
        "size",
        "excess",
        "half_spread",
        "censored",
        "bucket",
        "volatility",
        "thinness",
        "cluster",
    )
    day = np.unique(frame["date"].to_numpy(dtype=str), return_inverse=True)[1]
    columns = {name: frame[name].to_numpy() for name in names}
    weight = None if np.isinf(half_life) else 0.5 ** ((day.max() - day) / half_life)
    return Cells(**columns, day=day, weight=weight)


def held_out(frame: pd.DataFrame, holdout: float) -> pd.Series:
    """Mark the latest share of the history: whole days where there are several, else the end of the
    day.
    """
    dates = np.unique(frame["date"])
    if len(dates) > 1:
        late = dates[-max(1, round(holdout * len(dates))) :]
        return frame["date"].isin(late)
    periods = np.unique(frame["period"])
    return frame["period"] >= periods[-max(1, round(holdout * len(periods)))]


def comparable_cells(days: tuple[Features, ...], forecast: Forecast, scope: Scope) -> pd.DataFrame:
    """Return the cells on which candidates are trained and compared, with `observed`, their cost
    over mid.

    They are those of the sizes that the law is fitted on.
    """
    cells = past_cells(days, forecast, scope)
    needed = [
        "volatility",
        "thinness",
        "expected_half_spread",
        "expected_depth",
        "mid_open",
        "half_spread",
        "censored",
    ]
    known = cells[needed].notna().all(axis=1)
    cells = shown(cells[known])
    return cells.assign(observed=cells["half_spread"] * cells["size"] + cells["excess"])


def shown(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the cells of the sizes that the book's depth can tell the cost of."""
    sizes = shown_sizes(cells["size"].to_numpy(), cells["censored"].to_numpy())
    return cells[cells["size"].isin(sizes)].reset_index(drop=True)
