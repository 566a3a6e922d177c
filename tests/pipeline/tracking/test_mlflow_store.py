"""What a run leaves in MLflow: nested runs in words and numbers, tables, data, models."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from pipeline.engine.commit import CHECKOUT, code_commit
from pipeline.parameters.schema import read_params
from pipeline.planning.order import stated_problem
from pipeline.report.publish import run_record
from pipeline.stages.selection.select import LAWS, LEARNED
from pipeline.tracking.connection import tracking_uri
from pipeline.tracking.handover import track_study
from pipeline.tracking.process import PROCESS_TAG, is_gone, this_process
from pipeline.tracking.record import ModelRecord, Record
from tests.pipeline.conftest import SmallRun

pytestmark = pytest.mark.xdist_group("end_to_end")
NOTE = "mlflow.note.content"
GROUPS = {
    "cost_bps",
    "risk_bps",
    "saving_bps",
    "deviance",
    "regret_bps",
    "law",
    "forecast",
    "coverage",
    "quality",
    "by_time",
}


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
    models = 2 * len((*LAWS, *LEARNED))
    assert tree["tags.level"].value_counts().to_dict() == {"run": 1, "symbol": 2, "model": models}
    assert set(tree["status"]) == {"FINISHED"}
    parent = tree.iloc[0]
    assert parent["params.allocate.shares"] == "10000"
    assert parent["tags.data_hash"] == small_run.result.results.params.data_hash
    kept = {file.path for file in client.list_artifacts(parent["run_id"])}
    assert {"config.json", "params.json", "params.parquet", "schedule.csv", "quality.csv"} <= kept
    assert {"symbols.json", "quality.json", "stages.json", "report.html"} <= kept
    symbol = tree[tree["tags.level"] == "symbol"].iloc[0]
    assert set(client.get_run(symbol["run_id"]).data.params) == {
        "symbol",
        "window",
        "family",
        "route",
        "gamma_estimator",
        "chosen_by",
        "chosen_why",
    }  # numbers are metrics, once
    files = {file.path for file in client.list_artifacts(symbol["run_id"])}
    assert {"schedule.json", "forecasters.json", "families.json", "fit.json"} <= files


def test_the_experiment_opens_on_runs_and_says_what_they_are(client: mlflow.MlflowClient) -> None:
    tags = client.get_experiment_by_name("impact").tags
    assert tags["mlflow.experimentKind"] == "custom_model_development"
    assert "cost_bps" in tags[NOTE]


def test_every_run_has_words_few_metrics_a_time_its_data_and_its_code(
    client: mlflow.MlflowClient, small_run: SmallRun
) -> None:
    now = 1000 * time.time()
    for run_id in first_run_tree(client, small_run)["run_id"]:
        run = client.get_run(run_id)
        assert len(run.data.tags[NOTE]) > 60
        metrics = run.data.metrics
        assert 0 < len(metrics) <= 40
        assert {name.partition("/")[0] for name in metrics} <= GROUPS
        assert all("/" in name for name in metrics)
        assert max(abs(value) for value in metrics.values()) < 1e300  # no infinity in disguise
        for name in metrics:
            (latest, *_) = client.get_metric_history(run_id, name)
            assert now - 3.6e6 < latest.timestamp <= now
        (data, *_) = run.inputs.dataset_inputs
        profile = json.loads(data.dataset.profile)
        assert profile["fingerprint"].startswith(data.dataset.digest)
        assert (profile["first"], profile["last"]) == ("2025-01-06", "2025-01-08")
        assert pd.Timestamp(run.info.run_name.rpartition(", ")[2], tz="UTC").year > 2025
        assert "2025-01-06..2025-01-08" in run.info.run_name
        assert run.data.tags["mlflow.source.git.commit"] == code_commit()


def test_levels_share_names_and_the_run_has_their_means(
    client: mlflow.MlflowClient, small_run: SmallRun
) -> None:
    tree = first_run_tree(client, small_run)
    runs = {
        level: [client.get_run(run_id).data.metrics for run_id in rows["run_id"]]
        for level, rows in tree.groupby("tags.level")
    }
    (whole,), (one, other) = runs["run"], runs["symbol"]
    steps = {name for name in one if name.startswith("by_time/")}
    assert set(one) - steps == set(whole) - {"quality/symbols", "quality/rows_touched"}
    assert whole["cost_bps/optimal"] == pytest.approx(
        (one["cost_bps/optimal"] + other["cost_bps/optimal"]) / 2
    )
    for metrics in runs["model"]:
        assert set(metrics) < set(one)
    symbol = tree[tree["tags.level"] == "symbol"].iloc[0]["run_id"]
    shares = client.get_metric_history(symbol, "by_time/plan_shares")
    hours = [100 * hour + minute for hour in range(10, 16) for minute in (0, 30)]
    assert [each.step for each in shares] == [930, *hours]
    assert sum(each.value for each in shares) == 10_000


def test_artifacts_stay_beside_the_database(
    client: mlflow.MlflowClient, small_run: SmallRun
) -> None:
    location = mlflow.get_experiment_by_name("impact").artifact_location
    assert location == (small_run.folder / "mlruns/artifacts").as_uri()


def test_the_store_is_the_checkouts_wherever_the_command_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    assert tracking_uri() == f"sqlite:///{CHECKOUT / 'mlruns/mlflow.db'}"


def test_each_symbol_has_one_model_of_one_schema_with_alias_tags_and_words(
    client: mlflow.MlflowClient, small_run: SmallRun
) -> None:
    tree = first_run_tree(client, small_run).set_index("run_id")
    for one in small_run.result.results.symbols:
        found = client.get_model_version_by_alias(f"impact-{one.symbol}", "champion")
        assert found.version == "1" or found.version == 1
        assert found.tags["window"] == "2025-01-06..2025-01-08"
        assert {"family", "deviance_held_out", "cost_bps_optimal", "caveats"} <= set(found.tags)
        assert "To buy 10,000 shares" in found.description
        assert tree.loc[found.run_id, "tags.exported"] == "True"
        model = mlflow.pyfunc.load_model(f"models:/impact-{one.symbol}@champion")
        assert model.metadata.get_input_schema().input_names() == ["period", "shares"]


def test_the_law_is_stored_as_json_and_predicts_what_the_solver_charges(
    client: mlflow.MlflowClient, small_run: SmallRun
) -> None:
    folder = Path(mlflow.artifacts.download_artifacts("models:/impact-SIM0@champion"))
    assert not list(folder.rglob("*.pkl"))
    assert json.loads(next(folder.rglob("law.json")).read_text())["law"]["family"] == "spread_power"
    model = mlflow.pyfunc.load_model("models:/impact-SIM0@champion")
    asked = pd.DataFrame({"period": [0, 200, 389], "shares": [100.0, 2500.0, 7.0]})
    params = read_params(str(small_run.folder / "out/params.json"))
    order = small_run.config.allocate.model_copy(update={"slices": 1, "plan": "point"})
    law = stated_problem(params, "SIM0", order).law
    expected = [
        law.spread[period] * x + law.scale[period] * x ** float(law.exponent)
        for period, x in asked.itertuples(index=False)
    ]
    np.testing.assert_allclose(model.predict(asked), expected, rtol=1e-12)
    whole = asked.astype({"shares": "int64"})
    np.testing.assert_allclose(model.predict(whole), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("period", "shares", "said"),
    [
        (390, 100, "period 390: the law covers periods 0 to 389"),
        (0, -5, "shares -5 in row 0: give a number of 0 or more"),
        (0, "many", "shares many in row 0: give a number of 0 or more"),
        (0, None, "give a number of 0 or more"),
    ],
)
def test_the_registered_law_answers_wrong_input_with_one_line(
    client: mlflow.MlflowClient, period: int, shares: object, said: str
) -> None:
    model = mlflow.pyfunc.load_model("models:/impact-SIM0@champion")
    with pytest.raises(ValueError, match=said) as raised:
        model.predict(pd.DataFrame({"period": [period], "shares": [shares]}))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("e-", "e+", "not as it was logged"),
        ("impact-params/2", "impact-params/9", "not as it was logged"),
    ],
)
def test_a_damaged_model_is_refused(
    client: mlflow.MlflowClient, tmp_path: Path, old: str, new: str, said: str
) -> None:
    folder = Path(
        mlflow.artifacts.download_artifacts("models:/impact-SIM0@champion", dst_path=str(tmp_path))
    )
    law = next(folder.rglob("law.json"))
    law.write_text(law.read_text().replace(old, new, 1))
    with pytest.raises(ValueError, match=said):
        mlflow.pyfunc.load_model(str(folder))


def test_a_law_of_another_schema_or_with_a_gap_is_refused() -> None:
    from pipeline.parameters.registered_law import CalibratedLaw

    with pytest.raises(ValueError, match="schema impact-params/1"):
        CalibratedLaw().read({"schema": "impact-params/1"})
    with pytest.raises(ValueError, match="'law' is missing"):
        CalibratedLaw().read({"schema": "impact-params/2", "periods": []})


def tracked(record: Record) -> None:
    """Track a record, which must not be left to wait."""
    assert not track_study(record, "impact").said


def small_record(identity: str, content: bytes) -> Record:
    """Return a record with a law to register, made by hand."""
    model = ModelRecord("law", "law", content, registered="impact-X", description="why")
    return Record(name="run", description="said", identity=identity, models=(model,))


def test_an_equal_run_says_so_and_adds_no_version(own_mlflow: Path) -> None:
    law = json.dumps({"schema": "impact-params/2", "law": {}, "periods": []}).encode()
    for identity, content in (("a", law), ("a", law), ("b", law), ("c", law + b" ")):
        tracked(small_record(identity, content))
    client = mlflow.MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
    runs = client.search_runs([client.get_experiment_by_name("impact").experiment_id])
    fourth, third, second, first = runs
    assert second.data.tags[NOTE] == "Nothing changed since run. said"
    assert second.data.tags["unchanged_since"] == first.info.run_id
    assert [run.data.tags[NOTE] for run in (first, third, fourth)] == ["said"] * 3
    assert third.data.tags["registered_version"] == "impact-X 1"  # another run, the same law
    versions = client.search_model_versions("name='impact-X'")
    assert sorted(int(one.version) for one in versions) == [1, 2]
    aliases = client.get_registered_model("impact-X").aliases
    assert {name: int(number) for name, number in aliases.items()} == {
        "champion": 1,
        "challenger": 2,
    }


def test_the_whole_runs_record_knows_its_equal(small_run: SmallRun) -> None:
    results = small_run.result.results
    one, other = (run_record(results, each, ()) for each in ({}, {"report.html": b"later"}))
    assert one.identity == other.identity


def test_a_run_whose_process_is_gone_is_marked_killed(own_mlflow: Path) -> None:
    tracked(Record(name="before"))
    client = mlflow.MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
    experiment = client.get_experiment_by_name("impact").experiment_id
    left = {
        name: client.create_run(experiment, tags={PROCESS_TAG: process}).info.run_id
        for name, process in {
            "gone": json.dumps(json.loads(this_process()) | {"started": 1.0}),
            "alive": this_process(),
            "elsewhere": json.dumps({"host": "another", "pid": 1, "started": 1.0}),
            "unknown": "",
        }.items()
    }
    tracked(Record(name="after"))
    status = {name: client.get_run(run_id).info.status for name, run_id in left.items()}
    assert status == {
        "gone": "KILLED",
        "alive": "RUNNING",
        "elsewhere": "RUNNING",
        "unknown": "RUNNING",
    }


def test_a_process_that_ended_is_gone() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert is_gone(json.dumps(json.loads(this_process()) | {"pid": ended.pid}))
    assert not is_gone(this_process())


def test_tracking_is_imported_by_one_room_only() -> None:
    code = "import sys, pipeline.run; assert 'mlflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
