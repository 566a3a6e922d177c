"""Does the clock of a tape agree with the calendar? What times in another zone betray."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from models.inference.caveat import Caveat
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SECOND_NS, SessionCalendar

MINUTE_NS, HALF_HOUR_NS = 60 * SECOND_NS, 1800 * SECOND_NS
# by which a clock may be off, whole half hours as zones are; the least first, so that it wins ties
SHIFTS = np.array(sorted(range(-28, 29), key=abs)) * HALF_HOUR_NS
MOST_OUTSIDE = 0.5  # of the rows: more is no matter of early and late trading
MOST_MISSING = 0.25  # of the session, at its beginning or end
FAR_BETTER = 2.0  # times as many rows within sessions by another clock
ABNORMAL = 0.05  # of the rows: so many more within sessions by another clock are worth a word
MANY_DAYS = 5  # of a symbol: a day of news after the close does not outweigh the others
ADVICE = {  # short, as a refusal has 300 characters
    "taq": 'set timezone in the map, such as "UTC"',
    "databento": "its times have to be UTC: convert them",
    "lobster": "write its times in seconds after New York's midnight",
    "lean": "write its times in ms after New York's midnight",
    "bars": "times without an offset count as UTC: write it",
}


@dataclass(frozen=True)
class ClockCount:
    """How a file's rows lie to the sessions, before any cleaning.

    first_ns, last_ns: of all rows, to the minute; held: rows, or of bars the part of them that has
    their share of all volume, within sessions if all times were earlier by each of SHIFTS, 0 first.
    """

    rows: int
    outside: int
    first_ns: int
    last_ns: int
    held: tuple[float, ...]

    def __add__(self, other: "ClockCount") -> "ClockCount":
        return ClockCount(
            self.rows + other.rows,
            self.outside + other.outside,
            min(self.first_ns, other.first_ns),
            max(self.last_ns, other.last_ns),
            tuple(one + another for one, another in zip(self.held, other.held, strict=True)),
        )

    @property
    def best(self) -> tuple[int, float]:
        """Return the shift (ns) that holds most, and how many rows more than none."""
        place = int(np.argmax(self.held))
        return int(SHIFTS[place]), self.held[place] - self.held[0]


@dataclass(frozen=True)
class Holes:
    """What of its sessions a file leaves out, medians over the days, ns.

    late_ns: before the first row, early_ns: after the last one; length_ns: of the session.
    """

    late_ns: float
    early_ns: float
    length_ns: float
    days: int


def count_rows(minutes: Mapping[int, int], calendar: SessionCalendar) -> ClockCount:
    """Count a file's rows by minute since the epoch."""
    ts, rows = (np.array(list(each), dtype=np.int64) for each in (minutes, minutes.values()))
    ts = ts * MINUTE_NS
    total, held = int(rows.sum()), _held(ts, rows, calendar)
    return ClockCount(total, total - int(held[0]), int(ts.min()), int(ts.max()), held)


def _held(ts: np.ndarray, weight: np.ndarray, calendar: SessionCalendar) -> tuple[float, ...]:
    inside = (~np.isnat(calendar.session_of(ts - shift)) for shift in SHIFTS)
    return tuple(float(weight[each].sum()) for each in inside)


def holes_of(calendar: SessionCalendar, days: list[tuple[str, int, int]]) -> Holes:
    """Return what is missing of sessions; days: date, first and last time (ns) within it."""
    sessions = [calendar.session(date) for date, _, _ in days]
    late, early, length = (
        np.median(each)
        for each in zip(
            *(
                (
                    first - session.open_ns,
                    session.close_ns - last,
                    session.close_ns - session.open_ns,
                )
                for session, (_, first, last) in zip(sessions, days, strict=True)
            ),
            strict=True,
        )
    )
    return Holes(float(late), float(early), float(length), len(days))


def check_clock(
    count: ClockCount, holes: Holes, calendar: SessionCalendar, where: str, source: str
) -> Caveat | None:
    """Say when the times of a file look to be of another zone; None where they do not.

    Rows outside sessions are no sign by themselves: tapes of 04:00 to 20:00 have them every day,
    bars of such hours more than of the session. What betrays a clock is where the others are. A
    tape of the session alone that is read some hours off leaves a hole at the session's beginning
    or end. A tape of longer hours covers the session even then, but is densest in the true one, so
    that another clock would hold far more rows; in a market that never closes all clocks hold
    alike. Most rows outside are refused beside a hole of a quarter of the session or where another
    clock holds twice as many, and else are worth a warning; so is another clock that holds more by
    5 % of all rows and explains half of the hole, or holds them over five days.

    Raises: InputError that says the share, the first and last time, and what to do.
    """
    share, (shift, more) = count.outside / count.rows, count.best
    said = (
        f"{share:.0%} of {count.rows:,} rows are outside the sessions of {calendar.name}: "
        f"{read_as(count, calendar)}"
    )
    if share > MOST_OUTSIDE:
        hole = max(holes.late_ns, holes.early_ns) / holes.length_ns
        if hole > MOST_MISSING or count.held[0] + more >= FAR_BETTER * count.held[0]:
            reason = (
                by_another_clock(count)
                if more > 0
                else f"of the usual session {hole:.0%} has no quote"
            )
            raise InputError(f"{where}: {said}; {reason}; {ADVICE[source]}, or give its --calendar")
        return Caveat("outside_sessions", f"{said}; is --calendar the market's own?")
    hole_ns = holes.late_ns if shift > 0 else holes.early_ns
    if more >= ABNORMAL * count.rows and (holes.days >= MANY_DAYS or hole_ns >= abs(shift) / 2):
        return Caveat(
            "clock_off",
            f"{said}; {by_another_clock(count)}: is the zone of its times the right one?",
        )
    return None


def check_bars(
    ts: np.ndarray, activity: np.ndarray | None, calendar: SessionCalendar, where: str
) -> None:
    """Check the times (ns, in order) of bars, each of which lasts until the next one.

    activity: of each bar, such as its volume; without one all bars weigh alike.
    Raises: InputError as `check_clock`.
    """
    session, step = calendar.session_of(ts), int(np.median(np.diff(ts))) if len(ts) > 1 else 0
    dates = session[~np.isnat(session)]
    first = np.flatnonzero(np.append(True, dates[1:] != dates[:-1]))
    inside = ts[~np.isnat(session)]
    days = [
        (str(dates[begin]), int(inside[begin]), int(inside[end]) + step)
        for begin, end in zip(first, [*(first[1:] - 1), len(dates) - 1], strict=True)
    ]
    minutes, place, rows = np.unique(ts // MINUTE_NS, return_inverse=True, return_counts=True)
    count = count_rows(dict(zip(minutes.tolist(), rows.tolist(), strict=True)), calendar)
    most = 0.0 if activity is None else float(activity.max())
    if activity is not None and 0 < most < np.inf:
        weight = np.bincount(place, activity / most) * len(ts) / (activity / most).sum()
        count = replace(count, held=_held(minutes * MINUTE_NS, weight, calendar))
    check_clock(count, holes_of(calendar, days), calendar, where, "bars")


def by_another_clock(count: ClockCount) -> str:
    """Say how much of the activity the clock would put into sessions that holds most."""
    shift, more = count.best
    hours = f"{abs(shift) / (2 * HALF_HOUR_NS):g} h {'earlier' if shift > 0 else 'later'}"
    now, then = count.held[0] / count.rows, (count.held[0] + more) / count.rows
    return f"{then:.0%}, not {now:.0%}, would be inside with times {hours}"


def read_as(count: ClockCount, calendar: SessionCalendar) -> str:
    """Say from when to when the rows are, in the exchange's zone."""
    first, last = (
        datetime.fromtimestamp(ns // SECOND_NS, UTC).astimezone(ZoneInfo(calendar.timezone))
        for ns in (count.first_ns, count.last_ns)
    )
    return f"in {calendar.timezone} from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"
