"""The simulated market's files: layout, truth, and the way back through the Databento reader."""

import hashlib
import json
import pickle
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from models.simulation.market import MarketConfig, simulate_day, simulate_truth
from pipeline.engine.config import SimulateConfig
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SessionCalendar
from pipeline.tape.ingest import ingest_file, load_day
from pipeline.tape.simulate import plan, simulate_to, write_day
from pipeline.tape.sources import databento

CONFIG = SimulateConfig(symbols=2, days=2, seed=11, start="2024-12-23")  # the 24th closes early
PERIODS = (390, 210)
HEAD = [
    "ts_recv",
    "ts_event",
    "rtype",
    "publisher_id",
    "instrument_id",
    "action",
    "side",
    "depth",
    "price",
    "size",
    "flags",
    "ts_in_delta",
    "sequence",
]
LEVEL = ["bid_px_{}", "ask_px_{}", "bid_sz_{}", "ask_sz_{}", "bid_ct_{}", "ask_ct_{}"]


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("simulated")
    simulate_to(directory, CONFIG)
    return directory


def digests(directory: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()
    }


def test_one_file_a_symbol_day_and_the_truth(tape: Path) -> None:
    names = {f"SIM{symbol}-2024122{day}.mbp-10.parquet" for symbol in (0, 1) for day in (3, 4)}
    assert {path.name for path in tape.iterdir()} == names | {"truth.json", "truth.parquet"}
    assert sorted(Path(raw.url).name for raw in databento.discover(str(tape))) == sorted(names)


def test_layout_is_databento_s(tape: Path) -> None:
    records = pl.read_parquet(tape / "SIM1-20241224.mbp-10.parquet")
    levels = [name.format(f"{level:02d}") for level in range(10) for name in LEVEL]
    assert records.columns == [*HEAD, *levels, "symbol"]
    assert records["symbol"].unique().to_list() == ["SIM1"]
    assert set(records["action"]) == {"A", "T"}
    assert records["ts_event"].is_sorted()
    assert records["ts_recv"].is_sorted()
    assert records["sequence"].to_list() == list(range(1, len(records) + 1))


def test_same_seed_same_bytes_however_the_work_is_spread(tape: Path, tmp_path: Path) -> None:
    def backwards(work, tasks):
        return [
            pickle.loads(pickle.dumps(work))(pickle.loads(pickle.dumps(task)))
            for task in reversed(tasks)
        ]

    simulate_to(tmp_path / "again", CONFIG, backwards)
    assert digests(tmp_path / "again") == digests(tape)
    simulate_to(tmp_path / "other", CONFIG.model_copy(update={"seed": 12}))
    assert not set(digests(tmp_path / "other").values()) & set(digests(tape).values())


def test_one_task_writes_its_file_alone(tape: Path, tmp_path: Path) -> None:
    task = plan(tmp_path, CONFIG)[3]
    assert Path(write_day(task)).name == "SIM1-20241224.mbp-10.parquet"
    assert [path.name for path in tmp_path.iterdir()] == ["SIM1-20241224.mbp-10.parquet"]
    assert digests(tmp_path).items() <= digests(tape).items()


def test_truth_is_what_was_planted(tape: Path) -> None:
    told = json.loads((tape / "truth.json").read_text())
    assert told["dates"] == ["2024-12-23", "2024-12-24"]
    market = MarketConfig(2, 11, PERIODS)
    table = pl.read_parquet(tape / "truth.parquet")
    assert len(table) == 2 * (390 + 210)
    for index in range(2):
        truth = simulate_truth(market, index)
        found = told["symbols"][truth.symbol]
        assert (found["k"], found["beta"], found["gamma"]) == (truth.k, truth.beta, truth.gamma)
        assert found["half_spread"] == truth.half_spread
        rows = table.filter((pl.col("symbol") == truth.symbol) & (pl.col("date") == "2024-12-24"))
        assert rows["period"].to_list() == list(range(210))
        assert rows["start"][0] == SessionCalendar().session("2024-12-24").open_ns
        law = np.array(found["alpha"][:210]) * (1 + found["beta"] * rows["v"]) * rows["liquidity"]
        np.testing.assert_allclose(rows["scale"], law)


def test_ingest_gives_the_tape_back(tape: Path, tmp_path: Path) -> None:
    calendar = SessionCalendar()
    raw = next(raw for raw in databento.discover(str(tape)) if "SIM1-20241224" in raw.url)
    done = ingest_file(raw, "databento", calendar, tmp_path)
    made, open_ns = (
        simulate_day(MarketConfig(2, 11, PERIODS), 1, 1),
        calendar.session("2024-12-24").open_ns,
    )
    day = load_day(str(tmp_path), "SIM1", "2024-12-24")
    assert day.trades["ts"].to_list() == (made.trade_ns + open_ns).tolist()
    assert day.trades["size"].to_list() == made.trade_size.tolist()
    assert day.trades["aggressor"].to_list() == made.trade_sign.tolist()
    assert (
        len(day.quotes) == len(made.quote_ns) + len(made.trade_ns) + 1
    )  # and the book of the opening cross
    book = day.quotes.filter(pl.col("ts").is_in((made.quote_ns + open_ns).tolist())).unique(
        "ts", maintain_order=True
    )
    np.testing.assert_allclose(book["bid_px_0"], made.bid_px[:, 0] / 100)
    np.testing.assert_array_equal(book["ask_sz_9"], made.ask_sz[:, 9])
    counts = {rule: rows for _, _, rule, rows in done.counts if rows and rule != "empty_level"}
    assert counts == {"out_of_session": 3, "cross_print": 1}


def test_a_trade_shows_the_book_it_met(tape: Path) -> None:
    records = pl.read_parquet(tape / "SIM0-20241223.mbp-10.parquet")
    book = [name for name in records.columns if "_px_" in name or "_sz_" in name]
    before = records.select(pl.col(book).shift(1))
    trades = (records["action"] == "T") & (pl.int_range(len(records), eager=True) > 3)
    assert records.filter(trades).select(book).equals(before.filter(trades))
    bought = records.filter(trades & (records["side"] == "B"))
    assert bought["price"].to_list() == bought["ask_px_00"].to_list()


def test_a_start_that_is_no_date_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a date"):
        simulate_to(tmp_path / "none", CONFIG.model_copy(update={"start": "soon"}))
    assert not (tmp_path / "none").exists()
