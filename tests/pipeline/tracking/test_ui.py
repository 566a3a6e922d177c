"""MLflow's pages answer which candidate saves money: Chromium opens, compares and finds."""

from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from tests.pipeline.command import impact
from tests.pipeline.conftest import SmallRun

pages = pytest.importorskip("benchmarks.mlflow_pages", reason="playwright is not installed")

pytestmark = [
    pytest.mark.xdist_group("end_to_end"),
    pytest.mark.skipif(
        pages.chromium() is None, reason="no browser: apt-get install -y chromium (Debian)"
    ),
]
FAMILIES = ("linear", "square_root", "static")


@pytest.fixture(scope="module")
def store(small_run: SmallRun) -> str:
    """Return the small run's store with an evaluation of three families in it."""
    uri = f"sqlite:///{small_run.folder / 'mlruns/mlflow.db'}"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MLFLOW_TRACKING_URI", uri)
        done = impact(
            "evaluate", "--source", "databento", "--data", str(small_run.tape), "--symbols",
            "SIM0", "--candidates", ",".join(FAMILIES), "--sizes", "1", "--interval", "600s",
            "--out", str(small_run.folder / "out"), cwd=small_run.folder,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return uri


@pytest.fixture(scope="module")
def address(store: str) -> Iterator[str]:
    """Return where the store is served."""
    with pages.served(store) as found:
        yield found


def test_three_families_are_compared_by_regret_and_cost_with_plots(
    store: str, address: str, tmp_path: Path
) -> None:
    client = mlflow.MlflowClient(store)
    experiment = client.get_experiment_by_name("impact-evaluations")
    runs = client.search_runs([experiment.experiment_id], "tags.level = 'candidate'")
    metrics = {run.data.params["candidate"]: run.data.metrics for run in runs}
    with pages.browsed() as page:
        pages.open_runs(page, address, experiment.experiment_id)
        page.get_by_text("Evaluations: candidates worked on tape").first.wait_for()
        said = page.inner_text("body")
        assert "Model registry" in said  # it opened on model training
        assert "Agent versions" not in said
        pages.compare_runs(page, FAMILIES)
        told = page.inner_text("body")
        assert "Comparing 3 Runs" in told
        for plot in ("Parallel Coordinates Plot", "Scatter Plot", "Box Plot", "Contour Plot"):
            assert plot in told
        for name in ("regret_bps/1_percent", "cost_bps/1_percent", "saving_bps/1_percent"):
            assert name in told
            for family in FAMILIES:
                assert f"{round(metrics[family][name], 3):g}" in told
        pages.picture(page, tmp_path / "compare.png", (0, 0, 1100, 900))
    assert (tmp_path / "compare.png").stat().st_size < 100_000


def test_a_registered_model_shows_alias_and_verdict(store: str, address: str) -> None:
    version = mlflow.MlflowClient(store).get_model_version_by_alias("impact-SIM0", "champion")
    with pages.browsed() as page:
        pages.open_model(page, address, "impact-SIM0")
        told = " ".join(page.inner_text("body").split())
        assert "@ champion" in told
        assert version.tags["verdict"] in told
        assert version.description[:20] in told
