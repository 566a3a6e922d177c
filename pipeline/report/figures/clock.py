"""When the session's periods are, in exchange time."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from pipeline.parameters.schema import Calendar


@dataclass(frozen=True)
class Clock:
    """Exchange time of the session's periods.

    opening: start of period 0, hours after midnight. length: of a period, hours.
    """

    opening: float
    length: float

    @classmethod
    def of(cls, calendar: Calendar, plan: pd.DataFrame) -> "Clock":
        """Read the clock off the plan's first period.

        plan: period, start (ISO 8601 with offset).
        """
        start = pd.Timestamp(plan["start"].iloc[0]).tz_convert(ZoneInfo(calendar.timezone))
        length = calendar.period_seconds / 3600
        hours = (start - start.normalize()).total_seconds() / 3600
        return cls(hours - plan["period"].iloc[0] * length, length)

    def hours(self, period: np.ndarray) -> np.ndarray:
        """Return when the periods start, hours after midnight."""
        return self.opening + np.asarray(period) * self.length

    def label(self, period: int) -> str:
        """Return when a period starts as HH:MM."""
        return hour_label(self.opening + period * self.length)


def hour_label(hours: float, _position: int | None = None) -> str:
    """Return hours after midnight as HH:MM; the signature is that of a matplotlib formatter."""
    minutes = round(hours * 60) % (24 * 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def bucket_edges(periods: int, buckets: int) -> np.ndarray:
    """Return the first period of every bucket, and the end: period p is in p * buckets // periods.

    periods: of a full session.
    """
    return -(-np.arange(buckets + 1) * periods // buckets)
