"""Read a panel of daily measures, or minute bars aggregated to them, for the forecasters."""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.forecast.daily.measures import Measures
from pipeline.engine.errors import InputError, shown
from pipeline.engine.sessions import SessionCalendar
from pipeline.studies.tables import check_plain, read_table
from pipeline.tape.clock import check_bars

TIMES = ("date", "timestamp", "ts_event", "time", "datetime")
COMPANIONS = {  # of a realized variance, by the names that panels give them
    "quarticity": ("rq", "quarticity"),
    "jump": ("rj", "jump"),
    "negative": ("rvn", "rsv", "negative"),
    "positive": ("rvp", "positive"),
}
BIPOWER = ("bpv", "bv")  # what is left of a variance without its jumps
PRICES = ("close", "midprice")
VARIANCE = "rv"  # the target that is measured from prices
REALIZED = re.compile(r"rv(|[\d_].*)")  # a variance, and how it was sampled: rv, rv5, rv5_ss
LEAST_BARS = 0.5  # of the usual number: a day with fewer has no level of its own
COMPACT = (1900_01_01, 2100_12_31)  # a date written as a number
LEAST_NS = 10**17  # since the epoch: smaller numbers count seconds, milliseconds or days
NO_DATE = "is no date; write 2025-01-31, 20250131, 2025-01-31T14:30:00Z or nanoseconds since 1970"
YEARS = (1678, 2261)  # whole ones that 64 bits of ns hold
PERCENT = 100.0  # returns are measured in percent
ACTIVITY = ("volume", "trades")  # what tells a busy bar, the first that is there


@dataclass(frozen=True, eq=False)
class Panel:
    """A file's daily measures.

    companions: the columns beside the target that were taken, or what they were made from; outside:
    bars outside the calendar's sessions; partial: days with fewer than half of the usual bars,
    whose measures are missing.
    """

    measures: Measures
    companions: tuple[str, ...]
    outside: int
    partial: int


def read_panel(path: str, target: str, calendar: SessionCalendar) -> Panel:
    """Return a file's daily measures of the target.

    The file is CSV or Parquet.
    One row a day, with a date column and the target's; a realized variance (`rv`, `rv5`, `rv5_ss`)
    brings its quarticity, jump and semivariances where they are there, those of its own sampling
    first. Several rows a day are bars, of which those within the calendar's sessions count: `rv` is
    then measured from `close` or `midprice`, any other target is summed. Column names are matched
    whatever their case.
    Raises: InputError naming file, column or row.
    """
    frame = read_frame(path)
    time = times(frame, path)
    days, outside, partial = time.dt.floor("D"), 0, 0
    if days.duplicated().any():
        session = sessions_of(frame, time, calendar, path)
        inside = ~np.isnat(session)
        outside = int((~inside).sum())
        kept = frame[inside].reset_index(drop=True)
        dates = pd.Series(session[inside])
        frame = _daily(kept, dates, target, path)
        short = _partial(dates, calendar)
        frame[short] = np.nan
        partial, days = int(short.sum()), frame.index.to_series()
    level = amounts(frame, target, path)
    found, companions = _companions(frame, level, target.lower(), path)
    try:
        measures = Measures(level, **found, date=days.to_numpy().astype("datetime64[D]"))
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None
    return Panel(measures, companions, outside, partial)


def _partial(dates: pd.Series, calendar: SessionCalendar) -> np.ndarray:
    """Mark the days that have fewer than half of the usual bars for their hours, (D,)."""
    bars = dates.groupby(dates).size()
    hours = np.array([calendar.session(str(day)[:10]).periods for day in bars.index])
    rate = bars.to_numpy() / hours
    return np.asarray(rate < LEAST_BARS * np.median(rate))


def _companions(
    frame: pd.DataFrame, level: np.ndarray, target: str, path: str
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Return what was measured beside a realized variance, by field, and the columns it is from."""
    sampled = REALIZED.fullmatch(target)
    if sampled is None:
        return {}, ()

    def column(names: tuple[str, ...]) -> str | None:
        wanted = [name + end for end in dict.fromkeys((sampled[1], "")) for name in names]
        return next((name for name in wanted if name in frame.columns and name != target), None)

    taken = {field: column(names) for field, names in COMPANIONS.items()}
    found = {field: amounts(frame, name, path) for field, name in taken.items() if name}
    bipower = column(BIPOWER)
    if "jump" not in found and bipower:
        taken["jump"] = bipower
        found["jump"] = np.maximum(level - amounts(frame, bipower, path), 0.0)  # by definition
    if "negative" in found and "positive" not in found:
        found["positive"] = level - found["negative"]
        if (found["positive"] < 0).any():  # of another sampling: no part of this variance
            del found["negative"], found["positive"]
            taken["negative"] = None
    return found, tuple(name for name in taken.values() if name)


def sessions_of(
    frame: pd.DataFrame, time: pd.Series, calendar: SessionCalendar, path: str
) -> np.ndarray:
    """Return the session date of each bar, NaT outside all of them.

    Raises: InputError when all are outside, or most are as times of another zone would be.
    """
    ts = time.to_numpy().astype("datetime64[ns]").astype(np.int64)
    session = calendar.session_of(ts)
    if np.isnat(session).all():
        raise InputError(
            f"{path}: no bar lies within a session of calendar {calendar.name}; check --calendar"
        )
    activity = next((_column(frame, name, path) for name in ACTIVITY if name in frame), None)
    if activity is not None:
        activity = pd.to_numeric(activity, errors="coerce").abs().fillna(0.0).to_numpy(dtype=float)
    check_bars(ts, activity, calendar, path)
    return session


def read_frame(path: str) -> pd.DataFrame:
    """Return the file's table, column names in lower case.

    Raises: InputError when it cannot be read or has no rows.
    """
    frame = read_table(path, "--panel")
    return frame.rename(columns=lambda name: str(name).lower())


def times(frame: pd.DataFrame, path: str) -> pd.Series:
    """Return the table's time column in UTC, in order, without the zone.

    A time without a zone is UTC.
    A number is a date such as 20250131 or nanoseconds since 1970.
    Raises: InputError when there is none, a value is not a time, the order is wrong or a time comes
    twice.
    """
    names = [name for name in TIMES if name in frame.columns]
    if not names:
        raise InputError(
            f"{path}: no date column ({', '.join(TIMES)}) among {', '.join(frame.columns)}"
        )
    columns = {name: _column(frame, name, path) for name in names}
    # days that repeat beside complete times are no rows' times
    complete = (name for name, given in columns.items() if given.is_unique and given.notna().all())
    name = next(complete, names[0])
    given = columns[name]
    if pd.api.types.is_numeric_dtype(given):
        given = _dates_of_numbers(given, name, path)
    time = _parsed(given, name, path)
    wrong = time.isna() | ~time.dt.year.between(*YEARS)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(f"{path}: row {row + 1}, {name} = {shown(given.iloc[row])} {NO_DATE}")
    step = time.diff()
    if (step <= pd.Timedelta(0)).any():
        row = int(np.argmax(step <= pd.Timedelta(0)))
        what = (
            "repeats the row above; one row a bar"
            if step.iloc[row] == pd.Timedelta(0)
            else "is before the row above; sort the panel"
        )
        raise InputError(
            f"{path}: row {row + 1}, {name} = {given.iloc[row]} {what}, one symbol a file"
        )
    return time


def _parsed(given: pd.Series, name: str, path: str) -> pd.Series:
    """Return times in UTC without the zone, all of the first one's format, NaT for what is none.

    Raises: InputError where that is no format, and each value would be guessed at by itself.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            return pd.to_datetime(given, errors="coerce", utc=True).dt.tz_localize(None)
    except (UserWarning, TypeError, ValueError, OverflowError):
        raise InputError(f"{path}: row 1, {name} = {shown(given.iloc[0])} {NO_DATE}") from None


def _dates_of_numbers(given: pd.Series, name: str, path: str) -> pd.Series:
    if given.between(*COMPACT).all():
        return given.astype("int64").astype(str)
    small = given < LEAST_NS
    if small.any():
        row = int(np.argmax(small))
        raise InputError(f"{path}: row {row + 1}, {name} = {given.iloc[row]} {NO_DATE}")
    return given


def _column(frame: pd.DataFrame, name: str, path: str) -> pd.Series:
    if name not in frame.columns:
        raise InputError(f"{path}: no column '{name}'; the columns are {', '.join(frame.columns)}")
    found = frame[name]
    if isinstance(found, pd.DataFrame):
        raise InputError(
            f"{path}: {found.shape[1]} columns are called '{name}' but for their case; rename all "
            "but one"
        )
    check_plain(found, name, path)
    return found


def price_column(frame: pd.DataFrame) -> str:
    """Return the name of the column that a variance is measured from."""
    return next((name for name in PRICES if name in frame.columns), PRICES[0])


def prices(frame: pd.DataFrame, name: str, path: str) -> np.ndarray:
    """Return a column of prices, NaN where empty.

    Raises: InputError when it is absent or a value is not a positive number.
    """
    return _checked(frame, name, path, lambda values: values > 0, "prices are positive")


def amounts(frame: pd.DataFrame, name: str, path: str) -> np.ndarray:
    """Return a column of what can be summed, NaN where empty.

    Raises: InputError when it is absent or a value is not a number of 0 or more.
    """
    return _checked(
        frame, name, path, lambda values: values >= 0, "what is forecast is not negative"
    )


def _checked(
    frame: pd.DataFrame, name: str, path: str, fits: Callable[[np.ndarray], np.ndarray], rule: str
) -> np.ndarray:
    values = numbers(frame, name, path)
    wrong = ~np.isnan(values) & ~(fits(values) & (values < np.inf))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(f"{path}: row {row + 1}, {name} = {values[row]:g}: {rule} and finite")
    return values


def numbers(frame: pd.DataFrame, name: str, path: str) -> np.ndarray:
    """Return a column as numbers, NaN where empty.

    Raises: InputError when it is absent or a value is not a number.
    """
    given = _column(frame, name.lower(), path)
    if pd.api.types.is_datetime64_any_dtype(given):
        raise InputError(f"{path}: column '{name}' holds times, not numbers")
    values = pd.to_numeric(given, errors="coerce")
    wrong = values.isna() & given.notna()
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"{path}: row {row + 1}, {name} = {shown(given.iloc[row])} is not a number"
        )
    return np.asarray(values, dtype=np.float64)


def _daily(frame: pd.DataFrame, days: pd.Series, target: str, path: str) -> pd.DataFrame:
    """Return one row a day from bars: the target's sum, or realized measures of log returns.

    Source: Andersen, Bollerslev, Diebold 2007 for the jump (what bipower variation leaves);
    Barndorff-Nielsen, Kinnebrock, Shephard 2010 for the semivariances.
    """
    if target.lower() != VARIANCE:
        amount = pd.Series(amounts(frame, target, path), name=target.lower())
        return amount.groupby(days).sum(min_count=1).to_frame()
    price = pd.Series(prices(frame, price_column(frame), path))
    move = PERCENT * np.log(price).groupby(days).diff()
    sums = pd.DataFrame(
        {
            "rv": move**2,
            "rq": move**4,
            "rvn": move.where(move < 0, 0.0) ** 2,
            "rvp": move.where(move > 0, 0.0) ** 2,
            "bpv": np.pi / 2 * move.abs() * move.abs().groupby(days).shift(),
        }
    )
    count = move.groupby(days).count()
    # A day of one bar has no variance, not one of zero.
    found = sums.groupby(days).sum().where(count > 0)
    found["rq"] *= count / 3
    found["rj"] = (found["rv"] - found["bpv"]).clip(lower=0.0)  # by definition not negative
    return found
