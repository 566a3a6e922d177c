"""Moments joined to quotes: before what was done, over sessions, on bars and on a tape."""

import numpy as np
import polars as pl
import pytest

from models.tca.orders.traded import Traded
from pipeline.engine.sessions import SECOND_NS, SessionCalendar
from pipeline.studies.orders.columns import BarColumns
from pipeline.tca.market import BarMarket, DayMarket, read_bar_market, with_mid
from pipeline.tca.points import Points, look_up

CALENDAR = SessionCalendar()
SESSION = CALENDAR.session("2025-01-06")


def at(seconds: float) -> int:
    """Return a time after the open, ns."""
    return SESSION.open_ns + round(seconds * SECOND_NS)


def day(*quotes: tuple[float, float, float]) -> DayMarket:
    """Return a session of quotes: seconds, bid, ask."""
    ts, bid, ask = zip(*quotes, strict=True)
    table = pl.DataFrame({"ts": [at(each) for each in ts], "bid": bid, "ask": ask})
    none = Traded.of_trades(np.empty(0, np.int64), np.empty(0), np.empty(0))
    return DayMarket(with_mid(table), none, SESSION.open_ns, SESSION.close_ns)


def seen(market: DayMarket, *seconds: float, **how: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return mids and ages at moments."""
    points = Points(CALENDAR)
    symbol = np.array(["X"] * len(seconds), dtype=object)
    where = points.add(symbol, np.array([at(each) for each in seconds]), **how)
    found = points.unknown()
    for moments in points.by_day().values():
        look_up(moments, market, found)
    return found.mid[where], found.age[where]


def test_a_quote_at_the_moment_itself_is_none_that_stood_before() -> None:
    market = day((10, 9.9, 10.1), (20, 10.9, 11.1))
    before, _ = seen(market, 5, 10, 20, 20.5, before=True)
    np.testing.assert_array_equal(before, [np.nan, np.nan, 10.0, 11.0])
    there, age = seen(market, 5, 10, 20, 27)
    np.testing.assert_array_equal(there, [np.nan, 10.0, 11.0, 11.0])
    np.testing.assert_allclose(age[1:], [0, 0, 7])


def test_an_empty_side_ends_the_quote_before() -> None:
    market = day((10, 9.9, 10.1), (20, np.nan, 10.1), (30, 10.0, 10.2))
    mid, _ = seen(market, 15, 25, 35)
    np.testing.assert_allclose(mid, [10.0, np.nan, 10.1])


def test_outside_sessions_only_what_may_be_carried_is_known() -> None:
    market = day((10, 9.9, 10.1), (20_000, 11.9, 12.1))
    after = 24_000  # the close is at 23,400 s
    assert np.isnan(seen(market, after)[0][0])
    carried, age = seen(market, after, carried=True)
    assert carried[0] == 12.0
    assert age[0] == pytest.approx(4000)


def bars(stamp: str, tmp_path) -> BarMarket:
    start = [at(0), at(60), at(120)]
    times = start if stamp == "start" else [ts + 60 * SECOND_NS for ts in start]
    table = pl.DataFrame(
        {
            "symbol": "X",
            "time": [f"{np.datetime64(ts, 'ns')}Z" for ts in times],
            "open": [10.0, 11.0, 12.0],
            "close": [11.0, 12.0, 13.0],
            "volume": [60.0, 120.0, 180.0],
        }
    )
    table.write_csv(tmp_path / "bars.csv")
    return read_bar_market(str(tmp_path / "bars.csv"), BarColumns(stamp=stamp), "UTC", CALENDAR)


@pytest.mark.parametrize("stamp", ["start", "end"])
def test_a_bars_close_is_known_as_it_ends(stamp: str, tmp_path) -> None:
    market = bars(stamp, tmp_path)
    assert market.dates("X") == ("2025-01-06",)
    found = market.day("X", "2025-01-06")
    mid, _ = seen(found, 0, 59, 60, 119, 120, 180)
    np.testing.assert_allclose(mid, [10, 10, 11, 11, 12, 13])
    volume, _ = found.traded.up_to(np.array([at(0), at(30), at(60), at(90), at(180)]))
    np.testing.assert_allclose(volume, [0, 30, 60, 120, 360])
