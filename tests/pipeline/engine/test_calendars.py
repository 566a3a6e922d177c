"""Sessions of ten calendars against exchange_calendars itself, a loop over its own minutes."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.engine.config import load_config
from pipeline.engine.scope import make_scope
from pipeline.engine.sessions import SECOND_NS, SessionCalendar
from pipeline.engine.tables import Features
from pipeline.stages.history import past_periods

MINUTE_NS = 60 * SECOND_NS
CASES = [  # calendar, first and last date looked at, what is in it, minutes open on the first date
    ("XNYS", "2024-11-29", "2024-12-06", "a half day first", 210),
    ("XTKS", "2024-11-01", "2024-11-08", "a break; the close moves from 15:00 to 15:30", 300),
    ("XHKG", "2024-12-24", "2025-01-03", "half days without an afternoon, then breaks", 150),
    ("XLON", "2024-12-24", "2025-01-03", "half days, holidays", 270),
    ("XETR", "2024-03-28", "2024-04-05", "the clocks went forward on the 31st", 510),
    ("CMES", "2024-11-01", "2024-11-08", "over midnight, the clocks went back on the 3rd", 1440),
    ("24/7", "2025-02-01", "2025-02-04", "a weekend", 1440),
    ("XNYS", "2025-03-06", "2025-03-13", "the clocks went forward on the 9th", 390),
    ("XSHG", "2025-01-24", "2025-02-06", "a break of 90 minutes, a week of holidays", 240),
    ("XBOM", "2025-01-06", "2025-01-10", "opens at a quarter past", 375),
    ("XKRX", "2024-11-13", "2024-11-15", "an hour late on the 14th", 390),
]


def library(name: str) -> Any:
    import exchange_calendars

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas' own, of what the library calls
        return exchange_calendars.get_calendar(name, start="2024-01-02", end="2025-12-31")


def nanoseconds(moment: pd.Timestamp) -> int:
    return int(moment.as_unit("ns").value)


@pytest.mark.parametrize(("name", "first", "last", "_what", "minutes"), CASES)
def test_periods_breaks_and_closes_are_the_librarys(
    name: str, first: str, last: str, _what: str, minutes: int
) -> None:
    theirs, ours = library(name), SessionCalendar(name, 60)
    sessions = theirs.sessions_in_range(first, last)
    assert str(sessions[0].date()) == first
    for label in sessions:
        session, row = ours.session(str(label.date())), theirs.schedule.loc[label]
        assert (session.open_ns, session.close_ns) == tuple(
            nanoseconds(row[name]) for name in ("open", "close")
        )
        expected = [] if pd.isna(row["break_start"]) else [row["break_start"], row["break_end"]]
        assert np.ravel(session.breaks).tolist() == [nanoseconds(each) for each in expected]
        open_minutes = theirs.session_minutes(label).as_unit("ns").asi8
        np.testing.assert_array_equal(session.starts_ns, open_minutes)
        np.testing.assert_array_equal(session.ends_ns, open_minutes + MINUTE_NS)
        edges = {edge + step for edge in np.ravel(session.stretches) for step in (-1, 0, 1)}
        looked_at = np.array(sorted({*open_minutes.tolist(), *edges}))
        held = np.isin(looked_at - looked_at % MINUTE_NS, open_minutes)
        found = ours.session_of(looked_at).astype(str)
        np.testing.assert_array_equal(found == session.date, held)
    assert ours.session(first).periods == minutes


@pytest.mark.parametrize(("name", "first", "last", "_what", "_minutes"), CASES)
@pytest.mark.parametrize("seconds", [420, 3600, 5400])
def test_periods_tile_what_is_open_and_nothing_else(
    name: str, first: str, last: str, _what: str, _minutes: int, seconds: int
) -> None:
    theirs, ours = library(name), SessionCalendar(name, seconds)
    for label in theirs.sessions_in_range(first, last):
        session = ours.session(str(label.date()))
        length = session.ends_ns - session.starts_ns
        assert length.sum() == len(theirs.session_minutes(label)) * MINUTE_NS
        assert (session.starts_ns[1:] >= session.ends_ns[:-1]).all()
        ends = [end for _, end in session.stretches]
        short = length < seconds * SECOND_NS
        assert set(session.ends_ns[short]) <= set(ends)  # a short one ends a stretch
        assert set(ends) <= set(session.ends_ns)


@pytest.mark.parametrize("name", sorted({case[0] for case in CASES}))
def test_every_session_of_two_years_has_the_librarys_minutes(name: str) -> None:
    theirs, ours = library(name), SessionCalendar(name, 60)
    table = theirs.schedule
    pause = (table["break_end"] - table["break_start"]).fillna(pd.Timedelta(0))
    minutes = ((table["close"] - table["open"] - pause) / pd.Timedelta("1min")).astype(int)
    found = [ours.session(str(label.date())).periods for label in table.index]
    assert found == minutes.tolist()


def test_a_plan_from_within_the_break_begins_with_the_afternoon() -> None:
    calendar = SessionCalendar("XTKS", 60)
    config = load_config(None, {"data": {"as_of": "2025-01-07T12:00", "calendar": "XTKS"}})
    scope = make_scope(["2025-01-06", "2025-01-07"], calendar, config)
    afternoon = pd.Timestamp("2025-01-07 12:30", tz="Asia/Tokyo")
    assert (scope.date, scope.first, len(scope.starts)) == ("2025-01-07", 150, 180)
    assert scope.starts[0] == nanoseconds(afternoon)
    half = make_scope(
        ["2024-12-23"], SessionCalendar("XHKG", 60), load_config(None, {"data": {}})
    )  # one day alone: the half of what is open, not of the clock
    assert (half.first, len(half.starts)) == (165, 165)


@pytest.mark.parametrize(("as_of", "kept"), [("11:29", 21), ("11:30", 22), ("12:36", 22)])
def test_a_short_period_before_a_break_is_over_when_the_break_begins(as_of: str, kept: int) -> None:
    calendar, day = SessionCalendar("XTKS", 420), "2025-01-07"  # 21 of 7 minutes, then 3
    asked = {"as_of": f"{day}T{as_of}", "calendar": "XTKS", "period_seconds": 420}
    session = calendar.session(day)
    columns = dict.fromkeys(("buy_volume", "sell_volume", "undirected_volume"), 0.0)
    columns |= {"start": session.starts_ns, "end": session.ends_ns}
    table = pd.DataFrame({"date": day, **columns})
    scope = make_scope([day], calendar, load_config(None, {"data": asked}))
    past = past_periods((Features(*(table,) * 6),), scope)
    assert len(past) == kept
    whole = past_periods((Features(*(table,) * 6),), scope.to_the_close())
    assert whole.groupby("stretch").size().tolist() == [22, 26]
