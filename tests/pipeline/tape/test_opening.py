"""Which files of a tape a session's day is in, by their names."""

from pathlib import Path

import pytest

from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SessionCalendar
from pipeline.tape.opening import RawTape
from pipeline.tape.sources import databento
from pipeline.tape.sources.source import RawFile


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("xnas-itch-20250106.mbp-10.dbn.zst", "2025-01-06"),
        ("SIM0-20250106.mbp-10.parquet", "2025-01-06"),
        ("glbx-mdp3-20250101-20250131.mbp-10.dbn.zst", None),  # a month
        ("A2025010612.mbp-1.csv", None),
        ("20250106.csv", None),  # not a name of Databento's
    ],
)
def test_databento_names_the_days_it_splits_by(tmp_path: Path, name: str, date: str | None) -> None:
    (tmp_path / name).write_text("x")
    [raw] = databento.discover(str(tmp_path))
    assert (raw.symbol, raw.date) == (None, date)


def tape(*dates: str | None) -> RawTape:
    return RawTape("databento", [RawFile(f"{date}", None, date, 1) for date in dates])


@pytest.mark.parametrize(
    ("calendar", "kept"),
    [
        ("XNYS", [None, "2025-01-07"]),
        ("CMES", [None, "2025-01-06", "2025-01-07"]),  # it opens the evening before
        ("XASX", [None, "2025-01-06", "2025-01-07"]),  # in UTC likewise
    ],
)
def test_files_of_a_session(calendar: str, kept: list[str | None]) -> None:
    session = SessionCalendar(calendar).session("2025-01-07")
    whole = tape(None, "2025-01-05", "2025-01-06", "2025-01-07", "2025-01-08")
    assert [file.date for file in whole.of_session(session).files] == kept


def test_no_file_of_a_session() -> None:
    session = SessionCalendar().session("2025-01-08")
    with pytest.raises(InputError, match="2025-01-08: none of the 2 files is of it by its name"):
        tape("2025-01-06", "2025-01-07").of_session(session)


def test_days_without_a_session() -> None:
    calendar = SessionCalendar()
    assert calendar.off("2025-01-01")[:4] == [
        "2025-01-01",
        "2025-01-04",
        "2025-01-05",
        "2025-01-09",
    ]
    assert SessionCalendar("24/7").off("2025-01-01") == []
