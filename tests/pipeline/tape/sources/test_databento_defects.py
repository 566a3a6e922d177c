"""Databento files with undefined values, flagged records, restarts of the book and doubtful scales:
each defect in a file of its own, and the tape that is right.
"""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SessionCalendar
from pipeline.stages.measuring.features import DaySettings, measure_day
from pipeline.tape.ingest import ingest_file, load_day
from pipeline.tape.sources import databento
from pipeline.tape.sources.source import RawFile

XNYS = SessionCalendar("XNYS")
SESSION = XNYS.session("2025-01-06")
OPEN, SECOND, HOUR = SESSION.open_ns, 10**9, 3600 * 10**9
BIDS, ASKS = (100.0, 99.99), (100.01, 100.02)


def tape(rows: int = 60, levels: int = 2) -> pl.DataFrame:
    """Return a book a second that stands still, 300 shares a level, and no trades."""
    book = {
        f"{side}_{kind}_{level:02d}": prices[level] if kind == "px" else 300
        for level in range(levels)
        for side, prices in (("bid", BIDS), ("ask", ASKS))
        for kind in ("px", "sz")
    }
    return pl.DataFrame(
        {
            "ts_event": [OPEN + step * SECOND for step in range(rows)],
            "ts_recv": [OPEN + step * SECOND + 100 for step in range(rows)],
            "action": "A",
            "side": "B",
            "price": 100.0,
            "size": [step + 1 for step in range(rows)],
            "flags": 128,
            "symbol": "ABC",
            "instrument_id": 7,
            **book,
        }
    )


def at(table: pl.DataFrame, rows: int | list[int], **values: object) -> pl.DataFrame:
    """Return the table with these values in these rows (from 0)."""
    chosen = pl.int_range(pl.len()).is_in([rows] if isinstance(rows, int) else rows)
    return table.with_columns(
        pl.when(chosen).then(pl.lit(value)).otherwise(name).alias(name)
        for name, value in values.items()
    )


def clear(table: pl.DataFrame, rows: int | list[int]) -> pl.DataFrame:
    prices = {name: None for name in table.columns if "_px_" in name or name == "price"}
    sizes = {name: 0 for name in table.columns if "_sz_" in name or name == "size"}
    return at(table, rows, action="R", side="N", **prices, **sizes)


def ingest(
    table: pl.DataFrame, path: Path, rows: int = 50_000
) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, int]]:
    if path.suffix == ".csv":
        table.write_csv(path)
    else:
        table.write_parquet(path)
    batches = list(databento.read(RawFile(str(path), None, None, 1), XNYS, rows))
    counts: dict[str, int] = {}
    for batch in batches:
        for rule, found in batch.counts.iter_rows():
            counts[rule] = counts.get(rule, 0) + found
    quotes, trades = (
        pl.concat(getattr(batch, name) for batch in batches) for name in ("quotes", "trades")
    )
    return quotes, trades, {rule: found for rule, found in counts.items() if found}


def units(table: pl.DataFrame) -> pl.DataFrame:
    prices = [name for name in table.columns if name == "price" or "_px_" in name]
    return table.with_columns((pl.col(prices) * 1e9).round().cast(pl.Int64))


def measured(table: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """Return the features of the day's periods, of the file as it is ingested."""
    table.write_parquet(folder / "made.parquet")
    raw = RawFile(str(folder / "made.parquet"), None, None, 1)
    ingest_file(raw, "databento", XNYS, folder / "out")
    day = load_day(str(folder / "out"), "ABC", "2025-01-06")
    settings = DaySettings(SESSION, (100.0, 500.0), "ABC")
    return pl.from_pandas(measure_day(day, settings).periods, nan_to_null=False)


UNDEFINED_PRICES = {
    "decimal": lambda table: at(table, 5, ask_px_00=9223372036.854775807),
    "float of the units": lambda table: at(table, 5, ask_px_00=9.223372036854776e18),
    "NaN": lambda table: at(table, 5, ask_px_00=float("nan")),
    "infinite": lambda table: at(table, 5, ask_px_00=float("inf")),
    "none": lambda table: at(table, 5, ask_px_00=None),
    "units": lambda table: at(units(table), 5, ask_px_00=2**63 - 1),
    "none among units": lambda table: at(units(table), 5, ask_px_00=None),
    "NaN among units": lambda table: at(
        units(table).cast({"ask_px_00": pl.Float64}), 5, ask_px_00=float("nan")
    ).with_columns(pl.col("^.*_px_.*$").cast(pl.Float64)),
    "decimal among units": lambda table: at(
        units(table).with_columns(pl.col("^.*_px_.*$").cast(pl.Float64)),
        5,
        ask_px_00=9223372036.85477,
    ),
}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("how", UNDEFINED_PRICES)
def test_an_undefined_price_is_none_however_it_is_written(
    how: str, suffix: str, tmp_path: Path
) -> None:
    table = UNDEFINED_PRICES[how](tape(levels=1))
    quotes, _, counts = ingest(table, tmp_path / f"made.{suffix}")
    assert counts == {"one_sided": 1}
    assert quotes["ask_px_0"].is_nan().arg_true().to_list() == [5]
    spread = (quotes["ask_px_0"] - quotes["bid_px_0"]).drop_nans()
    np.testing.assert_allclose(spread, 0.01, atol=1e-9)
    assert len(spread) == 59


@pytest.mark.parametrize("text", ["NaN", "nan", "", "null", "9223372036.854775807"])
def test_integers_with_undefined_prices_as_text_stay_integers(text: str, tmp_path: Path) -> None:
    lines = units(tape(levels=1)).write_csv().splitlines()
    lines[6] = lines[6].replace("100010000000", text)
    (tmp_path / "made.csv").write_text("\n".join(lines))
    batches = list(databento.read(RawFile(str(tmp_path / "made.csv"), None, None, 1), XNYS))
    assert batches[0].quotes["ask_px_0"].drop_nans().to_list() == [100.01] * 59


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("size", [2**32 - 1, 2**63 - 1, None, float("nan"), 4294967296.0])
def test_an_undefined_size_leaves_the_record_out(
    size: float | None, suffix: str, tmp_path: Path
) -> None:
    table = at(
        tape().with_columns(pl.col("^.*_sz_.*$", "size").cast(pl.Float64)), 7, bid_sz_01=size
    )
    table = at(table, 9, action="T", size=size)
    table = at(table, 10, action="T")
    quotes, trades, counts = ingest(table, tmp_path / f"made.{suffix}")
    assert counts == {"undefined_size": 2}
    assert quotes["bid_sz_1"].to_list() == [300.0] * 59
    assert trades["size"].to_list() == [11.0]


@pytest.mark.parametrize(
    "time", [2**63 - 1, 2**64 - 1, 0, None, float(2**63), float(2**64), float("nan")]
)
@pytest.mark.parametrize("name", ["ts_event", "ts_recv"])
def test_an_undefined_time_is_refused_with_its_row(
    name: str, time: float | None, tmp_path: Path
) -> None:
    values = tape()[name].to_list()
    values[4] = time
    kind = pl.Float64 if isinstance(time, float) else pl.UInt64
    table = tape().with_columns(pl.Series(name, values, kind))
    with pytest.raises(InputError, match=f"row 5: {name} is no time"):
        ingest(table, tmp_path / "made.parquet")


@pytest.mark.parametrize("rows", [1, 7, 50_000])
def test_books_flagged_as_possibly_wrong_are_left_out_and_nothing_stands(
    rows: int, tmp_path: Path
) -> None:
    table = at(tape(), [3, 20, 41], flags=4, bid_px_00=99.0, ask_px_00=101.0)
    table = at(table, 41, action="T")
    quotes, trades, counts = ingest(table, tmp_path / "made.parquet", rows)
    assert counts == {"bad_book": 3}
    assert quotes["ask_px_0"].is_nan().arg_true().to_list() == [3, 20, 41]
    assert set((quotes["ask_px_0"] - quotes["bid_px_0"]).round(9).drop_nans()) == {0.01}
    assert trades["size"].to_list() == [42.0]  # the trade itself is not in doubt


@pytest.mark.parametrize("rows", [1, 7, 50_000])
def test_records_of_unreliable_time_are_left_out(rows: int, tmp_path: Path) -> None:
    table = at(tape(), [0, 3, 20], flags=8 | 128, bid_px_00=99.0, ts_recv=OPEN + HOUR)
    table = at(table, [30, 31], flags=8, ts_recv=2**63 - 1, action="T")
    quotes, trades, counts = ingest(table, tmp_path / "made.parquet", rows)
    assert counts == {"bad_timestamp": 5}
    assert quotes["bid_px_0"].to_list() == [100.0] * 55
    assert len(trades) == 0


@pytest.mark.parametrize("rows", [1, 7, 50_000])
@pytest.mark.parametrize("receives", [True, False])
def test_a_snapshot_of_an_old_event_stands_from_its_receipt(
    receives: bool, rows: int, tmp_path: Path
) -> None:
    table = at(tape(), 30, flags=168, ts_event=OPEN + 30 * SECOND - HOUR, bid_px_00=99.995)
    table = table if receives else table.drop("ts_recv")
    quotes, _, counts = ingest(table, tmp_path / "made.parquet", rows)
    assert counts == {"snapshot": 1}
    assert quotes["ts"][30] == (OPEN + 30 * SECOND + 100 if receives else OPEN + 29 * SECOND)
    assert (len(quotes), quotes["bid_px_0"][30]) == (60, 99.995)


def test_of_a_snapshot_s_records_only_the_last_is_the_book(tmp_path: Path) -> None:
    rebuilt = list(range(21, 24))
    table = clear(tape(), 20)
    table = at(table, [20, *rebuilt], flags=32, ts_event=OPEN - HOUR, ts_recv=OPEN + 24 * SECOND)
    table = at(table, 21, bid_px_00=99.9, bid_px_01=99.8)
    table = at(table, 22, bid_px_00=99.95, bid_px_01=99.9)
    quotes, _, counts = ingest(table, tmp_path / "made.parquet")
    assert counts == {"snapshot": 4, "cleared_book": 1}
    assert quotes["bid_px_0"].is_nan().arg_true().to_list() == [20, 21, 22]
    assert set(quotes["bid_px_0"].drop_nans()) == {100.0}


def test_after_a_clear_nothing_stands_until_the_book_is_there_again(tmp_path: Path) -> None:
    whole = tape(150)
    table = clear(whole, 30).filter(~pl.int_range(pl.len()).is_between(31, 89))
    table = table.with_columns(
        action=pl.when(pl.int_range(pl.len()) == 2).then(pl.lit("T")).otherwise("action")
    )
    found = measured(table, tmp_path)
    # known for 30 s of the first minute and 30 s of the second
    assert found["covered"][:3].to_list() == pytest.approx([0.5, 0.5, 1.0])
    assert found["half_spread"][:3].to_list() == pytest.approx([0.005] * 3)
    assert found["depth_bid_0"][:3].to_list() == pytest.approx([300.0] * 3)
    assert np.isnan(found["mid_close"][0])
    assert found["mid_close"][1] == pytest.approx(100.005)
    assert found["ofi_0"][:3].to_list() == [0.0] * 3  # a clear is no flow
    assert found["quotes"][:3].to_list() == [30, 30, 30]


@pytest.mark.parametrize(
    ("change", "levels"),
    [
        ({"bid_px_01": 100.0}, 2),  # equal to the one above it
        ({"bid_px_01": 100.005}, 2),
        ({"ask_px_01": 100.01}, 2),
        ({"ask_px_01": 100.005}, 2),
        ({"bid_px_00": 99.99, "bid_px_01": 100.0}, 2),  # ascending
        ({"ask_px_00": None, "ask_sz_00": 0}, 2),  # a level below an empty best one
    ],
)
def test_levels_out_of_order_are_left_out(
    change: dict[str, float], levels: int, tmp_path: Path
) -> None:
    quotes, _, counts = ingest(at(tape(levels=levels), [4, 9], **change), tmp_path / "made.parquet")
    assert counts == {"unordered_levels": 2}
    assert quotes.select(pl.exclude("ts")).n_unique() == 1
    assert len(quotes) == 58


def test_a_gap_among_levels_is_no_disorder(tmp_path: Path) -> None:
    table = at(tape(), 4, bid_px_01=None, bid_sz_01=0)
    _, _, counts = ingest(table, tmp_path / "made.parquet")
    assert counts == {"empty_level": 1}


@pytest.mark.parametrize("unit", [1e9, 1e9 * 50])
@pytest.mark.parametrize("kind", [pl.Int64, pl.Float64])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_units_of_1e_9_are_told_by_their_zeros(
    unit: float, kind: type[pl.DataType], suffix: str, tmp_path: Path
) -> None:
    prices = [name for name in tape().columns if name == "price" or "_px_" in name]
    table = tape().with_columns((pl.col(prices) * unit).round().cast(pl.Int64).cast(kind))
    if suffix == "csv":
        table = table.with_columns(pl.col(prices).cast(pl.Int64))
    quotes, _, _ = ingest(table, tmp_path / f"made.{suffix}")
    np.testing.assert_allclose(quotes["bid_px_0"], 100.0 * unit / 1e9)


@pytest.mark.parametrize(
    "unit",
    [
        1,  # 100 of a currency
        1e4,  # LOBSTER's and LEAN's units
        1_996_251 / 100,  # a price of 1,996,251 with a tick of 200
        6_500_000 / 100,  # 6,500,000 with a tick of 650
        1e7,
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_integers_that_are_no_units_of_1e_9_are_refused(
    unit: float, suffix: str, tmp_path: Path
) -> None:
    prices = [name for name in tape().columns if name == "price" or "_px_" in name]
    table = tape().with_columns((pl.col(prices) * unit).round().cast(pl.Int64))
    if unit == 1e7:  # three digits in use
        table = table.with_columns(pl.col("bid_px_00", "ask_px_00") + 101)
    with pytest.raises(
        InputError, match=r"row 1: .* write prices in currency with a decimal point"
    ):
        ingest(table, tmp_path / f"made.{suffix}")


def test_two_instruments_of_one_symbol_on_one_day_are_refused(tmp_path: Path) -> None:
    table = at(tape(), list(range(31, 60, 2)), instrument_id=8, bid_px_00=99.0)
    for rows in (1, 7, 50_000):
        with pytest.raises(
            InputError, match=r"row 32: ABC has the books of several instruments .*7, 8"
        ):
            ingest(table, tmp_path / "made.parquet", rows)


def test_a_symbol_may_pass_to_another_instrument_overnight(tmp_path: Path) -> None:
    day = 24 * HOUR
    later = tape().with_columns(pl.col("ts_event", "ts_recv") + day, instrument_id=pl.lit(8))
    for rows in (7, 50_000):
        quotes, _, _ = ingest(
            pl.concat([tape(), later.cast(tape().schema)]), tmp_path / "made.parquet", rows
        )
        assert len(quotes) == 120
