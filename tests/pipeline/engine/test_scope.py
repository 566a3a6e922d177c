"""What part of the tape a run may use, and what it plans."""

import pandas as pd
import pytest

from pipeline.engine.config import load_config
from pipeline.engine.errors import InputError
from pipeline.engine.scope import make_scope
from pipeline.engine.sessions import SessionCalendar
from pipeline.engine.tables import Features
from pipeline.stages.history import past_periods

CALENDAR = SessionCalendar("XNYS", 60)
THANKSGIVING_WEEK = ["2024-11-26", "2024-11-27", "2024-11-29"]  # the 29th closes at 13:00


def scope(dates: list[str], as_of: str = ""):
    return make_scope(dates, CALENDAR, load_config(None, {"data": {"as_of": as_of}}))


def test_several_days_plan_the_whole_next_session() -> None:
    found = scope(THANKSGIVING_WEEK)
    assert (found.date, found.first, len(found.starts), found.last) == (
        "2024-12-02",
        0,
        390,
        "2024-11-29",
    )
    assert found.as_of == CALENDAR.session("2024-11-29").close_ns
    assert found.close == CALENDAR.session("2024-12-02").close_ns


def test_one_day_alone_plans_its_second_half() -> None:
    found = scope(["2024-11-26"])
    assert (found.date, found.first, len(found.starts), found.buckets) == (
        "2024-11-26",
        195,
        195,
        1,
    )
    assert found.starts[0] == found.as_of


def test_as_of_within_a_session_plans_its_rest() -> None:
    found = scope(THANKSGIVING_WEEK, "2024-11-27T10:00:30")
    assert (found.date, found.first, len(found.starts), found.last) == (
        "2024-11-27",
        31,
        359,
        "2024-11-27",
    )


@pytest.mark.parametrize(
    ("as_of", "date"),
    [
        ("2024-11-27T15:59:30", "2024-11-29"),  # nothing left to trade in
        ("2024-11-27T16:00", "2024-11-29"),
        ("2024-11-27T20:00+00:00", "2024-11-27"),  # 15:00 in New York
        ("2024-12-04T12:00", "2024-12-04"),  # the tape is days old
        ("2024-12-04T18:00", "2024-12-05"),
    ],
)
def test_as_of_at_the_edges_of_sessions(as_of: str, date: str) -> None:
    found = scope(THANKSGIVING_WEEK, as_of)
    assert found.date == date
    assert found.starts
    assert found.starts[0] >= found.as_of


@pytest.mark.parametrize(
    ("as_of", "seconds", "kept"),
    [
        ("2024-11-27T15:59:30", 60, 389),  # the period under way is not over
        ("2024-11-27T16:00", 60, 390),
        ("2024-11-27T15:45", 3600, 6),
        ("2024-11-27T16:00", 3600, 7),  # the last period is half an hour
    ],
)
def test_no_period_that_ends_after_as_of_is_past(as_of: str, seconds: int, kept: int) -> None:
    calendar = SessionCalendar("XNYS", seconds)
    config = load_config(None, {"data": {"as_of": as_of, "period_seconds": seconds}})
    day = calendar.session("2024-11-27")
    columns = dict.fromkeys(("buy_volume", "sell_volume", "undirected_volume"), 0.0)
    periods = pd.DataFrame(
        {"date": day.date, "start": day.starts_ns, "end": day.ends_ns, **columns}
    )
    past = past_periods((Features(*(periods,) * 6),), make_scope([day.date], calendar, config))
    assert len(past) == kept


def test_as_of_before_the_tape_is_refused() -> None:
    with pytest.raises(InputError, match="2024-11-26"):
        scope(THANKSGIVING_WEEK, "2024-11-20T12:00")


def test_an_early_close_keeps_the_full_sessions_clock() -> None:
    found = scope(["2024-11-26", "2024-11-27"], "")
    assert (found.date, len(found.starts), found.periods) == ("2024-11-29", 210, 390)


@pytest.mark.parametrize(
    ("as_of", "date"),
    [
        ("2024-12-06T09:00", "2024-12-06"),  # the fifth session after the last one with tape
        ("2024-12-06T16:00", ""),
        ("2030-06-03T09:30", ""),
    ],
)
def test_as_of_long_after_the_tape_is_refused(as_of: str, date: str) -> None:
    if date:
        assert scope(THANKSGIVING_WEEK, as_of).date == date
        return
    with pytest.raises(
        InputError, match=f"as_of {as_of}: the tape ends on 2024-11-29, more than 5 sessions before"
    ):
        scope(THANKSGIVING_WEEK, as_of)
