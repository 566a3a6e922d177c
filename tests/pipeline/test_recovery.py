"""Ten simulated markets, tape to law: the planted k, beta and gamma come back."""

import json
from pathlib import Path

import pandas as pd
import pytest

from pipeline.engine.config import load_config
from pipeline.engine.job import open_job
from pipeline.stages.calibration.calibrate import CalibrateSettings, calibrate_symbol
from pipeline.stages.forecasting.forecast import forecast_symbol
from pipeline.stages.measuring.measurement import measure_days
from pipeline.tape.opening import find_tape, open_tape, simulate_tape


def recovered(seed: int, folder: Path) -> pd.DataFrame:
    """Return truth, estimate and standard error by parameter of one symbol's twenty days."""
    asked = {"simulate": {"symbols": 1, "days": 20, "seed": seed}}
    location = simulate_tape(load_config(None, asked), str(folder / "tape"))
    config = load_config(None, asked | {"data": {"source": "databento", "location": location}})
    with open_job(config, str(folder), 0) as job:
        tape = open_tape(job, find_tape(config, str(folder)))
        measured = measure_days(job, tape)
        forecasts = job.per_symbol("forecast", forecast_symbol, tape.scope, measured)
        settings = CalibrateSettings(tape.scope, None)
        laws = job.per_symbol("calibrate", calibrate_symbol, settings, measured, forecasts)
    table = laws["SIM0"].load().parameters.set_index("name")
    planted = json.loads((folder / "tape/truth.json").read_text())["symbols"]["SIM0"]
    return table.loc[["k", "beta", "gamma"]].assign(
        truth=[planted[name] for name in ("k", "beta", "gamma")]
    )


@pytest.mark.parametrize("seed", range(10))
def test_the_planted_law_comes_back(seed: int, tmp_path: Path) -> None:
    found = recovered(seed, tmp_path)
    miss = found["value"] - found["truth"]
    assert abs(miss["k"]) < 0.03
    assert abs(miss["beta"]) < 3 * found.loc["beta", "standard_error"]
    assert abs(miss["gamma"]) < 0.1 * found.loc["gamma", "truth"]
    assert found["standard_error"].gt(0).all()
