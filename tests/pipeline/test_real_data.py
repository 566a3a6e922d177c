"""Real tapes as the vendors ship them, through the whole pipeline; skipped where absent."""

import json
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.beyond_depth import of_tape, opened
from pipeline.engine.config import load_config
from pipeline.run import run_pipeline

pytestmark = pytest.mark.xdist_group("real")


def test_lobster_zips_calibrate_and_schedule_both_symbols(
    real_data: Path, own_mlflow: Path
) -> None:
    config = load_config(
        None,
        {
            "data": {"source": "lobster", "location": str(real_data / "lobster")},
            "allocate": {"shares": 5000},
            "learn": {"trees": 20},
        },
    )
    run_pipeline(config, "out")
    params = json.loads((own_mlflow / "out/params.json").read_text())["symbols"]
    assert sorted(params) == ["AAPL", "AMZN"]
    for symbol, one in params.items():
        warned = {warning["code"].split("_")[0] for warning in one["warnings"]}
        for name, error in one["standard_errors"].items():
            assert (error is not None and error > 0) or name in warned, (symbol, name)
        assert one["law"]["gamma"] > 0
    assert params["AMZN"]["law"]["family"] == "spread_power"
    assert 1.1 < params["AMZN"]["law"]["k"] < 3
    # one level of depth shows no walk beyond the best price
    assert params["AAPL"]["law"]["family"] == "linear"
    schedule = pd.read_csv(own_mlflow / "out/schedule.csv")
    assert schedule.groupby("symbol")["optimal"].sum().to_dict() == {"AAPL": 5000, "AMZN": 5000}
    assert (
        schedule.loc[schedule["symbol"] == "AAPL", "optimal"].max()
        <= params["AAPL"]["reference"]["depth_shares"]
    )
    quality = pd.read_csv(own_mlflow / "out/quality.csv").set_index(["symbol", "rule"])["rows"]
    assert quality["AMZN", "long_decimals"] == 1
    assert quality["AAPL", "undirected_trade"] == 11_332  # type 5 in the vendor's file


@pytest.mark.parametrize("levels", [4, 3])
def test_a_lobster_day_cut_to_fewer_levels_foretells_the_walks_of_the_others(
    real_data: Path, levels: int
) -> None:
    """The light form of `python -m benchmarks.beyond_depth`: nominal 95 %."""
    days, calendar, scope = opened("lobster", str(real_data / "lobster"), "AMZN", 1)
    looked = of_tape(days, calendar, scope, levels)
    assert looked.multiple.min() > 1
    assert 0.9 <= looked.covered <= 0.99
    assert looked.width <= 1.5
