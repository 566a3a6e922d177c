"""Sessions against the exchange's published hours."""

import pickle
from datetime import UTC, datetime

import numpy as np
import pytest

from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SessionCalendar


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("date", "opens", "closes", "periods"),
    [
        ("2025-03-07", "2025-03-07T14:30", "2025-03-07T21:00", 390),  # winter time
        (
            "2025-03-10",
            "2025-03-10T13:30",
            "2025-03-10T20:00",
            390,
        ),  # the clocks went forward on the 9th
        ("2024-12-24", "2024-12-24T14:30", "2024-12-24T18:00", 210),  # closes at 13:00
        ("2012-06-21", "2012-06-21T13:30", "2012-06-21T20:00", 390),
    ],
)
def test_new_york_hours(date: str, opens: str, closes: str, periods: int) -> None:
    session = SessionCalendar("XNYS").session(date)
    assert (session.open_ns, session.close_ns) == (ns(opens), ns(closes))
    assert (session.date, session.timezone, session.periods) == (date, "America/New_York", periods)
    assert session.starts_ns[0] == session.open_ns
    assert session.starts_ns[-1] == session.close_ns - 60 * 10**9
    assert len(session.starts_ns) == periods


def test_continuous_market_has_a_session_a_day() -> None:
    session = SessionCalendar("24/7").session("2025-02-02")  # a Sunday
    assert (session.open_ns, session.periods) == (ns("2025-02-02T00:00"), 1440)


def test_last_period_is_shorter_where_they_do_not_fit() -> None:
    session = SessionCalendar("XNYS", 7 * 60).session("2025-01-06")
    assert session.periods == 56  # 390 = 55 * 7 + 5
    assert session.starts_ns[-1] < session.close_ns


def test_no_session_is_an_error_that_names_the_next() -> None:
    calendar = SessionCalendar("XNYS")
    with pytest.raises(InputError, match=r"2024-12-25: not a session.*2024-12-26"):
        calendar.session("2024-12-25")
    for wrong in ("", "25-12-2024", "2025-02-30"):
        with pytest.raises(InputError, match="not a date"):
            calendar.session(wrong)
    with pytest.raises(InputError, match="2049"):
        calendar.next_session("2049-12-31")


def test_next_sessions_skip_weekend_and_holiday() -> None:
    calendar = SessionCalendar("XNYS")
    # Monday was Martin Luther King's day
    assert calendar.next_session("2025-01-17").date == "2025-01-21"
    assert calendar.next_session("2025-01-18").date == "2025-01-21"
    dates = [session.date for session in calendar.sessions_from("2025-01-08", 3)]
    assert dates == ["2025-01-08", "2025-01-10", "2025-01-13"]  # the 9th was a day of mourning


def test_session_of_matches_a_loop() -> None:
    calendar = SessionCalendar("XNYS")
    days = [calendar.session(date) for date in ("2024-12-23", "2024-12-24", "2024-12-26")]
    edges = [
        edge + step for day in days for edge in (day.open_ns, day.close_ns) for step in (-1, 0, 1)
    ]
    expected = [
        next((day.date for day in days if day.open_ns <= ts < day.close_ns), "NaT") for ts in edges
    ]
    assert calendar.session_of(np.array(edges)).astype(str).tolist() == expected


def test_unknown_calendar_names_the_nearest() -> None:
    with pytest.raises(InputError, match="'XNY': unknown; did you mean XNYS"):
        SessionCalendar("XNY")
    with pytest.raises(InputError, match="period_seconds"):
        SessionCalendar("XNYS", 0)


def test_calendar_travels_to_workers() -> None:
    calendar = SessionCalendar("XNYS", 300)
    calendar.session("2025-01-06")
    assert pickle.loads(pickle.dumps(calendar)).session("2025-01-06").periods == 78
