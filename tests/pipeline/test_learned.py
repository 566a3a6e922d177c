"""A learned curve all the way: tape, registry, parameter file, allocation, replay."""

import json
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from pipeline.engine.config import load_config
from pipeline.parameters.schema import read_params
from pipeline.planning.schedule import plan_order
from pipeline.replay.policies import Planned
from pipeline.run import run_pipeline
from solver import OrderTerms, evaluate, from_params, law_of, solve
from tests.pipeline.command import impact
from tests.pipeline.conftest import SmallRun, small_config

pytestmark = pytest.mark.xdist_group("end_to_end")


@pytest.fixture(scope="module")
def learned(small_run: SmallRun) -> Path:
    """Return the folder of a run that exports LightGBM's curve of one symbol."""
    folder = small_run.folder / "learned"
    folder.mkdir()
    data = {"symbols": ["SIM0"]}
    config = small_config(small_run.tape, learn={"export": "lightgbm"}, data=data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlruns/mlflow.db")
        run_pipeline(config, str(folder / "out"))
    return folder


def test_the_registry_answers_as_the_file_does(learned: Path) -> None:
    section = json.loads((learned / "out/params.json").read_text())["symbols"]["SIM0"]
    assert section["curves"]["learner"] == "lightgbm"
    mlflow.set_tracking_uri(f"sqlite:///{learned}/mlruns/mlflow.db")
    model = mlflow.pyfunc.load_model("models:/impact-SIM0/1")
    asked = pd.DataFrame({"period": [0, 7, 389, 7], "shares": [10.0, 800.0, 1e5, 0.0]})
    told = model.predict(asked)
    curve = law_of(section)
    expected = [
        curve.at([period]).cost(np.array([shares]))[0, 0]
        for period, shares in asked.itertuples(index=False)
    ]
    np.testing.assert_allclose(told, expected)
    assert told[3] == 0
    (run,) = mlflow.search_runs(
        search_all_experiments=True,
        filter_string="params.candidate = 'lightgbm'",
        output_format="list",
    )
    names = {one.name for one in mlflow.search_logged_models(output_format="list")
             if one.source_run_id == run.info.run_id}  # fmt: skip
    assert names == {"law", "lightgbm"}


def test_allocation_is_the_tables_optimum(learned: Path) -> None:
    file = str(learned / "out/params.json")
    params, order = read_params(file), load_config(None, {"allocate": {"shares": 4000}}).allocate
    order = order.model_copy(update={"lot": 100, "plan": "point"})
    schedule = plan_order(params, "SIM0", order)
    terms = OrderTerms(lot=100, plan="point")
    problem = from_params(json.loads(Path(file).read_text()), "SIM0", 4000, terms)
    best = solve(problem)
    costs = schedule.costs.set_index("method")
    assert costs.loc["optimal", "status"] == "OPTIMAL"
    assert costs.loc["optimal", "cost"] == pytest.approx(best.shortfall, rel=1e-9)
    for name in ("twap", "vwap", "qp", "dp"):  # in whole lots
        assert costs.loc[name, "cost"] >= costs.loc["optimal", "cost"] - 1e-9
    twap = schedule.plan["twap"].to_numpy(float)
    assert costs.loc["twap", "cost"] == pytest.approx(evaluate(problem, twap).shortfall)
    assert "learned_curve" in set(schedule.warnings["code"])
    bare = params.symbols["SIM0"].model_copy(update={"curves": None})
    law = plan_order(params.model_copy(update={"symbols": {"SIM0": bare}}), "SIM0", order)
    assert not np.array_equal(law.plan["optimal"], schedule.plan["optimal"])


def test_allocate_and_replay_need_the_file_alone(
    learned: Path, small_run: SmallRun, tmp_path: Path
) -> None:
    text = (learned / "out/params.json").read_text(encoding="utf-8")
    planned = json.loads(text)["valid"]["from"][:10]
    path = tmp_path / "params.json"
    path.write_text(text.replace(planned, "2025-01-08"), encoding="utf-8")
    done = impact("allocate", "--params", str(path), "--symbol", "SIM0", "--shares", "4000",
                  "--stale", "--lot", "100",
                  "--value-function", str(tmp_path / "v.parquet"))  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "lightgbm learned" in done.stdout
    done = impact(
        "replay", "--source", "databento", "--data", str(small_run.tape), "--params", str(path),
        "--symbol", "SIM0", "--shares", "4000", "--policy", "static,moment", "--interval", "120s",
        "--start", "10:30", "--end", "11:30",
        "--json", str(tmp_path / "replay.json"), "--out", str(small_run.folder / "out"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "replay.json").read_text())["filled"] == 4000


def test_even_costs_are_the_curves(learned: Path) -> None:
    params = read_params(str(learned / "out/params.json"))
    order = load_config(None, {"allocate": {"shares": 4000}}).allocate
    known = Planned(params, "SIM0", order)
    section = json.loads((learned / "out/params.json").read_text())["symbols"]["SIM0"]
    told = known.even_cost(known.starts[[3, 200]], 50.0)
    cost = law_of(section).cost(np.array([50.0]))[[3, 200], 0]
    np.testing.assert_allclose(told, cost / 50.0)
    law = known.law_at(known.starts[[3, 200]]).cost(50.0)
    assert (np.abs(cost / law - 1) > 1e-6).any()


def test_a_curve_that_does_not_fit_is_refused(learned: Path, tmp_path: Path) -> None:
    content = json.loads((learned / "out/params.json").read_text())
    content["symbols"]["SIM0"]["curves"]["ratio"].pop()
    (tmp_path / "params.json").write_text(json.dumps(content))
    done = impact("allocate", "--params", str(tmp_path / "params.json"), "--symbol", "SIM0",
                  "--stale", "--shares", "4000")  # fmt: skip
    assert done.returncode == 2
    assert "one row a period" in done.stderr
