"""When the session's periods are, in exchange time."""

from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from pipeline.engine.sessions import SECOND_NS, SessionCalendar
from pipeline.parameters.schema import Calendar

NEAR = 10  # sessions among which a whole one is looked for: half days come in twos and threes


@dataclass(frozen=True)
class Clock:
    """Exchange time of the session's periods.

    opening: start of period 0, hours after midnight. length: of a period, hours. breaks: the first
    period after each break, and by how much it and all later ones are put off, hours.
    """

    opening: float
    length: float
    breaks: tuple[tuple[int, float], ...] = ()

    @classmethod
    def of(cls, calendar: Calendar, plan: pd.DataFrame) -> "Clock":
        """Read the clock off the plan's first period, and breaks off the calendar.

        plan: period, start (ISO 8601 with offset).
        """
        start = pd.Timestamp(plan["start"].iloc[0]).tz_convert(ZoneInfo(calendar.timezone))
        length = calendar.period_seconds / 3600
        hours = (start - start.normalize()).total_seconds() / 3600
        clock = cls(0.0, length, _breaks(calendar, start))
        first = plan["period"].iloc[0]
        return replace(clock, opening=hours - first * length - float(clock._put_off(first)))

    def hours(self, period: np.ndarray) -> np.ndarray:
        """Return when the periods start, hours after midnight."""
        return self.opening + np.asarray(period) * self.length + self._put_off(period)

    def label(self, period: int) -> str:
        """Return when a period starts as HH:MM."""
        return hour_label(float(self.hours(np.asarray(period))))

    def end_label(self, period: int) -> str:
        """Return when a period ends as HH:MM, that before a break not after it."""
        return hour_label(float(self.hours(np.asarray(period))) + self.length)

    def stairs(self, period: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return values and edges (hours) of periods in order as steps, NaN through breaks."""
        begin = self.hours(np.append(period, period[-1] + 1))
        broken = [place for place, _ in self.breaks if period[0] < place <= period[-1]]
        after = np.searchsorted(period, broken)
        return (
            np.insert(value.astype(float), after, np.nan),
            np.insert(begin, after, self.hours(period)[after - 1] + self.length),
        )

    def _put_off(self, period: np.ndarray) -> np.ndarray:
        late = np.zeros(np.shape(period))
        for first, hours in self.breaks:
            late = late + hours * (np.asarray(period) >= first)
        return late


def _breaks(calendar: Calendar, start: pd.Timestamp) -> tuple[tuple[int, float], ...]:
    """Return the breaks of the first whole session from `start` on, as `Clock` has them."""
    sessions = SessionCalendar(calendar.name, calendar.period_seconds)
    near = sessions.sessions_from(str(start.date()), NEAR)
    session = next((each for each in near if each.periods == calendar.periods), near[0])
    starts, ends = session.starts_ns, session.ends_ns
    after = np.flatnonzero(starts[1:] != ends[:-1]) + 1
    late = np.diff(starts)[after - 1] / (SECOND_NS * 3600) - calendar.period_seconds / 3600
    return tuple(zip(after.tolist(), late.tolist(), strict=True))


def hour_label(hours: float, _position: int | None = None) -> str:
    """Return hours after midnight as HH:MM; the signature is that of a matplotlib formatter."""
    minutes = round(hours * 60) % (24 * 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def bucket_edges(periods: int, buckets: int) -> np.ndarray:
    """Return the first period of every bucket, and the end: period p is in p * buckets // periods.

    periods: of a full session.
    """
    return -(-np.arange(buckets + 1) * periods // buckets)
