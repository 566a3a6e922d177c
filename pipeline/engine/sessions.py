"""Trading sessions: when a calendar's market is open, and which session a time belongs to."""

import datetime
import difflib
import warnings
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from pipeline.engine.errors import InputError

SECOND_NS = 1_000_000_000
SATURDAY = 5
FIRST, LAST = "1990-01-02", "2049-12-31"  # fixed: the library's own default moves with today's date


@dataclass(frozen=True)
class Session:
    """One trading session: `open_ns` (included) to `close_ns` (excluded), ns since epoch UTC.

    breaks: (start, end) in order, ns, in which the market is closed meanwhile. What lies between
    them is cut into periods, each stretch from its own start; where they do not fit in exactly its
    last one is shorter. Period 0 begins with the session, also where that opens late.
    """

    date: str
    open_ns: int
    close_ns: int
    timezone: str
    period_seconds: int = 60
    breaks: tuple[tuple[int, int], ...] = ()

    @property
    def stretches(self) -> tuple[tuple[int, int], ...]:
        """Return when the market is open, (start, end) in order, ns: one stretch without breaks."""
        edges = [self.open_ns, *(edge for each in self.breaks for edge in each), self.close_ns]
        return tuple(zip(edges[::2], edges[1::2], strict=True))

    @property
    def periods(self) -> int:
        """Return the number of periods."""
        return len(self.starts_ns)

    @property
    def starts_ns(self) -> np.ndarray:
        """Return each period's start, shape (periods,), ns since epoch UTC."""
        return np.concatenate([edges[:-1] for edges in self._edges])

    @property
    def ends_ns(self) -> np.ndarray:
        """Return each period's end, shape (periods,), ns since epoch UTC."""
        return np.concatenate([edges[1:] for edges in self._edges])

    @property
    def _edges(self) -> list[np.ndarray]:
        length = self.period_seconds * SECOND_NS
        return [cut(stretch, length) for stretch in self.stretches]


def cut(stretch: tuple[int, int], length_ns: int) -> np.ndarray:
    """Return the edges of the stretch's parts of equal length, (n+1,) ns; the last may be short."""
    return np.append(np.arange(*stretch, length_ns, dtype=np.int64), stretch[1])


@dataclass(frozen=True)
class SessionCalendar:
    """A market's sessions by the name that exchange_calendars gives it; "24/7" has one a UTC day.

    Raises: InputError for an unknown name (with the nearest valid ones) or a period under a second.
    """

    name: str = "XNYS"
    period_seconds: int = 60

    def __post_init__(self) -> None:
        if self.period_seconds < 1:
            raise InputError(f"period_seconds = {self.period_seconds}: must be at least 1")
        _load(self.name)

    @property
    def timezone(self) -> str:
        """Return the exchange's IANA time zone."""
        return str(_load(self.name).tz)

    @cached_property
    def _table(self) -> tuple[np.ndarray, ...]:
        """Return dates, then opens, closes, and the starts and ends of breaks in ns.

        The least integer stands where there is no break, as numpy reads NaT.
        """
        calendar = _load(self.name)
        moments = (calendar.opens, calendar.closes, calendar.break_starts, calendar.break_ends)
        return calendar.sessions.to_numpy().astype("datetime64[D]"), *(
            each.dt.tz_convert(None).to_numpy().astype("datetime64[ns]").astype(np.int64)
            for each in moments
        )

    def session(self, date: str) -> Session:
        """Return the session of `date` ('YYYY-MM-DD').

        Raises: InputError when the date is malformed or no session, naming the next one.
        """
        dates = self._table[0]
        day = _day(date)
        at = int(np.searchsorted(dates, day))
        if at == len(dates):
            raise InputError(f"{date}: calendar {self.name} is known to {LAST} only")
        if dates[at] != day:
            raise InputError(
                f"{date}: not a session of calendar {self.name}; the next one is {dates[at]}"
            )
        return self._at(at)

    def sessions_from(self, date: str, count: int) -> list[Session]:
        """Return the first `count` sessions on or after `date`, which need not be a session itself.

        Raises: InputError when the date is malformed or the calendar ends before.
        """
        dates = self._table[0]
        first = int(np.searchsorted(dates, _day(date)))
        if first + count > len(dates):
            raise InputError(f"{date}: calendar {self.name} is known to {LAST} only")
        return [self._at(first + offset) for offset in range(count)]

    def off(self, first: str) -> list[str]:
        """Return the dates without a session, from a date to the last that is known.

        Raises: InputError when the date is malformed.
        """
        dates = self._table[0]
        every = np.arange(_day(first), dates[-1])
        return [str(date) for date in np.setdiff1d(every, dates)]

    def next_session(self, date: str) -> Session:
        """Return the first session after `date`, which need not be a session itself.

        Raises: InputError when the date is malformed or lies after the calendar's end.
        """
        dates = self._table[0]
        at = int(np.searchsorted(dates, _day(date), side="right"))
        if at == len(dates):
            raise InputError(f"{date}: calendar {self.name} is known to {LAST} only")
        return self._at(at)

    def last_closed(self, ts_ns: int) -> Session:
        """Return the last session that had closed by a time, ns.

        Raises: InputError when there was none.
        """
        at = int(np.searchsorted(self._table[2], ts_ns, side="right")) - 1
        if at < 0:
            raise InputError(f"no session of calendar {self.name} had closed by then")
        return self._at(at)

    def session_of(self, ts_ns: np.ndarray) -> np.ndarray:
        """Return the session date of each time, NaT outside all sessions and in their breaks;
        datetime64[D], shape of `ts_ns`.
        """
        dates, opens, closes, pauses, resumes = self._table
        at = np.searchsorted(opens, ts_ns, side="right") - 1
        inside = (at >= 0) & (ts_ns < closes[at])
        inside &= ~((ts_ns >= pauses[at]) & (ts_ns < resumes[at]))
        return np.where(inside, dates[at], np.datetime64("NaT", "D"))

    def _at(self, index: int) -> Session:
        opens, closes, pauses, resumes = (int(each[index]) for each in self._table[1:])
        breaks = ((pauses, resumes),) if opens < pauses < resumes < closes else ()
        date = str(self._table[0][index])
        return Session(date, opens, closes, self.timezone, self.period_seconds, breaks)


def _day(date: str) -> np.datetime64:
    try:
        return np.datetime64(datetime.date.fromisoformat(date))
    except ValueError:
        raise InputError(f"'{date}': not a date; write it as YYYY-MM-DD") from None


def weekend_kinds(dates: list[str], count: int) -> np.ndarray | None:
    """Return 1 for a Saturday or Sunday and 0 else, (count,), 0 beyond the dates; None where none
    is on a weekend.
    """
    weekend = [int(datetime.date.fromisoformat(each).weekday() >= SATURDAY) for each in dates]
    return (
        np.array(weekend + [0] * (count - len(dates)), dtype=np.int64)[:count]
        if any(weekend)
        else None
    )


@lru_cache(maxsize=8)
def _load(name: str) -> Any:
    import exchange_calendars
    from exchange_calendars.errors import InvalidCalendarName
    from pandas.errors import Pandas4Warning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Pandas4Warning)  # exchange_calendars' own, on every load
        try:
            kind = type(exchange_calendars.get_calendar(name))
        except InvalidCalendarName:
            known = exchange_calendars.get_calendar_names()
            near = difflib.get_close_matches(name.upper(), known, n=3, cutoff=0.4) or [
                "XNYS",
                "24/7",
            ]
            raise InputError(
                f"calendar '{name}': unknown; did you mean {' or '.join(near)}?"
            ) from None
        first, last = kind.bound_min(), kind.bound_max()
        start = FIRST if first is None else max(FIRST, str(first.date()))
        end = LAST if last is None else min(LAST, str(last.date()))
        return exchange_calendars.get_calendar(name, start=start, end=end)
