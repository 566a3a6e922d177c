"""The canonical tables on disk: what is written, what is refused, what comes back."""

from pathlib import Path

import polars as pl
import pytest

from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SessionCalendar
from pipeline.engine.tables import Day
from pipeline.tape.ingest import ingest_file, load_day, source, validate
from pipeline.tape.sources.clean import level_columns
from pipeline.tape.sources.source import RULES, RawFile

XNYS = SessionCalendar("XNYS")
MONDAY, TUESDAY = (XNYS.session(date) for date in ("2025-01-06", "2025-01-07"))
QUOTES = pl.DataFrame(
    [
        (1, 99.0, 5.0, 101.0, 0.0, 98.0, 5.0, 102.0, 1.0),
        (2, 99.0, 5.0, 101.0, 6.0, 98.0, 5.0, 102.0, 2.0),
        (2, 99.0, 5.5, 101.0, 7.0, 98.0, 5.0, 102.0, 3.0),
    ],
    schema=["ts", *level_columns(2)],
    orient="row",
)
TRADES = pl.DataFrame(
    {"ts": [1, 1], "price": [100.0, 99.0], "size": [1.0, 0.5], "aggressor": [1, 0]},
    schema_overrides={"aggressor": pl.Int8},
)


def write(path: Path, times: list[int], symbols: list[str] | None = None) -> RawFile:
    rows = len(times)
    pl.DataFrame(
        {
            "ts_event": times,
            "symbol": symbols or ["ABC"] * rows,
            "action": ["A", "T"] * (rows // 2) + ["A"] * (rows % 2),
            "side": ["B"] * rows,
            "price": [10.0] * rows,
            "size": list(range(1, rows + 1)),
            "bid_px_00": [9.0] * rows,
            "bid_sz_00": [3] * rows,
            "ask_px_00": [10.0] * rows,
            "ask_sz_00": [4] * rows,
        }
    ).write_parquet(path)
    return RawFile(str(path), None, None, path.stat().st_size)


def test_days_are_written_counted_and_read_back(tmp_path: Path) -> None:
    monday = [MONDAY.open_ns - 1, MONDAY.open_ns, MONDAY.open_ns + 5, MONDAY.close_ns]
    raw = write(tmp_path / "a.parquet", [*monday, TUESDAY.open_ns + 1, TUESDAY.open_ns + 2])
    done = ingest_file(raw, "databento", XNYS, tmp_path / "out")
    found = [
        (day.symbol, day.date, day.quotes, day.trades, day.first_ns, day.last_ns)
        for day in done.days
    ]
    assert found == [
        ("ABC", "2025-01-06", 2, 1, MONDAY.open_ns, MONDAY.open_ns + 5),
        ("ABC", "2025-01-07", 2, 1, TUESDAY.open_ns + 1, TUESDAY.open_ns + 2),
    ]
    assert [rule for _, date, rule, _ in done.counts if date == "2025-01-06"] == list(RULES)
    assert [row for row in done.counts if row[3]] == [("ABC", "2025-01-06", "out_of_session", 2)]
    day = load_day(str(tmp_path / "out"), "ABC", "2025-01-07")
    assert isinstance(day, Day)
    assert day.trades.rows() == [(TUESDAY.open_ns + 2, 10.0, 6.0, 1)]
    assert day.quotes.rows() == [
        (TUESDAY.open_ns + 1, 9.0, 3.0, 10.0, 4.0),
        (TUESDAY.open_ns + 2, 9.0, 3.0, 10.0, 4.0),
    ]
    counts = pl.read_parquet(tmp_path / "out/counts/symbol=ABC/date=2025-01-06/part.parquet")
    assert counts.rows() == [(rule, 2 if rule == "out_of_session" else 0) for rule in RULES]
    with pytest.raises(InputError, match="ABC on 2025-01-08 was not ingested"):
        load_day(str(tmp_path / "out"), "ABC", "2025-01-08")


def test_same_file_same_bytes(tmp_path: Path) -> None:
    raw = write(tmp_path / "a.parquet", [MONDAY.open_ns + step for step in range(50)])
    for name in ("one", "two"):
        ingest_file(raw, "databento", XNYS, tmp_path / name)
    files = sorted(
        path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.parquet")
    )
    assert len(files) == 3
    assert all(
        (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
        for name in files
    )


def test_a_day_without_trades_has_an_empty_table(tmp_path: Path) -> None:
    ingest_file(
        write(tmp_path / "a.parquet", [MONDAY.open_ns]), "databento", XNYS, tmp_path / "out"
    )
    day = load_day(str(tmp_path / "out"), "ABC", "2025-01-06")
    assert (len(day.quotes), len(day.trades)) == (1, 0)
    assert day.trades.schema == TRADES.schema


def test_symbols_with_any_character_stay_below_the_folder(tmp_path: Path) -> None:
    times = [MONDAY.open_ns, MONDAY.open_ns + 1, MONDAY.open_ns + 2]
    raw = write(tmp_path / "a.parquet", times, ["BRK/B", "../up", "ES M5"])
    ingest_file(raw, "databento", XNYS, tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"a.parquet", "out"}
    for symbol in ("BRK/B", "../up", "ES M5"):
        assert len(load_day(str(tmp_path / "out"), symbol, "2025-01-06").quotes) == 1


def test_a_file_without_a_usable_quote_is_refused_with_the_reason(tmp_path: Path) -> None:
    raw = write(tmp_path / "night.parquet", [MONDAY.close_ns, MONDAY.close_ns + 1])
    with pytest.raises(
        InputError,
        match=r"night.parquet: no usable quote \(out_of_session 2\); in America/New_York from "
        r"2025-01-06 16:00 to 2025-01-06 16:00; 100%, not 0%, would be inside with times 0.5 h "
        r"earlier: is --calendar XNYS the right one\? "
        r"Else its times have to be UTC",
    ):
        ingest_file(raw, "databento", XNYS, tmp_path / "out")


def test_negative_size_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", [MONDAY.open_ns] * 3)
    table = pl.read_parquet(tmp_path / "a.parquet")
    table.with_columns(bid_sz_00=pl.Series([3, -2, 3])).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(
        InputError, match=r"b.parquet: ABC 2025-01-06: quotes: sizes must be .*bid_sz_0 -2"
    ):
        ingest_file(
            RawFile(str(tmp_path / "b.parquet"), None, None, 1), "databento", XNYS, tmp_path / "out"
        )


def test_unknown_source_is_refused() -> None:
    with pytest.raises(
        InputError, match="source 'bars': unknown; valid are lobster, databento, lean, taq"
    ):
        source("bars")


def test_the_contract_holds_for_good_tables() -> None:
    validate(QUOTES, TRADES, "x")
    validate(QUOTES.with_columns(bid_px_1=float("nan"), bid_sz_1=0.0), TRADES.clear(), "x")
    validate(QUOTES.with_columns(bid_px_0=float("nan"), bid_sz_0=0.0), TRADES, "x")


@pytest.mark.parametrize(
    ("quotes", "trades", "message"),
    [
        (QUOTES.reverse(), TRADES, "x: quotes: times must not decrease; found 1 rows"),
        (QUOTES.with_columns(bid_px_0=101.0), TRADES, "quotes: the best bid must be below"),
        (QUOTES.with_columns(bid_px_1=float("-inf")), TRADES, "quotes: prices must be finite"),
        (QUOTES.with_columns(ask_sz_1=-1.0), TRADES, "quotes: sizes must be finite"),
        (QUOTES.with_columns(ask_sz_1=float("inf")), TRADES, "quotes: sizes must be finite"),
        (QUOTES.drop("ask_sz_1"), TRADES, "quotes: columns are"),
        (QUOTES.cast({"bid_sz_0": pl.Int64}), TRADES, "quotes: columns are"),
        (QUOTES, TRADES.with_columns(price=float("nan")), "trades: prices must be finite"),
        (
            QUOTES,
            TRADES.with_columns(aggressor=pl.lit(2, pl.Int8)),
            "trades: the aggressor must be",
        ),
        (QUOTES, TRADES.with_columns(size=-1.0), "trades: sizes must be finite"),
        (QUOTES, TRADES.with_columns(ts=pl.Series([2, 1])), "trades: times must not decrease"),
        (QUOTES, TRADES.cast({"aggressor": pl.Int64}), "trades: columns are"),
    ],
)
def test_the_contract_is_enforced(quotes: pl.DataFrame, trades: pl.DataFrame, message: str) -> None:
    with pytest.raises(InputError, match=message):
        validate(quotes, trades, "x")
