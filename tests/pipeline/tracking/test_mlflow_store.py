"""What a run leaves in MLflow: nested runs, files, models that agree with params.json."""

import json
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from pipeline.parameters.schema import read_params
from pipeline.planning.order import stated_problem
from tests.pipeline.conftest import SmallRun

pytestmark = pytest.mark.xdist_group("end_to_end")


@pytest.fixture
def client(small_run: SmallRun) -> mlflow.MlflowClient:
    uri = f"sqlite:///{small_run.folder / 'mlruns/mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    return mlflow.MlflowClient(uri)


def first_run_tree(client: mlflow.MlflowClient, small_run: SmallRun) -> pd.DataFrame:
    runs = mlflow.search_runs(experiment_names=["impact"])
    own = runs["tags.run_id"] == small_run.result.results.params.run_id
    parent = runs.loc[own & (runs["tags.level"] == "run"), "run_id"].iloc[0]
    symbols = runs[runs["tags.mlflow.parentRunId"] == parent]
    models = runs[runs["tags.mlflow.parentRunId"].isin(symbols["run_id"])]
    return pd.concat([runs[runs["run_id"] == parent], symbols, models])


def test_one_parent_a_run_a_symbol_a_run_a_candidate(
    client: mlflow.MlflowClient, small_run: SmallRun
) -> None:
    tree = first_run_tree(client, small_run)
    assert tree["tags.level"].value_counts().to_dict() == {"run": 1, "symbol": 2, "model": 12}
    assert set(tree["status"]) == {"FINISHED"}
    parent = tree.iloc[0]
    assert parent["params.allocate.shares"] == "10000"
    assert parent["tags.data_hash"] == small_run.result.results.params.data_hash
    kept = {file.path for file in client.list_artifacts(parent["run_id"])}
    assert kept == {
        "config.json",
        "params.json",
        "params.parquet",
        "schedule.csv",
        "quality.csv",
        "report.html",
    }
    symbol = tree[tree["tags.level"] == "symbol"].iloc[0]
    run = client.get_run(symbol["run_id"])
    intervals = {f"law/k{end}" for end in ("", "_se", "_low", "_high", "_dof", "_bootstrap_error")}
    shrunk = {f"shrinkage/{name}_effective_dof" for name in ("k", "gamma", "log_alpha")}
    assert intervals | shrunk | {
        "fit/shown",
        "fit/least_child",
        "forecast/volume_day_ahead_coverage",
    } <= set(run.data.metrics)
    assert set(run.data.params) == {
        "symbol",
        "family",
        "route",
        "gamma_estimator",
    }  # numbers are metrics, once
    # no infinity in the database's clothes
    assert max(abs(value) for value in run.data.metrics.values()) < 1e300
    files = {file.path for file in client.list_artifacts(symbol["run_id"])}
    assert {
        "schedule.csv",
        "forecasters.csv",
        "families.csv",
        "shrinkage.csv",
        "alpha.png",
    } <= files


def test_artifacts_stay_in_mlruns(client: mlflow.MlflowClient, small_run: SmallRun) -> None:
    location = mlflow.get_experiment_by_name("impact").artifact_location
    assert location == (small_run.folder / "mlruns/artifacts").as_uri()


def test_each_symbols_winner_is_registered_with_a_signature(
    client: mlflow.MlflowClient, small_run: SmallRun
) -> None:
    for one in small_run.result.results.symbols:
        versions = client.search_model_versions(f"name='impact-{one.symbol}'")
        assert versions
        winner = one.selection.scores.loc[one.selection.scores["winner"], "candidate"].iloc[0]
        model = mlflow.pyfunc.load_model(f"models:/impact-{one.symbol}/1")
        assert model.metadata.signature is not None
        assert client.get_run(versions[-1].run_id).data.params["candidate"] == winner


def test_the_law_is_stored_as_json_and_predicts_what_the_solver_charges(
    client: mlflow.MlflowClient, small_run: SmallRun
) -> None:
    tree = first_run_tree(client, small_run)
    exported = tree[(tree["tags.exported"] == "True") & (tree["params.symbol"] == "SIM0")].iloc[0]
    logged = mlflow.search_logged_models(
        experiment_ids=[exported["experiment_id"]],
        filter_string=f"source_run_id = '{exported['run_id']}'",
        output_format="list",
    )
    folder = Path(mlflow.artifacts.download_artifacts(logged[0].artifact_location))
    assert not list(folder.rglob("*.pkl"))
    assert json.loads(next(folder.rglob("law.json")).read_text())["law"]["family"] == "spread_power"
    model = mlflow.pyfunc.load_model(logged[0].model_uri)
    asked = pd.DataFrame({"period": [0, 200, 389], "shares": [100.0, 2500.0, 7.0]})
    params = read_params(str(small_run.folder / "out/params.json"))
    order = small_run.config.allocate.model_copy(update={"slices": 1, "plan": "point"})
    law = stated_problem(params, "SIM0", order).law
    expected = [
        law.spread[period] * x + law.scale[period] * x ** float(law.exponent)
        for period, x in asked.itertuples(index=False)
    ]
    np.testing.assert_allclose(model.predict(asked), expected, rtol=1e-12)


def test_tracking_is_imported_by_one_file_only() -> None:
    code = "import sys, pipeline.run; assert 'mlflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
