"""Which part of the tape a run may use and which periods it plans for."""

import math
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from pipeline.engine.config import Config
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SECOND_NS, Session, SessionCalendar

MOST_LATER = (
    5  # sessions from the last one with tape to the one planned: levels are a week old then
)


@dataclass(frozen=True)
class Scope:
    """The part of the tape a run may use, and the periods it plans for.

    as_of: ns; nothing that ends later is read. last, last_close: the last session with tape before
    it, and its close (ns). date: the session to be traded; first: its first period to be traded;
    starts: ns, from there on; close: ns. periods: of a full session; buckets: time-of-day levels of
    alpha; holdout: the share of the history that candidates are compared on; half_life: days at
    which a day's walks weigh half in the fit of the law.
    """

    as_of: int
    last: str
    last_close: int
    date: str
    first: int
    starts: tuple[int, ...]
    close: int
    periods: int
    period_seconds: int
    buckets: int
    holdout: float
    half_life: float = math.inf

    def to_the_close(self) -> "Scope":
        """Return the scope with all of the tape as history, for studies that plan nothing."""
        return replace(self, as_of=self.last_close)


def make_scope(dates: list[str], calendar: SessionCalendar, config: Config) -> Scope:
    """Plan the session after the last one on tape, or what `as_of` leaves of its session.

    With one day alone and no `as_of`, its first half is the history and its second half is planned:
    a single day says nothing about the next one's level.
    Raises: InputError when `as_of` is not a time, leaves no tape before it, or is long after it.
    """
    sessions = [calendar.session(date) for date in sorted(set(dates))]
    if config.data.as_of:
        as_of = _parse(config.data.as_of, calendar)
    elif len(sessions) == 1:
        as_of = int(sessions[0].starts_ns[sessions[0].periods // 2])
    else:
        as_of = sessions[-1].close_ns
    used = [session for session in sessions if session.open_ns < as_of]
    if not used:
        raise InputError(f"as_of {config.data.as_of}: the tape begins later, on {sessions[0].date}")
    today = _planned(used[-1], as_of, calendar)
    starts = tuple(int(start) for start in today.starts_ns if start >= as_of)
    full = max(session.periods for session in (*sessions, today))
    buckets = config.calibrate.buckets if len(used) > 1 or as_of >= used[0].close_ns else 1
    return Scope(
        as_of=as_of,
        last=used[-1].date,
        last_close=used[-1].close_ns,
        date=today.date,
        first=today.periods - len(starts),
        starts=starts,
        close=today.close_ns,
        periods=full,
        period_seconds=config.data.period_seconds,
        buckets=min(buckets, full),
        holdout=config.select.holdout,
        half_life=_days(config.calibrate.half_life),
    )


def until_close(config: Config, session: Session) -> Config:
    """Return the configuration of what is known at a session's close."""
    close = datetime.fromtimestamp(session.close_ns // SECOND_NS, ZoneInfo(session.timezone))
    known = {"as_of": close.replace(tzinfo=None).isoformat()}
    return config.model_copy(update={"data": config.data.model_copy(update=known)})


def _days(half_life: float | str) -> float:
    return math.inf if isinstance(half_life, str) else half_life


def _planned(last: Session, as_of: int, calendar: SessionCalendar) -> Session:
    """Return the session to be traded: the last one with tape, or what follows when it is over."""
    today, later = last, 0
    while today.starts_ns[-1] < as_of:  # nothing left to trade in
        today, later = calendar.next_session(today.date), later + 1
        if later > MOST_LATER:
            moment = datetime.fromtimestamp(as_of // SECOND_NS, ZoneInfo(calendar.timezone))
            raise InputError(
                f"as_of {moment:%Y-%m-%dT%H:%M}: the tape ends on {last.date}, more than "
                f"{MOST_LATER} sessions before the one to be planned; bring the tape up to date, "
                "or move --as-of"
            )
    return today


def _parse(text: str, calendar: SessionCalendar) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"as_of {text}: not a time; write it as 2025-01-31T12:00 ({calendar.timezone})"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(calendar.timezone))
    return int(moment.timestamp()) * SECOND_NS
