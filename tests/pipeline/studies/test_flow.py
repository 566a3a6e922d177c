"""The flow route over whole tapes: simulated ones with known impact, and the vendor's samples."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.engine.config import Config, load_config
from pipeline.engine.data_read import DataRead
from pipeline.engine.errors import InputError
from pipeline.engine.scope import Scope
from pipeline.studies.flow import (
    FlowCalibration,
    FlowRequest,
    SymbolTask,
    calibrate_flow,
    fit_symbol,
)
from pipeline.studies.flow_report import content, estimators, report_text
from pipeline.tape.ingest import SOURCES


def config(location: Path, source: str = "databento", **data: object) -> Config:
    return load_config(
        None,
        {"data": {"source": source, "location": str(location)} | data, "executor": {"workers": 0}},
    )


@pytest.fixture(scope="module")
def flows(small_tape: Path, tmp_path_factory: pytest.TempPathFactory) -> FlowCalibration:
    """Return the flow route over the simulated tape, in periods of one minute."""
    return calibrate_flow(FlowRequest(str(tmp_path_factory.mktemp("flow"))), config(small_tape))


def test_planted_gamma_is_found_in_both_symbols(flows: FlowCalibration, small_tape: Path) -> None:
    truth = json.loads((small_tape / "truth.json").read_text())["symbols"]
    for one in flows.symbols:
        gamma = truth[one.symbol]["gamma"]
        assert (one.days, one.periods) == (3, 1170)
        assert abs(one.permanent.estimate - gamma) < 3 * one.permanent.standard_error
        assert abs(one.permanent.kyle.estimate - gamma) < 3 * one.permanent.kyle.standard_error
        assert one.permanent.standard_error < 0.3 * gamma
        assert abs(one.shrunk.common - gamma) < 3 * one.shrunk.common_error
        assert one.best.slope.estimate > 0
        assert one.integrated.weights.shape == (10,)


def test_the_table_of_the_day_holds_every_half_hour(flows: FlowCalibration) -> None:
    times = flows.symbols[0].times
    assert list(times["time"]) == [
        f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(570, 960, 30)
    ]
    assert (times["days"] == 3).all()
    assert times.notna().all().all()
    drawn = (times["shrunk"] - times["gamma"]) / (flows.symbols[0].shrunk.common - times["gamma"])
    assert drawn.to_numpy() == pytest.approx(1 - times["weight"].to_numpy())
    stays = flows.symbols[0].permanent.gamma / flows.symbols[0].shrunk.common
    assert (times["permanent"] / times["shrunk"]).to_numpy() == pytest.approx(np.full(13, stays))


def test_text_and_json_carry_every_estimate_with_its_unit(flows: FlowCalibration) -> None:
    written = json.loads(json.dumps(content(flows), allow_nan=False))
    text = report_text(flows)
    for one in flows.symbols:
        table = estimators(one)
        assert table["name"].is_unique
        assert set(table["unit"]) == {
            "currency / share^2",
            "currency / share per share of imbalance",
        }
        part = written["symbols"][one.symbol]
        for row, found in zip(part["estimators"], table.itertuples(), strict=True):
            assert row["value"] == found.value
            assert f"{found.value:.4g}" in text
            module, name = found.source.rsplit(".", 1)
            assert __import__(module, fromlist=[name]).__dict__[name].__doc__.count("Source:") == 1
        assert part["gamma"]["value"] == one.permanent.gamma
        assert len(part["times"]) == 13
        assert part["shrinkage"]["effective_degrees_of_freedom"] == one.shrunk.effective
        assert part["windows"] == {"fitted": 39, "excluded": 0}


def test_nothing_after_as_of_is_used(
    small_tape: Path, flows: FlowCalibration, tmp_path: Path
) -> None:
    cut = tmp_path / "cut"
    shutil.copytree(small_tape, cut)
    last = list(cut.rglob("*20250108*"))  # the third session of three
    assert len(last) == 2
    for path in last:
        path.unlink()
    until = calibrate_flow(
        FlowRequest(str(tmp_path / "a")), config(small_tape, as_of="2025-01-08T09:30")
    )
    without = calibrate_flow(FlowRequest(str(tmp_path / "b")), config(cut))
    assert content(until) == content(without)
    assert content(until) != content(flows)


def test_a_window_needs_periods(small_tape: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"^period_seconds = 300: a window of 1800 s holds fewer than 10 periods"
    ):
        calibrate_flow(FlowRequest(str(tmp_path)), config(small_tape, period_seconds=300))


def periods(n: int = 390) -> pd.DataFrame:
    """Return periods of one level as `past_periods` gives them, without signed volume."""
    rng = np.random.default_rng(2)
    imbalance = 500 * rng.standard_normal(n)
    mid = 100 + np.cumsum(1e-5 * imbalance + 0.001 * rng.standard_normal(n))
    return pd.DataFrame(
        {
            "date": "2025-01-06",
            "period": np.arange(n),
            "start": 1736173800 * 10**9 + np.arange(n) * 60 * 10**9,
            "stretch": 0,
            "mid_open": np.append(100, mid[:-1]),
            "mid_close": mid,
            "flow": 0.0,
            "ofi_0": imbalance,
            "depth_bid_0": 400.0,
            "depth_ask_0": 600.0,
        }
    )


READ = DataRead("f", "2025-01-06", "2025-01-07", 2)
TASK = SymbolTask(
    "X", (), Scope(0, "", 0, "", 0, (), 0, 390, 60, 13, 0.25), 1800, "America/New_York"
)


def test_a_tape_without_sides_of_trades_still_has_its_imbalance() -> None:
    one = fit_symbol(READ, periods(), TASK)
    assert one.permanent.gamma == 0
    assert one.best.slope.estimate == pytest.approx(1e-5, rel=0.05)
    assert (one.joint, one.shrunk, one.integrated) == (None, None, None)
    found = FlowCalibration("taq", 60, 1800, (one,))
    text = report_text(found)
    assert "gamma_not_identified: signed volume is the same in every period" in text
    part = content(found)["symbols"]["X"]
    assert part["shrinkage"] is None
    assert {row["name"] for row in part["estimators"]} == {"kyle", "imbalance_best"}
    json.dumps(content(found), allow_nan=False)


def test_a_symbol_with_nothing_to_fit_is_refused() -> None:
    still = periods().assign(mid_open=100.0, mid_close=100.0)
    with pytest.raises(ValueError, match="window: none of 13"):
        fit_symbol(READ, still, TASK)
    with pytest.raises(ValueError, match="window: none of 1"):
        fit_symbol(READ, periods(9), replace(TASK, symbol="Y"))


@pytest.mark.xdist_group("real")
def test_vendor_samples_give_the_published_kind_of_figures(real_data: Path, tmp_path: Path) -> None:
    found = calibrate_flow(
        FlowRequest(str(tmp_path)), config(real_data / "lobster", "lobster", period_seconds=10)
    )
    aapl, amzn = found.symbols
    assert (aapl.symbol, amzn.symbol) == ("AAPL", "AMZN")
    for one, best, trades in (
        (amzn, 0.53, 0.36),
        (aapl, 0.51, 0.33),
    ):  # mean R2 over the half-hours
        assert one.times["r2_imbalance"].mean() == pytest.approx(best, abs=0.01)
        assert one.times["r2_volume"].mean() == pytest.approx(trades, abs=0.02)
        assert len(one.times) == 13
        assert one.permanent.estimator == "hasbrouck"
        assert 2 * one.permanent.standard_error < one.permanent.gamma < one.permanent.kyle.gamma
        assert 0 < one.permanent.kyle.standard_error < one.permanent.kyle.estimate / 3
    assert (amzn.integrated.r2 > amzn.best.r2).all()
    assert amzn.times["r2_integrated"].mean() > amzn.times["r2_imbalance"].mean() + 0.15
    assert np.nanmean(amzn.integrated.r2_next) > np.nanmean(amzn.best.r2_next)
    assert aapl.integrated is None
    slower = calibrate_flow(
        FlowRequest(str(tmp_path)), config(real_data / "lobster", "lobster", period_seconds=60)
    )
    for one, other in zip(
        found.symbols, slower.symbols, strict=True
    ):  # the part that lasts does not depend on it
        apart = abs(one.permanent.estimate - other.permanent.estimate)
        assert apart < 2 * np.hypot(one.permanent.standard_error, other.permanent.standard_error)


@pytest.mark.xdist_group("real")
def test_ibm_ticks_give_the_published_means(real_data: Path, tmp_path: Path) -> None:
    if "lean" not in SOURCES:
        pytest.skip("no reader of LEAN tick zips in this version")
    found = calibrate_flow(
        FlowRequest(str(tmp_path)), config(real_data / "lean_ibm/tick", "lean", period_seconds=10)
    )
    (ibm,) = found.symbols
    assert (ibm.days, ibm.n_windows, ibm.n_windows_excluded) == (5, 65, 0)
    assert ibm.best.r2.mean() == pytest.approx(
        0.65, abs=0.05
    )  # Cont, Kukanov, Stoikov 2014, mean of 50 stocks
    assert ibm.times["r2_volume"].mean() == pytest.approx(0.32, abs=0.1)
    assert 3 * ibm.permanent.standard_error < ibm.permanent.gamma < ibm.permanent.kyle.gamma
