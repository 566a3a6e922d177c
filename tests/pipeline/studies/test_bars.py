"""Bars cut into sessions: weekends, half days, clock changes, and refusals."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SessionCalendar
from pipeline.studies.bars import read_bars
from tests.models.forecast.intraday.test_state_space import market

NIGHT = SessionCalendar("24/7", 6 * 3600)


def bars(days: int, start: str = "2025-03-01") -> pd.DataFrame:
    """Hourly bars round the clock, with columns in the capitals of some vendor."""
    logs = market(days, 24, 0).ravel()
    close = 100 * np.exp(np.cumsum(0.002 * np.random.default_rng(1).normal(size=len(logs))))
    return pd.DataFrame(
        {
            "Timestamp": pd.date_range(start, periods=len(logs), freq="h"),
            "Volume": np.exp(logs),
            "Close": close,
            "High": close * 1.001,
            "Low": close * 0.999,
        }
    )


def test_weekends_are_told_apart_and_the_variance_is_by_hand(tmp_path: Path) -> None:
    frame = bars(8)
    frame.to_csv(tmp_path / "bars.csv", index=False)
    found = read_bars(str(tmp_path / "bars.csv"), "rv", NIGHT)
    assert found.past.kinds.tolist() == [1, 1, 0, 0, 0, 0, 0, 1, 0]  # 2025-03-01 was a Saturday
    moves = 100 * np.diff(np.log(frame["Close"].to_numpy()))
    assert found.past.logs[1, 1] == pytest.approx(np.log((moves[29:35] ** 2).sum()))
    without_night = (moves[24:29] ** 2).sum()
    assert found.past.logs[1, 0] == pytest.approx(np.log(without_night))
    assert len(found.past.companions) == 2


@pytest.mark.parametrize(
    ("first", "last", "opens"),
    [
        ("2025-03-07", "2025-03-10", ("14:30", "13:30")),
        ("2025-10-31", "2025-11-03", ("13:30", "14:30")),
    ],
)
def test_a_clock_change_moves_no_period(
    tmp_path: Path, first: str, last: str, opens: tuple[str, str]
) -> None:
    """The session's first minute is period 0 on both sides of the change, whatever UTC calls it."""
    days = [pd.date_range(f"{day} 00:00", periods=1440, freq="min") for day in (first, last)]
    frame = pd.DataFrame({"timestamp": np.concatenate(days)})
    open_minutes = [f"{day} {opened}" for day, opened in zip((first, last), opens, strict=True)]
    frame["volume"] = np.where(frame["timestamp"].isin(pd.to_datetime(open_minutes)), 50.0, 1.0)
    frame.to_csv(tmp_path / "bars.csv", index=False)
    found = read_bars(str(tmp_path / "bars.csv"), "volume", SessionCalendar())
    assert found.past.logs.shape == (2, 390)
    np.testing.assert_allclose(found.past.logs[:, 0], np.log(50))
    np.testing.assert_allclose(found.past.logs[:, 1:], 0.0)
    assert found.outside == 2 * (1440 - 390)


def test_a_variance_of_too_few_moves_is_refused(tmp_path: Path) -> None:
    bars(8).to_csv(tmp_path / "bars.csv", index=False)
    with pytest.raises(InputError, match="--period-seconds"):
        read_bars(str(tmp_path / "bars.csv"), "rv", SessionCalendar("24/7", 3600))


def test_half_days_holes_and_empty_minutes_are_counted(tmp_path: Path) -> None:
    # New York closes at 13:00.
    times = pd.date_range("2024-07-03 00:00", periods=1440, freq="min")
    frame = pd.DataFrame({"timestamp": times, "volume": 2.0})
    frame.loc[frame["timestamp"] == "2024-07-03 15:00", "volume"] = 0.0
    frame = frame[frame["timestamp"] != "2024-07-03 15:01"]
    # 5 July; the 4th is no session.
    whole = frame.assign(timestamp=frame["timestamp"] + pd.Timedelta(days=2))
    pd.concat([frame, whole]).to_csv(tmp_path / "bars.csv", index=False)
    found = read_bars(str(tmp_path / "bars.csv"), "volume", SessionCalendar())
    assert found.dates == ["2024-07-03", "2024-07-05"]
    assert np.isnan(found.past.logs[0, 210:]).all()
    assert np.isneginf(found.past.logs[:, 90]).all()
    assert np.isnan(found.past.logs[:, 91]).all()
    assert (found.missing, found.zeros) == (2, 2)


@pytest.mark.parametrize(
    ("target", "change", "said"),
    [
        (
            "volume",
            lambda frame: pd.concat([frame, frame]).sort_values("Timestamp"),
            ["row 2", "repeats the row above", "one symbol"],
        ),
        (
            "volume",
            lambda frame: frame.assign(Volume=np.where(frame.index == 4, -1.0, frame["Volume"])),
            ["row 5, volume = -1"],
        ),
        (
            "rv",
            lambda frame: frame.assign(
                Close=np.where(frame.index % 9 == 4, -frame.index, frame["Close"])
            ),
            ["row 5, close = -4", "positive"],
        ),
        ("volume", lambda frame: frame.assign(High=np.inf), ["row 1, high = inf", "finite"]),
    ],
)
def test_bars_that_cannot_be_used_are_explained(
    tmp_path: Path, target: str, change, said: list[str]
) -> None:
    change(bars(4)).to_csv(tmp_path / "bars.csv", index=False)
    with pytest.raises(InputError) as caught:
        read_bars(str(tmp_path / "bars.csv"), target, NIGHT)
    for text in said:
        assert text in str(caught.value)


def test_no_bar_of_a_break_is_in_a_period_and_no_move_over_it_in_a_variance(tmp_path: Path) -> None:
    """Tokyo opens 09:00 to 11:30 and 12:30 to 15:30: 11 half-hours, none of them at noon."""
    minutes = pd.date_range("2025-01-06 09:00", "2025-01-06 15:29", freq="min", tz="Asia/Tokyo")
    clock = minutes.strftime("%H:%M")
    lunch = (clock >= "11:30") & (clock < "12:30")
    up = np.where(np.arange(len(minutes)) % 2, 1.001, 1.0)  # every minute moves by a log of .001
    close = 100 * up * np.where(clock >= "11:30", 2.0, 1.0)  # and the price doubles over lunch
    frame = pd.DataFrame({"timestamp": minutes, "close": close, "volume": 1.0})
    frame.to_csv(tmp_path / "bars.csv", index=False)
    calendar = SessionCalendar("XTKS", 1800)
    volume = read_bars(str(tmp_path / "bars.csv"), "volume", calendar)
    assert volume.outside == lunch.sum() == 60
    np.testing.assert_allclose(np.exp(volume.past.logs), np.full((1, 11), 30.0))
    variance = read_bars(str(tmp_path / "bars.csv"), "rv", calendar)
    moves = np.array([29.0, *[30.0] * 4, 29.0, *[30.0] * 5])  # each stretch's first bar has no move
    expected = moves * (100 * np.log(1.001)) ** 2
    np.testing.assert_allclose(np.exp(variance.past.logs[0]), expected)
