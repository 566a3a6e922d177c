"""LEAN tick zips: consolidated or by venue, signed, with sale conditions; IBM's real days."""

import csv
import io
import zipfile
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipeline.engine.config import load_config
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SessionCalendar
from pipeline.run import run_pipeline
from pipeline.tape.sources import lean
from pipeline.tape.sources.nbbo import best_quotes
from pipeline.tape.sources.source import TapeBatch

pytestmark = pytest.mark.xdist_group("real")
XNYS = SessionCalendar("XNYS")
OPEN = 34_200_000  # 09:30 in ms
DAY = "20131007"
Rows = list[tuple[object, ...]]


def write(folder: Path, kind: str, rows: Rows, day: str = DAY, symbol: str = "ibm") -> None:
    folder.mkdir(exist_ok=True)
    text = "".join(",".join(map(str, row)) + "\n" for row in rows)
    with zipfile.ZipFile(folder / f"{day}_{kind}.zip", "w") as archive:
        archive.writestr(f"{day}_{symbol}_{kind.title()}_Tick.csv", text)


def bid(
    ms: int, price: int, size: int, venue: str, condition: str = "1", suspicious: int = 0
) -> tuple[object, ...]:
    return (OPEN + ms, price, size, 0, 0, venue, condition, suspicious)


def ask(
    ms: int, price: int, size: int, venue: str, condition: str = "1", suspicious: int = 0
) -> tuple[object, ...]:
    return (OPEN + ms, 0, 0, price, size, venue, condition, suspicious)


def trade(
    ms: int, price: int, size: int = 100, condition: str = "1", suspicious: int = 0
) -> tuple[object, ...]:
    return (OPEN + ms, price, size, "N", condition, suspicious)


def read(folder: Path, quotes: Rows, trades: Rows, day: str = DAY) -> TapeBatch:
    write(folder, "quote", quotes, day)
    write(folder, "trade", trades, day)
    (raw,) = lean.discover(str(folder))
    (batch,) = lean.read(raw, XNYS)
    return batch


def touched(batch: TapeBatch) -> dict[str, int]:
    return {rule: rows for rule, rows in batch.counts.iter_rows() if rows}


def ns(ms: int) -> int:
    return (
        int(datetime(2013, 10, 7, 13, 30, tzinfo=UTC).timestamp()) * 10**9 + ms * 10**6
    )  # 09:30 in summer time


PAIRS = [
    bid(0, 100_0000, 200, "N"),
    ask(0, 100_0400, 300, "P"),
    bid(1, 100_0100, 100, "P"),
    ask(1, 100_0400, 300, "P"),
    bid(2, 99_9900, 400, "N"),
    ask(2, 100_0300, 500, "Q"),
]


def test_pairs_of_two_venues_are_the_consolidated_quote_already(tmp_path: Path) -> None:
    batch = read(tmp_path, PAIRS, [trade(9, 100_0000)])
    assert batch.quotes.rows() == [
        (ns(0), 100.0, 200.0, 100.04, 300.0),
        (ns(1), 100.01, 100.0, 100.04, 300.0),
        (ns(2), 99.99, 400.0, 100.03, 500.0),
    ]  # P's 100.01 is gone, though P said no more
    assert touched(batch)["half_quote"] == 3


def test_one_sided_rows_of_single_venues_are_rebuilt(tmp_path: Path) -> None:
    quotes = [
        bid(0, 100_0000, 200, "N"),
        ask(1, 100_0400, 300, "P"),
        bid(2, 100_0000, 100, "Q"),
        bid(3, 99_9800, 700, "N"),
        (OPEN + 4, 0, 0, 0, 0, "Q", "1", 0),
        ask(5, 100_0500, 200, "N"),
        ask(6, 100_0600, 300, "P"),
    ]
    batch = read(tmp_path, quotes, [trade(9, 100_0000)])
    np.testing.assert_array_equal(batch.quotes.row(0), [ns(0), 100.0, 200.0, np.nan, 0.0])
    assert batch.quotes.rows()[1:] == [
        (ns(1), 100.0, 200.0, 100.04, 300.0),
        (ns(2), 100.0, 300.0, 100.04, 300.0),  # summed at the best price
        (ns(3), 100.0, 100.0, 100.04, 300.0),
        (ns(4), 99.98, 700.0, 100.04, 300.0),  # Q has withdrawn
        (ns(5), 99.98, 700.0, 100.04, 300.0),
        (ns(6), 99.98, 700.0, 100.05, 200.0),
    ]
    assert touched(batch)["one_sided"] == 1


def test_the_best_over_venues_matches_a_loop_over_rows() -> None:
    rng = np.random.default_rng(3)
    rows = 3000
    stated = rng.random((2, rows)) < 0.7
    price = np.round(rng.normal(100, 0.02, (2, rows)), 2)
    size = rng.integers(0, 4, (2, rows)) * 100.0
    venue = rng.choice(list("NPQZ"), rows)
    prices = [
        pl.Series(
            [value if said else None for value, said in zip(price[side], stated[side], strict=True)]
        )
        for side in (0, 1)
    ]
    table = pl.DataFrame(
        {
            "venue": venue,
            "bid_px": prices[0],
            "bid_sz": size[0],
            "ask_px": prices[1],
            "ask_sz": size[1],
        }
    )
    standing: tuple[dict[str, tuple[float, float]], ...] = ({}, {})
    expected = []
    for row in range(rows):
        line = []
        for side, pick in enumerate((max, min)):
            if stated[side, row]:
                standing[side][venue[row]] = (price[side, row], size[side, row])
            live = [quote for quote in standing[side].values() if quote[1] > 0]
            top = pick((quote[0] for quote in live), default=np.nan)
            line += [top, sum(quote[1] for quote in live if quote[0] == top)]
        expected.append(line)
    found = best_quotes(table).select("bid_px_0", "bid_sz_0", "ask_px_0", "ask_sz_0").to_numpy()
    np.testing.assert_array_equal(found, np.array(expected))


def test_trades_are_signed_by_the_quote_before_them_and_else_by_the_tick(tmp_path: Path) -> None:
    trades = [
        trade(0, 100_0100),  # no quote stood before its time, no price before: nothing is known
        trade(1, 100_0300),
        trade(1, 100_0200),  # above the mid of 100.02; at it, and below the trade before
        trade(1, 100_0200),  # at it, same price: the last change was down
        trade(2, 100_0200),  # the mid before 2 ms is 100.025: below
        trade(3, 99_9000, condition="40"),  # the opening cross: no part in the tick test
        trade(3, 100_0100),
    ]  # at the mid of 100.01, and the last change of price is down
    batch = read(tmp_path, PAIRS, trades)
    assert batch.trades["aggressor"].to_list() == [0, 1, -1, -1, -1, -1]
    counts = touched(batch)
    assert (counts["quote_signed"], counts["tick_signed"], counts["undirected_trade"]) == (2, 3, 1)
    assert counts["cross_print"] == 1
    assert counts["same_print"] == 1  # kept: nothing tells two equal prints apart


def test_a_crossed_or_locked_quote_signs_nothing(tmp_path: Path) -> None:
    quotes = [*PAIRS[:2], bid(1, 100_0400, 100, "P"), ask(1, 100_0400, 300, "Q")]
    batch = read(
        tmp_path, quotes, [trade(1, 100_0300), trade(2, 100_0100)]
    )  # below the last, whatever the locked mid
    assert batch.trades["aggressor"].to_list() == [1, -1]
    assert touched(batch)["tick_signed"] == touched(batch)["locked"] == 1


@pytest.mark.parametrize(
    ("condition", "rule"),
    [
        ("40", "cross_print"),
        ("80", "cross_print"),
        ("100", "cross_print"),
        ("200000", "cross_print"),
        ("1000000", "official_price"),
        ("4000000", "official_price"),
        ("20000002", "special_terms"),
        ("20000004", "special_terms"),
        ("20000008", "special_terms"),
        ("4800", "late_print"),
        ("2000", "extended_hours"),
        ("20000200", "priced_elsewhere"),
        ("20100000", "priced_elsewhere"),
        ("20040200", "priced_elsewhere"),
        ("2000000", "priced_elsewhere"),
    ],
)
def test_irregular_sale_conditions_are_left_out_by_rule(
    tmp_path: Path, condition: str, rule: str
) -> None:
    batch = read(tmp_path, PAIRS, [trade(3, 100_0300), trade(4, 100_0200, 500, condition)])
    assert batch.trades["size"].to_list() == [100.0]
    assert touched(batch)[rule] == 1


@pytest.mark.parametrize(
    "condition", ["0", "1", "20", "20000001", "20000020", "10000000", "80000001"]
)
def test_sweeps_exempt_trades_and_odd_lots_are_kept(tmp_path: Path, condition: str) -> None:
    batch = read(tmp_path, PAIRS, [trade(3, 100_0300, 7, condition)])
    assert batch.trades["size"].to_list() == [7.0]
    assert "unknown_condition" not in touched(batch)
    assert (
        touched(read(tmp_path, PAIRS, [trade(3, 100_0300, 7, "40000000")]))["unknown_condition"]
        == 1
    )


def test_suspicious_non_firm_and_halted_rows_do_not_make_the_book(tmp_path: Path) -> None:
    quotes = [
        *PAIRS[:2],
        bid(1, 101_0000, 1, "Q", suspicious=1),
        ask(1, 101_0400, 1, "P", suspicious=1),
        bid(5, 100_0100, 1, "Q", "400"),
        ask(5, 100_0400, 1, "P", "400"),
        bid(10, 100_0100, 1, "Q", "200"),
        ask(10, 100_0300, 1, "P", "200"),
        bid(20, 99_0000, 3, "Q"),
        ask(20, 99_0200, 4, "P"),
    ]
    trades = [
        trade(2, 100_0300),
        trade(3, 500_0000, suspicious=1),
        trade(15, 100_0300),
        trade(21, 99_0200),
    ]
    batch = read(tmp_path, quotes, trades)
    np.testing.assert_array_equal(batch.quotes["bid_px_0"], [100.0, np.nan, 99.0])
    assert batch.trades["price"].to_list() == [100.03, 99.02]
    counts = touched(batch)
    assert (counts["suspicious"], counts["halted"], counts["not_firm"]) == (3, 3, 1)


def test_only_the_regular_session_is_kept_on_a_half_day_and_across_the_change_of_clocks(
    tmp_path: Path,
) -> None:
    noon, one = 12 * 3_600_000 - OPEN, 13 * 3_600_000 - OPEN
    quotes = [
        *(bid(ms, 100_0000, 1, "N") for ms in (-1, 0, noon, one)),
        *(ask(one + 1, 100_0300, 1, "P"),),
    ]
    both = [
        row for first in quotes[:-1] for row in (first, ask(int(first[0]) - OPEN, 100_0300, 1, "P"))
    ]
    half = read(
        tmp_path / "half", both, [trade(0, 100_0300), trade(one, 100_0300)], "20131129"
    )  # closes at 13:00
    assert (len(half.quotes), len(half.trades), touched(half)["out_of_session"]) == (2, 1, 5)
    whole = read(tmp_path / "whole", both, [trade(0, 100_0300), trade(one, 100_0300)], "20131127")
    assert (len(whole.quotes), len(whole.trades)) == (3, 2)
    for day, hour in (("20130308", 14), ("20130311", 13)):  # 09:30 in New York, in UTC
        opened = read(tmp_path / day, both, [trade(0, 100_0300)], day).quotes["ts"][0]
        assert datetime.fromtimestamp(opened / 1e9, UTC).hour == hour


@pytest.mark.parametrize(
    ("quotes", "trades", "said"),
    [
        (PAIRS, None, "the trades of IBM on 2013-10-07 are not beside it"),
        (None, [trade(0, 1)], "the quotes of IBM on 2013-10-07 are not beside it"),
        (
            PAIRS,
            [trade(5, 100_0300), trade(4, 100_0300)],
            r"trade.zip: row 2: time runs backwards for IBM",
        ),
        (PAIRS[::-1], [trade(5, 100_0300)], r"quote.zip: row 3: time runs backwards for IBM"),
        (
            PAIRS,
            [trade(5, 100_0300), trade(5, 100_0300)[:4]],
            r"Trade_Tick.csv, row 2: fields are missing",
        ),
        (
            PAIRS,
            [(*trade(5, 100_0300)[:4], "zz", 0)],
            r"Trade_Tick.csv, row 1: fields are missing or no numbers",
        ),
        (
            PAIRS,
            [("nan", *trade(5, 100_0300)[1:])],
            r"Trade_Tick.csv, row 1: a number is not finite",
        ),
        ([(1, 2, 3)], [trade(5, 100_0300)], "Quote_Tick.csv has 3 columns, not 8"),
        (PAIRS, [(*trade(5, 100_0300), 1, 2)], "Trade_Tick.csv has 8 columns, not 6"),
    ],
)
def test_a_defect_is_named_in_one_line(
    tmp_path: Path, quotes: Rows | None, trades: Rows | None, said: str
) -> None:
    for kind, rows in (("quote", quotes), ("trade", trades)):
        if rows:
            write(tmp_path, kind, rows)
    with pytest.raises(InputError, match=said) as caught:
        list(lean.read(lean.discover(str(tmp_path))[0], XNYS))
    assert "\n" not in str(caught.value)


def test_bars_alone_and_a_day_twice_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / f"{DAY}_trade.zip", "w") as archive:
        archive.writestr(f"{DAY}_ibm_minute_trade.csv", "34200000,1,1,1,1,5\n")
    with pytest.raises(InputError, match=r"no tick file in its 1 zips \(bars cannot be used\)"):
        lean.discover(str(tmp_path))
    for folder in ("a", "b"):
        write(tmp_path / folder, "quote", PAIRS)
    with pytest.raises(InputError, match=r"the quotes of IBM on 2013-10-07 are in .* too"):
        lean.discover(str(tmp_path))
    (tmp_path / "a" / f"{DAY}_quote.zip").write_bytes(b"PK damaged")
    with pytest.raises(InputError, match="truncated or damaged zip"):
        lean.discover(str(tmp_path))


# What follows reads the real days of IBM.


@pytest.fixture(scope="module")
def ibm(real_data: Path) -> dict[str, TapeBatch]:
    folder = real_data / "lean_ibm"
    if not folder.is_dir():
        pytest.skip(f"real data absent: {folder}")
    return {raw.date: batch for raw in lean.discover(str(folder)) for batch in lean.read(raw, XNYS)}


def table(path: Path) -> list[list[str]]:
    with zipfile.ZipFile(path) as archive:
        return list(csv.reader(io.TextIOWrapper(archive.open(archive.namelist()[0]))))


def test_the_best_quotes_of_ibm_are_sane(ibm: dict[str, TapeBatch]) -> None:
    assert list(ibm) == [f"2013-10-{day:02d}" for day in range(7, 12)]
    for batch in ibm.values():
        counts = touched(batch)
        states = len(batch.quotes) + counts["crossed"] + counts["locked"]
        assert counts["crossed"] / states < 0.002
        assert counts["locked"] / states < 0.01
        spread = (batch.quotes["ask_px_0"] - batch.quotes["bid_px_0"]).to_numpy()
        held = np.diff(batch.quotes["ts"].to_numpy())
        assert 0.01 <= np.average(spread[:-1], weights=held) < 0.06  # time-weighted, dollars
        position = np.searchsorted(batch.quotes["ts"].to_numpy(), batch.trades["ts"].to_numpy()) - 1
        price, known = batch.trades["price"].to_numpy(), position >= 0
        inside = (
            (batch.quotes["bid_px_0"].to_numpy()[position] <= price)
            & (price <= batch.quotes["ask_px_0"].to_numpy()[position])
        )[known]
        assert inside.mean() > 0.94  # independent of the quotes: trades happen within them


def test_the_volume_of_ibm_is_that_of_the_vendors_minute_bars(
    ibm: dict[str, TapeBatch], real_data: Path
) -> None:
    """The vendor's bars differ in the minutes of auctions and official prices only."""
    for date, batch in ibm.items():
        day = date.replace("-", "")
        bars = {
            int(row[0]) // 60_000: int(row[5])
            for row in table(real_data / f"lean_ibm/minute/{day}_trade.zip")
        }
        excluded: Counter[int] = Counter()
        for ms, _, size, _, condition, _ in table(real_data / f"lean_ibm/tick/{day}_trade.zip"):
            if (
                int(condition, 16) & 0x0FFF_FFCE
            ):  # bits 1, 2, 3 and 6 to 27: all but those of a trade in the book
                excluded[int(ms) // 60_000] += int(size)
        kept: defaultdict[int, float] = defaultdict(float)
        midnight = ns(0) // 10**6 - OPEN + (int(day) - 20131007) * 86_400_000
        for ts, size in batch.trades.select("ts", "size").iter_rows():
            kept[(ts // 10**6 - midnight) // 60_000] += size
        inner = range(572, 958)  # 09:32 to 15:57
        assert all(kept[minute] + excluded[minute] == bars.get(minute, 0) for minute in inner)
        assert sum(excluded[minute] for minute in inner) < 0.02 * sum(
            kept[minute] for minute in inner
        )


def test_ibm_goes_through_to_a_schedule(real_data: Path, own_mlflow: Path) -> None:
    folder = real_data / "lean_ibm"
    if not folder.is_dir():
        pytest.skip(f"real data absent: {folder}")
    config = load_config(
        None,
        {
            "data": {"source": "lean", "location": str(folder)},
            "allocate": {"shares": 5000},
            "learn": {"trees": 20},
        },
    )
    result = run_pipeline(config, "out").results
    one = result.params.symbols["IBM"]
    assert one.law.family == "linear"  # one level of depth shows no walk beyond the best price
    assert "k_not_identified" in [warning.code for warning in one.warnings]
    assert one.law.gamma > 0
    assert result.symbols[0].schedule.plan["optimal"].sum() == 5000
    assert result.quality.groupby("date")["rows"].sum().size == 5
