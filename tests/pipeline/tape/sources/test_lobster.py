"""LOBSTER's files: a hand-made tape accounted for by row, and samples counted by hand."""

import csv
import io
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SessionCalendar
from pipeline.tape.sources import lobster
from pipeline.tape.sources.source import RULES

XNYS = SessionCalendar("XNYS")
OPEN = XNYS.session("2012-06-21").open_ns
STEM = "ABC_2012-06-21_34200000_57600000"
BOOK = "1000300,20,1000100,10,1000400,40,999900,30"
NO_ASK = "9999999999,0,1000100,10,9999999999,0,999900,30"
THIN = "1000300,20,1000100,10,1000400,40,-9999999999,0"
TAPE = [  # time, type, order, size, price, direction; then the book after it
    ("34199.5", "1,11,5,1000100,1", BOOK),  # 1 out_of_session
    ("34200", "6,-1,9000,1000200,-1", BOOK),  # 2 cross_print; its book is kept
    ("34200.25", "1,12,5,1000100,1", BOOK),  # 3
    ("34200.004241176", "1,0,0,0,0", BOOK),  # 4 replaced below
    (
        "34200.50000000199",
        "4,12,7,1000300,-1",
        BOOK,
    ),  # 5 long_decimals; a sell order is hit: a buyer's trade
    ("34200.6", "4,13,8,1000100,1", BOOK),  # 6 a seller's trade
    ("34200.6", "4,13,8,1000100,1", BOOK),  # 7 duplicate
    ("34200.7", "5,0,9,1000200,1", BOOK),  # 8 undirected_trade
    (
        "34200.7",
        "5,0,9,1000200,1",
        BOOK,
    ),  # 9 undirected_trade: a second hidden execution, not a repeat
    ("34200.8", "3,14,5,1000300,-1", NO_ASK),  # 10 one_sided
    ("34200.9", "1,15,5,1000400,-1", THIN),  # 11 empty_level
    ("34201", "7,0,0,-1,-1", BOOK),  # 12 halted
    ("34202", "1,16,5,1000100,1", BOOK),  # 13 halted
    ("34203", "7,0,0,0,-1", BOOK),  # 14 halted: quoting resumes
    ("34204", "4,16,5,1000100,1", BOOK),  # 15 halted
    ("34205", "7,0,0,1,-1", BOOK),  # 16 halted: the message that ends it
    ("34206", "1,17,5,1000100,1", BOOK.replace("1000300", "1000100")),  # 17 locked
    ("34207", "1,18,5,1000100,1", BOOK.replace("1000300", "1000000")),  # 18 crossed
    ("57599.999999999", "2,18,1,1000100,1", BOOK),  # 19 in the session's last ns
    ("57600.1", "3,18,1,1000100,1", BOOK),  # 20 out_of_session
]
TAPE[3] = ("34200.3", "2,12,1,1000100,1", BOOK)
COUNTS = {
    "out_of_session": 2,
    "cross_print": 1,
    "long_decimals": 1,
    "duplicate": 1,
    "undirected_trade": 2,
    "one_sided": 1,
    "empty_level": 1,
    "halted": 5,
    "locked": 1,
    "crossed": 1,
}
QUOTED = [2, 3, 4, 5, 6, 8, 9, 10, 11, 19]
SECOND = 10**9


def lines(tape: list[tuple[str, str, str]]) -> tuple[str, str]:
    return "".join(f"{time},{rest}\n" for time, rest, _ in tape), "".join(
        f"{book}\n" for _, _, book in tape
    )


def unpacked(folder: Path, tape: list[tuple[str, str, str]] = TAPE) -> Path:
    message, book = lines(tape)
    (folder / f"{STEM}_message_2.csv").write_text(message)
    (folder / f"{STEM}_orderbook_2.csv").write_text(book)
    return folder


def zipped(folder: Path, stems: tuple[str, ...] = (STEM,)) -> Path:
    with zipfile.ZipFile(folder / "sample.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("LOBSTER_SampleFiles_ReadMe.txt", "read me")
        for stem in stems:
            for kind, text in zip(("message", "orderbook"), lines(TAPE), strict=True):
                archive.writestr(f"folder/{stem}_{kind}_2.csv", text)
    return folder / "sample.zip"


def ingest(location: Path, rows: int = 50_000) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, int]]:
    (raw,) = lobster.discover(str(location))
    batches = list(lobster.read(raw, XNYS, rows))
    assert {(batch.symbol, batch.date) for batch in batches} == {("ABC", "2012-06-21")}
    assert max(len(batch.quotes) for batch in batches) <= rows
    counts = dict.fromkeys(RULES, 0)
    for batch in batches:
        for rule, found in batch.counts.iter_rows():
            counts[rule] += found
    return pl.concat(b.quotes for b in batches), pl.concat(b.trades for b in batches), counts


@pytest.mark.parametrize("pack", [unpacked, zipped])
@pytest.mark.parametrize("rows", [1, 2, 3, 50_000])
def test_every_row_is_accounted_for(pack, rows: int, tmp_path: Path) -> None:
    quotes, trades, counts = ingest(pack(tmp_path), rows)
    assert {rule: found for rule, found in counts.items() if found} == COUNTS
    after = [
        0,
        250_000_000,
        300_000_000,
        500_000_001,
        600_000_000,
        700_000_000,
        700_000_000,
        800_000_000,
        900_000_000,
        23_399_999_999_999,
    ]
    assert quotes["ts"].to_list() == [OPEN + ns for ns in after]
    assert len(quotes) == len(QUOTED)
    assert trades.rows() == [
        (OPEN + 500_000_001, 100.03, 7.0, 1),
        (OPEN + 600_000_000, 100.01, 8.0, -1),
        (OPEN + 700_000_000, 100.02, 9.0, 0),
        (OPEN + 700_000_000, 100.02, 9.0, 0),
    ]
    np.testing.assert_array_equal(
        quotes.row(0)[1:], [100.01, 10, 100.03, 20, 99.99, 30, 100.04, 40]
    )
    np.testing.assert_array_equal(quotes.row(7)[1:], [100.01, 10, np.nan, 0, 99.99, 30, np.nan, 0])
    np.testing.assert_array_equal(
        quotes.row(8)[1:], [100.01, 10, 100.03, 20, np.nan, 0, 100.04, 40]
    )


def test_times_are_exact_to_the_nanosecond(tmp_path: Path) -> None:
    texts = [
        "34200.01",
        "34200.01896",
        "34200.01896076",
        "34200.123456789",
        "43002.632812672004",
        "43002.999999999999",
    ]
    quotes, _, counts = ingest(
        unpacked(tmp_path, [(text, "1,1,5,1000100,1", BOOK) for text in texts])
    )
    noon = 8802 * SECOND
    expected = [
        10_000_000,
        18_960_000,
        18_960_760,
        123_456_789,
        noon + 632_812_672,
        noon + 999_999_999,
    ]
    assert quotes["ts"].to_list() == [OPEN + ns for ns in expected]
    assert counts["long_decimals"] == 2


def test_no_row_depends_on_a_later_one(tmp_path: Path) -> None:
    quotes, trades, _ = ingest(unpacked(tmp_path))
    for rows in range(3, len(TAPE)):
        changed = [
            *TAPE[:rows],
            ("57599.9999999999", "4,99,77,1000300,-1", BOOK.replace("1000100", "1000200")),
        ]
        some_quotes, some_trades, _ = ingest(unpacked(tmp_path, changed))
        known = sum(row <= rows for row in QUOTED)
        assert some_quotes[:known].equals(quotes[:known])
        printed = sum(row <= rows for row in (5, 6, 8, 9))
        assert some_trades[:printed].equals(trades[:printed])


def test_zip_may_hold_several_days(tmp_path: Path) -> None:
    path = zipped(tmp_path, (STEM, STEM.replace("ABC", "XYZ"), STEM.replace("21_", "22_")))
    (raw,) = lobster.discover(str(path))
    assert (raw.symbol, raw.date, raw.bytes) == (None, None, path.stat().st_size)
    found = Counter((batch.symbol, batch.date) for batch in lobster.read(raw, XNYS))
    assert found == {("ABC", "2012-06-21"): 1, ("XYZ", "2012-06-21"): 1, ("ABC", "2012-06-22"): 1}


def test_discover_pairs_messages_with_books(tmp_path: Path) -> None:
    unpacked(tmp_path)
    (raw,) = lobster.discover(str(tmp_path))
    assert (raw.symbol, raw.date) == ("ABC", "2012-06-21")
    assert [Path(url).name for url in raw.urls] == [
        f"{STEM}_message_2.csv",
        f"{STEM}_orderbook_2.csv",
    ]
    assert raw.bytes == sum(len(text) for text in lines(TAPE))
    assert lobster.discover(str(tmp_path / f"{STEM}_message_2.csv")) == [raw]
    (tmp_path / f"{STEM}_orderbook_2.csv").unlink()
    with pytest.raises(InputError, match=r"its book .*_orderbook_2.csv is not beside it"):
        lobster.discover(str(tmp_path))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.csv").write_text("1")
    with pytest.raises(InputError, match="none of its 1 files fits; expected LOBSTER zips"):
        lobster.discover(str(tmp_path / "other"))


def test_files_of_unequal_length_are_refused(tmp_path: Path) -> None:
    unpacked(tmp_path)
    book = tmp_path / f"{STEM}_orderbook_2.csv"
    for rows in (3, 19, 20, 50_000):
        book.write_text(lines(TAPE[:-1])[1])
        with pytest.raises(InputError, match="more messages than books"):
            ingest(tmp_path, rows)
        book.write_text(lines([*TAPE, TAPE[-1]])[1])
        with pytest.raises(InputError, match="fewer messages than books"):
            ingest(tmp_path, rows)


@pytest.mark.parametrize("keep", [0.99, 0.7, 0.3, 0.02])
def test_truncated_zip_is_refused(keep: float, tmp_path: Path) -> None:
    path = zipped(tmp_path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(InputError, match=r"sample.zip: truncated or damaged zip"):
        ingest(path)


def test_damage_inside_a_zip_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path)
    content = bytearray(path.read_bytes())
    content[content.index(b"_orderbook_2.csv") + 60] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"sample.zip: truncated or damaged zip"):
        ingest(path)


@pytest.mark.parametrize(
    ("row", "change", "message"),
    [
        (5, ("34200.1", *TAPE[4][1:]), "row 5: time runs backwards"),
        (5, ("3.42e4", *TAPE[4][1:]), r"row 5: time '3.42e4' is not decimal seconds"),
        (5, ("noon", *TAPE[4][1:]), "row 5: time 'noon'"),
        (5, (TAPE[4][0], "4,12,7,cheap,-1", BOOK), "message_2.csv.*cheap"),
        (5, (TAPE[4][0], "4,12,7", BOOK), "message_2.csv, row 5: fields are missing"),
        (5, (*TAPE[4][:2], "1000300,20,1000100"), "orderbook_2.csv, row 5: fields are missing"),
        (1, (*TAPE[0][:2], "1000300,20,1000100,10"), "orderbook_2.csv"),
    ],
)
def test_wrong_rows_are_refused_by_number(
    row: int, change: tuple[str, str, str], message: str, tmp_path: Path
) -> None:
    unpacked(tmp_path, [*TAPE[: row - 1], change, *TAPE[row:]])
    for rows in (2, 50_000):
        with pytest.raises(InputError, match=message) as caught:
            ingest(tmp_path, rows)
        assert "\n" not in str(caught.value)


def test_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("prices.csv", "1,2,3")
    with pytest.raises(InputError, match=r"other.zip: no LOBSTER message file among prices.csv"):
        lobster.discover(str(tmp_path))


@pytest.mark.parametrize(("ticker", "levels", "rows"), [("AMZN", 5, 155_935), ("AAPL", 1, 118_497)])
def test_vendor_s_samples_match_a_count_by_hand(
    ticker: str, levels: int, rows: int, real_data: Path
) -> None:
    path = next((real_data / "lobster").glob(f"*{ticker}*.zip"))
    (raw,) = lobster.discover(str(path))
    assert (raw.symbol, raw.date) == (ticker, "2012-06-21")
    batches = list(lobster.read(raw, XNYS))
    quotes, trades = pl.concat(b.quotes for b in batches), pl.concat(b.trades for b in batches)
    counts = pl.concat(b.counts for b in batches).group_by("rule").agg(pl.col("rows").sum())
    shares, prints, long_times = Counter(), Counter(), 0
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if "_message_" in name)
        for time, kind, _, size, _, direction in csv.reader(io.TextIOWrapper(archive.open(name))):
            long_times += len(time.partition(".")[2]) > 9
            if kind in "45":
                side = 0 if kind == "5" else -int(direction)
                shares[side] += int(size)
                prints[side] += 1
    assert len(quotes) == rows
    assert len(quotes.columns) == 1 + 4 * levels
    found = trades.group_by("aggressor").agg(pl.len(), pl.col("size").sum())
    assert {side: (number, size) for side, number, size in found.iter_rows()} == {
        side: (prints[side], shares[side]) for side in shares
    }
    assert {rule: n for rule, n in counts.iter_rows() if n} == {
        rule: n for rule, n in (("undirected_trade", prints[0]), ("long_decimals", long_times)) if n
    }
    if ticker == "AMZN":
        assert quotes["ts"][67_822] == OPEN + 8802 * SECOND + 632_812_672  # '43002.632812672004'


def in_step(rows: int) -> list[tuple[str, str, str]]:
    """Return a tape on which a buyer takes 3 of what is offered and a seller then offers 3 more."""
    tape = [("34200.1", "1,1,5,1000100,1", BOOK)]
    for row in range(1, rows):
        kind, shown = ("4", 17) if row % 2 else ("1", 20)
        book = BOOK.replace("1000300,20", f"1000300,{shown}")
        tape.append((f"{34200 + row}.5", f"{kind},{row},3,1000300,-1", book))
    return tape


@pytest.mark.parametrize("rows", [7, 50_000])
def test_books_out_of_step_with_the_messages_are_refused(rows: int, tmp_path: Path) -> None:
    tape = in_step(601)
    quotes, trades, _ = ingest(unpacked(tmp_path, tape), rows)
    assert (len(quotes), len(trades)) == (601, 300)
    books = [book for _, _, book in tape]
    shuffled = [books[row] for row in np.random.default_rng(1).permutation(len(books))]
    shifted = [books[0], *books[:-1]]
    for others in (shuffled, shifted):
        changed = [(*row[:2], book) for row, book in zip(tape, others, strict=True)]
        with pytest.raises(InputError, match=r"row \d+: the book does not lose what the message"):
            ingest(unpacked(tmp_path, changed), rows)


def test_a_few_executions_that_the_book_does_not_show_are_no_fault(tmp_path: Path) -> None:
    tape = in_step(601)
    for row in (101, 201, 301):
        tape[row] = (*tape[row][:2], BOOK)
    assert len(ingest(unpacked(tmp_path, tape))[0]) == 601


def test_books_whose_levels_are_out_of_order_are_left_out(tmp_path: Path) -> None:
    swapped = "1000400,40,999900,30,1000300,20,1000100,10"
    tape = in_step(50)
    tape[10], tape[20] = (*tape[10][:2], swapped), (*tape[20][:2], swapped)
    quotes, _, counts = ingest(unpacked(tmp_path, tape))
    assert counts["unordered_levels"] == 2
    assert quotes["bid_px_0"].to_list() == [100.01] * 48
