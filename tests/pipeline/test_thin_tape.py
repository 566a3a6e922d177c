"""A thin symbol from its file to its plan: zeros are data."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.engine.sessions import SessionCalendar
from tests.pipeline.command import impact, refused

pytestmark = pytest.mark.xdist_group("end_to_end")
LEVELS = 5


def thin_tape(path: Path, traded: int, seed: int = 0, moves: float = 0.3) -> pd.DataFrame:
    """Write a day of MBP rows whose first half trades in so many minutes; return its minutes.

    The second half has a trade in every seventeenth; the mid moves in some minutes alone.
    """
    rng = np.random.default_rng(seed)
    session = SessionCalendar().session("2025-01-06")
    quotes = session.open_ns + 10**9 + np.arange(390 * 6) * 10 * 10**9
    moved = rng.random(390) < moves
    mid = 5000 + np.cumsum(np.repeat(moved, 6) * rng.integers(-2, 3, 390 * 6))  # cents
    half = rng.integers(1, 4, 390 * 6)
    minutes = np.concatenate([rng.choice(195, traded, replace=False), 195 + np.arange(8, 195, 17)])
    shares = np.round(rng.lognormal(4.2, 0.8, len(minutes)))
    at = np.sort(minutes) * 6 + 3
    rows = pd.DataFrame(
        {"ts_event": quotes, "action": "A", "side": "N", "price": np.nan, "size": 0}
    )
    prints = rows.iloc[at].assign(
        ts_event=quotes[at] + 10**9,
        action="T",
        side=np.where(rng.random(len(at)) < 0.5, "B", "A"),
        price=mid[at] / 100,
        size=shares,
    )
    book = np.concatenate([np.arange(390 * 6), at])
    frame = pd.concat([rows, prints], ignore_index=True)
    for level in range(LEVELS):
        size = np.round(rng.lognormal(5, 0.3, 390 * 6) * (1 + level))
        frame[f"bid_px_0{level}"] = ((mid - half - level) / 100)[book]
        frame[f"ask_px_0{level}"] = ((mid + half + level) / 100)[book]
        frame[f"bid_sz_0{level}"], frame[f"ask_sz_0{level}"] = size[book], size[::-1][book]
    frame = frame.sort_values("ts_event", kind="stable", ignore_index=True).assign(symbol="THIN")
    frame["price"] = frame["price"].fillna(frame["bid_px_00"])
    frame.to_parquet(path)
    volume = np.bincount(np.sort(minutes), shares, 390)
    return pd.DataFrame({"volume": volume, "moved": moved})


def run(folder: Path, tape: Path, *options: str):
    return impact("run", "--source", "databento", "--data", str(tape), *options, cwd=folder)


def test_a_morning_of_eleven_trades_forecasts_an_afternoon_of_about_as_many(
    tmp_path: Path, own_mlflow: Path
) -> None:
    minutes = thin_tape(tmp_path / "thin.parquet", 11)
    morning, afternoon = minutes["volume"][:195].sum(), minutes["volume"][195:].sum()
    done = run(own_mlflow, tmp_path / "thin.parquet", "--shares", "100", "--out", "out")
    assert done.returncode == 0, done.stderr
    told = json.loads((own_mlflow / "out/params.json").read_text())["symbols"]["THIN"]
    volume = pd.DataFrame(told["periods"])["volume"]
    low, high = told["volume_total"]["interval"]
    assert volume.sum() == pytest.approx(told["volume_total"]["expected"])
    assert volume.sum() == pytest.approx(morning, rel=0.25)  # half a day after half a day
    assert low < afternoon < high < 5 * morning
    periods = pd.DataFrame(told["periods"])
    assert 0.5 < periods["liquidity"].mean() < 2
    assert {"zero_periods", "too_thin"} <= {each["code"] for each in told["warnings"]}
    schedule = pd.read_csv(own_mlflow / "out/schedule.csv")
    share = 0.2 * schedule["volume"].cumsum()
    assert (schedule["optimal"].cumsum() <= share + 1e-9).all()
    assert schedule["optimal"].sum() == 100
    # no more than the cap allows of what is forecast, which is about what comes
    most = int(0.21 * volume.sum())
    refused(
        run(own_mlflow, tmp_path / "thin.parquet", "--shares", str(most), "--out", "out"),
        "--max-participation",
    )


def test_a_symbol_without_trades_enough_is_refused_by_name(tmp_path: Path) -> None:
    thin_tape(tmp_path / "thin.parquet", 2)
    refused(
        run(tmp_path, tmp_path / "thin.parquet", "--shares", "100", "--out", "out"),
        "THIN",
        "2 of 195 periods traded",
        "--symbols",
    )
    assert not (tmp_path / "out/params.json").exists()
