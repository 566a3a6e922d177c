"""Times of another zone: what betrays them, what does not, and what a run says then."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from pipeline.engine.config import load_config
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SECOND_NS, SessionCalendar
from pipeline.studies.bars import read_bars
from pipeline.tape.clock import check_clock, count_rows, holes_of
from pipeline.tape.opening import ingest_tape
from tests.pipeline.command import impact, refused

XNYS, HOUR_NS, MINUTE_NS = SessionCalendar("XNYS"), 3600 * SECOND_NS, 60 * SECOND_NS
DATES = tuple(each.date for each in XNYS.sessions_from("2025-01-06", 6))  # 5 h behind UTC


def activity(kind: str, dates: tuple[str, ...], late: float = 0.0) -> dict[int, int]:
    """Return rows by minute, read `late` hours late.

    regular: the session alone, most at its ends; extended: 04:00 to 20:00, one in 20 rows a minute
    of the session's; bars: the same hours, a row a minute; always: round the clock, a row a minute.
    """
    found: dict[int, int] = {}
    for date in dates:
        opens = XNYS.session(date).open_ns // MINUTE_NS
        of_session = 40 + 0.01 * (np.arange(390) - 195) ** 2
        rows = dict(zip(range(opens, opens + 390), of_session.astype(int).tolist(), strict=True))
        around = range(opens - 330, opens + 630)  # 04:00 to 20:00
        if kind == "extended":
            rows = {minute: rows.get(minute, 3) for minute in around}
        elif kind == "bars":
            rows = dict.fromkeys(around, 1)
        elif kind == "always":
            rows = dict.fromkeys(range(opens - 570, opens + 870), 1)
        found |= {minute + round(60 * late): count for minute, count in rows.items()}
    return found


def checked(minutes: dict[int, int]) -> str:
    """Return what is said of such a file: a warning's code, "refused: ..." or nothing."""
    ts = np.array(sorted(minutes)) * MINUTE_NS
    session = XNYS.session_of(ts).astype(str)
    days = [
        (date, int(ts[session == date].min()), int(ts[session == date].max()))
        for date in sorted(set(session) - {"NaT"})
    ]
    try:
        found = check_clock(
            count_rows(minutes, XNYS), holes_of(XNYS, days), XNYS, "a.csv", "databento"
        )
    except InputError as error:
        return f"refused: {error}"
    return found.code if found else ""


@pytest.mark.parametrize("days", [1, 6])
@pytest.mark.parametrize(
    ("kind", "late", "said"),
    [
        ("regular", 0.0, ""),
        ("extended", 0.0, ""),
        ("bars", 0.0, "outside_sessions"),  # 59 % of them, as they should be
        ("always", 0.0, "outside_sessions"),
        ("regular", -5.0, "refused"),  # local times read as UTC
        ("regular", 5.0, "refused"),  # UTC read as local
        ("extended", 5.0, "refused"),  # the session is covered, by early trading
        ("extended", -5.0, "refused"),
        ("regular", -4.0, "refused"),
        ("regular", 1.0, "clock_off"),
        ("regular", -1.0, "clock_off"),
    ],
)
def test_what_betrays_a_clock(days: int, kind: str, late: float, said: str) -> None:
    assert checked(activity(kind, DATES[:days], late)).split(":")[0] == said


def test_an_hour_of_longer_hours_shows_over_days() -> None:
    """On one day it could be news after the close: an hour of it is no sign, five days are."""
    assert checked(activity("extended", DATES, 1.0)) == "clock_off"
    news = activity("extended", DATES)
    opens = XNYS.session(DATES[0]).open_ns // MINUTE_NS
    busy = {minute: 400 for minute in range(opens + 390, opens + 420)}
    assert checked(news | busy) == ""
    assert checked(activity("extended", DATES[:1]) | busy) == ""


def test_a_thin_stock_and_part_of_a_session_are_no_other_clock() -> None:
    opens = XNYS.session(DATES[0]).open_ns // MINUTE_NS
    assert checked({opens + minute: 1 for minute in (37, 95, 140, 260, 333)}) == ""
    assert checked({opens + minute: 5 for minute in range(90)}) == ""  # cut at 11:00
    early = {opens - 60 + minute: 1 for minute in range(60)}
    assert checked(early | {opens + minute: 30 for minute in range(390)}) == ""


def write(folder: Path, kind: str, late: float) -> None:
    """Write days of rows as Databento's columns, at times read `late` hours late."""
    folder.mkdir()
    minutes = activity(kind, DATES[:2], late)
    at = np.repeat(np.array(list(minutes)), list(minutes.values()))
    within = pd.Series(at).groupby(at).cumcount().to_numpy()
    rng = np.random.default_rng(1)
    bid = 99.99 + 0.01 * rng.integers(-3, 4, len(at))
    columns = {
        "ts_event": np.sort(at * MINUTE_NS + within * SECOND_NS // 10),
        "symbol": "ABC",
        "action": "A",
        "side": "N",
        "price": 100.0,
        "size": 100,
        "bid_px_00": bid,
        "bid_sz_00": 100 * rng.integers(1, 9, len(at)),
        "ask_px_00": bid + 0.02,
        "ask_sz_00": 100 * rng.integers(1, 9, len(at)),
    }
    pl.DataFrame(columns).write_parquet(folder / "abc.parquet")


def test_a_run_refuses_local_times_read_as_utc_in_one_line(tmp_path: Path) -> None:
    write(tmp_path / "local", "regular", -5.0)
    done = impact(
        "run", "--source", "databento", "--data", str(tmp_path / "local"), "--out",
        str(tmp_path / "out"),
    )  # fmt: skip
    inside = sum(activity("regular", DATES[:1]).values())
    rows = sum(list(activity("regular", DATES[:1]).values())[300:])  # 09:30 to 11:00 as read
    refused(
        done,
        "abc.parquet",
        f"{1 - rows / inside:.0%} of {2 * inside:,} rows are outside the sessions of XNYS",
        "in America/New_York from 2025-01-06 04:30 to 2025-01-07 10:59",
        f"100%, not {rows / inside:.0%}, would be inside with times 5 h later",
        "its times have to be UTC: convert them, or give its --calendar",
    )
    assert not (tmp_path / "out/params.json").exists()


def test_an_hour_is_a_warning_and_longer_hours_are_nothing(tmp_path: Path) -> None:
    write(tmp_path / "hour", "regular", 1.0)
    write(tmp_path / "longer", "extended", 0.0)
    said = {}
    for name in ("hour", "longer"):
        keys = {"source": "databento", "location": str(tmp_path / name)}
        lines = ingest_tape(load_config(None, {"data": keys}), str(tmp_path / "out"))
        said[name] = [line for line in lines if line.startswith("ABC: ")]
    assert len(said["hour"]) == 1
    assert "ABC: clock_off: abc.parquet: " in said["hour"][0]
    assert "with times 1 h earlier" in said["hour"][0]
    assert said["longer"] == []


def test_bars_of_another_zone_are_refused(tmp_path: Path) -> None:
    local = pd.date_range("2025-01-06 09:30", periods=390, freq="min")  # New York's, unmarked
    frame = pd.DataFrame({"timestamp": local, "volume": 1.0})
    frame.to_csv(tmp_path / "bars.csv", index=False)
    with pytest.raises(InputError, match=r"77% of 390 rows.*04:30 to .*10:59.*5 h later.*as UTC"):
        read_bars(str(tmp_path / "bars.csv"), "volume", XNYS)
    frame["timestamp"] = local.tz_localize("America/New_York")
    frame.to_csv(tmp_path / "bars.csv", index=False)
    assert read_bars(str(tmp_path / "bars.csv"), "volume", XNYS).outside == 0


def test_bars_of_longer_hours_are_told_by_their_volume(tmp_path: Path) -> None:
    utc = pd.date_range("2025-01-06 09:00", periods=960, freq="min", tz="UTC")  # 04:00 to 20:00
    busy = (utc >= "2025-01-06 14:30Z") & (utc < "2025-01-06 21:00Z")
    frame = pd.DataFrame({"timestamp": utc, "close": 100.0, "volume": np.where(busy, 50.0, 1.0)})
    frame.to_csv(tmp_path / "bars.csv", index=False)
    assert read_bars(str(tmp_path / "bars.csv"), "volume", XNYS).outside == 570
    frame["timestamp"] = utc.tz_localize(None).tz_localize("America/New_York")  # 09:00 to 01:00
    frame.to_csv(tmp_path / "bars.csv", index=False)
    share = (50 * 90 + 300) / (50 * 390 + 570)  # 90 of the busy minutes are read before the close
    with pytest.raises(
        InputError, match=rf"59% of 960 rows .* not {share:.0%}, would be .* 5 h earlier"
    ):
        read_bars(str(tmp_path / "bars.csv"), "volume", XNYS)
