"""Columns of every type that Parquet holds: read alike where they say the same, else refused."""

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipeline.engine.config import load_config
from pipeline.engine.errors import InputError
from pipeline.tape.ingest import ingest_file
from pipeline.tape.opening import ingest_tape
from pipeline.tape.sources.source import RawFile
from pipeline.tape.sources.taq_columns import read_tape_columns
from tests.pipeline.malformed.mutations import KINDS
from tests.pipeline.tape.sources.taq_tape import MAP, tape
from tests.pipeline.tape.sources.test_databento import XNYS, frame, ingest
from tests.pipeline.tape.sources.test_taq_rows import parquet

SAME = {  # what says the same in another type
    "action": pl.Categorical,
    "side": pl.Categorical,
    "symbol": pl.Enum(["ABC"]),
    "price": pl.Decimal(38, 4),
    "ask_sz_01": pl.Float64,
    "size": pl.UInt64,
    "ts_recv": pl.Datetime("ns", "Asia/Tokyo"),
    "ts_event": pl.Datetime("ns"),
    "instrument_id": pl.String,
}


def written(table: pl.DataFrame, path: Path) -> Path:
    table.write_parquet(path)
    return path


@pytest.mark.parametrize("name", SAME)
def test_types_that_say_the_same_give_the_same_tape(name: str, tmp_path: Path) -> None:
    quotes, trades, counts = ingest(written(frame(), tmp_path / "a.parquet"))
    other = frame().with_columns(pl.col(name).cast(SAME[name]))
    found = ingest(written(other, tmp_path / "b.parquet"))
    assert_frame_equal(found[0], quotes, rel_tol=1e-6)
    assert_frame_equal(found[1], trades)
    assert found[2] == counts


@pytest.mark.parametrize("name", ["ts_event", "action", "side", "price", "bid_px_01", "symbol"])
def test_every_other_type_is_read_or_refused_by_the_column(name: str, tmp_path: Path) -> None:
    of, said = pl.col(name), []
    left = (pl.Binary, pl.Time, pl.Int128)  # no conversion, or none that Arrow reads
    columns = [of.cast(kind, strict=False) for kind in KINDS if kind not in left]
    columns += [pl.concat_list(name), pl.struct(name), of.cast(pl.String).cast(pl.Binary)]
    for column in columns:
        try:
            path = written(frame().with_columns(column.alias(name)), tmp_path / "a.parquet")
        except pl.exceptions.PolarsError:
            continue  # no such conversion
        try:
            ingest(path)
        except InputError as error:
            said.append(str(error))
    assert said
    for message in said:
        assert "a.parquet" in message
        assert name.partition("_")[0] in message or "price" in message


@pytest.mark.parametrize("years", [-300, 300, 8000])
@pytest.mark.parametrize("unit", ["us", "ms"])
def test_times_that_ns_cannot_say_are_refused_by_the_row(
    years: int, unit: str, tmp_path: Path
) -> None:
    odd = pl.when(pl.int_range(pl.len()) == 4).then(years * 31_556_952 * 10**6)
    moved = (pl.col("ts_event") // 1000 + odd.otherwise(0)) // (1000 if unit == "ms" else 1)
    table = frame().with_columns(moved.cast(pl.Datetime(unit)).alias("ts_event"))
    with pytest.raises(InputError, match="row 5: ts_event is no time"):
        ingest(written(table, tmp_path / "a.parquet"))


@pytest.mark.parametrize("year", ["1600", "2262", "2600", "9999"])
def test_years_that_ns_cannot_say_do_not_wrap(year: str, tmp_path: Path) -> None:
    table = frame().with_columns(
        pl.col("ts_event").cast(pl.Datetime("ns")).dt.strftime(f"{year}-%m-%dT%H:%M:%S%.9f")
    )
    with pytest.raises(InputError, match="row 1: ts_event is no time"):
        ingest(written(table, tmp_path / "a.parquet"))


def midnight(table: pl.DataFrame, kind: pl.DataType) -> pl.DataFrame:
    time = pl.col("t").cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone("America/New_York")
    since = (time - time.dt.truncate("1d")).cast(pl.Int64)
    day = time.dt.date().cast(pl.Datetime("us"))
    return table.with_columns(since.cast(kind).alias("t"), day.alias("day"))


@pytest.mark.parametrize("kind", [pl.Duration("ns"), pl.Time, pl.Int64])
def test_a_duration_is_a_time_of_a_day_that_may_be_a_datetime(kind, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (whole,) = parquet(tmp_path / "a", tape(rows=12), MAP)
    text = MAP.replace('"epoch"', '"midnight"').replace('time = "t"', 'time = "t"\ndate = "day"')
    tables = {name: midnight(table, kind) for name, table in tape(rows=12).items()}
    (found,) = parquet(tmp_path / "b", tables, text)
    assert_frame_equal(found.quotes, whole.quotes)
    if kind != pl.Int64:
        with pytest.raises(InputError, match="since = 'midnight'"):
            parquet(tmp_path / "b", tables, MAP)


def negative(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(pl.col("^(price|.*_px_.*)$") - 200)


def test_a_market_below_zero_is_refused_before_it_is_measured(tmp_path: Path) -> None:
    path = written(negative(frame()), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"mid must be above 0.*leave it out with --symbols"):
        ingest_file(RawFile(str(path), None, None, 1), "databento", XNYS, tmp_path / "out")
    tables = tape(rows=12)
    tables["quotes"] = tables["quotes"].with_columns(pl.col("bid", "ask") - 200)
    with pytest.raises(InputError, match=r"row 1: bid_px -100.*0 or more"):
        parquet(tmp_path, tables, MAP)


@pytest.mark.parametrize("symbol", ["ES:M5", "BRK/B", "N" * 300, "\x1b[2J"])
def test_every_symbol_is_ingested(symbol: str, tmp_path: Path) -> None:
    written(frame(symbol=symbol), tmp_path / "a.parquet")
    keys = {"source": "databento", "location": str(tmp_path / "a.parquet")}
    lines = ingest_tape(load_config(None, {"data": keys}), str(tmp_path / "out"))
    assert lines[0].startswith(f"{symbol} 2025-01-06")


def test_a_pattern_takes_no_longer_than_a_name(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(MAP.replace("'trades.*'", "'(x+x+)+y'"))
    table = read_tape_columns(str(tmp_path / "map.toml")).trades
    assert table.named("x" * 5000) is None
    assert table.named("xxy") is not None
    (tmp_path / "map.toml").write_text(MAP.replace("'trades.*'", "'(?=x)x'"))
    with pytest.raises(InputError, match=r"files.*look-around"):
        read_tape_columns(str(tmp_path / "map.toml"))
