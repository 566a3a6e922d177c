"""Tapes with the defects that have cost others their results: each is refused or counted, never
taken as it is.
"""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipeline.engine.config import load_config
from pipeline.engine.errors import InputError
from pipeline.engine.tables import Day
from pipeline.stages.measuring.features import DaySettings, measure_day
from pipeline.tape.ingest import ingest_file
from pipeline.tape.opening import ingest_tape
from pipeline.tape.sources import taq
from tests.pipeline.tape.sources.taq_tape import MAP, XNYS, at, read, tape, touched, write

BEGIN = at("2025-01-06", "14:30:00")
SECOND = 10**9
SIDED = MAP.replace('size = "qty"', 'size = "qty"\nside = "side"\nbuy = ["B"]\nsell = ["S"]')


def test_a_trade_is_signed_by_the_mid_before_it_not_by_the_one_it_made(tmp_path: Path) -> None:
    tables = tape(rows=40)
    moved = tables["quotes"].with_columns(
        pl.col("bid", "ask") + 0.10, pl.col("t") + 5 * 10**8
    )  # at the trade's time
    tables["quotes"] = pl.concat([tables["quotes"], moved]).sort("t")
    (batch,) = read(tmp_path, tables)
    assert batch.trades["aggressor"].to_list() == [1, -1] * 20


def test_every_trade_printed_twice_is_refused_and_some_equal_prints_are_noted(
    tmp_path: Path,
) -> None:
    tables = tape()
    twice = tables | {"trades": pl.concat([tables["trades"]] * 2).sort("t")}
    with pytest.raises(InputError, match=r"trades.csv: ABC: each of the 400 trades is there twice"):
        read(tmp_path, twice)
    some = tables | {"trades": pl.concat([tables["trades"], tables["trades"][:40]]).sort("t")}
    (batch,) = read(tmp_path, some)
    assert len(batch.trades) == 240
    assert touched(batch)["same_print"] == 40


def test_a_file_given_twice_is_refused(tmp_path: Path) -> None:
    tables = tape()
    with pytest.raises(InputError, match="time runs backwards for ABC"):
        read(tmp_path, tables | {"trades_copy": tables["trades"]})


@pytest.mark.parametrize(("side_is", "buy"), [("aggressor", "S"), ("resting", "B")])
def test_sides_of_the_other_convention_are_refused(tmp_path: Path, side_is: str, buy: str) -> None:
    tables = tape()
    sell = "BS".replace(buy, "")
    sides = [
        buy if step % 2 == 0 else sell for step in range(200)
    ]  # trades take the ask first, so the wrong way round
    tables["trades"] = tables["trades"].with_columns(side=pl.Series(sides))
    text = SIDED.replace('side = "side"', f'side = "side"\nside_is = "{side_is}"')
    with pytest.raises(
        InputError, match=r"trades.csv: ABC: 100% of the stated sides contradict the quotes"
    ):
        read(tmp_path, tables, text)
    other = {"aggressor": "resting", "resting": "aggressor"}[side_is]
    (batch,) = read(tmp_path, tables, text.replace(side_is, other))
    assert batch.trades["aggressor"].to_list() == [1, -1] * 100


@pytest.mark.parametrize(
    ("buy", "sell", "said"),
    [
        ("1", "2", r"no trade is a buy or a sell .* 200 of 200 sides .*: '1' \(100\), '2' \(100\)"),
        ("B", "SS", r"no trade is a sell as the map has them, and 100 of 200 .*: 'SS' \(100\)"),
    ],
)
def test_sides_that_the_map_does_not_name_are_refused_with_their_values(
    tmp_path: Path, buy: str, sell: str, said: str
) -> None:
    tables = tape()
    tables["trades"] = tables["trades"].with_columns(side=pl.Series([buy, sell] * 100))
    with pytest.raises(InputError, match=rf"trades.csv: column side: {said}; name them in buy"):
        read(tmp_path, tables, SIDED)
    named = SIDED.replace('["B"]', f'["{buy}"]').replace('["S"]', f'["{sell}"]')
    (batch,) = read(tmp_path, tables, named)
    assert batch.trades["aggressor"].to_list() == [1, -1] * 100
    tables["trades"] = tables["trades"].with_columns(side=pl.lit(buy))
    (batch,) = read(tmp_path, tables, named.replace('side = "side"', 'side = ""'))  # signed instead
    assert batch.trades["aggressor"].to_list() == [1, -1] * 100


def test_consolidated_quotes_taken_for_those_of_venues_are_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    mid = 10_000 + np.cumsum(rng.integers(-3, 4, 2000))
    quotes = pl.DataFrame(
        {
            "sym": "ABC",
            "t": BEGIN + np.arange(2000) * 10**8,
            "ex": rng.choice(list("NPQZ"), 2000),
            "bid": (mid - 1) / 100,
            "bsz": 1,
            "ask": (mid + 1) / 100,
            "asz": 1,
        }
    )
    tables = {"quotes": quotes, "trades": tape(rows=20)["trades"]}
    with pytest.raises(
        InputError,
        match=r"quotes.csv: ABC: the best quotes over 4 venues are crossed in \d+ of 2000",
    ):
        read(tmp_path, tables, MAP.replace("'quotes.*'", "'quotes.*'\nvenue = 'ex'"))
    (batch,) = read(tmp_path, tables)
    assert len(batch.quotes) == 2000


@pytest.mark.parametrize(
    ("table", "columns", "first", "said"),
    [
        (
            "trades",
            ["px"],
            0,
            r"trades.csv: row 1: ABC: trade prices in two scales: 10004, where .* median is 100",
        ),
        ("trades", ["px"], 150, r"trades.csv: row 151: ABC: trade prices in two scales"),
        ("quotes", ["bid", "ask"], 150, r"quotes.csv: row 151: ABC: quotes in two scales"),
    ],
)
def test_prices_in_two_scales_are_refused(
    tmp_path: Path, table: str, columns: list[str], first: int, said: str
) -> None:
    tables = tape()
    later = pl.int_range(pl.len()) >= first
    tables[table] = tables[table].with_columns(
        pl.when(later).then(pl.col(name) * 100).otherwise(name).alias(name) for name in columns
    )
    with pytest.raises(InputError, match=said):
        read(tmp_path, tables)


def test_a_stub_quote_is_no_other_scale(tmp_path: Path) -> None:
    tables = tape()
    tables["quotes"] = tables["quotes"].with_columns(
        pl.when(pl.int_range(pl.len()) == 7).then(pl.lit(199_999.99)).otherwise("ask").alias("ask")
    )
    assert len(read(tmp_path, tables)[0].quotes) == 200


def test_a_ticker_under_its_old_and_its_new_name_is_refused(tmp_path: Path) -> None:
    tables = tape()
    both = {
        name: pl.concat([table, table.with_columns(sym=pl.lit("OLD"))])
        for name, table in tables.items()
    }
    columns = write(tmp_path, both)
    keys = {"source": "taq", "location": str(tmp_path / "tape"), "columns": columns}
    with pytest.raises(
        InputError, match=r"OLD on 2025-01-06 is the same tape as ABC \(.*keep one of the two names"
    ):
        ingest_tape(load_config(None, {"data": keys}), str(tmp_path / "out"))
    lines = ingest_tape(
        load_config(None, {"data": keys | {"symbols": ["OLD"]}}), str(tmp_path / "out")
    )
    assert [line[:14] for line in lines if "parquet" in line or ": /" in line] == ["OLD 2025-01-06"]
    later = {
        name: pl.concat([table, table.with_columns(sym=pl.lit("OLD"), t=pl.col("t") + 1)])
        for name, table in tables.items()
    }
    write(tmp_path, later)  # two tapes that differ are two symbols
    assert len(ingest_tape(load_config(None, {"data": keys}), str(tmp_path / "out2"))[:2]) == 2


def test_records_of_one_time_keep_their_order(tmp_path: Path) -> None:
    tables = tape(rows=6)
    tables = {
        name: table.with_columns(t=pl.when(pl.int_range(pl.len()) < 3).then(BEGIN).otherwise("t"))
        for name, table in tables.items()
    }
    tables["quotes"] = tables["quotes"].with_columns(bsz=pl.Series([1, 2, 3, 4, 5, 6]))
    (batch,) = read(tmp_path, tables)
    assert batch.quotes["bid_sz_0"].to_list() == [1, 2, 3, 4, 5, 6]
    assert batch.trades["size"].to_list() == [100, 101, 102, 103, 104, 105]
    assert batch.quotes["ts"].to_list()[:3] == [BEGIN] * 3


def test_trades_of_no_size_or_no_price_and_one_sided_quotes_are_counted_out(tmp_path: Path) -> None:
    tables = tape(rows=10)
    row = pl.int_range(pl.len())
    tables["trades"] = tables["trades"].with_columns(
        pl.when(row == 1).then(0).otherwise("qty").alias("qty"),
        pl.when(row == 2).then(0.0).when(row == 3).then(None).otherwise("px").alias("px"),
    )
    tables["quotes"] = tables["quotes"].with_columns(
        pl.when(row == 4)
        .then(0)
        .when(row == 6)
        .then("ask")
        .when(row == 7)
        .then(pl.col("ask") + 1)
        .otherwise("bid")
        .alias("bid"),
        pl.when(row == 5).then(0).otherwise("asz").alias("asz"),
    )
    (batch,) = read(tmp_path, tables)
    counts = touched(batch)
    assert (counts["zero_size"], counts["undefined_price"], counts["one_sided"]) == (1, 2, 2)
    assert (counts["locked"], counts["crossed"]) == (1, 1)
    assert (len(batch.trades), len(batch.quotes)) == (7, 8)
    assert (batch.quotes["bid_px_0"] + batch.quotes["ask_px_0"]).is_nan().sum() == 2


def test_the_book_of_a_halt_is_unknown_once_it_is_old(tmp_path: Path) -> None:
    tables = tape(rows=3000)
    row = pl.int_range(pl.len())
    tables["quotes"] = tables["quotes"].with_columns(
        c=pl.when(row.is_between(600, 1799)).then(pl.lit("M")).otherwise(pl.lit("R"))
    )
    (batch,) = read(tmp_path, tables, MAP.replace("'quotes.*'", "'quotes.*'\ncondition = 'c'"))
    counts = touched(batch)
    assert (
        counts["halted"] == 2400
    )  # quotes from 14:40 to 15:00, and the trades of these twenty minutes
    settings = DaySettings(XNYS.session("2025-01-06"), (100.0, 200.0), "x")
    features = measure_day(Day(batch.quotes, batch.trades), settings).periods
    covered = features["covered"].to_numpy()
    assert (covered[:14] > 0.99).all()  # the last book before the halt stands for five minutes
    assert (covered[16:30] == 0).all()
    assert (covered[30:50] > 0.99).all()
    assert features["trades"].to_numpy()[10:30].sum() == 0


def test_a_halt_lasts_until_the_venue_that_declared_it_quotes_again(tmp_path: Path) -> None:
    tables = tape(rows=50)
    row = pl.int_range(pl.len())
    tables["quotes"] = tables["quotes"].with_columns(
        ex=pl.when(row % 10 == 0).then(pl.lit("N")).otherwise(pl.lit("P")),
        c=pl.when(row == 20).then(pl.lit("D")).otherwise(pl.lit("R")),
    )  # N halts at 20, P goes on, N is back at 30
    (batch,) = read(
        tmp_path, tables, MAP.replace("'quotes.*'", "'quotes.*'\ncondition = 'c'\nvenue = 'ex'")
    )
    assert touched(batch)["halted"] == 20
    seconds = (batch.trades["ts"] - BEGIN) // SECOND
    assert seconds.to_list() == [*range(20), *range(30, 50)]


@pytest.mark.parametrize(
    ("date", "clock", "kept"),
    [
        ("2025-03-07", "14:30:00", 200),
        ("2025-03-10", "13:30:00", 200),  # the clocks went forward between the two
        ("2024-11-29", "17:59:00", 60),  # the day after Thanksgiving closes at 13:00 in New York
        ("2024-11-27", "17:59:00", 200),
        ("2025-01-06", "14:29:00", 140),
        ("2025-01-06", "20:59:00", 60),
    ],
)
def test_local_times_fall_into_the_session_of_their_day(
    tmp_path: Path, date: str, clock: str, kept: int
) -> None:
    local = pl.col("t").cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone("America/New_York")
    tables = {
        name: table.with_columns(t=local.dt.strftime("%Y-%m-%d %H:%M:%S%.f"))
        for name, table in tape(date, clock).items()
    }
    (batch,) = read(tmp_path, tables, MAP.replace('unit = "ns"', 'unit = "iso"'))
    assert (batch.date, len(batch.quotes), len(batch.trades)) == (date, kept, kept)
    assert touched(batch).get("out_of_session", 0) == 400 - 2 * kept


def test_trades_without_any_quote_are_no_usable_tape(tmp_path: Path) -> None:
    tables = tape()
    columns = write(tmp_path, tables | {"quotes": tables["quotes"].with_columns(sym=pl.lit("XYZ"))})
    (raw,) = taq.discover(str(tmp_path / "tape"), columns)
    done = ingest_file(raw, "taq", XNYS, tmp_path / "out")
    assert [day.symbol for day in done.days] == ["XYZ"]
    assert (
        "ABC",
        "2025-01-06",
        "undirected_trade",
        1,
    ) in done.counts  # the tick test knows all but the first
    assert ("ABC", "2025-01-06", "tick_signed", 199) in done.counts
