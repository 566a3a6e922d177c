"""Which rows of a trades-and-quotes tape are taken: filters, instruments, numbers and scales."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipeline.engine.config import load_config
from pipeline.engine.errors import InputError
from pipeline.engine.job import open_job
from pipeline.tape.opening import find_tape, ingest_files
from pipeline.tape.sources import taq
from pipeline.tape.sources.source import TapeBatch
from tests.pipeline.tape.sources.taq_tape import MAP, XNYS, read, tape, touched, write

NUMBERED = MAP.replace('size = "qty"', 'size = "qty"\nid = "id"')
LARGE = 2**53  # LARGE + 1 is LARGE as a float


def filtered(values: str) -> str:
    return MAP.replace("'trades.*'", f"'trades.*'\nrows = {{ corr = {values} }}")


def marked(
    table: pl.DataFrame, rows: list[int], name: str, value: object, other: object
) -> pl.DataFrame:
    """Return the table with a column that has a value in these rows and another elsewhere."""
    chosen = pl.int_range(pl.len()).is_in(rows)
    return table.with_columns(
        pl.when(chosen).then(pl.lit(value)).otherwise(pl.lit(other)).alias(name)
    )


def parquet(folder: Path, tables: dict[str, pl.DataFrame], text: str) -> list[TapeBatch]:
    (folder / "tape").mkdir(exist_ok=True)
    for name, table in tables.items():
        table.write_parquet(folder / "tape" / f"{name}.parquet")
    (folder / "map.toml").write_text(text)
    found = taq.discover(str(folder / "tape"), str(folder / "map.toml"))
    return [batch for raw in found for batch in taq.read(raw, XNYS)]


@pytest.mark.parametrize("written", ["0", "00", "0.0", " 0 ", "+0", "-0"])
@pytest.mark.parametrize("asked", ["['0']", "['00']", "['0.0']", "[0]", "[0.0]"])
def test_a_filter_takes_a_number_however_it_is_written(
    written: str, asked: str, tmp_path: Path
) -> None:
    tables = tape(rows=12)
    tables["trades"] = marked(tables["trades"], [3, 7], "corr", "01", written)
    (batch,) = read(tmp_path, tables, filtered(asked))
    assert touched(batch) == {"not_selected": 2, "quote_signed": 10}
    assert len(batch.trades) == 10


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        (pl.Series([0.0, 1.0] * 6), "['00']"),
        (pl.Series([0, 1] * 6), "['0.0']"),
        (pl.Series([True, False] * 6), "['true']"),
        (pl.Series([True, False] * 6), "[true]"),
        (pl.Series([None, "x"] * 6), "['']"),
        (pl.Series(["", "x"] * 6), "['']"),
        (pl.Series(["  ", "x"] * 6), "['']"),
        (pl.Series([LARGE + 1, LARGE] * 6), f"['{LARGE + 1}']"),
    ],
)
def test_a_filter_compares_values_of_any_type(
    values: pl.Series, asked: str, tmp_path: Path
) -> None:
    tables = tape(rows=12)
    tables["trades"] = tables["trades"].with_columns(values.alias("corr"))
    (batch,) = parquet(tmp_path, tables, filtered(asked).replace(".*'", ".*parquet'"))
    assert touched(batch)["not_selected"] == 6
    assert batch.trades["size"].to_list() == [100.0, 102.0, 104.0, 106.0, 108.0, 110.0]


def test_a_filter_that_takes_nothing_says_which_values_there_are(tmp_path: Path) -> None:
    tables = tape(rows=12)
    tables["trades"] = marked(tables["trades"], [3], "corr", "01", "R")
    with pytest.raises(
        InputError,
        match=r"trades.csv: no row has corr = '00', .* 'R' \(11 rows\), '01' \(1 ",
    ):
        read(tmp_path, tables, filtered("['00']"))


def test_rows_that_no_table_takes_are_counted_once(tmp_path: Path) -> None:
    tables = tape(rows=20)
    parts = [table.with_columns(kind=pl.lit(name[0])) for name, table in tables.items()]
    parts += [tables["trades"][:3].with_columns(kind=pl.lit("x"))]
    parts += [tables["trades"][:2].with_columns(kind=pl.lit("x"), sym=pl.lit("XYZ"))]
    parts += [tables["trades"][:1].with_columns(kind=pl.lit("x"), t=None)]
    text = MAP.replace("'quotes.*'", "'all.*'\nrows = { kind = ['q'] }").replace(
        "'trades.*'", "'all.*'\nrows = { kind = ['t'] }"
    )
    columns = write(tmp_path, {"all": pl.concat(parts, how="diagonal")}, text)
    data = {"source": "taq", "location": str(tmp_path / "tape"), "columns": columns}
    config = load_config(None, {"data": data})
    with open_job(config, str(tmp_path / "out"), 0) as job:
        days, quality, _ = ingest_files(job, find_tape(config, str(tmp_path / "out")))
    assert [(day.symbol, day.date) for day in days] == [("ABC", "2025-01-06")]
    found = quality[quality["rule"] == "not_selected"].set_index("symbol")["rows"]
    assert found.to_dict() == {"ABC": 4, "other symbols": 2}


def test_share_classes_are_told_apart_or_refused(tmp_path: Path) -> None:
    tables = {
        name: marked(table, list(range(0, 200, 2)), "SYM_SUFFIX", "B", None)
        for name, table in tape().items()
    }
    with pytest.raises(InputError, match=r"row 2: ABC has SYM_SUFFIX 'B' and '': two instruments"):
        read(tmp_path, tables)
    one, other = read(
        tmp_path, tables, MAP.replace('symbol = "sym"', 'symbol = "sym"\nsuffix = "SYM_SUFFIX"')
    )
    assert [(one.symbol, len(one.quotes)), (other.symbol, len(other.quotes))] == [
        ("ABC", 100),
        ("ABC.B", 100),
    ]
    assert other.trades["size"].to_list() == list(range(100, 300, 2))
    kept = MAP.replace(".*'\n", ".*'\nrows = { SYM_SUFFIX = [''] }\n")
    (whole,) = read(tmp_path, tables, kept)
    assert (whole.symbol, len(whole.quotes), touched(whole)["not_selected"]) == ("ABC", 100, 200)


def test_a_number_of_the_instrument_that_changes_is_a_second_one(tmp_path: Path) -> None:
    tables = {name: marked(table, [5], "cusip", "2", "1") for name, table in tape(rows=12).items()}
    with pytest.raises(InputError, match=r"quotes.csv: row 6: ABC has cusip '1' and '2'"):
        read(tmp_path, tables)
    tables = {name: marked(table, [5], "cusip", None, "1") for name, table in tape(rows=12).items()}
    assert len(read(tmp_path, tables)[0].quotes) == 12


@pytest.mark.parametrize("kind", [pl.Int64, pl.UInt64, pl.String])
def test_trade_numbers_beyond_floats_and_blanks_are_no_duplicates(
    kind: type[pl.DataType], tmp_path: Path
) -> None:
    numbers = [LARGE, LARGE + 1, None, None, LARGE + 2, LARGE + 2]
    tables = tape(rows=6)
    tables["trades"] = tables["trades"].with_columns(
        id=pl.Series(numbers, dtype=pl.Int64).cast(kind)
    )
    for reader in (parquet, read):
        folder = tmp_path / reader.__name__
        folder.mkdir()
        (batch,) = reader(folder, tables, NUMBERED)
        assert batch.trades["size"].to_list() == [100.0, 101.0, 102.0, 103.0, 104.0]
        assert touched(batch)["duplicate"] == 1


def test_equal_prints_without_a_number_are_noted(tmp_path: Path) -> None:
    tables = tape(rows=6)
    trades = tables["trades"][[0, 0, 1, 1, 2, 3]].with_columns(
        id=pl.Series([None, None, 5, 5, 6, 7])
    )
    (batch,) = read(tmp_path, tables | {"trades": trades}, NUMBERED)
    assert (touched(batch)["duplicate"], touched(batch)["same_print"]) == (1, 1)
    assert len(batch.trades) == 5


@pytest.mark.parametrize(
    "ids", [pl.Series([1.0, 2.0, float(LARGE)]), pl.Series(["1", "2", "1.23457E+17"])]
)
def test_trade_numbers_that_were_rounded_are_refused(ids: pl.Series, tmp_path: Path) -> None:
    tables = tape(rows=3)
    tables["trades"] = tables["trades"].with_columns(id=ids)
    with pytest.raises(InputError, match=r"row 3: id .* is rounded"):
        parquet(tmp_path, tables, NUMBERED)


def test_whole_numbers_of_an_unstated_unit_are_asked_about(tmp_path: Path) -> None:
    tables = tape(rows=12)
    prices = {"quotes": ["bid", "ask"], "trades": ["px"]}
    units = {
        name: table.with_columns((pl.col(prices[name]) * 10_000).round().cast(pl.Int64))
        for name, table in tables.items()
    }
    with pytest.raises(InputError, match=r"row 1: bid is 1000000, .* state price_divisor"):
        read(tmp_path, units)
    for divisor in (1, 10_000):
        stated = MAP.replace(".*'\n", f".*'\nprice_divisor = {divisor}\n")
        (batch,) = read(tmp_path, units, stated)
        assert batch.quotes["bid_px_0"][0] == 1_000_000 / divisor
        assert batch.trades["price"][0] == 1_000_400 / divisor


@pytest.mark.parametrize("price", [9223372036.854775807, 9.223372036854776e18])
def test_an_undefined_price_of_another_vendor_is_no_price(price: float, tmp_path: Path) -> None:
    tables = tape(rows=12)
    asks = tables["quotes"]["ask"].to_list()
    tables["quotes"] = tables["quotes"].with_columns(ask=pl.Series([*asks[:5], price, *asks[6:]]))
    (batch,) = read(tmp_path, tables)
    assert touched(batch)["one_sided"] == 1
    spread = (batch.quotes["ask_px_0"] - batch.quotes["bid_px_0"]).drop_nans()
    np.testing.assert_allclose(spread, 0.04, atol=1e-9)


def test_an_undefined_size_is_refused_with_its_row(tmp_path: Path) -> None:
    tables = tape(rows=12)
    tables["quotes"] = marked(tables["quotes"], [4], "bsz", 2**32 - 1, 300)
    with pytest.raises(InputError, match=r"quotes.csv: row 5: bid_sz"):
        read(tmp_path, tables)
