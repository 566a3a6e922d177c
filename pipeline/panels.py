"""Read a panel of daily measures, or minute bars aggregated to them, for the forecasters."""

from pathlib import Path

import numpy as np
import pandas as pd

from models.measures import Measures
from pipeline.errors import InputError

TIMES = ("date", "timestamp", "ts_event", "time", "datetime")
COMPANIONS = {"quarticity": ("rq", "quarticity"), "jump": ("rj", "jump"), "negative": ("rvn", "negative"),
              "positive": ("rvp", "positive")}
VARIANCE = "rv"  # the target that has companions
PERCENT = 100.0  # returns are measured in percent


def read_panel(path: str, target: str) -> Measures:
    """Return the target's daily measures from a CSV or Parquet file.

    One row a day, with a date column and the target's; the target `rv` brings RQ, RJ, RVn, RVp where they are there.
    Several rows a day are bars: `rv` is then measured from `close`, any other target is summed. Column
    names are matched whatever their case.
    Raises: InputError naming file, column or row.
    """
    frame = read_frame(path)
    time = times(frame, path)
    days = time.dt.floor("D")
    if days.duplicated().any():
        frame = _daily(frame, days, target, path)
        days = frame.index.to_series()
    level = numbers(frame, target, path)
    found = {field: numbers(frame, name, path) for field, names in COMPANIONS.items()
             for name in names if target.lower() == VARIANCE and name in frame.columns}
    try:
        return Measures(level, **found, date=days.to_numpy().astype("datetime64[D]"))
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None


def read_frame(path: str) -> pd.DataFrame:
    """Return the file's table, column names in lower case.

    Raises: InputError when it cannot be read or has no rows.
    """
    try:
        frame = pd.read_parquet(path) if Path(path).suffix == ".parquet" else pd.read_csv(path)
    except (OSError, ValueError) as error:  # pandas' and pyarrow's reading errors are both
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: cannot be read as CSV or Parquet ({reason}); check --panel") from None
    if frame.empty:
        raise InputError(f"{path}: no rows; check --panel")
    return frame.rename(columns=str.lower)


def times(frame: pd.DataFrame, path: str) -> pd.Series:
    """Return the table's time column, without time zone, in order.

    Raises: InputError when there is none, a value is not a time or the order is wrong.
    """
    name = next((name for name in TIMES if name in frame.columns), None)
    if name is None:
        raise InputError(f"{path}: no date column ({', '.join(TIMES)}) among {', '.join(frame.columns)}")
    time = pd.to_datetime(frame[name], errors="coerce", utc=True).dt.tz_localize(None)
    if time.isna().any():
        row = int(np.argmax(time.isna()))
        raise InputError(f"{path}: row {row + 1}, {name} = {frame[name].iloc[row]!r} is not a date")
    if not time.is_monotonic_increasing:
        row = int(np.argmax(time.diff() < pd.Timedelta(0)))
        found = frame[name].iloc[row]
        raise InputError(f"{path}: row {row + 1}, {name} = {found} is before the row above; sort the panel")
    return time


def numbers(frame: pd.DataFrame, name: str, path: str) -> np.ndarray:
    """Return a column as numbers, NaN where empty.

    Raises: InputError when it is absent or a value is not a number.
    """
    if name.lower() not in frame.columns:
        raise InputError(f"{path}: no column '{name}'; the columns are {', '.join(frame.columns)}")
    given = frame[name.lower()]
    values = pd.to_numeric(given, errors="coerce")
    wrong = values.isna() & given.notna()
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(f"{path}: row {row + 1}, {name} = {given.iloc[row]!r} is not a number")
    return np.asarray(values, dtype=np.float64)


def _daily(frame: pd.DataFrame, days: pd.Series, target: str, path: str) -> pd.DataFrame:
    """Return one row a day from bars: the target's sum, or the realized measures of log returns within the day.

    Source: Andersen, Bollerslev, Diebold 2007 for the jump (what bipower variation leaves); Barndorff-Nielsen,
    Kinnebrock, Shephard 2010 for the semivariances.
    """
    if target.lower() != VARIANCE:
        return pd.Series(numbers(frame, target, path), name=target.lower()).groupby(days).sum(min_count=1).to_frame()
    close = pd.Series(numbers(frame, "close", path))
    if (close <= 0).any():
        raise InputError(f"{path}: row {int(np.argmax(close <= 0)) + 1}, close = {close.min()}: prices are positive")
    move = PERCENT * np.log(close).groupby(days).diff()
    sums = pd.DataFrame({"rv": move**2, "rq": move**4, "rvn": move.where(move < 0, 0.0) ** 2,
                         "rvp": move.where(move > 0, 0.0) ** 2,
                         "bpv": np.pi / 2 * move.abs() * move.abs().groupby(days).shift()})
    found = sums.groupby(days).sum()
    found["rq"] *= move.groupby(days).count() / 3
    found["rj"] = (found["rv"] - found["bpv"]).clip(lower=0.0)  # by definition not negative
    return found
