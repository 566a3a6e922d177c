"""Databento's encodings, all of one hand-made tape whose every row is accounted for."""

import gzip
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import zstandard
from polars.testing import assert_frame_equal

from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SessionCalendar
from pipeline.tape.sources import databento
from pipeline.tape.sources.source import RULES, RawFile

XNYS = SessionCalendar("XNYS")
OPEN = XNYS.session("2025-01-06").open_ns
CLOSE = XNYS.session("2025-01-06").close_ns
UNDEFINED = 2**63 - 1
BEST = ("bid_px_00", "bid_sz_00", "ask_px_00", "ask_sz_00")
FIELDS = (
    "ts_event",
    "action",
    "side",
    "price",
    "size",
    *BEST,
    *(name.replace("_00", "_01") for name in BEST),
)
GOOD = (100.0, 10, 100.02, 20, 99.99, 30, 100.03, 40)
NONE = None
TAPE = [
    (OPEN - 5, "A", "B", 100.0, 1, *GOOD),  # 1 out_of_session
    (OPEN, "T", "N", 100.01, 900, *GOOD),  # 2 cross_print (and a quote)
    (OPEN, "T", "N", 100.01, 50, *GOOD),  # 3 cross_print: same print time
    (OPEN + 1, "A", "B", 100.0, 1, *GOOD),  # 4
    (OPEN + 2, "T", "B", 100.02, 7, *GOOD),  # 5 a buyer's trade
    (OPEN + 2, "T", "B", 100.02, 7, *GOOD),  # 6 duplicate
    (OPEN + 3, "T", "N", 100.01, 3, *GOOD),  # 7 undirected_trade
    (OPEN + 4, "C", "A", 100.02, 2, 100.0, 10, NONE, 0, 99.99, 30, NONE, 0),  # 8 one_sided
    (OPEN + 5, "R", "N", NONE, 0, NONE, 0, NONE, 0, NONE, 0, NONE, 0),  # 9 cleared_book
    (OPEN + 6, "A", "B", 100.03, 5, 100.03, 5, 100.02, 20, 99.99, 30, 100.03, 40),  # 10 crossed
    (OPEN + 7, "A", "B", 100.02, 5, 100.02, 5, 100.02, 20, 99.99, 30, 100.03, 40),  # 11 locked
    (OPEN + 8, "A", "B", 100.0, 5, 100.0, 15, 100.02, 20, NONE, 0, 100.03, 40),  # 12 empty_level
    (OPEN + 9, "T", "A", NONE, 5, *GOOD),  # 13 undefined_price of a trade; its book is good
    (OPEN + 10, "T", "A", 100.0, 4, *GOOD),  # 14 a seller's trade
    (CLOSE, "T", "N", 100.01, 999, *GOOD),  # 15 out_of_session: the closing cross
]
COUNTS = {
    "out_of_session": 2,
    "cross_print": 2,
    "duplicate": 1,
    "undirected_trade": 1,
    "one_sided": 1,
    "cleared_book": 1,
    "undefined_price": 1,
    "crossed": 1,
    "locked": 1,
    "empty_level": 1,
}
# the rows whose book is kept; 8 and 9 end the one before them
QUOTED = [2, 3, 4, 5, 7, 8, 9, 12, 13, 14]


def frame(rows: list[tuple] = TAPE, symbol: str = "ABC") -> pl.DataFrame:
    table = pl.DataFrame(rows, schema=FIELDS, orient="row", infer_schema_length=None)
    return table.with_columns(
        (pl.col("ts_event") + 100).alias("ts_recv"),
        pl.lit(symbol).alias("symbol"),
        pl.lit(1).alias("instrument_id"),
        pl.lit(2).alias("publisher_id"),
    ).with_columns(pl.col([name for name in FIELDS if "_sz_" in name]).cast(pl.UInt32))


def fixed(table: pl.DataFrame) -> pl.DataFrame:
    prices = [name for name in table.columns if name == "price" or "_px_" in name]
    return table.with_columns((pl.col(prices) * 1e9).round().cast(pl.Int64).fill_null(UNDEFINED))


def iso(table: pl.DataFrame, pattern: str = "%Y-%m-%dT%H:%M:%S%.9fZ") -> pl.DataFrame:
    return table.with_columns(
        pl.col("ts_event", "ts_recv").cast(pl.Datetime("ns", "UTC")).dt.strftime(pattern)
    )


def pressed(table: pl.DataFrame, path: Path, compress: Callable[[bytes], bytes]) -> None:
    path.write_bytes(compress(table.write_csv().encode()))


def twice(table: pl.DataFrame, path: Path) -> None:
    header, *rest = table.write_csv().splitlines()
    at = table.columns.index("ts_event")
    path.write_text(
        "\n".join([header + ",ts_event", *(f"{line},{line.split(',')[at]}" for line in rest)])
    )


def indexed(table: pl.DataFrame, path: Path) -> None:
    times = pl.col("ts_event", "ts_recv").cast(pl.Datetime("ns", "UTC"))
    table.with_columns(times, pl.col("ts_event").alias("ts_event_duplicated_0")).write_parquet(path)


ENCODINGS: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    "decimal.csv": lambda table, path: table.write_csv(path),
    "fixed.csv": lambda table, path: fixed(table).write_csv(path),
    "iso.csv": lambda table, path: iso(table).write_csv(path),
    "pandas.csv": lambda table, path: iso(table, "%Y-%m-%d %H:%M:%S%.9f+00:00").write_csv(path),
    "twice.csv": twice,
    "iso.csv.gz": lambda table, path: pressed(iso(table), path, gzip.compress),
    "fixed.csv.zst": lambda table, path: pressed(fixed(table), path, zstandard.compress),
    "decimal.parquet": lambda table, path: table.write_parquet(path),
    "fixed.parquet": lambda table, path: fixed(table).write_parquet(path),
    "indexed.parquet": indexed,
    "nan.parquet": lambda table, path: table.with_columns(
        pl.col(pl.Float64).fill_null(np.nan)
    ).write_parquet(path),
}


def ingest(
    path: Path, rows: int = 50_000, calendar: SessionCalendar = XNYS
) -> tuple[pl.DataFrame, pl.DataFrame, dict]:
    batches = list(databento.read(RawFile(str(path), None, None, 1), calendar, rows))
    counts = dict.fromkeys(RULES, 0)
    for batch in batches:
        assert batch.counts["rule"].to_list() == list(RULES)
        for rule, found in batch.counts.iter_rows():
            counts[rule] += found
    return pl.concat(b.quotes for b in batches), pl.concat(b.trades for b in batches), counts


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("rows", [1, 4, 50_000])
def test_every_encoding_gives_the_same_tape(name: str, rows: int, tmp_path: Path) -> None:
    ENCODINGS[name](frame(), tmp_path / name)
    quotes, trades, counts = ingest(tmp_path / name, rows)
    assert {rule: found for rule, found in counts.items() if found} == COUNTS
    assert trades.rows() == [
        (OPEN + 2, 100.02, 7.0, 1),
        (OPEN + 3, 100.01, 3.0, 0),
        (OPEN + 10, 100.0, 4.0, -1),
    ]
    assert quotes["ts"].to_list() == [TAPE[row - 1][0] for row in QUOTED]
    assert quotes.columns == [
        "ts",
        "bid_px_0",
        "bid_sz_0",
        "ask_px_0",
        "ask_sz_0",
        "bid_px_1",
        "bid_sz_1",
        "ask_px_1",
        "ask_sz_1",
    ]
    for found, row in zip(quotes.rows(), QUOTED, strict=True):
        expected = [np.nan if value is None else float(value) for value in TAPE[row - 1][5:]]
        np.testing.assert_array_equal(found[1:], expected)


def dbn(tmp_path: Path, name: str = "made.mbp-1.dbn") -> tuple[Path, bytes]:
    """Write the tape's best level as DBN, its halves under two symbols of one instrument."""
    from databento_dbn import MBP1Msg, Metadata, Schema, SType

    def interval(day: int) -> SimpleNamespace:
        return SimpleNamespace(
            start_date=date(2025, 1, day), end_date=date(2025, 1, day + 1), symbol="77"
        )

    mappings = [
        SimpleNamespace(raw_symbol="ABC", intervals=[interval(6)]),
        SimpleNamespace(raw_symbol="NEW", intervals=[interval(7)]),
    ]
    head = Metadata(
        dataset="XNAS.ITCH",
        start=OPEN,
        stype_in=SType.RAW_SYMBOL,
        stype_out=SType.INSTRUMENT_ID,
        schema=Schema.MBP_1,
        symbols=["ABC", "NEW"],
        mappings=mappings,
        end=CLOSE + 86_400 * 10**9,
    )
    day = 86_400 * 10**9
    rows = [*TAPE, *((ts + day, *rest) for ts, *rest in TAPE)]
    records = np.zeros(len(rows), dtype=np.dtype(MBP1Msg._dtypes))
    records["length"], records["rtype"] = records.dtype.itemsize // 4, 1
    records["instrument_id"], records["publisher_id"] = 77, 2
    for record, row in zip(records, rows, strict=True):
        for field, value in zip(FIELDS[:9], row, strict=False):
            price = field == "price" or "_px_" in field
            if price:
                value = UNDEFINED if value is None else round(value * 1e9)
            record[field] = value.encode() if isinstance(value, str) else value
        record["ts_recv"] = record["ts_event"] + 100
    content = head.encode() + records.tobytes()
    (tmp_path / name).write_bytes(content)
    return tmp_path / name, content


def test_dbn_gives_the_same_tape_and_its_symbols_by_date(tmp_path: Path) -> None:
    path, content = dbn(tmp_path)
    batches = list(databento.read(RawFile(str(path), None, None, 1), XNYS, 4))
    assert {(batch.symbol, batch.date) for batch in batches} == {
        ("ABC", "2025-01-06"),
        ("NEW", "2025-01-07"),
    }
    trades = pl.concat(batch.trades for batch in batches if batch.symbol == "ABC")
    assert trades.rows() == [
        (OPEN + 2, 100.02, 7.0, 1),
        (OPEN + 3, 100.01, 3.0, 0),
        (OPEN + 10, 100.0, 4.0, -1),
    ]
    quotes = pl.concat(batch.quotes for batch in batches if batch.symbol == "NEW")
    np.testing.assert_array_equal(quotes["bid_px_0"], [100.0] * 6 + [np.nan] + [100.0] * 3)
    counts = pl.concat(batch.counts for batch in batches).group_by("rule").agg(pl.col("rows").sum())
    found = {rule: rows for rule, rows in counts.iter_rows() if rows}
    assert found == {rule: 2 * rows for rule, rows in COUNTS.items() if rule != "empty_level"}
    frames = [
        zstandard.compress(part) for part in (content[:901], content[901:1500], content[1500:])
    ]
    (tmp_path / "many.dbn.zst").write_bytes(b"".join(frames))
    for mine, theirs in zip(ingest(path), ingest(tmp_path / "many.dbn.zst"), strict=True):
        assert mine == theirs if isinstance(mine, dict) else mine.equals(theirs, null_equal=True)


@pytest.mark.parametrize("keep", [0.99, 0.5, 0.15])
def test_a_broken_last_line_is_refused(keep: float, tmp_path: Path) -> None:
    content = frame().write_csv()
    (tmp_path / "made.csv").write_text(content[: int(len(content) * keep)])
    with pytest.raises(InputError, match=r"made.csv: truncated.*last line has \d+ fields, not 17"):
        ingest(tmp_path / "made.csv")


@pytest.mark.parametrize("keep", [0.999, 0.9, 0.5, 0.01])
@pytest.mark.parametrize(
    "name", ["made.mbp-1.dbn", "made.dbn.zst", "made.csv.gz", "made.csv.zst", "made.parquet"]
)
def test_truncated_files_are_refused(name: str, keep: float, tmp_path: Path) -> None:
    if ".dbn" in name:
        content = dbn(tmp_path)[1]
        content = zstandard.compress(content) if name.endswith("zst") else content
    else:
        encoding = {
            "made.csv.gz": "iso.csv.gz",
            "made.csv.zst": "fixed.csv.zst",
            "made.parquet": "fixed.parquet",
        }[name]
        ENCODINGS[encoding](frame(), tmp_path / encoding)
        content = (tmp_path / encoding).read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(InputError, match=f"{name}: truncated") as caught:
        ingest(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_symbols_and_dates_are_told_apart(tmp_path: Path) -> None:
    day = 86_400 * 10**9
    later = frame([(ts + day, *rest) for ts, *rest in TAPE], "XYZ")
    both = pl.concat(
        [
            frame(),
            frame(symbol="XYZ").with_columns(publisher_id=3),
            later.with_columns(publisher_id=3),
        ]
    )
    both.sort("ts_recv", maintain_order=True).write_parquet(tmp_path / "both.parquet")
    batches = list(databento.read(RawFile(str(tmp_path / "both.parquet"), None, None, 1), XNYS, 5))
    sizes: dict[tuple[str, str], int] = {}
    for batch in batches:
        sizes[batch.symbol, batch.date] = sizes.get((batch.symbol, batch.date), 0) + len(
            batch.quotes
        )
    assert sizes == dict.fromkeys(
        [("ABC", "2025-01-06"), ("XYZ", "2025-01-06"), ("XYZ", "2025-01-07")], len(QUOTED)
    )
    counts = pl.concat(batch.counts for batch in batches).group_by("rule").agg(pl.col("rows").sum())
    assert {rule: rows for rule, rows in counts.iter_rows() if rows} == {
        rule: 3 * n for rule, n in COUNTS.items()
    }


def test_instrument_number_names_a_book_without_symbol(tmp_path: Path) -> None:
    frame().drop("symbol").write_parquet(tmp_path / "made.parquet")
    batches = list(databento.read(RawFile(str(tmp_path / "made.parquet"), None, None, 1), XNYS))
    assert {batch.symbol for batch in batches} == {"1"}
    frame().drop("symbol", "instrument_id").write_parquet(tmp_path / "none.parquet")
    with pytest.raises(InputError, match="no column 'symbol' or 'instrument_id'"):
        ingest(tmp_path / "none.parquet")


def test_no_row_depends_on_a_later_one(tmp_path: Path) -> None:
    frame().write_parquet(tmp_path / "whole.parquet")
    quotes, trades, _ = ingest(tmp_path / "whole.parquet")
    for rows in range(2, len(TAPE)):
        other = [*TAPE[:rows], (TAPE[rows - 1][0], "T", "B", 1.0, 5, *GOOD[:4], 98.0, 1, 102.0, 1)]
        frame(other).write_parquet(tmp_path / "part.parquet")
        some_quotes, some_trades, _ = ingest(tmp_path / "part.parquet")
        known = sum(row <= rows for row in QUOTED)
        assert_frame_equal(some_quotes[:known], quotes[:known])
        before = sum(TAPE[row - 1][0] <= TAPE[rows - 1][0] and row <= rows for row in (5, 7, 14))
        assert some_trades[:before].equals(trades[:before])


def test_time_that_runs_back_is_refused_with_its_row(tmp_path: Path) -> None:
    swapped = [*TAPE[:7], TAPE[11], TAPE[7], *TAPE[12:]]
    for name, table in (("recv", frame(swapped)), ("event", frame(swapped).drop("ts_recv"))):
        table.write_parquet(tmp_path / f"{name}.parquet")
        for rows in (3, 8, 100):
            with pytest.raises(
                InputError, match=rf"{name}.parquet: row 9: time runs backwards for ABC"
            ):
                ingest(tmp_path / f"{name}.parquet", rows)


def test_event_time_behind_receive_time_waits_for_its_turn(tmp_path: Path) -> None:
    table = frame().with_columns(ts_recv=OPEN + pl.int_range(pl.len()))
    late = table.with_columns(
        ts_event=pl.when(pl.int_range(pl.len()) == 13).then(OPEN + 4).otherwise("ts_event")
    )
    late.write_parquet(tmp_path / "late.parquet")
    _, trades, counts = ingest(tmp_path / "late.parquet", 4)
    assert counts["late_event"] == 1
    assert trades["ts"].to_list() == [
        OPEN + 2,
        OPEN + 2,
        OPEN + 3,
        OPEN + 9,
    ]  # of row 13, the one before it
    hours = table.with_columns(
        ts_event=pl.when(pl.int_range(pl.len()) == 13).then(OPEN - 10**12).otherwise("ts_event")
    )
    hours.write_parquet(tmp_path / "hours.parquet")
    with pytest.raises(InputError, match="row 14: time runs backwards"):
        ingest(tmp_path / "hours.parquet")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda table: table.rename({"bid_px_00": "bid_px_0"}),
            "no column 'bid_px_00'; the nearest are bid_px_0",
        ),
        (lambda table: table.drop("ask_sz_01"), "no column 'ask_sz_01'"),
        (lambda table: table.rename({"ts_event": "time"}), "no column 'ts_event'"),
        (
            lambda table: table.with_columns(ts_event=pl.lit(None, pl.Int64)),
            "row 1: ts_event is no time",
        ),
        (lambda table: table.with_columns(ts_recv=UNDEFINED), "row 1: ts_recv is no time"),
        (lambda table: table.with_columns(ts_event=pl.lit("noon")), "row 1: ts_event is no time"),
        (
            lambda table: table.with_columns(publisher_id=pl.int_range(pl.len()) // 9),
            r"several publishers \(0, 1\)",
        ),
        (
            lambda table: table.with_columns(pl.col("^.*px.*$").cast(pl.Int64)),
            "row 1: a best price of 100 is 1e-07 if whole numbers are units of 1e-9",
        ),
        (
            lambda table: table.with_columns(symbol=None, instrument_id=None),
            "row 1: neither symbol nor instrument_id",
        ),
    ],
)
def test_wrong_content_is_refused_by_name(
    change: Callable[[pl.DataFrame], pl.DataFrame], message: str, tmp_path: Path
) -> None:
    change(frame()).write_parquet(tmp_path / "wrong.parquet")
    with pytest.raises(InputError, match=f"wrong.parquet: .*{message}"):
        ingest(tmp_path / "wrong.parquet")


def test_text_among_numbers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.csv").write_text(frame().write_csv().replace("100.02", "cheap", 1))
    with pytest.raises(InputError, match=r"text.csv: .*cheap"):
        ingest(tmp_path / "text.csv")


def test_discover_takes_mbp_files_before_others(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="an empty folder"):
        databento.discover(str(tmp_path))
    with pytest.raises(InputError, match="no such file or folder"):
        databento.discover(str(tmp_path / "absent"))
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InputError, match=r"none of its 1 files fits; expected Databento mbp-10"):
        databento.discover(str(tmp_path))
    frame().write_parquet(tmp_path / "b.parquet")
    (tmp_path / "sub").mkdir()
    frame().write_parquet(tmp_path / "sub" / "a.parquet")
    assert [Path(raw.url).name for raw in databento.discover(str(tmp_path))] == [
        "b.parquet",
        "a.parquet",
    ]
    frame().write_parquet(tmp_path / "c.mbp-10.parquet")
    found = databento.discover(str(tmp_path))
    assert [Path(raw.url).name for raw in found] == ["c.mbp-10.parquet"]
    assert found[0].bytes == (tmp_path / "c.mbp-10.parquet").stat().st_size
    assert len(databento.discover(str(tmp_path / "b.parquet"))) == 1
    (tmp_path / "d.mbp-1.csv").touch()
    with pytest.raises(InputError, match=r"d.mbp-1.csv: the file is empty"):
        databento.discover(str(tmp_path))


def test_remote_files_are_fetched(tmp_path: Path) -> None:
    import fsspec

    frame().write_parquet(tmp_path / "made.mbp-1.parquet")
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/tape/made.mbp-1.parquet", (tmp_path / "made.mbp-1.parquet").read_bytes())
    (raw,) = databento.discover("memory://tape")
    here = ingest(tmp_path / "made.mbp-1.parquet")
    there = list(databento.read(raw, XNYS))
    assert pl.concat(batch.trades for batch in there).equals(here[1])


def test_real_dbn_of_every_version_decodes_alike(real_data: Path) -> None:
    folder, always = real_data / "databento", SessionCalendar("24/7")
    for schema, levels in (("mbp-1", 1), ("mbp-10", 10)):
        names = [
            f"test_data.{schema}.dbn",
            *(f"test_data.{schema}.v{version}.dbn.zst" for version in (1, 2, 3)),
        ]
        tapes = [ingest(folder / name, 50_000, always) for name in names]
        for quotes, _, _ in tapes:
            assert quotes.equals(tapes[0][0])
            assert len(quotes.columns) == 1 + 4 * levels
        assert tapes[0][0]["bid_px_0"].to_list() == [3720.25, 3720.25]
    batches = list(
        databento.read(RawFile(str(folder / "test_data.mbp-10.dbn"), None, None, 1), always)
    )
    assert [(batch.symbol, batch.date) for batch in batches] == [("ESH1", "2020-12-28")]


def test_real_frames_after_frames_are_read_to_the_end(real_data: Path) -> None:
    path = next((real_data / "databento").glob("futures_mbp-1*.dbn.zst"))
    raw = (
        zstandard.ZstdDecompressor().stream_reader(path.open("rb"), read_across_frames=True).read()
    )
    quotes, trades, counts = ingest(path, 500, SessionCalendar("CMES"))
    assert len(quotes) == 2288 == (len(raw) - 8 - int.from_bytes(raw[4:8], "little")) // 80
    assert len(trades) == raw[8 + int.from_bytes(raw[4:8], "little") :][28::80].count(b"T")
    assert sum(counts.values()) == counts["undirected_trade"] + counts["snapshot"]
    assert counts["snapshot"] == 1  # the book at midnight, flagged 168
    with pytest.raises(InputError, match="its schema is trades"):
        ingest(real_data / "databento" / "test_data.trades.dbn")


@pytest.mark.parametrize("rows", [1, 50_000])
def test_an_auction_opens_each_side_of_a_break(tmp_path: Path, rows: int) -> None:
    tokyo = SessionCalendar("XTKS")
    (morning, pause), (afternoon, _) = tokyo.session("2025-01-06").stretches
    prints = [
        (morning + 1, "N", 10),  # the opening auction
        (morning + 1, "B", 20),
        (pause - 1, "N", 30),
        (pause, "N", 40),  # the morning's closing auction, out of session
        (afternoon - 1, "N", 50),
        (afternoon + 7, "N", 60),  # the afternoon's auction
        (afternoon + 7, "N", 70),
        (afternoon + 9, "N", 80),
    ]
    tape = [(ts, "T", side, 100.01, size, *GOOD) for ts, side, size in prints]
    frame(tape).write_parquet(tmp_path / "made.parquet")
    _, trades, counts = ingest(tmp_path / "made.parquet", rows, tokyo)
    assert (counts["cross_print"], counts["out_of_session"]) == (3, 2)
    assert trades["size"].to_list() == [20, 30, 80]


def test_a_market_without_auctions_keeps_its_first_print(tmp_path: Path) -> None:
    frame().write_parquet(tmp_path / "made.parquet")
    _, trades, counts = ingest(tmp_path / "made.parquet", 4, SessionCalendar("24/7"))
    assert (counts["cross_print"], counts["undirected_trade"], len(trades)) == (0, 4, 6)


def test_the_vendors_zips_are_read_alone_and_in_a_folder(tmp_path: Path) -> None:
    halves = [frame(TAPE[:7]).write_csv(), frame(TAPE[7:]).write_csv()]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("__MACOSX/._1.csv", b"\0\5")
        for number, text in enumerate(halves):
            archive.writestr(f"part/{number}.csv", text)
    whole, _, _ = ingest_written(frame(), tmp_path / "whole.csv")
    for location in (tmp_path / "a.zip", tmp_path):
        (tmp_path / "whole.csv").unlink(missing_ok=True)
        (raw,) = databento.discover(str(location))
        assert_frame_equal(ingest(Path(raw.url))[0], whole)


def ingest_written(table: pl.DataFrame, path: Path) -> tuple[pl.DataFrame, pl.DataFrame, dict]:
    table.write_csv(path)
    return ingest(path)
