"""The tape of a moving book: through the command, ingest and a replay, with its truth beside."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from models.simulation.book_chain import MovingBook
from pipeline.engine.config import load_config
from pipeline.engine.sessions import SessionCalendar
from pipeline.tape.ingest import ingest_file, load_day
from pipeline.tape.opening import find_tape
from pipeline.tape.simulate import plan
from pipeline.tape.sources import databento
from tests.pipeline.command import impact, refused
from tests.pipeline.conftest import SmallRun

pytestmark = pytest.mark.xdist_group("end_to_end")
DATE = "2025-01-08"


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one symbol's tape of one day, the small run's last."""
    folder = tmp_path_factory.mktemp("moving")
    asked = folder / "asked.toml"
    asked.write_text(f'[simulate]\nstart = "{DATE}"\n', encoding="utf-8")
    done = impact(
        "simulate", "--symbols", "1", "--days", "1", "--seed", "5", "--book", "moving",
        "--config", str(asked), "--workers", "0", "--out", str(folder / "tape"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "tape"


def test_ingest_keeps_every_row_and_the_truth_is_beside(moving: Path, tmp_path: Path) -> None:
    names = {"SIM0-20250108.mbp-10.parquet", "truth.json", "truth.parquet", "truth-states.parquet"}
    assert {path.name for path in moving.iterdir()} == names
    (raw,) = databento.discover(str(moving))
    done = ingest_file(raw, "databento", SessionCalendar(), tmp_path)
    counts = {rule: rows for _, _, rule, rows in done.counts if rows}
    assert counts == {"out_of_session": 3, "cross_print": 1}
    assert json.loads((moving / "truth.json").read_text())["symbols"]["SIM0"]["book"] == asdict(
        MovingBook()
    )
    assert len(pl.read_parquet(moving / "truth.parquet")) == 390
    states = pl.read_parquet(moving / "truth-states.parquet")
    assert states.columns == ["symbol", "date", "second", "spread", "depth"]
    assert states["second"].to_list() == list(range(390 * 60))
    quotes = load_day(str(tmp_path), "SIM0", DATE).quotes
    times = SessionCalendar().session(DATE).open_ns + states["second"].to_numpy() * 1_000_000_000
    rows = np.searchsorted(quotes["ts"].to_numpy(), times, side="right") - 1
    spread = ((quotes["ask_px_0"] - quotes["bid_px_0"]) / 0.01).round().cast(int).to_numpy()
    np.testing.assert_array_equal(spread[rows], states["spread"])
    assert len(set(states["spread"])) > 3


def test_a_replay_works_an_order_on_it(moving: Path, small_run: SmallRun, tmp_path: Path) -> None:
    text = (small_run.folder / "out/params.json").read_text(encoding="utf-8")
    params = tmp_path / "params.json"
    params.write_text(text.replace(json.loads(text)["valid"]["from"][:10], DATE), encoding="utf-8")
    done = impact(
        "replay", "--source", "databento", "--data", str(moving), "--params", str(params),
        "--symbol", "SIM0", "--shares", "2000", "--policy", "twap,rule", "--interval", "10s",
        "--start", "10:30", "--end", "11:30", "--json", str(tmp_path / "replay.json"),
        "--out", str(tmp_path / "out"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    twap = json.loads((tmp_path / "replay.json").read_text(encoding="utf-8"))
    (rule,) = twap["beside"]
    assert (twap["date"], twap["filled"], rule["filled"]) == (DATE, 2000, 2000)
    assert rule["parts_bps"]["spread"] < twap["parts_bps"]["spread"]


def test_the_book_is_checked_and_is_in_the_tape_s_key(tmp_path: Path) -> None:
    refused(
        impact("simulate", "--book", "still", "--out", str(tmp_path / "none")), "book", "moving"
    )
    urls = []
    for book in ("resting", "moving"):
        config = load_config(None, {"simulate": {"symbols": 1, "days": 1, "book": book}})
        assert (plan(tmp_path, config.simulate)[0].book is None) == (book == "resting")
        urls.append(find_tape(config, str(tmp_path / "out")).files[0].url)
    assert urls[0] != urls[1]
