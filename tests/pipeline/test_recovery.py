"""Ten simulated markets, tape to law: the planted k, beta and gamma come back."""

import json
from pathlib import Path

import pandas as pd
import pytest

from pipeline.engine.config import load_config
from pipeline.engine.executor import Executor
from pipeline.engine.job import Job, ingest_files
from pipeline.engine.scope import make_scope
from pipeline.engine.sessions import SessionCalendar
from pipeline.engine.store import Store
from pipeline.run import calibrate_symbols, simulate_tape
from pipeline.tape.days import discover


def recovered(seed: int, folder: Path) -> pd.DataFrame:
    """Return truth, estimate and standard error by parameter of one symbol's twenty days."""
    config = load_config(None, {"simulate": {"symbols": 1, "days": 20, "seed": seed}})
    tape = simulate_tape(config, str(folder / "tape"))
    with Executor() as executor:
        job = Job(config, "databento", Store(str(folder / "cache")), SessionCalendar(), executor)
        days, _ = ingest_files(job, discover("databento", tape))
        works = calibrate_symbols(
            job, days, make_scope([day.date for day in days], job.calendar, config)
        )
    table = works[0].laws[0].load().parameters.set_index("name")
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
