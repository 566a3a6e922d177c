"""Trades and quotes through a column map: one tape in many layouts, and what is refused."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from pipeline.engine.config import load_config
from pipeline.engine.errors import InputError
from pipeline.tape.days import discover
from pipeline.tape.opening import ingest_tape
from pipeline.tape.sources import taq
from pipeline.tape.sources.taq_columns import read_tape_columns
from tests.conftest import ROOT
from tests.pipeline.tape.sources.taq_tape import MAP, XNYS, at, read, tape, touched, write

BEGIN = at("2025-01-06", "14:30:00")
LOCAL = pl.col("t").cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone("America/New_York")
SIDED = MAP.replace('size = "qty"', 'size = "qty"\nside = "side"\nbuy = ["B", "1"]\nsell = ["S"]')


def test_the_tape_is_read_and_signed(tmp_path: Path) -> None:
    (batch,) = read(tmp_path, tape(rows=12))
    assert (batch.symbol, batch.date) == ("ABC", "2025-01-06")
    assert batch.quotes.row(0) == (BEGIN, 100.0, 300.0, 100.04, 500.0)
    assert batch.quotes.row(11) == (BEGIN + 11 * 10**9, 100.01, 300.0, 100.05, 500.0)
    assert batch.trades.rows()[:2] == [
        (BEGIN + 5 * 10**8, 100.04, 100.0, 1),
        (BEGIN + 15 * 10**8, 100.0, 101.0, -1),
    ]
    assert batch.trades["aggressor"].to_list() == [1, -1] * 6
    assert touched(batch) == {"quote_signed": 12}


@pytest.mark.parametrize(
    ("settings", "time"),
    [
        ("unit = 'us'", pl.col("t") // 1000),
        ("unit = 'ms'", pl.col("t") // 10**6),
        ("unit = 's'", (pl.col("t") // 10**8) / 10),
        ("unit = 'iso'", LOCAL.dt.strftime("%Y-%m-%dT%H:%M:%S%.f")),
        ("unit = 'iso'", LOCAL.dt.strftime("%Y-%m-%d %H:%M:%S%.9f%z")),
        (
            "unit = 'iso'\ntimezone = 'UTC'",
            LOCAL.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ"),
        ),
        (
            "unit = 'iso'\ntimezone = 'UTC'",
            LOCAL.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%d %H:%M:%S%.f"),
        ),
        ("unit = 'iso'\nsince = 'midnight'", LOCAL.dt.strftime("%-H:%M:%S%.9f")),
        ("unit = 'ms'\nsince = 'midnight'", LOCAL.dt.time().cast(pl.Int64) // 10**6),
        ("unit = 's'\nsince = 'midnight'", (LOCAL.dt.time().cast(pl.Int64) // 10**8) / 10),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_any_way_of_writing_time_gives_the_same_tape(
    tmp_path: Path, settings: str, time: pl.Expr, suffix: str
) -> None:
    day = LOCAL.dt.strftime("%Y%m%d")
    tables = {name: table.with_columns(t=time, day=day) for name, table in tape(rows=30).items()}
    text = settings + MAP.replace('since = "epoch"', "").replace('unit = "ns"', "")
    if "midnight" in settings:
        text = text.replace('time = "t"', 'time = "t"\ndate = "day"')
    columns = write(tmp_path, tables, text)
    if suffix == "parquet":
        for name, table in tables.items():
            (tmp_path / f"tape/{name}.csv").unlink()
            table.write_parquet(tmp_path / f"tape/{name}.parquet")
    (raw,) = taq.discover(str(tmp_path / "tape"), columns)
    (found,) = taq.read(raw, XNYS)
    shutil.rmtree(tmp_path / "tape")
    (expected,) = read(tmp_path, tape(rows=30))
    assert found.quotes.equals(expected.quotes)
    assert found.trades.equals(expected.trades)


@pytest.mark.parametrize(
    ("settings", "time"),
    [
        ("unit = 'iso'", LOCAL),
        ("unit = 'iso'", LOCAL.dt.replace_time_zone(None)),
        ("unit = 'iso'", LOCAL.dt.convert_time_zone("UTC")),
        ("unit = 'ns'", LOCAL),
        ("unit = 'iso'\nsince = 'midnight'", LOCAL.dt.time()),
    ],
)
def test_parquets_own_times_are_taken(tmp_path: Path, settings: str, time: pl.Expr) -> None:
    text = settings + MAP.replace('since = "epoch"', "").replace('unit = "ns"', "")
    if "midnight" in settings:
        text = text.replace('time = "t"', 'time = "t"\ndate = "day"')
    columns = write(tmp_path, {}, text)
    for name, table in tape(rows=30).items():
        table.with_columns(t=time, day=LOCAL.dt.date()).write_parquet(
            tmp_path / f"tape/{name}.parquet"
        )
    (found,) = taq.read(taq.discover(str(tmp_path / "tape"), columns)[0], XNYS)
    shutil.rmtree(tmp_path / "tape")
    assert found.quotes.equals(read(tmp_path, tape(rows=30))[0].quotes)


def test_symbols_and_days_come_from_columns_or_from_the_names_of_the_files(tmp_path: Path) -> None:
    days = [tape(date, rows=20) for date in ("2025-01-06", "2025-01-07")]
    both = {
        name: pl.concat(
            [
                table.with_columns(sym=pl.lit(symbol), t=pl.col("t") + shift)
                for symbol, shift in (("XYZ", 1), ("ABC", 0))
                for table in (day[name] for day in days)
            ]
        )
        for name in ("quotes", "trades")
    }
    expected = read(tmp_path, both)
    assert [(one.symbol, one.date) for one in expected] == [
        ("ABC", "2025-01-06"),
        ("ABC", "2025-01-07"),
        ("XYZ", "2025-01-06"),
        ("XYZ", "2025-01-07"),
    ]
    shutil.rmtree(tmp_path / "tape")
    text = MAP.replace('symbol = "sym"\n', "").replace(
        "'quotes.*'", r"'(?P<symbol>\w+)-(?P<date>[\d-]+)-quotes\.csv'"
    )
    text = text.replace("'trades.*'", r"'(?P<symbol>\w+)-(?P<date>[\d-]+)-trades\.csv'")
    tables = {
        f"{symbol}-{day}-{name}": day_table.drop("sym")
        for name, table in both.items()
        for (symbol, day), day_table in table.with_columns(d=LOCAL.dt.date().cast(pl.String))
        .partition_by("sym", "d", as_dict=True, include_key=True)
        .items()
    }
    found = read(tmp_path, {name: table.drop("d") for name, table in tables.items()}, text)
    assert [(one.symbol, one.date) for one in found] == [(one.symbol, one.date) for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.quotes.equals(other.quotes)
        assert one.trades.equals(other.trades)


def test_one_file_may_hold_both_kinds_of_row(tmp_path: Path) -> None:
    tables = tape(rows=20)
    whole = pl.concat(
        [table.with_columns(kind=pl.lit(name[0])) for name, table in tables.items()], how="diagonal"
    )
    text = MAP.replace("'quotes.*'", "'all.*'\nrows = { kind = ['q'] }").replace(
        "'trades.*'", "'all.*'\nrows = { kind = ['t', 'x'] }"
    )
    (found,) = read(tmp_path, {"all": whole.sort("t")}, text)
    shutil.rmtree(tmp_path / "tape")
    (expected,) = read(tmp_path, tables)
    assert found.quotes.equals(expected.quotes)
    assert found.trades.equals(expected.trades)


def test_venues_lots_and_whole_number_prices(tmp_path: Path) -> None:
    quotes = pl.DataFrame(
        {
            "sym": "ABC",
            "t": [BEGIN, BEGIN + 1, BEGIN + 2, BEGIN + 3],
            "ex": ["N", "P", "N", "P"],
            "bid": [1_000_000, 1_000_000, 999_900, 0],
            "bsz": [3, 1, 2, 0],
            "ask": [1_000_400, 1_000_300, 1_000_400, 1_000_300],
            "asz": [5, 2, 5, 2],
        }
    )
    trades = pl.DataFrame({"sym": "ABC", "t": [BEGIN + 9], "px": [1_000_300], "qty": [70]})
    text = MAP.replace(
        "'quotes.*'", "'quotes.*'\nvenue = 'ex'\nprice_divisor = 10000\nsize_multiple = 100"
    ).replace("'trades.*'", "'trades.*'\nprice_divisor = 10000")
    (batch,) = read(tmp_path, {"quotes": quotes, "trades": trades}, text)
    assert batch.quotes.rows() == [
        (BEGIN, 100.0, 300.0, 100.04, 500.0),
        (BEGIN + 1, 100.0, 400.0, 100.03, 200.0),
        (BEGIN + 2, 100.0, 100.0, 100.03, 200.0),
        (BEGIN + 3, 99.99, 200.0, 100.03, 200.0),
    ]
    assert batch.trades.rows() == [(BEGIN + 9, 100.03, 70.0, 1)]


@pytest.mark.parametrize(
    ("side_is", "sides"), [("aggressor", ["B", "S", "1", ""]), ("resting", ["S", "B", "S", "x"])]
)
def test_a_stated_side_is_taken_as_the_map_says(
    tmp_path: Path, side_is: str, sides: list[str]
) -> None:
    tables = tape(rows=4)
    tables["trades"] = tables["trades"].with_columns(side=pl.Series(sides))
    (batch,) = read(
        tmp_path, tables, SIDED.replace('side = "side"', f'side = "side"\nside_is = "{side_is}"')
    )
    assert batch.trades["aggressor"].to_list() == [1, -1, 1, 0]
    assert touched(batch) == {"undirected_trade": 1}


def test_sale_and_quote_conditions_are_those_of_the_plans(tmp_path: Path) -> None:
    tables = tape(rows=8)
    tables["trades"] = tables["trades"].with_columns(
        c=pl.Series(["@", "@FTI", "O", "Q", "C", "Z", "@4 W", "@ &"])
    )
    tables["quotes"] = tables["quotes"].with_columns(
        c=pl.Series(["R", "R", "N", "R", "R", "R", "M", "R"])
    )
    (batch,) = read(tmp_path, tables, MAP.replace('time = "t"', 'time = "t"\ncondition = "c"'))
    assert len(batch.trades) == 2
    assert batch.quotes["bid_px_0"].is_nan().to_list() == [False] * 2 + [True] + [False] * 4
    assert touched(batch) | {"quote_signed": 0} == {
        "halted": 2,
        "not_firm": 1,
        "undefined_price": 1,
        "extended_hours": 1,
        "cross_print": 1,
        "official_price": 1,
        "special_terms": 1,
        "late_print": 1,
        "unknown_condition": 1,
        "quote_signed": 0,
    }


def test_a_trade_number_seen_before_is_a_duplicate(tmp_path: Path) -> None:
    tables = tape(rows=4)
    tables["trades"] = pl.concat([tables["trades"].with_columns(id=pl.Series([1, 2, 3, 3]))])
    (batch,) = read(tmp_path, tables, MAP.replace('size = "qty"', 'size = "qty"\nid = "id"'))
    assert batch.trades["size"].to_list() == [100.0, 101.0, 102.0]
    assert touched(batch)["duplicate"] == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("[quotes]", "[quots]"),
            r"map.toml: (no table \[quotes\]|unknown key 'quots'; did you mean 'quotes'\?)",
        ),
        (('price = "px"\n', ""), r"map.toml: \[trades\] has no key 'price', which is needed"),
        (
            ('price = "px"', 'price = "px"\nprize = "x"'),
            r"map.toml: unknown key 'trades.prize'; did you mean 'price'\?",
        ),
        (('unit = "ns"', 'unit = "h"'), r"map.toml: \[unit\]"),
        (
            ("'quotes.*'", "'quotes('"),
            r"map.toml: \[quotes\] files = 'quotes\('.*not a regular expression",
        ),
        (("since = ", "since "), "map.toml: not valid TOML"),
        (("'quotes.*'", "'q.*s'"), r"trades.csv: no quotes beside it; check files of \[quotes\]"),
        (('price = "px"', 'price = "pxx"'), r"trades.csv: no column 'pxx'; it has px"),
        (
            ('symbol = "sym"', 'symbol = "s"'),
            r"quotes.csv: no column 's' \(symbol in the column map\); it has ",
        ),
        (('symbol = "sym"\n', ""), "quotes.csv: row 1: symbol is missing: expected a symbol"),
        (
            ('unit = "ns"', 'unit = "iso"'),
            "quotes.csv: row 1: time '1736173800000000000': expected a time",
        ),
        (
            ('since = "epoch"', 'since = "midnight"'),
            "quotes.csv: row 1: date is missing: expected YYYY-MM-DD",
        ),
        (
            ('unit = "ns"', 'unit = "ns"\ntimezone = "New York"'),
            "timezone 'New York': unknown; give an IANA name",
        ),
    ],
)
def test_a_wrong_map_is_named_in_one_line(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read(tmp_path, tape(rows=3), MAP.replace(*change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "rows", "said"),
    [
        (
            "trades",
            "ABC,1736173800500000000,abc,100\n",
            r"trades.csv: row 4: price 'abc': expected a number \(column px\)",
        ),
        (
            "quotes",
            "ABC,1736173809000000000,inf,1,101,1\n",
            r"quotes.csv: row 4: bid_px .inf.: expected a number",
        ),
        (
            "trades",
            "ABC,1736173800500000000,1e2,\n",
            "trades.csv: row 4: size is missing: expected a size",
        ),
        ("trades", "ABC,17361738", "trades.csv: row 4: time runs backwards for ABC"),  # cut off
        (
            "quotes",
            "ABC,1736173800000000000,100,1,101,1\n",
            "quotes.csv: row 4: time runs backwards for ABC",
        ),
        ("quotes", "ABC,,100,1,101,1\n", "quotes.csv: row 4: time is missing: expected a time"),
        (
            "quotes",
            "ABC,1736173809000000000,100,1,101\n",
            "quotes.csv: row 4: ask_sz is missing: expected a size",
        ),
    ],
)
def test_a_wrong_row_is_named_in_one_line(tmp_path: Path, name: str, rows: str, said: str) -> None:
    columns = write(tmp_path, tape(rows=3))
    with (tmp_path / f"tape/{name}.csv").open("a") as file:
        file.write(rows)
    with pytest.raises(InputError, match=said) as caught:
        [list(taq.read(raw, XNYS)) for raw in taq.discover(str(tmp_path / "tape"), columns)]
    assert "\n" not in str(caught.value)


def test_a_table_without_rows_leaves_a_tape_of_the_other(tmp_path: Path) -> None:
    (batch,) = read(tmp_path, tape(rows=12) | {"trades": tape()["trades"].clear()})
    assert (len(batch.quotes), len(batch.trades)) == (12, 0)
    (batch,) = read(tmp_path, tape(rows=12) | {"quotes": tape()["quotes"].clear()})
    assert (len(batch.quotes), len(batch.trades)) == (0, 12)


def test_the_map_belongs_to_this_source_alone(tmp_path: Path) -> None:
    columns = write(tmp_path, tape(rows=3))
    with pytest.raises(InputError, match="source taq needs a column map"):
        discover("taq", str(tmp_path / "tape"), "")
    with pytest.raises(InputError, match="source lean has columns of its own"):
        discover("lean", str(tmp_path / "tape"), columns)
    with pytest.raises(InputError, match=r"absent.toml: cannot read .*; check \[data\] columns"):
        discover("taq", str(tmp_path / "tape"), "absent.toml")


def test_the_example_map_is_whole_and_reads_its_layout(tmp_path: Path) -> None:
    example = str(ROOT / "config/taq-columns.toml")
    assert read_tape_columns(example).quotes.size_multiple == 100
    (tmp_path / "IBM_20250106_trades.csv").write_text(
        "DATE,TIME_M,EX,SYM_ROOT,TR_SCOND,SIZE,PRICE\n20250106,9:30:01.5,N,IBM,@,50,220.03\n"
    )
    (tmp_path / "IBM_20250106_quotes.csv").write_text(
        "DATE,TIME_M,EX,BID,BIDSIZ,ASK,ASKSIZ,QU_COND\n"
        "20250106,9:30:01.000000001,N,220,2,220.04,1,R\n"
        "20250106,9:30:02,P,220.01,1,220.04,3,R\n"
    )
    (raw,) = taq.discover(str(tmp_path), example)
    (batch,) = taq.read(raw, XNYS)
    assert (batch.symbol, batch.date) == ("IBM", "2025-01-06")
    assert batch.quotes.rows() == [
        (BEGIN + 10**9 + 1, 220.0, 200.0, 220.04, 100.0),
        (BEGIN + 2 * 10**9, 220.01, 100.0, 220.04, 400.0),
    ]
    assert batch.trades.rows() == [(BEGIN + 15 * 10**8, 220.03, 50.0, 1)]


def test_the_configuration_leads_to_the_ingested_days(tmp_path: Path) -> None:
    days = [tape(date) for date in ("2025-01-06", "2025-01-07")]
    columns = write(
        tmp_path, {name: pl.concat([day[name] for day in days]) for name in ("quotes", "trades")}
    )
    config = load_config(
        None, {"data": {"source": "taq", "location": str(tmp_path / "tape"), "columns": columns}}
    )
    lines = ingest_tape(config, str(tmp_path / "out"))
    assert [line.split(":")[0] for line in lines[:2]] == ["ABC 2025-01-06", "ABC 2025-01-07"]
    again = tmp_path / "map.toml"
    again.write_text(MAP.replace('"bsz"', '"asz"'))  # another map is another tape
    assert ingest_tape(config, str(tmp_path / "out"))[0] != lines[0]
